// Stories of a guest that is suspended to RAM and woken.

#include "tests/cell/told.h"

using namespace story;
namespace {

// Behind the content, so often.
void is_suspended(Scene& s, std::size_t times = 1) {
  s.cell.story.insert(s.cell.story.begin() + 2, times, {.kind = scenario::StepKind::suspend});
}

// A second behind its going to sleep, which is 3 s behind the step's beginning.
void hears_asleep(Scene& s, What what) { s.hears("suspend", 3s + 500ms, std::move(what)); }

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"a guest that is suspended is no boot", passed, "", 3, [](Scene& s) { is_suspended(s); }},
      {"a guest that is suspended beside a load of the author's", passed, "", 3,
       [](Scene& s) { is_suspended(s), s.cell.guest.background = {{"stress"}}; }},
      {"a guest that is suspended three times", passed, "", 3, [](Scene& s) { is_suspended(s, 3); }},
      {"a control that is suspended", passed, "", 3,
       [](Scene& s) {
         s = Scene(control());
         s.cell.story.insert(s.cell.story.begin(), {.kind = scenario::StepKind::suspend});
       }},
      {"a kernel that refuses to be suspended", not_loaded,
       "did not suspend to RAM: 'suspend' ended with status 1: sh: write error: Device or resource busy", 0,
       [](Scene& s) {
         is_suspended(s), s.suspends = false;
         s.answers("suspend-1", exits(1, "sh: write error: Device or resource busy\n"));
       }},
      {"a control that cannot be suspended", lab_failed, "did not suspend to RAM", 0,
       [](Scene& s) {
         s = Scene(control());
         s.cell.story.insert(s.cell.story.begin(), {.kind = scenario::StepKind::suspend});
         s.suspends = false;
         s.answers("suspend-1", exits(3, "cannot suspend to RAM"));
       }},
      {"a guest that says it slept, and did not", not_loaded, "its machine never slept", 0,
       [](Scene& s) { is_suspended(s), s.suspends = false; }},
      {"a guest that says it is back while its machine sleeps", not_loaded, "its machine never slept", 0,
       [](Scene& s) {
         is_suspended(s), s.suspends = false;
         s.hears("suspend", 2s, event::Suspended{});
         s.wakes = false;
       }},
      {"a guest that never goes to sleep", hung, "did not suspend to RAM within 2m00s", 0,
       [](Scene& s) { is_suspended(s), s.suspends = false, s.never_answers("suspend-1"); }},
      {"a guest that has less time to go to sleep", hung, "did not suspend to RAM within 10s", 0,
       [](Scene& s) {
         is_suspended(s), s.cell.story[2].within = 10s;
         s.suspends = false, s.never_answers("suspend-1");
       }},
      {"a guest that takes long to go to sleep", passed, "", 3,
       [](Scene& s) {
         is_suspended(s), s.suspends = false;
         s.works_at["suspend-1"] = 110s;
         s.hears("suspend", 100s, event::Suspended{});
       }},
      {"a guest that never comes back", hung, "did not come back from its suspension within 3m00s", 0,
       [](Scene& s) { is_suspended(s), s.resumes = false; }},
      {"a guest that does not say that it is back", hung, "did not come back from its suspension", 0,
       [](Scene& s) { is_suspended(s), s.never_answers("suspend-1"); }},
      {"a guest that cannot answer", hung, "could not answer 'suspend': no such process", 0,
       [](Scene& s) { is_suspended(s), s.answers("suspend-1", refuse); }},
      {"an answer to something else meanwhile", passed, "", 3,
       [](Scene& s) {
         is_suspended(s), s.hears("suspend", 2s, Answer{"evidence", true, 1, "late"});
       }},
      {"a machine that is not woken", lab_failed, "did not wake up when labctl asked", 0,
       [](Scene& s) { is_suspended(s), s.wakes = false; }},
      {"an oops on the way down", crashed, "oops", 0,
       [](Scene& s) { is_suspended(s), s.hears("suspend", 2s, on_console(finding("oops"))); }},
      {"an oops on the way up", crashed, "oops", 0,
       [](Scene& s) { is_suspended(s), hears_asleep(s, on_console(finding("oops"))); }},
      {"an oops a moment behind it", crashed, "oops", 0,
       [](Scene& s) { is_suspended(s), s.hears("suspend: settle", 2s, on_console(finding("oops"))); }},
      {"a line on the way down that the guest clears when it is back", passed, "", 3,
       [](Scene& s) {
         is_suspended(s), s.hears("suspend", 2s + 500ms, on_console(suspect()));
         s.each_moment = [](Scene& g) {
           if (g.state.asleep_since) CHECK_FALSE(g.state.suspect_asked);
         };
       }},
      {"a line on the way down, and a kernel that is tainted when it is back", crashed, "page fault", 0,
       [](Scene& s) {
         is_suspended(s), s.hears("suspend", 2s + 500ms, on_console(suspect()));
         s.answers("suspect", says("taint=12288", "taint=12416"));
       }},
      {"a reset on the way up", crashed, "the guest reset itself without being asked to", 0,
       [](Scene& s) { is_suspended(s), hears_asleep(s, event::Reset{}); }},
      {"a power-off instead of a sleep", crashed, "powered itself off without being asked to", 0,
       [](Scene& s) {
         is_suspended(s), s.suspends = false, s.never_answers("suspend-1");
         s.hears("suspend", 3s, event::Stopped{});
       }},
      {"a guest that boots anew instead of waking up", crashed, "booted anew instead of waking up", 0,
       [](Scene& s) {
         is_suspended(s), s.resumes = false;
         s.hears("suspend", 5s, event::KernelStarted{});
       }},
      {"a guest that suspends itself", hung, "without being asked to", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::Suspended{}); }},
      {"a command of the author's that suspends it, with an alarm", passed, "", 3,
       [](Scene& s) {
         s.works_at["exercise-1"] = 8s;
         s.hears("exercise", 2s, event::Suspended{}), s.hears("exercise", 6s, event::Woken{});
       }},
      {"a command of the author's that suspends it for good", hung, "the heartbeat was lost", 0,
       [](Scene& s) {
         s.works_at["exercise-1"] = 8s;
         s.when("exercise", 2s, [](Scene& g) { g.tell(event::Suspended{}), g.alive = false; });
       }},
      {"a guest that suspends itself before the candidate is there", lab_failed, "without being asked to", 0,
       [](Scene& s) { s.hears("baseline", 100ms, event::Suspended{}); }},
      {"a guest that goes to sleep again when it is woken", hung, "without being asked to", 0,
       [](Scene& s) { is_suspended(s), hears_asleep(s, event::Suspended{}); }},
      {"a wake-up out of nothing is none", passed, "", 3,
       [](Scene& s) { s.hears(settle2, 2s, event::Woken{}); }},
      {"another boot's identity behind it", crashed, "boot identity changed", 0,
       [](Scene& s) {
         is_suspended(s);
         s.answers("evidence", [&s](Answer& answer) {
           if (s.asked["suspend-1"] == 1 && s.boots == 0)
             answer.output = replace(answer.output, Scene::boot_id(0), Scene::boot_id(9));
         });
       }},
      {"a module that does not live through it", not_loaded, "was loaded and has gone away since", 0,
       [](Scene& s) {
         is_suspended(s);
         s.answers("loaded", [&s](Answer& answer) {
           if (s.asked["suspend-1"] == 1) answer.output = "state=absent\n";
         });
       }},
      {"a service that did not live through it", crashed, "was restarted by itself", 0,
       [](Scene& s) {
         is_suspended(s);
         s.cell.guest.driver.services = {"sensord.service"};
         s.opening = opened(s.cell);
         s.answers("service-sensord.service", [&s](Answer& answer) {
           if (s.asked["suspend-1"] == 1 && s.boots == 0)
             answer.output = replace(answer.output, "NRestarts=0", "NRestarts=1");
         });
       }},
      {"content that does not live through it", altered, "the content", 0,
       [](Scene& s) {
         is_suspended(s);
         s.answers("content-digest", [&s](Answer& answer) {
           if (s.asked["suspend-1"] == 1) answer.output = "content_sha256=" + driver_digest + "\n";
         });
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a suspension is waited for as long as is said, and no longer") {
  const struct {
    Millis limit;
    std::function<void(Scene&)> change;
  } rows[] = {
      {120s, [](Scene& s) { s.suspends = false, s.never_answers("suspend-1"); }},
      {180s, [](Scene& s) { s.resumes = false; }},
      {70s, [](Scene& s) { s.wakes = false; }},
  };
  for (const auto& row : rows) {
    Scene scene;
    is_suspended(scene), row.change(scene);
    scene.play();
    Millis began{0};
    for (const auto& step : cell::life_of(scene.cell, scene.journal).steps)
      if (step.step.name == "suspend") began = step.from;
    INFO(scene.state.outcome.reason);
    CHECK(scene.state.outcome.took - began > row.limit);
    CHECK(scene.state.outcome.took - began < row.limit + 30s);
  }
}

TEST_CASE("every story of a guest that is suspended ends as it should") {
  for (const Story& story : stories()) {
    INFO(story.name);
    check(story);
  }
}
