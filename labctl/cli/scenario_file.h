// A scenario's file, and what it names, read for a verb that then has a plan.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/scenario.h"

namespace labctl::cli {

class Verb;

// --set NAME=VALUE, as it was typed.
struct Settings {
  std::vector<std::string> given;

  void add_to(Verb& verb);
  // Errors (input): no NAME=VALUE, a name that is given twice.
  Result<scenario::Variables> variables() const;
};

// A signature file: its text, which has no mistake; complains by itself and gives nothing when there is one.
// `mark` says where the file is named, if anywhere.
std::optional<std::string> load_signatures(const std::string& file, const std::string& mark = {});

struct Waivers {
  std::string text;
  std::vector<scenario::Acceptance> entries;
};
// Both complain by themselves and give nothing when there is a mistake; no file, or no text, is no waiver.
// `where` is how the text is called.
std::optional<Waivers> read_waivers(const std::string& file);
std::optional<Waivers> take_waivers(std::string text, const std::string& where);

Date today();  // of UTC; the head has no clock and gets it

// File -> Scenario -> Plan; complains by itself and gives nothing when there is a mistake. ${kernel} stays in
// its drivers' paths: what it is, a host with the images says (plan_here.h).
std::optional<std::pair<scenario::Scenario, plan::Plan>> load_plan(
    const std::string& file, const scenario::Variables& variables, const std::string& only,
    const std::vector<scenario::Acceptance>& waivers = {}, Date day = today());

// "gate.yaml: warning: ...", each on a line of standard error.
void print_warnings(const std::string& file, const std::vector<std::string>& warnings);

}  // namespace labctl::cli
