// Content that is several files: those of a folder, or of an archive that is unpacked here, on the host.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/bundle/set_archive.h"
#include "labctl/lab/staged_artifacts.h"

namespace labctl::lab {
namespace {

// "channels" and "a.bin": "channels/a.bin".
std::string below(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

// Unpacked from a copy that was hashed: what `whole` names as the archive is what the files are of.
Result<std::vector<bundle::SetFile>> unpack(const SetOrder& order, const fs::path& into, Artifact& whole) {
  auto archive = take({.source = order.source, .where = order.where, .work = order.copies});
  if (!archive) return fail(archive.error());
  std::error_code problem;
  fs::remove_all(into, problem);
  if (auto made = make_dirs(into); !made) return fail(made.error());
  whole.target = archive->target;
  whole.archive = whole.source_sha256 = archive->sha256;
  whole.source_copy = archive->copy;
  return bundle::files_of_archive(archive->copy, order.where, into, order.source.filename().string());
}

}  // namespace

Status knows_damaged_file(const std::vector<bundle::SetFile>& files, const std::string& damaged,
                          const std::string& where) {
  std::vector<std::string> names;
  for (const auto& file : files) {
    if (damaged.empty() || file.name == damaged) return {};
    names.push_back(file.name);
  }
  return input_error(
      fmt::format("the content has no file '{}' that could be damaged", printable(damaged, 200)), where,
      fmt::format("its files are {}", printable(join_some(names), 400)));
}

// Every file of it is an artifact of its own, and the set one whose bytes are its manifest.
Result<Artifact> StagedArtifacts::take_set(const SetOrder& order, const Sources& sources) {
  const fs::path unpacked = order.copies / "unpacked";
  Artifact whole{.source = order.source};
  auto files = order.archive                    ? unpack(order, unpacked, whole)
               : sources.count(order.path) == 0 ? bundle::files_of_set({order.source}, order.where)
                                                : bundle::files_of_manifest(order.source, order.where);
  if (!files) return fail(files.error());
  if (auto known = knows_damaged_file(*files, order.damaged_file, order.where); !known)
    return fail(known.error());
  std::vector<bundle::SetFile> before = *files;  // as it is shipped
  for (std::size_t i = 0; i < files->size(); ++i) {
    auto& file = (*files)[i];
    if (const auto given = sources.find(below(order.path, file.name));
        !order.archive && given != sources.end())
      file.source = given->second;
    const bool harmed = order.damage != scenario::Damage::none && file.name == order.damaged_file;
    auto taken = take({.source = file.source,
                       .where = order.where,
                       .work = order.copies,
                       .damage = harmed ? order.damage : scenario::Damage::none,
                       .may_be_empty = true});
    if (!taken) return taken;
    if (order.archive && harmed) {  // what it was, for another host
      taken->source_copy = order.copies / taken->source_sha256;
      std::error_code problem;
      fs::rename(file.source, taken->source_copy, problem);
      if (problem)
        return lab_error(fmt::format("cannot keep a copy: {}", problem.message()), order.copies.string());
    }
    if (order.archive) taken->source = harmed ? taken->source_copy : taken->copy;
    before[i].sha256 = taken->source_sha256;
    file.source = taken->copy;
    file.sha256 = taken->sha256;
    file.size = taken->size;
    whole.size += taken->size;
    artifacts_[below(order.path, file.name)] = std::move(*taken);
  }
  std::error_code ignored;
  if (order.archive) fs::remove_all(unpacked, ignored);
  const auto write_manifest = [&](const std::string& text) -> Result<fs::path> {
    fs::path file = order.copies / sha256(text);
    if (auto written = write_file(file, text); !written) return fail(written.error());
    return file;
  };
  const std::string manifest = bundle::manifest_of(*files), intact = bundle::manifest_of(before);
  auto copy = write_manifest(manifest);
  if (!copy) return fail(copy.error());
  whole.sha256 = sha256(manifest);
  whole.copy = std::move(*copy);
  if (!order.archive) {
    whole.source_sha256 = sha256(intact);
    auto shipped = write_manifest(intact);
    if (!shipped) return fail(shipped.error());
    whole.source_copy = std::move(*shipped);
  }
  const fs::path tar = order.copies / (whole.sha256 + ".tar");
  if (auto written = bundle::write_tar(tar, *files); !written) return fail(written.error());
  auto digest = sha256_file(tar);
  if (!digest) return fail(digest.error());
  std::error_code problem;
  fs::rename(tar, order.copies / *digest, problem);
  if (problem)
    return lab_error(fmt::format("cannot keep a copy: {}", problem.message()), order.copies.string());
  tars_[order.path] = *digest;
  return whole;
}

}  // namespace labctl::lab
