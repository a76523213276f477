// How Windows dies, told on several channels at once.

#include "labctl/crash/windows/event_log.h"
#include "tests/catch.h"
#include "tests/cell/windows_story.h"

using namespace story;
using crash::Kind;
using event::Channel;
using outcome::Ending;

namespace {

const std::string settle2 = "boot 2/3: settle";
const std::string hyperv =
    R"({"action":"pause","info":{"type":"hyper-v","arg1":126,"arg2":18446744072635809797,"arg3":2,"arg4":3,"arg5":4}})";

using Guest = WindowsScene;

crash::Finding stop(const std::string& title, const std::string& module = {}) {
  auto found = finding(title, Kind::stop_code);
  found.module = module;
  return found;
}

}  // namespace

TEST_CASE("a Windows that is well passes") {
  Guest guest;
  CHECK(guest.play().ending == Ending::passed);
  CHECK(guest.state.outcome.boots_proved == 3);
}

TEST_CASE("an image that holds records of crashes proves nothing") {
  Guest guest;
  guest.answers(
      "evidence",
      [](Answer& answer) { answer.output = "boot_id=" + moment_of(0) + "\nkernel=10.0\ncrash_records=2\n"; },
      1);
  const auto before = guest.change;
  guest.change = [before](Answer& answer, int nth) {
    before(answer, nth);
    if (answer.question == "evidence") answer.output = "boot_id=" + moment_of(0) + "\ncrash_records=2\n";
    return true;
  };
  CHECK(guest.play().ending == Ending::lab_failed);
  CHECK_THAT(guest.state.outcome.reason, ContainsSubstring("holds 2 records of crashes"));
}

TEST_CASE("a driver that did not load has the reasons that Windows wrote down") {
  for (const auto& [why, said] : std::vector<std::pair<std::string, std::string>>{
           {"why=7000 %%577\r\n",
            "the service sensor is stopped: event 7000 (the service did not start), error 577 (its signature "
            "cannot be verified)"},
           {"why=rubbish\r\n", "the service sensor is stopped"},
           {"", "the service sensor is stopped"}}) {
    Guest guest;
    guest.answers_from(
        "loaded", [why = why](Answer& answer) { answer.output = "state=stopped\r\n" + why; }, 2);
    CHECK(guest.play().ending == Ending::not_loaded);
    CHECK(guest.state.outcome.reason == said);
  }
}

TEST_CASE("a stop code comes with the hypervisor's panic, whole") {
  Guest guest;
  guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
  guest.when(settle2, 2s, [](Scene& g) { g.alive = false; });
  const auto& outcome = guest.play();
  CHECK(outcome.ending == Ending::crashed);
  REQUIRE(outcome.findings.size() == 1);
  CHECK(outcome.findings[0].finding.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
  CHECK_THAT(outcome.findings[0].finding.excerpt, ContainsSubstring("0xffffffffc0000005, 0x2, 0x3, 0x4"));
  CHECK(outcome.findings[0].channel == Channel::panic_device);
  CHECK(outcome.findings[0].silent == std::vector{Channel::console, Channel::evidence, Channel::screen});
  CHECK(guest.pictures > 3);  // it was let go on, and looked at
}

TEST_CASE("the screen is read as it fails, and once more while it is still being painted") {
  for (const int painted : {1, 2, 99}) {
    Guest guest;
    guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
    guest.when(settle2, 2s, [](Scene& g) { g.alive = false; });
    guest.on_screen = [painted](Scene& g) {
      const bool named = g.pictures >= painted;
      return event::Found{event::Channel::screen, stop(named ? "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"
                                                             : std::string(crash::stop_screen))};
    };
    CHECK(guest.play().ending == Ending::crashed);
    CHECK(guest.pictures == std::min(painted, 2));
  }
}

TEST_CASE("one stop told on four channels is one finding that names them") {
  Guest guest;
  guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
  guest.when(settle2, 2s, [](Scene& g) { g.alive = false; });
  guest.hears(settle2, 2s, event::Panicked{.crash_loaded = true});
  guest.hears("collecting evidence", 1s,
              on_console(stop("SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in sensor.sys", "sensor.sys")));
  guest.hears("collecting evidence", 3s,
              event::Found{event::Channel::screen, stop("SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)")});
  guest.when("collecting evidence", 10s, [](Scene& g) {
    g.alive = true;
    g.go_down();  // by itself
  });
  const auto& outcome = guest.play();
  CHECK(outcome.ending == Ending::crashed);
  CHECK(outcome.reason == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in sensor.sys");
  REQUIRE(outcome.findings.size() == 1);
  const auto& seen = outcome.findings[0];
  CHECK(seen.finding.module == "sensor.sys");
  CHECK(seen.channel == Channel::console);
  CHECK(seen.also == std::vector{Channel::panic_device, Channel::screen});
  CHECK(seen.silent == std::vector{Channel::evidence});
  CHECK(guest.asked["dumps"] == 1);  // it came back by itself and was asked
}

TEST_CASE("two stops are two findings") {
  Guest guest;
  guest.hears(settle2, 2s, on_console(stop("KMODE_EXCEPTION_NOT_HANDLED (0x1E)")));
  guest.hears("collecting evidence", 1s, on_console(stop("BAD_POOL_HEADER (0x19)")));
  guest.when(settle2, 2s, [](Scene& g) { g.alive = false; });
  CHECK(guest.play().findings.size() == 2);
}

TEST_CASE("a silent reset is explained by what the guest wrote down") {
  Guest guest;
  guest.when(settle2, 2s, [](Scene& g) { g.go_down(); });
  guest.when("collecting evidence", 15s, [](Scene& g) {
    g.tell(event::Found{event::Channel::evidence, stop("BAD_POOL_HEADER (0x19)")});
  });
  const auto& outcome = guest.play();
  CHECK(outcome.ending == Ending::crashed);
  CHECK(outcome.reason == "BAD_POOL_HEADER (0x19)");
  REQUIRE(outcome.findings.size() == 1);
  CHECK(outcome.findings[0].also == std::vector{Channel::resets});
}

TEST_CASE("a boot into safe mode, a rescue environment or the setup is no boot") {
  for (const char* system : {"safe-mode", "winpe", "another-root", "setup"}) {
    Guest guest;
    const auto before = guest.change;
    guest.change = [before, system](Answer& answer, int nth) {
      before(answer, nth);
      if (answer.question == "booted" && nth == 2) answer.output = std::string("system=") + system;
      return true;
    };
    CHECK(guest.play().ending == Ending::recovery);
    CHECK_THAT(guest.state.outcome.reason, ContainsSubstring(system));
  }
}

TEST_CASE("a driver that waits for the next boot must be there then") {
  for (const bool comes : {true, false}) {
    Guest guest;
    const auto before = guest.change;
    guest.change = [before, comes, &guest](Answer& answer, int nth) {
      before(answer, nth);
      if (answer.question == "loaded" && (guest.boots == 0 || !comes)) answer.output = "state=pending\n";
      return true;
    };
    CHECK(guest.play().ending == (comes ? Ending::passed : Ending::not_loaded));
  }
}

TEST_CASE("what the power cut of a story leaves in the log is no crash, and without one it is") {
  for (const bool cut : {true, false}) {
    Guest guest;
    if (cut) guest.cell.story[4].kind = scenario::StepKind::power_cut;
    guest.hears("boot 3/3: settle", 2s,
                event::Found{event::Channel::evidence,
                             finding(std::string("an unclean shutdown told by the event log"), Kind::reset)});
    CHECK(guest.play().ending == (cut ? Ending::passed : Ending::crashed));
  }
}

TEST_CASE("Driver Verifier must watch where the scenario wants it") {
  for (const char* word : {"on", "off"}) {
    Guest guest;
    guest.cell.guest.verifier = scenario::Verifier::standard;
    const auto before = guest.change;
    guest.change = [before, word](Answer& answer, int nth) {
      before(answer, nth);
      if (answer.question == "loaded") answer.output += std::string("verifier=") + word + "\n";
      return true;
    };
    CHECK(guest.play().ending == (word == std::string("on") ? Ending::passed : Ending::not_loaded));
  }
}

TEST_CASE("a file that is gone after a boot was altered, and the guest is not to blame for its answer") {
  for (const bool driver : {true, false}) {
    Guest guest;
    const auto before = guest.change;
    guest.change = [before, driver](Answer& answer, int nth) {
      before(answer, nth);
      if (driver && answer.question == "loaded" && nth == 2)
        answer.output = "state=live\nfile_sha256=absent\nbuild_id=absent\npackage=right\nfresh=unknown\n";
      if (!driver && answer.question == "content-digest" && nth == 2)
        answer.output = "content_sha256=absent\r\n";
      return true;
    };
    CHECK(guest.play().ending == Ending::altered);
    CHECK(guest.state.outcome.reason ==
          (driver ? "the driver is gone from the guest" : "the content is gone from the guest"));
  }
}

TEST_CASE("what a command said last is told on one line") {
  Guest guest;
  guest.answers("install", [](Answer& answer) {
    answer.exit_code = 1;
    answer.output = "msiexec=1603\r\n\r\n  the installer\x1b failed\r\n";
  });
  CHECK(guest.play().ending == Ending::not_loaded);
  CHECK(guest.state.outcome.reason ==
        "'install' ended with status 1: msiexec=1603; the installer\\x1b failed");
}

TEST_CASE("a Windows story replays to the same outcome") {
  Guest guest;
  guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
  guest.when(settle2, 2s, [](Scene& g) { g.alive = false; });
  const auto outcome = guest.play();
  CHECK(show(cell::replay(guest.cell, guest.journal)) == show(outcome));
}

// ---- how long is listened to a guest that dies, and what its disk then says ----
// Of this image: boot 20 s; dying 100 s, dumping 50 s, again 70 s.

namespace {

// Dies at boot 2/3 and never says another word.
struct Dying : Guest {
  Dying() {
    when(settle2, 2s, [this](Scene& g) {
      g.alive = false;
      died = g.now;
    });
    on_disk = [this](Scene& g) {
      read_at = g.now;
      return Answer{.question = cell::disk_question, .answered = true};
    };
  }
  Millis lasted() const { return read_at - died; }
  Millis died{0}, read_at{0};
};

}  // namespace

TEST_CASE("a dead guest's disk tells what the guest could not") {
  Dying guest;
  guest.on_disk = [&guest](Scene& g) {
    guest.read_at = g.now;
    g.tell(
        event::Found{event::Channel::evidence, stop("BAD_POOL_HEADER (0x19) in sensor.sys", "sensor.sys")});
    return Answer{.question = cell::disk_question, .answered = true};
  };
  const auto& outcome = guest.play();
  CHECK(outcome.ending == Ending::crashed);  // and not hung
  CHECK(outcome.reason == "BAD_POOL_HEADER (0x19) in sensor.sys");
  REQUIRE(outcome.findings.size() == 1);
  CHECK(outcome.findings[0].channel == Channel::evidence);
  CHECK(guest.asked["dumps"] == 0);
  CHECK(guest.lasted() < 105s);  // since its last heartbeat
}

TEST_CASE("a disk that could not be read is told, and changes nothing else") {
  Dying guest;
  guest.on_disk = [](Scene&) {
    return Answer{.question = cell::disk_question, .output = "ntfscat is not installed"};
  };
  const auto& outcome = guest.play();
  CHECK(outcome.ending == Ending::hung);
  CHECK_THAT(outcome.reason, ContainsSubstring("heartbeat was lost (its disk could not be read: ntfscat is"));
}

TEST_CASE("a disk whose reading never ends does not hold the cell") {
  Dying guest;
  guest.on_disk = [](Scene&) { return std::nullopt; };
  CHECK(guest.play().ending == Ending::hung);
}

TEST_CASE("a guest that answers when it is back is asked, and its disk is left alone") {
  for (const bool answers : {true, false}) {
    Dying guest;
    if (!answers) guest.never_answers("dumps");
    guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
    guest.when("collecting evidence", 10s, [](Scene& g) {
      g.alive = true;
      g.go_down();
    });
    CHECK(guest.play().ending == Ending::crashed);
    CHECK((guest.read_at == 0ms) == answers);
  }
}

TEST_CASE("a stop that console, panic device and screen have told is waited for less") {
  Millis lasted[2];
  for (const bool screen : {true, false}) {
    Dying guest;
    const auto same = stop("SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
    guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
    guest.hears("collecting evidence", 1s, on_console(same));
    if (screen) guest.hears("collecting evidence", 3s, event::Found{event::Channel::screen, same});
    CHECK(guest.play().ending == Ending::crashed);
    lasted[screen] = guest.lasted();
  }
  CHECK(lasted[0] < 105s);
  CHECK(lasted[1] < 56s);
  CHECK(lasted[1] > 50s);
}

TEST_CASE("a guest that falls late still gets its boot") {
  Dying guest;
  const auto same = stop("SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
  guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
  guest.hears("collecting evidence", 1s, on_console(same));
  guest.hears("collecting evidence", 3s, event::Found{event::Channel::screen, same});
  guest.when("collecting evidence", 50s, [](Scene& g) {
    g.alive = true;
    g.boot_time = 60s;
    g.go_down();
  });
  CHECK(guest.play().ending == Ending::crashed);
  CHECK(guest.asked["dumps"] == 1);
  CHECK(guest.read_at == 0ms);
}

TEST_CASE("nobody waits for a guest that falls again, or has powered itself off") {
  for (const bool off : {true, false}) {
    Dying guest;
    guest.hears(settle2, 2s, event::Panicked{.details = hyperv});
    guest.when("collecting evidence", 10s, [off](Scene& g) {
      if (off) return g.tell(event::Stopped{.by_guest = true, .reason = "guest-shutdown"});
      g.go_down();
    });
    if (!off) guest.when("collecting evidence", 20s, [](Scene& g) { g.go_down(); });
    CHECK(guest.play().ending == Ending::crashed);
    CHECK(guest.lasted() < 30s);
  }
}

TEST_CASE("nobody waits for a guest that has done nothing but power itself off") {
  Guest guest;
  Millis off{0}, ended{0};
  guest.when(settle2, 2s, [&off](Scene& g) {
    g.alive = false;
    off = g.now;
    g.tell(event::Stopped{.by_guest = true, .reason = "guest-shutdown"});
  });
  guest.each_moment = [&](Scene& g) { ended = g.now; };
  CHECK(guest.play().ending == Ending::crashed);
  CHECK(ended - off < 10s);
}

TEST_CASE("a guest that hangs and lives is asked at once") {
  Guest guest;
  guest.never_answers("content-digest", 2);
  Millis failed{0}, ended{0};
  guest.when("collecting evidence", 0ms, [&](Scene& g) { failed = g.now; });
  guest.each_moment = [&](Scene& g) { ended = g.now; };
  CHECK(guest.play().ending == Ending::hung);
  CHECK(guest.asked["dumps"] == 1);
  CHECK(ended - failed < 10s);
}

// ---- a guest that hangs is stopped before it is ended, so that it leaves a dump ----
// dying 100 s: so long it is waited for before the NMI, and as long behind it.

namespace {

const std::string nmi_title = "NMI_HARDWARE_FAILURE (0x80)";

// Hangs at boot 2/3; what an NMI makes of it is each case's.
struct Stuck : Dying {
  Stuck() { opening.nmi = true; }
  void dumps(const std::string& title) {
    on_disk = [this, title](Scene& g) {
      read_at = g.now;
      g.tell(event::Found{event::Channel::evidence, stop(title)});
      g.tell(event::Found{event::Channel::evidence, stop(std::string(crash::dump_there))});
      g.tell(
          event::Found{event::Channel::evidence, finding(std::string(crash::unclean_shutdown), Kind::reset)});
      return Answer{.question = cell::disk_question, .answered = true};
    };
  }
};

bool nothing_counts(const outcome::Outcome& outcome) {
  return std::all_of(outcome.findings.begin(), outcome.findings.end(),
                     [](const auto& seen) { return seen.finding.suppressed.starts_with("provoked: "); });
}

}  // namespace

TEST_CASE("a Windows that hangs is injected one NMI, and what it leaves of it is provoked") {
  Stuck guest;
  guest.on_nmi = [](Scene& g) {
    g.tell(event::Panicked{});
    g.tell(on_console(stop(nmi_title)));
    g.tell(event::Found{event::Channel::screen, stop(std::string(crash::stop_screen))});
  };
  guest.dumps(nmi_title);
  const auto& outcome = guest.play();
  CHECK(guest.nmis == 1);
  CHECK(outcome.ending == Ending::hung);
  CHECK(outcome.reason == "the heartbeat was lost");
  CHECK(outcome.findings.size() >= 4);
  CHECK(nothing_counts(outcome));
  CHECK(guest.lasted() > 190s);  // as long as before, and as long again
  CHECK(guest.lasted() < 210s);
  CHECK(show(cell::replay(guest.cell, guest.journal)) == show(outcome));
}

TEST_CASE("a Windows that boots again behind the NMI is asked, and still hung") {
  Stuck guest;
  guest.on_nmi = [](Scene& g) {
    g.alive = true;
    g.go_down();
  };
  const auto& outcome = guest.play();
  CHECK(outcome.ending == Ending::hung);
  CHECK(outcome.reason ==
        "the heartbeat was lost; labctl injected an NMI, which stopped it, and it left no dump");
  CHECK(guest.asked["dumps"] == 1);
  CHECK(guest.read_at == 0ms);
  CHECK(guest.nmis == 1);
}

TEST_CASE("a bug check that was there before the NMI is the crash that a guest hung in") {
  Stuck by_disk;
  by_disk.dumps("BAD_POOL_HEADER (0x19)");
  CHECK(by_disk.play().ending == Ending::crashed);
  CHECK(by_disk.nmis == 1);
  Stuck by_device;
  by_device.on_nmi = [](Scene& g) { g.tell(event::Panicked{.details = hyperv}); };
  CHECK(by_device.play().ending == Ending::crashed);
}

TEST_CASE("a guest that does not react to an NMI says so in its reason, and one that leaves no dump") {
  Stuck guest;
  CHECK(guest.play().ending == Ending::hung);
  CHECK_THAT(guest.state.outcome.reason, ContainsSubstring("did not react to an NMI"));
  Stuck stopped;
  stopped.on_nmi = [](Scene& g) { g.tell(event::Panicked{.crash_loaded = true}); };
  CHECK(stopped.play().ending == Ending::hung);
  CHECK_THAT(stopped.state.outcome.reason, ContainsSubstring("it left no dump"));
}

TEST_CASE("no NMI disturbs a guest that has crashed, reset itself, or answers") {
  Stuck crashed;
  crashed.hears(settle2, 2s, event::Panicked{.details = hyperv});
  CHECK(crashed.play().ending == Ending::crashed);
  CHECK(crashed.nmis == 0);
  Stuck reset;
  reset.when("collecting evidence", 10s, [](Scene& g) { g.go_down(); });
  reset.play();
  CHECK(reset.nmis == 0);
  Guest alive;
  alive.opening.nmi = true;
  alive.never_answers("content-digest", 2);
  CHECK(alive.play().ending == Ending::hung);
  CHECK(alive.nmis == 0);
  Dying older;  // its journal does not say that it is asked for
  CHECK(older.play().ending == Ending::hung);
  CHECK(older.nmis == 0);
}

TEST_CASE("what only looks like an NMI is a crash where nobody injected one") {
  Stuck guest;
  guest.hears(settle2, 2s, on_console(stop(nmi_title)));
  CHECK(guest.play().ending == Ending::crashed);
  CHECK_FALSE(nothing_counts(guest.state.outcome));
}
