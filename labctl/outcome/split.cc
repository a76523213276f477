#include "labctl/outcome/split.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/outcome/record_json.h"

namespace labctl::outcome {
namespace {

constexpr int split_version = 1;
constexpr const char* split_again = "run 'labctl split' again";

Json split_artifacts_json(const std::vector<SplitArtifact>& artifacts) {
  Json list = Json::array();
  for (const auto& artifact : artifacts) {
    list.push_back({{"path", artifact.path},
                    {"sha256", artifact.sha256},
                    {"size", artifact.size},
                    {"source_sha256", artifact.source_sha256}});
    if (!artifact.archive.empty()) list.back()["archive"] = artifact.archive;
  }
  return list;
}

Json content_json(const Split& split) {
  Json images = Json::array(), shards = Json::array();
  for (const auto& image : split.images) images.push_back({{"name", image.name}, {"sha256", image.sha256}});
  for (const auto& shard : split.shards) shards.push_back({{"cells", shard.cells}});
  return {{"labctl", split_version},
          {"nonce", split.nonce},
          {"made", split.made},
          {"tool", split.tool},
          {"tool_sha256", split.tool_sha256},
          {"rules", split.rules},
          {"scenario", scenario_json(split.scenario)},
          {"waivers", given_json(split.waivers)},
          {"artifacts", split_artifacts_json(split.artifacts)},
          {"images", std::move(images)},
          {"plan", plan::to_json(split.plan)},
          {"shards", std::move(shards)}};
}

std::string read_digest(JsonObject& in, const char* key) {
  std::string digest = in.text(key);
  if (!is_sha256(digest)) in.wrong(fmt::format("{}: not a SHA-256", key));
  return digest;
}

SplitArtifact read_split_artifact(JsonObject& in) {
  in.only({"path", "sha256", "size", "source_sha256", "archive"});
  SplitArtifact artifact{.path = in.text("path"), .sha256 = read_digest(in, "sha256")};
  artifact.size = static_cast<std::uint64_t>(in.number("size", 0, 1LL << 53));
  artifact.source_sha256 = read_digest(in, "source_sha256");
  if (in.has("archive")) artifact.archive = read_digest(in, "archive");
  return artifact;
}

SplitImage read_split_image(JsonObject& in) {
  in.only({"name", "sha256"});
  return {in.text("name"), read_digest(in, "sha256")};
}

void read_content(JsonObject& in, Split& split) {
  in.only({"labctl", "nonce", "made", "tool", "tool_sha256", "rules", "scenario", "waivers", "artifacts",
           "images", "plan", "shards", "split"});
  split.nonce = in.text("nonce");
  if (split.nonce.size() != 32) in.wrong("nonce: not 128 bits in hex");
  split.made = in.text("made");
  if (!parse_moment(split.made)) in.wrong("made: not a moment in UTC");
  split.tool = in.text("tool");
  split.tool_sha256 = read_digest(in, "tool_sha256");
  split.rules = static_cast<int>(in.number("rules", 1, 1'000'000));
  split.scenario = read_scenario(in.object("scenario"));
  split.waivers = read_given(in.object("waivers"));
  in.each("artifacts", [&](JsonObject& item) { split.artifacts.push_back(read_split_artifact(item)); });
  in.each("images", [&](JsonObject& item) { split.images.push_back(read_split_image(item)); });
  in.each("shards", [&](JsonObject& item) {
    item.only({"cells"});
    split.shards.push_back({item.texts("cells")});
  });
  split.digest = read_digest(in, "split");
}

std::string of_another(const std::string& what, const std::string& was, const std::string& is) {
  return fmt::format("{} is another one: the split names {}, the shard {}", what, printable(was, 80),
                     printable(is, 80));
}

void compare_artifacts(const Split& split, const plan::Plan& part, const RunRecord& run,
                       std::vector<std::string>& all) {
  for (const auto& artifact : run.artifacts) {
    const auto known = std::find_if(split.artifacts.begin(), split.artifacts.end(),
                                    [&](const auto& one) { return one.path == artifact.path; });
    const std::string name = fmt::format("the artifact {}", printable(artifact.path, 200));
    if (known == split.artifacts.end())
      all.push_back(fmt::format("{} is not part of the split", name));
    else if (known->sha256 != artifact.sha256)
      all.push_back(of_another(name, known->sha256, artifact.sha256));
    else if (known->archive != artifact.archive)
      all.push_back(of_another(name, known->archive, artifact.archive));
  }
  for (const auto& name : part.images()) {
    const auto known = std::find_if(split.images.begin(), split.images.end(),
                                    [&](const auto& one) { return one.name == name; });
    const ImageRecord* image = run.image(name);
    if (!image)
      all.push_back(fmt::format("the image {} is not in its record", name));
    else if (known == split.images.end() || known->sha256 != image->sha256)
      all.push_back(of_another(fmt::format("the disk of image {}", name),
                               known == split.images.end() ? "none" : known->sha256, image->sha256));
  }
}

}  // namespace

std::string split_digest(const Split& split) { return sha256(dump_line(content_json(split))); }

std::string write_split(const Split& split) {
  Json json = content_json(split);
  json["split"] = split_digest(split);
  return dump_pretty(json);
}

Result<Split> read_split(std::string_view text, const std::string& where) {
  auto json = parse_json(text, where);
  if (!json) return fail(json.error());
  if (!json->contains("split") || number_at(*json, "labctl") != split_version)
    return input_error("is not a split of this version of labctl", where, split_again);
  auto plan = plan::from_json(json->contains("plan") ? json->at("plan") : Json(), where);
  if (!plan) return because(plan.error(), "the split is damaged");
  std::string fault;
  Split split{.plan = std::move(*plan)};
  JsonObject in(*json, "split", fault);
  read_content(in, split);
  if (fault.empty()) fault = plan::fault_of(split.plan, split.shards);
  if (fault.empty() && split_digest(split) != split.digest)
    fault = "its digest is not that of what it says: it was changed after it was made";
  if (!fault.empty()) return input_error(fmt::format("the split is damaged: {}", fault), where, split_again);
  return split;
}

std::vector<std::string> objections(const Split& split, int index, const RunRecord& run) {
  std::vector<std::string> all;
  if (index < 0 || static_cast<std::size_t>(index) >= split.shards.size())
    return {"the split has no such shard"};
  if (run.tool_sha256 != split.tool_sha256 || run.rules != split.rules)
    all.push_back(of_another("the program",
                             fmt::format("{} (sha256 {})", split.tool, split.tool_sha256.substr(0, 12)),
                             fmt::format("{} (sha256 {})", run.tool, run.tool_sha256.substr(0, 12))));
  const auto began = parse_moment(run.began), made = parse_moment(split.made);
  if (!began || !made || *began < *made)
    all.push_back(
        fmt::format("it began at {}, before the split was made at {}", printable(run.began, 40), split.made));
  if (run.scenario.text != split.scenario.text || run.scenario.set != split.scenario.set ||
      run.waivers.text != split.waivers.text)
    all.emplace_back("its scenario or waivers are not those of the split");
  const plan::Plan part = plan::part_of(split.plan, split.shards[static_cast<std::size_t>(index)]);
  if (plan::to_json(run.plan) != plan::to_json(part)) all.emplace_back("its plan is not that of the split");
  compare_artifacts(split, part, run, all);
  return all;
}

std::string shard_name(const Split& split, int index) {
  return fmt::format("shard {} of 0-{}", index, split.shards.size() - 1);
}

}  // namespace labctl::outcome
