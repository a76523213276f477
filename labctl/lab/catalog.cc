#include "labctl/lab/catalog.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "labctl/base/owned.h"

namespace labctl::lab {
namespace {

using Parts = std::initializer_list<std::string_view>;

std::string digest(const EVP_MD* algorithm, Parts parts) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  bool done = EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1;
  for (const auto part : parts) done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  done = done && EVP_DigestFinal_ex(context.get(), bytes.data(), &size) == 1;
  return done ? std::string(reinterpret_cast<const char*>(bytes.data()), size) : std::string();
}

bool has_digest(std::string_view catalog, Parts parts) {
  for (const EVP_MD* algorithm : {EVP_sha256(), EVP_sha1()})
    if (const std::string bytes = digest(algorithm, parts);
        !bytes.empty() && catalog.find(bytes) != std::string_view::npos)
      return true;
  return false;
}

std::uint32_t number(std::string_view bytes, std::size_t at, unsigned width) {
  std::uint32_t value = 0;
  for (unsigned i = width; i-- > 0 && at + i < bytes.size();)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// What Authenticode leaves out of an image: its checksum, the place of its signatures, and those.
// ("Windows Authenticode Portable Executable Signature Format", Microsoft, 2008.)
bool has_image(std::string_view catalog, std::string_view image) {
  const std::size_t header = number(image, 0x3C, 4);
  if (!image.starts_with("MZ") || header + 0x18 > image.size() ||
      image.substr(header, 4) != std::string_view("PE\0\0", 4))
    return false;
  const std::size_t optional = header + 0x18;
  const std::size_t checksum = optional + 0x40;
  const std::size_t directory = optional + (number(image, optional, 2) == 0x20B ? 0x90 : 0x80);
  if (directory + 8 > image.size()) return false;
  const std::size_t signatures = number(image, directory, 4);
  const std::size_t end = signatures > directory && signatures < image.size() ? signatures : image.size();
  if (end < directory + 8) return false;
  const std::string_view first = image.substr(0, checksum),
                         second = image.substr(checksum + 4, directory - checksum - 4),
                         rest = image.substr(directory + 8, end - directory - 8);
  // Some tools fill an unsigned image up to a multiple of eight, others do not.
  const std::string_view zeros("\0\0\0\0\0\0\0", (8 - end % 8) % 8);
  return has_digest(catalog, {first, second, rest}) || has_digest(catalog, {first, second, rest, zeros});
}

}  // namespace

bool catalog_lists(std::string_view catalog, std::string_view file) {
  return has_image(catalog, file) || has_digest(catalog, {file});
}

}  // namespace labctl::lab
