#include <fmt/core.h>

#include <algorithm>

#include "labctl/observe/observe.h"

namespace labctl::observe {

namespace {
// The kernel prints a report within milliseconds, a guest that waits for a CPU within a second or so.
constexpr auto silence = std::chrono::milliseconds(400);
}  // namespace

Result<Console> Console::open(const std::filesystem::path& path,
                              const std::vector<crash::Signature>& signatures, crash::Os os,
                              std::uint64_t limit) {
  auto log = Appender::open(path);
  if (!log) return fail(log.error());
  return Console(std::move(*log), signatures, os, limit);
}

std::vector<event::What> Console::events_of(std::vector<crash::Finding> findings) {
  std::vector<event::What> events;
  for (auto starts = scanner_.kernel_starts(); kernel_starts_ < starts; ++kernel_starts_)
    events.emplace_back(event::KernelStarted{});
  for (auto& finding : findings)
    events.emplace_back(event::Found{event::Channel::console, std::move(finding)});
  return events;
}

std::vector<event::What> Console::feed(std::string_view bytes) {
  last_bytes_ = std::chrono::steady_clock::now();
  auto events = events_of(scanner_.feed(bytes));
  find_texts(bytes, events);
  std::string_view kept = bytes.substr(0, left_);
  left_ -= kept.size();
  if (broken_ || kept.empty()) return events;
  if (auto written = log_.write(kept); !written) {
    broken_ = true;
    events.emplace_back(
        event::LabFault{fmt::format("the console log cannot be written: {}", written.error().text())});
  }
  return events;
}

void Console::listen(const std::string& text) {
  std::erase_if(ears_, [&](const Ear& ear) { return ear.text == text; });
  ears_.push_back({text, {}});
}

void Console::find_texts(std::string_view bytes, std::vector<event::What>& events) {
  std::erase_if(ears_, [&](Ear& ear) {
    ear.tail += bytes;
    if (ear.tail.find(ear.text) != std::string::npos) {
      events.emplace_back(event::Said{ear.text});
      return true;
    }
    ear.tail.erase(0, ear.tail.size() - std::min(ear.tail.size(), ear.text.size() - 1));
    return false;
  });
}

std::vector<event::What> Console::idle() {
  if (!scanner_.pending() || std::chrono::steady_clock::now() - last_bytes_ < silence) return {};
  return events_of(scanner_.flush());
}

std::vector<event::What> Console::finish() { return events_of(scanner_.flush()); }

}  // namespace labctl::observe
