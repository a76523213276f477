#include "labctl/cli/ring_files.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"

namespace labctl::cli {

std::optional<PlanFile> load_rings(const std::string& file, const std::string& ring) {
  auto text = read_file(file, 1u << 20);
  if (!text) {
    report_error(Error{Fault::input, text.error().what, file, {}});
    return std::nullopt;
  }
  auto loaded = rings::load_plan(*text, file);
  if (!loaded.mistakes.empty()) {
    report_error(loaded.mistakes);
    return std::nullopt;
  }
  const auto found = loaded.plan.find(ring);
  if (!found) {
    report_error(Error{Fault::input, fmt::format("there is no ring '{}'", printable(ring, 60)), file,
                       fmt::format("its rings: {}", loaded.plan.names())});
    return std::nullopt;
  }
  return PlanFile{std::move(loaded.plan), sha256(*text), *found};
}

Result<std::vector<std::string>> halts_in(const std::string& folder, const Trusted& ring_keys,
                                          const std::vector<attest::Resource>& artifacts, std::int64_t now) {
  std::vector<std::string> halts;
  if (folder.empty()) return halts;
  std::error_code problem;
  std::vector<std::string> files;
  for (fs::directory_iterator it(folder, problem), end; !problem && it != end; it.increment(problem))
    if (it->path().extension() == ".json") files.push_back(it->path().string());
  if (problem)
    return input_error(fmt::format("the folder of halts cannot be read: {}", problem.message()), folder);
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    auto envelope = read_envelope_file(file);
    if (!envelope) return fail(envelope.error());
    auto payload = ring_keys.open_by_any(*envelope);
    if (!payload)
      return input_error(fmt::format("what lies among the halts is not one: {}", payload.error().what), file,
                         "keep halts in a folder of their own");
    auto halt = rings::read_halt(*payload, file);
    if (!halt) return fail(halt.error());
    if (auto why = rings::objection(*halt, now)) return input_error(fmt::format("the halt: {}", *why), file);
    if (halt->is_about(artifacts)) halts.push_back(halt->in_words());
  }
  return halts;
}

}  // namespace labctl::cli
