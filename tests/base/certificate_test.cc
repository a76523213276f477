#include "labctl/base/certificate.h"

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;

static std::string certificate_file(const char* name) {
  return read_file(source_tree::tests() / "scenario" / "good" / "keys" / name).value();
}

TEST_CASE("a certificate is the same in PEM and in DER, and says whose it is and until when") {
  const std::string pem = certificate_file("vendor.crt");
  const auto read = read_certificate(pem);
  REQUIRE(read);
  CHECK(read->subject == "CN=A vendor of the tests");
  CHECK(read->expires > *parse_date("2100-01-01"));
  const auto again = read_certificate(read->der);
  REQUIRE(again);
  CHECK(again->der == read->der);
  CHECK(read_certificate("words before it\n" + pem)->der == read->der);
  const auto expired = read_certificate(certificate_file("expired.crt"));
  REQUIRE(expired);
  CHECK(show_date(expired->expires) == "2020-01-01");
}

TEST_CASE("what is no certificate alone is refused, with what it is") {
  const std::string pem = certificate_file("vendor.crt"), der = read_certificate(pem)->der;
  const std::string begin = "-----BEGIN ";
  const std::pair<std::string, const char*> bad[] = {
      {"", "is not a certificate"},
      {"hello", "is not a certificate"},
      {der + "x", "is not a certificate"},
      {der.substr(0, der.size() - 1), "is not a certificate"},
      {pem.substr(0, 200), "is not a certificate"},
      {pem + pem, "holds several certificates"},
      {pem + begin + "PRIVATE KEY-----\nMAA=\n", "holds a private key"},
      {begin + "RSA PRIVATE KEY-----\n", "holds a private key"},
      {std::string(100000, 'x'), "is too large for a certificate"}};
  for (const auto& [bytes, what] : bad) {
    INFO(printable(bytes, 60));
    const auto read = read_certificate(bytes);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().what, ContainsSubstring(what));
    CHECK(read.error().fault == Fault::input);
    CHECK_FALSE(read.error().hint.empty());
  }
}
