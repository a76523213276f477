// Stories of damaged content: the driver may refuse it, and the guest must live on all the same.

#include "tests/cell/told.h"

using namespace story;
namespace {

void damaged(Scene& s) {
  s.cell.content = "damaged-truncated";
  s.cell.content_damage = scenario::Damage::truncated;
  s.cell.content_may_be_refused = true;
}

// Refused by the driver's tool, and from then on the driver has no content.
void refused(Scene& s, int status = 1) {
  damaged(s);
  s.answers("apply", exits(status, "sensorctl: not a content file"));
  s.answers("content-digest", prints("content_sha256=\n"));
  s.answers("proof-1", exits(1, "the driver has no content"));
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"damaged content that is refused", passed, "", 3, [](Scene& s) { refused(s); }},
      {"damaged content that is taken and used", passed, "", 3, [](Scene& s) { damaged(s); }},
      {"damaged content that is refused, and nothing to exercise", passed, "", 3,
       [](Scene& s) { refused(s), s.answers("exercise-1", exits(1, "no content")); }},
      {"damaged content that no command is asked about", passed, "", 3,
       [](Scene& s) {
         damaged(s), s.cell.guest.content->apply.clear();
         s.answers("proof-1", exits(1, "the driver has no content")), s.answers("exercise-1", exits(1));
       }},
      {"damaged content that lies there when its driver comes", passed, "", 3,
       [](Scene& s) {
         damaged(s);
         s.cell.story[0].kind = scenario::StepKind::place, s.cell.story[1].kind = scenario::StepKind::install;
         s.answers("proof-1", exits(1, "the driver has no content")), s.answers("exercise-1", exits(1));
       }},

      // ---- and must not pass ----
      {"content that nobody may refuse", not_loaded, "'apply' ended with status 1", 0,
       [](Scene& s) { refused(s), s.cell.content_may_be_refused = false; }},
      {"content that is said to be taken and is not used", not_loaded,
       "'sensorctl digest' ended with status 1", 0,
       [](Scene& s) { damaged(s), s.answers("proof-1", exits(1, "the driver has no content")); }},
      {"content that is taken, and refused by the driver of the next boot", not_loaded, "'sensorctl digest'",
       0, [](Scene& s) { damaged(s), s.answers_from("proof-1", exits(1, "the driver has no content"), 3); }},
      {"content that is taken and is another in the guest", altered, "the content", 0,
       [](Scene& s) { damaged(s), s.answers("content-digest", prints("content_sha256=\n")); }},
      {"an exercise that fails with content that was taken", not_loaded, "'exercise-1'", 0,
       [](Scene& s) { damaged(s), s.answers("exercise-1", exits(1)); }},
      {"a tool that dies of it has refused nothing", not_loaded, "'apply' ended with status 139", 0,
       [](Scene& s) { refused(s, 139); }},
      {"a copy that fails has refused nothing", not_loaded, "'apply' ended with status 126", 0,
       [](Scene& s) { refused(s, 126); }},
      {"an exercise that dies after a refusal", not_loaded, "'exercise-1' ended with status 139", 0,
       [](Scene& s) { refused(s), s.answers("exercise-1", exits(139)); }},
      {"an exercise that never ends after a refusal", hung, "'exercise-1' did not end", 0,
       [](Scene& s) { refused(s), s.never_answers("exercise-1"); }},
      {"an apply that never ends", hung, "'apply' did not end", 0,
       [](Scene& s) { damaged(s), s.never_answers("apply"); }},
      {"a driver that is gone after the refusal", not_loaded, "absent", 0,
       [](Scene& s) { refused(s), s.answers_from("loaded", prints("state=absent\n"), 2); }},
      {"a driver that does not come back with it", not_loaded, "absent", 0,
       [](Scene& s) { refused(s), s.answers_from("loaded", prints("state=absent\n"), 4); }},
      {"a proof that has nothing to do with the content", not_loaded, "'sensorctl selftest'", 0,
       [](Scene& s) { refused(s), s.answers_from("proof-2", exits(1), 3); }},
      {"refused by the tool, and the driver dies of it at the next boot", crashed, "oops in sensor_match", 0,
       [](Scene& s) {
         refused(s);
         s.hears("boot 1/3", 15s, on_console(finding("oops in sensor_match")));
       }},
      {"refused, and the kernel is not well", crashed, "tainted B", 0,
       [](Scene& s) {
         refused(s);
         s.when("apply content", 0s, [](Scene& g) { g.taint |= 1u << 5; });
       }},
      {"a refusal excuses nothing when the same content is applied again and taken", not_loaded,
       "'sensorctl digest'", 0,
       [](Scene& s) {
         damaged(s);
         s.cell.story.insert(s.cell.story.begin() + 2, {.kind = scenario::StepKind::apply});
         s.answers("apply", exits(1, "sensorctl: busy"), 1);
         s.answers("proof-1", exits(1, "the driver has no content"));
       }},
      {"a refusal excuses no other content", not_loaded, "'sensorctl digest'", 0,
       [](Scene& s) {
         refused(s);
         s.cell.extra_contents = {{.label = "current", .path = "290.bin"}};
         s.opening.payload["content-current.bin"] = content_digest;
         s.cell.story.insert(s.cell.story.begin() + 2,
                             {.kind = scenario::StepKind::apply, .label = "current"});
         s.change = [](Answer& answer, int nth) {
           if (answer.question == "apply" && nth == 1) answer.exit_code = 1;
           if (answer.question == "proof-1") answer.output = "none";
           return true;
         };
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a story of damaged content has its ending") {
  for (const Story& story : stories()) DYNAMIC_SECTION(story.name) {
      check(story);
    }
}

TEST_CASE("a refusal is told once, with its words, and counts for nothing") {
  Scene scene;
  refused(scene);
  const auto& outcome = scene.play();
  REQUIRE(outcome.findings.size() == 1);
  const auto& finding = outcome.findings[0].finding;
  CHECK(finding.title == "content refused");
  CHECK_THAT(finding.suppressed, ContainsSubstring("ended with status 1: sensorctl: not a content file"));
  CHECK(scene.pictures == 0);
}
