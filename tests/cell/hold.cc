// Where a reproduction holds, and that holding changes nothing but the time.

#include "labctl/cell/hold.h"

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;
using cell::Nearness;

namespace {

const std::string second_settle = "boot 2/3: settle";

// The crash is told while the cell is at `step`.
Scene crashed_at(const std::string& step) {
  Scene scene;
  scene.hears(step, 0ms, on_console(finding("BUG: unable to handle page fault in sensor_match")));
  scene.play();
  REQUIRE(scene.state.outcome.ending == outcome::Ending::crashed);
  return scene;
}

// The same cell from its beginning, holding; somebody who comes `after` lets it go on.
Scene held(
    int left, const std::function<void(Scene&)>& meanwhile = [](Scene&) {}) {
  Scene scene;
  scene.opening.hold = left;
  bool held = false;
  scene.each_moment = [held, meanwhile](Scene& s) mutable {
    if (held || s.state.phase != cell::Phase::held) return;
    held = true;
    meanwhile(s);
    if (s.state.phase == cell::Phase::held) s.tell(event::Released{});
  };
  scene.play();
  return scene;
}

}  // namespace

TEST_CASE("a reproduction holds before the step, or before the very operation, in which the cell fell") {
  struct {
    const char *fell, *step, *operation;
  } cases[] = {
      {"exercise", "exercise", "exercise"},
      {"apply content: proof", "apply content", "apply content: proof"},
      {"boot 2/3: settle", "boot 2/3", "boot 2/3: settle"},
      {"install driver", "deliver", "install driver"},  // the CD is put in for it
  };
  for (const auto& c : cases) {
    const Scene scene = crashed_at(c.fell);
    INFO(c.fell);
    const auto step = cell::hold_before_failure(scene.cell, scene.journal, Nearness::step);
    const auto operation = cell::hold_before_failure(scene.cell, scene.journal, Nearness::operation);
    REQUIRE((step && operation));
    CHECK(step->step == c.step);
    CHECK(operation->step == c.operation);
    CHECK(step->left >= operation->left);
    const Scene again = held(step->left, [&](Scene& s) { CHECK(cell::where_now(s.state) == c.step); });
    CHECK(again.state.outcome.ending == outcome::Ending::passed);
  }
}

TEST_CASE("a hang is held before the step in which the guest stopped answering") {
  Scene scene;
  scene.when("exercise", 0ms, [](Scene& s) { s.alive = false; });
  scene.play();
  REQUIRE(scene.state.outcome.ending == outcome::Ending::hung);
  CHECK(cell::hold_before_failure(scene.cell, scene.journal, Nearness::step)->step == "exercise");
}

TEST_CASE("a line that is found guilty only later is held before the step in which it was said") {
  Scene scene;
  scene.hears("exercise", 0ms,
              on_console(finding("BUG: sleeping function", crash::Kind::bug, /*confirmed=*/false)));
  scene.answers("suspect", [](Answer& answer) { answer.output = "taint=128\n"; });
  scene.play();
  REQUIRE(scene.state.outcome.ending == outcome::Ending::crashed);
  CHECK(cell::hold_before_failure(scene.cell, scene.journal, Nearness::step)->step == "exercise");
}

TEST_CASE("a cell that did not fail has nothing to be held before") {
  Scene scene;
  scene.play();
  const auto hold = cell::hold_before_failure(scene.cell, scene.journal, Nearness::step);
  REQUIRE(!hold);
  CHECK(hold.error().fault == Fault::input);
  CHECK_THAT(hold.error().what, ContainsSubstring("did not fail"));
}

TEST_CASE("a step is held at by its name, and a wrong name is told with those that there are") {
  const Scene scene;
  CHECK(cell::hold_at(scene.cell, scene.opening, second_settle)->step == second_settle);
  const auto wrong = cell::hold_at(scene.cell, scene.opening, "exercize");
  REQUIRE(!wrong);
  CHECK_THAT(wrong.error().hint, ContainsSubstring("did you mean 'exercise'?"));
  CHECK_THAT(wrong.error().hint, ContainsSubstring("boot 3/3: settle"));
}

TEST_CASE("a machine that boots instead of being restored holds at the same place") {
  Scene scene;
  const auto restored = cell::hold_at(scene.cell, scene.opening, second_settle);
  scene.opening.live = false;
  CHECK(cell::hold_at(scene.cell, scene.opening, second_settle)->left == restored->left);
}

TEST_CASE("while it is held nothing begins, no deadline ends, and nothing is found") {
  const Scene plain;
  const int left = cell::hold_at(plain.cell, plain.opening, "exercise")->left;
  const Scene scene = held(left, [](Scene& s) {
    const auto questions = s.asked;
    s.alive = false;
    for (int i = 0; i < 100; ++i) s.now += 1min, s.tell(event::Tick{});
    s.tell(on_console(finding("Kernel panic - not syncing", crash::Kind::panic)));
    s.tell(event::Reset{});
    CHECK(s.state.phase == cell::Phase::held);
    CHECK(s.asked == questions);
    s.alive = true;
  });
  CHECK(scene.state.outcome.ending == outcome::Ending::passed);
  CHECK(scene.state.outcome.boots_proved == 3);
  CHECK(scene.state.outcome.findings.empty());
  CHECK(show(cell::replay(scene.cell, scene.journal)) == show(scene.state.outcome));
}

TEST_CASE("a held cell can go on one operation at a time") {
  Scene scene;
  scene.opening.hold = cell::hold_at(scene.cell, scene.opening, "exercise")->left;
  std::vector<std::string> places;
  scene.each_moment = [&](Scene& s) {
    if (s.state.phase != cell::Phase::held) return;
    places.push_back(cell::where_now(s.state));
    s.tell(event::Released{places.size() < 3 ? cell::next_hold(s.state) : 0});
  };
  scene.play();
  CHECK(places == std::vector<std::string>{"exercise", "exercise: proof", "exercise: proof"});
  CHECK(scene.state.outcome.ending == outcome::Ending::passed);
}

TEST_CASE("a held cell ends with its machine, and when it is left") {
  const Scene plain;
  const int left = cell::hold_at(plain.cell, plain.opening, "exercise")->left;
  const auto ended = [&](event::What what) {
    return held(left, [&](Scene& s) { s.tell(std::move(what)); }).state.outcome.ending;
  };
  CHECK(ended(event::Stopped{.by_guest = true, .reason = "guest-shutdown"}) == outcome::Ending::lab_failed);
  CHECK(ended(event::LabFault{.what = "gone", .hypervisor = "died"}) == outcome::Ending::lab_failed);
  CHECK(ended(event::Interrupted{}) == outcome::Ending::interrupted);
}

TEST_CASE("until its own content has a part in it, a cell's life is the same with any other") {
  using enum scenario::StepKind;
  const auto held_at = [](std::vector<scenario::Step> story) {
    auto cell = candidate();
    cell.story = std::move(story);
    const auto hold = cell::hold_before_content(cell, opened(cell));
    return hold ? hold->step : "nowhere";
  };
  CHECK(held_at({{.kind = install}, {.kind = apply}, {.kind = reboot}}) == "apply content");
  CHECK(held_at({{.kind = install}, {.kind = reboot}, {.kind = place}, {.kind = reboot}}) == "place content");
  // Of another label: the same in every life of this cell.
  CHECK(held_at(
            {{.kind = install}, {.kind = apply, .label = "current"}, {.kind = exercise}, {.kind = apply}}) ==
        "apply content");
  CHECK(held_at({{.kind = apply}, {.kind = install}, {.kind = reboot}}) == "nowhere");
  CHECK(held_at({{.kind = install}, {.kind = reboot}}) == "nowhere");
  CHECK(!cell::hold_before_content(bare_module(), opened(bare_module())));
  CHECK(!cell::hold_before_content(control(), opened(control())));
}

TEST_CASE("a held cell goes on with another content: delivered anew, and proved to be it") {
  struct {
    const char* name;
    std::string driver, content, in_guest;
    outcome::Ending ending;
    const char* reason;
  } cases[] = {
      {"exchanged", driver_digest, sha256("other"), sha256("other"), outcome::Ending::passed, ""},
      {"not the new one", driver_digest, sha256("other"), content_digest, outcome::Ending::altered,
       "content.bin"},
      {"a driver that is in it already", sha256("other"), content_digest, content_digest,
       outcome::Ending::lab_failed, "'install driver' was done with an artifact other than"},
      {"of no digest", driver_digest, "?", "?", outcome::Ending::lab_failed, "lacks"},
  };
  for (const auto& c : cases) {
    INFO(c.name);
    const Scene plain;
    const auto hold = cell::hold_before_content(plain.cell, plain.opening);
    REQUIRE(hold);
    const Scene scene = held(hold->left, [&](Scene& s) {
      auto payload = s.opening.payload;
      payload[guest::driver_file(s.cell.guest.driver)] = c.driver;
      payload["content.bin"] = c.content;
      s.opening.payload["content.bin"] = c.in_guest;
      s.answers("content-digest", [&](Answer& answer) { answer.output = "content_sha256=" + c.in_guest; });
      s.answers("proof-1", [&](Answer& answer) { answer.output = c.in_guest; });
      s.tell(event::Released{0, payload});
    });
    CHECK(scene.state.outcome.ending == c.ending);
    CHECK_THAT(scene.state.outcome.reason, ContainsSubstring(c.reason));
    CHECK(show(cell::replay(scene.cell, scene.journal)) == show(scene.state.outcome));
    if (c.ending != outcome::Ending::passed) continue;
    CHECK(scene.asked.at("deliver") == 2);
    CHECK(scene.asked.at("install") == 1);
    CHECK(scene.state.outcome.boots_proved == 3);
  }
}
