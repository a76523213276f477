// What is the same for every operating system.
#include "labctl/guest/guest.h"

#include "labctl/base/text.h"
#include "labctl/scenario/names.h"

namespace labctl::guest {

namespace {

const char* suffix_of(scenario::DriverKind kind) {
  switch (kind) {
    case scenario::DriverKind::deb:
    case scenario::DriverKind::dkms:
      return ".deb";
    case scenario::DriverKind::rpm:
      return ".rpm";
    case scenario::DriverKind::kmod:
      return ".ko";
    case scenario::DriverKind::inf:
      return ".zip";
    case scenario::DriverKind::service:
      return ".sys";
    case scenario::DriverKind::msi:
      return ".msi";
    case scenario::DriverKind::script:
      return ".bin";
  }
  return "";
}

}  // namespace

// No label has a '+' in it.
std::string driver_file(const scenario::Driver& driver, const std::string& label, std::size_t place) {
  std::string name = "driver";
  if (!label.empty()) name += "-" + label;
  if (place > 0) name += "+" + std::to_string(place);
  return name + suffix_of(driver.kind);
}

bool begins_driver(std::string_view file) {
  return file.starts_with("driver") && file.find('+') == file.npos;
}

Files driver_files(const std::map<std::string, std::string>& payload, const scenario::Driver& driver,
                   const std::string& first) {
  if (first.empty()) return {};
  Files files = {first};
  const std::string stem = first.substr(0, first.size() - std::string_view(suffix_of(driver.kind)).size());
  for (std::size_t place = 1;; ++place) {
    std::string next = stem;
    next.append("+").append(std::to_string(place)).append(suffix_of(driver.kind));
    if (payload.count(next) == 0) return files;
    files.push_back(std::move(next));
  }
}

std::vector<std::string> subjects_of(const scenario::Driver& driver) {
  const bool built_there = driver.kind == scenario::DriverKind::dkms;
  std::vector<std::string> subjects = built_there ? std::vector<std::string>() : driver.modules;
  for (const auto& unit : driver.services)
    if (driver.kind != scenario::DriverKind::kmod && unit.ends_with(".service")) subjects.push_back(unit);
  return subjects.empty() && !built_there ? std::vector<std::string>{{}} : subjects;
}

std::string builds_key(const scenario::Driver& driver, const std::string& first, const std::string& subject) {
  const bool only = driver.modules.size() == 1 && driver.modules.front() == subject;
  return only || subject.empty() ? first : first + ":" + subject;
}

std::string content_file(const std::string& label) {
  return label.empty() ? "content.bin" : "content-" + label + ".bin";
}

std::string manifest_file(const std::string& label) {
  return label.empty() ? "content.manifest" : "content-" + label + ".manifest";
}

std::string tar_of(const std::string& manifest) { return manifest + ".tar"; }

std::string update_file(const std::string& path, std::size_t place) {
  const std::string name = place == 0 ? "update" : "update+" + std::to_string(place);
  return name + (path.ends_with(".rpm") ? ".rpm" : ".deb");
}

bool is_tar(std::string_view file) { return file.ends_with(".manifest.tar"); }

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

std::optional<std::vector<std::string>> kernels_in(const std::string& told) {
  std::vector<std::string> kernels;
  for (auto& release : split(told, ' ')) {
    if (release.empty()) continue;
    if (!scenario::is_kernel_release(release)) return std::nullopt;
    kernels.push_back(release);
  }
  return kernels;
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
