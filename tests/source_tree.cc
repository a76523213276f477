#include "tests/source_tree.h"

namespace source_tree {

std::filesystem::path root() { return LABCTL_SOURCE; }

std::filesystem::path tests() { return root() / "tests"; }

}  // namespace source_tree
