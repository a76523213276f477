#include "labctl/attest/statement.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::attest {
namespace {

constexpr const char* statement_type = "https://in-toto.io/Statement/v1";
constexpr const char* predicate_type = "https://in-toto.io/attestation/test-result/v0.1";
constexpr TestResult results[] = {TestResult::passed, TestResult::warned, TestResult::failed};

// in-toto leaves `annotations` to the producer; all that is ours stands under one name there.
constexpr const char* ours = "labctl";

Json to_json(const Resource& resource) {
  Json json{{"name", resource.name}, {"digest", {{"sha256", resource.sha256}}}};
  if (!resource.notes.empty()) json["annotations"] = {{ours, resource.notes}};
  return json;
}

Json to_json(const CellRecord& cell) {
  Json json{{"id", cell.id},
            {"control", cell.control},
            {"image", cell.held.image},
            {"machine", cell.held.machine},
            {"drivers", cell.held.drivers},
            {"contents", cell.held.contents},
            {"outcome", cell.outcome}};
  if (cell.expected) json["expected"] = true;
  json["boots"] = {
      {"wanted", cell.boots_wanted}, {"proved", cell.boots_proved}, {"together", cell.held.boots_together}};
  if (cell.proofs != 0) json["proofs"] = cell.proofs;
  json["journal"] = {{"sha256", cell.journal.sha256}, {"events", cell.journal.events}};
  return json;
}

// Reads a payload; the first thing that is wrong is kept, and what follows it does not matter.
class Reader {
 public:
  std::string problem;

  const Json& at(const Json& object, const char* key, Json::value_t type) {
    static const Json none;
    if (object.is_object() && object.contains(key) && object.at(key).type() == type) return object.at(key);
    refuse(fmt::format("'{}' is missing or of the wrong type", key));
    return none;
  }
  std::string text(const Json& object, const char* key) {
    const Json& value = at(object, key, Json::value_t::string);
    return value.is_string() ? value.get<std::string>() : "";
  }
  bool flag(const Json& object, const char* key) {
    return at(object, key, Json::value_t::boolean) == Json(true);
  }
  // One of two words; whether it is the second.
  bool word(const Json& object, const char* key, const char* first, const char* second) {
    const std::string value = text(object, key);
    if (value != first && value != second) refuse(fmt::format("'{}' is an unknown word", key));
    return value == second;
  }
  long long number(const Json& object, const char* key) {
    const long long value = number_at(object, key, -1);
    if (value < 0 || value > 1'000'000'000) refuse(fmt::format("'{}' is out of range", key));
    return value;
  }
  std::int64_t moment(const Json& object, const char* key) {
    auto value = parse_moment(text(object, key));
    if (!value) refuse(fmt::format("'{}' is not a time", key));
    return value.value_or(0);
  }
  std::string digest(const Json& object, const char* key) {
    std::string value = text(object, key);
    if (!is_sha256(value)) refuse(fmt::format("'{}' is not a SHA-256 digest", key));
    return value;
  }
  std::vector<std::string> texts(const Json& object, const char* key) {
    std::vector<std::string> values;
    for (const auto& value : at(object, key, Json::value_t::array)) {
      if (!value.is_string()) refuse(fmt::format("'{}' holds something else than text", key));
      if (value.is_string()) values.push_back(value.get<std::string>());
    }
    return values;
  }
  std::vector<Resource> resources(const Json& object, const char* key) {
    std::vector<Resource> values;
    for (const auto& value : at(object, key, Json::value_t::array)) {
      Resource resource;
      resource.name = text(value, "name");
      resource.sha256 = digest(at(value, "digest", Json::value_t::object), "sha256");
      if (value.is_object() && value.contains("annotations") && value.at("annotations").contains(ours))
        resource.notes = value.at("annotations").at(ours);
      values.push_back(std::move(resource));
    }
    return values;
  }
  // Statements of labctl before this was asked do not have it.
  plan::Holding holding(const Json& json, const Json& boots) {
    if (!boots.is_object() || !boots.contains("together"))
      refuse(
          "its cells do not state in how many boots the candidates were together: an earlier labctl made "
          "it, which did not ask; run the scenario again");
    return {.image = text(json, "image"),
            .machine = text(json, "machine"),
            .drivers = texts(json, "drivers"),
            .contents = texts(json, "contents"),
            .boots_together = static_cast<int>(number(boots, "together"))};
  }
  CellRecord cell(const Json& json) {
    CellRecord record;
    record.id = text(json, "id");
    record.control = flag(json, "control");
    record.outcome = text(json, "outcome");
    if (json.is_object() && json.contains("expected")) record.expected = flag(json, "expected");
    if (json.is_object() && json.contains("proofs")) record.proofs = static_cast<int>(number(json, "proofs"));
    const Json& boots = at(json, "boots", Json::value_t::object);
    record.boots_wanted = static_cast<int>(number(boots, "wanted"));
    record.boots_proved = static_cast<int>(number(boots, "proved"));
    record.held = holding(json, boots);
    const Json& journal = at(json, "journal", Json::value_t::object);
    record.journal.sha256 = text(journal, "sha256");
    record.journal.events = static_cast<std::uint64_t>(number(journal, "events"));
    return record;
  }
  void refuse(const std::string& what) {
    if (problem.empty()) problem = what;
  }
};

}  // namespace

const char* to_string(TestResult result) {
  switch (result) {
    case TestResult::passed:
      return "PASSED";
    case TestResult::warned:
      return "WARNED";
    case TestResult::failed:
      return "FAILED";
  }
  return "?";
}

const Resource* Statement::find(std::string_view name) const {
  const auto named = [&](const Resource& resource) { return resource.name == name; };
  const auto found = std::find_if(configuration.begin(), configuration.end(), named);
  if (found == configuration.end() || std::count_if(found, configuration.end(), named) != 1) return nullptr;
  return &*found;
}

std::string to_payload(const Statement& statement) {
  Json subjects = Json::array(), configuration = Json::array(), cells = Json::array();
  for (const auto& subject : statement.subjects) subjects.push_back(to_json(subject));
  for (const auto& cell : statement.cells) cells.push_back(to_json(cell));
  for (Resource resource : statement.configuration) {
    if (resource.name == "plan") resource.notes = {{"of_scenario", statement.scenario_plan}};
    if (resource.name == "run.json")
      resource.notes = {{"tool", statement.tool},
                        {"rules", statement.rules},
                        {"began", show_moment(statement.began)},
                        {"ended", show_moment(statement.ended)}};
    if (resource.name == "verdict.json")
      resource.notes = {{"verdict", statement.verdict},
                        {"scenario", statement.scenario},
                        {"waived", statement.waived},
                        {"waivers", statement.waivers},
                        {"policy", {{"warnings", statement.warnings_allowed ? "allow" : "fail"}}},
                        {"allowed", statement.allowed},
                        {"unproved", statement.unproved},
                        {"cells", cells}};
    configuration.push_back(to_json(resource));
  }
  return dump_line({{"_type", statement_type},
                    {"subject", subjects},
                    {"predicateType", predicate_type},
                    {"predicate",
                     {{"result", to_string(statement.result)},
                      {"configuration", configuration},
                      {"passedTests", statement.passed},
                      {"warnedTests", statement.warned},
                      {"failedTests", statement.failed}}}});
}

Result<Statement> read_payload(std::string_view payload, const std::string& where) {
  auto json = parse_json(payload, where);
  if (!json) return fail(json.error());
  Reader reader;
  if (reader.text(*json, "_type") != statement_type) reader.refuse("it is not an in-toto Statement v1");
  if (reader.text(*json, "predicateType") != predicate_type) reader.refuse("it is not a test result v0.1");
  Statement statement;
  statement.subjects = reader.resources(*json, "subject");
  const Json& predicate = reader.at(*json, "predicate", Json::value_t::object);
  const std::string result = reader.text(predicate, "result");
  const auto* known = std::find_if(std::begin(results), std::end(results),
                                   [&](TestResult one) { return result == to_string(one); });
  if (known == std::end(results))
    reader.refuse(fmt::format("its result is none: '{}'", printable(result, 40)));
  if (known != std::end(results)) statement.result = *known;
  statement.configuration = reader.resources(predicate, "configuration");
  statement.passed = reader.texts(predicate, "passedTests");
  statement.warned = reader.texts(predicate, "warnedTests");
  statement.failed = reader.texts(predicate, "failedTests");
  for (const char* name : {"scenario", "plan", "run.json", "verdict.json"})
    if (!statement.find(name)) reader.refuse(fmt::format("its configuration names not one {}", name));
  if (!reader.problem.empty())
    return input_error(fmt::format("the statement cannot be used: {}", reader.problem), where);

  const Json& run = statement.find("run.json")->notes;
  statement.tool = reader.text(run, "tool");
  // Statements of labctl before there was a second rule set do not have it.
  if (run.is_object() && run.contains("rules"))
    statement.rules = static_cast<int>(reader.number(run, "rules"));
  statement.began = reader.moment(run, "began");
  statement.ended = reader.moment(run, "ended");
  const Json& verdict = statement.find("verdict.json")->notes;
  statement.verdict = reader.text(verdict, "verdict");
  statement.scenario = reader.text(verdict, "scenario");
  for (const auto& cell : reader.at(verdict, "cells", Json::value_t::array))
    statement.cells.push_back(reader.cell(cell));
  statement.scenario_plan = reader.digest(statement.find("plan")->notes, "of_scenario");
  statement.waived = reader.flag(verdict, "waived");
  // Statements of the first rule set do not name them.
  if (statement.rules >= 2) statement.waivers = reader.texts(verdict, "waivers");
  statement.warnings_allowed =
      reader.word(reader.at(verdict, "policy", Json::value_t::object), "warnings", "fail", "allow");
  statement.allowed = reader.texts(verdict, "allowed");
  statement.unproved = reader.texts(verdict, "unproved");
  if (!reader.problem.empty())
    return input_error(fmt::format("the statement cannot be used: {}", reader.problem), where);
  return statement;
}

}  // namespace labctl::attest
