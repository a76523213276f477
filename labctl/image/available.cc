#include "labctl/image/available.h"

#include <algorithm>
#include <map>
#include <set>

#include "labctl/base/text.h"

namespace labctl::image {
namespace {

// The package that a recipe asks for, without the version that it insists on.
std::string asked_by(const Recipe& recipe) {
  return recipe.kernel_package.substr(0, recipe.kernel_package.find('='));
}

const ArchiveKernel* newest_of(const std::vector<ArchiveKernel>& kernels, const std::string& package) {
  const ArchiveKernel* newest = nullptr;
  for (const auto& kernel : kernels)
    if (kernel.package == package && (!newest || compare_versions(newest->version, kernel.version) < 0))
      newest = &kernel;
  return newest;
}

// A recipe, and which kernel it means today.
struct Meaning {
  const Recipe* recipe = nullptr;
  const ArchiveKernel* kernel = nullptr;  // none: the archive has dropped it
};

std::vector<Meaning> meanings(const std::string& suite, const std::vector<Recipe>& recipes,
                              const std::vector<ArchiveKernel>& kernels) {
  std::vector<Meaning> all;
  for (const auto& recipe : recipes)
    if (recipe.suite == suite && recipe.os == "linux" && !recipe.import)
      all.push_back({&recipe, newest_of(kernels, asked_by(recipe))});
  // Of two that mean the same, the one with the shorter name says less of its own.
  std::stable_sort(all.begin(), all.end(), [](const Meaning& a, const Meaning& b) {
    return a.recipe->name.size() < b.recipe->name.size();
  });
  return all;
}

// Best the recipe that follows the same series, else one of the series, else any of the suite.
const Recipe& base_for(const ArchiveKernel& kernel, const std::vector<Meaning>& meanings) {
  const Recipe* of_series = nullptr;
  for (const auto& meaning : meanings) {
    if (!meaning.kernel || series_of(meaning.kernel->release) != series_of(kernel.release)) continue;
    if (meaning.kernel->meta) return *meaning.recipe;
    if (!of_series) of_series = meaning.recipe;
  }
  return of_series ? *of_series : *meanings.front().recipe;
}

}  // namespace

std::vector<Available> available(const std::string& suite, const std::vector<Recipe>& recipes,
                                 const std::vector<ArchiveKernel>& kernels) {
  const auto known = meanings(suite, recipes, kernels);
  if (known.empty()) return {};
  std::map<std::string, const ArchiveKernel*> newest;
  for (const auto& kernel : kernels)
    if (!kernel.meta) newest[kernel.release] = newest_of(kernels, kernel.package);
  std::set<std::string> names;
  for (const auto& recipe : recipes) names.insert(recipe.name);
  std::vector<Available> all;
  for (const auto& [release, kernel] : newest) {
    Available one{.kernel = *kernel};
    for (const auto& meaning : known)
      if (meaning.kernel && meaning.kernel->release == release && one.image.empty())
        one.image = meaning.recipe->name;
    if (one.image.empty()) {
      one.recipe = recipe_for({.held = {.image = base_for(*kernel, known).name, .suite = suite},
                               .newest = *kernel,
                               .newer = true});
      // A name that another kernel has gets the version as well.
      if (!names.insert(one.recipe.name).second) one.recipe.name += "-" + slug(kernel->version);
      one.image = one.recipe.name;
    }
    all.push_back(std::move(one));
  }
  std::stable_sort(all.begin(), all.end(), [](const Available& a, const Available& b) {
    return compare_versions(a.kernel.version, b.kernel.version) < 0;
  });
  return all;
}

std::string kind_of(const ArchiveKernel& kernel) {
  const auto series = series_of(kernel.release);
  const auto dash = series.find('-');
  std::string kind = dash == series.npos ? "" : series.substr(dash + 1);
  if (kernel.version.find("~bpo") != kernel.version.npos) kind += kind.empty() ? "backports" : ", backports";
  return kind;
}

}  // namespace labctl::image
