// What was found. A finding with its report behind it ends the story. A line that only looks like the
// beginning of one is a suspect: anything can print a line, so the guest is asked whether it is alive with an
// untainted kernel. The answer counts only for the boot in which the line was seen, and a suspect that is
// never cleared counts.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/crash/meaning.h"
#include "labctl/outcome/accept.h"
#include "labctl/outcome/blame.h"

namespace labctl::cell {

using outcome::Ending;
using outcome::ending_for;

namespace {

constexpr std::size_t most_findings =
    200;  // a flooding guest may not grow us; as many again are kept for what counts
constexpr const char* cleared_line =
    "only this line, without a report, and the guest is alive with an untainted kernel";
constexpr const char* not_in_log =
    "only this line, without a report; the guest is alive with an untainted kernel, and its kernel log of "
    "this boot, read whole, holds no report either";
constexpr const char* reported_again = "reported again, with its full report";

std::string taints_of(const crash::Finding& finding) {
  return outcome::is_weighed(finding) ? std::string() : crash::taints_left_by(finding);
}

// The task that an oops names as its own, when its work is to load modules.
std::string_view loading_task(std::string_view excerpt) {
  constexpr std::string_view mark = "Comm: ";
  const auto at = excerpt.find(mark);
  if (at == excerpt.npos) return {};
  const std::string_view name = excerpt.substr(at + mark.size());
  for (const std::string_view loader : {"insmod", "modprobe", "kmod", "systemd-modules"})
    if (name.starts_with(loader)) return loader;
  return {};
}

// How exactly a finding says what happened.
int precision(const plan::Cell& cell, const crash::Finding& finding) {
  if (outcome::is_sign(finding)) return 0;
  if (outcome::of_candidate(cell, finding)) return 4;
  return !finding.module.empty() ? 3 : crash::names_place(finding) ? 2 : 1;
}

bool same(const crash::Finding& a, const crash::Finding& b) {
  return a.title == b.title && a.module == b.module && a.confirmed == b.confirmed;
}

}  // namespace

void CellMachine::crash(const std::string& title, const std::string& reason, Channel channel,
                        crash::Kind kind) {
  crash::Finding finding;
  finding.title = title;
  finding.kind = kind;
  note(finding, channel);
  fail(Ending::crashed, reason);
}

bool CellMachine::known(const crash::Finding& finding) const {
  return std::any_of(s_.findings.begin(), s_.findings.end(), [&](const auto& seen) {
    return seen.boot == s_.boot && same(seen.finding, finding) &&
           seen.finding.suppressed.empty() == finding.suppressed.empty();
  });
}

// True when it is kept from now on.
bool CellMachine::note(const crash::Finding& finding, Channel channel) {
  if (traits().crash_on_many_channels)  // they are named
    for (auto& seen : s_.findings)
      if (seen.boot == s_.boot && same(seen.finding, finding) && seen.channel != channel &&
          std::find(seen.also.begin(), seen.also.end(), channel) == seen.also.end())
        seen.also.push_back(channel);
  if (known(finding)) return false;
  if (s_.findings.size() >= (outcome::counts(s_.cell, finding) ? 2 : 1) * most_findings) return false;
  s_.findings.push_back(seen_now(finding, channel));
  return true;
}

outcome::Observation CellMachine::seen_now(const crash::Finding& finding, Channel channel) const {
  return {.finding = finding,
          .channel = channel,
          .boot = s_.boot,
          .candidate_in = s_.candidate_in,
          .link = link_of(finding)};
}

// What ties what is not in the candidate's module to the candidate.
std::string CellMachine::link_of(const crash::Finding& finding) const {
  if (!s_.opened.earned() || !s_.candidate_in || s_.cell.control || outcome::is_sign(finding)) return {};
  for (const std::string& module : s_.cell.guest.driver.modules)
    if (finding.excerpt.find("[" + module + "]") != std::string::npos)
      return "its report names the candidate's module";
  if (const auto task = loading_task(finding.excerpt); !task.empty())
    return fmt::format("the task that died, {}, was loading a module", task);
  if (s_.phase == Phase::running && s_.position < s_.operations.size() && operation().is_authors_command())
    return fmt::format("it happened during '{}'", operation().step.text());
  return {};
}

// Which channel reports first is chance: the reason quotes the finding that says most exactly what happened.
void CellMachine::quote_most_precise() {
  if (!s_.opened.earned() || !outcome::is_guest_failure(s_.outcome.ending)) return;
  const outcome::Observation* best = nullptr;
  int told = 0;
  for (const auto& seen : s_.findings) {
    const auto& finding = seen.finding;
    const int exact = precision(s_.cell, finding);
    if (!s_.quoted.empty() && finding.title == s_.quoted) told = std::max(told, exact);
    if (seen.boot == s_.boot && finding.confirmed && outcome::counts(s_.cell, finding) &&
        !outcome::tolerated(s_.cell, finding) && ending_for(finding.kind) == s_.outcome.ending &&
        (!best || exact > precision(s_.cell, best->finding)))
      best = &seen;
  }
  if (best && precision(s_.cell, best->finding) > told)
    s_.outcome.reason =
        fmt::format("{} (first seen: {})", outcome::sentence(s_.cell, *best), s_.outcome.reason);
}

void CellMachine::remember(const crash::Finding& finding, Channel channel) {
  if (traits().records_power_cuts && is_of_our_power_cut(finding)) return;
  if (is_of_our_nmi(finding, channel) || is_of_our_crash(finding, channel)) return;
  if (finding.confirmed) supersede(finding, channel);
  if (!outcome::blocks(s_.cell, finding)) {
    list_and_continue(finding, channel);
  } else if (is_of_cpu_wait(finding, channel)) {
    return;
  } else if (finding.confirmed) {
    note(finding, channel);
    fail(ending_for(finding.kind), outcome::sentence(s_.cell, seen_now(finding, channel)), finding.title);
  } else {
    suspect(finding, channel);
  }
}

// It is listed, and the story goes on. The taint that it leaves in the kernel is then no surprise; noise,
// which no person answers for, explains no more than a warning.
void CellMachine::list_and_continue(const crash::Finding& finding, Channel channel) {
  const bool accepted = outcome::tolerated(s_.cell, finding);
  const bool known_cause = accepted || !finding.suppressed.empty() || outcome::let_through(s_.cell, finding);
  if (finding.confirmed && known_cause)
    for (const char letter : taints_of(finding))
      if (accepted || letter == 'W') s_.explained += letter;
  // What somebody answers for may not get lost in a flood.
  if (!note(finding, channel) && accepted && !known(finding))
    fail(Ending::crashed, "too many findings to look into");
}

// A line that was reported with nothing behind it, and is reported again in full.
void CellMachine::supersede(const crash::Finding& report, Channel channel) {
  for (std::size_t i = 0; i < s_.findings.size(); ++i) {
    auto& seen = s_.findings[i];
    const bool same_line = !seen.finding.confirmed && seen.finding.suppressed.empty() &&
                           seen.boot == s_.boot && seen.channel == channel &&
                           seen.finding.offset == report.offset;
    const auto waiting = std::find(s_.suspects.begin(), s_.suspects.end(), i);
    if (!same_line || waiting == s_.suspects.end()) continue;
    seen.finding.suppressed = reported_again;
    if (static_cast<std::size_t>(waiting - s_.suspects.begin()) < s_.suspects_in_question)
      --s_.suspects_in_question;
    s_.suspects.erase(waiting);
  }
}

// An expected crash may be reported by signs as well: the panic device, a reset, the taint it leaves. Which
// of them comes first is chance, so they are looked at in the end.
void CellMachine::explain_signs() {
  const auto by_name =
      std::find_if(s_.findings.begin(), s_.findings.end(), [&](const outcome::Observation& seen) {
        return !outcome::is_sign(seen.finding) && outcome::accepted(s_.cell, seen.finding) &&
               outcome::blocks(s_.cell, seen.finding);
      });
  if (by_name == s_.findings.end()) return;
  const std::string taints = s_.explained + taints_of(by_name->finding);
  for (auto& seen : s_.findings) {
    auto& sign = seen.finding;
    if (!outcome::is_sign(sign) || !sign.suppressed.empty() || outcome::accepted(s_.cell, sign)) continue;
    if (seen.taints.find_first_not_of(taints) == std::string::npos)
      sign.suppressed = fmt::format("a sign of the expected '{}'", printable(by_name->finding.title));
  }
}

void CellMachine::suspect(const crash::Finding& finding, Channel channel) {
  for (std::size_t i = 0; i < s_.findings.size(); ++i) {
    auto& seen = s_.findings[i];
    if (seen.boot != s_.boot || !same(seen.finding, finding)) continue;
    if (seen.finding.suppressed.empty()) return;  // waits already
    if (seen.finding.suppressed != cleared_line && seen.finding.suppressed != not_in_log) continue;
    seen.finding.suppressed.clear();  // cleared once; said again, it is asked about again
    s_.suspects.push_back(i);
    return;
  }
  if (note(finding, channel))
    s_.suspects.push_back(s_.findings.size() - 1);
  else
    fail(Ending::crashed, "too many findings to look into");
}

void CellMachine::look_into_suspects() {
  if (s_.suspects.empty() || s_.suspect_asked || s_.phase != Phase::running || s_.boot_id.empty()) return;
  if (waits_for(Wait::suspend)) return;  // it cannot answer; it is asked when it is back
  s_.suspects_in_question = s_.suspects.size();
  ask_about_suspects(false);
}

// Of the kernel's health, or of its log, which the hands scan as they do at every proof.
void CellMachine::ask_about_suspects(bool log) {
  ++s_.suspect_questions;
  s_.suspect_log = log;
  actions_.push_back(Ask{{suspect_question(), log ? os().whole_log().command : os().evidence().command}});
  s_.suspect_asked = true;
  s_.suspect_until = s_.guest_time() + p_.suspect;
}

// A missing taint clears only what would have left one.
bool CellMachine::wants_log() const {
  if (!s_.opened.earned() || !os().taints()) return false;
  return std::any_of(s_.suspects.begin(),
                     s_.suspects.begin() + static_cast<std::ptrdiff_t>(s_.suspects_in_question),
                     [this](std::size_t index) { return !crash::leaves_trace(s_.findings[index].finding); });
}

void CellMachine::on_suspect_answer(const event::Answer& answer) {
  if (!s_.suspect_asked || s_.phase != Phase::running) return;
  s_.suspect_asked = false;
  const auto facts = guest::read_facts(answer.output);
  const auto boot_id = facts.find("boot_id");
  const auto log = facts.find("log");
  const bool is_log = s_.suspect_log, whole = log != facts.end() && log->second == "whole";
  const bool cleared = answer.answered && answer.exit_code == 0 && boot_id != facts.end() &&
                       boot_id->second == s_.boot_id && (is_log ? whole : is_well(facts));
  if (!cleared) return convict_suspects();
  if (!is_log && wants_log()) return ask_about_suspects(true);
  for (; s_.suspects_in_question > 0; --s_.suspects_in_question) {
    s_.findings[s_.suspects.front()].finding.suppressed = is_log ? not_in_log : cleared_line;
    s_.suspects.pop_front();
  }
  if (s_.suspects.empty() && waits_for(Wait::cleared)) advance();
}

void CellMachine::convict_suspects() {
  s_.suspect_asked = false;
  if (s_.suspects.empty()) {  // a report has taken the place of what was asked about
    if (s_.phase == Phase::running && waits_for(Wait::cleared)) advance();
    return;
  }
  const outcome::Observation suspect = s_.findings[s_.suspects.front()];
  s_.suspects.clear();
  const bool older = !suspect.candidate_in && s_.candidate_in;
  fail(
      ending_for(suspect.finding.kind),
      outcome::sentence(s_.cell, suspect) +
          (older ? " (its line came before the candidate was loaded, and nothing has cleared it since)" : ""),
      suspect.finding.title);
}

}  // namespace labctl::cell
