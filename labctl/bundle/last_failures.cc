#include "labctl/bundle/last_failures.h"

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/outcome/outcome.h"

namespace labctl::bundle {
namespace {

// "20261122T023509Z-quickstart", or "...-quickstart-2" for the second of one second: names sort by time.
bool is_bundle_of(const std::string& name, const std::string& scenario) {
  constexpr std::size_t stamp = std::string_view("20261122T023509Z-").size();
  if (name.size() <= stamp || name.find_first_not_of("0123456789TZ") != stamp - 1) return false;
  std::string_view rest = std::string_view(name).substr(stamp);
  if (!rest.starts_with(scenario)) return false;
  rest.remove_prefix(scenario.size());
  return rest.empty() || (rest.front() == '-' && rest.find_first_not_of("0123456789", 1) == rest.npos);
}

}  // namespace

std::set<std::string> last_failures(const fs::path& out, const std::string& scenario) {
  fs::path newest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out, ignored))
    if (const fs::path& folder = entry.path(); is_bundle_of(folder.filename().string(), slug(scenario)) &&
                                               fs::exists(folder / "verdict.json", ignored) &&
                                               newest.filename() < folder.filename())
      newest = folder;
  std::set<std::string> failed;
  const auto text = newest.empty() ? Result<std::string>(std::string()) : read_file(newest / "verdict.json");
  const auto verdict = text ? parse_json(*text, "verdict.json") : Result<Json>(fail(text.error()));
  if (!verdict || !verdict->is_object() || !verdict->contains("cells") || !verdict->at("cells").is_array())
    return failed;
  for (const auto& cell : verdict->at("cells")) {
    if (!cell.is_object()) continue;
    const auto ending = outcome::ending_from(text_at(cell, "outcome"));
    if (ending && outcome::is_guest_failure(*ending)) failed.insert(text_at(cell, "id"));
  }
  return failed;
}

}  // namespace labctl::bundle
