#include "labctl/history/read.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/attest/envelope.h"
#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/judge.h"
#include "labctl/outcome/rules.h"

namespace labctl::history {
namespace {

constexpr const char* run_again = "trust neither the records nor the verdict; run the scenario again";

// What the recorded verdict says about a cell must be what its journal gives: newer rules make no other
// outcome of an older journal.
std::string objection_to_cell(const Json& recorded, const outcome::Outcome& outcome) {
  if (text_at(recorded, "id") != outcome.cell) return "verdict.json names other cells than run.json";
  const std::string then = text_at(recorded, "outcome"), now = outcome::to_string(outcome.ending);
  if (then != now)
    return fmt::format("verdict.json says that {} ended '{}', and its journal gives '{}'", outcome.cell,
                       printable(then, 40), now);
  const Json* journal = recorded.contains("journal") ? &recorded.at("journal") : nullptr;
  const std::string head = journal && journal->is_object() ? text_at(*journal, "sha256") : std::string();
  if (head != outcome.journal.sha256)
    return fmt::format("the journal of {} is another one than the run ended with", outcome.cell);
  return {};
}

std::string objection_to_verdict(const Json& recorded, const bundle::Judged& judged) {
  const std::string then = text_at(recorded, "verdict"), now = verdict::to_string(judged.verdict.decision);
  const bool older = judged.run.rules < outcome::rules_now;
  const bool explained = older && then == verdict::to_string(verdict::Decision::passed) &&
                         judged.verdict.decision == verdict::Decision::no_verdict;
  if (then != now && !explained)
    return fmt::format("verdict.json says '{}', and the recorded events give '{}'", printable(then, 40), now);
  const Json* cells = recorded.contains("cells") ? &recorded.at("cells") : nullptr;
  if (!cells || !cells->is_array() || cells->size() != judged.verdict.cells.size())
    return "verdict.json names other cells than run.json";
  for (std::size_t i = 0; i < cells->size(); ++i)
    if (auto why = objection_to_cell((*cells)[i], judged.verdict.cells[i]); !why.empty()) return why;
  return {};
}

Result<Json> read_verdict(const fs::path& folder) {
  const fs::path file = folder / "verdict.json";
  auto text = read_file(file);
  if (!text)
    return input_error(fmt::format("the run has not ended: {}", text.error().what), file.string(),
                       fmt::format("finish it with: labctl run --resume {}", shell_quote(folder.string())));
  auto recorded = parse_json(*text, file.string());
  if (!recorded) return fail(Error{Fault::input, recorded.error().what, file.string(), run_again});
  if (!recorded->is_object()) return input_error("it is not an object of JSON", file.string(), run_again);
  return recorded;
}

// Two runs of one plan that began in the same second on equal hosts have the same run.json; their journals
// differ.
std::string id_of(const std::string& run_sha256, const Json& verdict) {
  std::string all = run_sha256;
  if (verdict.contains("cells"))
    for (const auto& cell : verdict.at("cells"))
      if (cell.is_object() && cell.contains("journal")) all += "\n" + text_at(cell.at("journal"), "sha256");
  return sha256(all);
}

// The keys that an attestation in the bundle names; whether its signatures hold is `verify`'s to say.
std::string signers(const fs::path& folder) {
  const auto text = read_file(folder / "attestation.json", attest::largest_envelope);
  const auto envelope =
      text ? attest::read_envelope(*text, "attestation.json") : Result<attest::Envelope>(fail(text.error()));
  std::string ids;
  if (!envelope) return ids;
  for (const auto& signature : envelope->signatures)
    ids += (ids.empty() ? "" : " ") + printable(signature.key_id, 100);
  return visible(ids, 600);
}

void add_boots(const fs::path& folder, const bundle::Judged& judged, Entry& entry) {
  for (std::size_t i = 0; i < entry.cells.size(); ++i) {
    const auto& cell = judged.run.plan.cells[i];
    if (entry.cells[i].journal_sha256.empty() || entry.cells[i].answer == Answer::kept) continue;
    if (const auto journal = bundle::read_cell_journal(cell, folder / "cells" / cell.id))
      entry.cells[i].boots = boots_of(cell, journal->events, entry.cells[i].proved);
  }
}

}  // namespace

bool has_ended(const fs::path& bundle) {
  std::error_code ignored;
  return fs::exists(bundle / "verdict.json", ignored);
}

Result<std::string> entry_id(const fs::path& bundle) {
  auto run = read_file(bundle / "run.json");
  if (!run)
    return input_error(fmt::format("is not a bundle: {}", run.error().what), (bundle / "run.json").string(),
                       "give the folder that 'labctl run' printed at its end");
  auto verdict = read_verdict(bundle);
  if (!verdict) return fail(verdict.error());
  return id_of(sha256(*run), *verdict);
}

Result<Entry> read_entry(const fs::path& bundle) {
  auto judged = bundle::judge_bundle(bundle);
  if (!judged) return fail(judged.error());
  if (judged->run.ended.empty() || !judged->run.faults)
    return input_error("the run has not ended", bundle.string(),
                       fmt::format("finish it with: labctl run --resume {}", shell_quote(bundle.string())));
  for (const auto* moment : {&judged->run.began, &judged->run.ended})
    if (auto read = parse_moment(*moment); !read)
      return input_error(fmt::format("run.json names a time that is none: {}", read.error().what),
                         bundle.string());
  if (!judged->contradictions.empty())
    return input_error(
        fmt::format("the bundle contradicts itself: {}", printable(judged->contradictions.front(), 400)),
        bundle.string(), run_again);
  const auto recorded = read_verdict(bundle);
  if (!recorded) return fail(recorded.error());
  if (auto why = objection_to_verdict(*recorded, *judged); !why.empty())
    return input_error(fmt::format("the bundle contradicts itself: {}", why), bundle.string(), run_again);
  Entry entry = entry_of(*judged);
  entry.id = id_of(judged->run_sha256, *recorded);
  entry.recorded = text_at(*recorded, "verdict");
  entry.signed_by = signers(bundle);
  add_boots(bundle, *judged, entry);
  std::error_code ignored;
  fs::path place = fs::weakly_canonical(bundle, ignored);
  entry.bundle = visible(place.string(), 4096);
  if (place.extension() == ".partial") place.replace_extension();
  entry.name = visible(place.filename().string(), 300);
  return entry;
}

std::vector<fs::path> bundles_in(const fs::path& path) {
  std::error_code problem;
  if (fs::exists(path / "run.json", problem)) return {path};
  std::vector<fs::path> found;
  auto entry = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    std::error_code ignored;
    if (entry.depth() > 8) entry.disable_recursion_pending();
    if (!entry->is_directory(ignored) || entry->is_symlink(ignored)) continue;
    if (!fs::exists(entry->path() / "run.json", ignored)) continue;
    found.push_back(entry->path());
    entry.disable_recursion_pending();
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace labctl::history
