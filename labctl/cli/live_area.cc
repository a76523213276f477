#include "labctl/cli/live_area.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "labctl/base/columns.h"

namespace labctl::cli {
namespace {

using namespace std::chrono_literals;

struct Size {
  std::size_t width = 80, height = 24;
};

Size terminal_size() {
  winsize size{};
  if (::ioctl(2, TIOCGWINSZ, &size) != 0 || size.ws_col < 20 || size.ws_row < 4) return {};
  return {size.ws_col, size.ws_row};
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    const std::string_view locale = value;
    return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
  }
  return false;
}

const char* colour_of(LiveLine::Paint paint) {
  switch (paint) {
    case LiveLine::Paint::plain:
      return "";
    case LiveLine::Paint::bold:
      return "1";
    case LiveLine::Paint::faint:
      return "2";
    case LiveLine::Paint::good:
      return "32";
    case LiveLine::Paint::bad:
      return "31";
    case LiveLine::Paint::unsure:
      return "33";
  }
  return "";
}

// In one piece, so that a terminal shows no half of it; those that know how are asked to wait for the end.
void write_at_once(const std::string& text) {
  std::string_view left = text;
  while (!left.empty()) {
    const auto put = ::write(2, left.data(), left.size());
    if (put <= 0) return;  // a terminal that is gone is no reason to fail
    left.remove_prefix(static_cast<std::size_t>(put));
  }
}

// To the first of the lines that were drawn; a terminal that has become narrower has broken them.
std::string up(const std::vector<std::size_t>& drawn, const Size& size) {
  std::size_t rows = 0;
  for (const auto width : drawn) rows += std::max<std::size_t>(1, (width + size.width - 1) / size.width);
  return rows == 0 ? std::string() : fmt::format("\033[{}A\r", std::min(rows, size.height - 1));
}

constexpr const char *begin_frame = "\033[?2026h", *end_frame = "\033[?2026l";

}  // namespace

LiveArea::LiveArea(Make make)
    : make_(std::move(make)),
      colour_(use_colour(2)),
      symbols_(speaks_utf8()),
      thread_([this](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
          write_at_once(draw());
          wake_.wait_for(lock, stop, 250ms, [] { return false; });
        }
      }) {
  say_above(this);
}

LiveArea::~LiveArea() {
  say_above(nullptr);
  thread_.request_stop();
  thread_.join();
  write_at_once(erase());
}

void LiveArea::put_above(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  const std::string gone = erase();
  write_at_once(begin_frame + gone + std::string(lines) + draw() + end_frame);
}

// Lines are written over those that were there, and only what is left of them is deleted.
std::string LiveArea::draw() {
  const Size size = terminal_size();
  const auto lines = make_({.width = size.width - 1, .height = size.height - 2, .symbols = symbols_});
  std::string text = begin_frame + up(drawn_, size);
  drawn_.clear();
  for (const auto& line : lines) {
    const std::string colour = colour_ ? colour_of(line.paint) : "";
    text += colour.empty() ? line.text : fmt::format("\033[{}m{}\033[0m", colour, line.text);
    text += "\033[K\n";
    drawn_.push_back(columns(line.text));
  }
  return text + "\033[J" + end_frame;
}

std::string LiveArea::erase() {
  const std::string text = up(drawn_, terminal_size());
  drawn_.clear();
  return text.empty() ? text : text + "\033[J";
}

}  // namespace labctl::cli
