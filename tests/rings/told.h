// A plan and a field that holds; each story changes one thing.
#pragma once

#include <string>
#include <vector>

#include "labctl/base/digest.h"
#include "labctl/rings/rings.h"

namespace labctl::test {

constexpr std::int64_t hour = 3600, day = 24 * hour;
constexpr std::int64_t opened = 1'800'000'000;

inline const std::string driver = sha256("driver"), content = sha256("content"), older = sha256("older");

inline const std::string plan_text =
    "labctl: 1\n"
    "verdict: {scenario: release.yaml, max-age: 36h, require: ['debian-*'], min-boots: 3}\n"
    "rings:\n"
    "  - {name: internal, machines: 25, soak: 24h, halt: {crashes: 1, silent: 10 %}}\n"
    "  - {name: early, machines: 100, soak: 48h, crash-rate: {fine: 1/10000, bad: 1/1000, per: machine-day, "
    "sure: 95 %}}\n"
    "  - {name: broad}\n";

inline rings::Plan plan() { return rings::load_plan(plan_text, "rings.yaml").plan; }

inline rings::Verdict passed() {
  return {.objection = {}, .halts = {}, .candidate = {{driver, content}, true, true}};
}

inline rings::Report report(const std::string& ring, int machine, std::int64_t from, std::int64_t to) {
  return {.ring = ring,
          .machine = "m" + std::to_string(machine),
          .driver = driver,
          .content = content,
          .from = opened + from,
          .to = opened + to,
          .boots = 1,
          .crashes = {}};
}

// Machines that reported once before the ring opened, with other bytes, and then from its opening until `to`.
inline std::vector<rings::Report> field(const std::string& ring, int machines, std::int64_t to) {
  std::vector<rings::Report> reports;
  for (int i = 0; i < machines; ++i) {
    reports.push_back(report(ring, i, -day, -hour));
    reports.back().driver = reports.back().content = older;
    reports.push_back(report(ring, i, 0, to));
  }
  return reports;
}

}  // namespace labctl::test
