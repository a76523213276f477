// Work that takes long is told, and what is done at once is not.

#include "labctl/base/slow_work.h"

#include "labctl/base/units.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using Unit = SlowWork::Unit;

TEST_CASE("how far it is, in words") {
  CHECK(slow_work_in_words("hashing d", 3ull << 30, 12ull << 30, Unit::bytes, 20s) ==
        "hashing d: 25 % of 12 GiB, 20s");
  CHECK(slow_work_in_words("hashing d", 3ull << 30, 0, Unit::bytes, 20s) == "hashing d: 3.0 GiB so far, 20s");
  CHECK(slow_work_in_words("judging cells", 12, 60, Unit::things, 20s) == "judging cells: 12 of 60, 20s");
  // A file that grew meanwhile.
  CHECK(slow_work_in_words("hashing d", 5, 4, Unit::bytes, 20s) == "hashing d: 100 % of 4 B, 20s");
}

TEST_CASE("what is done at once is never told") {
  int told = 0;
  tell_slow_work([&](const std::string&) { ++told; });
  SlowWork work("quick", 10);
  work.done(10);
  tell_slow_work({});
  CHECK(told == 0);
}
