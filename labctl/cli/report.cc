#include "labctl/report/report.h"

#include "labctl/base/files.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/judge.h"
#include "labctl/bundle/reports.h"
#include "labctl/cli/cli.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::cli {

int report(const ReportOptions& options) {
  const auto& [bundle, format, out, debug] = options;
  const std::vector<fs::path> debug_files(debug.begin(), debug.end());
  if (auto usable = symbolize::source_lines({}, debug_files); !usable) return complain(usable.error());
  auto judged = bundle::judge_bundle(bundle);
  if (!judged) return complain(judged.error());
  const auto record = bundle::read_record(bundle, *judged, debug_files);
  const std::string text = format == "html"    ? report::html(record)
                           : format == "junit" ? report::junit(record)
                           : format == "md"    ? report::markdown(record)
                                               : judged->verdict_json;
  if (out.empty()) {
    if (format == "json")
      print_json(text);
    else
      print(text);
    return 0;
  }
  if (auto written = write_file(out, text); !written) return complain(written.error());
  return 0;
}

}  // namespace labctl::cli
