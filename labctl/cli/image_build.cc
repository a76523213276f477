// labctl image build: disks side by side, each booted once before it counts.
#include <fmt/core.h>

#include <filesystem>
#include <optional>
#include <set>
#include <tuple>

#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/store.h"
#include "labctl/gate/images.h"

namespace labctl::cli {
namespace {

struct BuildOptions {
  std::vector<std::string> names;
  std::string needed_by;  // a scenario, instead of names
  Settings settings;
  unsigned jobs = 0;   // 0: as many as pay
  bool disks = false;  // without booting what was built
  HostChoice host;
  // Of Windows: Microsoft's installation medium, the virtio drivers' one, a file with a product key.
  std::string iso, virtio_iso, key_file;
};

constexpr const char* build_exit_codes =
    "0    done\n"
    "2    no such image, not built, or bad usage\n"
    "3    the host or the build failed, or the disk is damaged\n"
    "130  interrupted";

constexpr const char* key_hint =
    "a product key is read from a file, because other users can read command lines";

// The absolute path of a file that is there; empty for none.
Result<std::string> given_file(const std::string& file, const char* hint) {
  std::error_code none;
  if (file.empty()) return file;
  if (!std::filesystem::is_regular_file(file, none)) return input_error("there is no such file", file, hint);
  return std::filesystem::absolute(file).string();
}

Result<image::BuildInputs> inputs_of(const BuildOptions& options) {
  image::BuildInputs inputs;
  const char* usual = "labctl image build --help lists what is needed";
  for (const auto& [input, file, hint] : {std::tuple{&inputs.iso, &options.iso, usual},
                                          std::tuple{&inputs.virtio_iso, &options.virtio_iso, usual},
                                          std::tuple{&inputs.key_file, &options.key_file, key_hint}}) {
    auto path = given_file(*file, hint);
    if (!path) return fail(path.error());
    *input = std::move(*path);
  }
  return inputs;
}

// Images that are named, or those of a scenario in the shapes of its cells. Complains by itself.
std::optional<std::vector<gate::ImageOrder>> images_of(const BuildOptions& options) {
  std::vector<gate::ImageOrder> images;
  for (const auto& name : std::set<std::string>(options.names.begin(), options.names.end()))
    images.push_back({name});
  if (options.needed_by.empty()) return images;
  const auto variables = options.settings.variables();
  if (!variables) return report_error(variables.error()), std::nullopt;
  auto loaded = load_plan(options.needed_by, *variables, {});
  if (!loaded) return std::nullopt;
  return gate::images_of(loaded->second);
}

int image_build(const BuildOptions& options) {
  auto inputs = inputs_of(options);
  if (!inputs) return report_error(inputs.error());
  if (options.names.empty() == options.needed_by.empty())
    return report_error(
        Error{Fault::input,
              options.names.empty() ? "no image is named" : "images are named, and a scenario too",
              {},
              "labctl image build IMAGE..., or --needed-by SCENARIO; labctl image list names them"});
  auto images = images_of(options);
  if (!images) return exit_code::bad_input;
  const gate::BuildOrder order{std::move(*images), options.jobs, options.disks, std::move(*inputs),
                               options.host.order()};
  return on_this_host(options.host, "removing unfinished builds",
                      [&](const auto& environment, auto& observer) {
                        auto built = gate::build_images(order, environment, observer);
                        return built ? exit_code::passed : report_error(built.error());
                      });
}

}  // namespace

void add_image_build(CommandLine& command_line) {
  const auto options = std::make_shared<BuildOptions>();
  auto verb = command_line.verb("image build",
                                {.summary = "Build images that are missing, and see them boot",
                                 .group = group::images,
                                 .examples = "labctl image build debian-12-linux-6.12\n"
                                             "labctl image build --needed-by scenarios/quickstart.yaml",
                                 .exit_codes = build_exit_codes},
                                options, image_build);
  verb.option("NAME", options->names, "Images, as 'labctl image list' names them");
  verb.option("--needed-by", options->needed_by, "All that this scenario needs, with its live snapshots",
              {.value = "SCENARIO"});
  options->settings.add_to(verb);
  verb.option("--jobs", options->jobs, "Builds at once (default: what the host's cores and memory carry)",
              {.value = "N", .between = {1, 100}});
  verb.option("--iso", options->iso, "Windows: Microsoft's installation medium", {.value = "FILE"});
  verb.option("--virtio-iso", options->virtio_iso, "Windows: the virtio drivers' medium", {.value = "FILE"});
  verb.option("--key-file,--key", options->key_file,
              "Windows: holds a product key (default: as an evaluation)", {.value = "FILE"});
  verb.flag("--disks-only", options->disks, "Do not boot what was built; the first run does");
  options->host.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
