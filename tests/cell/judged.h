// Stories of findings that somebody has spoken for, told to their verdict: in a run in which all else passed.
#pragma once

#include "labctl/verdict/verdict.h"
#include "tests/cell/told.h"

namespace story {

using scenario::As;
using verdict::Decision;

inline constexpr const char* warning = "WARNING in sensor_tick";
inline constexpr const char* oops = "BUG: kernel NULL pointer dereference in sensor_match";
inline constexpr std::uint64_t D = 1u << 7, W = 1u << 9, L = 1u << 14;

inline void accept(Scene& s, As as, const std::string& title) {
  s.cell.accepted.push_back({.as = as,
                             .title = title,
                             .cells = {s.cell.id},
                             .owner = "kim",
                             .reason = "bug 4711",
                             .until = *parse_date("2026-12-31")});
}
inline void waive(Scene& s, const std::string& title) { accept(s, As::waived, title); }
inline void expect(Scene& s, const std::string& title) {
  s.cell.content = "malformed";
  accept(s, As::expected, title);
}

inline crash::Finding found(const std::string& title, Kind kind = Kind::oops,
                            const std::string& module = "sensor") {
  auto told = finding(title, kind);
  told.module = module;
  return told;
}
inline crash::Finding warned(const std::string& title = warning) { return found(title, Kind::warning); }

// The guest says it and is tainted by it.
inline void happens(Scene& s, const std::string& step, Millis after, crash::Finding what,
                    std::uint64_t taint) {
  s.when(step, after, [=](Scene& g) { g.tell(on_console(what)), g.taint |= taint; });
}

struct Told {
  Story story;
  Decision decision;
  bool waived = false, expected = false;
};

// The told cell in a run in which all others passed and the canary died as it should.
inline verdict::Verdict run_of(const Scene& scene) {
  plan::Plan plan;
  plan.scenario = "told";
  plan.date = *parse_date("2026-06-15");
  plan.cells = {scene.cell};
  for (plan::Cell other : {candidate(), control()}) {
    if (scene.cell.control && other.control) continue;
    other.id += ".other";
    plan.cells.push_back(other);
  }
  std::vector<outcome::Outcome> outcomes = {scene.state.outcome};
  for (std::size_t i = 1; i < plan.cells.size(); ++i)
    outcomes.push_back({.cell = plan.cells[i].id, .ending = Ending::passed, .boots_proved = 3});
  for (const auto& entry : scene.cell.accepted)
    if (entry.as == As::waived) plan.waivers.push_back(entry);
  const outcome::Canary canary{
      .image = scene.cell.image,
      .made = "2026-06-15T08:00:00Z",
      .deaths = {
          {.crash = "hang", .due = {event::Channel::heartbeat}, .spoke = {event::Channel::heartbeat}}}};
  return verdict::judge(plan, outcomes, {canary});
}

inline void check(const Told& told) {
  const Scene scene = check(told.story);
  const auto verdict = run_of(scene);
  INFO(show(scene.state.outcome));
  INFO(Catch::StringMaker<std::vector<std::string>>::convert(verdict.reasons));
  CHECK(verdict::to_string(verdict.decision) == std::string(verdict::to_string(told.decision)));
  CHECK(verdict.waived == told.waived);
  CHECK(verdict.cells[0].expected == told.expected);
  CHECK(verdict.reasons.empty() == (told.decision == Decision::passed));
  if (told.story.ending == Ending::passed) CHECK(scene.pictures == 0);  // nothing was acted upon
}

}  // namespace story
