#include "labctl/image/checksums.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>

#include "labctl/base/text.h"

namespace labctl::image {
namespace {

constexpr std::size_t digits_of_md5 = 32, digits_of_sha1 = 40, digits_of_sha256 = 64, digits_of_sha512 = 128;

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

// What a line says, whatever the digest's kind.
struct Line {
  std::string_view name, digest;
};

// "SHA256 (NAME) = DIGEST", as BSD, Fedora and openssl write it. The tag agrees with the number of digits, or
// it is another algorithm.
std::optional<Line> tagged(std::string_view line) {
  const auto open = line.find('('), close = line.rfind(')');
  if (open == line.npos || close == line.npos || close < open) return std::nullopt;
  const auto tag = lower(trim(line.substr(0, open)));
  auto rest = trim(line.substr(close + 1));
  if (!rest.starts_with('=')) return std::nullopt;
  rest = trim(rest.substr(1));
  const bool named = (rest.size() == digits_of_sha256 && (tag == "sha256" || tag == "sha2-256")) ||
                     (rest.size() == digits_of_sha512 && (tag == "sha512" || tag == "sha2-512")) ||
                     (rest.size() == digits_of_md5 && tag == "md5") ||
                     (rest.size() == digits_of_sha1 && tag == "sha1");
  if (!named || !is_hex(rest)) return std::nullopt;
  return Line{line.substr(open + 1, close - open - 1), rest};
}

// "DIGEST  NAME", "DIGEST *NAME". A name with a line end in it stands behind a backslash, and no disk has
// one.
std::optional<Line> plain(std::string_view line) {
  const auto gap = line.find_first_of(" \t");
  if (gap == line.npos || !is_hex(line.substr(0, gap))) return std::nullopt;
  auto name = trim(line.substr(gap));
  if (name.starts_with('*')) name.remove_prefix(1);
  return Line{name, line.substr(0, gap)};
}

std::vector<Line> lines_in(std::string_view list) {
  std::vector<Line> lines;
  while (!list.empty()) {
    const auto end = list.find('\n');
    const auto line = trim(list.substr(0, end));
    list.remove_prefix(end == list.npos ? list.size() : end + 1);
    auto said = tagged(line);
    if (!said) said = plain(line);
    if (said && !said->name.empty()) lines.push_back(*said);
  }
  return lines;
}

std::optional<Checksum> strong(const Line& line) {
  if (line.digest.size() != digits_of_sha256 && line.digest.size() != digits_of_sha512) return std::nullopt;
  const auto slash = line.name.rfind('/');
  return Checksum{std::string(slash == line.name.npos ? line.name : line.name.substr(slash + 1)),
                  line.digest.size() == digits_of_sha256 ? ChecksumKind::sha256 : ChecksumKind::sha512,
                  lower(line.digest)};
}

}  // namespace

std::vector<Checksum> checksums_in(std::string_view list) {
  std::vector<Checksum> all;
  for (const auto& line : lines_in(list))
    if (auto one = strong(line)) all.push_back(std::move(*one));
  return all;
}

Result<Checksum> checksum_of(std::string_view list, const std::string& file) {
  const auto all = checksums_in(list);
  if (all.empty()) {
    const auto lines = lines_in(list);
    const bool weak = std::any_of(lines.begin(), lines.end(), [](const Line& line) {
      return line.digest.size() == digits_of_md5 || line.digest.size() == digits_of_sha1;
    });
    return input_error(weak ? "the list has MD5 or SHA-1 digests only, which prove nothing"
                            : "the list names no file with a SHA-256 or SHA-512 digest",
                       {}, "take the vendor's SHA256SUMS, SHA512SUMS or CHECKSUM");
  }
  std::optional<Checksum> found;
  for (const auto& one : all) {
    if (one.name != file) continue;
    if (found && found->kind == one.kind && found->digest != one.digest)
      return input_error(fmt::format("the list names '{}' with several digests", printable(file)), {},
                         "take the list of the disk's own folder");
    if (!found || one.kind > found->kind) found = one;
  }
  if (found) return *found;
  std::set<std::string> names;
  for (const auto& one : all) names.insert(one.name);
  const auto meant = did_you_mean(file, {names.begin(), names.end()});
  return input_error(fmt::format("the list does not name '{}'", printable(file)), {},
                     meant ? fmt::format("it names '{}': the disk must have the name that its vendor gave it",
                                         printable(*meant))
                           : fmt::format("it names {} other files; take the list of this disk, and leave the "
                                         "disk the name that its vendor gave it",
                                         names.size()));
}

}  // namespace labctl::image
