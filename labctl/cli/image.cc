#include <fmt/core.h>

#include "labctl/base/json.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/host/cache.h"
#include "labctl/image/cloud_image.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::cli {
namespace {

struct ListOptions {
  bool json = false;
};

struct ImageNames {
  std::vector<std::string> names;
};

constexpr const char* asking_exit_codes =
    "0    done\n"
    "2    no such image, not built, or bad usage\n"
    "3    the host or the build failed, or the disk is damaged\n"
    "130  interrupted";

const char* word(image::State state) {
  switch (state) {
    case image::State::absent:
      return "not built";
    case image::State::built:
      return "built";
    case image::State::outdated:
      return "outdated";
    case image::State::damaged:
      return "damaged";
  }
  return "?";
}

std::string where_from(const image::Recipe& recipe, const std::string& origin) {
  return origin == "LABCTL_IMAGES" ? fmt::format("of {} ({})", recipe.folder.string(), origin) : origin;
}

int image_list(const ListOptions& options) {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const auto store = open_store(*paths);
  auto recipes = store.recipes();
  if (!recipes) return report_error(recipes.error());
  if (recipes->empty())
    say("labctl: there are no recipes here\n"
        "  hint: they are searched in the folders of LABCTL_IMAGES and next to labctl");
  Json list = Json::array();
  std::string text;
  for (const auto& recipe : *recipes) {
    const auto state = store.state(recipe);
    const std::string origin = host::is_built_in(recipe.folder) ? "built in"
                               : recipe.folder.parent_path() == host::imported_folder(*paths)
                                   ? "imported"
                                   : "LABCTL_IMAGES";
    Json item{{"name", recipe.name},  {"os", recipe.os},  {"summary", recipe.summary},
              {"state", word(state)}, {"origin", origin}, {"folder", recipe.folder.string()}};
    text += recipe.name + "\t" + word(state) + "\t" + recipe.summary;
    if (auto image = store.find(recipe.name)) {
      const Millis boot = snapshot::known_boot_time(store, *image, {});
      item["sha256"] = image->sha256;
      item["facts"] = image::document_of(image->facts);
      item["boot_time_ms"] = boot.count();
      text += fmt::format("\tkernel {}", image->facts.kernel_release);
      if (boot.count() != 0) text += fmt::format(", boots in {}", show_duration(boot));
    }
    text += "\t" + where_from(recipe, origin) + "\n";
    list.push_back(std::move(item));
  }
  if (options.json)
    print_json(dump_pretty({{"images", list}}));
  else
    print(text);
  return exit_code::passed;
}

int image_verify(const ImageNames& options) {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const auto store = open_store(*paths);
  int code = exit_code::passed;
  for (const auto& name : options.names) {
    auto image = store.find(name);
    const auto whole = image ? store.verify(*image) : Status(fail(image.error()));
    answer_more("images", {{"name", name}, {"whole", whole.has_value()}});
    if (!whole)
      code = report_error(whole.error());
    else
      print(fmt::format("{}: ok, sha256 {}\n", name, image->sha256));
  }
  return code;
}

int image_remove(const ImageNames& options) {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  if (auto own = host::check_cache(paths->root); !own) return report_error(own.error());
  const auto store = open_store(*paths);
  int code = exit_code::passed;
  for (const auto& name : options.names) {
    auto removed = store.remove(name);
    if (removed) removed = image::remove_cloud_image(host::imported_folder(*paths), name);
    if (!removed)
      code = report_error(removed.error());
    else
      answer_more("removed", name);
  }
  return code;
}

}  // namespace

void add_image_list(CommandLine& command_line) {
  const auto options = std::make_shared<ListOptions>();
  auto verb = command_line.verb("image list",
                                {.summary = "Recipes and what is built of them",
                                 .group = group::images,
                                 .examples = "labctl image list\nlabctl image list --json",
                                 .exit_codes = "0    done\n"
                                               "2    a recipe has a mistake, or bad usage\n"
                                               "3    the images cannot be read"},
                                options, image_list);
  verb.flag("--json", options->json, "For programs, with every fact of each image");
}

void add_image_verify(CommandLine& command_line) {
  const auto options = std::make_shared<ImageNames>();
  auto verb = command_line.verb("image verify",
                                {.summary = "Compare the disks of images with their digests",
                                 .group = group::images,
                                 .examples = "labctl image verify debian-12-linux-6.12",
                                 .exit_codes = asking_exit_codes},
                                options, image_verify);
  verb.option("NAME", options->names, "Images", {.required = true});
  verb.json();
}

void add_image_rm(CommandLine& command_line) {
  const auto options = std::make_shared<ImageNames>();
  auto verb = command_line.verb("image rm",
                                {.summary = "Remove images with their snapshots",
                                 .group = group::images,
                                 .examples = "labctl image rm debian-12-linux-6.12",
                                 .exit_codes = asking_exit_codes},
                                options, image_remove);
  verb.option("NAME", options->names, "Images", {.required = true});
  verb.json();
}

}  // namespace labctl::cli
