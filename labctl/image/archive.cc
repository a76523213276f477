#include "labctl/image/archive.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"

namespace labctl::image {

namespace scripts {  // scripts/*.sh, compiled in
extern const std::string_view private_apt_sh, archive_kernels_sh;
}

namespace {

constexpr std::string_view prefix = "linux-image-", architecture = "-amd64";
constexpr std::size_t largest_listing = 64u << 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Policy's order of what is not a digit: '~' before the end, letters before all else.
int weight(std::string_view text, std::size_t at) {
  if (at >= text.size() || is_digit(text[at])) return 0;
  if (text[at] == '~') return -1;
  return std::isalpha(static_cast<unsigned char>(text[at])) != 0 ? text[at] : text[at] + 256;
}

// The digits at `at`, without zeros before them; `at` is moved behind them.
std::string_view digits(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] == '0') ++at;
  const auto begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return text.substr(begin, at - begin);
}

int compare_part(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    while ((i < a.size() && !is_digit(a[i])) || (j < b.size() && !is_digit(b[j]))) {
      if (const int difference = weight(a, i) - weight(b, j); difference != 0) return difference;
      ++i;
      ++j;
    }
    const auto one = digits(a, i), other = digits(b, j);
    if (one.size() != other.size()) return one.size() < other.size() ? -1 : 1;
    if (const int difference = one.compare(other); difference != 0) return difference;
  }
  return 0;
}

struct Version {
  std::string_view epoch, upstream, revision;
};

Version parts_of(std::string_view text) {
  Version version{.epoch = "0", .upstream = text, .revision = "0"};
  if (const auto colon = text.find(':'); colon != text.npos) {
    version.epoch = text.substr(0, colon);
    version.upstream = text.substr(colon + 1);
  }
  if (const auto dash = version.upstream.rfind('-'); dash != version.upstream.npos) {
    version.revision = version.upstream.substr(dash + 1);
    version.upstream = version.upstream.substr(0, dash);
  }
  return version;
}

// The kernel that a metapackage depends on: "linux-image-6.12.117+deb12-amd64 (= 6.12.117-1~deb12u1)".
std::string kernel_depended_on(std::string_view depends) {
  for (const auto& one : split(depends, ',')) {
    const auto name = trim(one);
    if (name.starts_with(prefix)) return std::string(name.substr(0, name.find_first_of(" (:|")));
  }
  return {};
}

std::optional<ArchiveKernel> kernel_of(const ArchiveKernel& stanza, const std::string& depends) {
  const std::string_view package = stanza.package;
  if (!package.starts_with(prefix) || !package.ends_with(architecture) || stanza.version.empty())
    return std::nullopt;
  ArchiveKernel kernel = stanza;
  const std::string real = kernel_depended_on(depends);
  kernel.meta = !real.empty();
  kernel.release = (kernel.meta ? real : stanza.package).substr(prefix.size());
  if (series_of(kernel.release).empty()) return std::nullopt;
  return kernel;
}

bool follows(const HeldKernel& held, const std::vector<ArchiveKernel>& kernels) {
  return std::any_of(kernels.begin(), kernels.end(), [&](const ArchiveKernel& kernel) {
    return kernel.meta && kernel.package == held.asked;
  });
}

// The kernel of the metapackage's highest version, or the highest version of the same series.
std::optional<ArchiveKernel> newest_for(const HeldKernel& held, const std::vector<ArchiveKernel>& kernels) {
  const bool meta = follows(held, kernels);
  const ArchiveKernel* newest = nullptr;
  for (const auto& kernel : kernels) {
    const bool meant = meta ? kernel.package == held.asked
                            : !kernel.meta && series_of(kernel.release) == series_of(held.release);
    if (meant && (!newest || compare_versions(newest->version, kernel.version) < 0)) newest = &kernel;
  }
  if (!newest || !newest->meta) return newest ? std::optional(*newest) : std::nullopt;
  // A metapackage has a version of its own: the kernel's is the package's.
  const std::string package = std::string(prefix) + newest->release;
  const ArchiveKernel* real = nullptr;
  for (const auto& kernel : kernels)
    if (!kernel.meta && kernel.package == package &&
        (!real || compare_versions(real->version, kernel.version) < 0))
      real = &kernel;
  return real ? std::optional(*real) : std::nullopt;
}

bool has_it(const HeldKernel& held, const ArchiveKernel& kernel) {
  return held.release == kernel.release && compare_versions(held.version, kernel.version) >= 0;
}

}  // namespace

std::string series_of(std::string_view release) {
  if (!release.ends_with(architecture) || release.empty() || !is_digit(release.front())) return {};
  const auto body = release.substr(0, release.size() - architecture.size());
  const auto dot = body.find('.');
  if (dot == body.npos || dot + 1 == body.size() || !is_digit(body[dot + 1])) return {};
  std::string series(body.substr(0, body.find_first_not_of("0123456789", dot + 1)));
  // Behind the last dash stands the flavour, or the number of the build: 6.1.0-53.
  const auto dash = body.rfind('-');
  if (dash == body.npos || dash + 1 == body.size() || is_digit(body[dash + 1])) return series;
  const auto flavour = body.substr(dash);
  return flavour == "-unsigned" || flavour == "-dbg" ? std::string() : series + std::string(flavour);
}

int compare_versions(std::string_view a, std::string_view b) {
  const auto one = parts_of(a), other = parts_of(b);
  if (const int difference = compare_part(one.epoch, other.epoch); difference != 0) return difference;
  if (const int difference = compare_part(one.upstream, other.upstream); difference != 0) return difference;
  return compare_part(one.revision, other.revision);
}

std::vector<ArchiveKernel> kernels_in(std::string_view stanzas) {
  std::vector<ArchiveKernel> kernels;
  ArchiveKernel stanza;
  std::string depends;
  const auto finish = [&] {
    if (auto kernel = kernel_of(stanza, depends)) kernels.push_back(std::move(*kernel));
    stanza = {};
    depends.clear();
  };
  for (const auto& line : split(stanzas, '\n')) {
    const auto value = [&](std::string_view key) {
      return std::string(trim(std::string_view(line).substr(key.size())));
    };
    if (trim(line).empty()) finish();
    if (line.starts_with("Package:")) stanza.package = value("Package:");
    if (line.starts_with("Version:")) stanza.version = value("Version:");
    if (line.starts_with("Depends:")) depends = value("Depends:");
  }
  finish();
  return kernels;
}

std::vector<Standing> compare_with_archive(const std::vector<HeldKernel>& held,
                                           const std::vector<ArchiveKernel>& kernels) {
  std::vector<Standing> all;
  for (const auto& one : held) {
    Standing standing{.held = one, .newest = newest_for(one, kernels)};
    if (standing.newest && !has_it(one, *standing.newest) &&
        compare_versions(one.version, standing.newest->version) < 0) {
      for (const auto& other : held)
        if (other.suite == one.suite && has_it(other, *standing.newest)) standing.held_by = other.image;
      standing.newer = standing.held_by.empty();
    }
    all.push_back(std::move(standing));
  }
  return all;
}

NewRecipe recipe_for(const Standing& standing) {
  const auto& [held, newest, newer, held_by] = standing;
  if (!newest) return {};
  // debian-12-linux-6.12 -> debian-12-linux-6.12.117; with the version where the release is the image's own.
  std::string level = newest->release.substr(0, newest->release.size() - architecture.size());
  if (const auto plus = level.find('+'); plus != level.npos)
    level.erase(plus, level.find('-', plus) == level.npos ? level.npos : level.find('-', plus) - plus);
  const bool same_release = newest->release == held.release;
  if (same_release) level += "-" + newest->version;
  const std::string base = held.image.substr(0, held.image.find("-linux-"));
  std::string text = fmt::format("extends: {}\n", held.image);
  text += fmt::format("summary: {} with the kernel {} of the archive\n", base, newest->version);
  text += fmt::format("kernel: {}{}\n", newest->package, same_release ? "=" + newest->version : "");
  return {slug(base + "-linux-" + level), text};
}

Result<std::vector<ArchiveKernel>> read_archive(const std::string& suite, const std::filesystem::path& folder,
                                                std::stop_token stop) {
  if (find_program("apt-get").empty())
    return lab_error("apt is not installed: only Debian's archives can be watched", {}, "apt install apt");
  const std::string script = std::string(scripts::private_apt_sh) + std::string(scripts::archive_kernels_sh);
  auto ended = run({.argv = {"/bin/sh", "-c", script},
                    .environment = {{"LABCTL_SUITE", suite}},
                    .directory = folder,
                    .deadline = std::chrono::minutes(30),
                    .stop = std::move(stop)});
  if (!ended) return fail(ended.error());
  const std::string said = printable(trim(ended->output), 600);
  if (ended->exit_code == 2)
    return input_error(said, {}, "name files with sources of it: LABCTL_APT_SOURCES=FILE");
  if (!ended->ok())
    return lab_error(fmt::format("cannot read the package archive of {}: {}", printable(suite, 60),
                                 ended->timed_out ? "no answer within 30 minutes" : said),
                     {}, "check the network and the sources of packages; the images are as they were");
  auto listing = read_file(folder / "kernels", largest_listing);
  if (!listing) return fail(listing.error());
  auto kernels = kernels_in(*listing);
  if (kernels.empty())
    return lab_error(fmt::format("the package archive of {} has no kernel for amd64", printable(suite, 60)),
                     {}, "check the sources of packages");
  return kernels;
}

}  // namespace labctl::image
