#include "labctl/reproduction/between.h"

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/bundle/set_archive.h"

namespace labctl::reproduction {
namespace {

using How = FileDifference::How;

Result<bool> same_file(const bundle::SetFile& a, const bundle::SetFile& b) {
  if (a.size != b.size) return false;
  const auto one = sha256_file(a.source), other = sha256_file(b.source);
  if (!one) return fail(one.error());
  if (!other) return fail(other.error());
  return *one == *other;
}

// Whether they can be in one folder, and are a content.
bool stand_together(const std::vector<bundle::SetFile>& files) {
  std::set<std::string> names;
  for (const auto& file : files) names.insert(file.name);
  for (const auto& name : names)
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
      if (names.count(name.substr(0, slash)) != 0) return false;
  return !names.empty();
}

}  // namespace

const char* to_string(How how) {
  switch (how) {
    case How::changed:
      return "changed";
    case How::added:
      return "added";
    case How::removed:
      return "removed";
  }
  return "?";
}

Result<Between> compare_sets(const fs::path& earlier, const fs::path& candidate, const fs::path& work) {
  auto before = bundle::files_of_content(earlier, earlier.string(), work);
  if (!before) return fail(before.error());
  auto after = bundle::files_of_content(candidate, candidate.string(), work);
  if (!after) return fail(after.error());
  Between between;
  auto a = before->begin(), b = after->begin();
  while (a != before->end() || b != after->end()) {
    const bool only_before = b == after->end() || (a != before->end() && a->name < b->name);
    const bool only_after = a == before->end() || (b != after->end() && b->name < a->name);
    if (only_before) {
      between.differences.push_back({How::removed, *a++, {}});
      continue;
    }
    if (only_after) {
      between.differences.push_back({How::added, {}, *b++});
      continue;
    }
    const auto same = same_file(*a, *b);
    if (!same) return fail(same.error());
    if (*same)
      between.same.push_back(*b);
    else
      between.differences.push_back({How::changed, *a, *b});
    ++a, ++b;
  }
  return between;
}

Result<std::optional<fs::path>> make_set(const Between& between, const std::vector<std::size_t>& taken,
                                         const fs::path& work,
                                         const std::map<std::string, fs::path>& replaced) {
  std::vector<bundle::SetFile> files = between.same;
  std::string key;
  for (std::size_t i = 0; i < between.differences.size(); ++i) {
    const auto& difference = between.differences[i];
    const bool take = std::binary_search(taken.begin(), taken.end(), i);
    key += take ? '1' : '0';
    const auto& file = take ? difference.candidate : difference.earlier;
    if (!file.name.empty()) files.push_back(file);
  }
  for (auto& file : files) {
    const auto instead = replaced.find(file.name);
    if (instead == replaced.end()) continue;
    file.source = instead->second;
    key += "\n" + file.name + "\n" + instead->second.string();
  }
  if (!stand_together(files)) return std::nullopt;
  const fs::path folder = work / ("set-" + sha256(key).substr(0, 16));
  std::error_code problem;
  if (fs::exists(folder, problem)) return folder;
  if (auto made = bundle::make_folder(folder, files); !made) {
    fs::remove_all(folder, problem);
    return fail(made.error());
  }
  return folder;
}

}  // namespace labctl::reproduction
