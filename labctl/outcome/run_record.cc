#include "labctl/outcome/run_record.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/strict_json.h"
#include "labctl/base/text.h"
#include "labctl/outcome/record_json.h"

namespace labctl::outcome {
namespace {

constexpr int version = 1;
constexpr long long most = 1LL << 53;  // beyond it readers of JSON differ
constexpr long long most_rules = 1'000'000;
constexpr long long most_shards = 1'000'000;
constexpr const char* use_its_own = "read it with the labctl that made it, or run its scenario again";

Json artifacts_json(const std::vector<ArtifactRecord>& artifacts) {
  Json list = Json::array();
  for (const auto& artifact : artifacts) {
    list.push_back({{"path", artifact.path}, {"sha256", artifact.sha256}, {"size", artifact.size}});
    if (!artifact.archive.empty()) list.back()["archive"] = artifact.archive;
  }
  return list;
}

Json images_json(const std::vector<ImageRecord>& images) {
  Json list = Json::array();
  for (const auto& image : images) {
    auto facts = parse_json(image.facts.json, {});
    list.push_back({{"name", image.name},
                    {"machine", image.machine},
                    {"shape", image.shape},
                    {"snapshot", image.snapshot},
                    {"sha256", image.sha256},
                    {"snapshot_sha256", image.snapshot_sha256},
                    {"nvram_sha256", image.nvram_sha256},
                    {"facts", facts ? std::move(*facts) : Json::object()},
                    {"boot_time_ms", image.boot_time.count()}});
    if (image.shard >= 0) list.back()["shard"] = image.shard;
  }
  return list;
}

Json host_json(const HostRecord& host) {
  Json json{{"hypervisor", host.hypervisor},     {"accel", host.accel},
            {"accel_reason", host.accel_reason}, {"machine_type", host.machine_type},
            {"architecture", host.architecture}, {"fingerprint", host.fingerprint}};
  if (!host.cpu.empty()) json["cpu"] = host.cpu;
  return json;
}

ArtifactRecord read_artifact(JsonObject& in) {
  in.only({"path", "sha256", "size", "archive"});
  ArtifactRecord artifact{.path = in.text("path"), .sha256 = in.text("sha256")};
  artifact.size = static_cast<std::uint64_t>(in.number("size", 0, most));
  artifact.archive = in.text_or("archive", {});
  return artifact;
}

ImageRecord read_image(JsonObject& in) {
  in.only({"name", "machine", "shape", "snapshot", "sha256", "snapshot_sha256", "nvram_sha256", "facts",
           "boot_time_ms", "shard"});
  ImageRecord image{.name = in.text("name"),
                    .machine = in.text_or("machine", {}),
                    .shape = in.text_or("shape", {}),
                    .snapshot = in.has("snapshot") && in.flag("snapshot"),
                    .sha256 = in.text("sha256"),
                    .snapshot_sha256 = in.text_or("snapshot_sha256", {}),
                    .nvram_sha256 = in.text_or("nvram_sha256", {})};
  if (in.has("facts")) {
    in.object("facts");  // it must be one
    image.facts = facts_from(dump_line(in.value("facts")));
  }
  if (in.has("boot_time_ms")) image.boot_time = Millis(in.number("boot_time_ms", 0, most));
  if (in.has("shard")) image.shard = static_cast<int>(in.number("shard", 0, most_shards));
  return image;
}

HostRecord read_host(JsonObject in) {
  in.only({"hypervisor", "accel", "accel_reason", "machine_type", "architecture", "fingerprint", "cpu"});
  HostRecord host;
  host.hypervisor = in.text_or("hypervisor", {});
  host.accel = in.text_or("accel", {});
  host.accel_reason = in.text_or("accel_reason", {});
  host.machine_type = in.text_or("machine_type", {});
  host.architecture = in.text_or("architecture", host.architecture);
  host.fingerprint = in.text_or("fingerprint", {});
  host.cpu = in.text_or("cpu", {});
  return host;
}

Json shard_json(const ShardRecord& shard) {
  return {{"split", shard.split},
          {"index", shard.index},
          {"of", shard.of},
          {"attempt", shard.attempt},
          {"node", shard.node}};
}

ShardRecord read_shard(JsonObject in) {
  in.only({"split", "index", "of", "attempt", "node"});
  ShardRecord shard{.split = in.text("split")};
  shard.index = static_cast<int>(in.number("index", 0, most_shards));
  shard.of = static_cast<int>(in.number("of", 1, most_shards));
  shard.attempt = static_cast<int>(in.number("attempt", 1, most_shards));
  shard.node = in.text("node");
  return shard;
}

Json merged_json(const std::vector<MergedShard>& shards) {
  Json list = Json::array();
  for (const MergedShard& shard : shards)
    list.push_back({{"index", shard.index},
                    {"attempt", shard.attempt},
                    {"used", shard.used},
                    {"node", shard.node},
                    {"began", shard.began},
                    {"ended", shard.ended},
                    {"run_sha256", shard.run_sha256},
                    {"host", host_json(shard.host)}});
  return list;
}

MergedShard read_merged(JsonObject& in) {
  in.only({"index", "attempt", "used", "node", "began", "ended", "run_sha256", "host"});
  MergedShard shard;
  shard.index = static_cast<int>(in.number("index", 0, most_shards));
  shard.attempt = static_cast<int>(in.number("attempt", 1, most_shards));
  shard.used = in.flag("used");
  shard.node = in.text("node");
  shard.began = in.text("began");
  shard.ended = in.text("ended");
  shard.run_sha256 = in.text("run_sha256");
  shard.host = read_host(in.object("host"));
  return shard;
}

}  // namespace

ImageFacts facts_from(const std::string& json) {
  auto read = parse_json(json, {});
  if (!read) return {};
  ImageFacts facts{.json = json,
                   .kernel_release = text_at(*read, "kernel_release"),
                   .kernel_version = text_at(*read, "kernel_version"),
                   .suite = text_at(*read, "suite"),
                   .key = text_at(*read, "key"),
                   .built = text_at(*read, "built"),
                   .sha256 = text_at(*read, "sha256")};
  if (read->contains("packages")) facts.packages_sha256 = text_at(read->at("packages"), "sha256");
  return facts;
}

const ArtifactRecord* RunRecord::artifact(std::string_view path) const {
  const auto found = std::find_if(artifacts.begin(), artifacts.end(),
                                  [&](const ArtifactRecord& artifact) { return artifact.path == path; });
  return found == artifacts.end() ? nullptr : &*found;
}

const ImageRecord* RunRecord::image(std::string_view name) const {
  const auto found = std::find_if(images.begin(), images.end(),
                                  [&](const ImageRecord& image) { return image.name == name; });
  return found == images.end() ? nullptr : &*found;
}

const ImageRecord* RunRecord::image(std::string_view name, std::string_view machine) const {
  const auto found = std::find_if(images.begin(), images.end(), [&](const ImageRecord& image) {
    return image.name == name && image.machine == machine;
  });
  return found == images.end() ? nullptr : &*found;
}

RunPart RunRecord::part(std::string_view name, std::string_view machine) const {
  if (split.empty()) return {began, ended, host};
  const ImageRecord* of = image(name, machine);
  for (const MergedShard& one : shards)
    if (of && one.used && one.index == of->shard) return {one.began, one.ended, one.host};
  static const HostRecord unknown;  // no proof stands on it
  return {{}, {}, unknown};
}

std::string write_run_record(const RunRecord& record) {
  Json json{{"labctl", version},
            {"tool", record.tool},
            {"tool_sha256", record.tool_sha256},
            {"rules", record.rules},
            {"began", record.began},
            {"scenario", scenario_json(record.scenario)},
            {"waivers", given_json(record.waivers)},
            {"artefacts", artifacts_json(record.artifacts)},
            {"images", images_json(record.images)},
            {"host", host_json(record.host)},
            {"plan", plan::to_json(record.plan)}};
  if (!record.resumed.empty()) json["resumed"] = record.resumed;
  if (record.shard) json["shard"] = shard_json(*record.shard);
  if (!record.split.empty()) {
    json["split"] = record.split;
    json["shards"] = merged_json(record.shards);
  }
  if (!record.ended.empty()) {
    json["ended"] = record.ended;
    json["interrupted"] = record.interrupted;
    if (record.ended_early) json["ended_early"] = true;
  }
  if (record.faults) json["faults"] = *record.faults;
  return dump_pretty(json);
}

Result<RunRecord> read_run_record(std::string_view text, const std::string& where) {
  auto json = parse_json(text, where);
  if (!json) return fail(json.error());
  const std::string made_by = printable(text_at(*json, "tool", "an unknown labctl"), 60);
  if (number_at(*json, "labctl") != version)
    return input_error(
        fmt::format("the bundle is of another version of labctl: it was made by '{}'", made_by), where,
        use_its_own);
  auto plan = plan::from_json(json->contains("plan") ? json->at("plan") : Json(), where);
  // A member that is missing is what a plan of an earlier version looks like, and a damaged one too.
  if (!plan)
    return input_error(fmt::format("the bundle is of an older version of labctl, or damaged: it was made by "
                                   "'{}', and its plan cannot be read: {}",
                                   made_by, plan.error().what),
                       where, use_its_own);
  std::string fault;
  JsonObject in(*json, "run", fault);
  in.only({"labctl", "tool", "tool_sha256", "rules", "began", "scenario", "waivers", "artefacts", "images",
           "host", "plan", "resumed", "shard", "split", "shards", "ended", "interrupted", "ended_early",
           "faults"});
  RunRecord record{.tool = in.text("tool"),
                   .tool_sha256 = in.text_or("tool_sha256", {}),
                   .rules = in.has("rules") ? static_cast<int>(in.number("rules", 1, most_rules)) : 1,
                   .began = in.text("began"),
                   .plan = std::move(*plan)};
  record.scenario = read_scenario(in.object("scenario"));
  if (in.has("waivers")) record.waivers = read_given(in.object("waivers"));
  in.each("artefacts", [&](JsonObject& item) { record.artifacts.push_back(read_artifact(item)); });
  in.each("images", [&](JsonObject& item) { record.images.push_back(read_image(item)); });
  record.host = read_host(in.object("host"));
  if (in.has("resumed")) record.resumed = in.texts("resumed");
  if (in.has("shard")) record.shard = read_shard(in.object("shard"));
  record.split = in.text_or("split", {});
  if (in.has("shards"))
    in.each("shards", [&](JsonObject& item) { record.shards.push_back(read_merged(item)); });
  if (record.split.empty() && !record.shards.empty()) in.wrong("split: it and shards belong together");
  record.ended = in.text_or("ended", {});
  if (in.has("interrupted")) record.interrupted = in.flag("interrupted");
  if (in.has("ended_early")) record.ended_early = in.flag("ended_early");
  if (in.has("faults")) record.faults = in.texts("faults");
  if (!fault.empty())
    return input_error(
        fmt::format("the record of the run is damaged: {} (it was made by '{}')", fault, made_by), where,
        use_its_own);
  return record;
}

}  // namespace labctl::outcome
