#include "labctl/image/package_set.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"

namespace labctl::image {

namespace scripts {  // scripts/*.sh, compiled in
extern const std::string_view private_apt_sh, packages_by_apt_sh, packages_by_dnf_sh;
}

namespace {

namespace fs = std::filesystem;

// By the form of the sources.
struct Resolver {
  std::string program, package, script;
};

Result<Resolver> resolver_for(const fs::path& sources) {
  const std::string form = sources.extension().string();
  if (form == ".sources" || form == ".list")
    return Resolver{"apt-get", "apt",
                    std::string(scripts::private_apt_sh) + std::string(scripts::packages_by_apt_sh)};
  if (form == ".repo") return Resolver{"dnf", "dnf", std::string(scripts::packages_by_dnf_sh)};
  return input_error(
      "is not a file of package sources", sources.string(),
      "--packages-from takes apt's .sources or .list, or dnf's .repo, of the image's own release");
}

Error failed(const Ended& ended, const PackageSet& set) {
  const std::string said = printable(trim(ended.output), 1200);
  const std::string what = fmt::format("cannot fetch {}: {}", join(set.names, ", "),
                                       ended.timed_out ? "no answer within 30 minutes" : said);
  if (ended.exit_code == 2)
    return {Fault::input, what, set.sources.string(), "name packages and sources of the image's own release"};
  return {Fault::lab, what, set.sources.string(), "check the network and the sources of packages"};
}

}  // namespace

bool is_package_name(const std::string& name) {
  constexpr const char* letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return !name.empty() && name.size() <= 200 && name.find_first_of(letters) == 0 &&
         name.find_first_not_of(std::string(letters) + ".+-_~") == name.npos && name.back() != '-';
}

Result<std::vector<fs::path>> fetch_packages(const PackageSet& set, const fs::path& work,
                                             const std::stop_token& stop) {
  const auto resolver = resolver_for(set.sources);
  if (!resolver) return fail(resolver.error());
  if (find_program(resolver->program).empty())
    return lab_error(fmt::format("{} is not installed, and only it reads {}", resolver->program,
                                 set.sources.filename().string()),
                     {}, fmt::format("apt-get install {}", resolver->package));
  if (auto made = make_dirs(work); !made) return fail(made.error());
  std::vector<std::string> argv{"/bin/sh", "-c", resolver->script, "packages"};
  argv.insert(argv.end(), set.names.begin(), set.names.end());
  auto ended = run({.argv = argv,
                    .environment = {{"LABCTL_SOURCES", set.sources.string()}},
                    .directory = work,
                    .deadline = std::chrono::minutes(30),
                    .stop = stop});
  if (!ended) return fail(ended.error());
  if (!ended->ok()) return fail(failed(*ended, set));
  std::vector<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator at(work / "packages", problem), end; !problem && at != end;
       at.increment(problem))
    files.push_back(at->path());
  if (problem || files.empty())
    return lab_error(fmt::format("{} fetched nothing", resolver->program), set.sources.string(), {});
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace labctl::image
