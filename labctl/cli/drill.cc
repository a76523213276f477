// labctl drill: a candidate that is known to be bad goes through the whole gate, which must block it. A gate
// that has not been seen to close may stand open.

#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/plan_here.h"
#include "labctl/cli/runs.h"
#include "labctl/gate/run.h"

namespace labctl::cli {
namespace {

struct DrillRunOptions {
  std::string scenario;
  Settings settings;
  RunPlace place{.out = "reports/drills", .host = {}, .signing = {}, .open_host = {}};
};

int say_result(const gate::RunResult& result) {
  const auto& verdict = result.judged.verdict;
  if (result.interrupted) return exit_code::interrupted;
  if (!result.is_signed) {
    report_error(because(result.is_signed.error(), "the drill could not be signed").value());
    return exit_code::no_verdict;
  }
  if (verdict.decision == verdict::Decision::blocked) {
    print("DRILL: the gate blocked it, as it must\n");
    return exit_code::passed;
  }
  if (verdict.decision == verdict::Decision::passed) {
    print("DRILL FAILED: the gate let a candidate pass that is known to be bad\n");
    say("labctl: publish nothing until it is known why; 'labctl report BUNDLE --format html' shows what was "
        "seen");
    return exit_code::blocked;
  }
  print("DRILL: no verdict, so nothing is known of the gate\n");
  return exit_code::no_verdict;
}

int drill(const DrillRunOptions& options) {
  auto signer = Signer::open(options.place.signing);
  if (!signer) return report_error(signer.error());
  auto scenario = scenario_record(options.scenario, options.settings);
  if (!scenario) return report_error(scenario.error());
  auto loaded = load_plan_here(scenario->file, {scenario->set.begin(), scenario->set.end()}, {});
  if (!loaded) return exit_code::bad_input;
  scenario->text = loaded->first.text;
  const gate::RunOrder order{.plan = std::move(loaded->second),
                             .scenario = std::move(*scenario),
                             .out = options.place.out,
                             .host = options.place.host.order(),
                             .attest = [&](const bundle::Judged& judged) { return signer->attest(judged); }};
  return run_there(options.place, order, say_result);
}

}  // namespace

void add_drill(CommandLine& command_line, const machine::HostOpener& open_host) {
  const auto options = std::make_shared<DrillRunOptions>();
  options->place.open_host = open_host;
  auto verb = command_line.verb(
      "drill",
      {.summary = "Run a candidate that is known to be bad: the gate must block it",
       .group = group::judging,
       .examples = "labctl drill scenarios/quickstart-blocked.yaml --sign release.key",
       .exit_codes = "0    blocked, as it must be: attestation.json vouches for the gate\n"
                     "1    passed: the gate does not block what is known to be bad\n"
                     "2    bad input or usage: nothing was started\n"
                     "3    no verdict: the lab failed, nothing ran, or it could not be signed\n"
                     "130  interrupted"},
      options, drill);
  verb.option("SCENARIO", options->scenario, "A scenario whose candidate is known to be bad, on your images",
              {.required = true});
  options->settings.add_to(verb);
  options->place.add_out_to(verb);
  options->place.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
