#include "labctl/attest/result.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/strict_json.h"
#include "labctl/base/units.h"

namespace labctl::attest {
namespace {

constexpr const char* statement_type = "https://in-toto.io/Statement/v1";
constexpr const char* predicate_type = "https://in-toto.io/attestation/svr/v0.1";

}  // namespace

bool VerificationResult::has(std::string_view property) const {
  return std::find(properties.begin(), properties.end(), property) != properties.end();
}

std::string to_payload(const VerificationResult& result) {
  Json subjects = Json::array();
  for (const auto& subject : result.subjects)
    subjects.push_back({{"name", subject.name}, {"digest", {{"sha256", subject.sha256}}}});
  return dump_line({{"_type", statement_type},
                    {"subject", subjects},
                    {"predicateType", predicate_type},
                    {"predicate",
                     {{"verifier", {{"id", result.verifier}}},
                      {"timeCreated", show_moment(result.created)},
                      {"properties", result.properties},
                      {"labctl", result.notes}}}});
}

Result<VerificationResult> read_result(std::string_view payload, const std::string& where) {
  auto json = parse_json(payload, where);
  if (!json) return fail(json.error());
  std::string fault;
  JsonObject statement(*json, "statement", fault);
  VerificationResult result;
  if (statement.text("_type") != statement_type) statement.wrong("it is not an in-toto Statement v1");
  if (statement.text("predicateType") != predicate_type)
    statement.wrong("it is not a Simple Verification Result v0.1");
  statement.each("subject", [&](JsonObject& subject) {
    Resource resource{subject.text("name"), subject.object("digest").text("sha256")};
    if (!is_sha256(resource.sha256)) subject.wrong("digest: expected a SHA-256");
    result.subjects.push_back(std::move(resource));
  });
  JsonObject predicate = statement.object("predicate");
  result.verifier = predicate.object("verifier").text("id");
  const auto created = parse_moment(predicate.text("timeCreated"));
  if (!created) predicate.wrong("timeCreated: expected a time such as 2026-11-22T02:35:09Z");
  result.created = created.value_or(0);
  result.properties = predicate.texts("properties");
  result.notes = predicate.value("labctl");
  if (!fault.empty()) return input_error(fmt::format("the statement cannot be used: {}", fault), where);
  return result;
}

}  // namespace labctl::attest
