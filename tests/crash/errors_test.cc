// What the raw log of a kernel calls an error.
#include "labctl/crash/errors.h"

#include "tests/catch.h"

using namespace labctl;

namespace {

constexpr const char* raw =
    "<5>[    0.000000] Linux version 6.1.0-56-amd64\n"
    "<6>[    1.000000] ordinary words\n"
    "<3>[    2.100000] sensor 0000:00:05.0: cannot allocate 128 buffers at 0xffff8881\n"
    "<27>[    2.200000] systemd[1]: Failed to start x.service\n"
    "<3>[    3.100000][  T17] sensor 0000:00:05.0: cannot allocate 256 buffers at 0xffff9991\n"
    "<4>[    3.200000] a warning and no error\n"
    "<0>[    3.300000] the worst\n"
    "<6>[    4.000000] sensord[311]: segfault at 0 ip 00007f12 sp 00007ffd error 4 in sensord[55d0+1000]\n"
    "<6>[    4.100000] traps: helper[312] general protection fault ip:7f12 sp:7ffd error:0 in libc.so\n"
    "<6>[    4.200000] traps: sensord[313] trap invalid opcode ip:55d0 sp:7ffd error:0\n"
    "<6>[    4.300000] sensord[313]: segfault at 8 ip 00007f12 sp 00007ffd error 4\n"
    "<3> no time\n"
    "words without a level\n";

std::vector<std::string> titles(const std::vector<crash::Finding>& findings) {
  std::vector<std::string> all;
  for (const auto& finding : findings) all.push_back(finding.title);
  return all;
}

}  // namespace

TEST_CASE("lines of level err or worse are told once, without what differs from boot to boot") {
  const auto errors = crash::logged_errors(raw, 50);
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].starts_with("sensor NUM:NUM:NUM.NUM: cannot allocate NUM buffers at ADDR"));
  CHECK(errors[1] == "systemd[NUM]: Failed to start x.service");
  CHECK(errors[2] == "the worst");
  CHECK(crash::logged_errors(raw, 1).size() == 1);
  CHECK(crash::logged_errors("", 50).empty());
}

TEST_CASE("programs that crashed are told once, whatever they crashed of") {
  const auto found = crash::crashed_programs(raw);
  CHECK(titles(found) == std::vector<std::string>{"program crashed: sensord", "program crashed: helper"});
  CHECK(found[0].kind == crash::Kind::service);
  for (const auto& finding : found) CHECK(finding.severity == crash::Severity::warning);
  CHECK(found[0].line == 8);
}
