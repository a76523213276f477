#include "labctl/bundle/canary_record.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/control_record.h"
#include "labctl/cell/canary.h"
#include "labctl/event/event.h"

namespace labctl::bundle {
namespace {

using guest::Crash;

constexpr std::uint64_t largest_record = 16u << 20;  // of one death, which takes a minute

outcome::CanaryDeath read_death(const fs::path& records, const std::string& image, scenario::Os os,
                                const std::string& id, Crash crash) {
  outcome::CanaryDeath death{.crash = guest::to_string(crash)};
  const auto due = cell::due(crash);
  death.due.assign(due.begin(), due.end());
  auto text = read_file(records / id / "events.jsonl", largest_record);
  auto journal = text ? event::read_journal(*text, id, id + "/events.jsonl")
                      : Result<event::Journal>(fail(text.error()));
  if (!journal) {
    death.reason = fmt::format("no record of it: {}", journal.error().what);
    return death;
  }
  const cell::Death seen = cell::read_death(cell::canary_cell(id, image, os), crash, journal->events);
  death.due.assign(seen.due.begin(), seen.due.end());
  death.spoke.assign(seen.spoke.begin(), seen.spoke.end());
  death.title = seen.title;
  death.reason = seen.reason;
  return death;
}

std::string short_digest(const std::string& digest) {
  return is_sha256(digest) ? digest.substr(0, 12) : "not named";
}

std::optional<Json> read_summary(const fs::path& records, const std::string& image,
                                 const std::string& machine) {
  auto text = read_file(canary_summary(records, image, machine));
  auto summary = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
  return summary ? std::optional(std::move(*summary)) : std::nullopt;
}

// The summary's own word on what it stands on. The journals that it names are called by the key.
struct StandsOn {
  std::string image_sha256, key, records;
  std::int64_t made = 0;
};

StandsOn stands_on(const Json& summary) {
  return {text_at(summary, "image_sha256"), text_at(summary, "key"), text_at(summary, "records"),
          number_at(summary, "made_unix")};
}

std::string objection(const StandsOn& record, const outcome::RunRecord& run, const std::string& image,
                      const std::string& machine) {
  const auto* ours = run.image(image, machine);
  if (!ours) return "run.json does not name the image that it was proved for";
  if (record.image_sha256 != ours->sha256)
    return fmt::format("it was made of another image: sha256 {}, and the run's golden disk is {}",
                       short_digest(record.image_sha256), short_digest(ours->sha256));
  const outcome::RunPart part = run.part(image, machine);
  const std::string key = canary_key(*ours, part.host.fingerprint, run.tool_sha256);
  if (record.key != key || record.records != canary_prefix(image, key))
    return fmt::format(
        "it was made on another host, machine or snapshot, or by another labctl: its key is {}, and the "
        "run's is {}",
        short_digest(record.key), short_digest(key));
  const auto began = parse_moment(part.began), ended = parse_moment(part.ended);
  if (!began) return "run.json does not say when the run began";
  if (record.made <= *began && !is_fresh(record.made, *began))
    return fmt::format("it is too old: it was made {}, and the run began {}; a proof holds for 7 days",
                       show_moment(record.made), show_moment(*began));
  if (ended && record.made > *ended)
    return fmt::format("it is from the future: it was made {}, and the run ended {}",
                       show_moment(record.made), show_moment(*ended));
  return {};
}

}  // namespace

std::string canary_prefix(const std::string& image, const std::string& key) {
  return slug(image) + "." + key.substr(0, 8);
}

std::string canary_key(const outcome::ImageRecord& image, const std::string& host_fingerprint,
                       const std::string& tool_sha256) {
  const auto facts = parse_json(image.facts.json, {});
  return sha256(dump_line(Json{image.name, image.sha256, image.snapshot_sha256, image.nvram_sha256,
                               facts ? *facts : Json(), image.shape, host_fingerprint, tool_sha256}));
}

std::string canary_id(const std::string& prefix, Crash crash) {
  return prefix + ".canary-" + guest::to_string(crash);
}

fs::path canary_summary(const fs::path& records, const std::string& image, const std::string& machine) {
  return records / (slug(image) + (machine.empty() ? "" : ".machine-" + slug(machine)) + ".json");
}

outcome::Canary read_canary(const fs::path& records, const std::string& image, const std::string& machine) {
  outcome::Canary canary{.image = image, .machine = machine};
  const auto summary = read_summary(records, image, machine);
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

outcome::Canary read_canary(const fs::path& records, const outcome::RunRecord& run, const std::string& image,
                            const std::string& machine) {
  outcome::Canary canary = read_canary(records, image, machine);
  const auto summary = read_summary(records, image, machine);
  if (summary && !canary.deaths.empty()) canary.refused = objection(stands_on(*summary), run, image, machine);
  return canary;
}

}  // namespace labctl::bundle
