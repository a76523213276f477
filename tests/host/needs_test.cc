// What a matrix needs of a host is told before a run, with what is there.

#include "labctl/host/needs.h"

#include "tests/catch.h"

using namespace labctl;

namespace {

plan::Plan of(std::size_t cells, std::uint64_t memory) {
  plan::Plan plan;
  plan.cells.resize(cells);
  for (auto& cell : plan.cells) cell.machine.memory = memory;
  return plan;
}

}  // namespace

TEST_CASE("a matrix needs the disk of all guests at once and the memory of its largest") {
  auto plan = of(8, 1ull << 30);
  const auto two = host::needs_of(plan, 2), four = host::needs_of(plan, 4), many = host::needs_of(plan, 100);
  CHECK(two.at_once == 2);
  CHECK(four.disk == 2 * two.disk);
  CHECK(many.at_once == 8);
  CHECK(two.memory > 1ull << 30);
  plan.cells[7].machine.memory = 64ull << 30;
  CHECK(host::needs_of(plan, 2).memory > 64ull << 30);
}

TEST_CASE("too little disk or memory is told with what is wanted, what is there and what helps") {
  const host::Needs needs{.at_once = 3, .memory = 2ull << 30, .disk = 6ull << 30};
  const auto health = [&](std::uint64_t memory, std::uint64_t disk) {
    const auto checks = host::check_needs(needs, {.memory = memory, .disk = disk, .where = "/cache"});
    REQUIRE(checks.size() == 2);
    for (const auto& check : checks) CHECK(check.fix.empty() == (check.health == host::Health::ok));
    CHECK_THAT(checks[0].detail, ContainsSubstring("3 guests at once may need 6.0 GiB"));
    CHECK_THAT(checks[0].detail, ContainsSubstring("/cache"));
    return std::pair{checks[0].health, checks[1].health};
  };
  using enum host::Health;
  CHECK(health(2ull << 30, 6ull << 30) == std::pair{ok, ok});
  CHECK(health(2ull << 30, (6ull << 30) - 1) == std::pair{error, ok});
  CHECK(health((2ull << 30) - 1, 6ull << 30) == std::pair{ok, warning});
}

TEST_CASE("how many images are built is one line") {
  const auto check = host::check_images(3, 1);
  CHECK(check.health == host::Health::ok);
  CHECK(check.detail == "1 of 3 are built");
}
