// What the verbs share that run a scenario: `run` and `drill`.
#pragma once

#include <functional>
#include <string>

#include "labctl/cli/host.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/signer.h"
#include "labctl/machine/machine.h"

namespace labctl::outcome {
struct ScenarioRecord;
}  // namespace labctl::outcome

namespace labctl::gate {
struct RunOrder;
struct RunResult;
}  // namespace labctl::gate

namespace labctl::cli {

class Verb;

// Where a run takes place, where its bundle goes and who signs it.
struct RunPlace {
  std::string out;
  HostChoice host;
  SigningOptions signing;
  machine::HostOpener open_host;

  void add_out_to(Verb& verb);
  void add_to(Verb& verb);  // the options of the host and of the signature
};

// The scenario as the run's record names it, without its text. Errors (input): --set.
Result<outcome::ScenarioRecord> scenario_record(const std::string& file, const Settings& settings);

// Runs it, prints the summary and the bundle's place, and gives the exit code of `end`.
using End = std::function<int(const gate::RunResult&)>;
int run_there(const RunPlace& place, const gate::RunOrder& order, const End& end);

}  // namespace labctl::cli
