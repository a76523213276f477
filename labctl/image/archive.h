// Kernels of a Debian package archive, and which built images are behind them. All but read_archive() is
// pure.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::image {

// A version of a kernel's package. A metapackage is one whose kernel is another package: `release` is that
// one's.
struct ArchiveKernel {
  std::string package;  // "linux-image-6.12.117+deb12-amd64"
  std::string version;  // "6.12.117-1~deb12u1"
  std::string release;  // "6.12.117+deb12-amd64"
  bool meta = false;
};

// "6.12.117+deb12-rt-amd64" is of the series "6.12-rt": upstream's series and the flavour. Empty: not a
// release of Debian's for amd64.
std::string series_of(std::string_view release);

// Debian's order of versions (policy, 5.6.12): negative, 0 or positive.
int compare_versions(std::string_view a, std::string_view b);

// What `apt-cache show` prints of packages, in any order; debug and unsigned packages are left out.
std::vector<ArchiveKernel> kernels_in(std::string_view stanzas);

// A built image.
struct HeldKernel {
  std::string image, suite;
  std::string asked;             // the recipe's package; a metapackage where the image follows the archive
  std::string release, version;  // of the kernel in it
};

struct Standing {
  HeldKernel held;
  std::optional<ArchiveKernel> newest;  // of the metapackage, else of the series; none: the archive has none
  bool newer = false;                   // than the image, and no other image of the suite has it
  std::string held_by;                  // the other image that has it
};
std::vector<Standing> compare_with_archive(const std::vector<HeldKernel>& held,
                                           const std::vector<ArchiveKernel>& kernels);

// The recipe of an image with this kernel: its folder's name, and the lines of its image.yaml.
struct NewRecipe {
  std::string name, text;
};
NewRecipe recipe_for(const Standing& standing);

// All kernels of a suite, by apt with a root of its own below `folder`, which must be empty; the host's apt
// is left alone. Sources are those that `image build` uses. Errors: (input) no source names the suite; (lab)
// no network, damaged or unsigned lists, no apt.
Result<std::vector<ArchiveKernel>> read_archive(const std::string& suite, const std::filesystem::path& folder,
                                                std::stop_token stop);

}  // namespace labctl::image
