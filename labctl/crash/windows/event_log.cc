#include "labctl/crash/windows/event_log.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

constexpr std::size_t most_findings = 32, longest_excerpt = 600;

std::string_view trim_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of("\r \t") + 1);
}

std::optional<std::uint64_t> number(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
  if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// The text of <Data Name='NAME'>...</Data>, with either quote.
std::string data(std::string_view event, const std::string& name) {
  const re2::RE2 wanted("<Data Name=['\"]" + re2::RE2::QuoteMeta(name) + R"(['"]>([^<]{0,400})</Data>)",
                        re2::RE2::Latin1);
  re2::StringPiece found;
  if (!re2::RE2::PartialMatch(re2::StringPiece(event.data(), event.size()), wanted, &found)) return {};
  return std::string(found.data(), found.size());
}

Finding sign(std::string_view title, Kind kind, std::string_view excerpt) {
  Finding found;
  found.title = title;
  found.kind = kind;
  found.excerpt = excerpt.substr(0, longest_excerpt);
  return found;
}

// "0x0000007e (0xffffffffc0000005, 0x..., 0x..., 0x...)"
std::optional<Finding> reported_stop(std::string_view event) {
  static const re2::RE2 shape(
      R"((0x[0-9a-fA-F]{1,16}) \((0x[0-9a-fA-F]{1,16}), (0x[0-9a-fA-F]{1,16}), (0x[0-9a-fA-F]{1,16}), (0x[0-9a-fA-F]{1,16})\))",
      re2::RE2::Latin1);
  std::array<std::string, 5> words;
  if (!re2::RE2::PartialMatch(re2::StringPiece(event.data(), event.size()), shape, &words[0], &words[1],
                              &words[2], &words[3], &words[4]))
    return std::nullopt;
  return stop_finding(*number(words[0]),
                      {*number(words[1]), *number(words[2]), *number(words[3]), *number(words[4])});
}

// Kernel-Power's: a code of 0 says that the power went.
std::optional<Finding> power_event(std::string_view event) {
  const auto code = number(data(event, "BugcheckCode"));
  if (!code || *code == 0) return sign(unclean_shutdown, Kind::reset, event);
  std::array<std::uint64_t, 4> parameters{};
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i] = number(data(event, "BugcheckParameter" + std::to_string(i + 1))).value_or(0);
  return stop_finding(*code, parameters);
}

// Code Integrity's of a file that a policy in audit mode let in: a Windows where that policy is in force
// loads it no more. Of drivers alone; programs and libraries have such events on many systems.
std::optional<Finding> audited_driver(std::string_view event) {
  constexpr std::size_t longest_name = 64;
  std::string name = data(event, "File Name");
  name.erase(0, name.find_last_of('\\') + 1);
  for (char& c : name)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c > ' ' && c <= '~' ? c : '?';
  if (!name.ends_with(".sys") || name.size() > longest_name) return std::nullopt;
  Finding found = sign("a policy in audit mode would refuse " + name, Kind::error, event);
  found.module = name;
  found.severity = Severity::warning;
  found.line = 1;  // the list of such events
  return found;
}

std::optional<Finding> read_event(std::string_view event) {
  static const re2::RE2 number_of(R"(<EventID[^>]*>(\d{1,5})</EventID>)", re2::RE2::Latin1);
  std::string id;
  if (!re2::RE2::PartialMatch(re2::StringPiece(event.data(), event.size()), number_of, &id))
    return std::nullopt;
  const auto by = [&](std::string_view provider) { return event.find(provider) != std::string_view::npos; };
  if (id == "1001" && by("Microsoft-Windows-WER-SystemErrorReporting")) {
    auto stop = reported_stop(event);
    return stop ? stop : sign("stop code unknown", Kind::stop_code, event);
  }
  if (id == "41" && by("Microsoft-Windows-Kernel-Power")) return power_event(event);
  if (id == "3076" && by("Microsoft-Windows-CodeIntegrity")) return audited_driver(event);
  if (id == "6008" && (by("Name='EventLog'") || by("Name=\"EventLog\"")))
    return sign(unclean_shutdown, Kind::reset, event);
  return std::nullopt;
}

// "PATH|BYTES|TIME|CODE": Windows recovered from something for which it keeps a report. Not a dump of the
// live system that somebody asked for.
std::optional<Finding> live_report(std::string_view words) {
  constexpr std::uint64_t asked_for = 0x161;
  const auto code = number(words.substr(words.rfind('|') + 1));
  if (code == asked_for) return std::nullopt;
  Finding found = sign("live kernel report", Kind::error, words);
  if (code && *code != 0) found.title += ": " + stop_title(*code);
  found.severity = Severity::warning;
  found.line = 1;  // a list of files told it
  return found;
}

}  // namespace

Finding stop_finding(std::uint64_t code, const std::array<std::uint64_t, 4>& parameters) {
  Finding found;
  found.title = stop_title(code);
  found.kind = Kind::stop_code;
  found.excerpt = fmt::format("stop {:#x} ({:#x}, {:#x}, {:#x}, {:#x})", code, parameters[0], parameters[1],
                              parameters[2], parameters[3]);
  return found;
}

std::vector<Finding> read_event_log(std::string_view text) {
  std::vector<Finding> found;
  const auto add = [&](Finding finding) {
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const Finding& other) { return other.title == finding.title; });
    if (!known && found.size() < most_findings) found.push_back(std::move(finding));
  };
  for (std::size_t at = 0; (at = text.find("<Event ", at)) != std::string_view::npos;) {
    const auto end = text.find("</Event>", at);
    const auto event = text.substr(at, end == std::string_view::npos ? end : end - at);
    if (auto finding = read_event(event)) add(std::move(*finding));
    at += event.size();
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.starts_with("live="))
      if (auto report = live_report(trim_end(line.substr(5)))) add(std::move(*report));
    if (line.starts_with("dump=")) add(sign(dump_there, Kind::stop_code, line.substr(5)));
  }
  return found;
}

}  // namespace labctl::crash
