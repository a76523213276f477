#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/history/site.h"
#include "labctl/report/render.h"

namespace labctl::history {
namespace {

constexpr const char* colours[] = {"var(--link)",  "var(--install)", "var(--boot)",
                                   "var(--proof)", "var(--apply)",   "var(--use)"};
constexpr std::size_t most_at_once = 12;                          // items of a list that is not folded
constexpr double left = 60, right = 710, top = 12, bottom = 190;  // of the drawing in history.mustache

// One decimal, always with a point.
std::string coordinate(double value) {
  const long long tenths = std::llround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

Json cell_json(const Cell& cell) {
  return {{"text", cell.text}, {"href", cell.href}, {"class", cell.tone}, {"none", cell.text.empty()}};
}

std::string symbol_of(const std::string& tone) {
  return tone == "passed" ? "✓" : tone == "failed" ? "✕" : tone == "unsure" ? "?" : "";
}

}  // namespace

PageMaker::PageMaker(std::string title, std::string lead, const char* tone)
    : page_{{"title", title},
            {"heading", title},
            {"lead", std::move(lead)},
            {"class", tone},
            {"symbol", symbol_of(tone)},
            {"facts", Json::array()},
            {"sections", Json::array()}} {}

void PageMaker::fact(const char* label, const std::string& value) {
  page_["facts"].push_back({{"label", label}, {"value", value.empty() ? "–" : value}});
}

void PageMaker::section(const std::string& heading, const std::string& note) {
  // Named here, because a name that is missing is looked up in what stands around.
  page_["sections"].push_back({{"id", "s" + std::to_string(page_["sections"].size())},
                               {"heading", heading},
                               {"note", note},
                               {"curve", false},
                               {"table", false},
                               {"items", false},
                               {"texts", Json::array()}});
}

void PageMaker::table(const std::vector<std::string>& columns, const std::vector<std::vector<Cell>>& rows,
                      bool stack) {
  if (rows.empty()) {
    part("note") = fmt::format("{} Nothing.", text_at(page_["sections"].back(), "note"));
    return;
  }
  Json table{{"columns", columns}, {"stack", stack}, {"rows", Json::array()}};
  for (const auto& row : rows) {
    Json cells = Json::array();
    for (std::size_t i = 1; i < row.size(); ++i) {
      cells.push_back(cell_json(row[i]));
      cells.back()["label"] = i < columns.size() ? columns[i] : "";
    }
    Json head = cell_json(row.front());
    head["cells"] = std::move(cells);
    table["rows"].push_back(std::move(head));
  }
  part("table") = std::move(table);
}

void PageMaker::list(const std::vector<Cell>& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(cell_json(item));
  part("items") = {{"many", items.size() > most_at_once},
                   {"number", std::to_string(items.size())},
                   {"list", std::move(list)}};
}

void PageMaker::text(const char* label, const std::string& text) {
  part("texts").push_back({{"label", label}, {"text", text}});
}

std::string PageMaker::html(const std::vector<Cell>& nav, const std::string& name) {
  page_["nav"] = Json::array();
  for (const auto& link : nav) {
    page_["nav"].push_back(cell_json(link));
    page_["nav"].back()["here"] = link.href == name;
  }
  return report::render_page(page_body, page_);
}

Json curve_of(const Json& answer) {
  const auto& points = answer.at("curve");
  if (points.size() < 2) return false;
  std::map<std::string, std::vector<std::size_t>> hosts;
  std::int64_t most = 1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    most = std::max<std::int64_t>(most, number_at(points[i], "cold_boot_ms"));
    hosts[join({text_at(points[i], "cpu", "CPU not recorded"), text_at(points[i], "accel"),
                text_at(points[i], "hypervisor")},
               ", ")]
        .push_back(i);
  }
  const double width = (right - left) / static_cast<double>(points.size() - 1);
  const auto y_of = [&](double ms) { return bottom - (bottom - top) * ms / static_cast<double>(most); };
  Json lines = Json::array();
  for (const auto& [name, indices] : hosts) {
    const std::string colour = colours[lines.size() % std::size(colours)];
    std::string d;
    Json dots = Json::array();
    for (const auto i : indices) {
      const std::string x = coordinate(left + width * static_cast<double>(i));
      const std::string y = coordinate(y_of(static_cast<double>(number_at(points[i], "cold_boot_ms"))));
      d += (d.empty() ? "M" : "L") + x + " " + y;
      dots.push_back({{"x", x},
                      {"y", y},
                      {"colour", colour},
                      {"text", text_at(points[i], "began") + ": " +
                                   show_duration(Millis(number_at(points[i], "cold_boot_ms")))}});
    }
    lines.push_back({{"name", name.starts_with(", ") ? fmt::format("CPU not recorded{}", name) : name},
                     {"colour", colour},
                     {"d", d},
                     {"points", dots}});
  }
  Json ticks = Json::array();
  for (const double share : {0.0, 0.5, 1.0})
    ticks.push_back(
        {{"y", coordinate(y_of(share * static_cast<double>(most)))},
         {"text", show_duration(Millis(static_cast<std::int64_t>(share * static_cast<double>(most))))}});
  return {{"label",
           fmt::format("cold boot of {} by run; the table below says the same", text_at(answer, "image"))},
          {"from", text_at(points.front(), "began").substr(0, 10)},
          {"to", text_at(points.back(), "began").substr(0, 10)},
          {"ticks", ticks},
          {"lines", lines}};
}

}  // namespace labctl::history
