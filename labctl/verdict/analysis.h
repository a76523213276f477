// What many outcomes say together: the same crash in several cells is one problem, and clean boots exclude a
// crash rate. Nothing here decides anything; the verdict does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/verdict/verdict.h"

namespace labctl::verdict {

// One title with all the cells that showed it, controls too. Suppressed findings are no problem, and a sign
// beside a crash that was read is no second one.
struct Problem {
  std::string title;
  crash::Kind kind = crash::Kind::other;
  crash::Severity severity = crash::Severity::warning;  // the worst of its findings
  std::string module;                                   // of the first finding that names one
  std::vector<std::string> cells;                       // in the plan's order, each once
};

// Fatal ones first, then those with most cells.
std::vector<Problem> problems(const Verdict& verdict);

// Boots that were proved in a cell that passed and showed nothing fatal at all; waived is not clean.
int clean_boots(const outcome::Outcome& outcome);

// The rule of three: this many clean boots exclude a crash rate above 3/N at 95 %. None up to three boots,
// where the rule says nothing.
std::optional<double> excluded_crash_rate(int clean_boots);

// Of the candidate's cells; controls run without it.
struct Statistics {
  int boots_proved = 0;
  int clean_boots = 0;
  bool failed = false;  // a guest failed, so "no crash was seen" is not what was seen
  std::optional<double> excluded_crash_rate() const;
};
Statistics statistics(const Verdict& verdict, const plan::Plan& plan);

}  // namespace labctl::verdict
