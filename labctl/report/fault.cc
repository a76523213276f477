// Driver, content or only the pair? Said only where cells differ in nothing else: two cells are compared when
// they stand on the same image and machine shape.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

struct Point {
  const plan::Cell* cell;
  bool hit;  // otherwise it passed; cells that ended in any other way say nothing
};

std::string named(const std::string& side, const std::string& label) {
  return label.empty() ? fmt::format("no {}", side) : side + " " + printable(label, 60);
}

// One side of the matrix, looked at with the other one held still.
class Side {
 public:
  Side(std::string name, std::string plan::Cell::*label, std::string plan::Cell::*other,
       const std::vector<Point>& points)
      : name_(std::move(name)), label_(label), other_(other), points_(points) {
    for (const Point& point : points_)
      if (point.hit) hit_.insert(point.cell->*label_);
  }

  bool one() const { return hit_.size() == 1; }
  std::string what() const { return named(name_, *hit_.begin()); }
  const std::string& name() const { return name_; }

  // Another label of this side, everything else alike, is clean.
  bool matters() const {
    return std::any_of(points_.begin(), points_.end(), [this](const Point& hit) {
      return hit.hit && std::any_of(points_.begin(), points_.end(), [&](const Point& clean) {
               return !clean.hit && hit_.count(clean.cell->*label_) == 0 &&
                      clean.cell->*other_ == hit.cell->*other_ && same_base(*clean.cell, *hit.cell);
             });
    });
  }

  // Every cell with it is affected, whichever of at least two others it was run with.
  bool whatever_the_other() const {
    std::set<std::string> others;
    for (const Point& point : points_) {
      if (hit_.count(point.cell->*label_) == 0) continue;
      if (!point.hit) return false;
      others.insert(point.cell->*other_);
    }
    return others.size() > 1;
  }

  std::string guilty() const {
    return fmt::format("the {}: every cell with {} is affected, none with another {}", name_, what(), name_);
  }

 private:
  std::string name_;
  std::string plan::Cell::*label_;
  std::string plan::Cell::*other_;
  const std::vector<Point>& points_;
  std::set<std::string> hit_;
};

// A clean cell that differs from an affected one in the driver alone or in the content alone.
bool comparable(const std::vector<Point>& points) {
  return std::any_of(points.begin(), points.end(), [&](const Point& hit) {
    return hit.hit && std::any_of(points.begin(), points.end(), [&](const Point& clean) {
             return !clean.hit && same_base(*hit.cell, *clean.cell) &&
                    (hit.cell->driver == clean.cell->driver) != (hit.cell->content == clean.cell->content);
           });
  });
}

std::string judge_sides(const Side& driver, const Side& content, bool has_content, bool compared) {
  const bool by_driver = driver.matters(), by_content = content.matters();
  if (!has_content && by_driver && driver.one()) return driver.guilty();
  if (content.one() && by_content && content.whatever_the_other()) return content.guilty();
  if (driver.one() && by_driver && driver.whatever_the_other()) return driver.guilty();
  if (driver.one() && content.one()) {
    if (by_driver && by_content)
      return fmt::format("only the pair: {} is clean with another content, and {} with another driver",
                         driver.what(), content.what());
    if (by_content)
      return fmt::format(
          "{}, alone or with this driver: {} is clean with another content, but no cell of the matrix runs "
          "{} with another driver",
          content.what(), driver.what(), content.what());
    if (by_driver)
      return fmt::format(
          "{}, alone or with this content: {} is clean with another driver, but no cell of the matrix runs "
          "{} with another content",
          driver.what(), content.what(), driver.what());
  }
  if (compared) return "no single driver, content or pair explains it";
  return has_content
             ? "driver or content: no such comparison in this matrix; cells with another driver or another "
               "content on the same image would decide it"
             : "no such comparison in this matrix; a cell with another driver on the same image would decide "
               "it";
}

// Affected and clean cells that differ in nothing but the image, or in nothing at all.
std::string of_images(const std::vector<Point>& points) {
  std::set<std::string> hit, clean;
  for (const Point& a : points)
    for (const Point& b : points) {
      if (!a.hit || b.hit || a.cell->driver != b.cell->driver || a.cell->content != b.cell->content) continue;
      hit.insert(a.cell->image);
      clean.insert(b.cell->image);
    }
  if (hit.empty()) return {};
  std::string images;
  for (const auto& image : hit) {
    if (clean.count(image) != 0) return "; not in every cell with the same driver and content";
    images += (images.empty() ? "" : ", ") + image;
  }
  return fmt::format("; not on every image, but on {}", images);
}

}  // namespace

std::string whose_fault(const plan::Plan& plan, const verdict::Verdict& verdict,
                        const std::set<std::string>& affected) {
  std::vector<Point> points;
  bool has_content = false, any = false;
  for (std::size_t i = 0; i < plan.cells.size() && i < verdict.cells.size(); ++i) {
    const plan::Cell& cell = plan.cells[i];
    const bool hit = affected.count(cell.id) != 0;
    if (hit && cell.control)
      return "seen in a control, without the candidate: the image or the lab is to be suspected";
    if (cell.control || (!hit && verdict.cells[i].ending != outcome::Ending::passed)) continue;
    any = any || hit;
    has_content = has_content || !cell.content.empty();
    points.push_back({&cell, hit});
  }
  if (!any) return {};
  const Side driver("driver", &plan::Cell::driver, &plan::Cell::content, points);
  const Side content("content", &plan::Cell::content, &plan::Cell::driver, points);
  return judge_sides(driver, content, has_content, comparable(points)) + of_images(points);
}

}  // namespace labctl::report
