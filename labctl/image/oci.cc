// An image in an OCI image layout: one layer, a tar with disk/disk.qcow2 and image.json. skopeo and umoci
// carry such layouts to and from registries, and KubeVirt starts virtual machines of them.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/owned.h"
#include "labctl/base/slow_work.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/image/transfer.h"

namespace labctl::image {
namespace {

constexpr const char* layer_type = "application/vnd.oci.image.layer.v1.tar";
constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* config_type = "application/vnd.oci.image.config.v1+json";
constexpr const char *disk_in_layer = "disk/disk.qcow2", *facts_in_layer = "image.json";
constexpr const char* ref_name = "org.opencontainers.image.ref.name";
constexpr std::uint64_t largest_document = 1u << 20;
constexpr int qemu_user = 107;  // of KubeVirt
constexpr auto between_reports = std::chrono::seconds(5);

using TarWriter = Owned<archive, archive_write_free>;
using TarReader = Owned<archive, archive_read_free>;
using TarEntry = Owned<archive_entry, archive_entry_free>;

Error said_by(archive* handle, const fs::path& file) {
  const char* text = archive_error_string(handle);
  return {
      Fault::lab,
      fmt::format("cannot be read or written: {}", text ? printable(text) : std::string("unknown reason")),
      file.string(),
      {}};
}

bool begin_file(archive* out, const char* name, std::uint64_t size) {
  const TarEntry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0440);
  archive_entry_set_uid(entry.get(), qemu_user);
  archive_entry_set_gid(entry.get(), qemu_user);
  archive_entry_set_mtime(entry.get(), 0, 0);
  return archive_write_header(out, entry.get()) == ARCHIVE_OK;
}

Status write_layer(const Image& image, const fs::path& file) {
  const TarWriter writer(archive_write_new());
  archive* out = writer.get();
  const auto bad = [&] { return Status(fail(said_by(out, file))); };
  if (archive_write_set_format_pax_restricted(out) != ARCHIVE_OK ||
      archive_write_open_filename(out, file.c_str()) != ARCHIVE_OK)
    return bad();
  const std::string facts = dump_pretty(document_of(image.facts));
  if (!begin_file(out, facts_in_layer, facts.size()) ||
      archive_write_data(out, facts.data(), facts.size()) != static_cast<la_ssize_t>(facts.size()))
    return bad();
  const Fd disk(::open(image.disk.c_str(), O_RDONLY | O_CLOEXEC));
  std::error_code problem;
  const auto size = fs::file_size(image.disk, problem);
  if (!disk || problem) return lab_error("cannot be read", image.disk.string());
  if (!begin_file(out, disk_in_layer, size)) return bad();
  SlowWork work(fmt::format("writing the layer of {}", image.name), size);
  std::string block(1u << 20, '\0');
  for (ssize_t got = 0; (got = ::read(disk.get(), block.data(), block.size())) > 0;) {
    if (archive_write_data(out, block.data(), static_cast<std::size_t>(got)) != got) return bad();
    work.done(static_cast<std::uint64_t>(got));
  }
  return archive_write_close(out) == ARCHIVE_OK ? Status() : bad();
}

struct Blob {
  std::string sha256;
  std::uint64_t size = 0;
};

Json descriptor(const char* type, const Blob& blob) {
  return {{"mediaType", type}, {"digest", "sha256:" + blob.sha256}, {"size", blob.size}};
}

Result<Blob> add_document(const fs::path& blobs, const Json& document) {
  const std::string text = dump_line(document);
  const Blob blob{sha256(text), text.size()};
  if (auto written = write_file(blobs / blob.sha256, text); !written) return fail(written.error());
  return blob;
}

// Others' tags stay; this one is replaced.
Json index_of(const fs::path& layout, const std::string& tag, const Blob& manifest) {
  Json manifests = Json::array();
  if (auto text = read_file(layout / "index.json", largest_document))
    if (auto old = parse_json(*text, {});
        old && old->contains("manifests") && old->at("manifests").is_array())
      for (const auto& one : old->at("manifests"))
        if (!one.contains("annotations") || text_at(one.at("annotations"), ref_name) != tag)
          manifests.push_back(one);
  Json own = descriptor(manifest_type, manifest);
  own["annotations"] = {{ref_name, tag}};
  manifests.push_back(std::move(own));
  return {{"schemaVersion", 2}, {"manifests", std::move(manifests)}};
}

// The file of a descriptor's blob. Errors (input): no digest that can be one, or no such file.
Result<fs::path> blob_of(const fs::path& layout, const Json& about) {
  const std::string digest = text_at(about, "digest");
  const std::string hex = digest.starts_with("sha256:") ? digest.substr(7) : std::string();
  std::error_code ignored;
  const fs::path file = layout / "blobs/sha256" / hex;
  if (is_sha256(hex) && fs::is_regular_file(file, ignored)) return file;
  return input_error(fmt::format("the layout lacks a blob: {}", printable(digest, 100)), layout.string());
}

Result<Json> read_blob(const fs::path& layout, const Json& about) {
  auto file = blob_of(layout, about);
  if (!file) return fail(file.error());
  auto text = read_file(*file, largest_document);
  return text ? parse_json(*text, file->string()) : Result<Json>(fail(text.error()));
}

// A layer may be compressed, so it is begun again and not continued.
struct Unpacking {
  const fs::path& layer;
  const fs::path& folder;
  const std::string& wanted;  // the digest of the disk
  const Progress& say;
  const std::stop_token& stop;
};

Status write_entry(archive* in, std::uint64_t whole, const fs::path& to, const Unpacking& unpacking) {
  std::error_code ignored;
  fs::remove(to, ignored);
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return lab_error("cannot be written", to.string());
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t at = 0;
  auto said = std::chrono::steady_clock::now();
  int ended = ARCHIVE_OK;
  while ((ended = archive_read_data_block(in, &block, &size, &at)) == ARCHIVE_OK) {
    if (unpacking.stop.stop_requested()) return interrupted();
    if (::pwrite(out.get(), block, size, at) != static_cast<ssize_t>(size))
      return lab_error("cannot be written", to.string());
    if (std::chrono::steady_clock::now() - said < between_reports) continue;
    said = std::chrono::steady_clock::now();
    unpacking.say(fmt::format("{} of {}", show_size(static_cast<std::uint64_t>(at)), show_size(whole)));
  }
  if (ended != ARCHIVE_EOF) return fail(said_by(in, unpacking.layer));
  return ::fsync(out.get()) == 0 ? Status() : lab_error("cannot be written", to.string());
}

bool is_wanted(const Unpacking& unpacking) {
  auto facts = read_file(unpacking.folder / "image.json", largest_document);
  auto json = facts ? parse_json(*facts, {}) : Result<Json>(fail(facts.error()));
  return json && text_at(*json, "sha256") == unpacking.wanted;
}

// Whether the wanted image was in it; nothing else of a layer is looked at. push() puts the facts first, so
// that the disk of another image is not unpacked.
Result<bool> unpack_layer(const Unpacking& unpacking) {
  const auto& [layer, folder, wanted, say, stop] = unpacking;
  const TarReader reader(archive_read_new());
  archive* in = reader.get();
  if (archive_read_support_filter_all(in) != ARCHIVE_OK ||
      archive_read_support_format_tar(in) != ARCHIVE_OK ||
      archive_read_open_filename(in, layer.c_str(), 1u << 20) != ARCHIVE_OK)
    return fail(said_by(in, layer));
  bool disk = false, facts = false;
  archive_entry* entry = nullptr;
  int ended = ARCHIVE_OK;
  while ((ended = archive_read_next_header(in, &entry)) == ARCHIVE_OK) {
    const char* path = archive_entry_pathname(entry);
    const std::string name = path ? path : "";
    const bool is_disk = name == disk_in_layer, is_facts = name == facts_in_layer;
    if (archive_entry_filetype(entry) != AE_IFREG || (!is_disk && !is_facts)) continue;
    (is_disk ? disk : facts) = true;
    const fs::path to = folder / (is_disk ? "disk.qcow2" : "image.json");
    const auto size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)));
    if (auto written = write_entry(in, size, to, unpacking); !written) return fail(written.error());
    if (is_facts && !is_wanted(unpacking)) return false;
  }
  if (ended != ARCHIVE_EOF) return fail(said_by(in, layer));
  return disk && facts;
}

}  // namespace

Status push_oci(const Image& image, const fs::path& layout, const Progress& say) {
  const fs::path blobs = layout / "blobs/sha256", incoming = layout / ".labctl-layer";
  if (auto made = make_dirs(blobs); !made) return made;
  auto lock = Lock::wait(layout / ".labctl-lock");
  if (!lock) return fail(lock.error());
  say(fmt::format("writing the layer of {}", image.name));
  if (auto written = write_layer(image, incoming); !written) return written;
  auto digest = sha256_file(incoming);
  if (!digest) return fail(digest.error());
  std::error_code problem;
  const Blob layer{*digest, fs::file_size(incoming, problem)};
  if (auto renamed = rename_synced(incoming, blobs / layer.sha256); !renamed) return renamed;
  auto config =
      add_document(blobs, {{"architecture", "amd64"},
                           {"os", "linux"},
                           {"rootfs", {{"type", "layers"}, {"diff_ids", {"sha256:" + layer.sha256}}}}});
  if (!config) return fail(config.error());
  auto manifest = add_document(blobs, {{"schemaVersion", 2},
                                       {"mediaType", manifest_type},
                                       {"config", descriptor(config_type, *config)},
                                       {"layers", Json::array({descriptor(layer_type, layer)})}});
  if (!manifest) return fail(manifest.error());
  if (auto written = write_file(layout / "oci-layout", dump_line({{"imageLayoutVersion", "1.0.0"}}));
      !written)
    return written;
  const std::string tag = image.name + "-" + image.sha256.substr(0, 12);
  return write_file(layout / "index.json", dump_pretty(index_of(layout, tag, *manifest)));
}

Status fetch_oci(const PullOrder& order, const fs::path& layout, const fs::path& folder, const Progress& say,
                 const std::stop_token& stop) {
  auto text = read_file(layout / "index.json", largest_document);
  auto index = text ? parse_json(*text, (layout / "index.json").string()) : Result<Json>(fail(text.error()));
  if (!index) return fail(index.error());
  const Json none = Json::array();
  const Json& manifests = index->contains("manifests") ? index->at("manifests") : none;
  for (const auto& about : manifests) {
    auto manifest = read_blob(layout, about);
    if (!manifest) return fail(manifest.error());
    const Json& layers = manifest->contains("layers") ? manifest->at("layers") : none;
    for (const auto& layer : layers) {
      auto file = blob_of(layout, layer);
      if (!file) return fail(file.error());
      // The digest decides which of several images it is; a tag can be moved.
      auto found = unpack_layer({*file, folder, order.sha256, say, stop});
      if (!found) return fail(found.error());
      if (*found) return {};
    }
  }
  return input_error(
      fmt::format("has no image {} with the sha256 {}", printable(order.name, 100), order.sha256),
      layout.string(), "'labctl image push' on a host that has it");
}

}  // namespace labctl::image
