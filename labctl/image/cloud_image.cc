#include "labctl/image/cloud_image.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/log.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/image/checksums.h"
#include "labctl/image/transfer.h"

namespace labctl::image {
namespace {

constexpr const char *disk_name = "vendor.img", *work_name = "signature", *fetched_name = "fetched",
                     *lock_name = ".lock";
constexpr std::uint64_t least_disk = 4ull << 30, whole_mib = 1u << 20;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// It becomes a folder and a word of scenarios.
Status check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 100 && letters.find(name.front()) != letters.npos &&
                    name.find_first_not_of(std::string(letters) + "._-") == name.npos;
  if (good) return {};
  return input_error(fmt::format("'{}' cannot be the name of an image", printable(name)), {},
                     "letters, digits, '.', '_' and '-', beginning with a letter or digit: alma-9");
}

Result<std::string> sha512_of(const fs::path& file, const std::stop_token& stop) {
  auto told = run_ok(
      {.argv = {"sha512sum", "--", file.filename().string()}, .directory = file.parent_path(), .stop = stop});
  return told ? Result<std::string>(told->substr(0, told->find(' '))) : fail(told.error());
}

// What the signed list says of the disk; the copy is what is hashed and what is used.
Status compare(const Checksum& listed, const fs::path& copy, const CloudImageOrder& order,
               const std::string& sha256, const std::stop_token& stop) {
  const bool short_one = listed.kind == ChecksumKind::sha256;
  auto own = short_one ? Result<std::string>(sha256) : sha512_of(copy, stop);
  if (!own) return fail(own.error());
  if (*own == listed.digest) return {};
  return input_error(fmt::format("its {} is {}, and the signed list says {}", short_one ? "sha256" : "sha512",
                                 *own, listed.digest),
                     order.disk.string(), "fetch it again; the list may also be of another day's disk");
}

Result<std::string> format_of(const fs::path& disk, const fs::path& called) {
  const Fd fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 6> begin{};
  if (!fd || ::pread(fd.get(), begin.data(), begin.size(), 0) != static_cast<ssize_t>(begin.size()))
    return input_error("is not a disk", called.string(),
                       "take the qcow2 or raw disk that its vendor publishes");
  const std::string_view text(begin.data(), begin.size());
  using namespace std::string_view_literals;
  for (const auto packed : {"\x1f\x8b"sv,
                            "\xfd"
                            "7zXZ"sv,
                            "\x28\xb5\x2f\xfd"sv, "BZh"sv, "PK\x03\x04"sv})
    if (text.starts_with(packed))
      return input_error("is compressed", called.string(),
                         "unpack it, and take the list that names the unpacked disk");
  if (!text.starts_with("QFI\xfb"sv)) return std::string("raw");
  if (auto alone = check_self_contained(disk); !alone) {
    Error error = alone.error();
    error.where = called.string();
    error.hint = "take the disk that its vendor publishes";
    return fail(error);
  }
  return std::string("qcow2");
}

// As large as the vendor made it, and large enough for what is installed in it.
Result<std::uint64_t> size_of_disk(const fs::path& disk, const std::string& format,
                                   const std::stop_token& stop) {
  auto told = run_ok({.argv = {"qemu-img", "info", "-f", format, "--output=json", disk.string()},
                      .deadline = std::chrono::minutes(5),
                      .stop = stop});
  if (!told) return fail(told.error());
  auto facts = parse_json(*told, "qemu-img info");
  if (!facts) return fail(facts.error());
  const auto size = static_cast<std::uint64_t>(std::max(0LL, number_at(*facts, "virtual-size", 0)));
  return (std::max(size, least_disk) + whole_mib - 1) / whole_mib * whole_mib;
}

// Packages under names that say their order nowhere: the list in the recipe does.
Result<std::vector<std::pair<std::string, std::string>>> copy_packages(const std::vector<fs::path>& files,
                                                                       const fs::path& home,
                                                                       const Progress& progress,
                                                                       const std::stop_token& stop) {
  std::vector<std::pair<std::string, std::string>> packages;
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    const bool good = (name.ends_with(".deb") || name.ends_with(".rpm")) &&
                      name.find_first_not_of(std::string(letters) + ".+~_:-%") == name.npos;
    const auto same = [&](const auto& other) { return other.first == name; };
    if (!good || std::any_of(packages.begin(), packages.end(), same))
      return input_error(good ? "is named twice" : "is not a .deb or .rpm package", file.string(),
                         "--install takes each package once, as the distribution's archive names it");
    if (auto copied = copy_on(file, home / name, progress, stop); !copied) return fail(copied.error());
    auto digest = sha256_file(home / name);
    if (!digest) return fail(digest.error());
    packages.emplace_back(name, *digest);
  }
  return packages;
}

// Those that are given as files, or those that the names come to. Kept beside the disk, each with its digest:
// a second build installs the same.
Result<std::vector<std::pair<std::string, std::string>>> take_packages(const CloudImageOrder& order,
                                                                       const fs::path& home,
                                                                       const Progress& progress,
                                                                       const std::stop_token& stop) {
  if (order.packages.names.empty()) return copy_packages(order.install, home, progress, stop);
  progress(fmt::format("fetching {} and what it depends on, as {} says", join(order.packages.names, ", "),
                       printable(order.packages.sources.filename().string())));
  auto files = fetch_packages(order.packages, home / fetched_name, stop);
  if (!files) return fail(files.error());
  auto packages = copy_packages(
      *files, home, [](std::string_view) {}, stop);
  if (!packages) return packages;
  progress(fmt::format("{} packages fetched", packages->size()));
  if (auto gone = remove_below(home, home / fetched_name); !gone) return fail(gone.error());
  return packages;
}

// JSON's strings are YAML's.
std::string quoted(const std::string& text) { return dump_line(Json(printable(text, 500))); }

// Everything but image.yaml; gives its text.
Result<std::string> fill(const CloudImageOrder& order, const fs::path& home, const Progress& progress,
                         const std::stop_token& stop) {
  if (auto made = make_dirs(home / work_name); !made) return fail(made.error());
  const auto list = read_signed_list(order.sums, home / work_name, stop);
  if (!list) return fail(list.error());
  progress(fmt::format("the list is signed by the key {}", list->fingerprint));
  const std::string file = order.disk.filename().string();
  const auto listed = checksum_of(list->text, file);
  if (!listed) {
    Error error = listed.error();
    error.where = order.sums.list.string();
    return fail(error);
  }
  const fs::path copy = home / disk_name;
  if (auto copied = copy_on(order.disk, copy, progress, stop); !copied) return fail(copied.error());
  const auto digest = sha256_file(copy);
  if (!digest) return fail(digest.error());
  if (auto same = compare(*listed, copy, order, *digest, stop); !same) return fail(same.error());
  progress("the disk is the one that the list names");
  const auto format = format_of(copy, order.disk);
  if (!format) return fail(format.error());
  const auto size = size_of_disk(copy, *format, stop);
  if (!size) return fail(size.error());
  const auto packages = take_packages(order, home, progress, stop);
  if (!packages) return fail(packages.error());
  if (auto gone = remove_below(home, home / work_name); !gone) return fail(gone.error());

  std::string text =
      "# Written by 'labctl image import'; 'labctl image rm' removes it with the vendor's disk beside it.\n";
  text += fmt::format("extends: cloud-image\nsummary: {}\n",
                      quoted(fmt::format("{}, in {} signed by {}", file, order.sums.list.filename().string(),
                                         list->fingerprint)));
  text +=
      fmt::format("import: {{source: {}, sha256: {}}}\ndisk: {}MiB\n", disk_name, *digest, *size / whole_mib);
  if (!order.packages.names.empty())
    text += fmt::format("packages: [{}]\n", join(order.packages.names, ", "));
  if (!packages->empty()) text += "install:\n";
  for (const auto& [name, sha256] : *packages)
    text += fmt::format("  - {{source: {}, sha256: {}}}\n", quoted(name), sha256);
  return text;
}

// What has no recipe was never whole.
Status remove_halves(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> halves;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_directory(ignored) && !fs::exists(entry.path() / "image.yaml", ignored))
      halves.push_back(entry.path());
  for (const auto& half : halves)
    if (auto gone = remove_below(folder, half); !gone) return gone;
  return {};
}

}  // namespace

bool is_taken(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  return check_name(name) && fs::exists(folder / name / "image.yaml", ignored);
}

Status remove_cloud_image(const fs::path& folder, const std::string& name) {
  if (!is_taken(folder, name)) return {};
  auto lock = Lock::try_take(folder / lock_name);
  if (!lock) return because(lock.error(), "another image is being imported");
  std::error_code ignored;
  fs::remove(folder / name / "image.yaml", ignored);
  return remove_below(folder, folder / name);
}

Status take_cloud_image(const CloudImageOrder& order, const fs::path& folder, const Progress& progress,
                        const std::stop_token& stop) {
  if (auto good = check_name(order.name); !good) return good;
  if (auto made = make_dirs(folder); !made) return made;
  auto lock = Lock::try_take(folder / lock_name);
  if (!lock) return because(lock.error(), "another image is being imported");
  if (auto removed = remove_halves(folder); !removed) return removed;
  // An earlier import of this name stays until this one is whole.
  const fs::path home = folder / order.name, half = folder / (order.name + ".partial");
  const auto text = fill(order, half, progress, stop);
  if (!text) {
    log::ignored(remove_below(folder, half), "removing a disk that was refused");
    return fail(text.error());
  }
  std::error_code ignored;
  fs::remove(home / "image.yaml", ignored);
  if (auto gone = remove_below(folder, home); !gone) return gone;
  if (auto moved = rename_synced(half, home); !moved) return moved;
  return write_file(home / "image.yaml", *text);
}

}  // namespace labctl::image
