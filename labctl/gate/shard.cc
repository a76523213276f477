#include "labctl/gate/shard.h"

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/bundle/artifact_store.h"
#include "labctl/bundle/shards.h"

namespace labctl::gate {

namespace fs = std::filesystem;

Result<lab::StagedArtifacts::Sources> kept_sources(const ShardOrder& order) {
  const bundle::ArtifactStore store(order.folder / bundle::split_artifacts);
  lab::StagedArtifacts::Sources sources;
  for (const auto& artifact : order.split.artifacts) {
    auto file = store.find(artifact.source_sha256);
    if (!file)
      return input_error(fmt::format("the artifact {} is not there, or has other bytes: sha256 {}",
                                     printable(artifact.path, 200), artifact.source_sha256),
                         (order.folder / bundle::split_artifacts).string(),
                         "bring the whole folder that 'labctl split' wrote to this host");
    sources[artifact.path] = std::move(*file);
  }
  return sources;
}

Status fits_split(const ShardOrder& order, const outcome::RunRecord& run) {
  const auto reasons = outcome::objections(order.split, order.index, run);
  if (reasons.empty()) return {};
  return lab_error(
      fmt::format("this host cannot run {}: {}", shard_name(order.split, order.index), join(reasons, "; ")),
      order.folder.string(), "bring the program and the images of the split to this host");
}

Result<bundle::Bundle> begin_attempt(const ShardOrder& order, outcome::RunRecord& run) {
  auto bundle = bundle::Bundle::create_attempt(order.folder / bundle::split_shards, order.index);
  if (!bundle) return bundle;
  const std::string name = bundle->folder().stem().string();  // "3.attempt-2"
  run.shard = outcome::ShardRecord{.split = order.split.digest,
                                   .index = order.index,
                                   .of = static_cast<int>(order.split.shards.size()),
                                   .attempt = std::stoi(name.substr(name.rfind('-') + 1)),
                                   .node = order.node};
  return bundle;
}

}  // namespace labctl::gate
