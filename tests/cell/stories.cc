// Named stories of one cell's life: one thing goes wrong, and this is what labctl must say.

#include "tests/cell/told.h"

using namespace story;
namespace {

// Every half second while the cell is at `step`.
void forever(Scene& s, const std::string& step, std::function<What()> what) {
  s.each_moment = [step, what](Scene& scene) {
    if (cell::where_now(scene.state) == step) scene.tell(what());
  };
}

void resets_before_any_word(Scene& s, std::initializer_list<Millis> moments) {
  s.speaks = false;
  for (const Millis moment : moments) s.hears("boot 2/3", moment, event::Reset{});
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      // ---- healthy ----
      {"three healthy boots pass", passed, "", 3, [](Scene&) {}},
      {"a control passes", passed, "", 3, [](Scene& s) { s = Scene(control()); }},
      {"a bare module passes", passed, "", 3, [](Scene& s) { s = Scene(bare_module()); }},
      {"a power cut is a boot that counts", passed, "", 3,
       [](Scene& s) { s.cell.story[4].kind = scenario::StepKind::power_cut; }},
      {"five resets of one reboot are one boot", passed, "", 3, [](Scene& s) { s.resets_per_reboot = 5; }},
      {"a firmware that restarts the machine, seconds apart on a busy host", passed, "", 3,
       [](Scene& s) { resets_before_any_word(s, {9s, 14s}); }},
      {"a console without a kernel's first line is no failure", passed, "", 3, [](Scene& s) { s.speaks = false; }},
      {"a guest twice as slow as its image passes", passed, "", 3, [](Scene& s) { s.boot_time = 40s, s.latency = 5s; }},
      {"a busy host makes a guest slow and not guilty", passed, "", 3,
       [](Scene& s) { s.starved_share = 0.9, s.boot_time = 200s, s.latency = 30s, s.shutdown_time = 300s; }},
      {"a heartbeat lost and regained within patience passes", passed, "", 3,
       [](Scene& s) {
         s.when(settle2, 5s, [](Scene& g) { g.alive = false; });
         s.when(settle2, 35s, [](Scene& g) { g.alive = true; });
       }},
      {"a policy that allows warnings lets one pass", passed, "", 3,
       [](Scene& s) {
         s.cell.policy.warnings_fail = false;
         s.hears(settle2, 2s, on_console(finding("WARNING in sensor_tick", Kind::warning)));
       }},
      {"a policy that allows warnings lets taint W pass", passed, "", 3,
       [](Scene& s) { s.cell.policy.warnings_fail = false, s.taint |= 1u << 9; }},
      {"known noise is listed and does not count", passed, "", 3,
       [](Scene& s) {
         auto noise = finding("WARNING in a known place", Kind::warning);
         noise.suppressed = "known noise of this emulator";
         s.hears(settle2, 2s, on_console(noise));
       }},
      {"a frightening line of an untainted guest is suppressed", passed, "", 3,
       [](Scene& s) { s.hears(settle2, 2s, on_console(suspect())); }},
      {"a frightening line during a boot waits until the guest can be asked", passed, "", 3,
       [](Scene& s) {
         s.boot_time = 90s;
         s.when("boot 2/3", 30s, [](Scene& g) { g.tell(on_console(suspect())); });
       }},
      {"a frightening line before the baseline waits until the guest can be asked", passed, "", 3,
       [](Scene& s) { s.hears("restore", 0s, on_console(suspect())); }},
      {"a frightening line just before a reboot is cleared before the guest goes down", passed, "", 3,
       [](Scene& s) {
         s.answers("kernel-log", [&s](Answer&) { s.tell(on_console(suspect())); }, 5);
       }},
      {"a frightening line every half second for an hour passes and stays small", passed, "", 3,
       [](Scene& s) {
         s.cell.settle = 1h;
         s.limit = 8h;
         forever(s, settle2, [] { return on_console(suspect()); });
       }},
      {"a frightening line in the last moment is still asked about", passed, "", 3,
       [](Scene& s) { s.answers("kernel-log", [&s](Answer&) { s.tell(on_console(suspect())); }, 9); }},
      {"a heartbeat that was under way when the guest fell does not end the reboot", passed, "", 3,
       [](Scene& s) {
         s.cell.story[4].kind = scenario::StepKind::power_cut;
         s.resets_per_reboot = 1;
         s.each_moment = [stale = 0](Scene& g) mutable {
           if (g.boots != 2 || stale > 1) return;
           g.tell(event::Beat{});
           if (++stale == 2) g.tell(event::Reset{});
         };
       }},
      {"answers to questions that nobody asked are not heard", passed, "", 3,
       [](Scene& s) {
         s.each_moment = [](Scene& g) {
           g.tell(Answer{"nobody-asked", true, 1, "state=absent\n"});
           g.tell(Answer{"", false, -1, ""});
         };
       }},
      {"answers told twice are heard once", passed, "", 3,
       [](Scene& s) {
         s.change = [&s](Answer& answer, int) {
           s.tell(answer);
           return true;
         };
       }},
      {"the agent's link says nothing about health", passed, "", 3,
       [](Scene& s) { s.each_moment = [](Scene& g) { g.tell(event::AgentLink{g.now.count() % 1000 == 0}); }; }},
      {"a reset by the host is not the guest's", passed, "", 3,
       [](Scene& s) { s.hears(settle2, 2s, event::Reset{.by_guest = false}); }},
      {"a second opening record changes nothing", passed, "", 3,
       [](Scene& s) { s.hears(settle2, 2s, event::Opened{.cell = "other"}); }},

      // ---- crashes ----
      {"an oops during the installation", crashed, "NULL pointer", 0,
       [](Scene& s) { s.hears("install driver", 0s, on_console(finding("NULL pointer dereference in sensor_init"))); }},
      {"an oops after a clean exit of the exercise", crashed, "oops", 0,
       [](Scene& s) { s.hears("exercise: proof", 0s, on_console(finding("oops in sensor_match"))); }},
      {"an agent that is alive though the kernel oopsed", crashed, "oops", 1,
       [](Scene& s) { s.hears(settle2, 19s, on_console(finding("oops in sensor_match"))); }},
      {"an oops that only the kernel log tells", crashed, "oops", 1,
       [](Scene& s) {
         s.answers("kernel-log",
                   [&s](Answer&) { s.tell(event::Found{event::Channel::evidence, finding("oops in sensor_match")}); }, 6);
       }},
      {"an oops during the shutdown", crashed, "Attempted to kill init", 1,
       [](Scene& s) {
         s.hears("boot 2/3", 2s, on_console(finding("Kernel panic - not syncing: Attempted to kill init", Kind::panic)));
       }},
      {"a warning when the policy says fail", crashed, "WARNING", 1,
       [](Scene& s) { s.hears(settle2, 2s, on_console(finding("WARNING in sensor_tick", Kind::warning))); }},
      {"a suspect line of a guest with taint D", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.when(settle2, 2s, [](Scene& g) { g.taint |= 1u << 7, g.tell(on_console(suspect())); });
       }},
      {"a suspect line whose question is never answered", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.never_answers("suspect");
       }},
      {"a suspect line whose question is refused", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.answers("suspect", refuse);
       }},
      {"a suspect line answered with a taint that is no number", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.answers("suspect", says("taint=", "taint=-"));
       }},
      {"a suspect line answered by another boot", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.answers("suspect", says(Scene::boot_id(2), Scene::boot_id(1)));
       }},
      {"a suspect line during the shutdown cannot be cleared by the next boot", crashed, "BUG: unable", 1,
       [](Scene& s) { s.hears("boot 2/3", 3s + 500ms, on_console(suspect())); s.latency = 1s; }},
      {"a suspect line during the shutdown whose answer comes from the next boot", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.boot_time = 5s;
         s.when("boot 2/3", 3500ms, [](Scene& g) {
           g.latency = 10s, g.tell(on_console(suspect())), g.latency = 200ms;
         });
       }},
      {"a suspect line and then a lab fault: the line was never cleared", crashed, "BUG: unable", 1,
       [](Scene& s) {
         s.latency = 5s;
         s.hears(settle2, 2s, on_console(suspect()));
         s.hears(settle2, 3s, event::LabFault{"the console was lost"});
       }},
      {"a suspect soft lockup is a hang", hung, "soft lockup", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(finding("soft lockup in sensor_spin", Kind::lockup, false)));
         s.never_answers("suspect");
       }},
      {"a suspect line that a report confirms", crashed, "oops in sensor", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect("oops in sensor")));
         s.hears(settle2, 2s, on_console(finding("oops in sensor")));
       }},
      {"the panic device alone", crashed, "panic device", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::Panicked{}); }},
      {"a crash kernel takes over", crashed, "panic device", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::Panicked{.crash_loaded = true}); }},
      {"a reset without a word while settling", crashed, "reset itself", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.speaks = false, g.go_down(); }); }},
      {"a reset without a word during the installation", crashed, "reset itself", 0,
       [](Scene& s) { s.hears("install driver", 0s, event::Reset{}); }},
      {"a power-off", crashed, "powered itself off", 1, [](Scene& s) { s.hears(settle2, 2s, event::Stopped{}); }},
      {"a hypervisor that dies with the candidate in it", crashed, "killed or crashed (the candidate was in the guest)", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::LabFault{.what = "it was killed or crashed", .hypervisor = "died"}); }},
      {"a hypervisor that stops the guest by itself", crashed, "stopped the guest", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::LabFault{.what = "it stopped the guest", .hypervisor = "stopped"}); }},
      {"a hypervisor that dies while the driver is installed", crashed, "candidate was in", 0,
       [](Scene& s) { s.hears("install driver", 0s, event::LabFault{.what = "gone", .hypervisor = "died"}); }},
      {"a hypervisor that dies after another fault of the lab", crashed, "candidate was in", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, event::LabFault{"the console was lost"});
         s.hears(settle2, 3s, event::LabFault{.what = "gone", .hypervisor = "died"});
       }},
      {"a hypervisor that dies before anything of the candidate's has run", lab_failed, "gone", 0,
       [](Scene& s) { s.hears("deliver", 0s, event::LabFault{.what = "gone", .hypervisor = "died"}); }},
      {"a hypervisor that dies under a control", lab_failed, "gone", 1,
       [](Scene& s) {
         s = Scene(control());
         s.hears(settle2, 2s, event::LabFault{.what = "gone", .hypervisor = "died"});
       }},
      {"a hypervisor that the host ended", lab_failed, "host-signal", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::LabFault{"it was told to end: host-signal"}); }},
      {"a power-off instead of a reboot", crashed, "powered itself off", 1,
       [](Scene& s) { s.hears("boot 2/3", 2s, event::Stopped{}); }},
      {"an extra boot inside a requested reboot, with a kernel's first line", crashed, "reset itself again", 1,
       [](Scene& s) { s.when("boot 2/3", 8s, [](Scene& g) { g.go_down(); }); }},
      {"an extra boot inside a requested reboot, without a kernel's first line", crashed, "reset itself again", 1,
       [](Scene& s) {
         s.speaks = false;
         s.when("boot 2/3", 16s, [](Scene& g) { g.go_down(); });
       }},
      {"resets of a requested reboot that do not end", crashed, "reset itself again", 1,
       [](Scene& s) { resets_before_any_word(s, {9s, 14s, 19s}); }},
      {"a boot loop", crashed, "reset itself again", 1,
       [](Scene& s) {
         s.each_moment = [](Scene& g) {
           if (cell::where_now(g.state) == "boot 2/3" && g.now.count() % 10000 == 0 && g.state.down) g.go_down();
         };
       }},
      {"a reboot that the hypervisor did not see", crashed, "boot identity changed", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { ++g.boots; }); }},
      {"a taint D after the second boot with a clean console", crashed, "tainted D", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.taint |= 1u << 7; }); }},
      {"a taint W when the policy says fail", crashed, "tainted W", 0, [](Scene& s) {
         s.when("exercise", 0s, [](Scene& g) { g.taint |= 1u << 9; });
       }},
      {"a taint that is no number is no good sign", crashed, "tainted", 0,
       [](Scene& s) { s.answers("evidence", says("taint=12288", "taint=99999999999999999999"), 4); }},
      {"a bad page", crashed, "tainted B", 0, [](Scene& s) {
         s.when("apply content", 0s, [](Scene& g) { g.taint |= 1u << 5; });
       }},
      {"too many different suspects to look into", crashed, "", 1,
       [](Scene& s) {
         s.never_answers("suspect");
         s.when(settle2, 2s, [](Scene& g) {
           for (int i = 0; i < 5000; ++i) g.tell(on_console(suspect("BUG number " + std::to_string(i))));
         });
       }},
      {"a lab fault and a crash at once: the crash wins", crashed, "oops", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, event::LabFault{"the console was lost"});
         s.hears(settle2, 3s, on_console(finding("oops in sensor_match")));
       }},
      {"a crash and a lab fault at once: the crash wins", crashed, "oops", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(finding("oops in sensor_match")));
         s.hears(settle2, 2s, event::LabFault{"the hypervisor is gone"});
       }},
      {"a hang that turns out to be a crash", crashed, "oops", 1,
       [](Scene& s) {
         s.when(settle2, 2s, [](Scene& g) { g.alive = false; });
         s.hears("collecting evidence", 2s, on_console(finding("oops in sensor_match")));
       }},
      {"a crash that the last sweep finds behind a hang", crashed, "oops", 1,
       [](Scene& s) {
         s.answers("proof-2", refuse, 5);
         s.hears("collecting evidence", 5s, event::Found{event::Channel::evidence, finding("oops in sensor_match")});
         s.never_answers("kernel-log", 6);
       }},
      {"an interruption after a crash", crashed, "oops", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(finding("oops in sensor_match")));
         s.hears(settle2, 3s, event::Interrupted{});
       }},

      // ---- recovery ----
      {"the emergency shell", recovery, "emergency shell", 1,
       [](Scene& s) {
         s.boot_time = 60s;
         s.hears("boot 2/3", 20s, on_console(finding("emergency shell", Kind::boot_failure)));
       }},

      {"a boot that ends in maintenance", recovery, "maintenance", 1,
       [](Scene& s) { s.answers("booted", says("running", "maintenance"), 2); }},
      {"a boot that does not say how it ended", recovery, "did not end well", 0,
       [](Scene& s) { s.answers("booted", prints("")); }},
      {"a boot with a failed service that no proof needs", passed, "", 3,
       [](Scene& s) { s.answers("booted", says("running", "degraded")); }},
      {"a boot that never ends", hung, "'booted' did not end", 1, [](Scene& s) { s.never_answers("booted", 2); }},

      // ---- hangs ----
      {"a guest that never comes back from its reboot", hung, "did not come back", 0,
       [](Scene& s) { s.comes_back = false; }},
      {"a shutdown that never ends", hung, "shutdown did not end", 0, [](Scene& s) { s.reboots = false; }},
      {"a heartbeat lost while settling", hung, "heartbeat", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.alive = false; }); }},
      {"a heartbeat lost at the end of settling", hung, "heartbeat", 1,
       [](Scene& s) { s.when(settle2, 19s, [](Scene& g) { g.alive = false; }); }},
      {"a guest that hangs on a busy host is still hung", hung, "heartbeat", 1,
       [](Scene& s) {
         s.starved_share = 0.9;
         s.when(settle2, 2s, [](Scene& g) { g.alive = false; });
       }},
      {"a guest that is starved for ever comes to an end", hung, "", 0,
       [](Scene& s) {
         s.starved_share = 1;
         s.limit = 100h;
         s.when("install driver", 0s, [](Scene& g) { g.alive = false; });
       }},
      {"a starved time that is a lie comes to an end", hung, "", 0,
       [](Scene& s) {
         s.starved_share = 1000;
         s.limit = 100h;
         s.when("install driver", 0s, [](Scene& g) { g.alive = false; });
       }},
      {"an installation that never ends", hung, "did not end", 0, [](Scene& s) { s.never_answers("install"); }},
      {"an exercise that never ends", hung, "did not end", 0, [](Scene& s) { s.never_answers("exercise-1"); }},
      {"an agent that stops answering questions but goes on beating", hung, "did not end", 1,
       [](Scene& s) { s.never_answers("loaded", 6); }},
      {"an agent that says an error for an answer", hung, "could not answer", 1,
       [](Scene& s) { s.answers("loaded", refuse, 6); }},
      {"a boot identity that did not change", hung, "was seen before", 1,
       [](Scene& s) { s.answers("identify", says(Scene::boot_id(2), Scene::boot_id(1)), 2); }},
      {"a boot identity of the snapshot", hung, "was seen before", 1,
       [](Scene& s) { s.answers("identify", says(Scene::boot_id(2), Scene::boot_id(0)), 2); }},
      {"an agent that answers from the previous boot", hung, "was seen before", 0,
       [](Scene& s) { s.answers("identify", says(Scene::boot_id(1), Scene::boot_id(0))); }},
      {"a boot identity that is garbage", hung, "without a boot identity", 0,
       [](Scene& s) { s.answers("identify", prints("boot_id=\x1b[31mpwned")); }},
      {"a boot identity of 36 dashes", hung, "without a boot identity", 0,
       [](Scene& s) { s.answers("identify", prints("boot_id=" + std::string(36, '-'))); }},
      {"no boot identity at all", hung, "without a boot identity", 0,
       [](Scene& s) { s.answers("identify", prints("")); }},
      {"a guest whose shell runs nothing any more", hung, "'evidence' ended with status 127", 1,
       [](Scene& s) { s.answers("evidence", exits(127), 7); }},
      {"a guest that does not tell its taint any more", hung, "taint", 1,
       [](Scene& s) { s.answers("evidence", says("taint=", "tint="), 7); }},
      {"a kernel log that cannot be read any more", hung, "'kernel-log' ended with status 1", 1,
       [](Scene& s) { s.answers("kernel-log", exits(1, "Operation not permitted"), 6); }},
      {"a kernel log that is empty", hung, "kernel log is empty", 1,
       [](Scene& s) { s.answers("kernel-log", prints("\n"), 6); }},

      // ---- not loaded ----
      {"an installation that ends with status 1", not_loaded, "status 1: dependency problems", 0,
       [](Scene& s) { s.answers("install", exits(1, "dependency problems")); }},
      {"an installation that was killed", not_loaded, "status 137", 0,
       [](Scene& s) { s.answers("install", exits(137)); }},
      {"content that the driver refuses", not_loaded, "'apply' ended with status 3", 0,
       [](Scene& s) { s.answers("apply", exits(3)); }},
      {"an exercise that fails", not_loaded, "'exercise-1'", 0, [](Scene& s) { s.answers("exercise-1", exits(2)); }},
      {"a module that is not there", not_loaded, "absent", 0,
       [](Scene& s) { s.answers("loaded", prints("state=absent\n")); }},
      {"a module that is still coming", not_loaded, "coming", 0,
       [](Scene& s) { s.answers("loaded", says("state=live", "state=coming")); }},
      {"a module that is built into the kernel is not the candidate", not_loaded, "builtin", 0,
       [](Scene& s) { s.answers("loaded", says("state=live", "state=builtin")); }},
      {"a module that vanished while settling", not_loaded, "absent", 0,
       [](Scene& s) { s.answers_from("loaded", prints("state=absent\n"), 5); }},
      {"no room for what the lab copies", lab_failed, "no room", 0,
       [](Scene& s) { s.answers("apply", exits(126, "cp: error writing '/x': No space left on device")); }},
      {"no room in a guest that may refuse", lab_failed, "no room", 0,
       [](Scene& s) {
         s.cell.content_may_be_refused = true;
         s.answers("apply", exits(126, "There is not enough space on the disk."));
       }},
      {"a copy that fails for another reason", not_loaded, "status 126", 0,
       [](Scene& s) { s.answers("apply", exits(126, "cp: cannot create '/x': Is a directory")); }},
      {"a candidate that says that there is no room", not_loaded, "status 1", 0,
       [](Scene& s) { s.answers("apply", exits(1, "No space left on device")); }},
      {"a module that refuses the second boot", not_loaded, "absent", 1,
       [](Scene& s) { s.answers_from("loaded", prints("state=absent\n"), 6); }},
      {"no word about the module", not_loaded, "not there", 0, [](Scene& s) { s.answers("loaded", prints("")); }},
      {"another build after the second boot", not_loaded, "another build", 1,
       [](Scene& s) { s.answers("loaded", says("build_id=b1", "build_id=b0"), 6); }},
      {"another version after the second boot", not_loaded, "another build", 1,
       [](Scene& s) { s.answers("loaded", says("version=7.16", "version=7.15"), 6); }},
      {"old code still running behind a new file", not_loaded, "not the one on disk", 0,
       [](Scene& s) { s.answers("loaded", says("fresh=yes", "fresh=no")); }},
      {"an answer that was cut off before its freshness", not_loaded, "", 0,
       [](Scene& s) { s.answers("loaded", says("fresh=yes\n", "")); }},
      {"the package of another version", not_loaded, "wrong state", 0,
       [](Scene& s) { s.answers("loaded", says("package=right", "package=install ok installed 7.15, not 7.16")); }},
      {"a package that is not spoken of", not_loaded, "wrong state", 0,
       [](Scene& s) { s.answers("loaded", says("package=right\n", "")); }},
      {"a proof that prints something else", not_loaded, "instead of", 0,
       [](Scene& s) { s.answers("proof-1", prints("290\n")); }},
      {"a proof that prints the right thing and more", not_loaded, "instead of", 0,
       [](Scene& s) { s.answers("proof-1", prints(content_digest + "\nx")); }},
      {"a proof that prints nothing", not_loaded, "instead of", 0, [](Scene& s) { s.answers("proof-1", prints("")); }},
      {"a proof with another status", not_loaded, "ended with status 1", 0,
       [](Scene& s) { s.answers("proof-2", exits(1)); }},
      {"a proof that fails only after the third settling", not_loaded, "proof", 2,
       [](Scene& s) { s.answers("proof-2", exits(1), 8); }},
      {"a module that is still there after its removal", not_loaded, "still there", 0,
       [](Scene& s) {
         s.cell.story.insert(s.cell.story.begin() + 3, {.kind = scenario::StepKind::remove});
       }},

      // ---- altered ----
      {"a driver altered at delivery", altered, "driver.deb", 0,
       [](Scene& s) { s.answers("deliver", says(driver_digest, sha256("other"))); }},
      {"content altered at delivery", altered, "content.bin", 0,
       [](Scene& s) { s.answers("deliver", says(content_digest, sha256("other"))); }},
      {"no boot identity any more", hung, "did not report its boot identity", 1,
       [](Scene& s) { s.answers("evidence", says("boot_id=", "id="), 7); }},
      {"nothing said about a delivered file", altered, "content.bin", 0,
       [](Scene& s) { s.answers("deliver", says("content.bin=", "content.bon=")); }},
      {"content altered on disk", altered, "content", 0,
       [](Scene& s) { s.answers("content-digest", says(content_digest, sha256("other"))); }},
      {"content altered after the second boot", altered, "content", 1,
       [](Scene& s) { s.answers("content-digest", says(content_digest, sha256("other")), 5); }},
      {"content that is gone", altered, "content", 1,
       [](Scene& s) { s.answers("content-digest", prints("content_sha256=\n"), 5); }},
      {"a bare module altered on disk", altered, "driver", 1,
       [](Scene& s) {
         s = Scene(bare_module());
         s.answers("loaded", says(driver_digest, sha256("other")), 5);
       }},

      // ---- the lab's fault ----
      {"a guest whose agent never answered", lab_failed, "never answered", 0, [](Scene& s) { s.alive = false; }},
      {"a baseline that makes no sense", lab_failed, "inconsistent answers", 0,
       [](Scene& s) { s.answers("evidence", prints("hello"), 1); }},
      {"a baseline whose taint is no number", lab_failed, "inconsistent answers", 0,
       [](Scene& s) { s.answers("evidence", says("taint=12288", "taint=none"), 1); }},
      {"an image whose kernel is sick before the candidate is there", lab_failed, "before the candidate", 0,
       [](Scene& s) { s.taint |= 1u << 7; }},
      {"a baseline that is refused", lab_failed, "could not answer", 0,
       [](Scene& s) { s.answers("evidence", refuse, 1); }},
      {"a control whose agent says an error for an answer", lab_failed, "could not answer", 1,
       [](Scene& s) {
         s = Scene(control());
         s.answers("kernel-log", refuse, 3);
       }},
      {"a delivery that fails", lab_failed, "'deliver' ended with status 1", 0,
       [](Scene& s) { s.answers("deliver", exits(1, "no medium found")); }},
      {"the console was lost", lab_failed, "console was lost", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::LabFault{"the console was lost"}); }},
      {"a guest stopped from outside", lab_failed, "from outside", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::Stopped{.by_guest = false, .reason = "destroyed"}); }},
      {"a journal of another cell", lab_failed, "another cell", 0,
       [](Scene& s) { s.opening.cell = "ubuntu.candidate"; }},
      {"a payload without the driver", lab_failed, "payload", 0, [](Scene& s) { s.opening.payload.erase("driver.deb"); }},
      {"a payload without the content", lab_failed, "payload", 0,
       [](Scene& s) { s.opening.payload.erase("content.bin"); }},
      {"a payload whose digest is none", lab_failed, "payload", 0,
       [](Scene& s) { s.opening.payload["driver.deb"] = ""; }},
      {"an empty payload of a bare module and a guest that says nothing of digests", lab_failed, "payload", 0,
       [](Scene& s) {
         s = Scene(bare_module());
         s.opening.payload.clear();
         s.answers("loaded", says(driver_digest, ""));
       }},

      // ---- interrupted ----
      {"an interruption", interrupted, "interrupted", 1, [](Scene& s) { s.hears(settle2, 2s, event::Interrupted{}); }},
      // A resumed run would begin this cell again, and nothing that was tried again may outlive a suspect.
      {"an interruption while a suspect is asked about", crashed, "page fault", 1,
       [](Scene& s) {
         s.latency = 5s;
         s.hears(settle2, 2s, on_console(suspect()));
         s.hears(settle2, 3s, event::Interrupted{});
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("each story of a cell's life has its ending") {
  for (const Story& story : stories()) {
    DYNAMIC_SECTION(story.name) { check(story); }
  }
}

TEST_CASE("an outcome names the rules of its journal, and a journal without them has the first") {
  for (const int rules : {1, outcome::rules_now}) {
    Scene scene;
    scene.opening.rules = rules;
    CHECK(scene.play().rules == rules);
    CHECK(cell::replay(scene.cell, scene.journal).rules == rules);
  }
  CHECK(event::Opened{}.rules == 1);
}

TEST_CASE("every story has a name of its own") {
  std::set<std::string> names;
  for (const Story& story : stories()) CHECK(names.insert(story.name).second);
  CHECK(names.size() >= 100);
}
