#include "labctl/crash/windows/dump.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "labctl/crash/windows/inbox_drivers.h"
#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

constexpr std::string_view magic64 = "PAGEDU64", magic32 = "PAGEDUMP";
constexpr std::size_t header64 = 0x2000, header32 = 0x1000;
constexpr std::uint32_t triage = 4;         // DumpType of a minidump
constexpr std::size_t most_drivers = 1000;  // a Windows has some two hundred
constexpr std::size_t longest_name = 64, longest_path = 1024;
constexpr std::size_t longest_stack = 64u << 10, most_involved = 8;
constexpr std::string_view end_mark = "TRGD";

// Little-endian numbers at places that may lie anywhere.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number(std::uint64_t at, unsigned width) const {
    std::uint64_t value = 0;
    if (!holds(at, width)) return 0;
    for (unsigned i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return value;
  }
  std::uint32_t u32(std::uint64_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint64_t u64(std::uint64_t at) const { return number(at, 8); }

  // DUMP_STRING: a count of characters, then UTF-16. The path of a driver, of which the name is reported, in
  // small letters as everywhere. A driver's name is ASCII; a folder's need not be.
  std::string file(std::uint64_t at) const {
    const std::uint32_t length = u32(at);
    if (at == 0 || length == 0 || length > longest_path || !holds(at + 4, 2ull * length)) return {};
    std::string name;
    for (std::uint32_t i = 0; i < length; ++i) {
      const auto c = number(at + 4 + 2ull * i, 2);
      name += c <= ' ' || c > '~' ? ' ' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    name.erase(0, name.find_last_of('\\') + 1);
    return name.size() > longest_name || name.find(' ') != std::string::npos ? std::string() : name;
  }
  std::string_view at(std::uint64_t place, std::size_t length) const {
    return holds(place, length) ? bytes_.substr(place, length) : std::string_view();
  }

 private:
  bool holds(std::uint64_t at, std::uint64_t length) const {
    return at <= bytes_.size() && length <= bytes_.size() - at;
  }
  std::string_view bytes_;
};

const char* type_name(std::uint32_t type) {
  switch (type) {
    case 1:
    case 5:
    case 0xA:
      return "complete dump";
    case 2:
    case 6:
    case 8:
      return "kernel dump";
    case 3:
      return "header only";
    case triage:
      return "minidump";
    case 7:
      return "automatic dump";
    case 9:
      return "kernel and user dump";
    default:
      return "dump";
  }
}

struct Driver {
  std::string file;
  std::uint64_t base = 0, size = 0;
};

std::vector<Driver> triage_drivers(const Bytes& bytes) {
  constexpr std::uint64_t stride = 0x90;
  std::vector<Driver> drivers;
  const std::uint64_t list = bytes.u32(header64 + 0x30);
  const std::size_t count = std::min<std::size_t>(bytes.u32(header64 + 0x34), most_drivers);
  for (std::size_t i = 0; i < count && list != 0; ++i) {
    const std::uint64_t entry = list + i * stride;
    Driver driver{{}, bytes.u64(entry + 0x38), bytes.u32(entry + 0x48)};
    if (driver.base == 0 || driver.size == 0) continue;
    driver.file = bytes.file(bytes.u32(entry));
    drivers.push_back(std::move(driver));
  }
  return drivers;
}

const Driver* holding(const std::vector<Driver>& drivers, std::uint64_t address) {
  const auto found = std::find_if(drivers.begin(), drivers.end(), [&](const Driver& driver) {
    return address >= driver.base && address - driver.base < driver.size;
  });
  return found == drivers.end() ? nullptr : &*found;
}

// TRIAGE_DUMP64: the driver that Windows itself blames, else the one whose image holds the address.
std::string triage_driver(const Bytes& bytes, const std::vector<Driver>& drivers, std::uint64_t address) {
  if (auto blamed = bytes.file(bytes.u32(header64 + 0x40)); !blamed.empty()) return blamed;
  const Driver* driver = address == 0 ? nullptr : holding(drivers, address);
  return driver ? driver->file : std::string();
}

// "sensor.sys+0x10f2"; empty in nobody's driver, or in one that comes with Windows.
std::string place_of(const Driver* driver, std::uint64_t address) {
  if (!driver || driver->file.empty() || comes_with_windows(driver->file)) return {};
  return fmt::format("{}+{:#x}", driver->file, address - driver->base);
}

// Words of the stack that lie in drivers. What was called and has returned leaves such words too: no proof.
std::vector<std::string> on_the_stack(const Bytes& bytes, const std::vector<Driver>& drivers) {
  std::vector<std::string> places;
  std::set<std::string> named;
  const std::uint64_t stack = bytes.u32(header64 + 0x28);
  const std::uint64_t size = std::min<std::uint64_t>(bytes.u32(header64 + 0x2C), longest_stack);
  for (std::uint64_t at = 0; stack != 0 && at + 8 <= size && places.size() < most_involved; at += 8) {
    const std::uint64_t address = bytes.u64(stack + at);
    const Driver* driver = address == 0 ? nullptr : holding(drivers, address);
    auto place = place_of(driver, address);
    if (!place.empty() && named.insert(driver->file).second) places.push_back(std::move(place));
  }
  return places;
}

bool is_triage(const Bytes& bytes, bool wide) { return bytes.u32(wide ? 0xF98 : 0xF88) == triage; }

std::uint64_t place_of_mark(const Bytes& bytes, bool wide) {
  return bytes.u32((wide ? header64 : header32) + 8);
}

// The field of other dumps that says how much room one needs is more than a minidump has: its end is marked.
std::string why_not_whole(const Bytes& bytes, bool wide, std::uint64_t size, std::string_view mark) {
  if (size < (wide ? header64 : header32)) return "the dump ends within its header";
  const bool marked = is_triage(bytes, wide);
  const std::uint64_t wanted = marked ? place_of_mark(bytes, wide) + end_mark.size() : bytes.u64(0xFA0);
  if (size < wanted) return fmt::format("the dump is cut short: {} of {} bytes", size, wanted);
  if (!marked) return {};
  if (const auto here = bytes.at(place_of_mark(bytes, wide), end_mark.size()); !here.empty()) mark = here;
  if (mark.empty()) return "the end of the dump was not read";
  return mark == end_mark ? "" : "the dump's end has no mark";
}

}  // namespace

bool is_dump(std::string_view head) { return head.starts_with(magic64) || head.starts_with(magic32); }

std::optional<std::uint64_t> end_mark_of(std::string_view head) {
  const bool wide = head.starts_with(magic64);
  const Bytes bytes(head);
  if (!is_dump(head) || !is_triage(bytes, wide)) return std::nullopt;
  return place_of_mark(bytes, wide);
}

std::optional<Dump> read_dump(std::string_view head, std::uint64_t size, std::string_view mark) {
  if (!is_dump(head)) return std::nullopt;
  const bool wide = head.starts_with(magic64);
  const Bytes bytes(head.substr(0, dump_head));
  Dump dump;
  dump.build = bytes.u32(0xC);
  dump.code = bytes.u32(wide ? 0x38 : 0x28);
  for (unsigned i = 0; i < dump.parameters.size(); ++i)
    dump.parameters[i] = wide ? bytes.u64(0x40 + 8ull * i) : bytes.u32(0x2C + 4ull * i);
  dump.type = type_name(bytes.u32(wide ? 0xF98 : 0xF88));
  dump.corrupted = why_not_whole(bytes, wide, size, mark);
  if (dump.corrupted.empty() && dump.code == 0) dump.corrupted = "the dump names no stop code";
  if (wide && is_triage(bytes, wide)) {
    const auto drivers = triage_drivers(bytes);
    const auto address = culprit_address(dump.code, dump.parameters);
    dump.driver = triage_driver(bytes, drivers, address);
    if (address != 0) dump.place = place_of(holding(drivers, address), address);
    dump.involved = on_the_stack(bytes, drivers);
  }
  return dump;
}

Finding finding_of(const Dump& dump) {
  Finding found;
  found.title = stop_title(dump.code) + (dump.driver.empty() ? "" : fmt::format(" in {}", dump.driver));
  found.kind = Kind::stop_code;
  found.module = dump.driver;
  found.excerpt =
      fmt::format("{} of Windows build {}: {:#x} ({:#x}, {:#x}, {:#x}, {:#x})", dump.type, dump.build,
                  dump.code, dump.parameters[0], dump.parameters[1], dump.parameters[2], dump.parameters[3]);
  if (!dump.place.empty()) found.excerpt += fmt::format("; stopped at {}", dump.place);
  std::string_view separator = "; possibly involved, by what lies on its stack: ";
  for (const std::string& place : dump.involved) {
    found.excerpt.append(separator).append(place);
    separator = ", ";
  }
  found.corrupted = dump.corrupted;
  if (is_live_dump(dump.code)) found.suppressed = live_dump;
  return found;
}

}  // namespace labctl::crash
