#include "labctl/crash/engine/boot_loop.h"

#include <algorithm>
#include <array>

namespace labctl::crash {
namespace {

constexpr unsigned starts_of_a_loop = 3;

constexpr std::array<std::string_view, 2> starting{"SeaBIOS (version ", "BdsDxe: starting Boot"};

// What firmware says between its start and the system's.
constexpr std::array<std::string_view, 9> own_words{
    "BdsDxe: ",   "SeaBIOS ",      "iPXE ",         "Booting from ", "Press ESC for boot menu",
    "Press F12 ", "Machine UUID ", "UEFI firmware", ">>Start PXE"};

template <std::size_t n>
bool begins_with_one(std::string_view text, const std::array<std::string_view, n>& heads) {
  return std::any_of(heads.begin(), heads.end(),
                     [&](std::string_view head) { return text.starts_with(head); });
}

}  // namespace

bool is_firmware_start(std::string_view text) {
  return !text.empty() && (text.front() == 'B' || text.front() == 'S') && begins_with_one(text, starting);
}

std::optional<Finding> BootLoop::line(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos) return std::nullopt;
  if (!is_firmware_start(text)) {
    if (starts_ != 0 && !begins_with_one(text, own_words)) starts_ = 0;
    return std::nullopt;
  }
  // Windows is silent on the console unless it is told not to be.
  if (text.find("Windows Boot Manager") != std::string_view::npos) {
    starts_ = 0;
    return std::nullopt;
  }
  // One start of the firmware may try several options, each once.
  const std::size_t option = starting[1].size() + 4;
  if (starts_ == 0) option_ = text.substr(0, option);
  if (text.substr(0, option) != option_ || ++starts_ != starts_of_a_loop) return std::nullopt;
  Finding found;
  found.title = "boot failure: firmware starts over and over";
  found.kind = Kind::boot_failure;
  found.confirmed = false;
  return found;
}

}  // namespace labctl::crash
