// Who signed a Windows driver, as osslsigncode says it; a script stands in its place.
#include "labctl/lab/driver_signatures.h"

#include <stdlib.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;
using lab::DriverSignature;
using lab::Signature;

namespace {

std::string verified(const std::string& signer, const std::string& digest_note = {}) {
  return "PE checksum   : 00010407\n\nSignature Index: 0  (Primary Signature)\n\n"
         "Message digest algorithm  : SHA256\nCurrent message digest    : 487B\nCalculated message digest : "
         "487B" +
         digest_note +
         "\n\nSigner's certificate:\n\t------------------\n\tSigner #0:\n\t\tSubject: /C=US/O=Somebody/CN=" +
         signer +
         "\n\t\tIssuer : /C=US/CN=Some CA\n\nNumber of certificates: 2\n\tSigner #1:\n\t\tSubject: /CN=Some "
         "CA\n";
}

const std::string whql = "Microsoft Windows Hardware Compatibility Publisher";

// A host with another osslsigncode, and a driver's file.
struct Host {
  explicit Host(const std::string& says) : before(::getenv("PATH")) {
    char name[] = "/tmp/labctl-signed-XXXXXX";
    folder = ::mkdtemp(name);
    REQUIRE(write_file(folder / "says", says));
    REQUIRE(
        write_file(folder / "osslsigncode", "#!/bin/sh\ncat " + (folder / "says").string() + "\nexit 1\n"));
    fs::permissions(folder / "osslsigncode", fs::perms::owner_all);
    ::setenv("PATH", (folder.string() + ":" + before).c_str(), 1);
  }
  ~Host() {
    ::setenv("PATH", before.c_str(), 1);
    fs::remove_all(folder);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  Result<std::vector<DriverSignature>> look(const std::string& bytes) const {
    REQUIRE(write_file(folder / "file", bytes));
    return lab::driver_signatures(folder / "file", "sensor.sys", folder / "work");
  }
  fs::path folder;
  std::string before;
};

}  // namespace

TEST_CASE("the signer is the first subject, and changed bytes are told") {
  CHECK(lab::read_signature(verified("labctl test")).name == "labctl test");
  CHECK_FALSE(lab::read_signature(verified("labctl test")).altered);
  CHECK(lab::read_signature(verified("x", "     MISMATCH!!!")).altered);
  CHECK(lab::read_signature("PE checksum   : 00002AF8\nNo signature found\nFailed\n").name.empty());
  CHECK(lab::read_signature("").name.empty());
  CHECK_FALSE(lab::read_signature(verified("labctl test")).cross_signed);
  const auto crossed = lab::read_signature(
      verified("A vendor") +
      "\tSigner #2:\n\t\tSubject: /CN=Some CA\n\t\tIssuer : /CN=Microsoft Code Verification Root\n");
  CHECK(crossed.cross_signed);
  CHECK(DriverSignature{"sensor.sys", crossed, {}, {}}.text() ==
        "sensor.sys is signed by 'A vendor', cross-signed, which Windows 24H2 and later refuse since April "
        "2026");
  CHECK(lab::read_signature("\t\tSubject: /O=Nameless\n\t\tSubject: /CN=" + whql + "\n").name.empty());
}

TEST_CASE("what Secure Boot surely refuses is what Microsoft signed neither in the file nor in a catalog") {
  const Signature none, own{.name = "labctl test"}, good{.name = whql},
      changed{.name = whql, .altered = true};
  CHECK(DriverSignature{"sensor.sys", none, {}, {}}.surely_refused());
  CHECK(DriverSignature{"sensor.sys", own, {{own, true}, {none, true}}, {}}.surely_refused());
  CHECK(DriverSignature{"sensor.sys", changed, {}, {}}.surely_refused());
  CHECK_FALSE(DriverSignature{"sensor.sys", good, {}, {}}.surely_refused());
  CHECK(DriverSignature{"sensor.sys", none, {{good, false}}, {}}.surely_refused());
  CHECK_FALSE(DriverSignature{"sensor.sys", none, {{own, true}, {good, true}}, {}}.surely_refused());
  CHECK(DriverSignature{"sensor.sys", own, {{none, true}}, {}}.text() ==
        "sensor.sys is signed by 'labctl test'; its catalog is not signed");
  CHECK(DriverSignature{"sensor.sys", changed, {}, {}}.text() ==
        "sensor.sys was changed after it was signed by '" + whql + "'");
  CHECK(DriverSignature{"sensor.sys", Signature{.altered = true}, {{none, true}}, {}}.text() ==
        "sensor.sys was changed after it was signed; its catalog is not signed");
  CHECK(DriverSignature{"sensor.sys", none, {{good, false}}, {"sensor.inf", "a", "b", "c"}}.text() ==
        "sensor.sys is not signed; its catalog is signed by '" + whql +
            "' and does not list these bytes of it; no catalog lists sensor.inf, a, b and 1 more");
}

TEST_CASE("a driver that comes alone is looked at, and what is no driver is not") {
  const Host host(verified(whql));
  const auto alone = host.look("MZ\x90");
  REQUIRE(alone);
  REQUIRE(alone->size() == 1);
  CHECK(alone->front().driver == "sensor.sys");
  CHECK_FALSE(alone->front().surely_refused());
  const auto other = host.look("\xd0\xcf\x11\xe0");
  REQUIRE(other);
  CHECK(other->empty());
  const auto torn = host.look("PK\x03\x04 torn");
  CHECK((!torn || torn->empty()));
  CHECK_FALSE(fs::exists(host.folder / "work"));
}

TEST_CASE("without osslsigncode nobody knows") {
  const Host host("");
  ::setenv("PATH", "/nonexistent", 1);
  const auto told = lab::driver_signatures(host.folder / "says", "sensor.sys", host.folder / "work");
  if (!told) CHECK(told.error().hint == "apt-get install osslsigncode");
}
