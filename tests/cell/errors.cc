// What ends no cell and is kept for the verdict; what clears a line whose kind leaves no taint; and how an
// ending is told.

#include "tests/cell/judged.h"

using namespace story;

namespace {

crash::Finding named(const std::string& title, Kind kind, bool confirmed) {
  auto told = finding(title, kind, confirmed);
  told.severity = kind == Kind::error || kind == Kind::service ? crash::Severity::warning : told.severity;
  return told;
}

// Kinds that leave no taint behind, and what begins their reports.
const std::pair<const char*, Kind> quiet[] = {
    {"INFO: rcu detected stall", Kind::stall},
    {"BUG: workqueue lockup", Kind::stall},
    {"INFO: task hung", Kind::hung_task},
    {"BUG: hard lockup", Kind::lockup},
    {"UBSAN: shift-out-of-bounds", Kind::memory_safety},
    {"KCSAN: data-race", Kind::memory_safety},
    {"WARNING: possible circular locking dependency detected", Kind::lock},
    {"what the author looks for", Kind::other},
};

}  // namespace

TEST_CASE("a line whose kind leaves no taint is cleared by the kernel's log, read whole") {
  for (const auto& each : quiet) {
    const char* title = each.first;
    const Kind kind = each.second;
    INFO(title);
    const auto line = named(title, kind, false),
               report = named(std::string(title) + " in the log", kind, true);
    const auto tell = [line](Scene& s) { s.hears(settle2, 2s, on_console(line)); };
    const Scene well = check(Story{title, Ending::passed, "", 3, tell});
    CHECK(well.asked.at("suspect-log") >= 1);
    REQUIRE(well.state.outcome.findings.size() == 1);
    CHECK_THAT(well.state.outcome.findings[0].finding.suppressed, ContainsSubstring("read whole"));
    const Ending ending = outcome::ending_for(kind);
    check(Story{title, ending, title, 1, [tell](Scene& s) { tell(s), s.never_answers("suspect-log"); }});
    check(Story{title, ending, title, 1,
                [tell](Scene& s) { tell(s), s.answers("suspect-log", says("log=whole", "log=cut")); }});
    check(Story{title, ending, title, 1, [tell](Scene& s) {
                  tell(s), s.answers("suspect-log", says("boot_id=0000", "boot_id=9999"));
                }});
    check(Story{title, ending, "in the log", 1, [tell, report](Scene& s) {
                  tell(s);
                  s.answers("suspect-log", [&s, report](Answer&) {
                    s.tell(event::Found{event::Channel::evidence, report});
                  });
                }});
    // By the rules of before a missing taint was enough.
    const Scene old = check(Story{title, Ending::passed, "", 3, [tell](Scene& s) {
                                    tell(s);
                                    s.opening.rules = 1;
                                    s.never_answers("suspect-log");
                                  }});
    CHECK(old.asked.count("suspect-log") == 0);
  }
}

TEST_CASE("a line whose kind leaves a taint is cleared by its absence, and nothing more is asked") {
  for (const auto& each :
       {std::pair("BUG: unable to handle page fault", Kind::oops),
        std::pair("BUG: soft lockup", Kind::lockup), std::pair("KASAN: use-after-free", Kind::memory_safety),
        std::pair("BUG: scheduling while atomic", Kind::lock)}) {
    INFO(each.first);
    const auto line = named(each.first, each.second, false);
    const Scene scene = check(Story{each.first, Ending::passed, "", 3,
                                    [line](Scene& s) { s.hears(settle2, 2s, on_console(line)); }});
    CHECK(scene.asked.count("suspect-log") == 0);
  }
}

TEST_CASE("an error without a taint ends no cell and is kept for the verdict") {
  const Scene scene =
      check(Story{"oom", Ending::passed, "", 3, [](Scene& s) {
                    s.hears(settle2, 2s, on_console(named("out of memory", Kind::error, true)));
                    s.hears(settle2, 3s, event::Logged{"sensor: no buffers"});
                    s.hears(settle2, 3s, event::Logged{"sensor: no buffers"});
                  }});
  REQUIRE(scene.state.outcome.findings.size() == 1);
  CHECK(scene.state.outcome.findings[0].finding.suppressed.empty());
  CHECK(scene.state.outcome.findings[0].candidate_in);
  CHECK(scene.state.outcome.logged == std::vector<std::string>{"sensor: no buffers"});
}

TEST_CASE("an error explains no taint, whoever accepted it") {
  check(Story{"oom and W", Ending::crashed, "tainted W", 1, [](Scene& s) {
                waive(s, "out of memory");
                happens(s, settle2, 2s, named("out of memory", Kind::error, true), W);
              }});
}

TEST_CASE("a cell keeps a bounded number of logged errors") {
  Scene scene;
  scene.when(settle2, 2s, [](Scene& s) {
    for (int i = 0; i < 5000; ++i) s.tell(event::Logged{"error " + std::to_string(i)});
  });
  CHECK(scene.play().logged.size() == 50);
}

TEST_CASE("services that failed are kept for the verdict with their boots") {
  const auto failing = [](Scene& s) {
    s.answers("evidence", [](Answer& answer) { answer.output += "failed=x.service sensor.service \n"; });
  };
  const Scene scene = check(Story{"failed services", Ending::passed, "", 3, failing});
  std::set<int> boots;
  for (const auto& seen : scene.state.outcome.findings) {
    CHECK(seen.finding.kind == Kind::service);
    CHECK(seen.finding.module == (seen.finding.title == "service failed: sensor.service" ? "sensor" : ""));
    boots.insert(seen.boot);
  }
  CHECK(boots.size() == 4);
  CHECK(scene.state.outcome.findings.size() == 8);
  const Scene old = check(Story{"failed services then", Ending::passed, "", 3, [&](Scene& s) {
                                  failing(s);
                                  s.opening.rules = 1;
                                }});
  CHECK(old.state.outcome.findings.empty());
}

TEST_CASE("an ending is told by what says most exactly what happened") {
  const auto exact = found("double fault in sensor_match");
  const auto both = [&](Scene& s) {
    s.when(settle2, 2s, [exact](Scene& g) {
      g.tell(event::Panicked{});
      g.tell(on_console(exact));
      g.alive = false;
    });
  };
  check(Story{
      "the device speaks first", Ending::crashed,
      "double fault in sensor_match [module sensor, the candidate's] (first seen: the panic device reported "
      "a kernel panic)",
      1, both});
  check(Story{"as it was told before", Ending::crashed, "the panic device reported a kernel panic", 1,
              [&](Scene& s) {
                both(s);
                s.opening.rules = 1;
              }});
  const Scene one = check(Story{"one that says it itself", Ending::crashed, "double fault in sensor_match", 1,
                                [&](Scene& s) { s.hears(settle2, 2s, on_console(exact)); }});
  CHECK(one.state.outcome.reason.find("first seen") == std::string::npos);
  check(Story{"nothing but the device", Ending::crashed, "the panic device reported a kernel panic", 1,
              [](Scene& s) { s.hears(settle2, 2s, event::Panicked{}); }});
}

TEST_CASE("a crash elsewhere says what links it with the candidate") {
  auto loading = found("BUG: unable to handle page fault in do_init_module", Kind::oops, "");
  loading.excerpt = "CPU: 0 PID: 411 Comm: modprobe Tainted: G\n";
  check(Story{"a task that loads", Ending::crashed,
              "(not in the candidate's module; the task that died, modprobe, was loading a module)", 1,
              [&](Scene& s) { s.hears(settle2, 2s, on_console(loading)); }});
  auto traced = found("BUG: unable to handle page fault in kfree", Kind::oops, "");
  traced.excerpt = "Call Trace:\n ? sensor_probe+0x1/0x2 [sensor]\n";
  check(Story{"a trace that names it", Ending::crashed,
              "(not in the candidate's module; its report names the candidate's module)", 1,
              [&](Scene& s) { s.hears(settle2, 2s, on_console(traced)); }});
  auto other = found("BUG: unable to handle page fault in kfree", Kind::oops, "");
  check(Story{"while it is installed", Ending::crashed,
              "(not in the candidate's module; it happened during 'install driver')", 0, [&](Scene& s) {
                s.when("install driver", 0s, [other](Scene& g) { g.tell(on_console(other)); });
              }});
  check(Story{"as it was told before", Ending::crashed, "it happened with the candidate loaded", 1,
              [&](Scene& s) {
                s.opening.rules = 1;
                s.hears(settle2, 2s, on_console(loading));
              }});
}

TEST_CASE("a module that has gone away is told as such, and not as another build") {
  check(Story{"no build id", Ending::not_loaded,
              "sensor was loaded and has gone away since: it is live, without a build id", 1,
              [](Scene& s) { s.answers("loaded", says("build_id=b1", "build_id="), 6); }});
  check(Story{"absent", Ending::not_loaded, "sensor was loaded and has gone away since: it is absent", 1,
              [](Scene& s) {
                s.change = [before = s.change](Answer& answer, int nth) {
                  if (answer.question == "loaded" && nth >= 6) answer.output = "state=absent\n";
                  return before(answer, nth);
                };
              }});
  check(Story{"another build", Ending::not_loaded, "another build of sensor is loaded", 1,
              [](Scene& s) { s.answers("loaded", says("build_id=b1", "build_id=b2"), 6); }});
}
