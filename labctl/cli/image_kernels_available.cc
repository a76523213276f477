#include "labctl/cli/image_kernels_available.h"

#include <fmt/core.h>

#include <filesystem>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"
#include "labctl/cli/package_archives.h"
#include "labctl/cli/store.h"
#include "labctl/image/available.h"
#include "labctl/scenario/starter.h"

namespace labctl::cli {
namespace {

using OfSuite = std::pair<std::string, std::vector<image::Available>>;

constexpr const char* scenario_name = "every-kernel";

// The suites that are asked for; else those of built images, else Debian 12.
std::set<std::string> suites_of(const AvailableKernels& options, const image::Store& store,
                                const std::vector<image::Recipe>& recipes) {
  std::set<std::string> suites(options.suites.begin(), options.suites.end());
  if (!suites.empty()) return suites;
  for (const auto& recipe : recipes)
    if (!recipe.suite.empty() && store.find(recipe.name)) suites.insert(recipe.suite);
  if (suites.empty()) suites.insert("bookworm");
  return suites;
}

// apt's words for a suite are words of a command line.
Status check_suite(const std::string& suite, const std::vector<image::Recipe>& recipes) {
  std::set<std::string> known;
  for (const auto& recipe : recipes)
    if (!recipe.suite.empty()) known.insert(recipe.suite);
  if (known.count(suite) != 0) return {};
  return input_error(
      fmt::format("no recipe is of the suite '{}'", printable(suite)), {},
      fmt::format("there are: {}; a recipe that extends another one and says 'suite:' adds one",
                  join({known.begin(), known.end()}, ", ")));
}

Result<std::vector<OfSuite>> read(const AvailableKernels& options, const host::Paths& paths) {
  const auto store = open_store(paths);
  const auto recipes = store.recipes();
  if (!recipes) return fail(recipes.error());
  const auto suites = suites_of(options, store, *recipes);
  for (const auto& suite : suites)
    if (auto known = check_suite(suite, *recipes); !known) return fail(known.error());
  const auto archives = read_archives(suites, paths);
  if (!archives) return fail(archives.error());
  std::vector<OfSuite> all;
  for (const auto& [suite, kernels] : *archives)
    all.emplace_back(suite, image::available(suite, *recipes, kernels));
  return all;
}

std::string scenario_over(const std::vector<OfSuite>& all) {
  scenario::Starter starter{
      .name = scenario_name,
      .about = "Every kernel that the archive still has, printed by 'labctl image kernels --available'."};
  for (const auto& [suite, kernels] : all)
    for (const auto& one : kernels) starter.images.push_back(one.image);
  return starter.images.empty() ? std::string() : scenario::starter_text(starter);
}

// ---- what is said ----

Json as_json(const std::vector<OfSuite>& all, const std::string& scenario) {
  Json list = Json::array();
  for (const auto& [suite, kernels] : all)
    for (const auto& one : kernels)
      list.push_back({{"suite", suite},
                      {"release", one.kernel.release},
                      {"package", one.kernel.package},
                      {"version", one.kernel.version},
                      {"kind", image::kind_of(one.kernel)},
                      {"image", one.image},
                      {"recipe", one.recipe.text}});
  return {{"available", std::move(list)}, {"scenario", scenario}};
}

std::string as_table(const std::vector<OfSuite>& all) {
  std::string text;
  for (const auto& [suite, kernels] : all)
    for (const auto& one : kernels)
      text += fmt::format("{:<10} {:<28} {:<24} {:<14} {}{}\n", suite, one.kernel.release, one.kernel.version,
                          image::kind_of(one.kernel), one.image,
                          one.recipe.text.empty() ? "" : " (no recipe yet)");
  return text;
}

std::string recipes_of(const std::vector<OfSuite>& all) {
  std::string text;
  for (const auto& [suite, kernels] : all)
    for (const auto& one : kernels)
      if (!one.recipe.text.empty())
        text += fmt::format("\n# images/{}/image.yaml\n{}", one.image, one.recipe.text);
  return text;
}

// Recipes and scenario as files; one that is there already stays as it is, and is an error.
Status write_out(const std::filesystem::path& out, const std::vector<OfSuite>& all,
                 const std::string& scenario) {
  const auto put = [](const std::filesystem::path& file, const std::string& text) -> Status {
    if (auto made = make_dirs(file.parent_path()); !made) return made;
    return create_file(file, text, 0644);
  };
  if (auto written = put(out / (std::string(scenario_name) + ".yaml"), scenario); !written) return written;
  for (const auto& [suite, kernels] : all)
    for (const auto& one : kernels)
      if (!one.recipe.text.empty())
        if (auto written = put(out / "images" / one.image / "image.yaml", one.recipe.text); !written)
          return written;
  return {};
}

}  // namespace

int image_kernels_available(const AvailableKernels& options) {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const auto all = read(options, *paths);
  if (!all) return report_error(all.error());
  const auto scenario = scenario_over(*all);
  if (!options.out.empty())
    if (auto written = write_out(options.out, *all, scenario); !written) return report_error(written.error());
  if (options.json) {
    print_json(dump_pretty(as_json(*all, scenario)));
    return exit_code::passed;
  }
  std::string text = as_table(*all);
  if (options.out.empty())
    text += fmt::format("{}\n# {}.yaml\n{}", recipes_of(*all), scenario_name, scenario);
  const auto file = std::filesystem::path(options.out) / (std::string(scenario_name) + ".yaml");
  text += fmt::format(
      "\n# Then:\n#   {}labctl image build --needed-by {} --set driver=FILE --set module=NAME\n",
      options.out.empty() ? "" : fmt::format("export LABCTL_IMAGES={}/images; ", options.out), file.string());
  print(text);
  return exit_code::passed;
}

}  // namespace labctl::cli
