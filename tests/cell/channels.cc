// Stories of channels that are dead in the very boot that they vouch for, and of boots that end before the
// kernel's watchdogs could have spoken.

#include "labctl/guest/sleepers.h"
#include "tests/cell/judged.h"

using namespace story;
namespace {

const std::string asleep =
    "sleeper.312.9001=4+1 zoo-wait|wait+0x1a/0x40 [sensor]|kthread+0xd7/0x100|ret_from_fork+0x1f/0x30|\n";
const std::string watchdog = "hung_task_timeout=45\nhung_task_interval=15\n";
const char* hung_title = "INFO: task hung in wait";

std::function<void(Scene&)> level_falls(const std::string& step, int to) {
  return [=](Scene& s) { s.when(step, 0s, [to](Scene& g) { g.console_level = to; }); };
}
std::function<void(Scene&)> falls_asleep(const std::string& step,
                                         const std::string& who = asleep + watchdog) {
  return [=](Scene& s) { s.when(step, 0s, [who](Scene& g) { g.sleepers = who; }); };
}
void wakes(Scene& s, const std::string& step, Millis after) {
  s.when(step, after, [](Scene& g) { g.sleepers.clear(); });
}
// Every answer shows it switched once more.
void stirs(Scene& s) {
  s.change = [&s, switches = 0](Answer&, int) mutable {
    s.sleepers = replace(asleep, "4+1", std::to_string(++switches) + "+1") + watchdog;
    return true;
  };
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      // ---- the console ----
      {"a candidate lowers the console's level", altered, "the console level went from 7 to 3", 2,
       level_falls(settle2, 3)},
      {"a candidate mutes the console in its last boot", altered, "the console level went from 7 to 0", 3,
       level_falls("boot 3/3: settle", 0)},
      {"a candidate mutes the console as it is installed", altered, "went from 7 to 0", 0,
       level_falls("install driver: proof", 0)},
      {"a kernel that takes no messages from programs any more", altered, "printk_devkmsg", 0,
       [](Scene& s) {
         s.change = [&s](Answer& answer, int nth) {
           if (answer.question != "console-check") return true;
           if (nth > 1) answer.output = replace(answer.output, "devkmsg=on", "devkmsg=off");
           return s.deaf = true;
         };
       }},
      {"a console that does not show what was written, whatever its level", altered, "did not come out", 0,
       [](Scene& s) { s.when("install driver", 0s, [](Scene& g) { g.deaf = true; }); }},
      {"a console muted while the guest goes down", altered, "muted on the way, or something else", 1,
       [](Scene& s) { s.when("boot 2/3", 0s, [](Scene& g) { g.leaves_loudly = false; }); }},
      {"a console muted while the guest powers itself off", altered, "'reboot: Power down'", 1,
       [](Scene& s) {
         s.cell.story[4].kind = scenario::StepKind::cold_boot;
         s.when("boot 2/3", 0s, [](Scene& g) { g.leaves_loudly = false; });
       }},
      {"a power cut leaves no last line", passed, "", 3,
       [](Scene& s) {
         s.cell.story[4].kind = scenario::StepKind::power_cut;
         s.when("boot 2/3", 0s, [](Scene& g) { g.leaves_loudly = false; });
         s.when("boot 2/3: settle", 0s, [](Scene& g) { g.leaves_loudly = true; });
       }},
      {"an image whose console is quiet is tested at the level that it shows", passed, "", 3,
       [](Scene& s) { s.console_level = 4; }},
      {"an image whose console shows nothing", lab_failed, "the image proves nothing", 0,
       [](Scene& s) { s.console_level = 0; }},
      {"a control that mutes the console as well", lab_failed, "the image proves nothing", 2,
       [](Scene& s) {
         s = Scene(control());
         level_falls(settle2, 3)(s);
       }},
      {"a control that goes down without a word", lab_failed, "the image proves nothing", 1,
       [](Scene& s) {
         s = Scene(control());
         s.when("boot 2/3", 0s, [](Scene& g) { g.leaves_loudly = false; });
       }},
      {"a guest that does not tell its console's level", lab_failed, "inconsistent answers", 0,
       [](Scene& s) { s.answers("console-check", prints("logged=yes\n"), 1); }},
      {"a kernel's log that does not show what was written", hung, "does not show", 0,
       [](Scene& s) { s.answers("console-check", says("logged=yes", "logged=no"), 2); }},
      {"a console that cannot be written to any more", hung, "'console-check' did not end", 1,
       [](Scene& s) { s.never_answers("console-check", 3); }},
      {"what is heard before the guest says that it has written it", passed, "", 3,
       [](Scene& s) { s.latency = 5s; }},
      {"a muted console and an oops that is found when the guest is asked", crashed, "oops in sensor_match",
       2,
       [](Scene& s) {
         level_falls(settle2, 0)(s);
         s.each_moment = [](Scene& g) {
           if (g.state.phase == cell::Phase::last_sweep)
             g.tell(event::Found{event::Channel::evidence, finding("oops in sensor_match")});
         };
       }},
      {"a journal without a seed", lab_failed, "no seed", 0, [](Scene& s) { s.opening.seed.clear(); }},

      // ---- threads that do not wake up ----
      {"a deadlock without a line", hung, hung_title, 0, falls_asleep("install driver")},
      {"a deadlock in the second boot", hung, hung_title, 2, falls_asleep("boot 2/3: boot to its end")},
      {"a deadlock in the last moment is waited for", hung, "was not switched once", 3,
       falls_asleep("boot 3/3: proof")},
      {"a thread that sleeps for long and wakes up", passed, "", 3,
       [](Scene& s) {
         falls_asleep("boot 2/3: settle")(s);
         wakes(s, "boot 2/3: settle", 55s);
       }},
      {"a thread that is switched between two answers", passed, "", 3, stirs},
      {"a thread that slept so before the candidate was there", passed, "", 3,
       [](Scene& s) { s.sleepers = asleep + watchdog; }},
      {"a thread of the same number in the next boot is another one", passed, "", 3,
       [](Scene& s) {
         falls_asleep("boot 2/3: settle")(s);
         s.each_moment = [](Scene& g) {
           if (g.asked["sleepers"] == 1) g.sleepers.clear();
         };
       }},
      {"a thread that fell asleep when its boot was left is another one in the next", passed, "", 3,
       [](Scene& s) {
         const std::string other = replace(asleep, "312", "313") + watchdog;
         falls_asleep("boot 2/3: settle")(s);
         s.answers(
             "sleepers",
             [&s, other](Answer& answer) { answer.output = replace(answer.output, s.sleepers, other); }, 1);
         falls_asleep("boot 3/3: boot to its end", other)(s);
         wakes(s, "end", 30s);
       }},
      {"a guest whose watchdog is off", hung, hung_title, 0,
       falls_asleep("install driver", asleep + "hung_task_timeout=0\nhung_task_interval=0\n")},
      {"a guest whose watchdog was made very patient", hung, hung_title, 0,
       falls_asleep("install driver", asleep + "hung_task_timeout=99999\nhung_task_interval=0\n")},
      {"a thread whose stack is not told", hung, "INFO: task hung", 0,
       falls_asleep("install driver", "sleeper.312.9001=4+1 zoo-wait|\n" + watchdog)},
      {"a watchdog that speaks while its boot is kept going", hung, hung_title, 0,
       [](Scene& s) {
         falls_asleep("install driver")(s);
         s.when("boot 1/3", 30s, [](Scene& g) { g.tell(on_console(found(hung_title, Kind::hung_task))); });
       }},
      {"a control with such a thread", hung, hung_title, 0,
       [](Scene& s) {
         s = Scene(control());
         falls_asleep("boot 1/3")(s);
         s.when("boot 1/3: settle", 0s, [](Scene& g) { g.sleepers = asleep + watchdog; });
       }},
      {"a guest that does not tell who sleeps any more", hung, "could not list its sleeping threads", 0,
       [](Scene& s) {
         falls_asleep("install driver")(s);
         s.never_answers("sleepers");
       }},
      {"a guest that has booted while a thread slept", crashed, "boot identity changed", 0,
       [](Scene& s) {
         falls_asleep("install driver")(s);
         s.answers("sleepers", says(Scene::boot_id(0), Scene::boot_id(7)));
       }},
      {"a guest that refuses to tell who sleeps", hung, "could not list its sleeping threads", 0,
       [](Scene& s) {
         falls_asleep("install driver")(s);
         s.answers("sleepers", exits(1));
       }},
      {"a heart that stops while a thread sleeps", hung, "heartbeat", 0,
       [](Scene& s) {
         falls_asleep("install driver")(s);
         s.when("boot 1/3", 10s, [](Scene& g) { g.alive = false; });
       }},
      {"a kernel that is tainted while a thread sleeps", crashed, "tainted D", 0,
       [](Scene& s) {
         falls_asleep("install driver")(s);
         s.when("boot 1/3", 10s, [](Scene& g) { g.taint |= D; });
       }},

      {"a kernel that warns at the very end while a thread sleeps", crashed, "tainted W", 3,
       [](Scene& s) {
         falls_asleep("boot 3/3: proof")(s);
         s.when("end", 10s, [](Scene& g) { g.taint |= W; });
         wakes(s, "end", 20s);
       }},

      // ---- a guest that does not go down ----
      {"a shutdown that hangs behind a muted console", hung, "its console is muted", 1,
       [](Scene& s) {
         s.when("boot 2/3", 0s, [](Scene& g) { g.reboots = false; });
         s.on_nmi = [](Scene& g) { g.tell(event::Panicked{}); };
       }},
      {"a shutdown that hangs and shows where", hung, "the shutdown did not end", 1,
       [](Scene& s) {
         s.when("boot 2/3", 0s, [](Scene& g) { g.reboots = false; });
         s.on_nmi = [](Scene& g) {
           g.tell(event::Panicked{});
           g.tell(on_console(finding("kernel panic: NMI: Not continuing", Kind::panic)));
         };
       }},
      {"a shutdown that hangs and does not react", hung, "did not react to an NMI", 1,
       [](Scene& s) { s.when("boot 2/3", 0s, [](Scene& g) { g.reboots = false; }); }},
      {"an oops that an NMI brings to light", crashed, "oops in sensor_stop", 1,
       [](Scene& s) {
         s.when("boot 2/3", 0s, [](Scene& g) { g.reboots = false; });
         s.on_nmi = [](Scene& g) {
           g.tell(event::Panicked{});
           g.tell(on_console(finding("oops in sensor_stop")));
         };
       }},
  };
  return all;
}

Millis took(const std::function<void(Scene&)>& change) {
  Scene scene;
  change(scene);
  const auto outcome = scene.play();
  CHECK((outcome.ending == Ending::passed || outcome.ending == Ending::hung));
  return outcome.took;
}

}  // namespace

TEST_CASE("each story of a channel has its ending") {
  for (const Story& story : stories()) {
    DYNAMIC_SECTION(story.name) { check(story); }
  }
}

TEST_CASE("a text for the console is new each time, and nobody knows it beforehand") {
  Scene one, same, other;
  other.opening.seed = std::string(32, 'b');
  for (Scene* scene : {&one, &same, &other}) scene->play();
  CHECK(one.listened.size() == 6);  // baseline, three boots, the end; and the kernel's last line
  CHECK(one.listened == same.listened);
  std::set<std::string> both;
  for (const auto& text : one.listened)
    if (other.listened.count(text) != 0) both.insert(text);
  CHECK(both == std::set<std::string>{"reboot: Restarting system"});
}

TEST_CASE("what an earlier boot had to say is not heard again") {
  Scene scene;
  std::string first;
  scene.each_moment = [&first](Scene& s) {
    for (const auto& event : s.journal)
      if (const auto* said = std::get_if<event::Said>(&event.what); said && first.empty()) first = said->text;
    if (cell::where_now(s.state) == "boot 2/3") s.console_level = 0, s.tell(event::Said{first});
  };
  CHECK(scene.play().ending == Ending::altered);
}

TEST_CASE("a cell that is well is not kept longer for its threads") {
  Scene well;
  well.play();
  CHECK(well.asked["sleepers"] == 0);
  // One that was seen once, and is gone when it is asked for, costs one question.
  Scene seen;
  seen.answers(
      "console-check", [](Answer& answer) { answer.output += asleep + watchdog; }, 3);
  seen.play();
  CHECK(seen.state.outcome.ending == Ending::passed);
  CHECK(seen.asked["sleepers"] == 1);
  CHECK(seen.state.outcome.took - well.state.outcome.took <= 1s);
}

TEST_CASE("a boot is kept as long as the guest's own watchdog may take, and no longer") {
  const auto kept = [](const std::string& settings) {
    return took(falls_asleep("install driver", asleep + settings)) - took([](Scene&) {});
  };
  const Millis lowered = kept(watchdog), off = kept("hung_task_timeout=0\n"),
               shipped = kept("hung_task_timeout=120\nhung_task_interval=0\n"),
               endless = kept("hung_task_timeout=99999\n");
  CHECK(off - lowered == 60s);
  CHECK(shipped - off == 120s);
  CHECK(endless - shipped == 60s);
}

TEST_CASE("who answers for a thread that does not wake up lets its cell go on") {
  Scene scene;
  falls_asleep("boot 1/3: settle")(scene);
  waive(scene, hung_title);
  CHECK(scene.play().ending == Ending::passed);
  CHECK(run_of(scene).waived);
  // It has been waited for once, and not in each boot.
  CHECK(scene.state.outcome.took - took([](Scene&) {}) < 100s);
}

TEST_CASE("a stuck shutdown is asked for by one NMI, in guests that panic of it") {
  Scene scene;
  scene.when("boot 2/3", 0s, [](Scene& g) { g.reboots = false; });
  scene.play();
  CHECK(scene.nmis == 1);
}

TEST_CASE("a Linux guest that hangs is injected an NMI before it is ended, and has time for kdump") {
  for (const bool kdump : {false, true}) {
    Scene scene;
    Millis injected{0}, ended{0};
    scene.opening.nmi = true;
    if (kdump) scene.cell.machine.cmdline = {scene.cmdline = "crashkernel=256M"};
    scene.when("boot 2/3: settle", 1s, [](Scene& g) { g.alive = false; });
    scene.on_nmi = [&](Scene& g) {
      injected = g.now;
      g.tell(event::Panicked{});
      g.tell(on_console(finding("kernel panic: NMI: Not continuing", Kind::panic)));
    };
    scene.each_moment = [&](Scene& g) { ended = g.now; };
    const auto& outcome = scene.play();
    CHECK(outcome.ending == Ending::hung);
    CHECK(outcome.reason == "the heartbeat was lost");
    CHECK(scene.nmis == 1);
    REQUIRE(outcome.findings.size() == 1);
    CHECK_FALSE(outcome.findings[0].finding.suppressed.empty());
    CHECK((ended - injected > 60s) == kdump);
  }
}

TEST_CASE("journals of older rules are not asked for channels") {
  Scene scene;
  scene.opening.rules = 1;
  scene.opening.seed.clear();
  scene.console_level = 0;
  scene.leaves_loudly = false;
  scene.sleepers = asleep + watchdog;
  scene.play();
  CHECK(scene.asked["console-check"] == 0);
  CHECK(scene.asked["sleepers"] == 0);
  CHECK(scene.listened.empty());
}

TEST_CASE("threads are read as the guest lists them, and nothing else is") {
  const auto facts = guest::read_facts(asleep + watchdog + "sleeper.1.2=\nsleeper.3.4=9\nsleepers=5 x|y\n");
  const auto all = guest::sleepers(facts);
  REQUIRE(all.size() == 1);
  CHECK(all[0].thread == "312.9001");
  CHECK(all[0].switches == "4+1");
  CHECK(all[0].name == "zoo-wait");
  CHECK(all[0].frames.size() == 3);
  CHECK(guest::hung_task_patience(facts) == 60s);
  CHECK(guest::hung_task_patience(guest::read_facts("hung_task_timeout=120\nhung_task_interval=0\n")) ==
        240s);
  CHECK(guest::hung_task_patience(guest::read_facts("hung_task_timeout=x\n")) == 0s);
}
