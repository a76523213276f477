#include "labctl/cli/package_archives.h"

#include <fmt/core.h>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"
#include "labctl/gate/housekeeping.h"
#include "labctl/host/cache.h"
#include "labctl/host/interrupt.h"

namespace labctl::cli {

Result<std::map<std::string, std::vector<image::ArchiveKernel>>> read_archives(
    const std::set<std::string>& suites, const host::Paths& paths) {
  if (auto own = host::claim_cache(paths.root); !own) return fail(own.error());
  const host::Interrupt interrupt([] { say("labctl: interrupted"); });
  const auto work = gate::WorkFolder::create(paths);  // apt's roots
  if (!work) return fail(work.error());
  gate::Collected left;
  gate::remove_left_work(paths, left);
  for (const auto& line : left.done) say(fmt::format("labctl: {}", line));
  std::map<std::string, std::vector<image::ArchiveKernel>> all;
  for (const auto& suite : suites) {
    const auto folder = work->path() / slug(suite);
    if (auto made = make_dirs(folder); !made) return fail(made.error());
    say(fmt::format("labctl: reading the package archive of {}", suite));
    auto kernels = image::read_archive(suite, folder, interrupt.token());
    if (!kernels) return fail(kernels.error());
    all[suite] = std::move(*kernels);
  }
  return all;
}

}  // namespace labctl::cli
