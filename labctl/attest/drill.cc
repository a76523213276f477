#include "labctl/attest/drill.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/attest/policy.h"
#include "labctl/base/text.h"

namespace labctl::attest {
namespace {

using Objection = std::optional<std::string>;
using outcome::Ending;

constexpr std::string_view image_prefix = "image/";

bool is_guest_failure(const std::string& outcome) {
  for (const Ending ending :
       {Ending::crashed, Ending::recovery, Ending::hung, Ending::altered, Ending::not_loaded})
    if (outcome == outcome::to_string(ending)) return true;
  return false;
}

bool has_cell(const Statement& statement, const std::string& image, bool control, bool failed) {
  return std::any_of(statement.cells.begin(), statement.cells.end(), [&](const CellRecord& cell) {
    return cell.held.image == image && cell.control == control && !cell.expected &&
           (failed ? is_guest_failure(cell.outcome) : cell.outcome == outcome::to_string(Ending::passed));
  });
}

std::set<std::string> digests(const Statement& statement) {
  std::set<std::string> all;
  for (const auto& subject : statement.subjects) all.insert(subject.sha256);
  return all;
}

Objection to_image(const Statement& drill, const Resource& released) {
  const std::string name = released.name.substr(image_prefix.size());
  const auto* drilled = drill.find(released.name);
  if (!drilled) return fmt::format("it did not run on the image '{}'", printable(name, 80));
  if (drilled->sha256 != released.sha256)
    return fmt::format("its image '{}' was another one, of sha256 {}", printable(name, 80), drilled->sha256);
  if (!has_cell(drill, name, false, true))
    return fmt::format("no guest failed on the image '{}'", printable(name, 80));
  if (!has_cell(drill, name, true, false))
    return fmt::format("no control passed on the image '{}': what failed may be the lab's",
                       printable(name, 80));
  return {};
}

}  // namespace

Objection objection_to_drill(const Statement& drill, const Statement& release, std::int64_t now,
                             Millis max_age) {
  if (drill.result != TestResult::failed || drill.verdict != verdict::to_string(verdict::Decision::blocked))
    return fmt::format("it was not blocked: its verdict is '{}'", printable(drill.verdict, 40));
  if (drill.rules < release.rules)
    return fmt::format("it was made under rule set {}, and the release under {}", drill.rules, release.rules);
  if (drill.ended > now + allowed_clock_skew_seconds)
    return fmt::format("it is from the future: it ended {}", show_moment(drill.ended));
  if (std::chrono::seconds(now - drill.began) > max_age)
    return fmt::format("it is too old: it began {}", show_moment(drill.began));
  if (digests(drill) == digests(release)) return "it is about the release itself";
  for (const auto& resource : release.configuration)
    if (resource.name.starts_with(image_prefix))
      if (auto why = to_image(drill, resource)) return why;
  return {};
}

}  // namespace labctl::attest
