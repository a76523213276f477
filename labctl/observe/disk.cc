#include "labctl/observe/disk.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/crash/windows/dump.h"
#include "labctl/crash/windows/event_log.h"
#include "labctl/observe/observe.h"

namespace labctl::observe {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using event::Channel;

constexpr std::size_t most_partitions = 4, most_minidumps = 8, longest_name = 64, longest_event = 64u << 10;
constexpr std::uint64_t sector = 512;
constexpr std::uint64_t most_of_a_minidump = 8u << 20;  // of one file; they have a few hundred KiB
constexpr std::uint64_t most_of_memory = 64u << 20;     // a larger one is kept no further than its header
constexpr std::uint64_t kept_head = 64u << 10;
constexpr std::uint64_t most_of_a_log = 64u << 20;  // Windows itself stops at 20 MiB, as it comes

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

// EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 as it lies on a disk.
constexpr std::string_view basic_data("\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7", 16);

std::vector<Partition> gpt_partitions(std::string_view head) {
  std::vector<Partition> found;
  const std::uint64_t table = number(head, sector + 72, 8) * sector, width = number(head, sector + 84, 4);
  const std::uint64_t count = std::min<std::uint64_t>(number(head, sector + 80, 4), 256);
  if (width < 128 || width > 4096 || table >= head.size()) return found;
  for (std::uint64_t i = 0, at = table; i < count && at + 128 <= head.size(); ++i, at += width) {
    if (head.substr(at, basic_data.size()) != basic_data) continue;
    const std::uint64_t first = number(head, at + 32, 8), last = number(head, at + 40, 8);
    if (last < first || last >= (1ull << 50)) continue;
    found.push_back({first * sector, (last - first + 1) * sector});
  }
  return found;
}

std::vector<Partition> mbr_partitions(std::string_view head) {
  std::vector<Partition> found;
  for (std::size_t at = 446; at < 510; at += 16)
    if (head[at + 4] == 7)
      found.push_back({number(head, at + 8, 4) * sector, number(head, at + 12, 4) * sector});
  return found;
}

// A disk's or partition's bytes as a file, for as long as this lives. QEMU opens them read-only, and shared:
// a guest that somebody looks at may still be writing.
class Shown {
 public:
  Shown(const fs::path& qcow2, const Partition& part, fs::path file, const std::stop_token& stop)
      : file_(std::move(file)), wish_(stop, [this] { end_.request_stop(); }) {
    static_cast<void>(write_file(file_, ""));
    Command command{
        .argv = {"qemu-storage-daemon", "--blockdev",
                 quoted("driver=file,node-name=file,read-only=on,auto-read-only=off,filename=", qcow2),
                 "--blockdev", "driver=qcow2,node-name=whole,file=file,read-only=on,force-share=on",
                 "--blockdev",
                 "driver=raw,node-name=part,file=whole,read-only=on,offset=" + std::to_string(part.offset) +
                     ",size=" + std::to_string(part.size),
                 "--export", quoted("type=fuse,id=part,node-name=part,writable=off,mountpoint=", file_)},
        .stop = end_.get_token()};
    thread_ = std::thread([this, command = std::move(command)] {
      auto ended = run(command);
      if (ended) said_ = std::string(trim(ended->output));
      if (!ended && ended.error().fault != Fault::interrupted) said_ = ended.error().text();
      over_ = true;
    });
  }
  ~Shown() {
    end_.request_stop();
    thread_.join();
    // One that had to be killed leaves its mount.
    static_cast<void>(run({.argv = {"fusermount3", "-q", "-u", "-z", file_.string()}, .deadline = 10s}));
    std::error_code ignored;
    fs::remove(file_, ignored);
  }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

  Status wait(Clock::time_point until) const {
    while (!over_ && Clock::now() < until) {
      std::error_code ignored;
      if (fs::file_size(file_, ignored) > 0 && !ignored) return {};
      std::this_thread::sleep_for(20ms);
    }
    return lab_error(over_ ? fmt::format("QEMU cannot show the disk as a file: {}", printable(said_, 300))
                           : "QEMU did not show the disk as a file in time",
                     {}, "it needs /dev/fuse, and fuse3 when not run as root");
  }

 private:
  // Commas are doubled in QEMU's options.
  static std::string quoted(std::string option, const fs::path& path) {
    for (const char c : path.string()) option += c == ',' ? std::string(",,") : std::string(1, c);
    return option;
  }

  fs::path file_;
  std::stop_source end_;
  std::stop_callback<std::function<void()>> wish_;
  std::thread thread_;
  std::atomic<bool> over_ = false;
  std::string said_;  // read when over_
};

class Reading {
 public:
  Reading(const fs::path& qcow2, const fs::path& folder, const std::stop_token& stop,
          std::chrono::milliseconds limit)
      : qcow2_(qcow2), folder_(folder), stop_(stop), until_(Clock::now() + limit) {}

  Result<DiskContents> read() {
    if (auto made = make_dirs(folder_); !made) return fail(made.error());
    auto partitions = find_partitions();
    if (!partitions) return fail(partitions.error());
    for (const auto& partition : *partitions) {
      const Shown shown(qcow2_, partition, folder_ / "partition", stop_);
      if (auto ready = shown.wait(until_); !ready) return fail(ready.error());
      volume_ = (folder_ / "partition").string();
      if (list("/Windows/System32")) return read_windows();
    }
    if (Clock::now() >= until_) return lab_error("it took too long");
    return lab_error("no partition of it holds an NTFS with a Windows that ntfs-3g can read");
  }

 private:
  Result<std::vector<Partition>> find_partitions() {
    struct Gone {
      fs::path file;
      ~Gone() {
        std::error_code ignored;
        fs::remove(file, ignored);
      }
    } head{folder_ / "head"};
    auto size = run_ok(command({"qemu-img", "info", "-U", "--output=json", qcow2_.string()}));
    if (!size) return fail(size.error());
    auto facts = parse_json(*size, "qemu-img info");
    if (!facts) return fail(facts.error());
    auto cut = run_ok(
        command({"qemu-img", "dd", "-U", "-f", "qcow2", "-O", "raw", "bs=" + std::to_string(partition_table),
                 "count=1", "if=" + qcow2_.string(), "of=" + head.file.string()}));
    if (!cut) return fail(cut.error());
    auto bytes = read_file(head.file, partition_table);
    if (!bytes) return fail(bytes.error());
    auto partitions = windows_partitions(
        *bytes, static_cast<std::uint64_t>(std::max(0ll, number_at(*facts, "virtual-size"))));
    if (partitions.empty()) return lab_error("its partition table names no partition for Windows");
    return partitions;
  }

  // What is there, as ntfsls lists it with sizes; nothing when there is no such folder.
  std::optional<std::vector<std::pair<std::string, std::uint64_t>>> list(const std::string& path) const {
    std::vector<std::pair<std::string, std::uint64_t>> files;
    Command listing = command({"ntfsls", "-f", "-l", "-p", path, volume_});
    // "  100008 Nov 22 16:53 2026 MEMORY.DMP". Names that are cut by lines or hold anything else are not
    // ours.
    listing.on_line = [&](std::string_view line) {
      const auto words = split(std::string(trim(line)), ' ');
      std::vector<std::string> full;
      std::copy_if(words.begin(), words.end(), std::back_inserter(full),
                   [](auto& word) { return !word.empty(); });
      if (full.size() != 6 || full[0].size() > 15 || full[5].size() > longest_name || files.size() >= 4096 ||
          full[0].find_first_not_of("0123456789") != std::string::npos ||
          full[5].find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") !=
              std::string::npos)
        return;
      files.emplace_back(full[5], std::stoull(full[0]));
    };
    auto listed = run(listing);
    if (!listed || !listed->ok()) return std::nullopt;
    return files;
  }

  // The first `most` bytes of a file; how a guest's file is called here is ours to say.
  bool copy(const std::string& path, const fs::path& to, std::uint64_t most) const {
    Command copying = command({"sh", "-c", R"(ntfscat -f "$1" "$2" | head -c "$3" >"$4")", "sh", volume_,
                               path, std::to_string(most), to.string()});
    auto copied = run(copying);
    std::error_code problem;
    const bool some = copied && copied->ok() && fs::file_size(to, problem) > 0 && !problem;
    if (!some) fs::remove(to, problem);
    return some;
  }

  Result<DiskContents> read_windows() {
    DiskContents told;
    std::size_t minidumps = 0;
    for (const auto& [name, size] : list("/Windows/Minidump").value_or(empty)) {
      if (!name.ends_with(".dmp") && !name.ends_with(".DMP")) continue;
      if (++minidumps > most_minidumps) continue;
      read_dump_file(told, "/Windows/Minidump/" + name, name, size, most_of_a_minidump);
    }
    if (minidumps > most_minidumps)
      told.notes.push_back(
          fmt::format("{} more minidumps were left on the disk", minidumps - most_minidumps));
    for (const auto& [name, size] : list("/Windows").value_or(empty))
      if (name == "MEMORY.DMP")
        read_dump_file(told, "/Windows/" + name, name, size,
                       size > most_of_memory ? kept_head : most_of_memory);
    // A dump is written to the page file, and taken out of it by the boot after.
    if (told.found.empty())
      for (const auto& [name, size] : list("/").value_or(empty))
        if (name == "pagefile.sys") read_dump_file(told, "/" + name, "pagefile.sys.head", size, kept_head);
    read_log(told);
    if (stop_.stop_requested()) return interrupted();
    if (Clock::now() >= until_) told.notes.emplace_back("reading the disk took too long and was ended");
    return told;
  }

  void read_dump_file(DiskContents& told, const std::string& path, const std::string& name,
                      std::uint64_t size, std::uint64_t most) {
    const fs::path file = folder_ / name;
    if (!copy(path, file, most)) return;
    std::error_code ignored;
    const auto head = read_some(file, 0, crash::dump_head);
    const auto end = head ? crash::end_mark_of(*head) : std::nullopt;
    const auto mark = end ? read_some(file, *end, 4) : Result<std::string>("");
    auto dump = head ? crash::read_dump(*head, size, mark ? *mark : "") : std::nullopt;
    if (dump)
      told.found.emplace_back(event::Found{Channel::evidence, crash::finding_of(*dump)});
    else
      fs::remove(file, ignored);
    if (dump && size > most)
      told.notes.push_back(fmt::format("{}: only the first {} are kept", name, show_size(most)));
  }

  static Result<std::string> read_some(const fs::path& file, std::uint64_t from, std::size_t most) {
    Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return lab_error("cannot be read");
    std::string bytes(most, 0);
    const ssize_t got = ::pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(from));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  void read_log(DiskContents& told) {
    const fs::path log = folder_ / "System.evtx";
    if (!copy("/Windows/System32/winevt/Logs/System.evtx", log, most_of_a_log)) return;
    if (find_program("evtxexport").empty()) {
      told.notes.emplace_back(
          "System.evtx was not read: evtxexport is not installed (apt-get install libevtx-utils)");
      return;
    }
    // Only the events that report crashes; a log holds tens of thousands.
    std::string events, event;
    bool within = false;
    Command reading = command({"evtxexport", "-f", "xml", log.string()});
    reading.on_line = [&](std::string_view line) {
      const auto text = trim(line);
      if (text.starts_with("<Event ") || text == "<Event>") within = true, event.clear();
      if (!within || event.size() > longest_event) return;
      event += text;
      if (!text.ends_with("</Event>")) return;
      within = false;
      if (!crash::read_event_log(event).empty()) events += event + "\n";
    };
    auto read = run(reading);
    if (!read || !read->ok()) told.notes.emplace_back("System.evtx could not be read to its end");
    for (auto& what : read_system_log(events)) told.found.push_back(std::move(what));
  }

  Command command(std::vector<std::string> argv) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now());
    return {.argv = std::move(argv),
            .environment = {{"LC_ALL", "C"}},
            .deadline = std::clamp<std::chrono::milliseconds>(left, 1ms, 1min),
            .stop = stop_};
  }

  static inline const std::vector<std::pair<std::string, std::uint64_t>> empty = {};
  const fs::path &qcow2_, &folder_;
  const std::stop_token& stop_;
  Clock::time_point until_;
  std::string volume_;
};

}  // namespace

std::vector<Partition> windows_partitions(std::string_view head, std::uint64_t disk_size) {
  if (head.size() < 1024 || head.substr(510, 2) != "\x55\xAA") return {};
  auto found = head.substr(sector, 8) == "EFI PART" ? gpt_partitions(head) : mbr_partitions(head);
  std::erase_if(found, [&](const Partition& part) {
    return part.offset < sector || part.size == 0 || part.offset >= disk_size ||
           part.size > disk_size - part.offset;
  });
  std::stable_sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.size > b.size; });
  if (found.size() > most_partitions) found.resize(most_partitions);
  return found;
}

Status can_read_disks() {
  std::vector<std::string> missing;
  for (const char* program : {"ntfsls", "ntfscat"})
    if (find_program(program).empty()) missing.emplace_back(program);
  if (!missing.empty())
    return lab_error(fmt::format("{} not installed", join(missing, ", ")), {},
                     "apt-get install ntfs-3g libevtx-utils");
  if (find_program("qemu-storage-daemon").empty())
    return lab_error("qemu-storage-daemon not installed", {}, "apt-get install qemu-system-common");
  std::error_code ignored;
  if (!fs::exists("/dev/fuse", ignored))
    return lab_error("there is no /dev/fuse", {}, "modprobe fuse; in a container, give it the device");
  return {};
}

Result<DiskContents> read_disk(const fs::path& qcow2, const fs::path& folder, std::stop_token stop,
                               std::chrono::milliseconds limit) {
  if (auto can = can_read_disks(); !can) return fail(can.error());
  return Reading(qcow2, folder, stop, limit).read();
}

}  // namespace labctl::observe
