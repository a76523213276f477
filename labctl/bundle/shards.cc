#include "labctl/bundle/shards.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/canary_record.h"

namespace labctl::bundle {
namespace {

using verdict::Progress;
using verdict::ShardAttempt;

constexpr const char* partial = ".partial";

std::optional<int> read_number(std::string_view text) {
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != text.npos)
    return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return std::stoi(std::string(text));
}

// "3.attempt-2" and "3.attempt-2.partial"; whatever else is there is no attempt.
std::optional<ShardAttempt> named(const std::string& folder) {
  std::string_view name = folder;
  if (name.ends_with(partial)) name.remove_suffix(std::string_view(partial).size());
  constexpr std::string_view middle = ".attempt-";
  const auto at = name.find(middle);
  if (at == name.npos) return std::nullopt;
  const auto index = read_number(name.substr(0, at)), attempt = read_number(name.substr(at + middle.size()));
  if (!index || !attempt || *attempt == 0) return std::nullopt;
  return ShardAttempt{.folder = folder, .index = *index, .attempt = *attempt};
}

// What another attempt or the lab put aside is not a cell.
bool is_aside(const std::string& name) {
  const auto dash = name.rfind('-'), dot = name.rfind('.');
  if (dash == name.npos || dot == name.npos || dash < dot || !read_number(name.substr(dash + 1)))
    return false;
  const std::string kind = name.substr(dot + 1, dash - dot - 1);
  return kind == "lab-failed" || kind == "cut-off" || kind == "kept";
}

// A lock that is free belongs to nobody: the process is gone, and with it whatever the folder was made for.
bool is_held(const fs::path& folder) {
  std::error_code ignored;
  const fs::path lock = folder / ".lock";
  return fs::exists(lock, ignored) && !Lock::try_take(lock);
}

Progress progress_of(const fs::path& folder, const outcome::RunRecord& record) {
  if (folder.extension() == partial) return is_held(folder) ? Progress::at_work : Progress::silent;
  if (record.ended.empty()) return Progress::silent;
  return record.interrupted ? Progress::interrupted : Progress::whole;
}

std::string last_change(const fs::path& folder) {
  std::error_code ignored;
  fs::file_time_type last = fs::last_write_time(folder, ignored);
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    std::error_code gone;
    const auto when = fs::last_write_time(entry.path(), gone);
    if (!gone) last = std::max(last, when);
  }
  const auto moment = std::chrono::file_clock::to_sys(last).time_since_epoch();
  return show_moment(std::chrono::duration_cast<std::chrono::seconds>(moment).count());
}

void look_at_cells(const fs::path& folder, ShardAttempt& attempt) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "cells", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!is_aside(name) && fs::exists(entry.path() / "events.jsonl", ignored)) attempt.journals.insert(name);
  }
  for (const plan::Cell* base : attempt.record.plan.bases())
    if (fs::exists(canary_summary(folder / "canary", base->image, base->machine.name), ignored))
      attempt.canaries.insert(outcome::Canary{base->image, base->machine.name}.name());
}

// Nothing: it was killed before it wrote anything, as if it had never begun.
std::optional<ShardAttempt> read_attempt(const fs::path& folder, bool judged) {
  auto attempt = named(folder.filename().string());
  if (!attempt) return attempt;
  std::error_code ignored;
  if (!fs::exists(folder / "run.json", ignored) && folder.extension() == partial) {
    if (!is_held(folder)) return std::nullopt;
    attempt->progress = Progress::at_work;
    attempt->begun = false;
    return attempt;
  }
  attempt->last_sign = last_change(folder);
  auto run = read_run(folder);
  if (!run) {
    attempt->unreadable = run.error().what;
    return attempt;
  }
  attempt->record = std::move(run->record);
  attempt->run_sha256 = run->sha256;
  attempt->progress = progress_of(folder, attempt->record);
  look_at_cells(folder, *attempt);
  if (!judged || attempt->progress != Progress::whole) return attempt;
  auto verdict = judge_bundle(folder);
  const int code = verdict ? verdict::shard_exit_code(verdict->verdict) : 3;
  attempt->lab_failed = code != 0 && code != 1;
  return attempt;
}

}  // namespace

Result<outcome::Split> read_split_file(const fs::path& file) {
  auto text = read_file(file);
  if (!text)
    return input_error(text.error().what, file.string(), "give the split.json that 'labctl split' wrote");
  return outcome::read_split(*text, file.string());
}

std::vector<ShardAttempt> read_attempts(const fs::path& shards, bool judged, std::optional<int> only) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(shards, ignored))
    if (const auto attempt = named(entry.path().filename().string());
        attempt && (!only || attempt->index == *only) && entry.is_directory(ignored) &&
        !entry.is_symlink(ignored))
      folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  std::vector<ShardAttempt> attempts;
  for (const auto& folder : folders)
    if (auto attempt = read_attempt(folder, judged)) attempts.push_back(std::move(*attempt));
  return attempts;
}

}  // namespace labctl::bundle
