#include "labctl/image/transfer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::image {
namespace {

constexpr const char *disk_name = "disk.qcow2", *facts_name = "image.json";
constexpr auto between_words = std::chrono::seconds(5);
constexpr std::string_view oci = "oci:";

Error unreadable(const fs::path& path) {
  return {Fault::lab, fmt::format("cannot be read or written: {}", std::strerror(errno)), path.string(), {}};
}

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code problem;
  const auto size = fs::file_size(file, problem);
  return problem ? 0 : size;
}

// curl has proxies, certificates and resuming; what it brought is proved by its digest and not by its word.
Status download(const std::string& url, const fs::path& file, std::uint64_t wanted, const Progress& say,
                const std::stop_token& stop) {
  std::jthread words([&](const std::stop_token& done) {
    for (int ticks = 0; !done.stop_requested(); ++ticks) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (wanted != 0 && ticks % 50 == 49)
        say(fmt::format("{} of {}", show_size(size_of(file)), show_size(wanted)));
    }
  });
  auto done =
      run({.argv = {"curl", "--fail", "--silent", "--show-error", "--location", "--proto", "=http,https",
                    "--retry", "3", "--continue-at", "-", "--output", file.string(), url},
           .deadline = std::chrono::hours(12),
           .stop = stop});
  if (!done) return fail(done.error());
  if (done->ok()) return {};
  return lab_error(fmt::format("cannot be fetched: {}", printable(trim(done->output), 300)),
                   printable(url, 300), "run it again: what is here already is kept");
}

Status fetch_url(const PullOrder& order, const fs::path& folder, const Progress& say,
                 const std::stop_token& stop) {
  std::string base = order.source;
  while (base.ends_with('/')) base.pop_back();
  base += "/" + order.name + "/" + order.sha256 + "/";
  std::error_code ignored;
  fs::remove(folder / facts_name, ignored);  // small, and never continued
  if (auto got = download(base + facts_name, folder / facts_name, 0, say, stop); !got) return got;
  auto text = read_file(folder / facts_name, 1u << 20);
  auto facts = text ? parse_json(*text, base + facts_name) : Result<Json>(fail(text.error()));
  if (!facts) return fail(facts.error());
  const auto wanted = static_cast<std::uint64_t>(std::max(0LL, number_at(*facts, "disk_bytes", 0)));
  // A server refuses to continue behind the end.
  if (wanted != 0 && size_of(folder / disk_name) == wanted) return {};
  return download(base + disk_name, folder / disk_name, wanted, say, stop);
}

}  // namespace

Status copy_on(const fs::path& from, const fs::path& to, const Progress& say, const std::stop_token& stop) {
  const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return fail(unreadable(from));
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!out) return fail(unreadable(to));
  const std::uint64_t whole = size_of(from);
  std::uint64_t done = size_of(to);
  if (done > whole) {  // of another disk
    if (::ftruncate(out.get(), 0) != 0) return fail(unreadable(to));
    done = 0;
  }
  auto said = std::chrono::steady_clock::now();
  std::string block(1u << 20, '\0');
  while (done < whole) {
    if (stop.stop_requested()) return interrupted();
    const ssize_t got = ::pread(in.get(), block.data(), block.size(), static_cast<off_t>(done));
    if (got <= 0) return fail(unreadable(from));
    const ssize_t put =
        ::pwrite(out.get(), block.data(), static_cast<std::size_t>(got), static_cast<off_t>(done));
    if (put <= 0) return fail(unreadable(to));
    done += static_cast<std::uint64_t>(put);
    if (std::chrono::steady_clock::now() - said < between_words) continue;
    said = std::chrono::steady_clock::now();
    say(fmt::format("{} of {}", show_size(done), show_size(whole)));
  }
  return ::fsync(out.get()) == 0 ? Status() : Status(fail(unreadable(to)));
}

// The header of a qcow2: big-endian numbers at fixed places.
Status check_self_contained(const fs::path& disk) {
  const Fd fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<unsigned char, 80> header{};
  const ssize_t got = fd ? ::pread(fd.get(), header.data(), header.size(), 0) : -1;
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | header[at + i];
    return value;
  };
  if (got < 72 || number(0, 4) != 0x514649fb) return input_error("is not a qcow2 disk", disk.string());
  if (number(8, 8) != 0)
    return input_error("needs a backing file, whose bytes no digest covers", disk.string(),
                       "push an image that labctl has built");
  constexpr std::uint64_t external_data = 1u << 2;  // an incompatible feature of version 3
  if (number(4, 4) >= 3 && got == static_cast<ssize_t>(header.size()) && (number(72, 8) & external_data) != 0)
    return input_error("keeps its data in another file, whose bytes no digest covers", disk.string(),
                       "push an image that labctl has built");
  return {};
}

Status push(const Image& image, const std::string& destination, const Progress& say) {
  if (auto alone = check_self_contained(image.disk); !alone) return alone;
  const bool to_layout = destination.starts_with(oci);
  const fs::path home = fs::path(destination) / image.name, whole = home / image.sha256,
                 half = home / (image.sha256 + ".partial");
  std::error_code ignored;
  if (!to_layout && fs::exists(whole / facts_name, ignored)) return {};
  auto digest = sha256_file(image.disk);
  if (!digest) return fail(digest.error());
  if (*digest != image.sha256)
    return lab_error("does not have the sha256 that it was built with", image.disk.string(),
                     fmt::format("labctl image verify {}", image.name));
  if (to_layout) return push_oci(image, destination.substr(oci.size()), say);
  if (auto made = make_dirs(half); !made) return made;
  if (auto copied = copy_on(image.disk, half / disk_name, say, {}); !copied) return copied;
  if (auto written = write_file(half / facts_name, dump_pretty(document_of(image.facts))); !written)
    return written;
  return rename_synced(half, whole);
}

Status fetch(const PullOrder& order, const fs::path& folder, const Progress& say,
             const std::stop_token& stop) {
  if (is_url(order.source)) return fetch_url(order, folder, say, stop);
  if (order.source.starts_with(oci))
    return fetch_oci(order, order.source.substr(oci.size()), folder, say, stop);
  const fs::path from = fs::path(order.source) / order.name / order.sha256;
  auto facts = read_file(from / facts_name, 1u << 20);
  if (!facts)
    return input_error(
        fmt::format("has no image {} with the sha256 {}", printable(order.name, 100), order.sha256),
        order.source, "'labctl image push' on a host that has it");
  if (auto copied = copy_on(from / disk_name, folder / disk_name, say, stop); !copied) return copied;
  return write_file(folder / facts_name, *facts);
}

}  // namespace labctl::image
