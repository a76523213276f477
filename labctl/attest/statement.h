// What is signed: an in-toto Statement v1 with a test-result predicate v0.1, about one run and the very bytes
// that it tested. Knows nothing of signatures and keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/json.h"
#include "labctl/base/result.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/tuple.h"
#include "labctl/verdict/verdict.h"

namespace labctl::attest {

// warned: passed, because a person accepted what was found or the scenario's policy lets it pass.
enum class TestResult { passed, warned, failed };
const char* to_string(TestResult result);  // "PASSED" ...

// Something with a digest; `notes` is ours, free of form.
struct Resource {
  std::string name;
  std::string sha256;
  Json notes = Json::object();

  // Notes of a content that is an archive: on the archive the digest of its files' manifest, and on the
  // manifest and on each file that same digest.
  static constexpr const char* manifest = "manifest_sha256";
  static constexpr const char* inside = "inside_manifest_sha256";
};

struct CellRecord {
  std::string id;
  bool control = false;
  std::string outcome;
  bool expected = false;  // a negative test that ended as its scenario expects; it proves no boot
  int boots_wanted = 0;
  int boots_proved = 0;
  outcome::Journal journal;
  plan::Holding held = {};  // where it ran, with which artifacts, in how many boots with all candidates
  int proofs = 0;           // of its author's, that had to hold in each boot; 0: none, or not recorded
};

struct Statement {
  std::vector<Resource> subjects;  // the candidate's artifacts
  TestResult result = TestResult::failed;
  std::vector<Resource> configuration;  // what it was tested with: scenario, plan, images, records
  // Candidates' cells. Warned: passed with findings that a person accepted.
  std::vector<std::string> passed, warned, failed;
  std::string verdict, scenario, tool;
  int rules = 1;                      // the rule set that the run was made under (outcome/rules.h)
  std::string scenario_plan;          // scenario_plan_sha256() of what was run
  bool waived = false;                // a waiver was needed
  std::vector<std::string> waivers;   // titles of those that were given and had not expired
  bool warnings_allowed = false;      // the scenario's policy.warnings is `allow` in some cell, used or not
  std::vector<std::string> allowed;   // titles of what that policy let pass
  std::vector<std::string> unproved;  // why nothing proves that the driver uses the content, where so
  std::int64_t began = 0, ended = 0;  // of the run, in seconds since 1970
  std::vector<CellRecord> cells;      // controls too

  // The one resource of that name in the configuration, or nullptr.
  const Resource* find(std::string_view name) const;
};

// What a scenario and its --set values alone make of the plan: without the day, waivers and notes of a run,
// and without what its images' kernels were.
std::string scenario_plan_sha256(plan::Plan plan);

// What a bundle says about itself, already judged.
struct Record {
  const outcome::RunRecord& run;
  const verdict::Verdict& verdict;
  std::string run_sha256, verdict_sha256;
};

// Errors (input): the record names no digest for a candidate's artifact, or has no times.
Result<Statement> state(const Record& record);

// The payload's bytes and back. Reading is strict about what labctl writes and ignores what it does not know,
// as in-toto asks for; nothing in it is used before its signature is verified.
std::string to_payload(const Statement& statement);
Result<Statement> read_payload(std::string_view payload, const std::string& where);

}  // namespace labctl::attest
