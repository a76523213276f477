#include "labctl/bundle/bundle.h"

#include <fmt/core.h>

#include <ctime>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl::bundle {
namespace {

std::string utc_stamp() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

constexpr const char* lock_name = ".lock";

}  // namespace

// Makes the folder that will be called `whole`; false: somebody else has that name.
Result<bool> Bundle::claim(Bundle& bundle, const fs::path& whole) {
  std::error_code problem;
  if (fs::exists(whole, problem)) return false;
  bundle.folder_ = whole.string() + ".partial";
  if (!fs::create_directory(bundle.folder_, problem)) {
    if (problem)
      return lab_error(fmt::format("cannot create: {}", problem.message()), bundle.folder_.string());
    return false;
  }
  if (fs::exists(whole, problem)) {  // its owner was done just now
    fs::remove(bundle.folder_, problem);
    return false;
  }
  fs::permissions(bundle.folder_, fs::perms::owner_all, problem);
  if (problem)
    return lab_error(fmt::format("cannot restrict permissions to the owner: {}", problem.message()),
                     bundle.folder_.string());
  if (auto taken = bundle.take(); !taken) return fail(taken.error());
  if (auto made = make_dirs(bundle.folder_ / "cells"); !made) return fail(made.error());
  return true;
}

Result<Bundle> Bundle::create(const fs::path& out, const std::string& scenario) {
  const std::string base = utc_stamp() + "-" + slug(scenario);
  if (auto made = make_dirs(out); !made) return fail(made.error());
  for (int attempt = 1; attempt < 100; ++attempt) {
    Bundle bundle;
    auto mine = claim(bundle, out / (attempt == 1 ? base : base + "-" + std::to_string(attempt)));
    if (!mine) return fail(mine.error());
    if (*mine) return bundle;
  }
  return lab_error("too many bundles of this second", out.string());
}

Result<Bundle> Bundle::create_attempt(const fs::path& shards, int index) {
  if (auto made = make_dirs(shards); !made) return fail(made.error());
  for (int attempt = 1; attempt < 10'000; ++attempt) {
    Bundle bundle;
    auto mine = claim(bundle, shards / (std::to_string(index) + ".attempt-" + std::to_string(attempt)));
    if (!mine) return fail(mine.error());
    if (*mine) return bundle;
  }
  return lab_error("too many attempts of one shard", shards.string());
}

Result<Bundle> Bundle::reopen(const fs::path& folder) {
  Bundle bundle;
  bundle.folder_ = folder;
  if (folder.extension() != ".partial") {
    bundle.folder_ += ".partial";
    if (auto renamed = rename_synced(folder, bundle.folder_); !renamed) return fail(renamed.error());
  }
  if (auto taken = bundle.take(); !taken) return fail(taken.error());
  const fs::path aside = free_name(bundle.folder_ / "before-resume");
  for (const char* name : {"verdict.json", "attestation.json", "junit.xml", "summary.md", "report.html"}) {
    std::error_code problem;
    if (!fs::exists(bundle.folder_ / name, problem)) continue;
    if (auto made = make_dirs(aside); !made) return fail(made.error());
    if (auto moved = rename_synced(bundle.folder_ / name, aside / name); !moved) return fail(moved.error());
  }
  if (auto made = make_dirs(bundle.folder_ / "cells"); !made) return fail(made.error());
  return bundle;
}

Status Bundle::take() {
  auto lock = Lock::try_take(folder_ / lock_name);
  if (!lock)
    return input_error(fmt::format("another labctl is at work on this bundle, or it cannot be written: {}",
                                   lock.error().what),
                       folder_.string(), "wait for its end");
  lock_ = std::move(*lock);
  return {};
}

Status Bundle::write_run(const outcome::RunRecord& run) {
  return write_file(folder_ / "run.json", outcome::write_run_record(run));
}

Status Bundle::add(const std::string& name, const std::string& content) {
  return write_file(folder_ / name, content);
}

Result<fs::path> Bundle::close() {
  fs::path whole = folder_;
  whole.replace_extension();
  std::error_code ignored;
  fs::remove(folder_ / lock_name, ignored);
  if (auto renamed = rename_synced(folder_, whole); !renamed) return fail(renamed.error());
  folder_ = whole;
  return whole;
}

fs::path free_name(const fs::path& beside) {
  std::error_code ignored;
  for (int number = 1;; ++number) {
    fs::path name = beside.string() + "-" + std::to_string(number);
    if (!fs::exists(name, ignored)) return name;
  }
}

std::string utc_now() { return show_moment(std::time(nullptr)); }

}  // namespace labctl::bundle
