// Everything that reads, judges, reports, verifies and scans recorded runs, in one program. It is not run:
// no_machine.py looks at what was linked into it.
#include "labctl/attest/envelope.h"
#include "labctl/attest/policy.h"
#include "labctl/bundle/archive.h"
#include "labctl/bundle/judge.h"
#include "labctl/bundle/reports.h"
#include "labctl/crash/crash.h"
#include "labctl/report/report.h"

using namespace labctl;

int main(int, char** argv) {
  auto folder = bundle::unpack_bundle(argv[1], argv[2]);
  if (!folder) return 2;
  auto judged = bundle::judge_bundle(*folder);
  if (!judged) return 2;
  const auto problems = bundle::write_reports(*folder, *judged);
  const auto statement = attest::state({.run = judged->run, .verdict = judged->verdict});
  const auto envelope = attest::read_envelope(judged->verdict_json, {});
  const auto findings =
      crash::scan(report::last_word(judged->verdict, judged->run.plan), crash::Os::linux_, {});
  return statement && envelope && problems.empty() && findings.empty() ? 0 : 1;
}
