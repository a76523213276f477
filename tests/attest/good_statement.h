// A statement that verify takes, for tests that change one thing of it.
#pragma once

#include "labctl/attest/policy.h"
#include "labctl/attest/statement.h"
#include "labctl/base/digest.h"

namespace labctl::test {

// A statement that everything agrees with; each story changes one thing.
inline attest::Statement good_statement() {
  attest::Statement statement;
  statement.subjects = {{"driver.deb", sha256("driver")}, {"content.bin", sha256("content")}};
  statement.result = attest::TestResult::passed;
  for (const char* name : {"scenario", "plan", "image/debian", "run.json", "verdict.json"})
    statement.configuration.push_back({name, sha256(name)});
  statement.passed = {"debian.candidate"};
  statement.verdict = "passed";
  statement.scenario = "release";
  statement.tool = "labctl 1";
  statement.rules = 2;
  statement.scenario_plan = sha256("of the scenario");
  statement.began = 1'700'000'000;
  statement.ended = 1'700'000'600;
  const plan::Holding all{
      .image = "debian", .drivers = {"candidate"}, .contents = {"candidate"}, .boots_together = 3};
  statement.cells = {{"debian.candidate", false, "passed", false, 3, 3, {sha256("a"), 90}, all},
                     {"debian.control", true, "passed", false, 3, 3, {sha256("b"), 80}, {.image = "debian"}}};
  return statement;
}

inline const attest::Policy soon{.now = 1'700'000'700};

}  // namespace labctl::test
