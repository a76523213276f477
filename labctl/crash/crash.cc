#include "labctl/crash/crash.h"

#include <array>
#include <utility>

namespace labctl::crash {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 15> kinds{{
    {Kind::panic, "panic"},
    {Kind::oops, "oops"},
    {Kind::bug, "bug"},
    {Kind::stop_code, "stop-code"},
    {Kind::lockup, "lockup"},
    {Kind::stall, "stall"},
    {Kind::hung_task, "hung-task"},
    {Kind::memory_safety, "memory-safety"},
    {Kind::lock, "lock"},
    {Kind::warning, "warning"},
    {Kind::boot_failure, "boot-failure"},
    {Kind::reset, "reset"},
    {Kind::error, "error"},
    {Kind::service, "service"},
    {Kind::other, "other"},
}};

}  // namespace

const char* to_string(Os os) { return os == Os::windows ? "windows" : "linux"; }

const char* to_string(Kind kind) {
  for (const auto& [value, name] : kinds) {
    if (value == kind) return name;
  }
  return "other";
}

Kind kind_from(std::string_view text) {
  for (const auto& [value, name] : kinds) {
    if (text == name) return value;
  }
  return Kind::other;
}

const char* to_string(Severity severity) { return severity == Severity::warning ? "warning" : "fatal"; }

Severity severity_from(std::string_view text) {
  return text == "warning" ? Severity::warning : Severity::fatal;
}

}  // namespace labctl::crash
