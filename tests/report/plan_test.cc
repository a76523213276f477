// What will be run, on terminals of any width.

#include "labctl/base/columns.h"
#include "labctl/base/text.h"
#include "labctl/report/report.h"
#include "tests/catch.h"

using namespace labctl;
using Catch::Matchers::StartsWith;

namespace {

plan::Plan many(int drivers, int images, const std::string& name = "driver-of-the-year-") {
  plan::Plan plan;
  for (int image = 0; image < images; ++image)
    for (int driver = 0; driver <= drivers; ++driver) {
      plan::Cell cell;
      cell.control = driver == drivers;
      cell.image = "debian-12-linux-6." + std::to_string(image);
      cell.axes = {{"image", cell.image}};
      cell.id = cell.image + ".control";
      if (!cell.control) {
        cell.driver = name + std::to_string(driver);
        cell.axes.push_back({"driver", cell.driver});
        cell.id = cell.image + ".driver-" + cell.driver;
      }
      for (int boot = 0; boot < 3; ++boot) cell.story.push_back({.kind = scenario::StepKind::reboot});
      plan.cells.push_back(cell);
    }
  return plan;
}

std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  for (const auto& line : split(text, '\n')) most = std::max(most, columns(line));
  return most;
}

}  // namespace

TEST_CASE("no plan is wider than the page") {
  const auto [drivers, images, width] = GENERATE(table<int, int, std::size_t>(
      {{60, 1, 100}, {60, 3, 80}, {1, 60, 80}, {30, 30, 80}, {30, 30, 120}, {2, 2, 80}}));
  for (const auto& plan : {many(drivers, images), many(drivers, images, std::string(150, 'x'))}) {
    CHECK(widest(report::matrix_table(plan, {}, width)) <= width);
    CHECK(widest(report::plan_table(plan, width)) <= width);
    CHECK(widest(report::proved_table(plan, width)) <= width);
  }
}

TEST_CASE("a grid that is too wide is turned, and nothing of it is lost") {
  const std::string wide = report::matrix_table(many(60, 2), {}, 100);
  CHECK_THAT(wide, StartsWith("boots of each cell, image over driver:\n"));
  for (int driver = 0; driver < 60; ++driver)
    CHECK_THAT(wide, ContainsSubstring("driver-of-the-year-" + std::to_string(driver) + " "));
  CHECK_THAT(wide, ContainsSubstring("\ncontrol  "));
  const std::string narrow = report::matrix_table(many(2, 2), {}, 100);
  CHECK_THAT(narrow, StartsWith("boots of each cell, driver over image:\n"));
}

TEST_CASE("a grid that fits in neither way is broken into blocks, with every number") {
  const std::string text = report::matrix_table(many(30, 30), {}, 80);
  std::size_t threes = 0;
  for (const auto& word : split(text, ' ')) threes += trim(word) == "3" || word.starts_with("3\n");
  CHECK(threes == 31 * 30);
}

TEST_CASE("cells that do the same stand below what they do") {
  auto plan = many(60, 1);
  plan.cells.back().story.pop_back();
  // As rows they would fit, and then they are rows.
  CHECK_THAT(report::plan_table(plan, 100), StartsWith("cell"));
  for (int step = 0; step < 8; ++step)
    for (auto& cell : plan.cells) cell.story.insert(cell.story.begin(), {.kind = scenario::StepKind::apply});
  const std::string text = report::plan_table(plan, 80);
  CHECK_THAT(text, StartsWith("60 cells, 3 boots: apply content, "));
  CHECK_THAT(text, ContainsSubstring("\n1 cell, 2 boots: apply content, "));
  for (const auto& cell : plan.cells) CHECK_THAT(text, ContainsSubstring(cell.id));
}
