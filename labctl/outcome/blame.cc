#include "labctl/outcome/blame.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "labctl/base/text.h"
#include "labctl/crash/errors.h"

namespace labctl::outcome {
namespace {

constexpr std::size_t longest_program = 15;  // of a program's name the kernel keeps this much

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Windows names a driver by its file, and case does not matter there; the scenario names its service.
bool is_file_of(std::string_view file, std::string_view service) {
  constexpr std::string_view ending = ".sys";
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return file.size() == service.size() + ending.size() &&
         std::equal(service.begin(), service.end(), file.begin(), same) &&
         std::equal(ending.begin(), ending.end(), file.end() - ending.size(), same);
}

bool is_own_service(const scenario::Driver& driver, const crash::Finding& finding) {
  if (finding.kind != crash::Kind::service) return false;
  return std::any_of(driver.services.begin(), driver.services.end(), [&](const std::string& unit) {
    const std::string program =
        unit.substr(0, std::min(unit.find_first_of("@"), unit.rfind('.'))).substr(0, longest_program);
    return finding.title == title_of_failed(unit) || finding.title == crash::title_of_crashed(program);
  });
}

}  // namespace

std::string title_of_failed(const std::string& unit) {
  return fmt::format("service failed: {}", printable(unit, 80));
}

bool of_candidate(const plan::Cell& cell, const crash::Finding& finding) {
  if (is_own_service(cell.guest.driver, finding)) return true;
  if (finding.module.empty()) return false;
  const auto& modules = cell.guest.driver.modules;
  return std::any_of(modules.begin(), modules.end(), [&](const std::string& own) {
    return finding.module == own ||
           (cell.guest.os == scenario::Os::windows && is_file_of(finding.module, own));
  });
}

std::string sentence(const plan::Cell& cell, const Observation& seen) {
  const crash::Finding& finding = seen.finding;
  const bool own = of_candidate(cell, finding);
  std::string text = printable(finding.title);
  if (!finding.module.empty())
    text += fmt::format(" [module {}{}", printable(finding.module, 60), own ? ", the candidate's]" : "]");
  else if (own)
    text += " [the candidate's service]";
  // A cell whose candidate is not there yet says so itself, and a control has none.
  if (!own && seen.candidate_in && !cell.control)
    text +=
        fmt::format(" (not in the candidate's module; {})",
                    seen.link.empty() ? "it happened with the candidate loaded" : printable(seen.link, 120));
  return text;
}

}  // namespace labctl::outcome
