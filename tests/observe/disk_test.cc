// Reading a dead guest's disk. dead-windows.qcow2 is a GPT with an EFI partition and an NTFS of 4 MiB, made
// with ntfs-3g: /Windows with a minidump, a MEMORY.DMP, files that pretend to be dumps under hostile names, a
// page file, and a System.evtx of four events, written from documentation. No Windows has touched it.
#include "labctl/observe/disk.h"

#include <stdlib.h>

#include <algorithm>
#include <array>

#include "labctl/base/files.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;
using observe::Partition;
using namespace std::chrono_literals;

namespace {

const fs::path fixture = source_tree::tests() / "observe/dead-windows.qcow2";

struct Folder {
  Folder() {
    char name[] = "/tmp/labctl-disk-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

std::string little(std::uint64_t value, int width) {
  std::string bytes;
  for (; width > 0; --width, value >>= 8) bytes += static_cast<char>(value & 0xFF);
  return bytes;
}

std::string mbr(const std::vector<std::array<std::uint64_t, 3>>& entries) {
  std::string head(64u << 10, 0);
  std::size_t at = 446;
  for (const auto& [type, first, count] : entries) {
    head[at + 4] = static_cast<char>(type);
    head.replace(at + 8, 8, little(first, 4) + little(count, 4));
    at += 16;
  }
  return head.replace(510, 2, "\x55\xAA");
}

const std::string basic_data("\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7", 16);

std::string gpt(const std::vector<std::array<std::uint64_t, 2>>& entries, std::uint32_t width = 128) {
  std::string head = mbr({{0xEE, 1, 100}});
  head.replace(512, 8, "EFI PART");
  head.replace(512 + 72, 16, little(2, 8) + little(128, 4) + little(width, 4));
  std::size_t at = 1024;
  for (const auto& [first, last] : entries) {
    head.replace(at, 16, basic_data);
    head.replace(at + 32, 16, little(first, 8) + little(last, 8));
    at += width;
  }
  return head;
}

}  // namespace

TEST_CASE("partitions of an MBR and of a GPT, the largest first") {
  const std::uint64_t disk = 1ull << 30;
  CHECK(observe::windows_partitions(mbr({{7, 2048, 100}, {0x83, 4096, 900}, {7, 8192, 500}}), disk) ==
        std::vector<Partition>{{8192 * 512, 500 * 512}, {2048 * 512, 100 * 512}});
  CHECK(observe::windows_partitions(gpt({{2048, 2147}, {4096, 4595}}), disk) ==
        std::vector<Partition>{{4096 * 512, 500 * 512}, {2048 * 512, 100 * 512}});
}

TEST_CASE("a partition table that lies gives nothing") {
  const std::uint64_t disk = 1ull << 30, beyond = disk / 512;
  CHECK(observe::windows_partitions({}, disk).empty());
  CHECK(observe::windows_partitions(std::string(64u << 10, 0), disk).empty());
  CHECK(observe::windows_partitions(std::string(64u << 10, '\xFF'), disk).empty());
  CHECK(observe::windows_partitions(mbr({{7, 0, 100}, {7, 2048, 0}, {7, beyond - 1, 2}}), disk).empty());
  CHECK(observe::windows_partitions(gpt({{4096, 4095}, {beyond - 1, beyond}, {0, ~0ull}}), disk).empty());
  CHECK(observe::windows_partitions(gpt({{2048, 4095}}, 0), disk).empty());
  CHECK(observe::windows_partitions(gpt({{2048, 4095}}, ~0u), disk).empty());
  std::string far = gpt({{2048, 4095}});
  far.replace(512 + 72, 8, little(~0ull, 8));
  CHECK(observe::windows_partitions(far, disk).empty());
  CHECK(observe::windows_partitions(
            gpt({{2048, 2049}, {4096, 4097}, {5000, 5001}, {6000, 6001}, {7000, 7001}}), disk)
            .size() == 4);
}

TEST_CASE("dumps and the log come out of a dead disk", "[disk]") {
  if (auto can = observe::can_read_disks(); !can) {
    WARN("not tried: " + can.error().text());
    return;
  }
  const Folder out;
  auto told = observe::read_disk(fixture, out.path / "dumps", {});
  if (!told && told.error().what.find("as a file") != std::string::npos) {
    WARN("not tried: " + told.error().text());  // a container without the right to mount
    return;
  }
  REQUIRE(told);
  std::vector<std::string> titles;
  for (const auto& what : told->found) {
    const auto& found = std::get<event::Found>(what);
    CHECK(found.channel == event::Channel::evidence);
    titles.push_back(found.finding.title);
  }
  CHECK(titles[0] == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in sensor.sys");
  CHECK(titles[1] == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
  // The log's two events are one title; without the reader that is said.
  CHECK(titles.size() + told->notes.size() == 3);

  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(out.path / "dumps"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"112226-9453-01.dmp", "MEMORY.DMP", "System.evtx"});
  CHECK(fs::file_size(out.path / "dumps/MEMORY.DMP") == 0x8000);
}

TEST_CASE("a disk with nothing of Windows on it says so, and nothing stays mounted", "[disk]") {
  if (!observe::can_read_disks()) return;
  const Folder out;
  auto told = observe::read_disk(source_tree::tests() / "observe/disk_test.cc", out.path / "dumps", {});
  REQUIRE_FALSE(told);
  CHECK(fs::is_empty(out.path / "dumps"));
}

TEST_CASE("a disk that takes too long is given up", "[disk]") {
  if (!observe::can_read_disks()) return;
  const Folder out;
  CHECK_FALSE(observe::read_disk(fixture, out.path / "dumps", {}, 1ms));
}
