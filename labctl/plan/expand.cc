#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "labctl/base/text.h"
#include "labctl/plan/accept.h"
#include "labctl/plan/plan.h"
#include "labctl/plan/tuple.h"
#include "labctl/yaml/variables.h"

namespace labctl::plan {
namespace {

using scenario::Artifact;
using scenario::Axes;
using scenario::Scenario;
using scenario::Step;
using scenario::StepKind;

constexpr std::size_t most_cells = 1000;

std::string value_of(const Axes& axes, const std::string& axis) {
  for (const auto& [name, value] : axes) {
    if (name == axis) return value;
  }
  return "";
}

bool matches(const Axes& cell, const Axes& selector) {
  return std::all_of(selector.begin(), selector.end(),
                     [&](const auto& wanted) { return value_of(cell, wanted.first) == wanted.second; });
}

tl::unexpected<Error> too_many(const Scenario& scenario) {
  return input_error(fmt::format("the matrix has more than {} cells", most_cells), scenario.source,
                     "split it into several scenarios");
}

// The product of the axes, the last one fastest.
Result<std::vector<Axes>> product(const Scenario& scenario) {
  std::vector<Axes> all = {{}};
  for (const std::string& axis : scenario::axis_names) {
    const auto found = std::find_if(scenario.matrix.begin(), scenario.matrix.end(),
                                    [&](const auto& entry) { return entry.first == axis; });
    if (found == scenario.matrix.end()) continue;
    if (all.size() * found->second.size() > most_cells) return too_many(scenario);
    std::vector<Axes> longer;
    for (const Axes& axes : all) {
      for (const std::string& value : found->second) {
        longer.push_back(axes);
        longer.back().emplace_back(axis, value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

Result<const Artifact*> find_artifact(const std::vector<Artifact>& artifacts, const std::string& label,
                                      const std::string& what, const std::string& where) {
  for (const Artifact& artifact : artifacts) {
    if (artifact.label == label) return &artifact;
  }
  return input_error(fmt::format("there is no {} '{}'", what, printable(label, 60)), where);
}

// ${image} in a path is the cell's image: a driver may have one build per system.
std::string fill_image(const std::string& path, const std::string& image) {
  return yaml::fill_variables(path, {{"image", image}});
}

std::vector<std::string> fill_image(std::vector<std::string> paths, const std::string& image) {
  for (std::string& path : paths) path = fill_image(path, image);
  return paths;
}

std::string id_of(const Axes& axes) {
  std::string id = slug(value_of(axes, "image"));
  for (const auto& [axis, value] : axes)
    if (axis != "image") id += "." + axis + "-" + slug(value);
  return id;
}

// The artifacts that the story names by label beside the cell's own; own ones lose their label.
Status name_artifacts(Cell& cell, const Scenario& scenario) {
  for (Step& step : cell.story) {
    if (step.label.empty()) continue;
    const bool driver = step.kind == StepKind::install || step.moment == scenario::Moment::install;
    if (step.label == (driver ? cell.driver : cell.content)) {
      step.label.clear();
      continue;
    }
    auto& extras = driver ? cell.extra_drivers : cell.extra_contents;
    if (std::any_of(extras.begin(), extras.end(),
                    [&](const auto& extra) { return extra.label == step.label; }))
      continue;
    const auto artifact = find_artifact(driver ? scenario.drivers : scenario.contents, step.label,
                                        driver ? "driver" : "content", at(scenario.source, step.mark));
    if (!artifact) return fail(artifact.error());
    const Artifact& found = **artifact;
    if (driver && cell.guest.driver.kind == scenario::DriverKind::kmod && cell.driver_path != found.path &&
        scenario.guest->driver.modules.empty())
      return input_error("the story installs drivers whose file names differ, and no module is named",
                         at(scenario.source, step.mark), "name it: guest.linux.driver.module");
    extras.push_back(
        {step.label,
         scenario::damaged_name(fill_image(found.path, cell.image), found.damage, found.damaged_file),
         found.mark, found.damage, found.may_be_refused, fill_image(found.with, cell.image),
         found.damaged_file});
  }
  return {};
}

// One step per boot, so that a cell's progress is a place in a list.
std::vector<Step> flatten(const std::vector<Step>& story) {
  std::vector<Step> steps;
  for (const Step& step : story) {
    for (int i = 0; i < step.times; ++i) {
      steps.push_back(step);
      steps.back().times = 1;
    }
  }
  return steps;
}

Result<Cell> make_cell(const Scenario& scenario, const Axes& axes, const std::string& where) {
  Cell cell;
  cell.id = id_of(axes);
  cell.image = value_of(axes, "image");
  cell.driver = value_of(axes, "driver");
  cell.content = value_of(axes, "content");
  cell.axes = axes;
  if (cell.image.empty() || cell.driver.empty())
    return input_error("a cell needs an image and a driver", where);
  const auto driver = find_artifact(scenario.drivers, cell.driver, "driver", where);
  if (!driver) return fail(driver.error());
  cell.driver_path = fill_image((*driver)->path, cell.image);
  cell.driver_with = fill_image((*driver)->with, cell.image);
  cell.driver_mark = (*driver)->mark;
  if (!cell.content.empty()) {
    const auto content = find_artifact(scenario.contents, cell.content, "content", where);
    if (!content) return fail(content.error());
    cell.content_damage = (*content)->damage;
    cell.content_may_be_refused = (*content)->may_be_refused;
    cell.content_damaged_file = (*content)->damaged_file;
    cell.content_path = scenario::damaged_name(fill_image((*content)->path, cell.image), cell.content_damage,
                                               cell.content_damaged_file);
    cell.content_mark = (*content)->mark;
  }
  cell.machine = scenario.machine;
  for (const auto& machine : scenario.machines)
    if (machine.name == value_of(axes, "machine")) cell.machine = machine;
  cell.guest = *scenario.guest;
  if (cell.guest.driver.kind == scenario::DriverKind::kmod && cell.guest.driver.modules.empty())
    for (const auto& file : given_to(cell))
      if (file.of == Given::Of::driver)
        cell.guest.driver.modules.push_back(scenario::module_of_file(file.path));
  cell.story = flatten(scenario.story);
  for (const auto& story : scenario.stories)
    if (story.name == value_of(axes, "story")) cell.story = flatten(story.steps);
  for (Step& step : cell.story)
    if (step.kind == StepKind::update) step.text = fill_image(step.text, cell.image);
  cell.settle = scenario.settle;
  cell.policy = scenario.policy;
  if (auto named = name_artifacts(cell, scenario); !named) return fail(named.error());
  if (cell.boots_wanted() == 0) {
    return input_error(fmt::format("cell {} would never boot", cell.id), where, "add reboot x3 to the story");
  }
  return cell;
}

// The same, with nothing of the candidate in it: the power is cut at a moment that a guest without it has as
// well. Nothing for a step that needs the candidate.
std::optional<Step> step_of_control(Step step) {
  const bool alone =
      step.kind == StepKind::wait || step.kind == StepKind::update || step.kind == StepKind::suspend;
  if (!alone && !scenario::boots(step.kind)) return std::nullopt;
  if (step.moment != scenario::Moment::boot) step.moment = scenario::Moment::now;
  if (step.kind == StepKind::power_cut && (step.moment == scenario::Moment::now || !step.text.empty()))
    step.wait = Millis(0);
  if (step.kind != StepKind::update) step.text.clear();
  step.label.clear();
  return step;
}

// The same boots, waits and updates, nothing of the candidate: what fails here is the lab's.
Cell make_control(const Cell& like) {
  Cell control;
  control.control = true;
  control.image = like.image;
  for (const auto& [axis, value] : like.axes)
    if (axis != "driver" && axis != "content") control.axes.emplace_back(axis, value);
  control.id = id_of(control.axes) + ".control";
  control.machine = like.machine;
  control.guest.os = like.guest.os;
  control.guest.background = like.guest.background;
  for (const Step& step : like.story)
    if (auto kept = step_of_control(step)) control.story.push_back(std::move(*kept));
  control.settle = like.settle;
  control.policy = like.policy;
  return control;
}

bool any_on_base(const std::vector<Cell>& cells, const Cell& like) {
  return std::any_of(cells.begin(), cells.end(), [&](const Cell& cell) { return same_base(cell, like); });
}

void add_controls(Plan& plan) {
  std::vector<Cell> controls;
  for (const Cell& cell : plan.cells)
    if (!any_on_base(controls, cell)) controls.push_back(make_control(cell));
  std::move(controls.begin(), controls.end(), std::back_inserter(plan.cells));
}

// What is asked less, or later, than usual.
void note_loads(Plan& plan, const scenario::Guest& guest) {
  if (guest.driver.loads == scenario::Loads::at_boot)
    plan.notes.emplace_back(
        "the driver is asked for from the first boot after its installation on (loads: at-boot)");
  if (guest.driver.loads == scenario::Loads::on_use)
    plan.notes.emplace_back("the driver is asked for after each exercise (loads: on-use)");
  if (guest.content && !guest.content->unproved.empty())
    plan.notes.push_back(fmt::format(
        "no proof shows that the driver uses the content (unproved: {}); a run that passes is WARNED",
        printable(guest.content->unproved, 120)));
}

void note_unused(Plan& plan, const std::vector<Artifact>& artifacts, const char* what, std::string Cell::*own,
                 std::vector<Cell::Extra> Cell::*extras) {
  for (const Artifact& artifact : artifacts) {
    const bool used = std::any_of(plan.cells.begin(), plan.cells.end(), [&](const Cell& cell) {
      const auto& more = cell.*extras;
      return cell.*own == artifact.label || std::any_of(more.begin(), more.end(), [&](const auto& extra) {
               return extra.label == artifact.label;
             });
    });
    if (!used) plan.notes.push_back(fmt::format("{} '{}' is in no cell", what, artifact.label));
  }
}

void note_unused_machines(Plan& plan, const Scenario& scenario) {
  for (const auto& machine : scenario.machines)
    if (std::none_of(plan.cells.begin(), plan.cells.end(),
                     [&](const Cell& cell) { return cell.machine == machine; }))
      plan.notes.push_back(fmt::format("machine '{}' is in no cell", machine.name));
}

void note_unused_stories(Plan& plan, const Scenario& scenario) {
  for (const auto& story : scenario.stories)
    if (std::none_of(plan.cells.begin(), plan.cells.end(),
                     [&](const Cell& cell) { return value_of(cell.axes, "story") == story.name; }))
      plan.notes.push_back(fmt::format("story '{}' is in no cell", story.name));
}

// A verdict speaks of all candidates together, on each image and machine where one of them runs.
Status check_tuple(const Plan& plan, const Scenario& scenario) {
  const auto held = holdings(plan);
  const auto apart = never_together(held, std::vector<bool>(held.size(), true));
  if (apart.empty()) return {};
  const Tuple tuple = tuple_of(held);
  const auto mark = scenario.image_marks.find(apart.front().image);
  return input_error(
      fmt::format(
          "no cell boots with {} on {}, and what is published must be proved wherever a part of it runs",
          tuple.in_words(), apart.front().in_words()),
      mark == scenario.image_marks.end() ? scenario.source : at(scenario.source, mark->second),
      fmt::format("add a cell there with {}{}{} and a reboot after they are installed{}",
                  tuple.driver ? "driver: candidate" : "", tuple.driver && tuple.content ? " and " : "",
                  tuple.content ? "content: candidate" : "",
                  scenario.exclude.empty() ? "" : "; an exclude may have taken it away"));
}

Status check_ids(const Plan& plan, const std::string& source) {
  std::map<std::string, const Cell*> ids;
  for (const Cell& cell : plan.cells) {
    const auto [first, is_new] = ids.emplace(cell.id, &cell);
    if (!is_new) {
      return input_error(fmt::format("two cells would both be called {}", cell.id), source,
                         "labels must differ in more than case and '_'");
    }
  }
  return {};
}

}  // namespace

bool same_machine(const Cell& a, const Cell& b) { return a.image == b.image && a.machine == b.machine; }

bool same_base(const Cell& a, const Cell& b) {
  return same_machine(a, b) && value_of(a.axes, "story") == value_of(b.axes, "story");
}

int Cell::boots_wanted() const {
  int boots = 0;
  for (const Step& step : story) {
    if (scenario::boots(step.kind)) boots += step.times;
  }
  return boots;
}

std::vector<std::string> Plan::images() const {
  std::vector<std::string> names;
  for (const Cell& cell : cells) {
    if (std::find(names.begin(), names.end(), cell.image) == names.end()) names.push_back(cell.image);
  }
  return names;
}

std::uint64_t Plan::largest_memory() const {
  std::uint64_t largest = 0;
  for (const Cell& cell : cells) largest = std::max(largest, cell.machine.memory);
  return largest;
}

std::vector<const Cell*> Plan::bases() const {
  std::vector<const Cell*> found;
  for (const Cell& cell : cells)
    if (std::none_of(found.begin(), found.end(),
                     [&](const Cell* other) { return same_machine(*other, cell); }))
      found.push_back(&cell);
  return found;
}

std::string shape_in_words(const scenario::Machine& machine) {
  std::string text = machine.name.empty() ? "" : machine.name + ": ";
  text += std::to_string(machine.vcpus) + (machine.vcpus == 1 ? " vCPU, " : " vCPUs, ") +
          show_size(machine.memory);
  if (!machine.cpu.empty()) text += ", " + machine.cpu;
  if (machine.firmware != Firmware::bios) text += std::string(", ") + to_string(machine.firmware);
  if (machine.disk != DiskBus::virtio) text += fmt::format(", {} disk", to_string(machine.disk));
  if (machine.network != scenario::Network::none)
    text += fmt::format(", {} network", scenario::to_string(machine.network));
  if (machine.disk_size != 0) text += fmt::format(", {} of disk", show_size(machine.disk_size));
  if (machine.memory_integrity) text += ", memory integrity";
  for (const auto& key : machine.keys) text += ", trusts " + key.path;
  if (!machine.devices.empty()) text += ", with " + join(machine.devices, ", ");
  if (!machine.cmdline.empty()) text += ", " + join(machine.cmdline, " ");
  return text;
}

// The product of the axes without what is excluded, and what is included besides.
static Status make_cells(Plan& plan, const Scenario& scenario) {
  std::set<Axes> planned;
  const auto add = [&](const Axes& axes, const std::string& where) -> Status {
    if (!planned.insert(axes).second) {
      plan.notes.push_back(fmt::format("cell {} is named twice and runs once", id_of(axes)));
      return {};
    }
    auto cell = make_cell(scenario, axes, where);
    if (!cell) return fail(cell.error());
    if (plan.cells.size() == most_cells) return too_many(scenario);
    plan.cells.push_back(std::move(*cell));
    return {};
  };
  const auto all = product(scenario);
  if (!all) return fail(all.error());
  for (const Axes& axes : *all) {
    const bool excluded = std::any_of(scenario.exclude.begin(), scenario.exclude.end(),
                                      [&](const auto& selector) { return matches(axes, selector.axes); });
    if (excluded) continue;
    if (auto added = add(axes, scenario.source); !added) return fail(added.error());
  }
  for (const auto& selector : scenario.include) {
    if (auto added = add(selector.axes, at(scenario.source, selector.mark)); !added)
      return fail(added.error());
  }
  return {};
}

Result<Plan> expand(const Scenario& scenario, Date today, const std::vector<scenario::Acceptance>& waivers) {
  if (!scenario.guest) return input_error("the scenario has no guest", scenario.source);
  Plan plan;
  plan.scenario = scenario.name;
  plan.date = today;
  plan.waivers = waivers;
  if (auto made = make_cells(plan, scenario); !made) return fail(made.error());
  if (plan.cells.empty()) {
    return input_error("the matrix is empty: everything is excluded", scenario.source,
                       "take an exclude away");
  }
  const bool tests_candidate = std::any_of(plan.cells.begin(), plan.cells.end(), [](const Cell& cell) {
    return cell.driver == "candidate" || cell.content == "candidate";
  });
  if (!tests_candidate) {
    return input_error("no cell has a candidate, so nothing new would be tested", scenario.source,
                       "let matrix.driver or matrix.content name 'candidate'");
  }
  note_loads(plan, *scenario.guest);
  note_unused(plan, scenario.drivers, "driver", &Cell::driver, &Cell::extra_drivers);
  note_unused(plan, scenario.contents, "content", &Cell::content, &Cell::extra_contents);
  note_unused_machines(plan, scenario);
  note_unused_stories(plan, scenario);
  add_controls(plan);
  if (auto unique = check_ids(plan, scenario.source); !unique) return fail(unique.error());
  if (auto placed = place_expectations(plan, scenario); !placed) return fail(placed.error());
  if (auto together = check_tuple(plan, scenario); !together) return fail(together.error());
  place_waivers(plan);
  note_expired_waivers(plan);
  return plan;
}

std::vector<Excluded> excluded(const Scenario& scenario) {
  std::vector<Excluded> all;
  const auto product_of_axes = product(scenario);
  if (!product_of_axes) return all;
  std::set<Axes> gone;
  for (const auto& selector : scenario.include) gone.insert(selector.axes);  // they come back
  for (const auto& selector : scenario.exclude) {
    Excluded one{selector.axes, selector.mark, {}};
    for (const Axes& axes : *product_of_axes)
      if (matches(axes, selector.axes) && gone.insert(axes).second) one.cells.push_back(id_of(axes));
    all.push_back(std::move(one));
  }
  return all;
}

Result<Plan> only(Plan plan, const std::string& glob) {
  std::vector<Cell> matching;
  std::vector<std::string> ids;
  for (const Cell& cell : plan.cells) {
    if (cell.control) continue;
    ids.push_back(cell.id);
    if (glob_match(glob, cell.id)) matching.push_back(cell);
  }
  if (matching.empty()) {
    return input_error(fmt::format("--only '{}' matches no cell", printable(glob, 100)), "",
                       fmt::format("the cells are {}", join_some(ids)));
  }
  std::vector<Cell> kept;
  for (Cell& cell : plan.cells) {
    const bool keep = cell.control ? any_on_base(matching, cell) : glob_match(glob, cell.id);
    if (keep) {
      kept.push_back(std::move(cell));
    } else {
      plan.left_out.push_back(cell.id);
    }
  }
  plan.cells = std::move(kept);
  if (!plan.left_out.empty()) {
    plan.notes.push_back(fmt::format("--only '{}' left out {} of {} cells", printable(glob, 100),
                                     plan.left_out.size(), plan.left_out.size() + plan.cells.size()));
  }
  return plan;
}

}  // namespace labctl::plan
