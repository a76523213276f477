#include "labctl/attest/policy.h"

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
    return "the run did not pass: its verdict is " + quoted(statement.verdict);
  if (statement.result == TestResult::passed &&
      (statement.waived || !statement.allowed.empty() || !statement.unproved.empty()))
    return "the result is PASSED, but findings were accepted or allowed, or content is unproved";
  if (!statement.allowed.empty() && !statement.warnings_allowed)
    return "warnings were let pass, but its policy.warnings is 'fail'";
  if (statement.result != TestResult::warned) return {};
  if (!statement.allowed.empty() && !policy.allow_warnings)
    return "it passed only because the scenario's policy.warnings is 'allow', which let " +
           quoted(statement.allowed.front()) +
           (statement.allowed.size() == 1
                ? ""
                : " and " + std::to_string(statement.allowed.size() - 1) + " more") +
           " pass; --allow-warnings takes that";
  if (!statement.unproved.empty() && !policy.allow_unproved)
    return "no proof shows that the driver uses its content; the scenario's content.unproved says " +
           quoted(statement.unproved.front()) + "; --allow-unproved takes that";
  // WARNED without a stated reason is taken for waived.
  const bool stated = !statement.allowed.empty() || !statement.unproved.empty();
  if ((statement.waived || !stated) && !policy.allow_waived)
    return "it passed only because findings were accepted; --allow-waived takes that";
  return {};
}

Objection to_rules(const Statement& statement) {
  if (statement.rules >= outcome::rules_now) return {};
  return "it was made under rule set " + std::to_string(statement.rules) + ", and this is " +
         std::to_string(outcome::rules_now) +
         "; not asked then: " + join(outcome::not_asked(statement.rules), ", ") + "; run the scenario again";
}

// The sum must be what its parts say: a signer that contradicts itself is not believed.
Objection to_cells(const Statement& statement) {
  if (!statement.failed.empty())
    return "the result is " + std::string(to_string(statement.result)) + ", but " +
           quoted(statement.failed.front()) + " is among the failed cells";
  if (statement.result == TestResult::passed && !statement.warned.empty())
    return "the result is PASSED, but " + quoted(statement.warned.front()) + " is among the warned cells";
  std::multiset<std::string> listed(statement.passed.begin(), statement.passed.end());
  listed.insert(statement.warned.begin(), statement.warned.end());
  std::multiset<std::string> recorded;
  bool control = false, passed = false;
  for (const auto& cell : statement.cells) {
    if (!cell.expected && cell.outcome != outcome::to_string(outcome::Ending::passed))
      return "the cell " + quoted(cell.id) + " ended " + quoted(cell.outcome);
    if (!cell.expected && (cell.boots_wanted == 0 || cell.boots_proved != cell.boots_wanted))
      return "the cell " + quoted(cell.id) + " proved " + std::to_string(cell.boots_proved) + " of " +
             std::to_string(cell.boots_wanted) + " boots";
    if (cell.control && cell.expected) return "the control " + quoted(cell.id) + " was expected to fail";
    if (!is_sha256(cell.journal.sha256) || cell.journal.events == 0)
      return "the cell " + quoted(cell.id) + " has no journal";
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
      return "the cell " + quoted(cell.id) + " has more boots with all candidates than boots";
    holdings.push_back(cell.held);
    counts.push_back(!cell.expected);
  }
  const plan::Tuple tuple = plan::tuple_of(holdings);
  if (tuple.empty()) return "no cell holds an artefact labelled 'candidate'";
  if (const auto apart = plan::never_together(holdings, counts); !apart.empty())
    return "no cell that passed has booted with " + tuple.in_words() + " on " +
           printable(apart.front().in_words(), 200);
  return {};
}

Objection to_time(const Statement& statement, const Policy& policy) {
  if (statement.began > statement.ended) return "the run ended before it began";
  if (statement.ended > policy.now + allowed_clock_skew_seconds)
    return "the run is from the future: it ended " + show_moment(statement.ended);
  const Millis age = std::chrono::seconds(policy.now - statement.began);
  if (policy.max_age && age > *policy.max_age)
    return "the run is too old: it began " + show_moment(statement.began) + ", and --max-age is " +
           show_duration(*policy.max_age);
  return {};
}

Objection to_images(const Statement& statement, const Policy& policy) {
  for (const auto& [name, wanted] : policy.images) {
    const auto* image = statement.find("image/" + name);
    if (!image) return "the run used no image " + quoted(name) + ", and --image requires it";
    if (image->sha256 != wanted)
      return "the image " + quoted(name) + " was another one: its sha256 was " + image->sha256 +
             ", and --image requires " + wanted;
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
      return "no cell that passed matches " + quoted(glob);
  for (const auto& cell : statement.cells)
    if (!cell.control && !cell.expected && cell.boots_proved < policy.min_boots)
      return "the cell " + quoted(cell.id) + " proved " + std::to_string(cell.boots_proved) +
             " boots, and --min-boots is " + std::to_string(policy.min_boots);
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
  if (statement.subjects.empty()) return "it is about no artefact";
  const auto has = [](const std::vector<Resource>& list, const Resource& wanted) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& one) { return one.sha256 == wanted.sha256; });
  };
  for (const auto& file : files)
    if (!has(statement.subjects, file))
      return "the file " + quoted(file.name) + " was not tested: no subject has its sha256 " + file.sha256;
  for (const auto& subject : statement.subjects)
    if (!has(files, subject))
      return "the artefact " + quoted(subject.name) + " was tested, but no given file has its bytes";
  return {};
}

}  // namespace labctl::attest
