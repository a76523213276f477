#include "labctl/bundle/cut_off.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/bundle/bundle.h"
#include "labctl/cell/cell.h"

namespace labctl::bundle {
namespace {

constexpr std::uint64_t largest_console = 256u << 20;

// What the kernel had said on the console and the journal not yet, when the run was cut off.
std::vector<crash::Finding> unread_console(const std::vector<event::Event>& journal, const fs::path& folder,
                                           crash::Os os, const std::vector<crash::Signature>& signatures) {
  auto console = read_file(folder / "console.log", largest_console);
  if (!console) return {};
  auto findings = crash::scan(*console, os, signatures);
  std::erase_if(findings, [&](const crash::Finding& finding) {
    return !finding.confirmed || !finding.suppressed.empty() ||
           std::any_of(journal.begin(), journal.end(), [&](const event::Event& event) {
             const auto* found = std::get_if<event::Found>(&event.what);
             return found && found->finding.title == finding.title;
           });
  });
  return findings;
}

// What can still be said of a cell that was cut off: what its console holds, and that its lab went away,
// which convicts whatever the guest was suspected of. Empty: it had not failed, and may begin again.
std::string last_records(const cell::State& cut, const CutJournal& journal,
                         const std::vector<crash::Finding>& found) {
  std::vector<event::What> rest;
  for (const auto& finding : found) rest.emplace_back(event::Found{event::Channel::console, finding});
  rest.emplace_back(event::LabFault{"the run was cut off"});
  rest.emplace_back(event::Interrupted{});
  cell::State state = cut;
  event::Chain chain = journal.journal.chain;
  std::string text;
  for (auto& what : rest) {
    const event::Event event{journal.journal.events.back().at, std::move(what)};
    text += event::to_line(event, chain) + "\n";
    cell::on(state, event);
  }
  return outcome::is_guest_failure(state.outcome.ending) ? text : std::string();
}

// The failure is the cell's end. The journal as it was is kept beside.
Status close_failed(const CutJournal& cut, const std::string& rest, const fs::path& folder) {
  const fs::path journal = folder / "events.jsonl";
  std::error_code problem;
  fs::copy_file(journal, free_name(folder / "events.jsonl.cut-off"), problem);
  if (problem) return lab_error(fmt::format("cannot be kept aside: {}", problem.message()), journal.string());
  return write_file(journal, cut.text + rest);
}

}  // namespace

Result<CutJournal> read_cut_journal(const plan::Cell& cell, const fs::path& folder) {
  auto text = read_file(folder / "events.jsonl", event::largest_journal);
  if (!text) return fail(text.error());
  CutJournal cut{.text = text->substr(0, text->rfind('\n') + 1)};
  if (cut.text.empty()) return cut;
  auto journal = event::read_journal(cut.text, cell.id, (folder / "events.jsonl").string());
  if (!journal)
    return input_error(fmt::format("was not only cut off: {}", journal.error().what), journal.error().where,
                       "do not go on with this bundle; run the scenario again");
  cut.journal = std::move(*journal);
  return cut;
}

Result<bool> close_if_failed(const plan::Cell& cell, const CutJournal& cut, const fs::path& folder,
                             const std::vector<crash::Signature>& signatures) {
  const auto& events = cut.journal.events;
  if (events.empty()) return false;
  cell::State state = cell::begin(cell);
  for (const auto& event : events) cell::on(state, event);
  if (state.phase == cell::Phase::ended) return outcome::is_guest_failure(state.outcome.ending);
  const std::string rest =
      last_records(state, cut, unread_console(events, folder, cell.guest.os, signatures));
  if (rest.empty()) return false;
  if (auto closed = close_failed(cut, rest, folder); !closed) return fail(closed.error());
  return true;
}

}  // namespace labctl::bundle
