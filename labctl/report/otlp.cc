// OTLP/JSON traces: the run, its cells and their steps as spans, for viewers of traces.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/report/exports.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

enum class Status { ok = 1, error = 2 };

constexpr int internal = 1;  // the kind of every span
constexpr std::size_t longest_text = 2000;

Json attribute(const char* key, const std::string& text) {
  return {{"key", key}, {"value", {{"stringValue", visible(text, longest_text)}}}};
}

// 64-bit integers are decimal strings in protobuf's JSON.
Json attribute(const char* key, int number) {
  return {{"key", key}, {"value", {{"intValue", std::to_string(number)}}}};
}

class Trace {
 public:
  explicit Trace(const Record& record)
      : record_(record),
        id_(sha256(fmt::format("labctl trace {} {}", record.bundle, record.run.began)).substr(0, 32)),
        began_(Millis(parse_moment(record.run.began).value_or(0) * 1000)) {}

  Json json() {
    run();
    for (std::size_t i = 0; i < record_.run.plan.cells.size() && i < record_.verdict.cells.size(); ++i)
      cell(i);
    const Json scope{{"name", "labctl"}};
    const std::string version = record_.run.tool.substr(record_.run.tool.rfind(' ') + 1);  // "labctl 0.1.0"
    return {{"resourceSpans",
             Json::array({{{"resource",
                            {{"attributes", Json::array({attribute("service.name", "labctl"),
                                                         attribute("service.version", version)})}}},
                           {"scopeSpans", Json::array({{{"scope", scope}, {"spans", spans_}}})}}})}};
  }

 private:
  std::string nano(Millis since_began) const {
    return std::to_string((began_ + std::max(since_began, Millis(0))).count()) + "000000";
  }
  std::string id_of(const std::string& what) const { return sha256(id_ + " " + what).substr(0, 16); }

  Json& span(const std::string& id, const std::string& name, Millis from, Millis to) {
    spans_.push_back({{"traceId", id_},
                      {"spanId", id},
                      {"name", visible(name, longest_text)},
                      {"kind", internal},
                      {"startTimeUnixNano", nano(from)},
                      {"endTimeUnixNano", nano(std::max(from, to))}});
    return spans_.back();
  }

  static Json status(Status code, const std::string& message = {}) {
    Json status{{"code", static_cast<int>(code)}};
    if (!message.empty()) status["message"] = visible(message, longest_text);
    return status;
  }

  void run() {
    const auto& verdict = record_.verdict;
    const Millis ended(parse_moment(record_.run.ended).value_or(0) * 1000);
    Json& whole = span(id_of("run"), record_.run.plan.scenario, Millis(0), ended - began_);
    whole["attributes"] = {attribute("labctl.verdict", verdict::to_string(verdict.decision)),
                           attribute("labctl.accel", record_.run.host.accel)};
    whole["status"] = verdict.decision == verdict::Decision::passed
                          ? status(Status::ok)
                          : status(Status::error, join(verdict.reasons, "; "));
  }

  // When a cell began within its run is not recorded: each begins with the run.
  void cell(std::size_t i) {
    const plan::Cell& cell = record_.run.plan.cells[i];
    const outcome::Outcome& outcome = record_.verdict.cells[i];
    if (outcome.ending == outcome::Ending::not_run) return;
    Json& span_of_cell = span(id_of(cell.id), cell.id, Millis(0), outcome.took);
    span_of_cell["parentSpanId"] = id_of("run");
    span_of_cell["attributes"] = {attribute("labctl.image", cell.image),
                                  attribute("labctl.outcome", outcome_in_words(outcome)),
                                  attribute("labctl.boots_proved", outcome.boots_proved)};
    span_of_cell["status"] = outcome.as_wanted() ? status(Status::ok) : status(Status::error, outcome.reason);
    if (i >= record_.cells.size()) return;
    const Timeline& line = record_.cells[i].timeline;
    Json events = Json::array();
    for (const auto& mark : line.marks)
      events.push_back({{"timeUnixNano", nano(mark.at)}, {"name", visible(mark.text, longest_text)}});
    if (!events.empty()) span_of_cell["events"] = events;
    for (std::size_t step = 0; step < line.steps.size(); ++step) {
      const auto& [what, from, to] = line.steps[step];
      span(id_of(cell.id + " " + std::to_string(step)), what.text(), from, to)["parentSpanId"] =
          id_of(cell.id);
    }
  }

  const Record& record_;
  const std::string id_;
  const Millis began_;
  Json spans_ = Json::array();
};

}  // namespace

std::string otlp(const Record& record) { return dump_line(Trace(record).json()) + "\n"; }

}  // namespace labctl::report
