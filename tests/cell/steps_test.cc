// Single steps of a life, and the steps a journal went through, as reports draw them.

#include <algorithm>

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;

TEST_CASE("the steps of a life follow each other without a gap to its end") {
  Scene scene;
  scene.play();
  const auto steps = cell::life_of(scene.cell, scene.journal).steps;
  REQUIRE(steps.size() > 10);
  CHECK(steps.front().step.text() == "restore");
  const auto does = [&](outcome::Activity activity) {
    return std::count_if(steps.begin(), steps.end(),
                         [&](const auto& one) { return one.step.activity == activity; });
  };
  using enum outcome::Activity;
  for (const auto activity : {prepare, boot, install, apply, use, settle, proof}) CHECK(does(activity) > 0);
  CHECK(steps.front().from == 0ms);
  for (std::size_t i = 1; i < steps.size(); ++i) CHECK(steps[i].from == steps[i - 1].to);
  CHECK(steps.back().to == scene.journal.back().at);
}

TEST_CASE("a cut journal has the steps that it came to, and the outcome that replaying it gives") {
  Scene scene;
  scene.play();
  CHECK(cell::life_of(scene.cell, scene.journal).outcome.ending == outcome::Ending::passed);
  scene.journal.resize(5);
  const auto life = cell::life_of(scene.cell, scene.journal);
  CHECK(life.steps.size() < 5);
  CHECK(life.outcome.ending == outcome::Ending::lab_failed);
  CHECK(life.outcome.reason == cell::replay(scene.cell, scene.journal).reason);
  CHECK(cell::life_of(scene.cell, {}).steps.empty());
}

TEST_CASE("time does not run backwards") {
  using namespace std::chrono_literals;
  auto state = cell::begin(story::candidate());
  cell::on(state, {0s, story::opened(state.cell)});
  cell::on(state, {9s, event::Started{}});
  cell::on(state, {2s, event::Beat{}});
  CHECK(state.now == 9s);
}

TEST_CASE("a guest that its panic device paused is let go on for its last words") {
  auto state = cell::begin(story::candidate());
  cell::on(state, {0ms, story::opened(state.cell)});
  const auto actions = cell::on(state, {1000ms, event::Panicked{}});
  CHECK(std::count_if(actions.begin(), actions.end(),
                      [](const auto& action) { return std::holds_alternative<cell::Resume>(action); }) == 1);
}
