#include "labctl/attest/policy.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"

namespace labctl::attest {
namespace {

using Objection = std::optional<std::string>;

std::string quoted(const std::string& text) { return "'" + printable(text, 120) + "'"; }

Objection to_result(const Statement& statement, const Policy& policy) {
  const bool passed = statement.verdict == verdict::to_string(verdict::Decision::passed);
  if (statement.result == TestResult::failed || !passed)
    return fmt::format("the run did not pass: its verdict is {}", quoted(statement.verdict));
  if (statement.result == TestResult::passed &&
      (statement.waived || !statement.allowed.empty() || !statement.unproved.empty()))
    return "the result is PASSED, but findings were accepted or allowed, or content is unproved";
  if (!statement.allowed.empty() && !statement.warnings_allowed)
    return "warnings were let pass, but its policy.warnings is 'fail'";
  if (statement.result != TestResult::warned) return {};
  if (!statement.allowed.empty() && !policy.allow_warnings)
    return fmt::format(
        "it passed only because the scenario's policy.warnings is 'allow', which let {}{} pass; "
        "--allow-warnings takes that",
        quoted(statement.allowed.front()),
        statement.allowed.size() == 1 ? "" : fmt::format(" and {} more", statement.allowed.size() - 1));
  if (!statement.unproved.empty() && !policy.allow_unproved)
    return fmt::format(
        "no proof shows that the driver uses its content; the scenario's content.unproved says {}; "
        "--allow-unproved takes that",
        quoted(statement.unproved.front()));
  // WARNED without a stated reason is taken for waived.
  const bool stated = !statement.allowed.empty() || !statement.unproved.empty();
  if ((statement.waived || !stated) && !policy.allow_waived)
    return "it passed only because findings were accepted; --allow-waived takes that";
  return {};
}

Objection to_rules(const Statement& statement) {
  if (statement.rules >= outcome::rules_now) return {};
  return fmt::format(
      "it was made under rule set {}, and this is {}; not asked then: {}; run the scenario again",
      statement.rules, outcome::rules_now, join(outcome::not_asked(statement.rules), ", "));
}

// The sum must be what its parts say: a statement that contradicts itself is refused.
Objection to_cells(const Statement& statement) {
  if (!statement.failed.empty())
    return fmt::format("the result is {}, but {} is among the failed cells", to_string(statement.result),
                       quoted(statement.failed.front()));
  if (statement.result == TestResult::passed && !statement.warned.empty())
    return fmt::format("the result is PASSED, but {} is among the warned cells",
                       quoted(statement.warned.front()));
  std::multiset<std::string> listed(statement.passed.begin(), statement.passed.end());
  listed.insert(statement.warned.begin(), statement.warned.end());
  std::multiset<std::string> recorded;
  bool control = false, passed = false;
  for (const auto& cell : statement.cells) {
    if (!cell.expected && cell.outcome != outcome::to_string(outcome::Ending::passed))
      return fmt::format("the cell {} ended {}", quoted(cell.id), quoted(cell.outcome));
    if (!cell.expected && (cell.boots_wanted == 0 || cell.boots_proved != cell.boots_wanted))
      return fmt::format("the cell {} proved {} of {} boots", quoted(cell.id), cell.boots_proved,
                         cell.boots_wanted);
    if (cell.control && cell.expected)
      return fmt::format("the control {} was expected to fail", quoted(cell.id));
    if (!is_sha256(cell.journal.sha256) || cell.journal.events == 0)
      return fmt::format("the cell {} has no journal", quoted(cell.id));
    (cell.control ? control : passed) |= !cell.expected;
    if (!cell.control) recorded.insert(cell.id);
  }
  if (listed.empty() || !passed) return "it names no cell that passed";
  if (listed != recorded || std::set(listed.begin(), listed.end()).size() != listed.size())
    return "the cells that it lists are not the cells that it records";
  if (!control) return "it records no control";
  return {};
}

// The files are published together: somewhere they must have booted together, wherever one of them ran.
Objection to_tuple(const Statement& statement) {
  std::vector<plan::Holding> holdings;
  std::vector<bool> counts;
  for (const auto& cell : statement.cells) {
    if (cell.control) continue;
    if (cell.held.boots_together > cell.boots_wanted)
      return fmt::format("the cell {} has more boots with all candidates than boots", quoted(cell.id));
    holdings.push_back(cell.held);
    counts.push_back(!cell.expected);
  }
  const plan::Tuple tuple = plan::tuple_of(holdings);
  if (tuple.empty()) return "no cell holds an artifact labelled 'candidate'";
  if (const auto apart = plan::never_together(holdings, counts); !apart.empty())
    return fmt::format("no cell that passed has booted with {} on {}", tuple.in_words(),
                       printable(apart.front().in_words(), 200));
  return {};
}

Objection to_time(const Statement& statement, const Policy& policy) {
  if (statement.began > statement.ended) return "the run ended before it began";
  if (statement.ended > policy.now + allowed_clock_skew_seconds)
    return fmt::format("the run is from the future: it ended {}", show_moment(statement.ended));
  const Millis age = std::chrono::seconds(policy.now - statement.began);
  if (policy.max_age && age > *policy.max_age)
    return fmt::format("the run is too old: it began {}, and --max-age is {}", show_moment(statement.began),
                       show_duration(*policy.max_age));
  return {};
}

Objection to_images(const Statement& statement, const Policy& policy) {
  for (const auto& [name, wanted] : policy.images) {
    const auto* image = statement.find("image/" + name);
    if (!image) return fmt::format("the run used no image {}, and --image requires it", quoted(name));
    if (image->sha256 != wanted)
      return fmt::format("the image {} was another one: its sha256 was {}, and --image requires {}",
                         quoted(name), image->sha256, wanted);
  }
  return {};
}

Objection to_wishes(const Statement& statement, const Policy& policy) {
  if (policy.scenario_sha256 && statement.find("scenario")->sha256 != *policy.scenario_sha256)
    return "it was made with another scenario than the given one";
  for (const auto& glob : policy.require)
    // Whether warned cells count was decided with the result: without the options that allow them
    // there are none here.
    if (std::none_of(statement.cells.begin(), statement.cells.end(), [&](const CellRecord& cell) {
          return !cell.control && !cell.expected && glob_match(glob, cell.id);
        }))
      return fmt::format("no cell that passed matches {}", quoted(glob));
  for (const auto& cell : statement.cells)
    if (!cell.control && !cell.expected && cell.boots_proved < policy.min_boots)
      return fmt::format("the cell {} proved {} boots, and --min-boots is {}", quoted(cell.id),
                         cell.boots_proved, policy.min_boots);
  return {};
}

}  // namespace

Objection objection(const Statement& statement, const Policy& policy) {
  if (auto why = to_result(statement, policy)) return why;
  if (auto why = to_rules(statement)) return why;
  if (auto why = to_cells(statement)) return why;
  if (auto why = to_tuple(statement)) return why;
  if (auto why = to_time(statement, policy)) return why;
  if (auto why = to_images(statement, policy)) return why;
  return to_wishes(statement, policy);
}

Objection objection(const Statement& statement, const std::vector<Resource>& files) {
  if (statement.subjects.empty()) return "it names no artifact";
  const auto has = [](const std::vector<Resource>& list, const std::string& sha256) {
    return std::any_of(list.begin(), list.end(), [&](const auto& one) { return one.sha256 == sha256; });
  };
  for (const auto& file : files)
    if (!has(statement.subjects, file.sha256))
      return fmt::format("the file {} was not tested: no subject has its sha256 {}", quoted(file.name),
                         file.sha256);
  // An archive stands for what is in it, and all that is in it for the archive.
  std::set<std::string> stood_for;  // manifests of archives that are given
  for (const auto& subject : statement.subjects)
    if (const auto manifest = text_at(subject.notes, Resource::manifest);
        !manifest.empty() && has(files, subject.sha256))
      stood_for.insert(manifest);
  for (const auto& subject : statement.subjects) {
    if (has(files, subject.sha256)) continue;
    if (const auto inside = text_at(subject.notes, Resource::inside);
        !inside.empty() && stood_for.count(inside) != 0)
      continue;
    if (const auto manifest = text_at(subject.notes, Resource::manifest);
        !manifest.empty() && has(files, manifest))
      continue;
    return fmt::format("the artifact {} was tested, but no given file has its bytes", quoted(subject.name));
  }
  return {};
}

}  // namespace labctl::attest
