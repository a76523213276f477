#include "labctl/crash/windows/dump.h"

#include <algorithm>
#include <charconv>

#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

constexpr std::string_view magic64 = "PAGEDU64", magic32 = "PAGEDUMP";
constexpr std::size_t header64 = 0x2000, header32 = 0x1000;
constexpr std::uint32_t triage = 4;                       // DumpType of a minidump
constexpr std::uint64_t live_system_dump = 0x161;         // written of a healthy system, for support
constexpr std::size_t most_drivers = 1000, longest = 64;  // a Windows has some two hundred drivers

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

  // DUMP_STRING: a count of characters, then UTF-16. A driver's name is ASCII; anything else is none.
  std::string text(std::uint64_t at) const {
    const std::uint32_t length = u32(at);
    if (at == 0 || length == 0 || length > longest || !holds(at + 4, 2ull * length)) return {};
    std::string name;
    for (std::uint32_t i = 0; i < length; ++i) {
      const auto c = number(at + 4 + 2ull * i, 2);
      if (c <= ' ' || c > '~') return {};
      name += static_cast<char>(c);
    }
    return name.substr(name.find_last_of('\\') + 1);
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

// TRIAGE_DUMP64: the driver that Windows itself blames, else the one whose image holds the address.
std::string triage_driver(const Bytes& bytes, std::uint64_t address) {
  constexpr std::uint64_t at = header64, stride = 0x90;
  if (auto blamed = bytes.text(bytes.u32(at + 0x40)); !blamed.empty()) return blamed;
  const std::uint64_t list = bytes.u32(at + 0x30);
  const std::size_t count = std::min<std::size_t>(bytes.u32(at + 0x34), most_drivers);
  for (std::size_t i = 0; i < count && list != 0 && address != 0; ++i) {
    const std::uint64_t entry = list + i * stride;
    const std::uint64_t base = bytes.u64(entry + 0x38), size = bytes.u32(entry + 0x48);
    if (base != 0 && address >= base && address - base < size) return bytes.text(bytes.u32(entry));
  }
  return {};
}

}  // namespace

bool is_dump(std::string_view head) { return head.starts_with(magic64) || head.starts_with(magic32); }

std::optional<Dump> read_dump(std::string_view head, std::uint64_t size) {
  if (!is_dump(head)) return std::nullopt;
  const bool wide = head.starts_with(magic64);
  const Bytes bytes(head.substr(0, dump_head));
  Dump dump;
  dump.build = bytes.u32(0xC);
  dump.code = bytes.u32(wide ? 0x38 : 0x28);
  for (unsigned i = 0; i < dump.parameters.size(); ++i)
    dump.parameters[i] = wide ? bytes.u64(0x40 + 8ull * i) : bytes.u32(0x2C + 4ull * i);
  const std::uint32_t type = bytes.u32(wide ? 0xF98 : 0xF88);
  dump.type = type_name(type);
  if (size < (wide ? header64 : header32)) {
    dump.corrupted = "the dump ends within its header";
    return dump;
  }
  if (const std::uint64_t wanted = bytes.u64(0xFA0); size < wanted)
    dump.corrupted =
        "the dump is cut short: " + std::to_string(size) + " of " + std::to_string(wanted) + " bytes";
  else if (dump.code == 0)
    dump.corrupted = "the dump names no stop code";
  if (wide && type == triage) dump.driver = triage_driver(bytes, culprit_address(dump.code, dump.parameters));
  return dump;
}

Finding finding_of(const Dump& dump) {
  const auto hex = [](std::uint64_t value) {
    std::array<char, 16> digits;
    return "0x" + std::string(digits.data(), std::to_chars(digits.data(), digits.data() + 16, value, 16).ptr);
  };
  Finding found;
  found.title = stop_title(dump.code) + (dump.driver.empty() ? "" : " in " + dump.driver);
  found.kind = Kind::stop_code;
  found.module = dump.driver;
  found.excerpt = dump.type + " of Windows build " + std::to_string(dump.build) + ": " + hex(dump.code) +
                  " (" + hex(dump.parameters[0]) + ", " + hex(dump.parameters[1]) + ", " +
                  hex(dump.parameters[2]) + ", " + hex(dump.parameters[3]) + ")";
  found.corrupted = dump.corrupted;
  if (dump.code == live_system_dump)
    found.suppressed = "written of a system that went on: a live dump is no crash";
  return found;
}

}  // namespace labctl::crash
