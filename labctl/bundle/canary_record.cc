#include "labctl/bundle/canary_record.h"

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/canary.h"
#include "labctl/event/event.h"

namespace labctl::bundle {
namespace {

using guest::Crash;

constexpr std::uint64_t largest_journal = 16u << 20;

verdict::CanaryDeath read_death(const fs::path& records, const std::string& image, scenario::Os os,
                                const std::string& id, Crash crash) {
  verdict::CanaryDeath death{.crash = guest::to_string(crash)};
  for (const auto channel : cell::due(crash)) death.due.emplace_back(event::to_string(channel));
  auto text = read_file(records / id / "events.jsonl", largest_journal);
  auto journal = text ? event::read_journal(*text, id, id + "/events.jsonl")
                      : Result<event::Journal>(fail(text.error()));
  if (!journal) {
    death.reason = "no record of it: " + journal.error().what;
    return death;
  }
  const cell::Death seen = cell::read_death(cell::canary_cell(id, image, os), crash, journal->events);
  for (const auto channel : seen.spoke) death.spoke.emplace_back(event::to_string(channel));
  death.title = seen.title;
  death.reason = seen.reason;
  return death;
}

}  // namespace

std::string canary_id(const std::string& prefix, Crash crash) {
  return prefix + ".canary-" + guest::to_string(crash);
}

fs::path canary_summary(const fs::path& records, const std::string& image, const std::string& machine) {
  return records / (slug(image) + (machine.empty() ? "" : ".machine-" + slug(machine)) + ".json");
}

verdict::Canary read_canary(const fs::path& records, const std::string& image, const std::string& machine) {
  verdict::Canary canary{.image = image, .machine = machine};
  auto text = read_file(canary_summary(records, image, machine));
  auto summary = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
  if (!summary || text_at(*summary, "image") != image) return canary;
  const std::string prefix = text_at(*summary, "records");
  if (prefix.empty() || slug(prefix) != prefix) return canary;
  canary.made = show_moment(number_at(*summary, "made_unix"));
  const Json none = Json::array();
  const Json& crashes = summary->contains("crashes") ? summary->at("crashes") : none;
  const auto os = text_at(*summary, "os") == "windows" ? scenario::Os::windows : scenario::Os::linux_;
  const bool only_with_tool = guest::system_of(os).traits().panic_needs_tool;
  const auto made = [&](Crash crash) {
    return std::find(crashes.begin(), crashes.end(), guest::to_string(crash)) != crashes.end();
  };
  // A death that no record names was never there to be proved, but for those that every image must show.
  for (const Crash crash : guest::system_of(os).crashes())
    if ((crash != Crash::oops && !(only_with_tool && crash == Crash::panic)) || made(crash))
      canary.deaths.push_back(read_death(records, image, os, canary_id(prefix, crash), crash));
  return canary;
}

}  // namespace labctl::bundle
