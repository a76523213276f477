#include "labctl/outcome/blame.h"

#include <algorithm>
#include <string_view>

#include "labctl/base/text.h"

namespace labctl::outcome {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Windows names a driver by its file, and case does not matter there; the scenario names its service.
bool is_file_of(std::string_view file, std::string_view service) {
  constexpr std::string_view ending = ".sys";
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return file.size() == service.size() + ending.size() &&
         std::equal(service.begin(), service.end(), file.begin(), same) &&
         std::equal(ending.begin(), ending.end(), file.end() - ending.size(), same);
}

}  // namespace

bool of_candidate(const plan::Cell& cell, const crash::Finding& finding) {
  const std::string& own = cell.guest.driver.module;
  if (finding.module.empty() || own.empty()) return false;
  return finding.module == own || (cell.guest.os == scenario::Os::windows && is_file_of(finding.module, own));
}

std::string sentence(const plan::Cell& cell, const Observation& seen) {
  const crash::Finding& finding = seen.finding;
  const bool own = of_candidate(cell, finding);
  std::string text = printable(finding.title);
  if (!finding.module.empty())
    text += " [module " + printable(finding.module, 60) + (own ? ", the candidate's]" : "]");
  // A cell whose candidate is not there yet says so itself, and a control has none.
  if (!own && seen.candidate_in && !cell.control)
    text += " (not in the candidate's module; " +
            (seen.link.empty() ? "it happened with the candidate loaded" : printable(seen.link, 120)) + ")";
  return text;
}

}  // namespace labctl::outcome
