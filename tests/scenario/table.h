// The table of mistakes: every NAME.yaml of a folder is read, and what a person would be told must be exactly
// NAME.txt. LABCTL_APPROVE=1 in the environment writes the tables again; read the difference before it is
// committed.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "labctl/base/text.h"
#include "labctl/scenario/scenario.h"
#include "tests/catch.h"

namespace table {

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// "# set: a=1 b=2" at the top of a file stands for --set; a ready scenario says "--set a=1" in its comment.
inline labctl::scenario::Variables variables_of(const std::string& text) {
  labctl::scenario::Variables variables;
  std::size_t begin = text.rfind("# set: ", 200);
  if (begin == std::string::npos) begin = text.substr(0, 1000).find(" --set ");
  if (begin == std::string::npos) return variables;
  const std::string line = text.substr(begin + 7, text.find('\n', begin) - begin - 7);
  for (const std::string& pair : labctl::split(line, ' ')) {
    variables[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  }
  return variables;
}

inline labctl::scenario::Scenario good(const std::filesystem::path& path) {
  const std::string text = slurp(path);
  auto loaded = labctl::scenario::load(text, path.filename().string(), variables_of(text));
  for (const labctl::Error& mistake : loaded.mistakes) UNSCOPED_INFO(mistake.text());
  REQUIRE(loaded.scenario);
  return std::move(*loaded.scenario);
}

// `tell` gives the mistakes of one file.
inline void check(const std::filesystem::path& folder,
                  const std::function<std::vector<labctl::Error>(const std::filesystem::path&)>& tell) {
  for (const auto& path : yaml_files(folder)) {
    std::string told;
    for (const labctl::Error& mistake : tell(path)) {
      CHECK(mistake.fault == labctl::Fault::input);
      told += mistake.text() + "\n";
    }
    std::filesystem::path expected = path;
    expected.replace_extension(".txt");
    if (std::getenv("LABCTL_APPROVE")) std::ofstream(expected, std::ios::binary) << told;
    INFO(path);
    CHECK_FALSE(told.empty());
    CHECK(told == slurp(expected));
  }
}

}  // namespace table
