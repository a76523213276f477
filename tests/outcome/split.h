// A split of two images into two shards, and the record that a shard of it leaves.
#pragma once

#include "labctl/base/digest.h"
#include "labctl/outcome/split.h"
#include "labctl/scenario/scenario.h"

namespace labctl::test {

inline const char* const split_scenario =
    "labctl: 1\n"
    "name: fake\n"
    "candidate: {driver: {candidate: driver.ko}, content: {candidate: content.bin}}\n"
    "matrix: {image: [box, crate]}\n"
    "guest:\n"
    "  linux:\n"
    "    driver: {kind: kmod, module: sensor}\n"
    "    content: {path: /var/lib/sensor/content.bin, apply: 'true'}\n"
    "    proof: [{run: sensorctl digest, prints: '${content.sha256}'}]\n"
    "story: [install driver, apply content, reboot]\n"
    "settle: 1s\n";

inline outcome::Split make_split() {
  const auto loaded = scenario::load(split_scenario, "gate.yaml", {});
  const auto plan = plan::expand(*loaded.scenario, plan::Plan{}.date);
  outcome::Split split{.nonce = std::string(32, 'a'),
                       .made = "2026-11-22T00:00:00Z",
                       .tool = "labctl test",
                       .tool_sha256 = sha256("labctl test"),
                       .scenario = {.file = "gate.yaml", .path = "/srv/gate.yaml", .text = split_scenario},
                       .waivers = {},
                       .artifacts = {{"driver.ko", sha256("driver"), 6, sha256("driver")},
                                     {"content.bin", sha256("content"), 7, sha256("content")}},
                       .images = {{"box", sha256("box")}, {"crate", sha256("crate")}},
                       .plan = *plan,
                       .shards = *plan::shards(*plan, 0)};
  split.digest = outcome::split_digest(split);
  return split;
}

inline outcome::RunRecord make_shard(const outcome::Split& split, int index, int attempt = 1) {
  outcome::RunRecord run{
      .tool = split.tool,
      .tool_sha256 = split.tool_sha256,
      .rules = split.rules,
      .began = "2026-11-22T01:00:00Z",
      .scenario = split.scenario,
      .waivers = split.waivers,
      .artifacts = {},
      .images = {},
      .host = {.hypervisor = "QEMU", .accel = "kvm", .fingerprint = "host-" + std::to_string(index)},
      .plan = plan::part_of(split.plan, split.shards.at(static_cast<std::size_t>(index))),
      .shard = outcome::ShardRecord{split.digest, index, static_cast<int>(split.shards.size()), attempt,
                                    "node-" + std::to_string(index)},
      .ended = "2026-11-22T02:00:00Z",
      .faults = std::vector<std::string>()};
  for (const auto& artifact : split.artifacts)
    run.artifacts.push_back({artifact.path, artifact.sha256, artifact.size});
  for (const auto& name : run.plan.images()) run.images.push_back({.name = name, .sha256 = sha256(name)});
  return run;
}

}  // namespace labctl::test
