#include "labctl/plan/damage.h"

#include "tests/catch.h"

using namespace labctl;
using plan::damaged;
using scenario::Damage;

TEST_CASE("damage is what its name says, and always the same") {
  const std::string sound = "SENSCNT1 and more";
  CHECK(damaged(sound, Damage::none) == sound);
  CHECK(damaged(sound, Damage::truncated) == "SENSCNT1");
  CHECK(damaged(sound, Damage::empty).empty());
  CHECK(damaged(sound, Damage::zero) == std::string(sound.size(), '\0'));
  std::string flipped = sound;
  flipped[8] = '\xdf';  // a blank with every bit turned over
  CHECK(damaged(sound, Damage::flipped) == flipped);
  CHECK(damaged(damaged(sound, Damage::flipped), Damage::flipped) == sound);
  const std::string large = damaged(sound, Damage::oversized);
  CHECK(large.size() == 16u << 20);
  CHECK(large.substr(0, 2 * sound.size()) == sound + sound);
  CHECK(damaged(std::string(10u << 20, 'x'), Damage::oversized).size() == 20u << 20);
}

TEST_CASE("one byte and none can be damaged") {
  for (const auto damage :
       {Damage::truncated, Damage::empty, Damage::zero, Damage::flipped, Damage::oversized}) {
    CHECK(damaged("x", damage) != "x");
    CHECK(damaged("", damage).empty());
  }
}
