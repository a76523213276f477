#include "labctl/lab/copies.h"

#include <fmt/core.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/plan/damage.h"

namespace labctl::lab {
namespace {

constexpr std::uint64_t largest_artifact = 2ull << 30;

// In the place of the copy; its new digest. What damage leaves as it was would prove nothing under its name.
Result<std::string> damage_copy(const fs::path& copy, scenario::Damage damage, const std::string& before,
                                const std::string& where) {
  constexpr std::uint64_t largest = 256u << 20;
  if (fs::file_size(copy) > largest)
    return input_error("content of more than 256 MiB cannot be damaged here", where);
  auto bytes = read_file(copy);
  if (!bytes) return fail(bytes.error());
  const std::string changed = plan::damaged(std::move(*bytes), damage);
  std::string digest = sha256(changed);
  if (digest == before)
    return input_error(fmt::format("content that is {} is the content itself", to_string(damage)), where,
                       "leave this variant out");
  if (auto written = write_file(copy, changed); !written) return fail(written.error());
  return digest;
}

}  // namespace

Result<std::uint64_t> size_of_file(const fs::path& source, const std::string& where,
                                   const std::string& kernel) {
  std::error_code problem;
  if (!fs::exists(source, problem))
    return input_error(
        fmt::format("the artifact does not exist: {}", source.lexically_normal().string()), where,
        kernel.empty() ? "build it, or correct the path, which is relative to the scenario's folder"
                       : fmt::format("build it for the kernel {}; 'labctl image kernels' lists what to "
                                     "build for",
                                     kernel));
  if (fs::is_directory(source, problem))
    return input_error(
        fmt::format("is a folder: {}", source.string()), where,
        "content that is a folder goes to one: content: {path: /var/lib/x/}, with a '/' at its end");
  if (!fs::is_regular_file(source, problem))
    return input_error(fmt::format("is not a file: {}", source.string()), where);
  const auto size = fs::file_size(source, problem);
  if (problem || size == 0)
    return input_error(fmt::format("the artifact is empty or unreadable: {}", source.string()), where);
  if (size > largest_artifact)
    return input_error(fmt::format("the artifact is larger than 2 GiB: {}", source.string()), where);
  return size;
}

Result<Artifact> take(const TakeOrder& order) {
  const auto& [source, where, work, damage, may_be_empty, kernel] = order;
  std::error_code problem;
  const auto size = may_be_empty ? Result<std::uint64_t>(fs::file_size(source, problem))
                                 : size_of_file(source, where, kernel);
  if (!size) return fail(size.error());
  const fs::path copy = work / "incoming";
  if (!fs::copy_file(source, copy, fs::copy_options::overwrite_existing, problem) || problem)
    return input_error(fmt::format("the artifact cannot be read: {}: {}", problem.message(), source.string()),
                       where);
  auto digest = sha256_file(copy);
  if (!digest) return fail(digest.error());
  Artifact artifact{.source = source, .sha256 = *digest, .size = *size, .source_sha256 = *digest};
  if (fs::is_symlink(source, problem)) artifact.target = fs::canonical(source, problem);
  if (damage != scenario::Damage::none) {
    auto changed = damage_copy(copy, damage, *digest, where);
    if (!changed) return fail(changed.error());
    artifact.sha256 = *changed;
    artifact.size = fs::file_size(copy);
  }
  artifact.copy = work / artifact.sha256;
  fs::rename(copy, artifact.copy, problem);
  if (problem) return lab_error(fmt::format("cannot keep a copy: {}", problem.message()), work.string());
  return artifact;
}

}  // namespace labctl::lab
