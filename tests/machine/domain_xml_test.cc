#include "labctl/machine/libvirt/domain_xml.h"

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::machine;

namespace {

DomainPlace place(const std::string& machine_type) {
  return {"11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", machine_type,
          "/usr/bin/qemu-system-x86_64", "/run/lab/abcdef/s"};
}

// LABCTL_UPDATE_GOLDEN=1 rewrites the files from today's behaviour.
void compare(const std::string& file, const std::string& xml) {
  const fs::path golden = fs::path(LABCTL_TEST_DATA) / "machine" / file;
  if (getenv("LABCTL_UPDATE_GOLDEN") != nullptr) REQUIRE(write_file(golden, xml));
  const Result<std::string> wanted = read_file(golden);
  REQUIRE(wanted);
  CHECK(xml == *wanted);
}

}  // namespace

TEST_CASE("a definition is computed from its spec and nothing else") {
  Spec spec;
  spec.name = "debian-12-candidate";
  spec.disk = "/srv/cells/a/disk.qcow2";
  compare("tcg.xml", domain_xml(spec, place("pc-i440fx-7.2")));
  spec.accel = Accel::kvm;
  spec.shape = {2, 512ull << 20};
  compare("kvm-q35.xml", domain_xml(spec, place("pc-q35-7.2")));
  compare("cd.xml", cd_xml("pc-i440fx-7.2", "/srv/cells/a/payload.iso"));
}

TEST_CASE("names from outside cannot break out of the definition") {
  Spec spec;
  spec.name = "a<b>&\"'";
  spec.disk = "/tmp/\"/><evil>";
  const std::string xml = domain_xml(spec, place("pc-i440fx-7.2"));
  CHECK(xml.find("<evil>") == std::string::npos);
  CHECK(xml.find("a&lt;b&gt;&amp;") != std::string::npos);
}

TEST_CASE("the fingerprint follows what a live snapshot depends on") {
  const std::string one = definition_fingerprint(Accel::tcg, "pc-i440fx-7.2");
  CHECK(one == definition_fingerprint(Accel::tcg, "pc-i440fx-7.2"));
  CHECK(one != definition_fingerprint(Accel::kvm, "pc-i440fx-7.2"));
  CHECK(one != definition_fingerprint(Accel::tcg, "pc-i440fx-7.1"));
}
