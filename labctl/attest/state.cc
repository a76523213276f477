// From a judged bundle to what is said of it.

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "labctl/attest/statement.h"
#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/units.h"
#include "labctl/outcome/accept.h"
#include "labctl/plan/kernels.h"

namespace labctl::attest {
namespace {

// The paths of the candidate's own artifacts, as the plan names them.
std::vector<std::string> candidate_paths(const plan::Plan& plan) {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& label, const std::string& path) {
    if (label == "candidate" && !path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end())
      paths.push_back(path);
  };
  for (const auto& cell : plan.cells)
    for (const auto& file : plan::given_to(cell)) {
      if (file.of == plan::Given::Of::update) continue;  // the guest's system, as its image is
      const std::string& own = file.of == plan::Given::Of::driver ? cell.driver : cell.content;
      add(file.label.empty() ? own : file.label, file.path);
    }
  return paths;
}

// File names, where they tell the artifacts apart; else paths.
void name_subjects(std::vector<Resource>& subjects) {
  const auto file_name = [](const std::string& path) {  // "a/x.tar/" is "x.tar/"
    return path.substr(path.size() < 2 ? 0 : path.rfind('/', path.size() - 2) + 1);
  };
  std::map<std::string, int> times;
  for (const auto& subject : subjects) ++times[file_name(subject.name)];
  for (auto& subject : subjects)
    if (times[file_name(subject.name)] == 1) subject.name = file_name(subject.name);
}

// Of a file of a content that is several files: that content's path; else empty.
std::string set_of(const std::vector<std::string>& candidates, const std::string& path) {
  for (const auto& set : candidates) {
    const bool slash = set.ends_with('/');
    if (path.size() > set.size() && path.starts_with(set) && (slash || path[set.size()] == '/')) return set;
  }
  return {};
}

Status take_artifacts(const Record& record, Statement& statement) {
  const auto candidates = candidate_paths(record.run.plan);
  std::map<std::string, std::string> digests, archives;
  for (const auto& [path, digest, size, archive] : record.run.artifacts) {
    if (!is_sha256(digest))
      return input_error(fmt::format("run.json has no digest for the artifact '{}'", path));
    digests[path] = digest;
    if (!archive.empty() && !is_sha256(archive))
      return input_error(fmt::format("run.json has no digest for the archive '{}'", path));
    if (!archive.empty()) archives[path] = archive;
    if (std::find(candidates.begin(), candidates.end(), path) == candidates.end() &&
        set_of(candidates, path).empty())
      statement.configuration.push_back({"artefact/" + path, digest});
  }
  for (const auto& path : candidates) {
    if (digests.count(path) == 0)
      return input_error(fmt::format("run.json has no digest for the artifact '{}'", path));
    const std::string digest = digests[path];
    if (archives.count(path) == 0) {
      statement.subjects.push_back({path, digest});
      continue;
    }
    // What is published is the archive; what the guests were given are its files, by their manifest.
    statement.subjects.push_back({path, archives[path], {{Resource::manifest, digest}}});
    statement.subjects.push_back({path + "/", digest, {{Resource::inside, digest}}});
  }
  for (const auto& [path, digest] : digests)
    if (const auto set = set_of(candidates, path); !set.empty()) {
      statement.subjects.push_back({path, digest});
      if (archives.count(set) != 0) statement.subjects.back().notes[Resource::inside] = digests[set];
    }
  if (statement.subjects.empty()) return input_error("the plan has no candidate in it");
  name_subjects(statement.subjects);
  return {};
}

Status take_images(const Record& record, Statement& statement) {
  for (const auto& image : record.run.images) {
    if (!is_sha256(image.sha256))
      return input_error(fmt::format("run.json has no digest for the image '{}'", image.name));
    // On another machine it is the same image.
    const auto* known = statement.find("image/" + image.name);
    if (known && known->sha256 != image.sha256)
      return input_error(fmt::format("run.json names two digests for the image '{}'", image.name));
    if (!known) statement.configuration.push_back({"image/" + image.name, image.sha256});
    if (!image.snapshot_sha256.empty())
      statement.configuration.push_back(
          {"snapshot/" + image.name + (image.machine.empty() ? "" : "/" + image.machine),
           image.snapshot_sha256});
  }
  return {};
}

// Texts that decided with the scenario what counts, where the run was given some.
void take_text(const char* name, const std::string& file, const std::string& text, Statement& statement) {
  if (!text.empty()) statement.configuration.push_back({name, sha256(text), {{"file", file}}});
}

Status take_times(const Record& record, Statement& statement) {
  auto began = parse_moment(record.run.began);
  auto ended = parse_moment(record.run.ended);
  if (!began || !ended) return input_error("run.json does not say when the run began and ended");
  statement.began = *began;
  statement.ended = *ended;
  return {};
}

void take_cells(const Record& record, Statement& statement) {
  const auto holdings = plan::holdings(record.run.plan);
  for (const auto& outcome : record.verdict.cells) {
    const auto cell = std::find_if(record.run.plan.cells.begin(), record.run.plan.cells.end(),
                                   [&](const auto& c) { return c.id == outcome.cell; });
    const bool control = cell != record.run.plan.cells.end() && cell->control;
    statement.cells.push_back({.id = outcome.cell,
                               .control = control,
                               .outcome = outcome::to_string(outcome.ending),
                               .expected = outcome.expected,
                               .boots_wanted = outcome.boots_wanted,
                               .boots_proved = outcome.boots_proved,
                               .journal = outcome.journal});
    if (cell != record.run.plan.cells.end()) {
      statement.cells.back().proofs = static_cast<int>(cell->guest.proof.size());
      statement.cells.back().held = holdings[static_cast<std::size_t>(cell - record.run.plan.cells.begin())];
    }
    if (control) continue;
    const bool sound = outcome.ending == outcome::Ending::passed || outcome.expected;
    const bool warned = cell != record.run.plan.cells.end() &&
                        (outcome::took_waiver(*cell, outcome) || outcome::took_weaker(*cell, outcome));
    (!sound ? statement.failed : warned ? statement.warned : statement.passed).push_back(outcome.cell);
  }
}

}  // namespace

std::string scenario_plan_sha256(plan::Plan plan) {
  plan.date = plan::Plan{}.date;
  plan.waivers.clear();
  plan.notes.clear();
  return sha256(dump_pretty(plan::to_json(plan::without_kernels(std::move(plan)))));
}

Result<Statement> state(const Record& record) {
  Statement statement;
  const auto& run = record.run;
  statement.scenario = run.plan.scenario;
  statement.tool = run.tool;
  statement.rules = run.rules;
  statement.verdict = verdict::to_string(record.verdict.decision);
  statement.result = record.verdict.decision != verdict::Decision::passed ? TestResult::failed
                     : record.verdict.warned()                            ? TestResult::warned
                                                                          : TestResult::passed;
  statement.waived = record.verdict.waived;
  for (const auto& use : record.verdict.waivers)
    if (use.state != verdict::WaiverState::expired) statement.waivers.push_back(use.waiver.title);
  statement.warnings_allowed = std::any_of(run.plan.cells.begin(), run.plan.cells.end(),
                                           [](const auto& cell) { return !cell.policy.warnings_fail; });
  for (const auto& weakness : record.verdict.weaker)
    (weakness.option == verdict::unproved_option ? statement.unproved : statement.allowed)
        .push_back(weakness.title);
  statement.configuration = {{"scenario", sha256(run.scenario.text), {{"file", run.scenario.file}}},
                             {"plan", sha256(dump_pretty(plan::to_json(record.run.plan)))}};
  statement.scenario_plan = scenario_plan_sha256(run.plan);
  if (const auto& signatures = run.plan.signatures)
    take_text("signatures", signatures->file, signatures->text, statement);
  take_text("waivers", run.waivers.file, run.waivers.text, statement);
  if (auto taken = take_images(record, statement); !taken) return fail(taken.error());
  if (auto taken = take_artifacts(record, statement); !taken) return fail(taken.error());
  if (auto taken = take_times(record, statement); !taken) return fail(taken.error());
  take_cells(record, statement);
  statement.configuration.push_back({"run.json", record.run_sha256});
  for (const auto& shard : run.shards)  // their own records, which the merged one names
    if (shard.used)
      statement.configuration.push_back(
          {"shard/" + std::to_string(shard.index), shard.run_sha256, {{"node", shard.node}}});
  statement.configuration.push_back({"verdict.json", record.verdict_sha256});
  return statement;
}

}  // namespace labctl::attest
