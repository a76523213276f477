#include "labctl/report/report.h"

#include <algorithm>
#include <iterator>

#include "labctl/base/files.h"
#include "labctl/bundle/judge.h"
#include "labctl/bundle/reports.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/symbols_option.h"
#include "labctl/report/exports.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::cli {
namespace {

struct ReportOptions {
  std::string bundle, format, out;
  std::vector<std::string> debug;  // modules with their debug information
};

struct Form {
  const char* name;
  std::string (*make)(const report::Record& record);
  void (*print)(std::string_view text);
};

// Besides "json", which is the verdict as it was recorded.
constexpr Form forms[] = {
    {"html", report::html, print},
    {"junit", report::junit, print},
    {"md", report::markdown, print},
    {"ctrf", report::ctrf, print_json},
    {"github", report::github, print_as_is},  // its commands are labctl's own, and nothing of a guest's is
                                              // one
    {"sarif", report::sarif, print_json},
    {"kcidb", report::kcidb, print_json},
    {"otlp", report::otlp, print_json},
};

const Form* find_form(const std::string& name) {
  const auto* form =
      std::find_if(std::begin(forms), std::end(forms), [&](const Form& each) { return each.name == name; });
  return form == std::end(forms) ? nullptr : form;
}

int report(const ReportOptions& options) {
  const auto& [bundle, format, out, debug] = options;
  const std::vector<fs::path> debug_files(debug.begin(), debug.end());
  if (auto usable = symbolize::source_lines({}, debug_files); !usable) return report_error(usable.error());
  bundle::Lives lives;
  auto judged = bundle::judge_bundle(bundle, bundle::lives_into(lives));
  if (!judged) return report_error(judged.error());
  const auto record = bundle::read_record(bundle, *judged, debug_files, std::move(lives));
  const auto* form = find_form(format);
  const std::string text = form ? form->make(record) : judged->verdict_json;
  if (out.empty()) {
    (form ? form->print : print_json)(text);
    return 0;
  }
  if (auto written = write_file(out, text); !written) return report_error(written.error());
  return 0;
}

}  // namespace

void add_report(CommandLine& command_line) {
  const auto options = std::make_shared<ReportOptions>();
  auto verb = command_line.verb(
      "report",
      {.summary = "Make a report of a bundle again from its recorded events",
       .group = group::judging,
       .examples = "labctl report reports/runs/20261122T003338Z-quickstart --format md\n"
                   "labctl report reports/runs/20261122T003338Z-quickstart --format html --out report.html",
       .exit_codes = "0    the report was made, whatever the verdict\n"
                     "2    not a bundle, or bad usage\n"
                     "3    the file of --out cannot be written"},
      options, report);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("--format", options->format,
              "For a browser, for Jenkins and GitLab, for a job's page, for programs; for tools that read "
              "CTRF, for GitHub Actions, for viewers of SARIF, for KCIDB, for viewers of traces",
              {.required = true,
               .one_of = {"html", "junit", "md", "json", "ctrf", "github", "sarif", "kcidb", "otlp"}});
  verb.option("--out", options->out, "Write it here instead of to standard output", {.value = "FILE"});
  add_symbols_option(verb, options->debug);
}

}  // namespace labctl::cli
