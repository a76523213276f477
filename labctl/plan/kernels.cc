#include "labctl/plan/kernels.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/names.h"
#include "labctl/yaml/variables.h"

namespace labctl::plan {
namespace {

const std::string variable = "${kernel}";

bool names_it(const std::string& path) { return path.find(variable) != std::string::npos; }

// Of its own driver and of those that its story names, with where the scenario names them.
template <class Cell, class Visit>
void each_path(Cell& cell, const Visit& visit) {
  visit(cell.driver_path, cell.driver_mark);
  for (auto& path : cell.driver_with) visit(path, cell.driver_mark);
  for (auto& extra : cell.extra_drivers) {
    visit(extra.path, extra.mark);
    for (auto& path : extra.with) visit(path, extra.mark);
  }
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

Status fill(Cell& cell, const std::string& source, const KernelOf& kernel_of, Unknown unknown) {
  scenario::Mark first;
  each_path(cell, [&](const std::string& path, const scenario::Mark& mark) {
    if (names_it(path) && first.line == 0) first = mark;
  });
  const auto release = kernel_of(cell.image);
  if (!release && unknown == Unknown::stays) return {};
  if (!release)
    return input_error(
        fmt::format("the path names ${{kernel}}, and the kernel of the image {} is not known: {}", cell.image,
                    release.error().what),
        scenario::at(source, first), release.error().hint);
  if (!scenario::is_kernel_release(*release))
    return input_error(
        fmt::format("the path names ${{kernel}}, and the image {} names no kernel's release", cell.image),
        scenario::at(source, first), "write a path without it");
  Status good;
  each_path(cell, [&](std::string& path, const scenario::Mark& mark) {
    if (path.find(*release) != std::string::npos && good)
      good = input_error(fmt::format("the path holds {} besides ${{kernel}}: {}", *release, path),
                         scenario::at(source, mark), fmt::format("write ${{kernel}} there as well"));
    path = yaml::fill_variables(path, {{"kernel", *release}});
  });
  if (good) cell.kernel = *release;
  return good;
}

}  // namespace

bool lacks_kernel(const Cell& cell) {
  bool found = false;
  each_path(cell, [&](const std::string& path, const scenario::Mark&) { found |= names_it(path); });
  return found;
}

Result<Plan> fill_kernels(Plan plan, const std::string& source, const KernelOf& kernel_of, Unknown unknown) {
  for (Cell& cell : plan.cells)
    if (lacks_kernel(cell))
      if (auto filled = fill(cell, source, kernel_of, unknown); !filled) return fail(filled.error());
  return plan;
}

Plan without_kernels(Plan plan) {
  for (Cell& cell : plan.cells) {
    if (cell.kernel.empty()) continue;
    each_path(cell, [&](std::string& path, const scenario::Mark&) {
      path = replaced(path, cell.kernel, variable);
    });
    cell.kernel.clear();
  }
  return plan;
}

}  // namespace labctl::plan
