#include "labctl/crash/frames.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "labctl/crash/engine/rust_symbol.h"

namespace labctl::crash {
namespace {

constexpr std::size_t most_frames = 32;

}  // namespace

std::string ModuleFrame::text() const {
  if (function.empty()) return fmt::format("{}+{:#x}", module, offset);
  return fmt::format("{}+{:#x}/{:#x} [{}]", function, offset, size, module);
}

std::vector<CallFrame> call_frames(std::string_view report) {
  constexpr std::size_t most = 64;
  static const re2::RE2 place(
      R"((\? |)\b([A-Za-z_][A-Za-z0-9_.$]{0,256})(?:\+0x([0-9a-f]{1,8})/0x[0-9a-f]{1,8}(?: \[([A-Za-z0-9_-]{1,64})[\] (])?| [\w./-]{1,200}:\d{1,7} (\[inline\])))",
      re2::RE2::Latin1);
  std::vector<CallFrame> frames;
  re2::StringPiece rest(report.data(), report.size());
  std::string doubt, offset, inlined;
  CallFrame frame;
  while (frames.size() < most &&
         re2::RE2::FindAndConsume(&rest, place, &doubt, &frame.function, &offset, &frame.module, &inlined)) {
    if (std::string path = rust_path(frame.function); !path.empty()) frame.function = std::move(path);
    frame.inlined = !inlined.empty();
    frame.offset = 0;
    std::from_chars(offset.data(), offset.data() + offset.size(), frame.offset, 16);
    if (doubt.empty() && (frames.empty() || !(frames.back() == frame))) frames.push_back(frame);
  }
  return frames;
}

namespace {

void add_driver_frames(std::string_view report, std::vector<ModuleFrame>& frames) {
  static const re2::RE2 pattern(R"((stopped at |)\b([A-Za-z0-9_.-]{1,60}\.sys)\+0x([0-9a-f]{1,8})\b)",
                                re2::RE2::Latin1);
  re2::StringPiece rest(report.data(), report.size());
  std::string before;
  ModuleFrame frame;
  while (frames.size() < most_frames &&
         re2::RE2::FindAndConsume(&rest, pattern, &before, &frame.module, re2::RE2::Hex(&frame.offset))) {
    frame.exact = !before.empty();
    if (std::find(frames.begin(), frames.end(), frame) == frames.end()) frames.push_back(frame);
  }
}

}  // namespace

std::vector<ModuleFrame> module_frames(std::string_view report) {
  static const re2::RE2 pattern(
      R"((RIP: [0-9a-f]{1,4}:|pc : |\? |)([A-Za-z0-9_.$]{1,256})\+0x([0-9a-f]{1,8})/0x([0-9a-f]{1,8}) \[([A-Za-z0-9_-]{1,64})[\] (])",
      re2::RE2::Latin1);
  std::vector<ModuleFrame> frames;
  re2::StringPiece rest(report.data(), report.size());
  std::string before;
  ModuleFrame frame;
  while (frames.size() < most_frames &&
         re2::RE2::FindAndConsume(&rest, pattern, &before, &frame.function, re2::RE2::Hex(&frame.offset),
                                  re2::RE2::Hex(&frame.size), &frame.module)) {
    frame.exact = before.size() > 2;
    const bool doubted = before == "? ";
    if (!doubted && frame.offset < frame.size &&
        std::find(frames.begin(), frames.end(), frame) == frames.end())
      frames.push_back(frame);
  }
  add_driver_frames(report, frames);
  return frames;
}

}  // namespace labctl::crash
