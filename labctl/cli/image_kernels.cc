// labctl image kernels: what a build system has to build drivers for.

#include <fmt/core.h>

#include <map>
#include <tuple>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/image_kernels_available.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"

namespace labctl::cli {
namespace {

struct KernelsOptions {
  bool json = false, available = false;
  std::vector<std::string> suites;
  std::string out;
};

// One release may have been several builds: a distribution repairs a kernel without giving it a new name.
struct Kernel {
  std::string release, package, version;
  bool operator<(const Kernel& other) const {
    return std::tie(release, package, version) < std::tie(other.release, other.package, other.version);
  }
};
using Kernels = std::map<Kernel, std::vector<std::string>>;  // -> its images

Result<Kernels> kernels_of(const image::Store& store) {
  const auto recipes = store.recipes();
  if (!recipes) return fail(recipes.error());
  Kernels kernels;
  for (const auto& recipe : *recipes) {
    const auto image = store.find(recipe.name);
    if (!image || recipe.os != "linux") continue;
    const Kernel kernel{image->facts.kernel_release, image->facts.kernel_package,
                        image->facts.kernel_version};
    if (!kernel.release.empty()) kernels[kernel].push_back(recipe.name);
  }
  return kernels;
}

int image_kernels(const KernelsOptions& options) {
  if (options.available)
    return image_kernels_available({.suites = options.suites, .out = options.out, .json = options.json});
  if (!options.suites.empty() || !options.out.empty())
    return report_error(
        Error{Fault::input, "--suite and --out are of --available", {}, "labctl image kernels --available"});
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const auto kernels = kernels_of(open_store(*paths));
  if (!kernels) return report_error(kernels.error());
  Json list = Json::array();
  std::string text;
  for (const auto& [kernel, images] : *kernels) {
    list.push_back({{"release", kernel.release},
                    {"package", kernel.package},
                    {"version", kernel.version},
                    {"images", images}});
    text += fmt::format("{}\t{} {}\t{}\n", kernel.release, kernel.package, kernel.version, join(images, " "));
  }
  if (kernels->empty())
    say("labctl: no image of Linux is built here\n  hint: labctl image build debian-12-linux-6.12");
  if (options.json)
    print_json(dump_pretty({{"kernels", list}}));
  else
    print(text);
  return exit_code::passed;
}

}  // namespace

void add_image_kernels(CommandLine& command_line) {
  const auto options = std::make_shared<KernelsOptions>();
  auto verb = command_line.verb(
      "image kernels",
      {.summary = "The kernels of built images, or of the package archive: what to build drivers for",
       .group = group::images,
       .examples = "labctl image kernels\n"
                   "labctl image kernels --json\n"
                   "labctl image kernels --available --out fleet",
       .exit_codes = "0    done\n"
                     "2    a recipe has a mistake, no source names a suite, or bad usage\n"
                     "3    the images or the archive cannot be read\n"
                     "130  interrupted"},
      options, image_kernels);
  verb.flag("--json", options->json, "For programs");
  verb.flag("--available", options->available,
            "What the package archive has, with the image of each kernel, or the recipe that would be one");
  verb.option(
      "--suite", options->suites,
      "With --available: Debian's suites (default: those of the images that are built); may be repeated",
      {.value = "SUITE"});
  verb.option("--out", options->out,
              "With --available: a folder for the recipes and a scenario over all of them", {.value = "DIR"});
}

}  // namespace labctl::cli
