#include "labctl/history/entry.h"

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell.h"
#include "labctl/crash/crash.h"
#include "labctl/outcome/accept.h"
#include "labctl/plan/plan.h"

namespace labctl::history {
namespace {

// What one run may put into the database, whatever its guests said.
constexpr std::size_t longest_text = 600, longest_excerpt = 4096, most_findings = 50, most_reasons = 50;

std::string text(const std::string& said) { return visible(said, longest_text); }

// Places in the scenario's text change with every edit and nothing else does.
void drop_marks(Json& json) {
  if (json.is_object())
    for (const char* mark : {"mark", "driver_mark", "content_mark"}) json.erase(mark);
  for (auto& part : json)
    if (part.is_structured()) drop_marks(part);
}

// What the cell was asked to do, without what the artifacts are called and where they lay.
std::string story_digest(Json json, const plan::Cell& cell, const outcome::RunRecord& run, int rules) {
  drop_marks(json);
  for (const char* name : {"id", "image", "driver", "content", "driver_path", "driver_with", "content_path",
                           "kernel", "axes", "expect"})
    json.erase(name);
  for (const char* extras : {"extra_drivers", "extra_contents"})
    for (auto& extra : json.at(extras)) extra.erase("path"), extra.erase("with");
  json.at("machine").erase("name");
  json["rules"] = rules;
  json["accepted"] = Json::array();
  for (const auto& entry : cell.accepted) json["accepted"].push_back(entry.title);
  if (run.plan.signatures) json["signatures"] = sha256(run.plan.signatures->text);
  return sha256(dump_line(json));
}

std::string digest_of(const outcome::RunRecord& run, const std::string& path) {
  const auto* artifact = path.empty() ? nullptr : run.artifact(path);
  return artifact ? artifact->sha256 : std::string();
}

// Of a driver of one file that file's; else of all of them.
std::string driver_digest(const outcome::RunRecord& run, const std::string& path,
                          const std::vector<std::string>& with) {
  std::string all = digest_of(run, path);
  if (with.empty()) return all;
  for (const auto& other : with) all += "\n" + digest_of(run, other);
  return sha256(all);
}

std::string extras_digest(const plan::Cell& cell, const outcome::RunRecord& run) {
  std::string all;
  for (const auto* extras : {&cell.extra_drivers, &cell.extra_contents})
    for (const auto& extra : *extras)
      all += extra.label + "\n" + driver_digest(run, extra.path, extra.with) + "\n";
  return all.empty() ? all : sha256(all);
}

Tested tested_of(const plan::Cell& cell, Json json, const outcome::RunRecord& run, int rules) {
  Tested tested{.image = cell.image,
                .machine = plan::shape_in_words(cell.machine),
                .driver = cell.driver,
                .content = cell.content,
                .driver_sha256 = driver_digest(run, cell.driver_path, cell.driver_with),
                .content_sha256 = digest_of(run, cell.content_path),
                .extras_sha256 = extras_digest(cell, run),
                .story_sha256 = story_digest(std::move(json), cell, run, rules)};
  if (const auto* image = run.image(cell.image, cell.machine.name)) {
    tested.image_sha256 = image->sha256;
    tested.kernel_release = text(image->facts.kernel_release);
  }
  return tested;
}

FindingRow finding_row(const outcome::Observation& seen, const plan::Cell& cell, bool with_excerpt) {
  const auto& finding = seen.finding;
  return {.title = text(finding.title),
          .kind = crash::to_string(finding.kind),
          .severity = crash::to_string(finding.severity),
          .channel = event::to_string(seen.channel),
          .module = text(finding.module),
          .suppressed = text(finding.suppressed),
          .corrupted = text(finding.corrupted),
          .excerpt = with_excerpt ? visible(finding.excerpt, longest_excerpt) : std::string(),
          .candidate = seen.candidate_in,
          .accepted = outcome::accepted(cell, finding) != nullptr,
          .boot = seen.boot};
}

AttemptRow attempt_row(const outcome::Attempt& attempt) {
  return {.kind = attempt.records.find(".cut-off-") != std::string::npos ? "cut-off" : "lab-failed",
          .outcome = outcome::to_string(attempt.ending),
          .reason = text(attempt.reason),
          .journal_sha256 = attempt.journal.sha256,
          .proved = attempt.boots_proved,
          .took_ms = attempt.took.count()};
}

CellRow cell_row(const plan::Cell& cell, Json json, const outcome::Outcome& outcome,
                 const outcome::RunRecord& run) {
  CellRow row{.id = cell.id,
              .tested = tested_of(cell, std::move(json), run, outcome.rules),
              .control = cell.control,
              .expected = outcome.expected,
              .answer = answer_of(outcome),
              .outcome = outcome::to_string(outcome.ending),
              .step = text(outcome.step),
              .reason = text(outcome.reason),
              .journal_sha256 = outcome.journal.sha256,
              .wanted = outcome.boots_wanted,
              .proved = outcome.boots_proved,
              .took_ms = outcome.took.count(),
              .events = static_cast<std::int64_t>(outcome.journal.events)};
  for (const auto& seen : outcome.findings) {
    if (row.findings.size() >= most_findings) break;
    const bool first = std::none_of(row.findings.begin(), row.findings.end(), [&](const FindingRow& other) {
      return other.title == text(seen.finding.title);
    });
    row.findings.push_back(finding_row(seen, cell, first));
  }
  for (const auto& attempt : outcome.attempts) row.attempts.push_back(attempt_row(attempt));
  return row;
}

std::string channels(const std::vector<event::Channel>& list) {
  std::string words;
  for (const auto channel : list)
    words += (words.empty() ? "" : " ") + std::string(event::to_string(channel));
  return words;
}

void add_canaries(Entry& entry, const verdict::Verdict& verdict) {
  for (const auto& canary : verdict.canaries) {
    for (const auto& death : canary.deaths)
      entry.canaries.push_back({.image = text(canary.image),
                                .machine = text(canary.machine),
                                .crash = text(death.crash),
                                .due = channels(death.due),
                                .spoke = channels(death.spoke),
                                .made = text(canary.made),
                                .reason = text(canary.refused.empty() ? death.reason : canary.refused)});
    if (canary.deaths.empty())
      entry.canaries.push_back({.image = text(canary.image),
                                .machine = text(canary.machine),
                                .made = text(canary.made),
                                .reason = text(canary.reason())});
  }
}

void add_images(Entry& entry, const outcome::RunRecord& run) {
  for (const auto& image : run.images)
    entry.images.push_back({.name = text(image.name),
                            .machine = text(image.machine),
                            .sha256 = text(image.sha256),
                            .kernel_release = text(image.facts.kernel_release),
                            .kernel_version = text(image.facts.kernel_version),
                            .suite = text(image.facts.suite),
                            .boot_ms = image.boot_time.count()});
}

}  // namespace

const char* to_string(Answer answer) {
  switch (answer) {
    case Answer::passed:
      return "passed";
    case Answer::failed:
      return "failed";
    case Answer::lab:
      return "lab";
    case Answer::kept:
      return "kept";
    case Answer::none:
      return "none";
  }
  return "none";
}

Answer answer_of(const outcome::Outcome& outcome) {
  using outcome::Ending;
  if (outcome.as_wanted()) return outcome.kept ? Answer::kept : Answer::passed;
  if (outcome::is_guest_failure(outcome.ending)) return Answer::failed;
  return outcome.ending == Ending::lab_failed ? Answer::lab : Answer::none;
}

std::string Tested::sha256() const {
  return labctl::sha256(image_sha256 + "\n" + driver_sha256 + "\n" + content_sha256 + "\n" + extras_sha256 +
                        "\n" + story_sha256);
}

Entry entry_of(const bundle::Judged& judged) {
  const auto& run = judged.run;
  const auto& verdict = judged.verdict;
  const Json plan = plan::to_json(run.plan);
  Entry entry{.run_sha256 = judged.run_sha256,
              .scenario = run.plan.scenario,
              .scenario_sha256 = sha256(run.scenario.text),
              .plan_sha256 = sha256(dump_line(plan)),
              .began = run.began,
              .ended = run.ended,
              .verdict = verdict::to_string(verdict.decision),
              .waived = verdict.waived,
              .warned = verdict.warned(),
              .interrupted = run.interrupted,
              .partial = !run.plan.left_out.empty(),
              .rules = run.rules,
              .tool = text(run.tool),
              .tool_sha256 = text(run.tool_sha256),
              .hypervisor = text(run.host.hypervisor),
              .accel = text(run.host.accel),
              .machine_type = text(run.host.machine_type),
              .cpu = text(run.host.cpu),
              .fingerprint = text(run.host.fingerprint)};
  for (const auto& reason : verdict.reasons)
    if (entry.reasons.size() < most_reasons) entry.reasons.push_back(text(reason));
  for (const auto& artifact : run.artifacts)
    entry.artifacts.push_back(
        {text(artifact.path), text(artifact.sha256), static_cast<std::int64_t>(artifact.size)});
  add_images(entry, run);
  add_canaries(entry, verdict);
  for (std::size_t i = 0; i < run.plan.cells.size() && i < verdict.cells.size(); ++i)
    entry.cells.push_back(cell_row(run.plan.cells[i], plan.at("cells")[i], verdict.cells[i], run));
  return entry;
}

}  // namespace labctl::history
