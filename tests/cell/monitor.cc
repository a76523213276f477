// What the watchers see of a guest's death, told on a fake clock: each story is one way in which signs come
// late, twice, torn, forged or not at all. Consoles speak through the real recogniser.

#include <memory>
#include <set>

#include "labctl/crash/crash.h"
#include "tests/cell/told.h"

using namespace story;
namespace {

const std::string oops_text =
    "[   12.345678] BUG: unable to handle page fault for address: ffffc90000aa1000\n"
    "[   12.345700] #PF: supervisor read access in kernel mode\n"
    "[   12.345710] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[   12.345720] CPU: 0 PID: 312 Comm: sensorctl Tainted: G           OE      6.1.0-56-amd64 #1  Debian "
    "6.1.1\n"
    "[   12.345730] RIP: 0010:sensor_match+0x41/0x90 [sensor]\n"
    "[   12.345790] Call Trace:\n"
    "[   12.345800]  <TASK>\n"
    "[   12.345810]  sensor_apply+0x22/0x50 [sensor]\n"
    "[   12.345820]  </TASK>\n"
    "[   12.345830] ---[ end trace 0000000000000000 ]---\n";
const std::string stop_text =
    "\r\n*** STOP: 0x000000D1 "
    "(0x0000000000000008,0x0000000000000002,0x0000000000000000,0xFFFFF80001234567)\r\n";

// A console as the hands hear it: the recogniser's findings and the kernels' first lines, as they come.
class Console {
 public:
  explicit Console(crash::Os os = crash::Os::linux_) : scanner_(std::make_shared<crash::Scanner>(os)) {}
  void hear(Scene& scene, std::string_view bytes) {
    auto found = scanner_->feed(bytes);
    for (; starts_ < scanner_->kernel_starts(); ++starts_) scene.tell(event::KernelStarted{});
    for (auto& finding : found) scene.tell(on_console(std::move(finding)));
  }
  void flush(Scene& scene) {
    for (auto& finding : scanner_->flush()) scene.tell(on_console(std::move(finding)));
  }

 private:
  std::shared_ptr<crash::Scanner> scanner_;
  std::uint64_t starts_ = 0;
};

std::string repeat(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

// The whole text at once, in pieces of `size`, one piece every half second or all in one moment.
void prints_on_console(Scene& s, const std::string& text, std::size_t size, bool slowly) {
  s.each_moment = [text, size, slowly, at = std::size_t{0}, console = Console()](Scene& g) mutable {
    if (at == 0 && cell::where_now(g.state) != settle2) return;
    for (bool again = true; again && at < text.size(); again = !slowly) {
      console.hear(g, std::string_view(text).substr(at, size));
      at += size;
    }
    if (at >= text.size()) console.flush(g);
  };
}

// A clock that jumps by `by` in the middle of the second settling.
void clock_jumps(Scene& s, Millis by) {
  s.when(settle2, 5s, [by](Scene& g) { g.now += by; });
}

const char* dead_timer = "kernel panic: IO-APIC + timer doesn't work!";

// The host takes a share of the guest's time from the beginning on; a while later the kernel says something.
std::function<void(Scene&)> starved(double share, std::vector<What> said) {
  return [=](Scene& s) {
    s.starved_share = share;
    for (std::size_t i = 0; i < said.size(); ++i) s.hears(settle2, 2s + i * 500ms, said[i]);
  };
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const What lockup = on_console(finding("soft lockup in sensor_stop", Kind::lockup));
  static const What stall = on_console(finding("INFO: rcu detected stall", Kind::stall));
  static const What timer = on_console(finding(dead_timer, Kind::panic));
  static const What oops = on_console(finding("oops in sensor_match"));
  static const std::vector<Story> all = {
      {"oops after a clean exit", crashed, "sensor_match", 1,
       [](Scene& s) { prints_on_console(s, oops_text, oops_text.size(), false); }},
      {"crash text split over chunks", crashed, "sensor_match", 1,
       [](Scene& s) { prints_on_console(s, oops_text, 7, false); }},
      {"crash text split over chunks, one byte at a time", crashed, "sensor_match", 1,
       [](Scene& s) { prints_on_console(s, oops_text, 1, false); }},
      {"crash text split over chunks that come half a second apart", crashed, "sensor_match", 1,
       [](Scene& s) { prints_on_console(s, oops_text, 40, true); }},
      {"crash text cut off in the middle of its first line", passed, "", 3,
       [](Scene& s) { prints_on_console(s, oops_text.substr(0, 30), 30, false); }},
      {"crash text cut off behind its first lines, and a guest that is well", passed, "", 3,
       [](Scene& s) { prints_on_console(s, oops_text.substr(0, 80), 80, false); }},
      {"crash text cut off behind its first lines, and a guest that is silent", crashed, "BUG: unable", 1,
       [](Scene& s) {
         prints_on_console(s, oops_text.substr(0, 80), 80, false);
         s.never_answers("suspect");
       }},
      {"agent alive though the kernel oopsed", crashed, "sensor_match", 1,
       [](Scene& s) {
         prints_on_console(s, oops_text, oops_text.size(), false);
         s.when(settle2, 0s, [](Scene& g) { g.alive = true; });
       }},
      {"heartbeat lost and regained", passed, "", 3,
       [](Scene& s) {
         s.when(settle2, 3s, [](Scene& g) { g.alive = false; });
         s.when(settle2, 30s, [](Scene& g) { g.alive = true; });
       }},
      {"heartbeat lost and regained too late", hung, "heartbeat", 1,
       [](Scene& s) {
         s.when(settle2, 3s, [](Scene& g) { g.alive = false; });
         s.when(settle2, 60s, [](Scene& g) { g.alive = true; });
       }},
      {"extra boot inside a requested reboot", crashed, "reset itself again", 1,
       [](Scene& s) { s.when("boot 2/3", 9s, [](Scene& g) { g.go_down(); }); }},
      {"reset without a word", crashed, "reset itself", 1,
       [](Scene& s) { s.when(settle2, 4s, [](Scene& g) { g.speaks = false, g.go_down(); }); }},
      {"boot identity unchanged", hung, "was seen before", 1,
       [](Scene& s) { s.answers("identify", says(Scene::boot_id(2), Scene::boot_id(1)), 2); }},
      {"agent answers from the previous boot", hung, "was seen before", 1,
       [](Scene& s) { s.answers("identify", prints("boot_id=" + Scene::boot_id(1) + "\n"), 2); }},
      {"agent answers from the previous boot, and then from this one", passed, "", 3,
       [](Scene& s) {
         s.change = [&s](Answer& answer, int nth) {
           if (answer.question == "booted" && nth == 2)  // late, of the question before
             s.tell(Answer{"identify", true, 0, "boot_id=" + Scene::boot_id(1) + "\n"});
           return true;
         };
       }},
      {"console closed", lab_failed, "console was lost", 1,
       [](Scene& s) { s.hears(settle2, 2s, event::LabFault{"the console was lost: it was closed"}); }},
      {"console closed after the crash", crashed, "sensor_match", 1,
       [](Scene& s) {
         prints_on_console(s, oops_text, oops_text.size(), false);
         s.hears("collecting evidence", 1s, event::LabFault{"the console was lost: it was closed"});
       }},
      {"console flooded", passed, "", 3,
       [](Scene& s) {
         prints_on_console(s, repeat("sensor: all is well, as ever\n", 100'000), 4096, false);
       }},
      {"console flooded, with a crash in the flood", crashed, "sensor_match", 1,
       [](Scene& s) {
         const std::string noise = repeat("sensor: all is well, as ever\n", 50'000);
         prints_on_console(s, noise + oops_text + noise, 4096, false);
       }},
      {"console flooded with half a crash", passed, "", 3,
       [](Scene& s) { prints_on_console(s, repeat("BUG: unable to handle\n", 20'000), 4096, false); }},
      {"hang during shutdown", hung, "shutdown did not end", 0, [](Scene& s) { s.reboots = false; }},
      {"hang during shutdown, with a lockup told", hung, "soft lockup", 0,
       [](Scene& s) {
         s.reboots = false;
         s.hears("boot 1/3", 9s, on_console(finding("soft lockup in sensor_stop", Kind::lockup)));
       }},
      {"clock jumps forward a little", passed, "", 3, [](Scene& s) { clock_jumps(s, 10s); }},
      {"clock jumps forward by a day", hung, "heartbeat", 1,
       [](Scene& s) {
         s.limit = 100h;
         clock_jumps(s, 24h);
       }},
      {"clock jumps back", passed, "", 3,
       [](Scene& s) {
         // As the guest's own: a report stamped before the one ahead of it is a report all the same.
         prints_on_console(s, "[  900.000000] sensor: time\n[    1.000000] sensor: time again\n", 20, false);
       }},
      {"clock jumps back, and a crash is stamped before it happened", crashed, "sensor_match", 1,
       [](Scene& s) { prints_on_console(s, "[  900.000000] sensor: time\n" + oops_text, 20, false); }},
      {"event late", crashed, "sensor_match", 2,
       [](Scene& s) {
         s.hears("boot 3/3: settle", 0s, on_console(finding("oops in sensor_match of the boot before")));
       }},
      {"event twice", crashed, "sensor_match", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(finding("oops in sensor_match")));
         s.hears(settle2, 2s, on_console(finding("oops in sensor_match")));
       }},
      {"event twice: a reset", crashed, "reset itself", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, event::Reset{});
         s.hears(settle2, 2s, event::Reset{});
       }},
      {"event twice: the end of the guest", crashed, "powered itself off", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, event::Stopped{});
         s.hears(settle2, 3s, event::Stopped{});
       }},
      {"stop code after the reset", crashed, "reset itself", 1,
       [](Scene& s) {
         s.each_moment = [console = Console(crash::Os::windows), told = false](Scene& g) mutable {
           if (told || cell::where_now(g.state) != settle2 || g.boots != 2) return;
           told = true;
           g.tell(event::Reset{});
           console.hear(g, stop_text);
           console.flush(g);
         };
       }},
      {"stop code after the reset of a requested reboot", crashed, "0xD1", 1,
       [](Scene& s) {
         s.hears("boot 2/3", 5s,
                 on_console(finding("stop 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL in sensor.sys")));
       }},
      {"lab error and crash at once", crashed, "sensor_match", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, event::LabFault{"the hypervisor is gone"});
         s.hears(settle2, 2s, on_console(finding("oops in sensor_match")));
       }},
      {"forged boot marker", passed, "", 3,
       [](Scene& s) {
         s.each_moment = [](Scene& g) {
           if (!g.state.down) g.tell(event::KernelStarted{});
         };
       }},
      {"forged boot marker instead of a reboot", hung, "shutdown did not end", 0,
       [](Scene& s) {
         s.reboots = false;
         s.each_moment = [](Scene& g) { g.tell(event::KernelStarted{}); };
       }},
      {"forged boot identity instead of a reboot", hung, "shutdown did not end", 0,
       [](Scene& s) {
         s.reboots = false;
         s.each_moment = [](Scene& g) {
           g.tell(Answer{"identify", true, 0, "boot_id=" + Scene::boot_id(7) + "\n"});
         };
       }},
      {"forged answers to everything, all the time", hung, "shutdown did not end", 0,
       [](Scene& s) {
         s.reboots = false;
         s.each_moment = [](Scene& g) {
           if (cell::where_now(g.state) != "boot 1/3") return;
           for (const char* name : {"reboot", "booted", "loaded", "evidence", "kernel-log", "content-digest"})
             g.tell(Answer{name, true, 0, "system=running\n"});
         };
       }},
      {"a lockup told by a kernel without a CPU", lab_failed, "the host starved the guest", 1,
       starved(0.8, {lockup})},
      {"a stall told by a kernel without a CPU", lab_failed, "the host starved the guest", 1,
       starved(0.8, {stall})},
      {"a hung task told by a kernel without a CPU", lab_failed, "the host starved the guest", 1,
       starved(0.8, {on_console(finding("hung task", Kind::hung_task))})},
      {"a lockup told with nothing behind it by a kernel without a CPU", lab_failed, "the host starved", 1,
       starved(0.8, {on_console(finding("soft lockup", Kind::lockup, false))})},
      {"a lockup on a host that is busy and no more", hung, "soft lockup", 1, starved(0.5, {lockup})},
      {"a lockup long after the host was busy", hung, "soft lockup", 1,
       [](Scene& s) {
         s.when("baseline", 0s, [](Scene& g) { g.now += 60s, g.tell(event::Tick{60s}); });
         s.hears(settle2, 2s, lockup);
       }},
      {"a lockup after a guest was stopped for half a minute", lab_failed, "the host starved the guest", 1,
       [](Scene& s) {
         s.when(settle2, 2s, [](Scene& g) { g.now += 32s, g.tell(event::Tick{32s}), g.tell(lockup); });
       }},
      {"an oops of a kernel without a CPU", crashed, "sensor_match", 1, starved(0.8, {oops})},
      {"a lockup told by a kernel without a CPU, and an oops", crashed, "sensor_match", 1,
       starved(0.8, {lockup, oops})},
      {"a dead timer on a host that is busy", lab_failed, "IO-APIC + timer", 1, starved(0.5, {timer})},
      {"a dead timer on a host that is busy, and the panic device", lab_failed, "IO-APIC + timer", 1,
       starved(0.5, {timer, event::Panicked{}})},
      {"a dead timer on a host that is busy, behind the panic device", lab_failed, "IO-APIC + timer", 1,
       starved(0.5, {event::Panicked{}, timer})},
      {"a dead timer on a host that is busy, and an oops", crashed, "panic device", 1,
       starved(0.5, {event::Panicked{}, timer, oops})},
      {"a dead timer on a host that is not busy", crashed, "IO-APIC + timer", 1, starved(0.1, {timer})},
      {"the panic device of a kernel without a CPU", crashed, "panic device", 1,
       starved(0.8, {event::Panicked{}})},
      {"a lockup told by a kernel without a CPU, and the panic device", crashed, "panic device", 1,
       starved(0.8, {lockup, event::Panicked{}})},
      {"contradictory evidence", crashed, "tainted", 1,
       [](Scene& s) {
         s.answers(
             "evidence", [](Answer& answer) { answer.output += "taint=128\n"; }, 7);
       }},
      {"contradictory boot identity", hung, "without a boot identity", 1,
       [](Scene& s) {
         s.answers(
             "identify", [](Answer& answer) { answer.output += "boot_id=" + Scene::boot_id(1) + "\n"; }, 2);
       }},
      {"contradictory word about the module", not_loaded, "contradictory", 1,
       [](Scene& s) {
         s.answers(
             "loaded", [](Answer& answer) { answer.output += "state=absent\n"; }, 6);
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("each story of a watcher has its ending") {
  for (const Story& story : stories()) {
    DYNAMIC_SECTION(story.name) {
      const Scene told = check(story);
      // What the reader needs is kept, although the reset came first.
      if (story.name == std::string("stop code after the reset")) {
        REQUIRE(told.state.outcome.findings.size() == 2);
        CHECK(told.state.outcome.findings[1].finding.title == "DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1)");
      }
    }
  }
}

TEST_CASE("what was said louder than it could be heard is remembered as unheard") {
  for (const bool unheard : {false, true}) {
    Scene scene(candidate());
    scene.hears(settle2, 2s, event::LabFault{"some of the console is lost", unheard});
    const auto outcome = scene.play();
    CHECK(outcome.ending == outcome::Ending::lab_failed);
    CHECK(outcome.unheard == unheard);
  }
}

TEST_CASE("what may have been a crash is not tried again") {
  const auto of = [](double share) {
    Scene scene;
    starved(share, {on_console(finding("soft lockup in sensor_stop", Kind::lockup))})(scene);
    return scene.play();
  };
  CHECK(of(0.8).unheard);
  CHECK(of(0.8).findings.size() == 1);
  CHECK_FALSE(of(0.5).unheard);
}

TEST_CASE("every way in which signs may come is told") {
  std::set<std::string> names;
  for (const Story& story : stories()) CHECK(names.insert(story.name).second);
  CHECK(names.size() >= 30);
  for (const char* name :
       {"oops after a clean exit", "crash text split over chunks", "agent alive though the kernel oopsed",
        "heartbeat lost and regained", "extra boot inside a requested reboot", "reset without a word",
        "boot identity unchanged", "agent answers from the previous boot", "console closed",
        "console flooded", "hang during shutdown", "clock jumps back", "clock jumps forward by a day",
        "event late", "event twice", "stop code after the reset", "lab error and crash at once"})
    CHECK(names.count(name) == 1);
}
