// What is the same for every operating system.
#include "labctl/guest/guest.h"

#include "labctl/base/text.h"

namespace labctl::guest {

std::string driver_file(const scenario::Driver& driver, const std::string& label) {
  const std::string stem = label.empty() ? "driver" : "driver-" + label;
  switch (driver.kind) {
    case scenario::DriverKind::deb:
      return stem + ".deb";
    case scenario::DriverKind::rpm:
      return stem + ".rpm";
    case scenario::DriverKind::kmod:
      return stem + ".ko";
    case scenario::DriverKind::inf:
      return stem + ".zip";
    case scenario::DriverKind::service:
      return stem + ".sys";
    case scenario::DriverKind::msi:
      return stem + ".msi";
    case scenario::DriverKind::script:
      return stem + ".bin";
  }
  return stem;
}

std::string content_file(const std::string& label) {
  return label.empty() ? "content.bin" : "content-" + label + ".bin";
}

// Neither of two answers to one question is taken; this one is right nowhere.
const std::string contradictory = "contradictory";

Facts read_facts(std::string_view output) {
  Facts facts;
  for (const auto& line : split(output, '\n')) {
    auto equals = line.find('=');
    if (equals == std::string::npos || equals == 0 || equals > 64 || facts.size() >= 64) continue;
    std::string value(trim(std::string_view(line).substr(equals + 1)));
    const auto [fact, is_new] = facts.emplace(line.substr(0, equals), value);
    if (!is_new && fact->second != value) fact->second = contradictory;
  }
  return facts;
}

const char* to_string(Crash crash) {
  switch (crash) {
    case Crash::nmi:
      return "nmi";
    case Crash::panic:
      return "panic";
    case Crash::oops:
      return "oops";
    case Crash::hang:
      return "hang";
    case Crash::reset:
      return "reset";
  }
  return "?";
}

}  // namespace labctl::guest
