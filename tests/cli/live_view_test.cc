// What a terminal shows of cells at work, for screens of any size.

#include "labctl/cli/live_view.h"

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;
using outcome::Ending;

namespace {

gate::CellsBegan cells(int count, int boots = 3, Millis boot = 0s, unsigned at_once = 2) {
  gate::CellsBegan began{.cells = {}, .at_once = at_once};
  for (int i = 0; i < count; ++i) {
    began.cells.push_back("debian-12-linux-6.12.driver-candidate.content-candidate-" + std::to_string(i));
    began.ahead.push_back({boots, boot});
  }
  return began;
}

lab::Progress moved(const cli::LiveState& state, std::size_t cell, int proved, Millis elapsed) {
  return {
      .cell = state.cells[cell].id,
      .where = "boot 2/3: settle",
      .elapsed = elapsed,
      .last_line = "[   12.345678] sensor: the driver says a rather long thing on its console, which is wide",
      .outcome = {.boots_wanted = 3, .boots_proved = proved}};
}

lab::Progress ended(const cli::LiveState& state, std::size_t cell, Ending ending) {
  auto progress = moved(state, cell, ending == Ending::passed ? 3 : 1, 60s);
  progress.ended = true;
  progress.outcome.ending = ending;
  return progress;
}

std::string text_of(const std::vector<cli::LiveLine>& lines) {
  std::string text;
  for (const auto& line : lines) text += line.text + "\n";
  return text;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a row for each cell, a mark for each boot") {
  auto state = cli::live_state(cells(3));
  cli::take(state, moved(state, 0, 1, 20s), 20s);
  cli::take(state, ended(state, 1, Ending::crashed), 25s);
  const auto lines = cli::live_view(state, {}, 30s);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].text == "1 of 3 cells ended, 1 failed; 1 running; 2 of 9 boots; 30s, about 2m00s left");
  CHECK_THAT(lines[1].text, StartsWith("debian-12-linux-6"));
  CHECK_THAT(lines[1].text, ContainsSubstring("\u25cf\u25cb\u25cb     30s  boot 2/3: settle"));
  CHECK_THAT(lines[2].text, StartsWith("    [   12.345678] sensor: the driver says"));
  CHECK_THAT(lines[3].text, ContainsSubstring("crashed"));
  CHECK(lines[3].paint == cli::LiveLine::Paint::bad);
  CHECK_THAT(lines[4].text, ContainsSubstring("\u25cb\u25cb\u25cb          waits"));
  CHECK_THAT(text_of(cli::live_view(state, {.symbols = false}, 30s)), ContainsSubstring("#..     30s"));
}

TEST_CASE("it fits on the screen, however many cells there are and however many of them run") {
  const auto width = GENERATE(as<std::size_t>{}, 20, 40, 79, 119, 120, 200);
  const auto height = GENERATE(as<std::size_t>{}, 3, 10, 22, 60);
  const auto all = GENERATE(1, 2, 9, 100);
  const auto running = GENERATE(0, 1, 12, 100);
  auto state = cli::live_state(cells(all, 3, 5s));
  for (int i = 0; i < std::min(running, all); ++i)
    cli::take(state, moved(state, static_cast<std::size_t>(i), 1, 20s), 20s);
  const auto lines = cli::live_view(state, {.width = width, .height = height}, 30s);
  CHECK(lines.size() <= std::max<std::size_t>(height, width < 60 ? 8 : 4));
  for (const auto& line : lines) CHECK(columns(line.text) <= width);
}

TEST_CASE("of a hundred cells those that run are shown, and the rest is summed") {
  auto state = cli::live_state(cells(100));
  for (std::size_t i = 0; i < 40; ++i) cli::take(state, ended(state, i, Ending::passed), 60s);
  for (std::size_t i = 40; i < 44; ++i) cli::take(state, moved(state, i, 1, 20s), 60s);
  std::string text = text_of(cli::live_view(state, {}, 60s));
  CHECK_THAT(text, StartsWith("40 of 100 cells ended; 4 running; 124 of 300 boots; 1m00s, about "));
  CHECK(count(text, "boot 2/3: settle") == 4);
  CHECK(count(text, "sensor: the driver says") == 4);
  CHECK(count(text, "waits") == 0);
  for (std::size_t i = 44; i < 100; ++i) cli::take(state, moved(state, i, 1, 20s), 60s);
  text = text_of(cli::live_view(state, {}, 60s));
  CHECK(count(text, "boot 2/3: settle") + 60 - 21 == 60);
  CHECK_THAT(text, ContainsSubstring("and 39 more that run\n"));
}

TEST_CASE("the time that is left is of boots that were measured") {
  const auto left = [](const cli::LiveState& state, Millis now) { return cli::time_left(state, now); };
  // Nothing is known before the first boot of an image that was never booted here.
  CHECK(left(cli::live_state(cells(4)), 0s) == Millis(-1));
  CHECK_THAT(cli::live_view(cli::live_state(cells(4)), {}, 0s)[0].text, !ContainsSubstring("left"));
  // Four cells of three boots, two at once, 10 s a boot.
  auto state = cli::live_state(cells(4, 3, 10s));
  CHECK(left(state, 0s) == 60s);
  cli::take(state, moved(state, 0, 0, 5s), 5s);
  CHECK(left(state, 5s) == (25'000ms + 3 * 30s) / 2);
  // This run's boots are slower: 20 s each, of all cells.
  cli::take(state, moved(state, 0, 1, 20s), 20s);
  CHECK(left(state, 20s) == (40s + 3 * 60s) / 2);
  // A boot that takes longer than it should leaves nothing of itself, and no less.
  CHECK(left(state, 200s) == (20s + 3 * 60s) / 2);
  // One cell alone is no faster with two places.
  for (std::size_t i = 1; i < 4; ++i) cli::take(state, ended(state, i, Ending::passed), 100s);
  CHECK(left(state, 20s) == 40s);
  cli::take(state, ended(state, 0, Ending::passed), 120s);
  CHECK(left(state, 120s) == 0s);
}

TEST_CASE("a cell that is tried again begins again") {
  auto state = cli::live_state(cells(1));
  cli::take(state, moved(state, 0, 2, 40s), 40s);
  auto progress = moved(state, 0, 0, 0s);
  cli::take(state, progress, 50s);
  CHECK(state.cells[0].boots_proved == 0);
  CHECK(state.cells[0].last_boot == 0s);
  CHECK(cli::time_left(state, 50s) == Millis(-1));
}

TEST_CASE("columns that have grown stay as they are when a step is shorter") {
  auto state = cli::live_state(cells(2));
  const auto id = [&] { return cli::live_view(state, {.width = 60}, 1s)[1].text.substr(0, 30); };
  auto progress = moved(state, 0, 0, 1s);
  progress.where = "collecting evidence";
  cli::take(state, progress, 1s);
  const std::string before = id();
  progress.where = "end";
  cli::take(state, progress, 1s);
  CHECK(id() == before);
}

TEST_CASE("a headline that just does not fit goes without a word before it takes a second line") {
  auto state = cli::live_state(cells(100));
  for (std::size_t i = 0; i < 12; ++i) cli::take(state, ended(state, i, Ending::crashed), 60s);
  for (std::size_t i = 12; i < 42; ++i) cli::take(state, moved(state, i, 1, 20s), 60s);
  const std::string whole = cli::live_view(state, {.width = 200}, 60s)[0].text;
  CHECK_THAT(whole, ContainsSubstring("1m00s, about ") && ContainsSubstring(" left"));
  const auto lines = cli::live_view(state, {.width = columns(whole) - 1}, 60s);
  CHECK_THAT(lines[0].text, !ContainsSubstring("about ") && ContainsSubstring(" left"));
  CHECK_THAT(lines[1].text, StartsWith("debian-"));
}

TEST_CASE("a screen without symbols gets none where something is cut") {
  auto state = cli::live_state(cells(30));
  cli::take(state, moved(state, 0, 0, 1s), 1s);
  const std::string text = text_of(cli::live_view(state, {.width = 60, .symbols = false}, 1s));
  CHECK_THAT(text, ContainsSubstring("~"));
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; }));
}

TEST_CASE("what a guest says moves no cursor") {
  auto state = cli::live_state(cells(1));
  auto progress = moved(state, 0, 0, 1s);
  progress.last_line = "\033[2J##vso[task.complete]\r::error::";
  progress.where = "boot\033[1A";
  cli::take(state, progress, 1s);
  for (const auto& line : cli::live_view(state, {.width = 200}, 1s)) {
    CHECK_THAT(line.text, !ContainsSubstring("\033"));
    CHECK_THAT(line.text, !ContainsSubstring("##vso["));
  }
}

TEST_CASE("what stays of a cell is how it ended and what was found") {
  auto state = cli::live_state(cells(1));
  auto progress = ended(state, 0, Ending::crashed);
  progress.cell = "box";
  progress.outcome.reason = "the kernel panicked";
  progress.outcome.findings.push_back(
      {.finding = {.title = "BUG in sensor_match", .kind = crash::Kind::bug}, .boot = 2});
  CHECK(cli::ended_text(progress, 5, 61s) ==
        "1m01s   box    crashed: the kernel panicked\n        BUG in sensor_match (bug, boot 2)");
}
