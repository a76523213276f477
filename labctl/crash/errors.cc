#include "labctl/crash/errors.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <functional>

#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/engine/pattern.h"

namespace labctl::crash {
namespace {

constexpr int worst_that_is_no_error = 4;  // warning
constexpr std::size_t most_findings = 50, longest_excerpt = 300;

struct Line {
  int level = 0;
  std::string_view message;
  std::uint64_t offset = 0, number = 0;
};

// Each line that has a level: "<3>[   12.345678] words", with the caller in a column of its own or without.
void each_line(std::string_view log, const std::function<void(const Line&)>& tell) {
  static const RE2 prefix("<(\\d{1,4})>\\[ *\\d+\\.\\d+\\](?:\\[ *[TC]\\d+\\])? ?", latin1());
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    re2::StringPiece text(log.data() + at, end - at);
    ++number;
    int priority = 0;
    if (RE2::Consume(&text, prefix, &priority))
      tell({priority & 7, std::string_view(text.data(), text.size()), at, number});
    at = end + 1;
  }
}

}  // namespace

std::vector<std::string> logged_errors(std::string_view raw_log, std::size_t most) {
  std::vector<std::string> errors;
  each_line(raw_log, [&](const Line& line) {
    if (line.level >= worst_that_is_no_error || errors.size() >= most) return;
    std::string title = plain_text(line.message);
    if (!title.empty() && std::find(errors.begin(), errors.end(), title) == errors.end())
      errors.push_back(std::move(title));
  });
  return errors;
}

std::string title_of_crashed(std::string_view program) {
  return fmt::format("program crashed: {}", plain_text(program));
}

std::vector<Finding> crashed_programs(std::string_view raw_log) {
  static const RE2 fault("(?:traps: )?(\\S.{0,63}?)\\[\\d+\\](?:: segfault at | general protection| trap )",
                         latin1());
  std::vector<Finding> found;
  each_line(raw_log, [&](const Line& line) {
    re2::StringPiece text(line.message.data(), line.message.size());
    std::string program;
    if (!RE2::Consume(&text, fault, &program)) return;
    Finding finding;
    finding.title = title_of_crashed(program);
    finding.kind = Kind::service;
    finding.severity = Severity::warning;
    finding.offset = line.offset;
    finding.line = line.number;
    finding.excerpt = std::string(line.message.substr(0, longest_excerpt));
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const Finding& other) { return other.title == finding.title; });
    if (!known && found.size() < most_findings) found.push_back(std::move(finding));
  });
  return found;
}

}  // namespace labctl::crash
