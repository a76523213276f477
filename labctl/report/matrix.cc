#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using scenario::Axes;

bool is_column(const std::string& axis) { return axis == "driver" || axis == "content"; }

std::string part_of(const Axes& axes, bool column, const std::string& separator) {
  std::vector<std::string> values;
  for (const auto& [axis, value] : axes)
    if (is_column(axis) == column) values.push_back(printable(value, 60));
  return join(values, separator);
}

std::string named(const Axes& axes) {
  std::vector<std::string> pairs;
  for (const auto& [axis, value] : axes) pairs.push_back(axis + ": " + printable(value, 60));
  return "{" + join(pairs, ", ") + "}";
}

// Rows and columns in the order of their first cell.
class Grid {
 public:
  void put(const std::string& row, const std::string& column, const std::string& text) {
    add(rows_, row);
    add(columns_, column);
    places_.push_back({row, column, text});
  }

  std::string text() const {
    std::string text = pad("", width(rows_));
    for (const auto& column : columns_) text += "  " + column;
    text += "\n";
    for (const auto& row : rows_) {
      text += pad(row, width(rows_));
      for (const auto& column : columns_) text += "  " + pad(at(row, column), column.size());
      text.erase(text.find_last_not_of(' ') + 1);
      text += "\n";
    }
    return text;
  }

 private:
  struct Place {
    std::string row, column, text;
  };

  static void add(std::vector<std::string>& list, const std::string& word) {
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
  }
  static std::size_t width(const std::vector<std::string>& words) {
    std::size_t most = 0;
    for (const auto& word : words) most = std::max(most, word.size());
    return most;
  }
  static std::string pad(std::string word, std::size_t size) {
    word.resize(std::max(size, word.size()), ' ');
    return word;
  }
  std::string at(const std::string& row, const std::string& column) const {
    for (const Place& place : places_)
      if (place.row == row && place.column == column) return place.text;
    return "-";
  }

  std::vector<std::string> rows_, columns_;
  std::vector<Place> places_;
};

}  // namespace

std::string matrix_table(const plan::Plan& plan, const std::vector<plan::Excluded>& excluded) {
  Grid grid;
  for (const auto& cell : plan.cells)
    grid.put(part_of(cell.axes, false, ", "), cell.control ? "control" : part_of(cell.axes, true, " + "),
             std::to_string(cell.boots_wanted()));
  std::string text = fmt::format(
      "boots of each cell, driver{} over {}:\n{}", plan.cells.front().content.empty() ? "" : " + content",
      plan.cells.front().machine.name.empty() ? "image" : "image, machine", grid.text());
  for (const auto& entry : excluded)
    text += fmt::format(
        "excluded by line {} {}: {}\n", entry.mark.line, named(entry.axes),
        entry.cells.empty() ? "nothing" : plural(entry.cells.size(), "cell") + ": " + join_some(entry.cells));
  return text;
}

}  // namespace labctl::report
