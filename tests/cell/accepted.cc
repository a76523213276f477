// Findings that people have accepted: what a cell makes of them, and the verdict of its run.

#include "tests/cell/judged.h"

using namespace story;

namespace {

const std::vector<Told>& stories() {
  using enum Ending;
  constexpr auto yes = Decision::passed, no = Decision::blocked, unknown = Decision::no_verdict;
  static const std::vector<Told> all = {
      // ---- waived ----
      {{"a waived warning", passed, "", 3,
        [](Scene& s) {
          waive(s, warning);
          s.hears(settle2, 2s, on_console(warned()));
        }},
       yes,
       true},
      {{"a waived warning with its taint, in each boot", passed, "", 3,
        [](Scene& s) {
          waive(s, warning);
          for (const char* boot : {"boot 1/3: settle", settle2, "boot 3/3: settle"})
            happens(s, boot, 2s, warned(), W);
        }},
       yes,
       true},
      {{"a waived warning of a control", passed, "", 3,
        [](Scene& s) {
          s = Scene(control());
          waive(s, warning);
          happens(s, settle2, 2s, warned(), W);
        }},
       yes,
       true},
      {{"a waived warning whose taint is seen before the kernel's log tells it", passed, "", 3,
        [](Scene& s) {
          waive(s, warning);
          s.when(settle2, 2s, [](Scene& g) { g.taint |= W; });
          s.answers(
              "kernel-log",
              [&s](Answer&) {
                s.tell(event::Found{event::Channel::evidence, warned()});
              },
              7);
        }},
       yes,
       true},
      {{"a waiver that nobody needed", passed, "", 3, [](Scene& s) { waive(s, warning); }}, yes},
      {{"a waived warning that the policy allows anyhow", passed, "", 3,
        [](Scene& s) {
          s.cell.policy.warnings_fail = false;
          waive(s, warning);
          happens(s, settle2, 2s, warned(), W);
        }},
       yes},
      {{"a warning waived by another title", crashed, "WARNING in sensor_tock", 1,
        [](Scene& s) {
          waive(s, warning);
          s.hears(settle2, 2s, on_console(warned("WARNING in sensor_tock")));
        }},
       no},
      {{"a taint W that no waived warning explains", crashed, "tainted W", 1,
        [](Scene& s) {
          waive(s, warning);
          s.when(settle2, 2s, [](Scene& g) { g.taint |= W; });
        }},
       no},
      {{"a waived warning of one boot does not explain the taint of the next", crashed, "tainted W", 1,
        [](Scene& s) {
          waive(s, warning);
          happens(s, "boot 1/3: settle", 2s, warned(), W);
          s.when(settle2, 2s, [](Scene& g) { g.taint |= W; });
        }},
       no},
      {{"a waived warning of a shutdown does not explain the taint of the next boot", crashed, "tainted W", 1,
        [](Scene& s) {
          waive(s, warning);
          happens(s, "boot 2/3", 2s, warned(), W);
          s.when(settle2, 2s, [](Scene& g) { g.taint |= W; });
        }},
       no},
      {{"a waived warning told late, between two kernels, does not explain the taint of the next", crashed,
        "tainted W", 1,
        [](Scene& s) {
          waive(s, warning);
          s.hears("boot 2/3", 5s, on_console(warned()));
          s.when(settle2, 2s, [](Scene& g) { g.taint |= W; });
        }},
       no},
      {{"a waived warning does not explain the taint of an oops", crashed, "tainted D", 1,
        [](Scene& s) {
          waive(s, warning);
          happens(s, settle2, 2s, warned(), W | D);
        }},
       no},
      {{"a waived oops that the guest lives through, every boot proved", passed, "", 3,
        [](Scene& s) {
          waive(s, oops);
          happens(s, settle2, 2s, found(oops), D);
        }},
       yes,
       true},
      {{"a waived oops and another one", crashed, "page fault in sensor_equal", 1,
        [](Scene& s) {
          waive(s, oops);
          happens(s, settle2, 2s, found(oops), D);
          s.hears(settle2, 3s, on_console(found("BUG: unable to handle page fault in sensor_equal")));
        }},
       no},
      {{"a waived oops and a line that could be another one", crashed, "BUG: unable", 1,
        [](Scene& s) {
          waive(s, oops);
          happens(s, settle2, 2s, found(oops), D);
          s.hears(settle2, 3s, on_console(suspect()));
        }},
       no},
      {{"a waived oops that kills the installation proves nothing", not_loaded, "status 137", 0,
        [](Scene& s) {
          waive(s, oops);
          happens(s, "install driver", 0s, found(oops), D);
          s.answers("install", exits(137));
        }},
       no},
      {{"a waived oops after which the module is gone", not_loaded, "absent", 1,
        [](Scene& s) {
          waive(s, oops);
          happens(s, settle2, 2s, found(oops), D);
          s.answers("loaded", prints("state=absent\n"), 7);
        }},
       no},
      {{"a waived oops after which the guest resets itself", crashed, "reset itself", 1,
        [](Scene& s) {
          waive(s, oops);
          happens(s, settle2, 2s, found(oops), D);
          s.when(settle2, 4s, [](Scene& g) { g.go_down(); });
        }},
       no},
      {{"a waived panic that the panic device tells too", crashed, "panic device", 1,
        [](Scene& s) {
          waive(s, "kernel panic: sensor: gave up");
          s.hears(settle2, 2s, on_console(found("kernel panic: sensor: gave up", Kind::panic)));
          s.hears(settle2, 2s, event::Panicked{});
        }},
       no},
      {{"a waived lockup after which the heart stops", hung, "heartbeat was lost", 1,
        [](Scene& s) {
          waive(s, "BUG: soft lockup in sensor_spin");
          happens(s, settle2, 2s, found("BUG: soft lockup in sensor_spin", Kind::lockup), L);
          s.when(settle2, 2s, [](Scene& g) { g.alive = false; });
        }},
       no},
      {{"a sign has a title and cannot be waived: a reset", crashed, "reset itself", 1,
        [](Scene& s) {
          waive(s, "unrequested reset");
          s.when(settle2, 2s, [](Scene& g) { g.go_down(); });
        }},
       no},
      {{"a sign has a title and cannot be waived: a taint", crashed, "tainted D", 1,
        [](Scene& s) {
          waive(s, "kernel tainted D");
          s.when(settle2, 2s, [](Scene& g) { g.taint |= D; });
        }},
       no},
      {{"a waived title with no report behind it, of a guest that is well", passed, "", 3,
        [](Scene& s) {
          waive(s, oops);
          s.hears(settle2, 2s, on_console(suspect(oops)));
        }},
       yes},
      {{"a waived title with no report behind it, of a tainted guest", crashed, oops, 1,
        [](Scene& s) {
          waive(s, oops);
          happens(s, settle2, 2s, suspect(oops), D);
        }},
       no},
      {{"a waived title whose report comes after its line", passed, "", 3,
        [](Scene& s) {
          waive(s, warning);
          s.latency = 5s;
          happens(s, settle2, 2s, suspect("WARNING"), W);
          s.hears(settle2, 3s, on_console(warned()));
        }},
       yes,
       true},
      {{"a waived title whose line comes in the last moment, and its report after it", passed, "", 3,
        [](Scene& s) {
          waive(s, warning);
          s.answers(
              "kernel-log",
              [&s](Answer&) { s.latency = 5s, s.taint |= W, s.tell(on_console(suspect("WARNING"))); }, 9);
          s.hears("boot 3/3", 1min, on_console(warned()));
          s.each_moment = [](Scene& g) {
            if (g.latency == 5s && !g.state.suspects.empty()) g.tell(on_console(warned()));
          };
        }},
       yes,
       true},
      {{"a waived title in a torn report", crashed, warning, 1,
        [](Scene& s) {
          waive(s, warning);
          auto torn = warned();
          torn.corrupted = "two CPUs wrote at once";
          s.hears(settle2, 2s, on_console(torn));
        }},
       no},
      {{"a waived warning behind a flood of noise is not lost", passed, "", 3,
        [](Scene& s) {
          waive(s, warning);
          s.when(settle2, 2s, [](Scene& g) {
            for (int i = 0; i < 1000; ++i) {
              auto noise = warned("noise " + std::to_string(i));
              noise.suppressed = "known noise";
              g.tell(on_console(noise));
            }
            g.tell(on_console(warned()));
          });
        }},
       yes,
       true},

      // ---- expected ----
      {{"an expected oops", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          happens(s, "apply content", 0s, found(oops), D);
        }},
       yes,
       false,
       true},
      {{"an expected panic that other channels tell first", crashed, "panic device", 0,
        [](Scene& s) {
          expect(s, "kernel panic: sensor: gave up");
          s.hears("apply content", 0s, event::Panicked{});
          s.hears("collecting evidence", 0s, on_console(found("kernel panic: sensor: gave up", Kind::panic)));
          s.hears("collecting evidence", 1s, event::Stopped{});
        }},
       yes,
       false,
       true},
      {{"an expected oops after which the guest had reset already", crashed, "reset itself", 0,
        [](Scene& s) {
          expect(s, oops);
          s.hears("apply content", 0s, event::Reset{});
          s.hears("collecting evidence", 0s, on_console(found(oops)));
        }},
       yes,
       false,
       true},
      {{"an expected oops that the last sweep finds", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          s.answers("apply", exits(137));
          s.answers(
              "kernel-log",
              [&s](Answer&) {
                s.tell(event::Found{event::Channel::evidence, found(oops)});
              },
              2);
        }},
       yes,
       false,
       true},
      {{"an expected lockup", hung, "soft lockup", 0,
        [](Scene& s) {
          expect(s, "BUG: soft lockup in sensor_spin");
          happens(s, "exercise", 0s, found("BUG: soft lockup in sensor_spin", Kind::lockup), L);
        }},
       yes,
       false,
       true},
      {{"an expected reset, which has no other name", crashed, "reset itself", 0,
        [](Scene& s) {
          expect(s, "unrequested reset");
          s.hears("exercise", 0s, event::Reset{});
        }},
       yes,
       false,
       true},
      {{"an expected oops that does not come", not_loaded, "the expected 'BUG: kernel NULL", 3,
        [](Scene& s) { expect(s, oops); }},
       no},
      {{"an expected oops and then another", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          happens(s, "apply content", 0s, found(oops), D);
          s.hears("collecting evidence", 1s, on_console(found("general protection fault in sensor_match")));
        }},
       no},
      {{"an expected oops, and another one came", crashed, "general protection", 0,
        [](Scene& s) {
          expect(s, oops);
          s.hears("apply content", 0s, on_console(found("general protection fault in sensor_match")));
        }},
       no},
      {{"two are expected and one comes", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          expect(s, "kernel panic: sensor: gave up");
          s.hears("apply content", 0s, on_console(found(oops)));
        }},
       no},
      {{"two are expected and both come", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          expect(s, "kernel panic: sensor: gave up");
          s.hears("apply content", 0s, on_console(found(oops)));
          s.hears("collecting evidence", 1s, on_console(found("kernel panic: sensor: gave up", Kind::panic)));
        }},
       yes,
       false,
       true},
      {{"an expected oops with a taint that it does not leave", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          happens(s, "apply content", 0s, found(oops), D | W);
        }},
       no},
      {{"an expected oops, and the crash behind it is a hang", hung, "heartbeat", 1,
        [](Scene& s) {
          expect(s, warning);
          happens(s, settle2, 2s, warned(), W);
          s.when(settle2, 3s, [](Scene& g) { g.alive = false; });
        }},
       no},
      {{"an expected oops before the candidate is there", lab_failed, "before the candidate was loaded", 0,
        [](Scene& s) {
          expect(s, oops);
          s.hears("baseline", 0s, on_console(found(oops)));
        }},
       unknown},
      {{"an expected title in a torn report", crashed, oops, 0,
        [](Scene& s) {
          expect(s, oops);
          auto torn = found(oops);
          torn.corrupted = "two CPUs wrote at once";
          s.hears("apply content", 0s, on_console(torn));
        }},
       no},
      {{"an expected warning", passed, "", 3,
        [](Scene& s) {
          expect(s, warning);
          happens(s, settle2, 2s, warned(), W);
        }},
       yes},
      {{"an expected warning that does not come", not_loaded, "no longer fires (owner: kim)", 3,
        [](Scene& s) { expect(s, warning); }},
       no},

  };
  return all;
}

}  // namespace

TEST_CASE("each story of an accepted finding has its ending and its verdict") {
  for (const Told& told : stories()) {
    DYNAMIC_SECTION(told.story.name) { check(told); }
  }
}

TEST_CASE("a taint W that the policy allows is listed once a boot, unless its report was") {
  const auto told = [](const std::function<void(Scene&)>& change) {
    Scene scene;
    scene.cell.policy.warnings_fail = false;
    change(scene);
    const auto outcome = scene.play();
    CHECK(outcome.ending == Ending::passed);
    std::vector<std::string> titles;
    for (const auto& seen : outcome.findings) titles.push_back(seen.finding.title);
    return titles;
  };
  using Titles = std::vector<std::string>;
  CHECK(told([](Scene&) {}).empty());
  CHECK(told([](Scene& s) { happens(s, "boot 2/3: settle", 2s, warned(), W); }) == Titles{warning});
  CHECK(told([](Scene& s) { s.when("boot 2/3: settle", 2s, [](Scene& g) { g.taint |= W; }); }) ==
        Titles{"kernel tainted W"});
  CHECK(told([](Scene& s) {
          auto noise = warned();
          noise.suppressed = "known noise";
          happens(s, "boot 2/3: settle", 2s, noise, W);
        }) == Titles{warning});
}
