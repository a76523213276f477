#include "labctl/crash/meaning.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "labctl/crash/windows/event_log.h"

namespace labctl::crash {
namespace {

bool begins_with(const Finding& finding, std::initializer_list<std::string_view> headings) {
  return std::any_of(headings.begin(), headings.end(),
                     [&](std::string_view heading) { return finding.title.starts_with(heading); });
}

}  // namespace

Evidence evidence_of(const Finding& finding) {
  if (finding.title == unclean_shutdown) return Evidence::unclean_shutdown;
  if (finding.kind != Kind::stop_code) return Evidence::none;
  if (finding.title == dump_there) return Evidence::dump;
  return finding.title == stop_screen ? Evidence::stop_screen : Evidence::bug_check;
}

std::string bug_check_of(const Finding& finding) {
  if (evidence_of(finding) != Evidence::bug_check) return {};
  const std::string driver = fmt::format(" in {}", finding.module);
  return finding.module.empty() || !finding.title.ends_with(driver)
             ? finding.title
             : finding.title.substr(0, finding.title.size() - driver.size());
}

std::string taints_left_by(const Finding& finding) {
  const bool warns = finding.severity == Severity::warning || begins_with(finding, {"WARNING"}) ||
                     finding.kind == Kind::lock;
  std::string letters = warns ? "W" : "";
  if (finding.kind == Kind::oops || finding.kind == Kind::bug) letters += 'D';
  if (finding.kind == Kind::lockup) letters += 'L';
  if (finding.kind == Kind::memory_safety) letters += 'B';
  return letters;
}

bool leaves_trace(const Finding& finding) {
  switch (finding.kind) {
    case Kind::panic:
    case Kind::oops:
    case Kind::bug:
    case Kind::warning:
      return true;
    case Kind::lockup:
      return begins_with(finding, {"BUG: soft lockup"});
    case Kind::memory_safety:
      return begins_with(finding,
                         {"KASAN", "KFENCE", "KMSAN", "BUG: Bad page", "BUG: slab", "BUG: bad usercopy"});
    case Kind::lock:
      return begins_with(finding,
                         {"BUG: scheduling while atomic", "BUG: sleeping function", "WARNING: locking bug"});
    default:
      return false;
  }
}

bool names_place(const Finding& finding) { return finding.title.find(" in ") != std::string::npos; }

bool is_dead_timer(const Finding& finding) {
  return finding.kind == Kind::panic && finding.title.find("IO-APIC + timer") != std::string::npos;
}

}  // namespace labctl::crash
