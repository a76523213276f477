// Crash dumps of Windows, made here byte by byte after the published layouts: no real one was at hand.
#include "labctl/crash/windows/dump.h"

#include <random>

#include "tests/catch.h"

namespace labctl::crash {
namespace {

class Made {
 public:
  explicit Made(bool wide = true, std::size_t size = 0x4000) : bytes_(size, '\0') {
    put(0, std::string(wide ? "PAGEDU64" : "PAGEDUMP"));
  }
  Made& put(std::size_t at, const std::string& text) {
    bytes_.replace(at, text.size(), text);
    return *this;
  }
  Made& u32(std::size_t at, std::uint32_t value) { return number(at, value, 4); }
  Made& u64(std::size_t at, std::uint64_t value) { return number(at, value, 8); }
  Made& name(std::size_t at, const std::string& text) {
    u32(at, static_cast<std::uint32_t>(text.size()));
    for (std::size_t i = 0; i < text.size(); ++i) bytes_[at + 4 + 2 * i] = text[i];
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  Dump read() const { return *read_dump(bytes_, bytes_.size()); }

 private:
  Made& number(std::size_t at, std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) bytes_[at + i] = static_cast<char>(value >> (8 * i));
    return *this;
  }
  std::string bytes_;
};

// A minidump of stop 0x7E at 0xfffff8012345e14e, in a list of two drivers.
Made minidump() {
  Made made;
  made.u32(0xC, 20348)
      .u32(0x38, 0x7E)
      .u64(0x40, 0xffffffffc0000005)
      .u64(0x48, 0xfffff8012345e14e)
      .u32(0xF98, 4);
  made.u32(0x2008, 0x3FFC).put(0x3FFC, "TRGD");
  made.u32(0x2030, 0x3000).u32(0x2034, 2);
  made.u32(0x3000, 0x3800).u64(0x3038, 0xfffff80100000000).u32(0x3048, 0x1000000);
  made.u32(0x3090, 0x3900).u64(0x30C8, 0xfffff80123450000).u32(0x30D8, 0x20000);
  return made.name(0x3800, "ntoskrnl.exe").name(0x3900, "sensor.sys");
}

}  // namespace

TEST_CASE("a minidump names the stop and the driver whose code it stood in") {
  const Dump dump = minidump().read();
  CHECK(dump.type == "minidump");
  CHECK(dump.build == 20348);
  CHECK(dump.driver == "sensor.sys");
  const Finding found = finding_of(dump);
  CHECK(found.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in sensor.sys");
  CHECK(found.kind == Kind::stop_code);
  CHECK(found.module == "sensor.sys");
  CHECK(found.corrupted.empty());
  CHECK(found.suppressed.empty());
  CHECK(found.excerpt ==
        "minidump of Windows build 20348: 0x7e (0xffffffffc0000005, 0xfffff8012345e14e, 0x0, 0x0); stopped "
        "at sensor.sys+0xe14e");
}

TEST_CASE("the driver that Windows itself blames wins, without its path") {
  CHECK(minidump().u32(0x2040, 0x3A00).name(0x3A00, "\\Driver\\other.sys").read().driver == "other.sys");
  CHECK(minidump().u32(0x2040, 0xFFFFFFF0).read().driver == "sensor.sys");
  CHECK(minidump().u32(0x2040, 0x3A00).name(0x3A00, "x\x1b[2J").read().driver == "sensor.sys");
}

// What a driver package installs lies in folders with long names; sixty-three of the 396 drivers of two real
// dumps have such paths, and every one of an INF.
TEST_CASE("a driver in the driver store is named, however long its path") {
  const std::string store =
      "\\SystemRoot\\System32\\DriverStore\\FileRepository\\sensor.inf_amd64_0123456789abcdef\\";
  auto dump = minidump().name(0x3900, store + "Sensor.sys");
  CHECK(dump.read().driver == "sensor.sys");
  CHECK(dump.name(0x3900, store + std::string(61, 'a') + ".sys").read().driver.empty());
  CHECK(dump.name(0x3900, "\\??\\C:\\Pro gram\\\xe4\\sensor.sys").read().driver == "sensor.sys");
  CHECK(dump.name(0x3900, "\\Driver\\sen sor.sys").read().driver.empty());
}

// The room that a minidump's header says it needs is more than it has.
TEST_CASE("a minidump is whole when its end is marked, wherever that lies") {
  CHECK(minidump().u64(0xFA0, 0x5000).read().corrupted.empty());
  CHECK(minidump().put(0x3FFC, "TRG?").read().corrupted == "the dump's end has no mark");
  CHECK(minidump().u32(0x2008, 0).read().corrupted == "the dump's end has no mark");
  const auto far = minidump().u32(0x2008, 0x160000).bytes();
  CHECK(end_mark_of(far) == 0x160000);
  CHECK(read_dump(far, 0x160004, "TRGD")->corrupted.empty());
  CHECK(read_dump(far, 0x160004, "TRG?")->corrupted == "the dump's end has no mark");
  CHECK(read_dump(far, 0x160004)->corrupted == "the end of the dump was not read");
  CHECK(read_dump(far, 0x160003, "TRGD")->corrupted == "the dump is cut short: 1441795 of 1441796 bytes");
  // Those bytes that were read are believed before those that somebody brings.
  CHECK(read_dump(minidump().put(0x3FFC, "    ").bytes(), 0x4000, "TRGD")->corrupted ==
        "the dump's end has no mark");
  CHECK_FALSE(end_mark_of(minidump().u32(0xF98, 2).bytes()));
  CHECK_FALSE(end_mark_of("MDMP"));
  const auto narrow = Made(false).u32(0x28, 0xD1).u32(0xF88, 4).u32(0x1008, 0x3FFC).put(0x3FFC, "TRGD");
  CHECK(narrow.bytes().size() == 0x4000);
  CHECK(read_dump(narrow.bytes(), 0x4000)->corrupted.empty());
}

// 0x139, 0x133, 0xC4 and their like say nothing of where.
TEST_CASE("a stop without an address has the drivers that its stack leads into") {
  const auto stack = minidump()
                         .u32(0x38, 0x139)
                         .u32(0x2028, 0x3400)
                         .u32(0x202C, 0x40)
                         .u64(0x3400, 0xfffff80100001234)  // the kernel's own
                         .u64(0x3408, 0xfffff80123451014)
                         .u64(0x3410, 0x41)
                         .u64(0x3418, 0xfffff80123452000)   // the same driver once more
                         .u64(0x3440, 0xfffff80123453000);  // behind its end
  const Dump dump = stack.read();
  CHECK(dump.driver.empty());
  CHECK(dump.involved == std::vector<std::string>{"sensor.sys+0x1014"});
  const Finding found = finding_of(dump);
  CHECK(found.title == "KERNEL_SECURITY_CHECK_FAILURE (0x139)");
  CHECK(found.module.empty());
  CHECK_THAT(found.excerpt,
             ContainsSubstring("possibly involved, by what lies on its stack: sensor.sys+0x1014"));
  auto none = stack;
  CHECK(none.name(0x3900, "\\Windows\\ndis.sys").read().involved.empty());
  CHECK(minidump().u32(0x2028, 0xFFFFFFF0).u32(0x202C, 0xFFFFFFFF).read().involved.empty());
}

TEST_CASE("an address in nobody's image blames nobody") {
  CHECK(minidump().u64(0x48, 0xfffff80123470000).read().driver.empty());  // one byte behind
  CHECK(minidump().u32(0x38, 0xEF).read().driver.empty());                // this stop names no address
  CHECK(minidump().u32(0xF98, 1).read().driver.empty());                  // no minidump: no list
}

TEST_CASE("a 32-bit dump and the kinds of dumps") {
  const Dump dump = Made(false).u32(0x28, 0xD1).u32(0x2C, 0x74).u32(0x38, 0x8a5b0000).read();
  CHECK(finding_of(dump).title == "DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1)");
  CHECK(dump.parameters == std::array<std::uint64_t, 4>{0x74, 0, 0, 0x8a5b0000});
  CHECK(Made().u32(0x38, 1).u32(0xF98, 2).read().type == "kernel dump");
  CHECK(Made().u32(0x38, 1).u32(0xF98, 0xA).read().type == "complete dump");
  CHECK(Made().u32(0x38, 1).u32(0xF98, 77).read().type == "dump");
}

TEST_CASE("a dump that is cut short still tells of a stop") {
  const auto whole = minidump();
  CHECK(whole.read().corrupted.empty());
  const auto cut = read_dump(whole.bytes().substr(0, 0x3FFF), 0x3FFF);
  REQUIRE(cut);
  CHECK(cut->corrupted == "the dump is cut short: 16383 of 16384 bytes");
  CHECK(cut->driver == "sensor.sys");
  CHECK(read_dump(whole.bytes().substr(0, 100), 100)->corrupted == "the dump ends within its header");
  CHECK(read_dump(whole.bytes().substr(0, 8), 8)->corrupted == "the dump ends within its header");
  const auto memory = Made().u32(0x38, 1).u32(0xF98, 6).u64(0xFA0, 0x4001);
  CHECK(memory.read().corrupted == "the dump is cut short: 16384 of 16385 bytes");
  CHECK(Made().read().corrupted == "the dump names no stop code");
}

TEST_CASE("a live dump is no crash, and other files are no dumps") {
  for (const std::uint32_t live : {0x161u, 0x141u, 0x193u, 0x15Eu})
    CHECK_FALSE(finding_of(minidump().u32(0x38, live).read()).suppressed.empty());
  CHECK(finding_of(minidump().u32(0x38, 0x116).read()).suppressed.empty());
  CHECK_FALSE(read_dump("PAGEDU6", 7));
  CHECK_FALSE(read_dump("", 0));
  CHECK_FALSE(is_dump("KDUMP   "));
}

TEST_CASE("whatever a dump says, reading it stays within its bytes") {
  std::minstd_rand random(7);
  const std::string good = minidump().bytes();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good.substr(0, 8 + random() % good.size());
    for (int n = 0; n < 8; ++n) bytes[8 + random() % (bytes.size() - 7) - 1] = static_cast<char>(random());
    if (const auto dump = read_dump(bytes, random() % 3 ? bytes.size() : random()))
      CHECK(finding_of(*dump).title.size() < 200);
  }
}

}  // namespace labctl::crash
