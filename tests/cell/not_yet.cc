// Drivers that are there later: at the next boot, when they are used, or a moment after they were asked for.

#include "tests/cell/told.h"

using namespace story;
namespace {

using enum scenario::StepKind;
using scenario::Loads;

// The question is answered so until it has been put `times` times.
void says_at_first(Scene& scene, const std::string& question, int times, std::function<void(Answer&)> how) {
  scene.change = [question, times, how = std::move(how), before = scene.change](Answer& answer, int nth) {
    if (answer.question == question && nth <= times) how(answer);
    return before(answer, nth);
  };
}

std::vector<std::string> steps_that_ask(const Scene& scene, const std::string& question) {
  std::vector<std::string> steps;
  for (const auto& op : scene.state.operations)
    if (op.question.name == question) steps.push_back(op.step.text());
  return steps;
}

}  // namespace

TEST_CASE("what is not there yet is asked for again") {
  Scene module_, coming, proof, silent;
  says_at_first(module_, "loaded", 5, prints("state=absent\n"));
  says_at_first(coming, "loaded", 5, prints("state=coming\n"));
  says_at_first(proof, "proof-2", 5, exits(1, "connection refused"));
  says_at_first(silent, "proof-1", 5, prints("\n"));
  for (Scene* scene : {&module_, &coming, &proof, &silent}) {
    INFO(show(scene->play()));
    CHECK(scene->state.outcome.ending == Ending::passed);
  }
  CHECK(module_.asked["loaded"] == 5 + 9);
}

TEST_CASE("what never comes is not waited for beyond the limit") {
  Scene scene, shorter;
  says_at_first(scene, "loaded", 10'000, prints("state=absent\n"));
  CHECK(scene.play().ending == Ending::not_loaded);
  CHECK_THAT(scene.state.outcome.reason, ContainsSubstring("sensor is absent"));
  CHECK(scene.state.outcome.took > 55s);
  CHECK(scene.state.outcome.took < 90s);

  shorter.cell.guest.proof[1].within = 10s;
  says_at_first(shorter, "proof-2", 10'000, exits(1, "connection refused"));
  CHECK(shorter.play().ending == Ending::not_loaded);
  CHECK_THAT(shorter.state.outcome.reason, ContainsSubstring("connection refused"));
  CHECK(shorter.state.outcome.took < 30s);
}

TEST_CASE("a question that is not answered after it was put again is a hang") {
  Scene scene;
  says_at_first(scene, "loaded", 1, prints("state=absent\n"));
  scene.never_answers("loaded", 2);
  CHECK(scene.play().ending == Ending::hung);
  CHECK_THAT(scene.state.outcome.reason, ContainsSubstring("'loaded' did not end"));
}

TEST_CASE("what is wrong is wrong at once") {
  struct Case {
    const char* question;
    std::function<void(Answer&)> how;
    Ending ending;
  };
  for (const Case& c : {Case{"loaded", says("fresh=yes", "fresh=no"), Ending::not_loaded},
                        Case{"loaded", says("state=live", "state=builtin"), Ending::not_loaded},
                        Case{"loaded", says("package=right", "package=half-installed"), Ending::not_loaded},
                        Case{"content-digest", prints("content_sha256=" + driver_digest), Ending::altered},
                        Case{"proof-1", prints(driver_digest), Ending::not_loaded}}) {
    Scene scene;
    says_at_first(scene, c.question, 1, c.how);
    INFO(c.question);
    CHECK(scene.play().ending == c.ending);
    CHECK(scene.asked[c.question] == 1);
  }
}

TEST_CASE("behind a wait nothing is early") {
  Scene settled, waited;
  settled.answers("loaded", prints("state=absent\n"), 5);
  waited.cell.story.push_back({.kind = wait, .wait = 20s});
  waited.answers("loaded", prints("state=absent\n"), 10);
  CHECK(settled.play().ending == Ending::not_loaded);
  CHECK(settled.state.outcome.step == "boot 1/3: proof");
  CHECK(waited.play().ending == Ending::not_loaded);
  CHECK(waited.state.outcome.step == "wait: proof");
}

TEST_CASE("a driver that loads at the next boot is asked for from there on") {
  Scene scene;
  scene.cell.guest.driver.loads = Loads::at_boot;
  scene.change = [&scene](Answer& answer, int) {
    if (answer.question == "loaded" && scene.boots == 0) answer.output = "state=absent\n";
    if (answer.question.starts_with("proof-") && scene.boots == 0) answer.exit_code = 1;
    return true;
  };
  INFO(show(scene.play()));
  CHECK(scene.state.outcome.ending == Ending::passed);
  for (const char* question : {"loaded", "proof-1"}) {
    const auto steps = steps_that_ask(scene, question);
    REQUIRE(steps.size() == 6);
    CHECK(steps.front() == "boot 1/3: proof");
  }
  // After an upgrade the old one stays until the next boot.
  Scene upgrade;
  upgrade.cell.guest.driver.loads = Loads::at_boot;
  upgrade.cell.story.insert(upgrade.cell.story.end(),
                            {{.kind = install}, {.kind = exercise}, {.kind = reboot}});
  CHECK(upgrade.play().ending == Ending::passed);
  CHECK(steps_that_ask(upgrade, "loaded").size() == 8);
}

TEST_CASE("a driver that loads when it is used is asked for behind each use") {
  Scene scene;
  scene.cell.guest.driver.loads = Loads::on_use;
  scene.cell.story = {{.kind = install},  {.kind = apply},  {.kind = exercise}, {.kind = reboot},
                      {.kind = exercise}, {.kind = reboot}, {.kind = exercise}};
  bool used = false;
  scene.change = [&](Answer& answer, int) {
    if (answer.question == "identify") used = false;
    if (answer.question.starts_with("exercise-")) used = true;
    if (answer.question == "loaded" && !used) answer.output = "state=absent\n";
    return true;
  };
  INFO(show(scene.play()));
  CHECK(scene.state.outcome.ending == Ending::passed);
  CHECK(steps_that_ask(scene, "loaded") == std::vector<std::string>(3, "exercise: proof"));
  // And one that is not there then does not pass.
  Scene missing;
  missing.cell = scene.cell;
  missing.answers("loaded", prints("state=absent\n"));
  CHECK(missing.play().ending == Ending::not_loaded);
}

TEST_CASE("a journal of rules that asked once is judged by its first answer") {
  Scene scene;
  scene.opening.rules = 1;
  says_at_first(scene, "loaded", 1, prints("state=absent\n"));
  CHECK(scene.play().ending == Ending::not_loaded);
  CHECK(scene.asked["loaded"] == 1);
}
