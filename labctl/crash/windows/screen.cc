#include "labctl/crash/windows/screen.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "labctl/crash/windows/event_log.h"
#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

struct Colour {
  int red, green, blue;
};
constexpr Colour stop_colours[] = {{0, 0, 128},   {16, 112, 168}, {17, 115, 170},
                                   {0, 120, 215}, {16, 124, 16},  {0, 130, 60}};
constexpr int tolerance = 6;
constexpr double almost_all = 0.85, least_text = 0.003, most_text = 0.12;
constexpr int dark = 24, bright = 160;
constexpr std::size_t longest_text = 8192;

bool near(Colour a, Colour b) {
  return std::abs(a.red - b.red) <= tolerance && std::abs(a.green - b.green) <= tolerance &&
         std::abs(a.blue - b.blue) <= tolerance;
}

struct Heading {
  std::string_view text;  // letters and digits only, small
  std::string_view title;
  Kind kind;
};
constexpr Heading headings[] = {
    {"ranintoaproblemandneedstorestart", stop_screen, Kind::stop_code},
    {"aproblemhasbeendetectedandwindowshasbeenshutdown", stop_screen, Kind::stop_code},
    {"automaticrepaircouldntrepairyourpc", "boot failure: Windows Automatic Repair", Kind::boot_failure},
    {"preparingautomaticrepair", "boot failure: Windows Automatic Repair", Kind::boot_failure},
    {"diagnosingyourpc", "boot failure: Windows Automatic Repair", Kind::boot_failure},
    {"itlookslikewindowsdidntloadcorrectly", "boot failure: Windows Recovery", Kind::boot_failure},
    {"needstoberepaired", "boot failure: Windows boot manager error", Kind::boot_failure},
    {"chooseanoption", "boot failure: Windows Recovery", Kind::boot_failure},
    {"bitlockerrecovery", "boot failure: BitLocker recovery", Kind::boot_failure},
};

std::string letters(std::string_view text) {
  std::string kept;
  for (const unsigned char c : text)
    if (c < 0x80 && std::isalnum(c)) kept += static_cast<char>(std::tolower(c));
  return kept;
}

// The fewest letters to change so that `wanted` stands somewhere in `text`; anywhere: in all of it.
std::size_t distance(std::string_view wanted, std::string_view text, bool anywhere) {
  std::vector<std::size_t> above(text.size() + 1), row(text.size() + 1);
  for (std::size_t i = 0; i <= text.size(); ++i) above[i] = anywhere ? 0 : i;
  for (std::size_t k = 1; k <= wanted.size(); ++k) {
    row[0] = k;
    for (std::size_t i = 1; i <= text.size(); ++i)
      row[i] =
          std::min({above[i] + 1, row[i - 1] + 1, above[i - 1] + (wanted[k - 1] == text[i - 1] ? 0 : 1)});
    std::swap(above, row);
  }
  return anywhere ? *std::min_element(above.begin(), above.end()) : above.back();
}

// A word of capitals as the names of stops are, misread in a letter of eight at most.
std::optional<std::uint32_t> nearest_stop(std::string_view word) {
  if (word.size() < 8 || word.size() > 80) return std::nullopt;
  const std::string read = letters(word);
  std::optional<std::uint32_t> nearest;
  std::size_t least = read.size() / 8 + 1;
  for (const auto& [code, name] : stop_codes()) {
    const std::string plain = letters(name);
    if (plain.size() > read.size() + least || read.size() > plain.size() + least) continue;
    const std::size_t far = distance(plain, read, false);
    if (far >= least) continue;
    least = far;
    nearest = code;
  }
  return nearest;
}

std::optional<std::uint32_t> stop_in(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto colon = line.find(':');
    for (const auto part : {colon == std::string_view::npos ? line : line.substr(colon + 1), line})
      if (const auto code = nearest_stop(part.substr(0, part.find('(')))) return code;
  }
  return std::nullopt;
}

// The colour of most pixels, if one has more than half of them; any colour otherwise. Boyer's and Moore's
// vote: each pixel of another colour takes one back.
Colour commonest(std::string_view rgb) {
  std::string_view candidate;
  std::size_t votes = 0;
  for (; rgb.size() >= 3; rgb.remove_prefix(3)) {
    const std::string_view pixel = rgb.substr(0, 3);
    if (votes == 0) candidate = pixel;
    votes = pixel == candidate ? votes + 1 : votes - 1;
  }
  const auto part = [&](std::size_t k) { return static_cast<unsigned char>(candidate[k]); };
  return {part(0), part(1), part(2)};
}

}  // namespace

Look look_at(const Picture& picture) {
  const std::size_t pixels = std::size_t{picture.width} * picture.height;
  if (pixels == 0 || picture.rgb.size() != 3 * pixels) return Look::ordinary;
  const Colour ground = commonest(picture.rgb);
  std::size_t of_ground = 0;
  std::size_t of_stop[std::size(stop_colours)] = {}, black = 0, lit = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(picture.rgb[3 * i + k]); };
    const Colour pixel{at(0), at(1), at(2)};
    const int most = std::max({pixel.red, pixel.green, pixel.blue});
    of_ground += near(pixel, ground);
    black += most <= dark;
    lit += most >= bright;
    for (std::size_t k = 0; k < std::size(stop_colours); ++k) of_stop[k] += near(pixel, stop_colours[k]);
  }
  const auto share = [&](std::size_t count) {
    return static_cast<double>(count) / static_cast<double>(pixels);
  };
  for (const std::size_t count : of_stop)
    if (share(count) >= almost_all) return Look::stop_colour;
  const bool text = share(lit) >= least_text && share(lit) <= most_text;
  if (share(black) >= almost_all) return text ? Look::text_on_dark : Look::ordinary;
  const bool written_on = share(pixels - of_ground) >= least_text;
  return share(of_ground) >= almost_all && written_on ? Look::one_colour : Look::ordinary;
}

std::optional<Finding> read_screen_text(std::string_view text) {
  text = text.substr(0, longest_text);
  const std::string read = letters(text);
  for (const Heading& heading : headings) {
    if (distance(heading.text, read, true) > heading.text.size() / 8) continue;
    Finding found;
    found.title = heading.title;
    found.kind = heading.kind;
    found.excerpt = text.substr(0, 600);
    if (heading.kind == Kind::stop_code)
      if (const auto code = stop_in(text)) found.title = stop_title(*code);
    return found;
  }
  return std::nullopt;
}

}  // namespace labctl::crash
