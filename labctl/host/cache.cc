#include "labctl/host/cache.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "labctl/base/files.h"
#include "labctl/base/private_folder.h"
#include "labctl/base/text.h"

namespace labctl::host {
namespace {

constexpr const char* variable = "LABCTL_CACHE";
constexpr std::string_view marker = "CACHEDIR.TAG";
constexpr std::string_view signature = "Signature: 8a477f597d28d172789f06886806bc55\n";
constexpr std::string_view format = "# labctl cache, format ";
constexpr std::string_view format_1 = "# labctl cache, format 1\n";

// What labctl keeps in a cache; below them what the scripts of its source tree keep there, and what a file
// system has of its own.
constexpr std::string_view known_names[] = {"images",  "artefacts", "kept",     "host",      "work",
                                            "headers", "kernels",   "imported", "lost+found"};

bool is_known(const std::string& name) {
  // Another labctl may be writing the marker.
  return name == marker || name.starts_with(std::string(marker) + ".new.") ||
         std::find(std::begin(known_names), std::end(known_names), name) != std::end(known_names);
}

std::string elsewhere(const fs::path& root) {
  return fmt::format("export {}={}", variable, shell_quote((root / "labctl").string()));
}

Result<bool> is_marked(const fs::path& root) {
  auto text = read_file(root / marker, 1u << 16);
  if (!text || !text->starts_with(signature)) return false;
  if (text->find(format_1) != text->npos) return true;
  if (text->find(format) == text->npos) return false;
  return lab_error("is the cache of a labctl that keeps it otherwise", root.string(), elsewhere(root));
}

// A marker of somebody else's is somebody else's folder.
Status check_names(const fs::path& root) {
  std::error_code problem;
  for (auto entry = fs::directory_iterator(root, problem); !problem && entry != fs::directory_iterator();
       entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    if (name == marker || !is_known(name))
      return lab_error(
          fmt::format("is a folder in use, and no cache: it holds '{}', which labctl did not make there",
                      printable(name, 60)),
          root.string(), elsewhere(root));
  }
  if (problem && problem != std::errc::no_such_file_or_directory)
    return lab_error(fmt::format("cannot be read: {}", problem.message()), root.string());
  return {};
}

}  // namespace

Status check_cache(const fs::path& root) {
  if (auto trusted = check_private(root, variable); !trusted)
    return because(trusted.error(), "the cache cannot be used");
  auto marked = is_marked(root);
  if (!marked) return because(marked.error(), "the cache cannot be used");
  if (*marked) return {};
  auto adopted = check_names(root);
  return adopted ? adopted : because(adopted.error(), "the cache cannot be used");
}

Status claim_cache(const fs::path& root) {
  if (auto good = check_cache(root); !good) return good;
  if (auto made = make_private(root, variable); !made)
    return because(made.error(), "the cache cannot be used");
  if (is_marked(root).value_or(false)) return {};
  return write_file(
      root / marker,
      fmt::format("{}{}# What is in this folder can be made again, and what is old in it is removed.\n",
                  signature, format_1));
}

}  // namespace labctl::host
