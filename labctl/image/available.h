// The kernels of an archive beside the recipes that there are. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/image/archive.h"
#include "labctl/image/image.h"

namespace labctl::image {

struct Available {
  ArchiveKernel kernel;  // no metapackage
  std::string image;     // whose recipe names it, or follows a metapackage that means it; else of `recipe`
  NewRecipe recipe;      // empty where there is an image
};

// The kernels of a suite's archive from the earliest to the newest, each release in its newest version alone,
// because archives keep the others by chance. Recipes of other suites do not count. Empty when no recipe is
// of this suite, because a recipe extends another one.
std::vector<Available> available(const std::string& suite, const std::vector<Recipe>& recipes,
                                 const std::vector<ArchiveKernel>& kernels);

// "backports", "rt", "cloud", "rt, backports" ...; empty: the suite's own kernel for everything.
std::string kind_of(const ArchiveKernel& kernel);

}  // namespace labctl::image
