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
        "minidump of Windows build 20348: 0x7e (0xffffffffc0000005, 0xfffff8012345e14e, 0x0, 0x0)");
}

TEST_CASE("the driver that Windows itself blames wins, without its path") {
  CHECK(minidump().u32(0x2040, 0x3A00).name(0x3A00, "\\Driver\\other.sys").read().driver == "other.sys");
  CHECK(minidump().u32(0x2040, 0xFFFFFFF0).read().driver == "sensor.sys");
  CHECK(minidump().u32(0x2040, 0x3A00).name(0x3A00, "x\x1b[2J").read().driver == "sensor.sys");
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
  const auto whole = minidump().u64(0xFA0, 0x4000);
  CHECK(whole.read().corrupted.empty());
  const auto cut = read_dump(whole.bytes().substr(0, 0x3FFF), 0x3FFF);
  REQUIRE(cut);
  CHECK(cut->corrupted == "the dump is cut short: 16383 of 16384 bytes");
  CHECK(cut->driver == "sensor.sys");
  CHECK(read_dump(whole.bytes().substr(0, 100), 100)->corrupted == "the dump ends within its header");
  CHECK(read_dump(whole.bytes().substr(0, 8), 8)->corrupted == "the dump ends within its header");
  CHECK(Made().read().corrupted == "the dump names no stop code");
}

TEST_CASE("a live dump is no crash, and other files are no dumps") {
  CHECK_FALSE(finding_of(minidump().u32(0x38, 0x161).read()).suppressed.empty());
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
