// Stories of a guest that is crashed on purpose, dumps its memory by its crash kernel and boots again.

#include "tests/cell/told.h"

using namespace story;
namespace {

constexpr const char* our_panic = "kernel panic: sysrq triggered crash";
constexpr const char* crashing = "boot 1/3";

// Instead of the first reboot.
void is_crashed(Scene& s) {
  for (auto& step : s.cell.story)
    if (step.kind == scenario::StepKind::reboot) {
      step.kind = scenario::StepKind::crash;
      return;
    }
}

void control_is_crashed(Scene& s) { s = Scene(control()), is_crashed(s); }

void hears_in_crash_kernel(Scene& s, What what) {
  s.each_moment = [what, told = false](Scene& g) mutable {
    if (g.state.crash_boot.kernel && !g.state.down && !std::exchange(told, true)) g.tell(what);
  };
}

// Right before it crashes.
void hears_at_crash(Scene& s, What what) {
  s.each_moment = [what, told = false](Scene& g) mutable {
    const bool due = g.state.position < g.state.operations.size() &&
                     g.state.operations[g.state.position].wait == cell::Wait::crash;
    if (due && !std::exchange(told, true)) g.tell(what);
  };
}

crash::Finding panic_at(std::size_t offset) {
  crash::Finding panic = finding(our_panic, Kind::panic);
  panic.offset = offset;
  return panic;
}

void dump_says(Scene& s, const std::string& from, const std::string& to) {
  s.answers("crash-dump", says(from, to));
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"a guest that leaves its dump and boots", passed, "", 3, [](Scene& s) { is_crashed(s); }},
      {"a guest that is crashed three times", passed, "", 3,
       [](Scene& s) { is_crashed(s), is_crashed(s), is_crashed(s); }},
      {"a control that is crashed", passed, "", 3, control_is_crashed},
      {"a guest without a panic device", passed, "", 3,
       [](Scene& s) {
         is_crashed(s), s.crashes = false;
         s.never_answers("crash-1");
         s.when(crashing, 3s, [](Scene& g) {
           for (const auto& text : std::set<std::string>(g.listened)) g.tell(event::Said{text});
           g.tell(on_console(panic_at(7))), g.tell(event::KernelStarted{});
         });
         s.when(crashing, 20s, [](Scene& g) { g.go_down(); });
       }},
      {"a report that goes on", passed, "", 3,
       [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, on_console(panic_at(4000))); }},
      {"an agent that answers in the crash kernel too", passed, "", 3,
       [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, event::Beat{}); }},
      {"a crash that is asked for again in the crash kernel", passed, "", 3,
       [](Scene& s) {
         is_crashed(s), hears_in_crash_kernel(s, Answer{"crash-1", true, 1, ""});
       }},
      {"a crash kernel that takes its time", passed, "", 3,
       [](Scene& s) { is_crashed(s), s.dump_time = 240s; }},
      {"a crash kernel that takes more", hung, "the crash kernel did not reset the machine within 5m00s", 0,
       [](Scene& s) { is_crashed(s), s.dump_time = 300s; }},
      {"a crash kernel that has less time", hung, "the crash kernel did not reset the machine within 20s", 0,
       [](Scene& s) { is_crashed(s), s.cell.story[3].within = 20s; }},
      {"a crash kernel that does not start", hung, "the crash kernel did not start within 5m00s", 0,
       [](Scene& s) { is_crashed(s), s.starts_crash_kernel = false; }},
      {"a guest that does not crash", hung, "the guest did not crash on purpose within", 0,
       [](Scene& s) { is_crashed(s), s.crashes = false, s.never_answers("crash-1"); }},
      {"a guest that says why it does not crash", not_loaded,
       "did not crash on purpose: 'crash-1' ended with status 1: its kernel goes on", 0,
       [](Scene& s) {
         is_crashed(s), s.crashes = false, s.answers("crash-1", exits(1, "its kernel goes on\n"));
       }},
      {"a control that does not crash", lab_failed, "did not crash on purpose", 0,
       [](Scene& s) { control_is_crashed(s), s.crashes = false, s.answers("crash-1", exits(1)); }},
      {"a guest that never comes back", hung, "did not come back from its crash on purpose", 0,
       [](Scene& s) { is_crashed(s), s.comes_back = false; }},
      {"a reset instead of a crash kernel", crashed, "no crash kernel had started", 0,
       [](Scene& s) {
         is_crashed(s), s.starts_crash_kernel = false;
         s.when(crashing, 6s, [](Scene& g) { g.go_down(); });
       }},
      {"a control that is reset instead", lab_failed, "no crash kernel had started", 0,
       [](Scene& s) {
         control_is_crashed(s), s.starts_crash_kernel = false;
         s.when(crashing, 6s, [](Scene& g) { g.go_down(); });
       }},
      {"a crash kernel that starts again", crashed, "the crash kernel started again", 0,
       [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, event::KernelStarted{}); }},
      {"a crash kernel that powers the guest off", crashed, "powered itself off", 0,
       [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, event::Stopped{}); }},
      {"a crash kernel that dies", crashed, "oops", 0,
       [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, on_console(finding("oops"))); }},
      {"a crash kernel that is made to panic as well", crashed, our_panic, 0,
       [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, on_console(panic_at(9000))); }},
      {"a panic device that speaks in the crash kernel", crashed, "the panic device reported a kernel panic",
       0, [](Scene& s) { is_crashed(s), hears_in_crash_kernel(s, event::Panicked{.crash_loaded = true}); }},
      {"a panic device that speaks twice", crashed, "the panic device reported a kernel panic", 0,
       [](Scene& s) { is_crashed(s), s.when(crashing, 2s + 500ms, [](Scene& g) { g.panic(); }); }},
      {"an oops on the way down", crashed, "oops", 0,
       [](Scene& s) { is_crashed(s), hears_at_crash(s, on_console(finding("oops"))); }},
      {"another panic than the one that was asked for", crashed, "kernel panic: Fatal exception", 0,
       [](Scene& s) {
         is_crashed(s);
         hears_at_crash(s, on_console(finding("kernel panic: Fatal exception", Kind::panic)));
       }},
      {"a line in the crash kernel, of which nobody is asked", crashed, "page fault", 0,
       [](Scene& s) {
         is_crashed(s);
         s.each_moment = [told = false](Scene& g) mutable {
           if (!g.state.crash_boot.kernel || g.state.down) return;
           if (!std::exchange(told, true)) g.tell(on_console(suspect()));
           CHECK_FALSE(g.state.suspect_asked);
         };
       }},
      {"a panic device that speaks for the first time in the crash kernel", crashed,
       "the panic device reported a kernel panic", 0,
       [](Scene& s) {
         is_crashed(s), s.crashes = false;
         s.never_answers("crash-1");
         s.when(crashing, 3s, [](Scene& g) {
           for (const auto& text : std::set<std::string>(g.listened)) g.tell(event::Said{text});
           g.tell(on_console(panic_at(7))), g.tell(event::KernelStarted{});
           g.tell(event::Panicked{.crash_loaded = true});
         });
         s.when(crashing, 20s, [](Scene& g) { g.go_down(); });
       }},
      {"a dump whose size is not told", not_loaded, "is empty", 0,
       [](Scene& s) { is_crashed(s), dump_says(s, "size=4096\n", ""); }},
      {"the same panic in another boot", crashed, our_panic, 1,
       [](Scene& s) { is_crashed(s), s.hears(settle2, 1s, on_console(panic_at(1))); }},
      {"the same panic in the kernel's log", crashed, our_panic, 0,
       [](Scene& s) {
         is_crashed(s), hears_at_crash(s, event::Found{event::Channel::evidence, panic_at(4000)});
       }},
      {"a crash without what was written before it", crashed, "without what labctl writes to the console", 0,
       [](Scene& s) {
         is_crashed(s), s.crashes = false;
         s.never_answers("crash-1");
         s.when(crashing, 3s, [](Scene& g) { g.panic(); });
       }},
      {"a console that shows the crash kernel and no panic", altered, "and not the panic before it", 0,
       [](Scene& s) {
         is_crashed(s), s.crashes = false;
         s.never_answers("crash-1");
         s.when(crashing, 3s, [](Scene& g) {
           for (const auto& text : std::set<std::string>(g.listened)) g.tell(event::Said{text});
           g.tell(event::KernelStarted{});
         });
         s.when(crashing, 20s, [](Scene& g) { g.go_down(); });
       }},
      {"an image without a crash kernel", lab_failed, "needs an image with kdump", 0,
       [](Scene& s) { is_crashed(s), s.answers("crash-kernel", says("kernel=1", "kernel=0"), 1); }},
      {"an image that says nothing of it", lab_failed, "needs an image with kdump", 0,
       [](Scene& s) { is_crashed(s), s.answers("crash-kernel", prints(""), 1); }},
      {"an image without makedumpfile", lab_failed, "has no makedumpfile", 0,
       [](Scene& s) { is_crashed(s), s.answers("crash-kernel", says("=yes", "=no"), 1); }},
      {"a control's image without a crash kernel", lab_failed, "has no crash kernel loaded", 0,
       [](Scene& s) { control_is_crashed(s), s.answers("crash-kernel", says("kernel=1", "kernel=0")); }},
      {"a crash kernel that went away with the candidate", altered, "has no crash kernel loaded", 0,
       [](Scene& s) { is_crashed(s), s.answers("crash-kernel", says("kernel=1", "kernel=0"), 2); }},
      {"a panic device that knows of no crash kernel", altered, "without a crash kernel loaded", 0,
       [](Scene& s) {
         is_crashed(s);
         s.crashes = false, s.never_answers("crash-1"), hears_at_crash(s, event::Panicked{});
       }},
      {"no crash kernel, in a story without a crash", passed, "", 3,
       [](Scene& s) { s.answers("crash-kernel", says("kernel=1", "kernel=0")); }},
      {"no dump", not_loaded, "there is no dump", 0,
       [](Scene& s) { is_crashed(s), s.answers("crash-dump", prints("dump=\n")); }},
      {"a guest that says nothing of a dump", not_loaded, "there is no dump", 0,
       [](Scene& s) { is_crashed(s), s.answers("crash-dump", prints("")); }},
      {"a control without a dump", lab_failed, "there is no dump", 0,
       [](Scene& s) { control_is_crashed(s), s.answers("crash-dump", prints("dump=\n")); }},
      {"an empty dump", not_loaded, "the dump /var/crash/1/dump.1 is empty", 0,
       [](Scene& s) { is_crashed(s), dump_says(s, "size=4096", "size=0"); }},
      {"a dump that was not finished", not_loaded, "was begun and not finished", 0,
       [](Scene& s) { is_crashed(s), dump_says(s, "finished=yes", "finished=no"); }},
      {"a dump in no known form", not_loaded, "neither one of makedumpfile nor an ELF core", 0,
       [](Scene& s) { is_crashed(s), dump_says(s, "form=right", "form=wrong"); }},
      {"a dump that was cut short", not_loaded, "cannot be read to its end: makedumpfile failed", 0,
       [](Scene& s) {
         is_crashed(s),
             dump_says(s, "read=yes\ntext=yes\nwhy=", "read=no\ntext=yes\nwhy=makedumpfile failed");
       }},
      {"a dump of another crash", not_loaded, "does not hold what was written", 0,
       [](Scene& s) { is_crashed(s), dump_says(s, "text=yes", "text=no"); }},
      {"a second crash without a dump", not_loaded, "there is no dump", 1,
       [](Scene& s) { is_crashed(s), is_crashed(s), s.answers("crash-dump", prints("dump=\n"), 2); }},
      {"a module that does not live through it", not_loaded, "was loaded and has gone away since", 0,
       [](Scene& s) {
         is_crashed(s);
         s.answers("loaded", [&s](Answer& answer) {
           if (s.boots == 1) answer.output = "state=absent\n";
         });
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a crash on purpose is waited for as long as is said, and no longer") {
  const struct {
    Millis limit;
    std::function<void(Scene&)> change;
  } rows[] = {
      {300s, [](Scene& s) { s.crashes = false, s.never_answers("crash-1"); }},
      {300s, [](Scene& s) { s.starts_crash_kernel = false; }},
      {300s, [](Scene& s) { s.dump_time = 1h; }},
      {180s + 33s, [](Scene& s) { s.comes_back = false; }},  // its dump takes the rest
  };
  for (const auto& row : rows) {
    Scene scene;
    is_crashed(scene), row.change(scene);
    scene.play();
    Millis began{0};
    for (const auto& step : cell::life_of(scene.cell, scene.journal).steps)
      if (began == 0ms && step.step.name == crashing) began = step.from;
    INFO(scene.state.outcome.reason);
    CHECK(scene.state.outcome.took - began > row.limit);
    CHECK(scene.state.outcome.took - began < row.limit + 30s);
  }
}

TEST_CASE("every story of a guest that is crashed on purpose ends as it should") {
  for (const Story& story : stories()) {
    INFO(story.name);
    check(story);
  }
}

TEST_CASE("each crash on purpose has a text of its own, that differs from cell to cell") {
  Scene scene;
  is_crashed(scene), is_crashed(scene);
  std::set<std::string> texts;
  const auto collect = [&] {
    for (const auto& op : cell::operations(scene.cell, scene.opening))
      if (op.wait == cell::Wait::crash) texts.insert(op.marker);
  };
  collect();
  CHECK(texts.size() == 2);
  scene.opening.seed = std::string(32, 'b');
  collect();
  CHECK(texts.size() == 4);
}
