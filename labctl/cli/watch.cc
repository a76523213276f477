// labctl watch: whether the package archive has newer kernels than the images, for cron.

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/package_archives.h"
#include "labctl/cli/store.h"
#include "labctl/image/archive.h"
#include "labctl/scenario/starter.h"

namespace labctl::cli {
namespace {

constexpr int newer_kernel = 10;  // watch's own exit code

struct WatchOptions {
  std::vector<std::string> images;
  bool json = false;
};

// Built images by what they can be compared with; and those that cannot, with the reason.
struct Watched {
  std::vector<image::HeldKernel> held;
  std::map<std::string, std::string> not_compared;
};

Result<Watched> watched(const image::Store& store, const std::vector<std::string>& names) {
  Watched all;
  const auto recipes = store.recipes();
  if (!recipes) return fail(recipes.error());
  for (const auto& name : names)
    if (const auto image = store.find(name); !image) return fail(image.error());
  for (const auto& recipe : *recipes) {
    if (!names.empty() && std::find(names.begin(), names.end(), recipe.name) == names.end()) continue;
    const auto image = store.find(recipe.name);
    if (!image) continue;
    const image::HeldKernel held{.image = recipe.name,
                                 .suite = recipe.suite,
                                 .asked = recipe.kernel_package.substr(0, recipe.kernel_package.find('=')),
                                 .release = image->facts.kernel_release,
                                 .version = image->facts.kernel_version};
    if (held.suite.empty() || held.asked.empty())
      all.not_compared[recipe.name] = "it is not built from a Debian archive";
    else if (held.version.empty() || image::series_of(held.release).empty())
      all.not_compared[recipe.name] = "its facts name no kernel of Debian's";
    else
      all.held.push_back(held);
  }
  if (all.held.empty())
    return input_error("no image of a Debian kernel is built, so there is nothing to compare", {},
                       "labctl image build debian-12-linux-6.12");
  return all;
}

Result<std::vector<image::Standing>> compared(const Watched& all, const host::Paths& paths) {
  std::set<std::string> suites;
  for (const auto& held : all.held) suites.insert(held.suite);
  const auto archives = read_archives(suites, paths);
  if (!archives) return fail(archives.error());
  std::vector<image::Standing> standings;
  for (const auto& [suite, kernels] : *archives) {
    std::vector<image::HeldKernel> of_suite;
    for (const auto& held : all.held)
      if (held.suite == suite) of_suite.push_back(held);
    const auto more = image::compare_with_archive(of_suite, kernels);
    standings.insert(standings.end(), more.begin(), more.end());
  }
  return standings;
}

// What there is to do: a recipe for each kernel that no image has, and a scenario over them.
struct Gate {
  std::vector<image::NewRecipe> recipes;
  std::string scenario;
};

Gate gate_of(const std::vector<image::Standing>& standings) {
  Gate gate;
  scenario::Starter starter{
      .name = "new-kernels",
      .about = "The released driver on kernels of the archive that no image had, printed by 'labctl watch'."};
  for (const auto& standing : standings) {
    if (!standing.newer) continue;
    auto recipe = image::recipe_for(standing);
    const auto same = [&](const image::NewRecipe& other) { return other.name == recipe.name; };
    if (std::any_of(gate.recipes.begin(), gate.recipes.end(), same)) continue;
    starter.images.push_back(recipe.name);
    gate.recipes.push_back(std::move(recipe));
  }
  if (!gate.recipes.empty()) gate.scenario = scenario::starter_text(starter);
  return gate;
}

std::string state_of(const image::Standing& standing) {
  if (!standing.newest) return "not-in-archive";
  if (standing.newer) return "newer";
  return standing.held_by.empty() ? "current" : "held-by-other";
}

Json as_json(const Watched& all, const std::vector<image::Standing>& standings, const Gate& gate) {
  Json json{{"labctl", 1}, {"images", Json::array()}, {"recipes", Json::array()}};
  for (const auto& standing : standings) {
    Json line{{"name", standing.held.image},
              {"suite", standing.held.suite},
              {"kernel_release", standing.held.release},
              {"kernel_version", standing.held.version},
              {"state", state_of(standing)},
              {"archive", nullptr}};
    if (standing.newest)
      line["archive"] = {{"package", standing.newest->package},
                         {"kernel_release", standing.newest->release},
                         {"kernel_version", standing.newest->version}};
    if (!standing.held_by.empty()) line["held_by"] = standing.held_by;
    json["images"].push_back(std::move(line));
  }
  json["not_compared"] = Json::array();
  for (const auto& [name, why] : all.not_compared)
    json["not_compared"].push_back({{"name", name}, {"why", why}});
  for (const auto& recipe : gate.recipes)
    json["recipes"].push_back(
        {{"name", recipe.name}, {"file", "images/" + recipe.name + "/image.yaml"}, {"text", recipe.text}});
  json["scenario"] = gate.scenario;
  return json;
}

// Columns as wide as their widest word.
std::string in_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] + 2 - row[i].size(), ' ');
    }
    text += trim(line);
    text += '\n';
  }
  return text;
}

std::string as_text(const Watched& all, const std::vector<image::Standing>& standings, const Gate& gate) {
  std::vector<std::vector<std::string>> rows = {{"image", "its kernel", "the archive's", ""}};
  for (const auto& standing : standings) {
    std::string note = state_of(standing) == "newer" ? "newer" : "";
    if (!standing.held_by.empty()) note = fmt::format("image {} has it", standing.held_by);
    rows.push_back({standing.held.image, standing.held.version,
                    standing.newest ? standing.newest->version : "none of this series any more", note});
  }
  std::string text = in_columns(rows);
  for (const auto& [name, why] : all.not_compared) text += fmt::format("{}: not compared: {}\n", name, why);
  if (gate.recipes.empty())
    return fmt::format("{}\nno kernel of the archive is newer than the images\n", text);
  std::string names;
  for (const auto& recipe : gate.recipes) {
    text += fmt::format("\n# images/{}/image.yaml\n{}", recipe.name, recipe.text);
    names += " " + recipe.name;
  }
  text += fmt::format(
      "\n# new-kernels.yaml\n{}\n# Then:\n#   labctl image build{}\n#   labctl run new-kernels.yaml --set "
      "driver=FILE --set module=NAME\n",
      gate.scenario, names);
  return text;
}

int watch(const WatchOptions& options) {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const auto all = watched(open_store(*paths), options.images);
  if (!all) return report_error(all.error());
  const auto standings = compared(*all, *paths);
  if (!standings) return report_error(standings.error());
  const auto gate = gate_of(*standings);
  if (options.json)
    print_json(dump_pretty(as_json(*all, *standings, gate)));
  else
    print(as_text(*all, *standings, gate));
  return gate.recipes.empty() ? exit_code::passed : newer_kernel;
}

}  // namespace

void add_watch(CommandLine& command_line) {
  const auto options = std::make_shared<WatchOptions>();
  auto verb = command_line.verb(
      "watch",
      {.summary = "Compare the kernels of images with the package archive, for cron",
       .group = group::history,
       .examples = "labctl watch\nlabctl watch debian-12-linux-6.12 --json",
       .exit_codes = "0    no kernel of the archive is newer than the images\n"
                     "2    no image to compare is built, no source names its suite, or bad usage\n"
                     "3    the archive cannot be read: network, signatures, damaged lists\n"
                     "10   the archive has a newer kernel; recipes and a scenario for it are printed\n"
                     "130  interrupted"},
      options, watch);
  verb.option("IMAGE", options->images, "Images (default: all that are built)");
  verb.flag("--json", options->json, "Print the answer as JSON");
}

}  // namespace labctl::cli
