// Many shards' folders into one bundle: records are copied to where judging finds them.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/slow_work.h"
#include "labctl/base/text.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/bundle/cut_off.h"
#include "labctl/bundle/reports.h"
#include "labctl/bundle/shards.h"

namespace labctl::bundle {
namespace {

using From = verdict::Merged::Source;

// The records of an attempt that has ended are not written any more: a second name for them costs nothing,
// and a memory dump has gigabytes. What belongs to another user could be changed by that user afterwards.
bool share_file(const fs::path& from, const fs::path& to) {
  struct stat about {};
  if (::lstat(from.c_str(), &about) != 0 || about.st_uid != ::geteuid() || !S_ISREG(about.st_mode))
    return false;
  return ::link(from.c_str(), to.c_str()) == 0;  // not to another file system
}

// Files and folders alone: a symbolic link would lead out of what another host left.
Status copy_records(const fs::path& from, const fs::path& to, bool ended) {
  std::error_code problem;
  const auto type = fs::symlink_status(from, problem).type();
  if (type == fs::file_type::regular) {
    if (ended && share_file(from, to)) return {};
    fs::copy_file(from, to, problem);
    return problem ? Status(lab_error(fmt::format("cannot be copied: {}", problem.message()), from.string()))
                   : Status();
  }
  if (type != fs::file_type::directory)
    return input_error("is neither a file nor a folder, as all of a bundle is", from.string(),
                       "remove it, or leave this attempt out and submit the shard again");
  if (auto made = make_dirs(to); !made) return made;
  for (const auto& entry : fs::directory_iterator(from, problem))
    if (auto copied = copy_records(entry.path(), to / entry.path().filename(), ended); !copied) return copied;
  return problem ? Status(lab_error(fmt::format("cannot be read: {}", problem.message()), from.string()))
                 : Status();
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// The folders of a cell: its own, then what was put aside beside it, by their names behind the cell's id.
std::vector<std::string> folders_of(const fs::path& cell) {
  std::vector<std::string> found;
  if (is_there(cell)) found.emplace_back();
  for (const char* kind : {".lab-failed-", ".cut-off-", ".kept-"})
    for (int number = 1; is_there(cell.string() + kind + std::to_string(number)); ++number)
      found.push_back(kind + std::to_string(number));
  return found;
}

class Copier {
 public:
  Copier(const Bundle& bundle, const MergeOrder& order, const outcome::Split& split)
      : bundle_(bundle), order_(order), split_(split) {}

  Status take(const From& source);

 private:
  Status take_cell(const plan::Cell& cell, const fs::path& from, const From& source);
  Status take_canary(const plan::Cell& base, const fs::path& from, const From& source) const;
  Status take_own_record(const fs::path& from, const From& source) const;

  const Bundle& bundle_;
  const MergeOrder& order_;
  const outcome::Split& split_;
  std::map<std::string, int> others_;  // how many other attempts a cell has
};

Status Copier::take(const From& source) {
  const fs::path from = order_.split_file.parent_path() / split_shards / source.folder;
  const auto part = plan::part_of(split_.plan, split_.shards[static_cast<std::size_t>(source.index)]);
  for (const plan::Cell& cell : part.cells)
    if (auto taken = take_cell(cell, from, source); !taken) return taken;
  for (const plan::Cell* base : part.bases())
    if (auto taken = source.used ? take_canary(*base, from, source) : Status(); !taken) return taken;
  return take_own_record(from, source);
}

Status Copier::take_cell(const plan::Cell& cell, const fs::path& from, const From& source) {
  for (const std::string& suffix : folders_of(from / "cells" / cell.id)) {
    fs::path to = bundle_.cell_folder(cell.id);
    to += source.used ? suffix : other_attempt + std::to_string(++others_[cell.id]);
    if (auto copied = copy_records(from / "cells" / (cell.id + suffix), to, source.whole); !copied)
      return copied;
    if (source.whole || !suffix.empty() || !is_there(to / "events.jsonl")) continue;
    // What no cut explains stays as it is, and judging finds it.
    if (auto cut = read_cut_journal(cell, to))
      if (auto closed = close_if_failed(cell, *cut, to, order_.signatures); !closed)
        return fail(closed.error());
  }
  return {};
}

Status Copier::take_canary(const plan::Cell& base, const fs::path& from, const From& source) const {
  const fs::path records = from / "canary", summary = canary_summary(records, base.image, base.machine.name);
  if (!is_there(summary)) return {};
  if (auto made = make_dirs(bundle_.canary_folder()); !made) return made;
  if (auto copied = copy_records(summary, bundle_.canary_folder() / summary.filename(), source.whole);
      !copied)
    return copied;
  auto text = read_file(summary);
  const auto json = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
  const std::string prefix = json ? text_at(*json, "records") : std::string();
  if (prefix.empty() || slug(prefix) != prefix) return {};  // it proves nothing, and judging says so
  for (const guest::Crash crash : guest::every_crash) {
    const std::string id = canary_id(prefix, crash);
    if (!is_there(records / id) || is_there(bundle_.canary_folder() / id)) continue;
    if (auto copied = copy_records(records / id, bundle_.canary_folder() / id, source.whole); !copied)
      return copied;
  }
  return {};
}

// What the attempt itself said, beside: the merged record names it by its digest.
Status Copier::take_own_record(const fs::path& from, const From& source) const {
  fs::path to = bundle_.folder() / split_shards / from.filename();
  if (to.extension() == ".partial") to.replace_extension();
  if (auto made = make_dirs(to); !made) return made;
  for (const char* name : {"run.json", "labctl.log"})
    if (is_there(from / name))
      if (auto copied = copy_records(from / name, to / name, source.whole); !copied) return copied;
  return {};
}

}  // namespace

Result<MergeResult> merge_shards(const MergeOrder& order) {
  auto split = read_split_file(order.split_file);
  if (!split) return fail(split.error());
  const auto merged = verdict::merge(*split, read_attempts(order.split_file.parent_path() / split_shards));
  auto bundle = Bundle::create(order.out, split->plan.scenario);
  if (!bundle) return fail(bundle.error());
  Copier copier(*bundle, order, *split);
  SlowWork work("merging the records of shards", merged.sources.size(), SlowWork::Unit::things);
  for (const From& source : merged.sources) {
    if (auto taken = copier.take(source); !taken) return fail(taken.error());
    work.done(1);
  }
  if (auto written = bundle->write_run(merged.record); !written) return fail(written.error());
  Lives lives;
  auto judged = judge_bundle(bundle->folder(), lives_into(lives));
  if (!judged) return fail(judged.error());
  if (auto written = bundle->add("verdict.json", judged->verdict_json); !written)
    return fail(written.error());
  MergeResult result{.bundle = {}, .judged = std::move(*judged), .is_signed = {}, .problems = {}};
  if (order.attest) {
    auto attestation = order.attest(result.judged);
    result.is_signed =
        attestation ? bundle->add("attestation.json", *attestation) : Status(fail(attestation.error()));
  }
  result.problems = write_reports(bundle->folder(), result.judged, {}, std::move(lives));
  auto folder = bundle->close();
  if (!folder) return fail(folder.error());
  result.bundle = std::move(*folder);
  return result;
}

}  // namespace labctl::bundle
