// Lines that look like a crash with no report behind them: what clears one, and what does not.

#include "tests/cell/judged.h"

using namespace story;
namespace {

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"a suspect line whose answer was none, whatever it says", crashed, "page fault", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.answers("suspect", [](Answer& answer) { answer.answered = false; });
       }},
      {"a suspect line whose question ended badly, whatever it printed", crashed, "page fault", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.answers("suspect", [](Answer& answer) { answer.exit_code = 1; });
       }},
      {"a suspect line of a guest that tells no taint", crashed, "page fault", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.answers("suspect", says("taint=", "tint="));
       }},
      {"a suspect line that came after the question is not cleared by its answer", crashed, "the second", 1,
       [](Scene& s) {
         s.latency = 2s;
         s.hears(settle2, 2s, on_console(suspect("the first BUG")));
         s.hears(settle2, 3s, on_console(suspect("the second BUG")));
         s.never_answers("suspect", 2);
       }},
      {"a cleared line that is said again, and the guest says nothing", crashed, "page fault", 1,
       [](Scene& s) {
         s.hears(settle2, 2s, on_console(suspect()));
         s.hears(settle2, 8s, on_console(suspect()));
         s.never_answers("suspect", 2);
       }},
      {"another line's report clears no suspect", crashed, "page fault", 1,
       [](Scene& s) {
         s.cell.policy.warnings_fail = false;
         auto line = suspect();
         auto report = finding("WARNING in sensor_tick", Kind::warning);
         line.offset = 100, report.offset = 900;
         s.hears(settle2, 2s, on_console(line));
         s.hears(settle2, 2s, on_console(report));
         s.never_answers("suspect");
       }},
      {"more suspect lines than can be kept, and a guest that is well", crashed, "too many findings", 1,
       [](Scene& s) {
         s.when(settle2, 2s, [](Scene& g) {
           for (int i = 0; i < 5000; ++i) g.tell(on_console(suspect("BUG number " + std::to_string(i))));
         });
       }},
      {"a waived warning behind as many suspect lines as can be kept", crashed, "too many findings", 1,
       [](Scene& s) {
         waive(s, warning);
         s.when(settle2, 2s, [](Scene& g) {
           for (int i = 0; i < 400; ++i) g.tell(on_console(suspect("BUG number " + std::to_string(i))));
           g.tell(on_console(warned()));
         });
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a story of suspect lines has its ending") {
  for (const Story& story : stories()) DYNAMIC_SECTION(story.name) {
      check(story);
    }
}

TEST_CASE("a sign that is expected explains no other sign") {
  Scene scene;
  expect(scene, "unrequested reset");
  scene.hears(settle2, 2s, event::Reset{});
  scene.hears(settle2, 3s, event::Panicked{});
  scene.play();
  int told = 0;
  for (const auto& seen : scene.state.outcome.findings)
    told += seen.channel == event::Channel::panic_device && seen.finding.suppressed.empty();
  CHECK(told == 1);
}
