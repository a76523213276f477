#include "labctl/plan/shards.h"

#include <algorithm>

#include "tests/catch.h"

using namespace labctl;

namespace {

// Three images, of which one has twice the cells.
plan::Plan three_images() {
  const auto cell = [](const std::string& image, const std::string& name, bool control) {
    plan::Cell one;
    one.id = image + "." + name;
    one.image = image;
    one.control = control;
    one.story = {{.kind = scenario::StepKind::install}, {.kind = scenario::StepKind::reboot}};
    return one;
  };
  plan::Plan plan;
  plan.scenario = "gate";
  for (const char* image : {"a", "b", "c"}) plan.cells.push_back(cell(image, "new", false));
  plan.cells.push_back(cell("b", "old", false));
  for (const char* image : {"a", "b", "c"}) plan.cells.push_back(cell(image, "control", true));
  return plan;
}

using Ids = std::vector<std::string>;

std::vector<Ids> ids(const std::vector<plan::Shard>& shards) {
  std::vector<Ids> all;
  for (const auto& shard : shards) all.push_back(shard.cells);
  return all;
}

}  // namespace

TEST_CASE("a shard holds an image whole, with its control, in the plan's order") {
  const auto plan = three_images();
  const Ids a{"a.new", "a.control"}, b{"b.new", "b.old", "b.control"}, c{"c.new", "c.control"};
  CHECK(ids(plan::shards(plan, 0).value()) == std::vector<Ids>{b, a, c});
  CHECK(ids(plan::shards(plan, 3).value()) == std::vector<Ids>{b, a, c});
  CHECK(ids(plan::shards(plan, 2).value()) ==
        std::vector<Ids>{b, {"a.new", "c.new", "a.control", "c.control"}});
  CHECK(plan::shards(plan, 1).value().at(0).cells.size() == 7);
  for (const std::size_t count : {1, 2, 3})
    CHECK(plan::fault_of(plan, plan::shards(plan, count).value()).empty());
  const auto more = plan::shards(plan, 4);
  REQUIRE(!more);
  CHECK(more.error().fault == Fault::input);
  CHECK(more.error().hint == "give --shards a number up to 3");
}

TEST_CASE("the plan of a shard is the whole plan but for the other cells") {
  auto plan = three_images();
  plan.notes = {"a note"};
  const auto part = plan::part_of(plan, {{"b.control", "b.new", "b.old"}});
  REQUIRE(part.cells.size() == 3);
  CHECK(part.cells[0].id == "b.new");
  CHECK(part.cells[2].id == "b.control");
  CHECK(part.notes == plan.notes);
  CHECK(part.left_out.empty());
}

TEST_CASE("shards that somebody else wrote down hold every cell once and divide nothing") {
  const auto plan = three_images();
  const Ids a{"a.new", "a.control"}, b{"b.new", "b.old", "b.control"}, c{"c.new", "c.control"};
  const std::pair<std::vector<Ids>, const char*> rows[] = {
      {{a, b, c}, ""},
      {{a, b}, "the cell c.new is in no shard"},
      {{a, b, c, {}}, "shard 3 has no cell"},
      {{a, b, c, c}, "the cell c.new is in more than one shard"},
      {{a, b, {"c.new", "c.control", "d.new"}}, "a shard has a cell that is not in the plan"},
      {{a, {"b.new", "b.control"}, {"b.old", "c.new", "c.control"}},
       "the image b on one machine is in more than one shard"},
  };
  for (const auto& [given, fault] : rows) {
    std::vector<plan::Shard> shards;
    for (const auto& cells : given) shards.push_back({cells});
    CHECK(plan::fault_of(plan, shards) == fault);
  }
}
