#include "labctl/lab/resume.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/cut_off.h"
#include "labctl/cell/cell.h"
#include "labctl/lab/scheduler.h"

namespace labctl::lab {
namespace {

// "line 12: it was 'reboot x3', it is 'reboot x1'"
std::string first_difference(const std::string& before, const std::string& now) {
  const auto old_lines = split(before, '\n'), new_lines = split(now, '\n');
  for (std::size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); ++i) {
    const auto line = [i](const auto& lines) {
      return i < lines.size() ? "'" + printable(trim(lines[i]), 80) + "'" : std::string("not there");
    };
    if (line(old_lines) != line(new_lines) || i >= std::min(old_lines.size(), new_lines.size()))
      return fmt::format("line {}: it was {}, it is {}", i + 1, line(old_lines), line(new_lines));
  }
  return "in white space";
}

// What is compared of one thing that a run stood on: its name, and facts with their values.
struct Compared {
  std::string name;
  std::vector<std::pair<const char*, std::string>> facts;
};

Compared compared(const outcome::ArtifactRecord& artifact) {
  return {artifact.path, {{"sha256", artifact.sha256}, {"archive", artifact.archive}}};
}
Compared compared(const outcome::ImageRecord& image) {
  return {image.machine.empty() ? image.name : fmt::format("{} on machine {}", image.name, image.machine),
          {{"sha256", image.sha256},
           {"shape", image.shape},
           {"snapshot", image.snapshot ? "live" : "none"},
           {"snapshot_sha256", image.snapshot_sha256},
           {"nvram_sha256", image.nvram_sha256}}};
}

template <class T>
void compare_lists(const std::vector<T>& before, const std::vector<T>& now, const std::string& noun,
                   std::vector<std::string>& differences) {
  const auto find = [](const std::vector<T>& list, const std::string& name) {
    return std::find_if(list.begin(), list.end(), [&](const T& one) { return compared(one).name == name; });
  };
  for (const T& one : before) {
    const auto [name, facts] = compared(one);
    const std::string called = noun + " " + printable(name, 200);
    const auto other = find(now, name);
    if (other == now.end()) {
      differences.push_back(fmt::format("the {} is missing", called));
      continue;
    }
    const auto here = compared(*other).facts;
    for (std::size_t i = 0; i < facts.size(); ++i)
      if (facts[i].second != here[i].second)
        differences.push_back(fmt::format("the {} is another one: its {} was '{}', it is '{}'", called,
                                          facts[i].first, printable(facts[i].second, 80),
                                          printable(here[i].second, 80)));
  }
  for (const T& one : now)
    if (const std::string name = compared(one).name; find(before, name) == before.end())
      differences.push_back(fmt::format("the {} {} was not part of the run", noun, printable(name, 200)));
}

// A run that goes on writes below its bundle. labctl makes no links there, and one leads out of it.
Status refuse_links(const fs::path& bundle) {
  const auto link = [](const fs::path& path) {
    return input_error(
        "is a symbolic link, and a bundle has none: what is written to it would land elsewhere",
        path.string(), "do not go on with this bundle; run the scenario again");
  };
  std::error_code problem;
  if (fs::is_symlink(bundle, problem)) return link(bundle);
  for (auto entry = fs::recursive_directory_iterator(bundle, problem);
       !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem))
    if (entry->is_symlink()) return link(entry->path());
  if (problem) return lab_error(fmt::format("cannot be read: {}", problem.message()), bundle.string());
  return {};
}

}  // namespace

Result<Unfinished> read_unfinished(const fs::path& given) {
  Unfinished run{.folder = given.lexically_normal()};
  if (!run.folder.has_filename()) run.folder = run.folder.parent_path();
  const fs::path partial = run.folder.string() + ".partial";
  std::error_code ignored;
  if (!fs::exists(run.folder, ignored) && fs::exists(partial, ignored)) run.folder = partial;
  const fs::path file = run.folder / "run.json";
  auto text = read_file(file);
  if (!text)
    return input_error(fmt::format("is not a bundle: {}", text.error().what), file.string(),
                       "give the folder that 'labctl run' named; one without run.json has nothing in it");
  auto record = outcome::read_run_record(*text, file.string());
  if (!record) return fail(record.error());
  if (record->shard)
    return input_error(
        "is an attempt of a shard, and attempts are not resumed", run.folder.string(),
        fmt::format("labctl shard run SPLIT --index {} begins another attempt", record->shard->index));
  if (auto good = refuse_links(run.folder); !good) return fail(good.error());
  const bool whole = run.folder.extension() != ".partial";
  if (whole && !record->interrupted)
    return input_error("this run has ended: there is nothing to resume", run.folder.string(),
                       "'labctl judge' says its verdict; for another one run the scenario again");
  record->ended.clear();
  record->interrupted = false;
  run.record = std::move(*record);
  return run;
}

std::vector<std::string> differences(const outcome::RunRecord& recorded, const outcome::RunRecord& now) {
  std::vector<std::string> all;
  const auto program = [](const outcome::RunRecord& run) {
    return fmt::format("{} (sha256 {})", printable(run.tool, 60), printable(run.tool_sha256, 12));
  };
  if (program(recorded) != program(now))
    all.push_back(fmt::format("the program is another one: the run was begun by {}, this is {}",
                              program(recorded), program(now)));
  const std::string &before = recorded.scenario.text, &text = now.scenario.text;
  if (before != text)
    all.push_back(fmt::format("the scenario was changed: {}", first_difference(before, text)));
  const auto signatures_of = [](const outcome::RunRecord& run) {
    return run.plan.signatures ? run.plan.signatures->text : std::string();
  };
  const std::string signatures = signatures_of(recorded), new_signatures = signatures_of(now);
  if (signatures != new_signatures)
    all.push_back(
        fmt::format("the signature file was changed: {}", first_difference(signatures, new_signatures)));
  if (before == text && plan::to_json(recorded.plan).at("cells") != plan::to_json(now.plan).at("cells"))
    all.emplace_back("the scenario means other cells now");
  compare_lists(recorded.artifacts, now.artifacts, "artifact", all);
  compare_lists(recorded.images, now.images, "image", all);
  using Host = outcome::HostRecord;
  for (const auto& [fact, member] : {std::pair{"hypervisor", &Host::hypervisor},
                                     {"accel", &Host::accel},
                                     {"machine_type", &Host::machine_type}}) {
    const std::string &was = recorded.host.*member, &is = now.host.*member;
    if (was != is)
      all.push_back(fmt::format("the host's {} is another one: it was '{}', it is '{}'", fact,
                                printable(was, 80), printable(is, 80)));
  }
  return all;
}

Result<Left> what_is_left(const plan::Cell& cell, const fs::path& folder,
                          const std::vector<crash::Signature>& signatures) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return Left::nothing;
  if (!fs::exists(folder / "events.jsonl", ignored)) return Left::cut_off;
  auto cut = bundle::read_cut_journal(cell, folder);
  if (!cut) return fail(cut.error());
  auto& events = cut->journal.events;
  if (events.empty()) return Left::cut_off;

  cell::State state = cell::begin(cell);
  for (const auto& event : events) cell::on(state, event);
  if (state.phase == cell::Phase::ended && !outcome::is_guest_failure(state.outcome.ending)) {
    if (state.outcome.ending == outcome::Ending::passed) return Left::finished;
    if (state.outcome.ending == outcome::Ending::interrupted) return Left::cut_off;
    return may_try_again(state.outcome, failed_attempts(folder), cell.policy) ? Left::retrying
                                                                              : Left::finished;
  }
  if (state.phase == cell::Phase::ended) return Left::finished;
  auto failed = bundle::close_if_failed(cell, *cut, folder, signatures);
  if (!failed) return fail(failed.error());
  return *failed ? Left::finished : Left::cut_off;
}

Result<Missing> still_missing(std::vector<CellJob> jobs) {
  Missing missing;
  for (auto& job : jobs) {
    auto left = what_is_left(job.cell, job.folder, job.signatures);
    if (!left) return fail(left.error());
    if (*left == Left::finished) {
      ++missing.kept;
      continue;
    }
    Status aside;
    if (*left == Left::retrying) aside = set_failed_aside(job.folder);
    if (*left == Left::cut_off) {
      ++missing.cut_off;
      aside = rename_synced(job.folder, bundle::free_name(job.folder.string() + ".cut-off"));
    }
    if (!aside) return fail(aside.error());
    missing.jobs.push_back(std::move(job));
  }
  return missing;
}

}  // namespace labctl::lab
