// Where this source tree lies, for tests that read its files: known by one object and not by every compiler
// command, so that a compiler cache serves one clone with the objects of another.
#pragma once

#include <filesystem>

namespace source_tree {

std::filesystem::path root();
std::filesystem::path tests();

}  // namespace source_tree
