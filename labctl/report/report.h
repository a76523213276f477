// One file per audience. Pure: verdicts and plans in, text out; who prints it, and whether in colour, is
// cli's business.
#pragma once

#include <string>
#include <vector>

#include "labctl/plan/plan.h"
#include "labctl/verdict/verdict.h"

namespace labctl::report {

// The matrix for people: one row per cell, with what each will do.
std::string plan_table(const plan::Plan& plan);

struct Style {
  bool colour = false;
};

// The end of a run on a terminal: every cell with its ending, the findings behind it, the verdict and its
// reasons.
std::string summary(const verdict::Verdict& verdict, const plan::Plan& plan, Style style);

// The last word, one line: "PASSED: 2 cells, 6 boots proved".
std::string last_word(const verdict::Verdict& verdict, const plan::Plan& plan);

}  // namespace labctl::report
