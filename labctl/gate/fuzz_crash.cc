#include "labctl/gate/fuzz_crash.h"

#include <fmt/format.h>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/gate/fuzz_scenario.h"
#include "labctl/hunt/edits.h"
#include "labctl/reproduction/bisect.h"

namespace labctl::gate {
namespace {

constexpr int times_again = 3;

std::string so_many(std::size_t kept, std::size_t all, const char* what) {
  return fmt::format("{} of {} {}", kept, all, what);
}

}  // namespace

Result<bool> CrashFinisher::shows(const FuzzCrash& crash, const std::string& content) {
  auto seen = guest_.live(content, crash.at_boot);
  if (!seen) return fail(seen.error());
  if (seen->title() == crash.title) return true;
  for (const auto& finding : seen->findings)
    if (finding.title == crash.title) return true;
  return false;
}

Result<std::optional<std::string>> CrashFinisher::by_records(FuzzCrash& crash, const search::Tally& seen) {
  const fs::path content = crash.folder / "content.bin", work = commands_.work / "smaller";
  auto records = reproduction::read_records(*commands_.split, content, commands_.folder);
  if (!records) return std::nullopt;  // its author's tool does not read it
  const auto bytes_of = [&](const search::Records& kept) -> Result<std::string> {
    std::vector<std::string> names;
    for (const auto record : kept) names.push_back((*records)[record]);
    if (auto gone = remove_below(commands_.work, work); !gone) return fail(gone.error());
    if (auto made = make_dirs(work); !made) return fail(made.error());
    auto subset = reproduction::make_subset(*commands_.split, content, names, commands_.folder, work);
    return subset ? read_file(*subset) : Result<std::string>(fail(subset.error()));
  };
  auto answer = search::find_causes(records->size(), seen,
                                    [&](const search::Records& kept) -> Result<bool> {
                                      auto bytes = bytes_of(kept);
                                      if (!bytes) return fail(bytes.error());
                                      return shows(crash, *bytes);
                                    },
                                    {.most_probes = 60});
  if (!answer) return fail(answer.error());
  if (answer->causes.empty()) return std::nullopt;
  auto smallest = bytes_of(answer->causes.front().records);
  if (!smallest) return fail(smallest.error());
  crash.minimised = so_many(answer->causes.front().records.size(), records->size(), "records");
  return std::optional(std::move(*smallest));
}

Result<std::string> CrashFinisher::by_edits(FuzzCrash& crash, const std::string& content,
                                            const search::Tally& seen) {
  const auto edits = hunt::difference(good_, content);
  const auto bytes_of = [&](const search::Records& kept) {
    std::vector<hunt::Edit> some;
    for (const auto edit : kept) some.push_back(edits[edit]);
    return hunt::edited(good_, some);
  };
  crash.minimised = so_many(edits.size(), edits.size(), "differences from the known content");
  if (edits.size() < 2) return content;
  auto answer = search::find_causes(edits.size(), seen,
                                    [&](const search::Records& kept) { return shows(crash, bytes_of(kept)); },
                                    {.most_probes = 60});
  if (!answer) return fail(answer.error());
  if (answer->causes.empty()) return content;
  const auto& records = answer->causes.front().records;
  crash.minimised = so_many(records.size(), edits.size(), "differences from the known content");
  return bytes_of(records);
}

Result<std::string> CrashFinisher::smaller(FuzzCrash& crash, const std::string& content,
                                           const search::Tally& seen) {
  if (crash.at_boot) {
    crash.minimised = "left as it is: each try would be a boot";
    return content;
  }
  if (commands_.split) {
    auto found = by_records(crash, seen);
    if (!found) return fail(found.error());
    if (*found) return std::move(**found);
  }
  return by_edits(crash, content, seen);
}

Status CrashFinisher::finish(FuzzCrash& crash) {
  auto content = read_file(crash.folder / "content.bin");
  if (!content) return fail(content.error());
  search::Tally seen{1, 1};
  crash.confirmed = 0;
  for (int time = 0; time < times_again; ++time) {
    auto again = shows(crash, *content);
    if (!again) {
      crash.confirmed = -1;
      return fail(again.error());
    }
    seen.add(*again);
    crash.confirmed += *again ? 1 : 0;
  }
  if (crash.confirmed == 0) {
    crash.minimised = "never seen again";
    observer_.on(Note{fmt::format("{}: was not seen again; its content is kept", printable(crash.title))});
    return {};
  }
  auto small = smaller(crash, *content, seen);
  if (!small) return fail(small.error());
  if (auto written = write_file(crash.folder / "known.bin", good_); !written) return written;
  if (auto written = write_file(crash.folder / "minimal.bin", *small); !written) return written;
  const std::string text = scenario_text(cell_, driver_,
                                         {.title = crash.title,
                                          .file = "minimal.bin",
                                          .good = "known.bin",
                                          .by_apply = crash.by_apply,
                                          .at_boot = crash.at_boot});
  if (auto written = write_file(crash.folder / "scenario.yaml", text); !written) return written;
  observer_.on(
      Note{fmt::format("{}: seen again {} times; {}; labctl run {}", printable(crash.title), crash.confirmed,
                       crash.minimised, shell_quote((crash.folder / "scenario.yaml").string()))});
  return {};
}

}  // namespace labctl::gate
