// labctl drill: a candidate that is known to be bad goes through the whole gate, which must block it. A gate
// that has not been seen to close may stand open.

#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/signer.h"
#include "labctl/cli/verbs.h"
#include "labctl/gate/run.h"
#include "labctl/report/report.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct DrillRunOptions {
  std::string scenario, out = "reports/drills";
  Settings settings;
  HostChoice host;
  SigningOptions signing;
  machine::HostOpener open_host;
};

int say_result(const gate::RunResult& result) {
  const auto& verdict = result.judged.verdict;
  print_as_is(report::summary(verdict, result.judged.run.plan, {.colour = use_colour(1)}));
  print("bundle: " + result.bundle.string() + "\n");
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
  auto signer = Signer::open(options.signing);
  if (!signer) return report_error(signer.error());
  auto variables = options.settings.variables();
  if (!variables) return report_error(variables.error());
  auto loaded = load_plan(options.scenario, *variables, {});
  if (!loaded) return exit_code::bad_input;
  std::error_code ignored;
  gate::RunOrder order{
      .plan = std::move(loaded->second),
      .scenario = {.file = options.scenario,
                   .path = fs::absolute(options.scenario, ignored).lexically_normal().string(),
                   .text = loaded->first.text,
                   .set = {variables->begin(), variables->end()}},
      .out = options.out,
      .host = options.host.order(),
      .attest = [&](const bundle::Judged& judged) { return signer->attest(judged); }};
  return on_this_host(
      options.host, "ending the guests and keeping what they left",
      [&](const gate::Environment& environment, gate::Observer& observer) {
        auto result = gate::run(order, environment, observer);
        return result ? say_result(*result) : report_error(result.error());
      },
      options.open_host);
}

}  // namespace

void add_drill(CommandLine& command_line, const OpenHost& open_host) {
  const auto options = std::make_shared<DrillRunOptions>();
  options->open_host = open_host;
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
  verb.option("--out", options->out, "Where the bundle goes", {.value = "DIR", .show_default = true});
  options->host.add_to(verb);
  options->signing.add_to(verb);
}

}  // namespace labctl::cli
