// How long a cell waits, and for whom no longer: what an ending alone does not show, because a later deadline
// would have found it too.

#include "tests/cell/told.h"

using namespace story;
namespace {

using enum scenario::StepKind;

// Whether the guest was asked a last time after it had failed.
bool swept(Scene& scene) {
  bool seen = false;
  scene.each_moment = [&seen](Scene& s) { seen = seen || s.state.phase == cell::Phase::last_sweep; };
  scene.play();
  return seen;
}

}  // namespace

TEST_CASE("a guest that failed is asked a last time, and a dead one is not") {
  Scene oopsed, panicked;
  oopsed.hears(settle2, 2s, on_console(finding("oops in sensor_match")));
  panicked.hears(settle2, 2s, event::Panicked{});
  CHECK(swept(oopsed));
  CHECK_FALSE(swept(panicked));
  CHECK(oopsed.state.outcome.ending == Ending::crashed);
  CHECK(panicked.state.outcome.ending == Ending::crashed);
}

TEST_CASE("a lost heartbeat is told where the guest was lost") {
  SECTION("a heart that stops just before the end of settling does not go on to the proof") {
    Scene scene;
    scene.when(settle2, 18s, [](Scene& s) { s.alive = false; });
    CHECK(scene.play().ending == Ending::hung);
    CHECK(scene.state.outcome.step == settle2);
  }
  SECTION("a heart that stops while a power cut waits for its moment") {
    Scene scene;
    scene.cell.story = {
        {.kind = power_cut, .text = "sensor: never said", .moment = scenario::Moment::install},
        {.kind = install},
        {.kind = reboot}};
    scene.works = 1h;
    scene.when("power-cut during install driver at 'sensor: never said'", 2s,
               [](Scene& s) { s.alive = false; });
    CHECK(scene.play().ending == Ending::hung);
    CHECK_THAT(scene.state.outcome.reason, ContainsSubstring("heartbeat was lost"));
  }
}

TEST_CASE("the guest's own clock") {
  SECTION("starved time that is told smaller than before does not make a guest late") {
    Scene scene;
    scene.starved_share = 0.9, scene.latency = 5s;
    scene.when(settle2, 2s, [](Scene& s) { s.starved_share = 0, s.latency = 200ms; });
    CHECK(scene.play().ending == Ending::passed);
  }
  SECTION("starved time that is told late keeps no heart beating") {
    Scene scene;
    scene.cell.story = {{.kind = install}, {.kind = reboot}, {.kind = scenario::StepKind::wait, .wait = 20s}};
    // Half a minute at once: the heartbeats until then were of a time that has not come yet.
    scene.answers(
        "kernel-log", [&scene](Answer&) { scene.tell(on_console(suspect())); }, 3);
    scene.answers("suspect", [&scene](Answer&) {
      scene.tell(event::Tick{30s});
      scene.alive = false;
    });
    CHECK(scene.play().ending == Ending::hung);
    CHECK(scene.state.outcome.step == "wait");
  }
}

TEST_CASE("a suspect is not forgotten in a story that ends without waiting for it") {
  Scene scene;
  scene.when(settle2, 0s, [](Scene& s) {
    REQUIRE(s.state.operations.back().wait == cell::Wait::cleared);
    while (s.state.operations.back().wait == cell::Wait::cleared) s.state.operations.pop_back();
  });
  scene.answers(
      "kernel-log", [&scene](Answer&) { scene.tell(on_console(suspect())); }, 9);
  scene.never_answers("suspect");
  CHECK(scene.play().ending == Ending::crashed);
  CHECK_THAT(scene.state.outcome.reason, ContainsSubstring("page fault"));
}

TEST_CASE("the same finding told again, by one channel or by two, is kept once") {
  Scene scene;
  for (const auto after : {2s, 3s, 4s})
    scene.hears(settle2, after, on_console(finding("oops in sensor_match")));
  scene.hears(settle2, 4s, event::Found{event::Channel::evidence, finding("oops in sensor_match")});
  scene.play();
  CHECK(scene.state.outcome.findings.size() == 1);
}

TEST_CASE("a guest that is booted instead of restored is waited for until its boot has ended") {
  Scene scene;
  scene.opening.live = false;
  scene.answers("booted", prints("system=maintenance"), 1);
  CHECK(scene.play().ending == Ending::lab_failed);
  CHECK(scene.state.outcome.step == "boot");
}
