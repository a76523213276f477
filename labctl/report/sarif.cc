// SARIF 2.1.0, for viewers that show a finding beside its line of source.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/exports.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

constexpr std::size_t most_results = 1000, most_frames = 50;

struct Place {
  std::string frame, file;
  int line = 0;
};

// "sensor_equal+0x39/0x60 [sensor]: sensor_equal at driver/sensor.c:255".
std::optional<Place> place_of(const std::string& text) {
  const auto at = text.rfind(" at "), colon = text.rfind(':');
  if (at == text.npos || colon == text.npos || colon < at + 5) return std::nullopt;
  Place place{text.substr(0, at), text.substr(at + 4, colon - at - 4), 0};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, place.line);
  if (error != std::errc() || place.line <= 0) return std::nullopt;
  return place;
}

// A relative reference: what else could be taken for a scheme or a host is written out.
std::string uri(const std::string& path) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/._-~+").find(c) != std::string_view::npos;
    if (plain)
      text += c;
    else
      text += std::string("%") + digits[byte >> 4] + digits[byte & 15];
  }
  return text;
}

Json location_of(const Place& place) {
  return {{"physicalLocation",
           {{"artifactLocation", {{"uri", uri(place.file)}}}, {"region", {{"startLine", place.line}}}}},
          {"message", {{"text", visible(place.frame, 300)}}}};
}

// The finding's result, or nothing when no place is known.
std::optional<Json> result_of(const Record& record, std::size_t cell, std::size_t finding) {
  const auto& seen = record.verdict.cells[cell].findings[finding];
  Json frames = Json::array();
  for (const auto& line : split(places_text(record, cell, finding), '\n'))
    if (const auto place = place_of(line); place && frames.size() < most_frames)
      frames.push_back({{"location", location_of(*place)}});
  if (frames.empty() || !seen.finding.suppressed.empty()) return std::nullopt;
  const bool fatal = seen.finding.severity == crash::Severity::fatal;
  const std::string title = visible(seen.finding.title, 500);
  return Json{{"ruleId", crash::to_string(seen.finding.kind)},
              {"level", fatal ? "error" : "warning"},
              {"message", {{"text", fmt::format("{} (cell {})", title, record.verdict.cells[cell].cell)}}},
              {"locations", Json::array({frames[0]["location"]})},
              {"stacks", Json::array({{{"frames", frames}}})},
              {"partialFingerprints", {{"labctlTitle/v1", title}}}};
}

}  // namespace

std::string sarif(const Record& record) {
  Json results = Json::array(), rules = Json::array();
  std::vector<std::string> titles, kinds;
  for (std::size_t c = 0; c < record.verdict.cells.size(); ++c)
    for (std::size_t f = 0; f < record.verdict.cells[c].findings.size(); ++f) {
      const auto& finding = record.verdict.cells[c].findings[f].finding;
      // A problem that many cells show stands once.
      if (results.size() == most_results ||
          std::find(titles.begin(), titles.end(), finding.title) != titles.end())
        continue;
      auto result = result_of(record, c, f);
      if (!result) continue;
      titles.push_back(finding.title);
      results.push_back(std::move(*result));
      const std::string kind = crash::to_string(finding.kind);
      if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
      kinds.push_back(kind);
      rules.push_back(
          {{"id", kind}, {"shortDescription", {{"text", fmt::format("the guest showed: {}", kind)}}}});
    }
  return dump_pretty({{"version", "2.1.0"},
                      {"runs", Json::array({{{"tool", {{"driver", {{"name", "labctl"}, {"rules", rules}}}}},
                                             {"results", results}}})}});
}

}  // namespace labctl::report
