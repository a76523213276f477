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

namespace {

// A host with KVM: the guest boots in three seconds.
Scene on_a_fast_host() {
  Scene scene;
  scene.opening.boot_time = scene.boot_time = 3s;
  return scene;
}

// The question is answered so late, counted from when it was put.
void takes(Scene& scene, const std::string& question, Millis long_) { scene.works_at[question] = long_; }

}  // namespace

TEST_CASE("the candidate's own work has the same time on a fast host as on a slow one") {
  struct Case {
    const char* question;
    Millis passes, hangs;
  };
  for (const Case& c : {Case{"install", 14min, 16min}, Case{"apply", 4min, 6min},
                        Case{"exercise-1", 90s, 6min}, Case{"proof-2", 50s, 70s}}) {
    INFO(c.question);
    Scene good = on_a_fast_host(), bad = on_a_fast_host();
    takes(good, c.question, c.passes);
    takes(bad, c.question, c.hangs);
    CHECK(good.play().ending == Ending::passed);
    CHECK(bad.play().ending == Ending::hung);
    CHECK_THAT(bad.state.outcome.reason,
               ContainsSubstring(std::string("'") + c.question + "' did not end within "));
  }
}

TEST_CASE("a package that is built in the guest has an hour") {
  for (const char* path : {"out/sensor-dkms_7.16_all.deb", "out/sensor_7.16_amd64.deb"}) {
    Scene scene = on_a_fast_host();
    scene.cell.driver_path = path;
    takes(scene, "install", 50min);
    INFO(path);
    CHECK((scene.play().ending == Ending::passed) == (std::string(path).find("dkms") != std::string::npos));
  }
}

TEST_CASE("a command of the story, a removal, a stop and a boot have a floor as well") {
  Scene good = on_a_fast_host();
  good.cell.story = {{.kind = install},
                     {.kind = apply},
                     {.kind = run, .text = "sensorctl index"},
                     {.kind = reboot},
                     {.kind = scenario::StepKind::remove},
                     {.kind = reboot}};
  takes(good, "run-1", 4min);
  takes(good, "remove", 10min);
  good.change = [](Answer& answer, int nth) {
    if (answer.question == "loaded" && nth > 5) answer.output = "state=absent\n";  // once it is removed
    return true;
  };
  good.shutdown_time = 110s;
  good.boot_time = 170s;
  CHECK(good.play().ending == Ending::passed);

  Scene stuck = on_a_fast_host();
  stuck.shutdown_time = 130s;
  CHECK(stuck.play().ending == Ending::hung);
  CHECK_THAT(stuck.state.outcome.reason, ContainsSubstring("the shutdown did not end"));

  Scene lost = on_a_fast_host();
  lost.boot_time = 190s;
  CHECK(lost.play().ending == Ending::hung);
  CHECK_THAT(lost.state.outcome.reason, ContainsSubstring("did not come back"));
}

TEST_CASE("on a slow host the multiple of the boot is longer than the floor") {
  Scene scene;
  scene.opening.boot_time = 5min;
  takes(scene, "exercise-1", 25min);
  CHECK(scene.play().ending == Ending::passed);
}

TEST_CASE("what the author says of a command shortens and lengthens its time") {
  const auto says = [](Millis within) {
    Scene scene = on_a_fast_host();
    scene.cell.guest.driver.within = scene.cell.guest.content->within = within;
    scene.cell.guest.exercise[0].within = scene.cell.guest.proof[1].within = within;
    return scene;
  };
  for (const char* question : {"install", "apply", "exercise-1", "proof-2"}) {
    INFO(question);
    Scene shorter = says(20s), longer = says(2h);
    takes(shorter, question, 30s);
    takes(longer, question, 100min);
    longer.limit = 100h;
    CHECK(shorter.play().ending == Ending::hung);
    CHECK_THAT(shorter.state.outcome.reason, ContainsSubstring("did not end within 20"));
    CHECK(longer.play().ending == Ending::passed);
  }
}

TEST_CASE("what the author says of a step counts before what is said of a command") {
  Scene scene = on_a_fast_host();
  scene.cell.guest.driver.within = scene.cell.guest.exercise[0].within = 10s;
  for (auto& step : scene.cell.story) step.within = 10min;
  takes(scene, "install", 8min);
  takes(scene, "exercise-1", 8min);
  scene.shutdown_time = 5min;
  scene.boot_time = 7min;
  CHECK(scene.play().ending == Ending::passed);
  scene = on_a_fast_host();
  scene.cell.story[3].within = 30s;  // a reboot
  scene.boot_time = 40s;
  CHECK(scene.play().ending == Ending::hung);
}

TEST_CASE("a text has five minutes, and a step's limit is for the moment and not for the boot behind it") {
  Scene scene = on_a_fast_host();
  scene.cell.story = {{.kind = install},
                      {.kind = apply},
                      {.kind = power_cut, .text = "sensor: ready", .within = 8min},
                      {.kind = wait_for, .text = "sensor: again"}};
  scene.boot_time = 60s;
  scene.hears("power-cut at 'sensor: ready'", 7min, event::Said{"sensor: ready"});
  scene.hears("wait for 'sensor: again'", 4min, event::Said{"sensor: again"});
  CHECK(scene.play().ending == Ending::passed);
}

TEST_CASE("a journal of rules that knew no floors is judged by its own limits") {
  for (const int rules : {1, 2}) {
    Scene scene = on_a_fast_host();
    scene.opening.rules = rules;
    takes(scene, "exercise-1", 90s);
    INFO(rules);
    CHECK((scene.play().ending == Ending::hung) == (rules < 2));
    if (rules < 2)
      CHECK(scene.state.outcome.reason == "'exercise-1' did not end, although the guest is alive");
  }
}
