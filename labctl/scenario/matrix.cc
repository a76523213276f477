// The matrix reads like GitHub Actions': the product of the axes, less what `exclude` matches, and then one
// more cell for each `include`. Two things are stricter, because a gate must not guess: an exclude that
// matches nothing is a mistake, and an include that leaves an axis out takes its only value or is refused
// when there are several.

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

// Where an axis's values are given: "candidate.driver", and the labels there.
struct Source {
  std::string place;
  std::vector<std::string> labels;
};

Source source_of(const std::string& axis, const Scenario& scenario) {
  if (axis == "driver") return {"candidate.driver", labels(scenario.drivers)};
  if (axis == "content") return {"candidate.content", labels(scenario.contents)};
  if (axis == "story") {
    Source source{"stories", {}};
    for (const NamedStory& story : scenario.stories) source.labels.push_back(story.name);
    return source;
  }
  Source source{"machines", {}};
  for (const Machine& machine : scenario.machines) source.labels.push_back(machine.name);
  return source;
}

class Matrix {
 public:
  Matrix(Reader& reader, Scenario& scenario) : reader_(reader), scenario_(scenario) {}

  void read(const Node& node) {
    if (!reader_.map(node, "matrix",
                     {{"image", Need::required},
                      {"driver"},
                      {"content"},
                      {"machine"},
                      {"story"},
                      {"include"},
                      {"exclude"}})) {
      return;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& axis = node.keys[i].text;
      if (std::find(axis_names.begin(), axis_names.end(), axis) != axis_names.end())
        read_axis(axis, node.items[i]);
    }
    defaults(node);
    if (const Node* include = node.find("include")) {
      scenario_.include = read_selectors(*include, "matrix.include");
      for (Selector& entry : scenario_.include) complete(entry);
    }
    if (const Node* exclude = node.find("exclude")) {
      scenario_.exclude = read_selectors(*exclude, "matrix.exclude");
    }
  }

 private:
  const std::vector<std::string>* values(const std::string& axis) const {
    for (const auto& [name, list] : scenario_.matrix) {
      if (name == axis) return &list;
    }
    return nullptr;
  }

  void read_axis(const std::string& axis, const Node& node) {
    const std::string what = "matrix." + axis;
    std::vector<std::string> list;
    const std::size_t before = reader_.count();
    if (!reader_.list(node, what)) {
      broken_ = true;
      return;
    }
    for (const Node& item : node.items) {
      for (const std::string& value : read_values(axis, item, what)) {
        if (std::find(list.begin(), list.end(), value) == list.end())
          list.push_back(value);
        else
          reader_.mistake(item.mark, fmt::format("{}: {} is here twice", what, quoted(value)));
      }
    }
    broken_ = broken_ || reader_.count() != before;
    scenario_.matrix.emplace_back(axis, std::move(list));
  }

  // One, or all that a group of contents stands for.
  std::vector<std::string> read_values(const std::string& axis, const Node& node, const std::string& what) {
    const auto group = scenario_.content_groups.find(node.text);
    if (axis == "content" && node.kind == Node::Kind::scalar && group != scenario_.content_groups.end())
      return group->second;
    const auto value = read_value(axis, node, what);
    return value ? std::vector{*value} : std::vector<std::string>{};
  }

  std::optional<std::string> read_value(const std::string& axis, const Node& node, const std::string& what) {
    if (axis == "image") {
      auto name = slug_name(node, what, reader_);
      if (name) scenario_.image_marks.emplace(*name, node.mark);
      return name;
    }
    auto label = reader_.one_line(node, what);
    if (!label) return std::nullopt;
    const auto group = scenario_.content_groups.find(*label);
    if (axis == "content" && group != scenario_.content_groups.end() && group->second.size() == 1)
      return group->second.front();
    const auto [place, known] = source_of(axis, scenario_);
    if (std::find(known.begin(), known.end(), *label) != known.end()) return label;
    if (known.empty()) {
      reader_.mistake(node.mark, fmt::format("{}: {} is not given", what, place));
    } else {
      reader_.mistake(node.mark, fmt::format("{}: {} has no {}", what, place, quoted(*label)),
                      suggest(*label, known, fmt::format("it has: {}", join(known, ", "))));
    }
    return std::nullopt;
  }

  void defaults(const Node& node) {
    if (!node.find("driver")) scenario_.matrix.push_back({"driver", {"candidate"}});
    if (!node.find("content") && !scenario_.contents.empty()) {
      const auto known = labels(scenario_.contents);
      if (std::find(known.begin(), known.end(), "candidate") == known.end()) {
        reader_.mistake(node.mark,
                        "matrix has no 'content', and candidate.content has no 'candidate' to test",
                        fmt::format("write content: [{}]", known.front()));
      } else {
        scenario_.matrix.push_back({"content", {"candidate"}});
      }
    }
    for (const std::string axis : {"machine", "story"}) {
      const auto [place, known] = source_of(axis, scenario_);
      if (!node.find(axis) && !known.empty())
        reader_.mistake(node.mark, fmt::format("matrix has no '{}', but {} are given", axis, place),
                        fmt::format("write {}: [{}]", axis, join(known, ", ")));
    }
  }

  std::vector<Selector> read_selectors(const Node& node, const std::string& what) {
    std::vector<Selector> entries;
    if (!reader_.list(node, what)) return entries;
    for (const Node& item : node.items) {
      if (!reader_.map(item, what, {{"image"}, {"driver"}, {"content"}, {"machine"}, {"story"}})) continue;
      if (item.keys.empty()) {
        reader_.mistake(item.mark, fmt::format("{}: this entry is empty", what));
        continue;
      }
      Selector entry;
      entry.mark = item.mark;
      bool good = true;
      for (const std::string& axis : axis_names) {
        const Node* value = item.find(axis);
        if (!value) continue;
        const auto word = read_value(axis, *value, what + "." + axis);
        good = good && word;
        if (!word) continue;
        entry.axes.emplace_back(axis, *word);
        if (what == "matrix.exclude") good = can_match(axis, *word, value->mark) && good;
      }
      if (good && !entry.axes.empty()) entries.push_back(std::move(entry));
    }
    return entries;
  }

  // In a product, an entry matches something exactly when each of its values is on its axis.
  bool can_match(const std::string& axis, const std::string& word, Mark mark) {
    const auto* list = values(axis);
    if (broken_ || (list && std::find(list->begin(), list->end(), word) != list->end())) return true;
    reader_.mistake(
        mark, fmt::format("matrix.exclude: this matches nothing, matrix.{} has no {}", axis, quoted(word)),
        list ? suggest(word, *list, fmt::format("it has: {}", join(*list, ", "))) : "");
    return false;
  }

  void complete(Selector& entry) {
    Axes axes;
    for (const std::string& axis : axis_names) {
      const auto given =
          std::find_if(entry.axes.begin(), entry.axes.end(), [&](auto& a) { return a.first == axis; });
      const auto* list = values(axis);
      if (given != entry.axes.end()) {
        axes.push_back(*given);
      } else if (list && list->size() == 1) {
        axes.emplace_back(axis, list->front());
      } else if (list && !broken_) {
        reader_.mistake(entry.mark,
                        fmt::format("matrix.include: this entry has no '{}', and the matrix has {} of them",
                                    axis, list->size()),
                        fmt::format("add {}: {}", axis, list->front()));
      }
    }
    entry.axes = std::move(axes);
  }

  Reader& reader_;
  Scenario& scenario_;
  bool broken_ = false;  // an axis has mistakes already; what follows from them is not reported
};

}  // namespace

const std::vector<std::string> axis_names = {"image", "driver", "content", "machine", "story"};

void read_matrix(const Node& root, Reader& reader, Scenario& scenario) {
  if (const Node* node = root.find("matrix")) Matrix(reader, scenario).read(*node);
}

}  // namespace labctl::scenario
