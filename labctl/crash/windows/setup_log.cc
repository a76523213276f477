#include "labctl/crash/windows/setup_log.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace labctl::crash {
namespace {

constexpr std::uint64_t section_lines = 20000;  // of an installation of Windows itself
constexpr std::size_t longest_excerpt = 1200, longest_package = 64;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// "C:\pkg\Sensor.inf" -> "sensor.inf"
std::string package_of(std::string_view heading) {
  static const RE2 inf(R"(([^\\/:*?"<>|\]\s]+\.(?i:inf))(?:[\]\s"]|$))", RE2::Latin1);
  re2::StringPiece found;
  if (!RE2::PartialMatch(piece(heading), inf, &found) || found.size() > longest_package) return {};
  std::string name(found.data(), found.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

void append(std::string& excerpt, std::string_view text) {
  if (excerpt.size() + 1 + text.size() <= longest_excerpt) excerpt.append("\n").append(text);
}

}  // namespace

void SetupLog::line(std::string_view text, Origin origin, const Tell& tell) {
  if (section_ && origin.line > section_->last + section_lines) end(tell, {});
  if (text.starts_with(">>>  [")) {
    end(tell, {});
    section_ = Section{.package = package_of(text),
                       .excerpt = std::string(text.substr(0, longest_excerpt)),
                       .origin = origin,
                       .last = origin.line};
    return;
  }
  if (!section_) return;
  static const RE2 status(R"(<<<  \[Exit status: (SUCCESS|FAILURE)(?:\((0x[0-9a-fA-F]{1,8})\))?)",
                          RE2::Latin1);
  re2::StringPiece how, code;
  if (text.starts_with("!!!")) {
    section_->failed = true;
    section_->last = origin.line;
    append(section_->excerpt, text);
  } else if (text.starts_with("<<<") && RE2::PartialMatch(piece(text), status, &how, &code)) {
    section_->last = origin.line;
    if (how == "SUCCESS") return section_.reset();  // it got over its errors
    section_->failed = true;
    append(section_->excerpt, text);
    end(tell, std::string_view(code.data(), code.size()));
  }
}

// `status`: hexadecimal; empty when it is not told.
void SetupLog::end(const Tell& tell, std::string_view status) {
  if (!section_) return;
  Section section = std::move(*section_);
  section_.reset();
  if (!section.failed) return;
  Finding found;
  found.title = "driver installation failed";
  if (!section.package.empty()) found.title.append(" for ").append(section.package);
  if (!status.empty()) {
    std::string digits(status.substr(2));
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
    found.title.append(" (0x").append(digits).append(")");
  }
  found.kind = Kind::error;
  found.severity = Severity::warning;
  found.offset = section.origin.offset;
  found.line = section.origin.line;
  found.excerpt = std::move(section.excerpt);
  found.confirmed = !status.empty();  // a log that ends, or goes on with another section
  tell(std::move(found), section.last);
}

void SetupLog::finish(const Tell& tell) { end(tell, {}); }

}  // namespace labctl::crash
