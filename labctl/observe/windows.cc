// What Windows left behind, and what its screen shows.
#include <fmt/core.h>
#include <png.h>

#include <algorithm>

#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/crash/windows/dump.h"
#include "labctl/crash/windows/event_log.h"
#include "labctl/crash/windows/screen.h"
#include "labctl/observe/observe.h"

namespace labctl::observe {
namespace {

using event::Channel;

constexpr std::size_t most_dumps = 4, longest_mark = 16;
constexpr unsigned largest_side = 8192;
constexpr auto reading = std::chrono::seconds(60);

std::vector<event::What> found_on(Channel channel, std::vector<crash::Finding> findings) {
  std::vector<event::What> events;
  for (auto& finding : findings) events.emplace_back(event::Found{channel, std::move(finding)});
  return events;
}

std::optional<crash::Picture> read_picture(const fs::path& file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, file.c_str())) return std::nullopt;
  crash::Picture picture{.width = image.width, .height = image.height};
  if (image.width > largest_side || image.height > largest_side) {
    png_image_free(&image);
    return std::nullopt;
  }
  image.format = PNG_FORMAT_RGB;
  picture.rgb.resize(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr)) return std::nullopt;
  return picture;
}

}  // namespace

std::vector<event::What> read_system_log(std::string_view log) {
  return found_on(Channel::evidence, crash::read_event_log(log));
}

std::vector<event::What> keep_dumps(std::string_view answer, const fs::path& folder) {
  std::vector<crash::Finding> findings;
  std::uint64_t size = 0;
  std::size_t count = 0;
  std::string mark;
  for (const auto& line : split(answer, '\n')) {
    const std::string_view text = trim(line);
    if (text.starts_with("dump=")) {
      const auto words = split(text.substr(5), '|');
      size = words.size() == 3 && words[1].size() <= 15 &&
                     words[1].find_first_not_of("0123456789") == std::string::npos && !words[1].empty()
                 ? std::stoull(words[1])
                 : 0;
      mark.clear();
    }
    if (text.starts_with("mark=")) mark = base64_decode(text.substr(5), longest_mark).value_or("");
    if (!text.starts_with("data=") || count == most_dumps) continue;
    const auto bytes = base64_decode(text.substr(5), crash::dump_head + 1);
    if (!bytes) continue;
    if (!make_dirs(folder)) break;
    const fs::path file = folder / ("dump-" + std::to_string(++count) + ".dmp");
    if (auto kept = write_file(file, *bytes); !kept)
      return {event::LabFault{fmt::format("a dump of the guest's cannot be kept: {}", kept.error().text())}};
    if (const auto dump = crash::read_dump(*bytes, size, mark)) findings.push_back(crash::finding_of(*dump));
  }
  return found_on(Channel::evidence, std::move(findings));
}

std::vector<event::What> read_screen(const fs::path& file) {
  const auto picture = read_picture(file);
  if (!picture) return {};
  const auto look = crash::look_at(*picture);
  if (look == crash::Look::ordinary) return {};
  if (!find_program("tesseract").empty()) {
    // What it says of itself is not on the screen.
    const auto read =
        run({.argv = {"sh", "-c", R"(exec tesseract "$1" stdout --psm 11 2>/dev/null)", "sh", file.string()},
             .environment = {{"OMP_THREAD_LIMIT", "1"}},
             .deadline = reading});
    if (read && read->ok())
      if (auto finding = crash::read_screen_text(read->output))
        return found_on(Channel::screen, {std::move(*finding)});
  }
  if (look != crash::Look::stop_colour) return {};
  crash::Finding finding;
  finding.title = crash::stop_screen;
  finding.kind = crash::Kind::stop_code;
  finding.excerpt = "a screen of one colour that Windows stops in; its text could not be read";
  return found_on(Channel::screen, {std::move(finding)});
}

}  // namespace labctl::observe
