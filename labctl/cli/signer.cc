#include "labctl/cli/signer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"

#include <fmt/core.h>

#include <cstdlib>
#include <cstring>

#include "labctl/attest/envelope.h"
#include "labctl/attest/statement.h"
#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/pinned_file.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"

namespace labctl::cli {
namespace {

constexpr std::uint64_t largest_key = 64u << 10;
constexpr std::uint64_t largest_signature = 4096;

// Files that the user named: what is wrong with them is the user's to fix.
Result<std::string> read_named(const std::string& file) {
  auto text = read_file(file, largest_key);
  if (!text) return input_error(text.error().what, file);
  return text;
}

std::optional<std::string>& from_environment() {
  static std::optional<std::string> value;
  return value;
}

Result<std::optional<std::string>> passphrase(const SigningOptions& options) {
  const std::optional<std::string>& value = from_environment();
  if (options.passphrase_file.empty()) return value;
  auto text = read_named(options.passphrase_file);
  if (!text) return fail(text.error());
  // The first line, as openssl's file: takes it.
  const auto line = text->substr(0, text->find('\n'));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

Result<attest::PrivateKey> read_private_key(const std::string& file,
                                            const std::optional<std::string>& passphrase) {
  auto held = PinnedFile::open(file);
  if (!held) return fail(held.error());
  if (!held->is_private())
    return input_error("others than its owner may read the key", file,
                       fmt::format("chmod 600 {}", shell_quote(file)));
  auto text = held->read(largest_key);
  if (!text) return input_error(text.error().what, file);
  return attest::PrivateKey::read(*text, passphrase, file);
}

// A folder of this user alone, gone with the object.
struct PrivateFolder {
  fs::path path;
  explicit PrivateFolder(std::string name) : path(::mkdtemp(name.data()) ? name : std::string()) {}
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
};

Result<std::string> sign_by_command(const std::string& command, const std::string& bytes) {
  const PrivateFolder folder(fs::temp_directory_path() / "labctl-sign-XXXXXX");
  if (folder.path.empty()) return lab_error("cannot create a folder for the signing command");
  const fs::path input = folder.path / "bytes", output = folder.path / "signature";
  if (auto written = write_file(input, bytes); !written) return fail(written.error());
  auto ended = run_ok({.argv = {"/bin/sh", "-c", "exec /bin/sh -c \"$1\" <\"$2\" >\"$3\"", "sh", command,
                                input.string(), output.string()},
                       .deadline = std::chrono::minutes(5)});
  if (!ended) return because(ended.error(), "the signing command failed");
  return read_file(output, largest_signature);
}

}  // namespace

void take_passphrase() {
  constexpr const char* variable = "LABCTL_KEY_PASSPHRASE";
  char* set = std::getenv(variable);
  if (!set) return;
  from_environment() = set;
  ::explicit_bzero(set, std::strlen(set));
  ::unsetenv(variable);
}

void SigningOptions::add_to(Verb& verb) {
  verb.option("--sign", key, "Sign with this key (PEM, Ed25519 or P-256)", {.value = "KEY"});
  verb.option("--passphrase-file", passphrase_file,
              "The passphrase of an encrypted key (else LABCTL_KEY_PASSPHRASE)", {.value = "FILE"});
  verb.option("--sign-command", command,
              "Instead: bytes on its standard input, the raw signature on its standard output",
              {.value = "CMD"});
  verb.option("--sign-public", public_key, "The public key of --sign-command", {.value = "PUB"});
}

bool wants_signature(const SigningOptions& options) {
  return !options.key.empty() || !options.command.empty() || !options.public_key.empty() ||
         !options.passphrase_file.empty();
}

Result<attest::PublicKey> read_public_key(const std::string& file) {
  const auto text = read_named(file);
  if (!text)
    return input_error(text.error().what, file,
                       "give a public key: 'labctl keygen FILE' makes FILE and FILE.pub");
  return attest::PublicKey::read(*text, file);
}

Result<Signer> Signer::open(const SigningOptions& options) {
  auto secret = passphrase(options);
  if (!secret) return fail(secret.error());
  Signer signer;
  if (options.key.empty() == options.command.empty())
    return input_error("signing needs a private key or a command that has one", {},
                       "give either --sign KEY or --sign-command CMD with --sign-public PUB");
  if (!options.key.empty()) {
    if (!options.public_key.empty())
      return input_error("--sign-public belongs to --sign-command; a key file has its public half in it");
    auto key = read_private_key(options.key, *secret);
    if (!key) return fail(key.error());
    signer.key_ = *key;
    signer.public_ = key->public_key();
    return signer;
  }
  if (options.public_key.empty())
    return input_error("--sign-command needs --sign-public", {},
                       "it names the public key that the signatures are checked with");
  auto key = read_public_key(options.public_key);
  if (!key) return fail(key.error());
  signer.command_ = options.command;
  signer.public_ = *key;
  return signer;
}

Result<std::string> Signer::sign(const std::string& bytes) const {
  auto signature = key_ ? key_->sign(bytes) : sign_by_command(command_, bytes);
  if (!signature) return signature;
  if (!public_.verifies(bytes, *signature))
    return lab_error(
        fmt::format("what the signing command printed is not a signature by the key {}", public_.id()), {},
        "it must print the raw signature alone: DER over SHA-256 for P-256, 64 bytes for Ed25519");
  return signature;
}

Result<std::string> Signer::attest(const bundle::Judged& judged) const {
  auto statement = attest::state({.run = judged.run,
                                  .verdict = judged.verdict,
                                  .run_sha256 = judged.run_sha256,
                                  .verdict_sha256 = sha256(judged.verdict_json)});
  if (!statement) return fail(statement.error());
  return seal(attest::to_payload(*statement));
}

Result<std::string> Signer::seal(const std::string& payload) const {
  attest::Envelope envelope{.payload_type = std::string(attest::in_toto_type), .payload = payload};
  auto signature = sign(attest::pre_authentication(envelope.payload_type, envelope.payload));
  if (!signature) return signature;
  envelope.signatures = {{public_.id(), *signature}};
  return attest::to_text(envelope);
}

}  // namespace labctl::cli
