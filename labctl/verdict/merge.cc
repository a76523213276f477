#include "labctl/verdict/merge.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "labctl/base/enum_names.h"
#include "labctl/base/text.h"
#include "labctl/outcome/canary.h"

namespace labctl::verdict {

using outcome::Canary;
using outcome::RunRecord;
using outcome::Split;

constexpr auto progresses = enum_names<Progress>({{Progress::at_work, "at-work"},
                                                  {Progress::silent, "silent"},
                                                  {Progress::interrupted, "interrupted"},
                                                  {Progress::whole, "whole"}});
const char* to_string(Progress progress) { return progresses.name(progress); }

namespace {

constexpr const char* resubmit = "; submit it again: 'labctl shard missing' lists it";

std::string folder_name(const ShardAttempt& attempt) { return printable(attempt.folder, 100); }

// The first cell that it has a record of and that is another shard's.
std::string trespass(const ShardAttempt& attempt) {
  const auto& cells = attempt.record.plan.cells;
  for (const std::string& id : attempt.journals)
    if (std::none_of(cells.begin(), cells.end(), [&](const auto& cell) { return cell.id == id; }))
      return fmt::format("it has a record of the cell {}, which is not one of its own", printable(id, 200));
  return {};
}

// Why the records of this attempt cannot be used for the split at all.
std::vector<std::string> not_ours(const Split& split, const ShardAttempt& attempt) {
  if (!attempt.unreadable.empty()) return {fmt::format("its record cannot be read: {}", attempt.unreadable)};
  const auto& shard = attempt.record.shard;
  if (!shard) return {"it is the record of a run that is not a shard"};
  if (shard->split != split.digest) return {"it is a shard of another split"};
  if (shard->index != attempt.index || shard->attempt != attempt.attempt)
    return {fmt::format("its record is that of shard {}, attempt {}", shard->index, shard->attempt)};
  auto all = outcome::objections(split, attempt.index, attempt.record);
  if (const auto what = trespass(attempt); !what.empty()) all.push_back(what);
  return all;
}

// What a whole attempt must have left, by the plan of its shard.
std::vector<std::string> lacking(const ShardAttempt& attempt) {
  std::vector<std::string> all;
  for (const plan::Cell* base : attempt.record.plan.bases()) {
    const std::string name = Canary{base->image, base->machine.name}.name();
    if (attempt.canaries.count(name) == 0) all.push_back(fmt::format("it has no canary of {}", name));
  }
  for (const plan::Cell& cell : attempt.record.plan.cells)
    if (attempt.journals.count(cell.id) == 0)
      all.push_back(
          fmt::format("it has no record of the {}{}", cell.control ? "control " : "cell ", cell.id));
  return all;
}

// Why a shard is not whole although it has been begun; empty: it is.
std::string unfinished(const ShardAttempt& last) {
  const std::string which = " (" + folder_name(last) + ")";
  switch (last.progress) {
    case Progress::at_work:
      return fmt::format("is still at work{}; wait for its end, then merge again", which);
    case Progress::silent:
      return fmt::format("was cut off{}{}", which, resubmit);
    case Progress::interrupted:
      return fmt::format("was interrupted{}{}", which, resubmit);
    case Progress::whole:
      return {};
  }
  return "is unknown";
}

// The record of the whole, before any shard is in it.
RunRecord describe(const Split& split) {
  RunRecord run{.tool = split.tool,
                .tool_sha256 = split.tool_sha256,
                .rules = split.rules,
                .began = split.made,
                .scenario = split.scenario,
                .waivers = split.waivers,
                .plan = split.plan,
                .split = split.digest,
                .ended = split.made,
                .faults = std::vector<std::string>()};
  for (const auto& artifact : split.artifacts)
    run.artifacts.push_back({artifact.path, artifact.sha256, artifact.size, artifact.archive});
  return run;
}

class Merger {
 public:
  explicit Merger(const Split& split) : split_(split), merged_{.record = describe(split)} {}

  void add_shard(int index, const std::vector<const ShardAttempt*>& attempts);
  void refuse(const std::string& who, const std::string& why) {
    merged_.record.faults->push_back(who + " " + why);
  }
  Merged take() { return std::move(merged_); }

 private:
  std::vector<const ShardAttempt*> of_this_split(int index, const std::vector<const ShardAttempt*>& attempts);
  void use(const ShardAttempt& attempt, bool used);

  const Split& split_;
  Merged merged_;
};

// Those of this split, by their numbers; of two with one number neither is known to be the one.
std::vector<const ShardAttempt*> Merger::of_this_split(int index,
                                                       const std::vector<const ShardAttempt*>& attempts) {
  std::vector<const ShardAttempt*> ours;
  for (const ShardAttempt* attempt : attempts) {
    if (!attempt->begun) {
      refuse(shard_name(split_, index), unfinished(*attempt));
      continue;
    }
    const auto twins = std::count_if(attempts.begin(), attempts.end(), [&](const ShardAttempt* other) {
      return other->attempt == attempt->attempt;
    });
    auto reasons = not_ours(split_, *attempt);
    if (twins > 1) reasons.push_back("there are two records of this attempt");
    for (const auto& reason : reasons)
      refuse(shard_name(split_, index), fmt::format("({}) is refused: {}", folder_name(*attempt), reason));
    if (reasons.empty()) ours.push_back(attempt);
  }
  std::sort(ours.begin(), ours.end(), [](const auto* a, const auto* b) { return a->attempt < b->attempt; });
  return ours;
}

void Merger::add_shard(int index, const std::vector<const ShardAttempt*>& attempts) {
  const auto ours = of_this_split(index, attempts);
  if (ours.empty()) {
    if (attempts.empty()) refuse(shard_name(split_, index), fmt::format("never began{}", resubmit));
    return;
  }
  const ShardAttempt* used = ours.back();
  for (const ShardAttempt* attempt : ours)
    if (attempt->progress == Progress::whole) used = attempt;
  for (const ShardAttempt* attempt : ours) use(*attempt, attempt == used);
  if (const auto why = unfinished(*ours.back()); !why.empty()) refuse(shard_name(split_, index), why);
  if (used->progress != Progress::whole) return;
  for (const auto& what : lacking(*used))
    refuse(shard_name(split_, index), fmt::format("({}) is not whole: {}", folder_name(*used), what));
}

void Merger::use(const ShardAttempt& attempt, bool used) {
  auto& run = merged_.record;
  merged_.sources.push_back(
      {attempt.index, attempt.attempt, attempt.folder, used, attempt.progress == Progress::whole});
  const std::string ended = attempt.record.ended.empty() ? attempt.record.began : attempt.record.ended;
  run.shards.push_back({.index = attempt.index,
                        .attempt = attempt.attempt,
                        .used = used,
                        .node = attempt.record.shard->node,
                        .began = attempt.record.began,
                        .ended = ended,
                        .run_sha256 = attempt.run_sha256,
                        .host = attempt.record.host});
  run.ended = std::max(run.ended, ended);  // moments in UTC, all of one form
  if (!used) return;
  if (run.host.hypervisor.empty()) run.host = attempt.record.host;  // of the first; each shard has its own
  // What it says of images that are not its own is nothing.
  for (const plan::Cell* base : attempt.record.plan.bases())
    if (const auto* image = attempt.record.image(base->image, base->machine.name)) {
      run.images.push_back(*image);
      run.images.back().shard = attempt.index;
    }
  const std::string who = shard_name(split_, attempt.index);
  for (const auto& fault : attempt.record.faults.value_or(std::vector<std::string>()))
    refuse(who + ":", fault);
}

}  // namespace

Merged merge(const Split& split, const std::vector<ShardAttempt>& attempts) {
  Merger merger(split);
  std::map<int, std::vector<const ShardAttempt*>> by_index;
  for (const auto& attempt : attempts) {
    if (attempt.index >= 0 && static_cast<std::size_t>(attempt.index) < split.shards.size())
      by_index[attempt.index].push_back(&attempt);
    else
      merger.refuse(folder_name(attempt), "is refused: the split has no such shard");
  }
  for (std::size_t i = 0; i < split.shards.size(); ++i) {
    const int index = static_cast<int>(i);
    merger.add_shard(index, by_index[index]);
  }
  return merger.take();
}

int shard_exit_code(const Verdict& verdict) {
  if (verdict.interrupted) return 130;
  if (verdict.nothing_ran) return 4;
  if (verdict.decision == Decision::blocked) return 1;
  return verdict.reasons_of_cells == 0 ? 0 : 3;
}

std::vector<int> missing(const Split& split, const std::vector<ShardAttempt>& attempts) {
  std::map<int, const ShardAttempt*> last;
  for (const auto& attempt : attempts) {
    auto& known = last[attempt.index];
    if (!known || known->attempt < attempt.attempt) known = &attempt;
  }
  std::vector<int> all;
  for (std::size_t i = 0; i < split.shards.size(); ++i) {
    const int index = static_cast<int>(i);
    const auto found = last.find(index);
    const ShardAttempt* known = found == last.end() ? nullptr : found->second;
    const bool there = known && (known->progress == Progress::at_work ||
                                 (known->progress == Progress::whole && !known->lab_failed &&
                                  not_ours(split, *known).empty() && lacking(*known).empty()));
    if (!there) all.push_back(index);
  }
  return all;
}

}  // namespace labctl::verdict
