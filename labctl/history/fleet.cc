#include "labctl/history/fleet.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "labctl/base/text.h"

namespace labctl::history {
namespace {

constexpr std::size_t most_lines = 1'000'000;
constexpr std::int64_t most_machines = 1'000'000'000'000;

// A kernel's release becomes the name of a package and of a folder.
bool is_release(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '-' && text.front() != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+_~-") ==
             std::string_view::npos;
}

Result<FleetLine> read_line(std::string_view line, const std::string& place) {
  auto parts = split(line, ',');
  for (auto& part : parts) {
    part = std::string(trim(part));
    if (part.size() >= 2 && part.front() == '"' && part.back() == '"') part = part.substr(1, part.size() - 2);
  }
  if (parts.size() < 2 || parts.size() > 3)
    return input_error(
        fmt::format("expected kernel_release,machines[,distro], got '{}'", printable(line, 100)), place);
  FleetLine read{.kernel_release = parts[0], .distro = parts.size() == 3 ? printable(parts[2], 60) : ""};
  if (!is_release(read.kernel_release))
    return input_error(fmt::format("'{}' is not the release of a kernel", printable(parts[0], 80)), place,
                       "write it as uname -r prints it");
  const auto [end, problem] =
      std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), read.machines);
  if (problem != std::errc() || end != parts[1].data() + parts[1].size() || read.machines < 0 ||
      read.machines > most_machines)
    return input_error(fmt::format("'{}' is not a number of machines", printable(parts[1], 80)), place);
  return read;
}

}  // namespace

Result<Fleet> read_fleet(std::string_view text, const std::string& where) {
  const auto lines = split(text, '\n');
  if (lines.empty() || !trim(lines.front()).starts_with("kernel_release,machines"))
    return input_error("the first line is not 'kernel_release,machines' or 'kernel_release,machines,distro'",
                       where + ":1");
  if (lines.size() > most_lines) return input_error("it has more than a million lines", where);
  Fleet all;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    auto line = read_line(lines[i], where + ":" + std::to_string(i + 1));
    if (!line) return fail(line.error());
    all.push_back(std::move(*line));
  }
  std::stable_sort(all.begin(), all.end(), [](const FleetLine& a, const FleetLine& b) {
    return std::tie(a.kernel_release, a.distro) < std::tie(b.kernel_release, b.distro);
  });
  Fleet fleet;
  for (auto& line : all)
    if (!fleet.empty() && fleet.back().kernel_release == line.kernel_release &&
        fleet.back().distro == line.distro)
      fleet.back().machines = std::min(most_machines, fleet.back().machines + line.machines);
    else
      fleet.push_back(std::move(line));
  if (fleet.empty()) return input_error("it names no kernel", where);
  return fleet;
}

std::string recipe_for(const FleetLine& line) {
  const std::string& release = line.kernel_release;
  std::string base;
  if (release.find("+deb13") != release.npos) base = "debian-13";
  if (release.find("+deb12") != release.npos || release.starts_with("6.1.0-")) base = "debian-12";
  if (release.find("+deb11") != release.npos || release.starts_with("5.10.0-")) base = "debian-11";
  const bool debian = line.distro.empty() || line.distro.find("ebian") != line.distro.npos;
  if (base.empty() || !debian)
    return fmt::format(
        "# {}{}: not one of Debian's kernels; import an image that has it "
        "(docs/how-to/import-a-cloud-image.md)\n",
        release, line.distro.empty() ? "" : fmt::format(" of {}", line.distro));
  return fmt::format(
      "# images/{}-linux-{}/image.yaml\nextends: {}\nsummary: {} with a kernel of the fleet\nkernel: "
      "linux-image-{}\n",
      base, slug(release), base, base, release);
}

}  // namespace labctl::history
