// A cell's kernel log, read again and again.
#include "labctl/observe/observe.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("an error is told once in a cell's life, a crashed program at every reading") {
  const std::string log =
      "<5>[    0.000000] Linux version 6.1.0\n"
      "<3>[    2.100000] sensor: cannot allocate 128 buffers\n"
      "<6>[    4.000000] sensord[311]: segfault at 0 ip 00007f12 sp 00007ffd error 4\n";
  observe::KernelLog kernel_log;
  const auto first = kernel_log.read(log, crash::Os::linux_);
  REQUIRE(first.size() == 2);
  CHECK(std::get<event::Logged>(first[0]).line == "sensor: cannot allocate NUM buffers");
  CHECK(std::get<event::Found>(first[1]).channel == event::Channel::evidence);
  CHECK(std::get<event::Found>(first[1]).finding.title == "program crashed: sensord");
  const auto again = kernel_log.read(log, crash::Os::linux_);
  REQUIRE(again.size() == 1);  // the next boot's crash is another one
  CHECK(std::holds_alternative<event::Found>(again[0]));
}

TEST_CASE("a guest that logs without end is heard to a bound") {
  std::string log;
  for (int i = 0; i < 2000; ++i)
    log += "<3>[    2.100000] " + std::string(1 + static_cast<std::size_t>(i % 150), 'x') + "\n";
  observe::KernelLog kernel_log;
  std::size_t told = 0;
  for (int reading = 0; reading < 3; ++reading) told += kernel_log.read(log, crash::Os::linux_).size();
  CHECK(told == 50);
}
