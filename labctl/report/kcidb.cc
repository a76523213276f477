// KCIDB's I/O format: what Linux kernel CI systems send to one database. It knows a code of status for a lab
// that failed and one for what did not run, so neither becomes a failure of the candidate.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/exports.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using outcome::Ending;

constexpr std::size_t longest_excerpt = 16'384, kcidb_lines = 60, longest_comment = 2000;

const char* kcidb_status(const outcome::Outcome& outcome, bool control) {
  if (outcome.as_wanted()) return "PASS";
  if (outcome.ending == Ending::not_run) return "MISS";
  return outcome::is_guest_failure(outcome.ending) && !control ? "FAIL" : "ERROR";
}

const char* kcidb_status(const verdict::Verdict& verdict) {
  if (verdict.decision == verdict::Decision::passed) return "PASS";
  if (verdict.decision == verdict::Decision::blocked) return "FAIL";
  return verdict.nothing_ran ? "MISS" : "ERROR";
}

// Names joined by dots; KCIDB takes each for a level of its tree of tests.
std::string path_of(std::string_view name) {
  std::string path;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (plain || (c == '.' && !path.empty() && path.back() != '.'))
      path += c;
    else
      path += '_';
  }
  if (path.ends_with('.')) path.back() = '_';
  return path;
}

class Submission {
 public:
  explicit Submission(const Record& record)
      : record_(record), id_("labctl:" + visible(record.bundle, 200)), path_("labctl." + top()) {}

  Json json() const {
    Json tests = Json::array({whole()});
    for (std::size_t i = 0; i < record_.run.plan.cells.size() && i < record_.verdict.cells.size(); ++i)
      tests.push_back(test(i));
    Json builds = Json::array();
    for (const auto& image : images()) builds.push_back(build(image));
    return {{"version", {{"major", 5}, {"minor", 0}}},
            {"checkouts", Json::array({checkout()})},
            {"builds", builds},
            {"tests", tests}};
  }

 private:
  std::string top() const {
    std::string name = path_of(record_.run.plan.scenario);
    std::replace(name.begin(), name.end(), '.', '_');
    return name.empty() ? "run" : name;
  }

  std::vector<std::string> images() const {
    std::vector<std::string> names;
    for (const auto& cell : record_.run.plan.cells)
      if (std::find(names.begin(), names.end(), cell.image) == names.end()) names.push_back(cell.image);
    if (names.empty()) names.push_back("none");
    return names;
  }

  // The candidate takes the place of a kernel's source.
  Json checkout() const {
    Json artifacts = Json::array();
    for (const auto& artifact : record_.run.artifacts)
      artifacts.push_back({{"name", visible(artifact.path, 300)}, {"sha256", artifact.sha256}});
    return {{"id", id_},
            {"origin", "labctl"},
            {"comment", fmt::format("candidate of the scenario {}", visible(record_.run.plan.scenario, 200))},
            {"misc", {{"artifacts", artifacts}}}};
  }

  // An image takes the place of a kernel's build.
  Json build(const std::string& name) const {
    Json build{{"id", id_ + ":" + name},
               {"checkout_id", id_},
               {"origin", "labctl"},
               {"architecture", record_.run.host.architecture},
               {"comment", fmt::format("image {}", name)}};
    if (const auto* image = record_.run.image(name))
      build["misc"] = {{"kernel_release", visible(image->facts.kernel_release, 200)},
                       {"sha256", image->sha256}};
    return build;
  }

  Json whole() const {
    const auto statistics = verdict::statistics(record_.verdict, record_.run.plan);
    Json test{{"id", id_ + ":verdict"},
              {"build_id", id_ + ":" + images().front()},
              {"origin", "labctl"},
              {"path", path_},
              {"status", kcidb_status(record_.verdict)},
              {"misc",
               {{"verdict", verdict::to_string(record_.verdict.decision)},
                {"statistics", statistics_in_words(statistics)}}}};
    if (parse_moment(record_.run.began)) test["start_time"] = record_.run.began;
    if (!record_.verdict.reasons.empty())
      test["comment"] = visible(join(record_.verdict.reasons, "; "), longest_comment);
    return test;
  }

  Json test(std::size_t i) const {
    const plan::Cell& cell = record_.run.plan.cells[i];
    const outcome::Outcome& outcome = record_.verdict.cells[i];
    Json test{{"id", id_ + ":" + cell.id},
              {"build_id", id_ + ":" + cell.image},
              {"origin", "labctl"},
              {"environment",
               {{"comment", cell.image},
                {"misc",
                 {{"accel", visible(record_.run.host.accel, 100)},
                  {"machine", visible(record_.run.host.machine_type, 200)}}}}},
              {"path", path_ + "." + path_of(cell.id)},
              {"status", kcidb_status(outcome, cell.control)},
              {"duration", static_cast<double>(outcome.took.count()) / 1000},
              {"misc",
               {{"outcome", outcome_in_words(outcome)},
                {"control", cell.control},
                {"driver", cell.driver},
                {"content", cell.content},
                {"boots_proved", outcome.boots_proved},
                {"boots_wanted", outcome.boots_wanted}}}};
    if (!outcome.reason.empty()) test["comment"] = visible(outcome.reason, longest_comment);
    if (std::string text = excerpts(outcome); !text.empty()) test["log_excerpt"] = text;
    return test;
  }

  static std::string excerpts(const outcome::Outcome& outcome) {
    std::string text;
    for (const auto& seen : outcome.findings)
      if (seen.finding.suppressed.empty() && text.size() < longest_excerpt)
        text += visible(seen.finding.title, 500) + "\n" +
                excerpt(seen.finding, kcidb_lines, longest_excerpt) + "\n";
    return text.size() < longest_excerpt ? text : visible(text, longest_excerpt - 16);
  }

  const Record& record_;
  const std::string id_, path_;
};

}  // namespace

std::string kcidb(const Record& record) { return dump_pretty(Submission(record).json()); }

}  // namespace labctl::report
