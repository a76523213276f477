#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "labctl/base/columns.h"
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
    places_.insert({{row, column}, text});
  }

  // The same with rows for columns.
  Grid turned() const {
    Grid grid;
    grid.rows_ = columns_;
    grid.columns_ = rows_;
    for (const auto& [place, text] : places_) grid.places_.insert({{place.second, place.first}, text});
    return grid;
  }

  bool fits(std::size_t width) const { return most_columns(0, width) == columns_.size(); }
  std::size_t size() const { return columns_.size(); }

  // As many blocks, one below the other, as `width` wants; a block lacks the rows that have nothing in it.
  std::string text(std::size_t width) const {
    std::string text;
    for (std::size_t from = 0, count = 0; from < columns_.size(); from += count) {
      count = std::max<std::size_t>(1, most_columns(from, width));
      text += (from == 0 ? "" : "\n") + block(from, count, width);
    }
    return text;
  }

 private:
  static void add(std::vector<std::string>& list, const std::string& word) {
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
  }
  static std::string row_name(const std::string& row, std::size_t width) {
    return cut_middle(row, width / 2);
  }
  static std::string column_name(const std::string& column, std::size_t width) {
    return cut_middle(column, width / 3);
  }
  std::size_t row_width(std::size_t width) const {
    std::size_t most = 0;
    for (const auto& row : rows_) most = std::max(most, columns(row_name(row, width)));
    return most;
  }
  // How many columns from this one on stand side by side.
  std::size_t most_columns(std::size_t from, std::size_t width) const {
    std::size_t used = row_width(width), count = 0;
    for (; from + count < columns_.size(); ++count) {
      used += 2 + columns(column_name(columns_[from + count], width));
      if (used > width) break;
    }
    return count;
  }
  std::string block(std::size_t from, std::size_t count, std::size_t width) const {
    const std::size_t wide = row_width(width);
    std::string text(wide, ' ');
    for (std::size_t i = from; i < from + count; ++i) text += "  " + column_name(columns_[i], width);
    text += "\n";
    for (const auto& row : rows_) {
      std::string line = fill(row_name(row, width), wide);
      bool empty = true;
      for (std::size_t i = from; i < from + count; ++i) {
        const auto place = places_.find({row, columns_[i]});
        empty &= place == places_.end();
        line += "  " +
                fill(place == places_.end() ? "-" : place->second, columns(column_name(columns_[i], width)));
      }
      if (empty) continue;
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

  std::vector<std::string> rows_, columns_;
  std::map<std::pair<std::string, std::string>, std::string> places_;
};

}  // namespace

std::string matrix_table(const plan::Plan& plan, const std::vector<plan::Excluded>& excluded,
                         std::size_t width) {
  Grid grid;
  for (const auto& cell : plan.cells)
    grid.put(part_of(cell.axes, false, ", "), cell.control ? "control" : part_of(cell.axes, true, " + "),
             std::to_string(cell.boots_wanted()));
  std::string candidate = plan.cells.front().content.empty() ? "driver" : "driver + content",
              place = plan.cells.front().machine.name.empty() ? "image" : "image, machine";
  // What does not fit is turned, and where neither fits the one with fewer columns is broken into blocks.
  const Grid turned = grid.turned();
  const bool turn = !grid.fits(width) && (turned.fits(width) || turned.size() < grid.size());
  if (turn) std::swap(candidate, place);
  std::string text = fmt::format("boots of each cell, {} over {}:\n{}", candidate, place,
                                 (turn ? turned : grid).text(width));
  for (const auto& entry : excluded)
    text += wrap_lines(fmt::format("excluded by line {} {}: {}", entry.mark.line, named(entry.axes),
                                   entry.cells.empty()
                                       ? "nothing"
                                       : plural(entry.cells.size(), "cell") + ": " + join_some(entry.cells)),
                       width, 2) +
            "\n";
  return text;
}

}  // namespace labctl::report
