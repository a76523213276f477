// Candidates are published together, so they must boot together.

#include "labctl/plan/tuple.h"
#include "tests/scenario/table.h"
#include "tests/source_tree.h"

using namespace labctl;
using plan::Cell;
using plan::Plan;
using scenario::Moment;
using scenario::Step;
using scenario::StepKind;
namespace files = std::filesystem;

namespace {

const Date today = *parse_date("2026-06-15");

Cell cell(const std::string& driver, const std::string& content, const std::string& image = "debian") {
  Cell cell;
  cell.image = image;
  cell.driver = driver;
  cell.content = content;
  cell.guest.content = scenario::Content{};
  cell.story = {{.kind = StepKind::install},
                {.kind = StepKind::apply},
                {.kind = StepKind::reboot},
                {.kind = StepKind::reboot}};
  return cell;
}

std::vector<plan::Place> apart(const Plan& plan) {
  const auto holdings = plan::holdings(plan);
  return plan::never_together(holdings, std::vector<bool>(holdings.size(), true));
}

int together(const Cell& cell) { return plan::boots_with(cell, {.driver = true, .content = true}); }

}  // namespace

TEST_CASE("the boots that count are those before which all candidates came and stayed") {
  const Step other_content{.kind = StepKind::apply, .label = "current"},
      other_driver{.kind = StepKind::install, .label = "previous"}, cut{.kind = StepKind::power_cut},
      cut_install{.kind = StepKind::power_cut, .moment = Moment::install},
      cut_apply{.kind = StepKind::power_cut, .moment = Moment::apply}, in{.kind = StepKind::install},
      on{.kind = StepKind::apply}, boot{.kind = StepKind::reboot}, cold{.kind = StepKind::cold_boot};
  const struct {
    const char* name;
    std::vector<Step> story;
    int boots;
  } rows[] = {
      {"nothing in it", {boot}, 0},
      {"the driver alone", {in, boot}, 0},
      {"the content alone", {on, boot}, 0},
      {"both", {in, on, boot, boot}, 2},
      {"content that comes first", {{.kind = StepKind::place}, in, boot}, 1},
      {"a boot before both are there", {in, boot, on, boot}, 1},
      {"cold boots and power cuts are boots",
       {in, on, cold, cut, {.kind = StepKind::power_cut, .moment = Moment::boot}},
       3},
      {"several at once", {in, on, {.kind = StepKind::reboot, .times = 3}}, 3},
      {"rolled back before the only boot", {in, on, other_driver, boot}, 0},
      {"its content rolled back", {in, on, other_content, boot}, 0},
      {"rolled back afterwards", {in, on, boot, other_driver, other_content, boot}, 1},
      {"removed", {in, on, {.kind = StepKind::remove}, boot}, 0},
      {"the power cut while it is installed", {on, cut_install, boot}, 0},
      {"the power cut over an installed one", {in, on, cut_install, boot, in, boot}, 1},
      {"the power cut while it is applied", {in, cut_apply, on, boot}, 1},
      {"the power cut over applied content", {in, on, cut_apply, boot}, 0},
      {"a label without an artifact", {{.kind = StepKind::install, .label = "other"}, on, boot}, 0},
      {"its own label", {{.kind = StepKind::install, .label = "candidate"}, on, boot}, 1},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    Cell told = cell("candidate", "candidate");
    told.story = row.story;
    CHECK(together(told) == row.boots);
  }
}

TEST_CASE("a story that names the candidate holds it, when it has the artifact") {
  Cell upgrade = cell("previous", "current");
  upgrade.story = {{.kind = StepKind::install},
                   {.kind = StepKind::apply, .label = "candidate"},
                   {.kind = StepKind::install, .label = "candidate"},
                   {.kind = StepKind::reboot}};
  CHECK(together(upgrade) == 0);
  upgrade.extra_drivers = {{.label = "candidate", .path = "new.deb", .mark = {}}};
  upgrade.extra_contents = {{.label = "candidate", .path = "new.bin", .mark = {}}};
  CHECK(together(upgrade) == 1);
  CHECK(plan::holdings({.scenario = "x", .cells = {upgrade}})[0].boots_together == 1);

  auto cut = upgrade;
  cut.extra_contents[0].damage = scenario::Damage::truncated;
  CHECK(together(cut) == 0);
  auto refused = upgrade;
  refused.extra_contents[0].may_be_refused = true;
  CHECK(together(refused) == 0);
  // Without a place for content none is applied.
  upgrade.guest.content.reset();
  CHECK(together(upgrade) == 0);
}

TEST_CASE("negative tests and controls count no boot") {
  Plan plan{.scenario = "x",
            .cells = {cell("candidate", "candidate"), cell("candidate", "candidate"),
                      cell("candidate", "candidate"), cell("candidate", "candidate")}};
  plan.cells[0].control = true;
  plan.cells[1].content_may_be_refused = true;
  plan.cells[2].content_damage = scenario::Damage::zero;
  plan.cells[3].accepted = {{.title = "BUG: x", .cells = {"x"}}};
  for (const auto& held : plan::holdings(plan)) CHECK(held.boots_together == 0);
  CHECK(plan::holdings(plan)[0].drivers.empty());
  REQUIRE(apart(plan).size() == 1);
  plan.cells[3].accepted[0].as = scenario::As::waived;
  CHECK(plan::holdings(plan)[3].boots_together == 2);
  CHECK(apart(plan).empty());
}

TEST_CASE("each image and machine where a candidate runs has them together") {
  Plan plan{.scenario = "x",
            .cells = {cell("candidate", "candidate"), cell("previous", "candidate"),
                      cell("previous", "current", "fedora"), cell("candidate", "current", "ubuntu")}};
  const auto places = apart(plan);
  REQUIRE(places.size() == 1);
  CHECK(places[0].in_words() == "image ubuntu");

  plan.cells[3] = cell("candidate", "candidate");
  plan.cells[1].machine.name = "smp";
  REQUIRE(apart(plan).size() == 1);
  CHECK(apart(plan)[0].in_words() == "image debian, machine smp");
  plan.cells[1].driver = "candidate";
  CHECK(apart(plan).empty());

  // What counts is for the caller to say.
  CHECK(plan::never_together(plan::holdings(plan), {false, true, true, true}).empty());
  CHECK(plan::never_together(plan::holdings(plan), {false, true, true, false}).size() == 1);
}

TEST_CASE("a candidate that only one cell's story names belongs to the tuple") {
  Plan plan{.scenario = "x", .cells = {cell("candidate", ""), cell("candidate", "current")}};
  plan.cells[0].story.erase(plan.cells[0].story.begin() + 1);
  CHECK(apart(plan).empty());
  plan.cells[1].extra_contents = {{.label = "candidate", .path = "new.bin", .mark = {}}};
  CHECK(plan::tuple_of(plan::holdings(plan)).content);
  CHECK(apart(plan).size() == 1);
  plan.cells[1].story.insert(plan.cells[1].story.end(),
                             {{.kind = StepKind::apply, .label = "candidate"}, {.kind = StepKind::reboot}});
  CHECK(apart(plan).empty());
}

TEST_CASE("in every ready scenario each candidate's place has a cell that boots them together") {
  for (const files::path& path : table::yaml_files(source_tree::root() / "scenarios")) {
    INFO(path);
    const auto plan = plan::expand(table::good(path), today);
    REQUIRE(plan);
    CHECK(apart(*plan).empty());
    CHECK_FALSE(plan::tuple_of(plan::holdings(*plan)).empty());
  }
}
