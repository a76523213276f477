#include "labctl/image/checksums.h"

#include "tests/catch.h"

using namespace labctl;
using namespace labctl::image;

namespace {

const std::string a(64, 'a'), b(64, 'b'), long_one(128, 'c');

}  // namespace

TEST_CASE("a list of checksums is read as sha256sum and as BSD write it") {
  const auto all =
      checksums_in("# comment\n" + a + "  one.img\r\n" + b + " *./two.img\nSHA256 (three (1).img) = " + a +
                   "\nSHA2-512(four.img)= " + long_one + "\n\\" + a + "  fi\\nve.img\n");
  REQUIRE(all.size() == 4);
  CHECK(all[0] == Checksum{"one.img", ChecksumKind::sha256, a});
  CHECK(all[1] == Checksum{"two.img", ChecksumKind::sha256, b});
  CHECK(all[2] == Checksum{"three (1).img", ChecksumKind::sha256, a});
  CHECK(all[3] == Checksum{"four.img", ChecksumKind::sha512, long_one});
}

TEST_CASE("a digest under another algorithm's tag is none") {
  CHECK(checksums_in("SHA3-256 (one.img) = " + a + "\nMD5 (one.img) = " + a + "\n").empty());
  CHECK(checksums_in("SHA256 (one.img) = " + a.substr(1) + "\n").empty());
}

TEST_CASE("a file has the longest digest that the list gives it, or none") {
  const auto list = a + "  one.img\n" + long_one + "  one.img\n" + a + "  two.img\n" + b + "  old/two.img\n";
  CHECK(checksum_of(list, "one.img").value().digest == long_one);
  const auto twice = checksum_of(list, "two.img");
  REQUIRE(!twice);
  CHECK(twice.error().what == "the list names 'two.img' with several digests");
  const auto other = checksum_of(list, "One.img");
  REQUIRE(!other);
  CHECK(other.error().what == "the list does not name 'One.img'");
  CHECK(other.error().fault == Fault::input);
  const auto weak = checksum_of(std::string(32, 'a') + "  one.img\n", "one.img");
  REQUIRE(!weak);
  CHECK(weak.error().what == "the list has MD5 or SHA-1 digests only, which prove nothing");
}
