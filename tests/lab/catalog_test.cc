// Whether a catalog lists a file. The catalogs here are bytes around a digest, which is all that is looked
// at.
#include "labctl/lab/catalog.h"

#include <string>

#include "labctl/base/digest.h"
#include "tests/catch.h"

using namespace labctl;
using lab::catalog_lists;

namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// An image of 64 bits: its header at 0x80, so its checksum at 0xD8 and the place of its signatures at 0x128.
constexpr std::size_t checksum = 0xD8, signatures = 0x128;

std::string image(std::size_t size) {
  std::string bytes(size, 'x');
  bytes.replace(0, 2, "MZ");
  bytes.replace(0x3C, 4, std::string("\x80\0\0\0", 4));
  bytes.replace(0x80, 4, std::string("PE\0\0", 4));
  bytes.replace(0x98, 2, "\x0b\x02");
  bytes.replace(checksum, 4, std::string(4, '\0'));
  bytes.replace(signatures, 8, std::string(8, '\0'));
  return bytes;
}

std::string digest_of_image(const std::string& bytes, const std::string& behind = {}) {
  return from_hex(sha256(bytes.substr(0, checksum) + bytes.substr(checksum + 4, signatures - checksum - 4) +
                         bytes.substr(signatures + 8) + behind));
}

}  // namespace

TEST_CASE("a catalog lists an image whatever its checksum and its own signature are") {
  const std::string driver = image(0x200), catalog = "0\x82" + digest_of_image(driver) + "more";
  CHECK(catalog_lists(catalog, driver));
  std::string stamped = driver;
  stamped.replace(checksum, 4, "abcd");
  CHECK(catalog_lists(catalog, stamped));
  std::string with_signature = driver + "a signature";
  with_signature.replace(signatures, 4, std::string("\0\x02\0\0", 4));
  CHECK(catalog_lists(catalog, with_signature));
  std::string other = driver;
  other[0x180] = 'y';
  CHECK_FALSE(catalog_lists(catalog, other));
}

TEST_CASE("an image whose size is no multiple of eight is listed filled up or as it is") {
  const std::string driver = image(0x203);
  CHECK(catalog_lists(digest_of_image(driver), driver));
  CHECK(catalog_lists(digest_of_image(driver, std::string(5, '\0')), driver));
  CHECK_FALSE(catalog_lists(digest_of_image(driver, std::string(6, '\0')), driver));
}

TEST_CASE("other files are listed by their bytes, by SHA-1 too") {
  const std::string inf = "abc";
  CHECK(catalog_lists("<" + from_hex(sha256(inf)) + ">", inf));
  CHECK(catalog_lists("<" + from_hex("a9993e364706816aba3e25717850c26c9cd0d89d") + ">", inf));
  CHECK_FALSE(catalog_lists("<" + from_hex(sha256(inf)) + ">", "abd"));
  CHECK_FALSE(catalog_lists("", inf));
  CHECK_FALSE(catalog_lists("", ""));
}

TEST_CASE("an image that lies about its places is read within its bytes") {
  for (std::size_t size = 0; size < 0x140; ++size) {
    const std::string torn = image(0x200).substr(0, size);
    CHECK_FALSE(catalog_lists("catalog", torn));
  }
  for (const std::size_t at : {0x3Cul, 0x3Ful, signatures, signatures + 3}) {
    std::string lying = image(0x200);
    lying[at] = '\xff';
    CHECK_FALSE(catalog_lists("catalog", lying));
  }
}
