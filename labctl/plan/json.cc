// The plan as JSON, and back. The way back reads a file that anybody may have changed: nothing is taken for
// granted and nothing throws.

#include "labctl/base/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/strict_json.h"
#include "labctl/plan/accept.h"
#include "labctl/plan/json_guest.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/names.h"

namespace labctl::plan {
namespace {

using In = JsonObject;
using scenario::Acceptance;
using scenario::As;
using scenario::Axes;
using scenario::Mark;
using scenario::Step;
using scenario::StepKind;

constexpr int version = 1;
constexpr StepKind step_kinds[] = {
    StepKind::install,   StepKind::place,     StepKind::apply,   StepKind::exercise, StepKind::reboot,
    StepKind::cold_boot, StepKind::power_cut, StepKind::remove,  StepKind::run,      StepKind::wait,
    StepKind::wait_for,  StepKind::reload,    StepKind::suspend, StepKind::update,   StepKind::crash};
constexpr scenario::Moment moments[] = {scenario::Moment::now, scenario::Moment::install,
                                        scenario::Moment::apply, scenario::Moment::boot};
constexpr scenario::Damage damages[] = {scenario::Damage::truncated, scenario::Damage::empty,
                                        scenario::Damage::zero, scenario::Damage::flipped,
                                        scenario::Damage::oversized};

Json mark_json(Mark mark) { return {{"line", mark.line}, {"column", mark.column}}; }

// What only some steps have is there only then.
Json step_json(const Step& step) {
  Json json = {{"kind", to_string(step.kind)}, {"text", step.text},   {"label", step.label},
               {"wait_ms", step.wait.count()}, {"times", step.times}, {"mark", mark_json(step.mark)}};
  if (step.kind == StepKind::run) json["exit"] = step.exit_code;
  if (step.prints) json["prints"] = *step.prints;
  if (step.kind == StepKind::power_cut) json["moment"] = to_string(step.moment);
  add_within(json, step.within);
  return json;
}

// `cells` is said by what stands around an expectation, and by the waiver itself.
Json acceptance_json(const Acceptance& entry) {
  return {{"title", entry.title},
          {"owner", entry.owner},
          {"reason", entry.reason},
          {"until", show_date(entry.until)}};
}

// There only when there is something to say.
void add_damage(Json& json, scenario::Damage damage, const std::string& file, bool may_be_refused) {
  if (damage != scenario::Damage::none) json["damage"] = to_string(damage);
  if (!file.empty()) json["damaged_file"] = file;
  if (may_be_refused) json["may_be_refused"] = true;
}

Json extras_json(const std::vector<Cell::Extra>& extras) {
  Json list = Json::array();
  for (const auto& extra : extras) {
    list.push_back({{"label", extra.label}, {"path", extra.path}, {"mark", mark_json(extra.mark)}});
    add_damage(list.back(), extra.damage, extra.damaged_file, extra.may_be_refused);
    if (!extra.with.empty()) list.back()["with"] = extra.with;
  }
  return list;
}

Json policy_json(const scenario::Policy& policy) {
  Json json{{"warnings_fail", policy.warnings_fail}, {"lab_retries", policy.lab_retries}};
  if (policy.new_errors_fail) json["new_errors_fail"] = true;
  return json;
}

Json cell_json(const Cell& cell) {
  Json expect = Json::array();
  for (const auto& entry : cell.accepted)
    if (entry.as == As::expected) expect.push_back(acceptance_json(entry));
  Json axes = Json::array();
  for (const auto& [axis, value] : cell.axes) axes.push_back({{"axis", axis}, {"value", value}});
  Json story = Json::array();
  for (const Step& step : cell.story) story.push_back(step_json(step));
  Json json = {{"id", cell.id},
               {"control", cell.control},
               {"image", cell.image},
               {"driver", cell.driver},
               {"content", cell.content},
               {"driver_path", cell.driver_path},
               {"content_path", cell.content_path},
               {"driver_mark", mark_json(cell.driver_mark)},
               {"content_mark", mark_json(cell.content_mark)},
               {"axes", std::move(axes)},
               {"machine", machine_json(cell.machine)},
               {"guest", guest_json(cell.guest)},
               {"story", std::move(story)},
               {"settle_ms", cell.settle.count()},
               {"policy", policy_json(cell.policy)},
               {"extra_drivers", extras_json(cell.extra_drivers)},
               {"extra_contents", extras_json(cell.extra_contents)},
               {"expect", std::move(expect)}};
  add_damage(json, cell.content_damage, cell.content_damaged_file, cell.content_may_be_refused);
  if (!cell.driver_with.empty()) json["driver_with"] = cell.driver_with;
  if (!cell.kernel.empty()) json["kernel"] = cell.kernel;
  return json;
}

Mark read_mark(In in) {
  constexpr int most = 1 << 24;
  Mark mark;
  mark.line = static_cast<int>(in.number("line", 0, most));
  mark.column = static_cast<int>(in.number("column", 0, most));
  return mark;
}

// Of the other files that a driver is made of.
std::vector<std::string> read_with(In& in, const char* key) {
  if (!in.has(key)) return {};
  std::vector<std::string> paths = in.texts(key);
  for (const auto& path : paths)
    if (!scenario::is_one_line(path)) in.wrong(fmt::format("{}: not a path", key));
  return paths;
}

Step read_step(In& in) {
  Step step;
  step.kind = in.kind("kind", step_kinds);
  step.text = in.text("text");
  if (step.kind == StepKind::update && !scenario::is_update_package(step.text))
    in.wrong("text: not the path of a package");
  step.label = read_label(in, "label");
  step.wait = Millis(in.number("wait_ms", 0, 3'600'000));
  step.times = static_cast<int>(in.number("times", 1, 1000));
  if (step.kind == StepKind::run) step.exit_code = static_cast<int>(in.number("exit", 0, 255));
  if (in.has("prints")) step.prints = in.text("prints");
  if (step.kind == StepKind::power_cut) step.moment = in.kind("moment", moments);
  step.within = read_within(in);
  step.mark = read_mark(in.object("mark"));
  return step;
}

void read_damage(In& in, scenario::Damage& damage, std::string& file, bool& may_be_refused) {
  if (in.has("damage")) damage = in.kind("damage", damages);
  if (in.has("damaged_file"))
    file = read_name(in, "damaged_file", scenario::is_file_of_folder, "a file of a folder");
  if (in.has("may_be_refused")) may_be_refused = in.flag("may_be_refused");
}

std::vector<Cell::Extra> read_extras(In& in, const char* key) {
  std::vector<Cell::Extra> extras;
  in.each(key, [&](In& entry) {
    extras.push_back({read_label(entry, "label"), read_path(entry, "path"), read_mark(entry.object("mark"))});
    read_damage(entry, extras.back().damage, extras.back().damaged_file, extras.back().may_be_refused);
    extras.back().with = read_with(entry, "with");
  });
  return extras;
}

Date read_date(In& in, const char* key) {
  const std::string text = in.text(key);
  const auto date = parse_date(text);
  if (!date) in.wrong(fmt::format("{}: expected a day such as 2026-12-31", key));
  return date ? *date : Date{};
}

Acceptance read_acceptance(In& in, As as, std::vector<std::string> cells) {
  Acceptance entry{.as = as, .title = in.text("title"), .cells = std::move(cells)};
  entry.owner = in.text("owner");
  entry.reason = in.text("reason");
  entry.until = read_date(in, "until");
  return entry;
}

// Ids become folders of the bundle.
bool is_safe_id(const std::string& id) {
  if (id.empty() || id.size() > 200 || id.front() == '.' || id.front() == '-') return false;
  return id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
}

std::pair<std::string, std::string> read_axis(In& in) {
  std::string axis = in.text("axis");
  const auto& known = scenario::axis_names;
  if (std::find(known.begin(), known.end(), axis) == known.end()) in.wrong("axis: unknown word");
  std::string value = axis == "image" ? read_name(in, "value", scenario::is_slug, "the name of an image")
                                      : read_label(in, "value");
  return {std::move(axis), std::move(value)};
}

Cell read_cell(In& in) {
  Cell cell;
  cell.id = in.text("id");
  if (!is_safe_id(cell.id)) in.wrong("id: not a cell id");
  cell.control = in.flag("control");
  cell.image = in.text("image");
  if (!scenario::is_slug(cell.image)) in.wrong("image: not the name of an image");
  cell.driver = read_label(in, "driver");
  cell.content = read_label(in, "content");
  cell.driver_path = read_path(in, "driver_path");
  cell.content_path = read_path(in, "content_path");
  cell.driver_with = read_with(in, "driver_with");
  if (in.has("kernel"))
    cell.kernel = read_name(in, "kernel", scenario::is_kernel_release, "a kernel's release");
  read_damage(in, cell.content_damage, cell.content_damaged_file, cell.content_may_be_refused);
  cell.driver_mark = read_mark(in.object("driver_mark"));
  cell.content_mark = read_mark(in.object("content_mark"));
  in.each("axes", [&](In& axis) { cell.axes.push_back(read_axis(axis)); });
  cell.machine = read_machine(in.object("machine"));
  cell.guest = read_guest(in.object("guest"));
  in.each("story", [&](In& step) { cell.story.push_back(read_step(step)); });
  cell.settle = Millis(in.number("settle_ms", 0, 3'600'000));
  In policy = in.object("policy");
  cell.policy.warnings_fail = policy.flag("warnings_fail");
  cell.policy.new_errors_fail = policy.has("new_errors_fail") && policy.flag("new_errors_fail");
  cell.policy.lab_retries = static_cast<int>(policy.number("lab_retries", 0, 5));
  cell.extra_drivers = read_extras(in, "extra_drivers");
  cell.extra_contents = read_extras(in, "extra_contents");
  in.each("expect",
          [&](In& entry) { cell.accepted.push_back(read_acceptance(entry, As::expected, {cell.id})); });
  if (cell.boots_wanted() == 0) in.wrong("story: no boot in it");
  if (!cell.control && cell.driver.empty()) in.wrong("driver: empty in a cell that is not a control");
  return cell;
}

}  // namespace

Json to_json(const Plan& plan) {
  Json cells = Json::array();
  for (const Cell& cell : plan.cells) cells.push_back(cell_json(cell));
  Json waivers = Json::array();
  for (const Acceptance& waiver : plan.waivers) {
    waivers.push_back(acceptance_json(waiver));
    waivers.back()["cells"] = waiver.cells;
  }
  Json json = {{"labctl", version},
               {"scenario", plan.scenario},
               {"date", show_date(plan.date)},
               {"waivers", std::move(waivers)},
               {"cells", std::move(cells)},
               {"notes", plan.notes},
               {"left_out", plan.left_out}};
  if (plan.signatures)
    json["signatures"] = {{"file", plan.signatures->file}, {"text", plan.signatures->text}};
  return json;
}

Result<Plan> from_json(const Json& json, const std::string& where) {
  std::string fault;
  In in(json, "plan", fault);
  if (fault.empty() && in.number("labctl", 0, 1'000'000) != version && fault.empty()) {
    return input_error("this plan was written by another version of labctl", where,
                       "judge it with the labctl that made it");
  }
  Plan plan;
  plan.scenario = read_name(in, "scenario", scenario::is_slug, "a scenario's name");
  if (in.has("signatures")) {
    In signatures = in.object("signatures");
    plan.signatures = SignatureFile{read_path(signatures, "file"), signatures.text("text")};
  }
  plan.date = read_date(in, "date");
  in.each("waivers", [&](In& entry) {
    plan.waivers.push_back(read_acceptance(entry, As::waived, entry.texts("cells")));
    for (const auto& glob : plan.waivers.back().cells)
      if (!scenario::is_cell_glob(glob)) entry.wrong("cells: not the ids of cells");
  });
  std::set<std::string> ids;
  in.each("cells", [&](In& entry) {
    plan.cells.push_back(read_cell(entry));
    if (!ids.insert(plan.cells.back().id).second) entry.wrong("id: another cell has it too");
  });
  plan.notes = in.texts("notes");
  plan.left_out = in.texts("left_out");
  if (plan.cells.empty()) in.wrong("a plan without cells");
  if (!fault.empty()) return input_error(fault, where);
  place_waivers(plan);
  return plan;
}

}  // namespace labctl::plan
