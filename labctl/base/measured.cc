#include "labctl/base/measured.h"

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/pinned_file.h"

namespace labctl {
namespace {

// Clocks of file systems may be this coarse.
constexpr std::time_t too_recent_seconds = 2;

// What of a file changes with its content, in the order of stat(2).
Json state_of(const struct stat& stat) {
  return {{"device", static_cast<std::uint64_t>(stat.st_dev)},
          {"inode", static_cast<std::uint64_t>(stat.st_ino)},
          {"size", static_cast<std::uint64_t>(stat.st_size)},
          {"modified", {stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec}},
          {"changed", {stat.st_ctim.tv_sec, stat.st_ctim.tv_nsec}}};
}

std::string kept_digest(const fs::path& file, const Json& state) {
  auto text = read_file(measured_record(file), 1u << 16);
  auto record = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
  if (!record || !record->is_object() || !record->contains("state") || record->at("state") != state)
    return {};
  const std::string digest = text_at(*record, "sha256");
  return is_sha256(digest) ? digest : std::string();
}

}  // namespace

fs::path measured_record(const fs::path& file) { return file.string() + ".measured"; }

Result<std::string> measured_sha256(const fs::path& file, std::time_t now) {
  auto held = PinnedFile::open(file);
  if (!held) return fail(held.error());
  const Json state = state_of(held->state());
  if (std::string known = kept_digest(file, state); !known.empty()) {
    if (auto same = held->unchanged(); !same) return fail(same.error());
    return known;
  }
  auto digest = held->sha256();
  if (!digest) return digest;
  if (held->state().st_ctim.tv_sec + too_recent_seconds < now)
    static_cast<void>(
        write_file(measured_record(file), dump_line(Json{{"sha256", *digest}, {"state", state}}) + "\n"));
  return digest;
}

}  // namespace labctl
