#include <set>

#include "labctl/base/json.h"
#include "labctl/plan/plan.h"
#include "tests/scenario/table.h"
#include "tests/source_tree.h"

using namespace labctl;
using plan::Cell;
using plan::expand;
using plan::Plan;
using scenario::StepKind;
namespace files = std::filesystem;

static const files::path data = source_tree::tests();

static const Date today = *parse_date("2026-06-15");

static Plan planned(const std::string& name) {
  auto plan = expand(table::good(data / "scenario" / "good" / name), today);
  if (!plan) UNSCOPED_INFO(plan.error().text());
  REQUIRE(plan);
  return std::move(*plan);
}

static std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> names;
  for (const Cell& cell : plan.cells) names.push_back(cell.id);
  return names;
}

static Plan load_and_expand(const std::string& text) {
  auto loaded = scenario::load(text, "x.yaml", {});
  for (const Error& mistake : loaded.mistakes) UNSCOPED_INFO(mistake.text());
  REQUIRE(loaded.scenario);
  auto plan = expand(*loaded.scenario, today);
  REQUIRE(plan);
  return std::move(*plan);
}

TEST_CASE("mistakes that only the whole matrix shows") {
  table::check(data / "plan" / "mistakes", [](const files::path& path) {
    const auto plan = expand(table::good(path), today);
    return plan ? std::vector<Error>{} : std::vector<Error>{plan.error()};
  });
}

TEST_CASE("the shipped scenarios can be planned") {
  const auto paths = table::yaml_files(data.parent_path() / "scenarios");
  CHECK(paths.size() >= 2);
  for (const files::path& path : paths) {
    INFO(path);
    CHECK(table::slurp(path).rfind("# yaml-language-server: $schema=schema.json\n", 0) == 0);
    CHECK(expand(table::good(path), today));
  }
}

TEST_CASE("the quickstart is two cells and their controls") {
  const auto plan = expand(table::good(data.parent_path() / "scenarios" / "quickstart.yaml"), today);
  REQUIRE(plan);
  CHECK(ids(*plan) == std::vector<std::string>{"debian-12-linux-6.1.driver-candidate.content-candidate",
                                               "debian-12-linux-6.12.driver-candidate.content-candidate",
                                               "debian-12-linux-6.1.control",
                                               "debian-12-linux-6.12.control"});
  CHECK(plan->images() == std::vector<std::string>{"debian-12-linux-6.1", "debian-12-linux-6.12"});
  for (const Cell& cell : plan->cells) CHECK(cell.boots_wanted() == 3);
  CHECK(plan->notes.empty());
}

TEST_CASE("axes vary in one order, excludes take away, includes add, a cell runs once") {
  const Plan plan = planned("everything.yaml");
  CHECK(ids(plan) == std::vector<std::string>{
                         "debian-12-linux-6.1.driver-candidate.content-candidate",
                         "debian-12-linux-6.12.driver-candidate.content-candidate",
                         "debian-12-linux-6.12.driver-previous.content-candidate",
                         "debian-12-linux-6.12.driver-candidate.content-current",
                         "debian-13.driver-candidate.content-candidate",
                         "debian-12-linux-6.1.control",
                         "debian-12-linux-6.12.control",
                         "debian-13.control",
                     });
  CHECK(plan.notes ==
        std::vector<std::string>{
            "cell debian-12-linux-6.12.driver-candidate.content-current is named twice and runs once"});
  CHECK(dump_line(plan::to_json(plan)) == dump_line(plan::to_json(planned("everything.yaml"))));
}

TEST_CASE("a cell knows its own artifacts and those that the story names") {
  const Plan plan = planned("everything.yaml");
  const Cell& first = plan.cells[0];
  CHECK(first.driver_path == "build/sensor_7.16.deb");
  CHECK(first.content_path == "build/content-291.bin");
  CHECK(first.driver_mark.line == 5);
  REQUIRE(first.extra_drivers.size() == 1);
  CHECK(first.extra_drivers[0].label == "previous");
  CHECK(first.extra_drivers[0].path == "releases/sensor_7.15.deb");
  REQUIRE(first.extra_contents.size() == 1);
  CHECK(first.extra_contents[0].path == "releases/debian-12-linux-6.1/content-290.bin");
  CHECK(first.story[0].label == "previous");
  CHECK(first.story.size() == 13);  // reboot x2 is two steps
  CHECK(first.boots_wanted() == 4);
  for (const auto& step : first.story) CHECK(step.times == 1);
  // The previous driver's own cell installs it under no other name.
  CHECK(plan.cells[2].extra_drivers.empty());
  CHECK(plan.cells[2].story[0].label.empty());
  CHECK(plan.cells[3].content_path == "releases/debian-12-linux-6.12/content-290.bin");
}

TEST_CASE("a control is suspended as often as its cells") {
  const Plan plan = load_and_expand(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: sensor.ko}}\nmatrix: {image: [debian-12]}\n"
      "guest: {linux: {driver: {kind: kmod}}}\n"
      "story: [install driver, suspend x2, reboot, run sync, suspend]\n");
  const Cell& control = plan.cells.back();
  REQUIRE(control.control);
  std::string text;
  for (const auto& step : control.story) text += to_text(step) + " ";
  CHECK(text == "suspend suspend reboot suspend ");
  CHECK(control.boots_wanted() == 1);
}

TEST_CASE("a control is crashed as often as its cells") {
  const Plan plan = load_and_expand(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: sensor.ko}}\nmatrix: {image: [debian-12]}\n"
      "guest: {linux: {driver: {kind: kmod}}}\n"
      "story: [install driver, crash and boot x2, run sync]\n");
  std::string text;
  for (const auto& step : plan.cells.back().story) text += to_text(step) + " ";
  CHECK(text == "crash and boot crash and boot ");
  CHECK(plan.cells.front().boots_wanted() == 2);
}

TEST_CASE("a control is updated as its cells are, by the same files") {
  const Plan plan = load_and_expand(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: sensor.ko}}\nmatrix: {image: [debian-12]}\n"
      "guest: {linux: {driver: {kind: kmod}}}\n"
      "story: [install driver, 'update package out/${image}/a.deb', {step: update package, file: b.rpm}, "
      "reboot]\n");
  std::string text;
  for (const auto& step : plan.cells.back().story) text += to_text(step) + " ";
  CHECK(text == "update package out/debian-12/a.deb update package b.rpm reboot ");
  using Of = labctl::plan::Given::Of;
  for (const auto& cell : plan.cells) {
    auto given = labctl::plan::given_to(cell);
    if (!cell.control) given.erase(given.begin());
    REQUIRE(given.size() == 2);
    CHECK((given[0].of == Of::update && given[0].path == "out/debian-12/a.deb" && given[0].place == 0));
    CHECK((given[1].of == Of::update && given[1].path == "b.rpm" && given[1].place == 1));
    CHECK(given[1].mark.line == 6);
  }
  CHECK_THAT(labctl::plan::proved_in_words(plan.cells[0]),
             ContainsSubstring("in boots behind an update, the kernel that it installed"));
  const Json written = labctl::plan::to_json(plan);
  const auto again = labctl::plan::from_json(written, "run.json");
  REQUIRE(again);
  CHECK(labctl::plan::to_json(*again) == written);
  Json other = written;
  other["cells"][0]["story"][1]["text"] = "/etc/passwd";
  CHECK_FALSE(labctl::plan::from_json(other, "run.json"));
}

TEST_CASE("a control has the boots and waits, and nothing of the candidate") {
  const Plan plan = planned("everything.yaml");
  const Cell& control = plan.cells[5];
  CHECK(control.control);
  CHECK(control.boots_wanted() == plan.cells[0].boots_wanted());
  CHECK(control.settle == plan.cells[0].settle);
  CHECK(control.driver.empty());
  CHECK(control.content.empty());
  CHECK(control.driver_path.empty());
  CHECK(control.extra_drivers.empty());
  CHECK(control.guest.proof.empty());
  CHECK(control.guest.exercise.empty());
  CHECK_FALSE(control.guest.content);
  for (const auto& step : control.story) {
    const bool kept =
        step.kind == StepKind::reboot || step.kind == StepKind::power_cut || step.kind == StepKind::wait;
    CHECK(kept);
  }
}

TEST_CASE("without content there is no content in the id") {
  CHECK(ids(planned("bare-module.yaml")) ==
        std::vector<std::string>{"debian-12-linux-6.1.driver-candidate", "debian-12-linux-6.1.control"});
}

TEST_CASE("machines are an axis: in the id, with a control for each image and machine") {
  const Plan plan = planned("machines.yaml");
  CHECK(ids(plan) == std::vector<std::string>{
                         "debian-12.driver-candidate.machine-small",
                         "debian-12.driver-candidate.machine-smp",
                         "debian-12.driver-previous.machine-small",
                         "debian-13.driver-candidate.machine-small",
                         "debian-13.driver-candidate.machine-smp",
                         "debian-13.driver-previous.machine-small",
                         "debian-12.driver-previous.machine-smp",
                         "debian-12.machine-small.control",
                         "debian-12.machine-smp.control",
                         "debian-13.machine-small.control",
                         "debian-13.machine-smp.control",
                     });
  CHECK(plan.notes == std::vector<std::string>{"machine 'never' is in no cell"});
  CHECK(plan.cells[0].machine == scenario::Machine{.name = "small", .vcpus = 1, .memory = 512ull << 20});
  CHECK(plan.cells[8].machine == scenario::Machine{.name = "smp", .vcpus = 2, .memory = 1024ull << 20});
  CHECK(plan::same_base(plan.cells[1], plan.cells[8]));
  CHECK_FALSE(plan::same_base(plan.cells[0], plan.cells[8]));
  const auto back = plan::from_json(plan::to_json(plan), "run.json");
  REQUIRE(back);
  for (std::size_t i = 0; i < plan.cells.size(); ++i) CHECK(back->cells[i].machine == plan.cells[i].machine);

  const auto some = plan::only(plan, "debian-13*smp");
  REQUIRE(some);
  CHECK(ids(*some) ==
        std::vector<std::string>{"debian-13.driver-candidate.machine-smp", "debian-13.machine-smp.control"});
}

TEST_CASE(
    "stories are an axis: in the id, with a control for each, and damaged content is several contents") {
  const Plan plan = planned("stories.yaml");
  CHECK(ids(plan) == std::vector<std::string>{
                         "debian-12.driver-candidate.content-candidate.story-fresh",
                         "debian-12.driver-candidate.content-candidate.story-upgrade",
                         "debian-12.driver-candidate.content-damaged-truncated.story-fresh",
                         "debian-12.driver-candidate.content-damaged-truncated.story-upgrade",
                         "debian-12.driver-candidate.content-damaged-empty.story-fresh",
                         "debian-12.driver-candidate.content-damaged-empty.story-upgrade",
                         "debian-12.driver-candidate.content-damaged-zero.story-fresh",
                         "debian-12.driver-candidate.content-damaged-flipped.story-fresh",
                         "debian-12.driver-candidate.content-damaged-flipped.story-upgrade",
                         "debian-12.driver-candidate.content-damaged-oversized.story-fresh",
                         "debian-12.driver-candidate.content-damaged-oversized.story-upgrade",
                         "debian-12.driver-candidate.content-cut.story-fresh",
                         "debian-12.driver-candidate.content-newer.story-fresh",
                         "debian-12.story-fresh.control",
                         "debian-12.story-upgrade.control",
                     });
  const auto& damaged = plan.cells[3];
  CHECK(damaged.content_path == "build/debian-12.bin (truncated)");
  CHECK(damaged.content_damage == scenario::Damage::truncated);
  CHECK(damaged.content_may_be_refused);
  REQUIRE(damaged.extra_contents.size() == 1);
  CHECK(damaged.extra_contents[0].path == "300.bin");
  CHECK(damaged.extra_contents[0].may_be_refused);
  CHECK_FALSE(plan.cells[0].content_may_be_refused);
  CHECK(plan.cells[12].content_may_be_refused);
  CHECK(plan.cells[0].boots_wanted() == 1);
  CHECK(plan.cells[1].boots_wanted() == 3);
  CHECK(plan.cells[13].boots_wanted() == 1);
  CHECK(plan.cells[14].boots_wanted() == 3);
  CHECK(plan::same_base(plan.cells[1], plan.cells[14]));
  CHECK_FALSE(plan::same_base(plan.cells[0], plan.cells[14]));
  CHECK(std::set<std::string>(plan.notes.begin(), plan.notes.end()).count("story 'unused' is in no cell") ==
        1);
  const auto back = plan::from_json(plan::to_json(plan), "run.json");
  REQUIRE(back);
  CHECK(dump_line(plan::to_json(*back)) == dump_line(plan::to_json(plan)));
}

TEST_CASE("a control lives through the boots of its story, and waits for nothing of the candidate's") {
  const Plan plan = planned("steps.yaml");
  REQUIRE(plan.cells.back().control);
  const auto& control = plan.cells.back();
  CHECK(control.boots_wanted() == plan.cells.front().boots_wanted());
  for (const auto& step : control.story) {
    CHECK((step.kind == StepKind::wait || scenario::boots(step.kind)));
    CHECK(step.text.empty());
    CHECK(step.label.empty());
    CHECK((step.moment == scenario::Moment::now || step.moment == scenario::Moment::boot));
  }
  const auto back = plan::from_json(plan::to_json(plan), "run.json");
  REQUIRE(back);
  CHECK(dump_line(plan::to_json(*back)) == dump_line(plan::to_json(plan)));
}

TEST_CASE("an artifact in no cell is noted") {
  CHECK(planned("content-only.yaml").notes ==
        std::vector<std::string>{"no proof shows that the driver uses the content (unproved: this is about "
                                 "other things); a run that passes is WARNED",
                                 "driver 'candidate' is in no cell"});
}

TEST_CASE("labels become safe ids") {
  const Plan plan = load_and_expand(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko, N_1: b/a.ko}}\n"
      "matrix: {image: [i], driver: [candidate, N_1]}\nguest: {linux: {driver: {kind: kmod}}}\n");
  CHECK(plan.cells[1].id == "i.driver-n-1");
}

TEST_CASE("a matrix has bounds") {
  std::string images = "i0";
  for (int i = 1; i < 600; ++i) images += ", i" + std::to_string(i);
  const std::string text =
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko, previous: a.ko}}\nmatrix: {image: [" +
      images + "], driver: [candidate, previous]}\nguest: {linux: {driver: {kind: kmod}}}\n";
  const auto loaded = scenario::load(text, "x.yaml", {});
  REQUIRE(loaded.scenario);
  const auto plan = expand(*loaded.scenario, today);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().fault == Fault::input);
  CHECK(plan.error().what == "the matrix has more than 1000 cells");
}

TEST_CASE("only keeps the cells that match, and the controls they need") {
  const Plan all = planned("everything.yaml");
  auto some = plan::only(all, "*linux-6.12.driver-candidate*");
  REQUIRE(some);
  CHECK(ids(*some) == std::vector<std::string>{"debian-12-linux-6.12.driver-candidate.content-candidate",
                                               "debian-12-linux-6.12.driver-candidate.content-current",
                                               "debian-12-linux-6.12.control"});
  CHECK(some->left_out.size() == 5);
  CHECK(some->notes.back() == "--only '*linux-6.12.driver-candidate*' left out 5 of 8 cells");

  auto everything = plan::only(all, "*");
  REQUIRE(everything);
  CHECK(everything->left_out.empty());
  CHECK(everything->notes == all.notes);

  // A control alone proves nothing about a candidate.
  for (const char* glob : {"nothing", "*.control", ""}) {
    const auto none = plan::only(all, glob);
    REQUIRE_FALSE(none);
    CHECK(none.error().fault == Fault::input);
    CHECK_THAT(none.error().hint, ContainsSubstring("debian-13.driver-candidate.content-candidate"));
    CHECK_THAT(none.error().hint, !ContainsSubstring("control"));
  }
}

TEST_CASE("without a module's name each cell's file names it, and a story that mixes two must name it") {
  const std::string head =
      "labctl: 1\nname: two\ncandidate:\n  driver: {candidate: a.ko, previous: b/old-one.ko}\n"
      "matrix:\n  image: [box]\n  driver: [candidate, previous]\nguest:\n  linux:\n    driver: {kind: "
      "kmod}\n";
  auto loaded = labctl::scenario::load(head, "two.yaml", {});
  REQUIRE(loaded.scenario);
  auto plan = labctl::plan::expand(*loaded.scenario, today);
  REQUIRE(plan);
  CHECK(plan->cells.at(0).guest.driver.modules == std::vector<std::string>{"a"});
  CHECK(plan->cells.at(1).guest.driver.modules == std::vector<std::string>{"old_one"});

  auto mixed = labctl::scenario::load(
      head + "story: [install driver previous, reboot, install driver candidate, reboot]\n", "two.yaml", {});
  REQUIRE(mixed.scenario);
  CHECK(!labctl::plan::expand(*mixed.scenario, today));
}

TEST_CASE("a cell has what is expected of it and the waivers that match it and hold") {
  using scenario::As;
  const auto waiver = [](const std::string& title, const std::string& glob, const std::string& until) {
    return scenario::Acceptance{.as = As::waived,
                                .title = title,
                                .cells = {glob},
                                .owner = "kim",
                                .reason = "r",
                                .until = *parse_date(until)};
  };
  const auto scene = table::good(data / "scenario" / "good" / "everything.yaml");
  const auto plan = expand(scene, today,
                           {waiver("a", "*6.12*", "2026-06-15"), waiver("b", "*", "2026-06-14"),
                            waiver("c", "*.control", "2026-12-31"), waiver("d", "nowhere", "2026-12-31")});
  REQUIRE(plan);
  const auto titles = [&](std::size_t cell) {
    std::vector<std::string> all;
    for (const auto& entry : plan->cells.at(cell).accepted) all.push_back(entry.title);
    return all;
  };
  using Titles = std::vector<std::string>;
  CHECK(titles(0).empty());
  CHECK(titles(1) == Titles{"a"});  // its last day is today
  CHECK(titles(2) == Titles{"BUG: unable to handle page fault in sensor_equal", "a"});
  CHECK(titles(3) == Titles{"WARNING in sensor_tick", "a"});
  CHECK(titles(6) == Titles{"a", "c"});
  CHECK(plan->notes.back() == "the waiver of 'b' by kim expired on 2026-06-14 and waives nothing");

  const auto back = plan::from_json(plan::to_json(*plan), "run.json");
  REQUIRE(back);
  CHECK(back->date == today);
  CHECK(back->waivers.size() == 4);
  for (std::size_t i = 0; i < plan->cells.size(); ++i) {
    const auto &then = plan->cells[i].accepted, &now = back->cells[i].accepted;
    REQUIRE(now.size() == then.size());
    for (std::size_t k = 0; k < now.size(); ++k) {
      CHECK(now[k].as == then[k].as);
      CHECK(now[k].title == then[k].title);
      CHECK(now[k].cells == then[k].cells);
      CHECK(now[k].owner == then[k].owner);
      CHECK(now[k].until == then[k].until);
    }
  }
}

TEST_CASE("an exclude tells what it took, and when that is nothing") {
  auto scene = table::good(data / "scenario" / "good" / "machines.yaml");
  auto taken = plan::excluded(scene);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].mark.line == 14);
  // The one that an include names is there all the same.
  CHECK(taken[0].cells == std::vector<std::string>{"debian-13.driver-previous.machine-smp"});
  scene.exclude.push_back({{{"image", "debian-13"}, {"driver", "previous"}, {"machine", "smp"}}, {15, 7}});
  taken = plan::excluded(scene);
  CHECK(taken[1].cells.empty());
  const auto plan = expand(scene, today);
  REQUIRE(plan);
  CHECK_THAT(plan::review(scene, *plan).front(), ContainsSubstring("line 15 takes nothing away"));
}

TEST_CASE("a plan is asked what a reviewer would ask, and a full one is asked nothing") {
  const auto asked = [](const std::string& text) {
    const auto loaded = scenario::load(text, "x.yaml", {});
    REQUIRE(loaded.scenario);
    const auto plan = expand(*loaded.scenario, today);
    REQUIRE(plan);
    std::string all;
    for (const auto& question : plan::review(*loaded.scenario, *plan)) all += question + "\n";
    return all;
  };
  const std::string bare = asked(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko}}\nmatrix: {image: [i]}\n"
      "guest: {linux: {driver: {kind: kmod}}}\nstory: [install driver, reboot]\n");
  for (const char* question : {"no previous driver", "no content",
                               "nothing exercises the driver:", "only one boot:", "no second vCPU"})
    CHECK_THAT(bare, ContainsSubstring(question));
  const std::string full = asked(
      "labctl: 1\nname: x\ncandidate:\n  driver: {candidate: a.ko, previous: b/a.ko}\n"
      "  content: {candidate: c, current: d}\n"
      "matrix: {image: [i], driver: [candidate, previous], content: [candidate, current]}\n"
      "machine: {vcpus: 2}\nguest:\n  linux:\n    driver: {kind: kmod}\n    content: {path: /c, unproved: "
      "x}\n"
      "    exercise: [x]\n");
  CHECK(full.empty());

  // What is written is not advised, and what is written in vain is told.
  const auto of = [&](const std::string& candidate, const std::string& matrix) {
    return asked("labctl: 1\nname: x\ncandidate: {" + candidate + "}\nmatrix: {image: [i]" + matrix +
                 "}\nmachines: {one: {}, two: {vcpus: 2}}\nguest: {linux: {driver: {kind: kmod, module: m}, "
                 "content: {path: /c, unproved: x}, exercise: [x]}}\n");
  };
  const std::string written =
      of("driver: {candidate: a.ko, old: b.ko}, content: {candidate: c, current: d}", ", machine: [one]");
  CHECK_THAT(written, ContainsSubstring("write matrix.driver: [candidate, old]"));
  CHECK_THAT(written, ContainsSubstring("write matrix.content: [candidate, current]"));
  CHECK_THAT(written, ContainsSubstring("name machine two in matrix.machine"));
  CHECK_THAT(written, !ContainsSubstring("add "));
  const std::string same = of(
      "driver: {candidate: a.ko, previous: a.ko}, content: {candidate: c, current: d}", ", machine: [two]");
  CHECK_THAT(same, ContainsSubstring("candidate.driver.previous in line 3 is the same file as candidate"));
  // A proof that names the content's file, by its variable or as it is.
  const auto proved_by = [&](const std::string& proof, const std::string& apply) {
    return asked(
        "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko}, content: {candidate: c}}\n"
        "matrix: {image: [i]}\nguest: {linux: {driver: {kind: kmod, module: m}, content: {path: /c" +
        apply + "}, proof: [{run: '" + proof + "'}]}}\n");
  };
  const auto warned = ContainsSubstring("names the content's file");
  CHECK_THAT(proved_by("grep -q x ${content.path}", ""), warned);
  CHECK_THAT(proved_by("cmp /c /dev/m", ""), warned);
  CHECK_THAT(proved_by("cmp /c /dev/m", ", apply: y"), !warned);
  CHECK_THAT(proved_by("mctl digest", ""), !warned);
  const std::string nowhere =
      of("driver: {candidate: a.ko, previous: b.ko}, content: {candidate: c, current: d}",
         ", machine: [two], driver: [previous], content: [candidate]");
  CHECK_THAT(nowhere, ContainsSubstring("candidate.driver.candidate is in no cell"));
  CHECK_THAT(written, !ContainsSubstring("is in no cell"));

  const auto with_story = [&](const std::string& story) {
    return asked(
        "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko}}\nmatrix: {image: [i]}\n"
        "guest: {linux: {driver: {kind: kmod}, exercise: [x]}}\nstory: [" +
        story + "]\n");
  };
  for (const char* idle : {"install driver, exercise, reboot x3", "install driver, reboot x2, exercise",
                           "install driver, reboot, exercise, power-cut",
                           "install driver, reboot, exercise, remove driver, install driver, cold-boot"})
    CHECK_THAT(with_story(idle), ContainsSubstring("boots without use"));
  for (const char* used : {"install driver, reboot, exercise, reboot, run: y",
                           "install driver, reboot, exercise, remove driver, reboot",
                           "reboot, install driver, reboot, exercise"})
    CHECK_THAT(with_story(used), !ContainsSubstring("boots without use"));
}

TEST_CASE("a driver of several files is given whole, for each image its own") {
  const auto plan = load_and_expand(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: [a.ko, \"${image}/b.ko\"], old: [old/a.ko, "
      "old/b.ko]}}\n"
      "matrix: {image: [i, k]}\n"
      "guest: {linux: {driver: {kind: kmod}}}\nstory: [install driver old, reboot, install driver, "
      "reboot]\n");
  const auto& cell = plan.cells.at(1);
  CHECK(cell.guest.driver.modules == std::vector<std::string>{"a", "b"});
  std::vector<std::string> given;
  for (const auto& file : labctl::plan::given_to(cell))
    given.push_back(file.label + ":" + std::to_string(file.place) + ":" + file.path);
  CHECK(given == std::vector<std::string>{":0:a.ko", ":1:k/b.ko", "old:0:old/a.ko", "old:1:old/b.ko"});
  CHECK(labctl::plan::given_to(plan.cells.back()).empty());
  CHECK(labctl::plan::proved_in_words(cell) == "2 modules (a, b) by build id");
}
