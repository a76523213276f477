// The record of a run, which is run.json: what was run, with which bytes, on what, and how it came to its
// end. It is no verdict: that is derived from the journals beside it. reports/run.schema.json describes the
// document.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/outcome/given.h"
#include "labctl/plan/plan.h"

namespace labctl::outcome {

struct ArtifactRecord {
  std::string path;    // as the plan names it
  std::string sha256;  // of what the guests were given; not checked to be one
  std::uint64_t size = 0;
  std::string archive = {};  // of content that is an archive: its own digest; `sha256` is of its manifest
  bool operator==(const ArtifactRecord&) const = default;
};

// What a build wrote down of an image, whole as one line of JSON, and what is read of it.
struct ImageFacts {
  std::string json = "{}";
  std::string kernel_release, kernel_version, suite, key, built;
  std::string sha256;  // of the golden disk when it was built
  std::string packages_sha256;
};
// Of the JSON text of an object; nothing of a text that is none.
ImageFacts facts_from(const std::string& json);

struct ImageRecord {
  std::string name;
  std::string machine;    // the scenario's name for the machine; empty: it has one machine, without a name
  std::string shape;      // of the machine, as a folder of a snapshot is called
  bool snapshot = false;  // whether cells begin at a live one; else each boots
  std::string sha256;     // of the golden disk; not checked to be one
  // Of what its cells start from, as it was when it was made and when they started. Empty: it has no such
  // file, or an earlier labctl made the record, which did not look.
  std::string snapshot_sha256, nvram_sha256;
  ImageFacts facts;
  Millis boot_time{0};
  int shard = -1;  // in the record of a merged run: which shard's host had it (RunRecord::shards)
};

struct HostRecord {
  std::string hypervisor, accel, accel_reason, machine_type;
  std::string architecture = "x86_64";  // the only one before it was recorded
  std::string fingerprint;  // equal for hosts that give guests the same machine; empty in early records
  std::string cpu;          // the model of the host's CPU; empty: not recorded
};

// Which part of a split (outcome/split.h) a run is. It has no verdict of its own.
struct ShardRecord {
  std::string split;  // the split's digest
  int index = 0, of = 1;
  int attempt = 1;
  std::string node;  // the name of the host that ran it
};

// One attempt of a shard, as the record of the merged run names it.
struct MergedShard {
  int index = 0, attempt = 1;
  bool used = false;  // its cells' records are the run's; of another attempt only failures of guests count
  std::string node, began, ended;
  std::string run_sha256;  // of the bytes of its own run.json
  HostRecord host;
};

// Where and when some of a run's cells were run.
struct RunPart {
  std::string began, ended;
  const HostRecord& host;
};

struct RunRecord {
  std::string tool;         // "labctl 0.1.0"
  std::string tool_sha256;  // of the program; empty in early records
  int rules = 1;            // the rule set that the run was made under (outcome/rules.h)
  std::string began;        // UTC, "2026-11-22T02:35:09Z"
  ScenarioRecord scenario;
  GivenText waivers;
  std::vector<ArtifactRecord> artifacts;
  std::vector<ImageRecord> images;
  HostRecord host;
  plan::Plan plan;
  std::vector<std::string> resumed;  // when the run was resumed, in UTC
  std::optional<ShardRecord> shard;  // of a run that is one shard
  std::string split;                 // of a merged run: the split's digest; empty: it was not split
  std::vector<MergedShard> shards;   // of a merged run

  // How it came to its end; nothing of this is there while it runs.
  std::string ended;
  bool interrupted = false;
  bool ended_early = false;  // --fail-fast: a guest failed, and cells were left out after it
  std::optional<std::vector<std::string>> faults;  // the lab's own; missing: the record was never finished

  // Whether the run was asked all that rule set 2 asks.
  bool earned() const { return rules >= 2; }

  const ArtifactRecord* artifact(std::string_view path) const;  // nullptr: it has none of that path
  const ImageRecord* image(std::string_view name) const;        // on any machine
  const ImageRecord* image(std::string_view name, std::string_view machine) const;
  // Of the cells of this image on this machine: the run itself, or the shard that had them.
  RunPart part(std::string_view image, std::string_view machine) const;
};

// The text of run.json; equal records give equal bytes.
std::string write_run_record(const RunRecord& record);

// `where` names the file in errors. Errors (input): no JSON, another version of labctl, a member that is
// missing, unknown or of another type, a plan that cannot be read.
Result<RunRecord> read_run_record(std::string_view text, const std::string& where);

}  // namespace labctl::outcome
