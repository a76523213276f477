// What a dead Windows left on its disk, read without booting it: crash dumps, what lies of one in the page
// file, and the System log. Nothing is mounted and nothing is written to the disk. QEMU shows the partitions
// as files (FUSE), ntfs-3g's tools read those, libyal's evtxexport reads the log: programs of their own, each
// with a deadline, because the file system was written by a guest and may be made to confuse whoever reads
// it.
//
// Not for a guest that can be asked, and no rescue system: a disk in a state that the tools refuse stays
// unread, and that is said.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/event/event.h"

namespace labctl::observe {

// Bytes of the disk.
struct Partition {
  std::uint64_t offset = 0, size = 0;
  bool operator==(const Partition&) const = default;
};
inline constexpr std::uint64_t partition_table = 64u << 10;  // bytes of the disk in which it is looked for

// Where Windows can be, the largest first, at most four: basic data partitions of a GPT, else the primary
// partitions of an MBR that are NTFS's. `head` is how a disk of `disk_size` bytes begins.
std::vector<Partition> windows_partitions(std::string_view head, std::uint64_t disk_size);

// What this host lacks to read a disk at all: an error with the command that installs it.
Status can_read_disks();

// Dumps and the log are kept in `folder`, which is made; bounded in bytes and in time. `notes` says what was
// left out. Errors: nothing could be read, and why.
struct DiskContents {
  std::vector<event::What> found;
  std::vector<std::string> notes;
};
Result<DiskContents> read_disk(const std::filesystem::path& qcow2, const std::filesystem::path& folder,
                               std::stop_token stop,
                               std::chrono::milliseconds limit = std::chrono::minutes(3));

}  // namespace labctl::observe
