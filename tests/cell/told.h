// A story with its ending, and what is checked of every one that is told.
#pragma once

#include "tests/catch.h"
#include "tests/cell/story.h"

namespace story {

using crash::Kind;
using outcome::Ending;

inline constexpr const char* settle2 = "boot 2/3: settle";

struct Story {
  const char* name;
  Ending ending;
  const char* reason;  // a piece of it
  int proved;          // boots
  std::function<void(Scene&)> change;
};

inline std::string replace(std::string text, const std::string& from, const std::string& to) {
  auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline std::function<void(Answer&)> says(const std::string& from, const std::string& to) {
  return [=](Answer& answer) { answer.output = replace(answer.output, from, to); };
}
inline std::function<void(Answer&)> prints(const std::string& output) {
  return [=](Answer& answer) { answer.output = output; };
}
inline std::function<void(Answer&)> exits(int code, const std::string& output = "") {
  return [=](Answer& answer) { answer.exit_code = code, answer.output = output; };
}
inline void refuse(Answer& answer) {
  answer.answered = false, answer.exit_code = -1, answer.output = "no such process";
}

inline crash::Finding suspect(const std::string& title = "BUG: unable to handle page fault") {
  return finding(title, Kind::oops, false);
}

// Tells it, and looks whether its end is the one that it should have.
inline Scene check(const Story& story) {
  Scene scene;
  story.change(scene);
  const outcome::Outcome outcome = scene.play();
  INFO(show(outcome));
  REQUIRE(scene.state.phase == cell::Phase::ended);
  CHECK(outcome::to_string(outcome.ending) == std::string(outcome::to_string(story.ending)));
  CHECK_THAT(outcome.reason, ContainsSubstring(story.reason));
  CHECK(outcome.boots_proved == story.proved);
  CHECK(outcome.boots_wanted == 3);
  CHECK(outcome.reason.empty() == (story.ending == Ending::passed));
  CHECK(scene.ends == 1);
  CHECK(outcome.findings.size() <= 400);

  // The journal, written and read back, tells the same.
  std::string text;
  auto chain = event::begin_chain(scene.cell.id);
  for (const auto& event : scene.journal) text += event::to_line(event, chain) + "\n";
  auto journal = event::read_journal(text, scene.cell.id, "events.jsonl");
  REQUIRE(journal);
  CHECK(journal->chain.head == chain.head);
  CHECK(show(cell::replay(scene.cell, journal->events)) == show(outcome));

  // After its end nothing changes any more.
  const auto ended = show(scene.state.outcome);
  for (const What& late : {What(event::Panicked{}), What(event::Beat{}), What(event::Interrupted{}),
                           What(event::Found{event::Channel::console, finding("late oops")}),
                           What(event::Opened{.cell = scene.cell.id}), What(event::Tick{100h})})
    scene.tell(late);
  CHECK(show(scene.state.outcome) == ended);
  CHECK(scene.ends == 1);
  return scene;
}

}  // namespace story
