#include "labctl/image/signed_list.h"

#include <fmt/core.h>

#include <optional>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"

namespace labctl::image {
namespace {

constexpr std::uint64_t largest = 16u << 20;  // of a list, a signature and a keyring
constexpr std::string_view clear_signed = "-----BEGIN PGP SIGNED MESSAGE-----";
constexpr std::string_view armored_key = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
constexpr std::string_view end_of_key = "-----END PGP PUBLIC KEY BLOCK-----";
constexpr std::string_view status_mark = "[GNUPG:] ";

std::size_t lines_that_begin(const std::string& text, std::string_view with) {
  std::size_t count = 0;
  for (const auto& line : split(text, '\n')) count += line.starts_with(with) ? 1 : 0;
  return count;
}

tl::unexpected<Error> damaged_armor(const fs::path& file) {
  return input_error("is not a keyring: its armor is damaged", file.string(),
                     "fetch the vendor's keys again");
}

// The bytes of armored keys, because gpgv reads keyrings in binary only. Header lines, the checksum line and
// what stands around the blocks are not of them.
Result<std::string> without_armor(const std::string& text, const fs::path& file) {
  std::string bytes, block;
  enum class At { outside, headers, body } at = At::outside;
  for (const auto& raw : split(text, '\n')) {
    const auto line = trim(raw);
    if (line == armored_key) {
      at = At::headers;
      block.clear();
    } else if (at == At::headers) {
      if (line.empty()) at = At::body;
    } else if (at == At::body && line == end_of_key) {
      auto decoded = base64_decode(block, largest);
      if (!decoded) return damaged_armor(file);
      bytes += *decoded;
      at = At::outside;
    } else if (at == At::body && !line.starts_with('=')) {
      block += line;
    }
  }
  if (bytes.empty() || at != At::outside) return damaged_armor(file);
  return bytes;
}

Status copy_keyring(const fs::path& from, const fs::path& to) {
  auto bytes = read_file(from, largest);
  if (!bytes) return fail(bytes.error());
  if (bytes->find(armored_key) == bytes->npos) return write_file(to, *bytes);
  auto keys = without_armor(*bytes, from);
  return keys ? write_file(to, *keys) : fail(keys.error());
}

// Which file has the signature of a list that has none in itself.
Result<fs::path> signature_of(const SignedListOrder& order) {
  if (!order.signature.empty()) return order.signature;
  std::error_code none;
  for (const char* ending : {".sign", ".gpg", ".asc", ".sig"})
    if (const fs::path beside = order.list.string() + ending; fs::is_regular_file(beside, none))
      return beside;
  return input_error("is not signed, and there is no signature beside it", order.list.string(),
                     "fetch the vendor's .sign, .gpg, .asc or .sig of it too, or name it with --signature");
}

// What gpgv says for programs, of all signatures that it was shown.
struct Told {
  std::string signer;                                             // the fingerprint of a good signature's key
  std::string bad, expired_signature, expired, revoked, unknown;  // key ids
  bool damaged = false;
};

Told told_by(const std::string& output) {
  Told told;
  bool good = false;
  for (const auto& line : split(output, '\n')) {
    if (!line.starts_with(status_mark)) continue;
    const auto words = split(trim(std::string_view(line).substr(status_mark.size())), ' ');
    const std::string key = words.size() > 1 ? words[1] : "";
    if (words.front() == "VALIDSIG") {
      if (good) told.signer = key;
      continue;
    }
    good = words.front() == "GOODSIG";
    if (words.front() == "BADSIG") told.bad = key;
    if (words.front() == "EXPSIG") told.expired_signature = key;
    if (words.front() == "EXPKEYSIG") told.expired = key;
    if (words.front() == "REVKEYSIG") told.revoked = key;
    if (words.front() == "NO_PUBKEY") told.unknown = key;
    if (words.front() == "ERROR" || words.front() == "UNEXPECTED") told.damaged = true;
  }
  return told;
}

// Why a list is refused; nothing when one key of the keyring has signed it and no signature speaks against
// it. A vendor may sign with keys that the keyring does not have, besides one that it has.
Status weigh(const Told& told, const SignedListOrder& order, const std::string& said) {
  const std::string list = order.list.string(), keyring = order.keyring.string();
  const auto refuse = [&](const std::string& what, const std::string& hint) {
    return input_error(what, list, hint);
  };
  if (!told.bad.empty())
    return refuse(fmt::format("its signature by the key {} is bad: the list is not what was signed",
                              printable(told.bad, 40)),
                  "fetch the list and its signature again, both from the vendor");
  if (!told.revoked.empty())
    return refuse(fmt::format("the key {} that signed it is revoked", printable(told.revoked, 40)),
                  "take a list that the vendor signed with a valid key");
  if (!told.expired_signature.empty())
    return refuse(
        fmt::format("its signature by the key {} has expired", printable(told.expired_signature, 40)),
        "take a newer list");
  if (told.damaged) return refuse("its signature cannot be read", "fetch the list and its signature again");
  if (!told.signer.empty()) return {};
  if (!told.expired.empty())
    return refuse(fmt::format("the key {} that signed it has expired", printable(told.expired, 40)),
                  fmt::format("take a newer list, or the vendor's newer keyring instead of {}", keyring));
  if (!told.unknown.empty())
    return refuse(
        fmt::format("it was signed by the key {}, which is not in {}", printable(told.unknown, 40), keyring),
        "name the vendor's keyring with --signed-by; a key that comes with the list proves nothing");
  return refuse(fmt::format("it has no signature that gpgv can verify: {}", said),
                "fetch the list and its signature again");
}

}  // namespace

Result<SignedList> read_signed_list(const SignedListOrder& order, const fs::path& work,
                                    const std::stop_token& stop) {
  if (find_program("gpgv").empty())
    return lab_error("gpgv is not installed, which verifies signatures", {}, "apt-get install gpgv");
  auto text = read_file(order.list, largest);
  if (!text) return fail(text.error());
  const auto messages = lines_that_begin(*text, clear_signed);
  const bool within = messages != 0 && order.signature.empty();
  // Of two messages one could be signed by anybody.
  if (within && (messages != 1 || lines_that_begin(*text, "-----BEGIN PGP SIGNATURE-----") != 1))
    return input_error("holds several signed messages", order.list.string(),
                       "take the vendor's file unchanged");
  if (auto copied = write_file(work / "list", *text); !copied) return fail(copied.error());
  if (auto copied = copy_keyring(order.keyring, work / "keyring"); !copied) return fail(copied.error());
  // --log-file keeps what is for people, and may quote anybody, out of what is for programs.
  Command command{
      .argv = {"gpgv", "--homedir", work.string(), "--keyring", (work / "keyring").string(), "--weak-digest",
               "SHA1", "--status-fd", "1", "--log-file", (work / "log").string()},
      .environment = {{"LC_ALL", "C"}},
      .deadline = std::chrono::minutes(1),
      .stop = stop};
  if (within) {
    command.argv.insert(command.argv.end(), {"--output", (work / "text").string(), (work / "list").string()});
  } else {
    auto file = signature_of(order);
    if (!file) return fail(file.error());
    auto signature = read_file(*file, largest);
    if (!signature) return fail(signature.error());
    if (auto copied = write_file(work / "signature", *signature); !copied) return fail(copied.error());
    command.argv.insert(command.argv.end(), {(work / "signature").string(), (work / "list").string()});
  }
  auto ended = run(command);
  if (!ended) return fail(ended.error());
  if (ended->timed_out) return lab_error("gpgv did not end in a minute", order.list.string());
  const auto said = read_file(work / "log", largest);
  const Told told = told_by(ended->output);
  if (auto good = weigh(told, order, printable(trim(said.value_or("")), 300)); !good)
    return fail(good.error());
  if (within) text = read_file(work / "text", largest);
  if (!text) return because(text.error(), "gpgv did not leave what was signed");
  return SignedList{std::move(*text), told.signer};
}

}  // namespace labctl::image
