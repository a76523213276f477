// Known noise, which is listed and never acted upon; and whose module a crash happened in.

#include "tests/cell/judged.h"

using namespace story;

namespace {

const std::vector<Told>& stories() {
  using enum Ending;
  constexpr auto yes = Decision::passed, no = Decision::blocked, unknown = Decision::no_verdict;
  static const std::vector<Told> all = {
      // ---- known noise ----
      {{"noise that looks like a panic", passed, "", 3,
        [](Scene& s) {
          auto noise = found("kernel panic: a quotation", Kind::panic);
          noise.suppressed = "quoted by the service";
          s.each_moment = [noise](Scene& g) { g.tell(on_console(noise)); };
        }},
       yes},
      {{"noise with no report behind it is not asked about", passed, "", 3,
        [](Scene& s) {
          auto noise = suspect();
          noise.suppressed = "printed by the self-test";
          s.hears(settle2, 2s, on_console(noise));
          s.never_answers("suspect");
        }},
       yes},
      {{"a warning that is noise, and its taint", passed, "", 3,
        [](Scene& s) {
          auto noise = warned();
          noise.suppressed = "known noise of this emulator";
          happens(s, settle2, 2s, noise, W);
        }},
       yes},
      {{"noise explains no taint of an oops", crashed, "tainted D", 1,
        [](Scene& s) {
          auto noise = found(oops);
          noise.suppressed = "known noise";
          happens(s, settle2, 2s, noise, D);
        }},
       no},
      {{"noise with no report behind it explains no taint", crashed, "tainted W", 1,
        [](Scene& s) {
          auto noise = warned();
          noise.confirmed = false, noise.suppressed = "known noise";
          happens(s, settle2, 2s, noise, W);
        }},
       no},

      // ---- whose module it was ----
      {{"a crash in the candidate's module", crashed, "sensor_match [module sensor, the candidate's]", 1,
        [](Scene& s) { s.hears(settle2, 2s, on_console(found(oops))); }},
       no},
      {{"a crash in another module", crashed,
        "[module ext4] (not in the candidate's module; it happened with the candidate loaded)", 1,
        [](Scene& s) { s.hears(settle2, 2s, on_console(found(oops, Kind::oops, "ext4"))); }},
       no},
      {{"a crash in the kernel itself", crashed,
        "kswapd (not in the candidate's module; it happened with the candidate loaded)", 1,
        [](Scene& s) {
          s.hears(settle2, 2s, on_console(found("general protection fault in kswapd", Kind::oops, "")));
        }},
       no},
      {{"an oops before the candidate is there", lab_failed,
        "in sensor_match (before the candidate was loaded)", 0,
        [](Scene& s) { s.hears("restore", 0s, on_console(found(oops, Kind::oops, ""))); }},
       unknown},
      {{"a reset before the candidate is there", lab_failed, "reset itself without being asked to (before", 0,
        [](Scene& s) { s.hears("baseline", 0s, event::Reset{}); }},
       unknown},
      {{"a panic before the candidate is there", lab_failed, "panic device reported a kernel panic (before",
        0, [](Scene& s) { s.hears("deliver", 0s, event::Panicked{}); }},
       unknown},
      {{"a heart that stops before the candidate is there", lab_failed, "heartbeat was lost (before", 0,
        [](Scene& s) { s.when("baseline", 0s, [](Scene& g) { g.alive = false; }); }},
       unknown},
      {{"a suspect before the candidate is there, never cleared", crashed,
        "its line came before the candidate", 0,
        [](Scene& s) {
          s.hears("restore", 0s, on_console(suspect()));
          s.never_answers("suspect");
        }},
       no},
      {{"a crash in the first moment of the installation", crashed, "it happened during 'install driver'", 0,
        [](Scene& s) { s.hears("install driver", 0s, on_console(found(oops, Kind::oops, ""))); }},
       no},
      {{"a crash of a control blames nobody", crashed, "in kswapd", 1,
        [](Scene& s) {
          s = Scene(control());
          s.hears(settle2, 2s, on_console(found("general protection fault in kswapd", Kind::oops, "")));
        }},
       unknown},
  };
  return all;
}

}  // namespace

TEST_CASE("known noise blames nobody, and a crash tells whose module it was") {
  for (const Told& told : stories()) {
    DYNAMIC_SECTION(told.story.name) { check(told); }
  }
}
