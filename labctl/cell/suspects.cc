// What was found. A finding with its report behind it ends the story. A line that only looks like the
// beginning of one is a suspect: anything can print a line, so the guest is asked whether it is alive with an
// untainted kernel. The answer counts only for the boot in which the line was seen, and a suspect that is
// never cleared counts.

#include "labctl/base/text.h"
#include "labctl/cell/life.h"

namespace labctl::cell {

using verdict::Ending;

namespace {

constexpr std::size_t most_findings =
    200;  // a flooding guest may not grow us; as many again are kept for what counts
constexpr const char* cleared_line =
    "only this line, no report behind it, and the guest is alive with an untainted kernel";

Ending ending_for(crash::Kind kind) {
  using enum crash::Kind;
  switch (kind) {
    case lockup:
    case stall:
    case hung_task:
      return Ending::hung;
    case boot_failure:
      return Ending::recovery;
    default:
      return Ending::crashed;
  }
}

std::string sentence(const crash::Finding& finding) {
  return printable(finding.title) +
         (finding.module.empty() ? "" : " [module " + printable(finding.module, 60) + "]");
}

bool same(const crash::Finding& a, const crash::Finding& b) {
  return a.title == b.title && a.module == b.module && a.confirmed == b.confirmed;
}

}  // namespace

void Life::crash(const std::string& title, const std::string& reason, const char* channel, crash::Kind kind) {
  crash::Finding finding;
  finding.title = title;
  finding.kind = kind;
  note(finding, channel);
  fail(Ending::crashed, reason);
}

// True when it is kept from now on.
bool Life::note(const crash::Finding& finding, const std::string& channel) {
  for (const auto& seen : s_.findings)
    if (seen.boot == s_.boot && same(seen.finding, finding) &&
        seen.finding.suppressed.empty() == finding.suppressed.empty())
      return false;
  if (s_.findings.size() >= (counts(finding) ? 2 : 1) * most_findings) return false;
  s_.findings.push_back({finding, channel, s_.boot});
  return true;
}

bool Life::counts(const crash::Finding& finding) const {
  return finding.suppressed.empty() &&
         (finding.severity == crash::Severity::fatal || s_.cell.policy.warnings_fail);
}

void Life::remember(const crash::Finding& finding, const std::string& channel) {
  if (!counts(finding)) {
    note(finding, channel);
  } else if (finding.confirmed) {
    note(finding, channel);
    fail(ending_for(finding.kind), sentence(finding));
  } else {
    suspect(finding, channel);
  }
}

void Life::suspect(const crash::Finding& finding, const std::string& channel) {
  for (std::size_t i = 0; i < s_.findings.size(); ++i) {
    auto& seen = s_.findings[i];
    if (seen.boot != s_.boot || !same(seen.finding, finding)) continue;
    if (seen.finding.suppressed.empty()) return;  // waits already
    if (seen.finding.suppressed != cleared_line) continue;
    seen.finding.suppressed.clear();  // cleared once; said again, it is asked about again
    s_.suspects.push_back(i);
    return;
  }
  if (note(finding, channel))
    s_.suspects.push_back(s_.findings.size() - 1);
  else
    fail(Ending::crashed, "too many findings to look into");
}

void Life::look_into_suspects() {
  if (s_.suspects.empty() || s_.suspect_asked || s_.phase != Phase::running || s_.boot_id.empty()) return;
  ++s_.suspect_questions;
  actions_.push_back(Ask{{suspect_question(), guest::linux_::evidence().command}});
  s_.suspect_asked = true;
  s_.suspects_in_question = s_.suspects.size();
  s_.suspect_until = s_.fair() + p_.suspect;
}

void Life::hear_suspect(const event::Answer& answer) {
  if (!s_.suspect_asked || s_.phase != Phase::running) return;
  s_.suspect_asked = false;
  const auto facts = guest::read_facts(answer.output);
  const auto boot_id = facts.find("boot_id");
  const bool cleared = answer.answered && answer.exit_code == 0 && facts.count("taint") != 0 &&
                       boot_id != facts.end() && boot_id->second == s_.boot_id && sick(facts).empty();
  if (!cleared) return convict_suspects();
  for (; s_.suspects_in_question > 0; --s_.suspects_in_question) {
    s_.findings[s_.suspects.front()].finding.suppressed = cleared_line;
    s_.suspects.pop_front();
  }
  if (s_.suspects.empty() && waits_for(Wait::cleared)) advance();
}

void Life::convict_suspects() {
  s_.suspect_asked = false;
  if (s_.suspects.empty()) return;
  const crash::Finding finding = s_.findings[s_.suspects.front()].finding;
  s_.suspects.clear();
  fail(ending_for(finding.kind), sentence(finding));
}

}  // namespace labctl::cell
