// Whether the author's proofs can tell a guest with the content from one without it. Each is put once before
// the content is delivered, and what holds then would hold for content that is never read.

#include <fmt/core.h>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

bool holds(const scenario::Proof& proof, const event::Answer& answer) {
  return answer.exit_code == proof.exit_code && (!proof.prints || trim(answer.output) == trim(*proof.prints));
}

}  // namespace

// The scenario's reader refuses such a scenario; a plan may come from anywhere.
void CellMachine::check_proofs() {
  const auto& guest = s_.cell.guest;
  if (s_.opened.earned() && !s_.cell.control && guest.content && guest.proof.empty() &&
      guest.content->unproved.empty())
    lab("the plan has no proof of its content, and does not say why (content: {unproved: REASON})");
}

// The file is there already, right as it should be: a driver that brings it may use it already.
void CellMachine::judge_content_there(const event::Answer& answer) {
  const auto facts = guest::read_facts(answer.output);
  const auto seen = facts.find("content_sha256");
  s_.there_before =
      seen != facts.end() && is_sha256(seen->second) && seen->second == operation().expected_sha256;
  s_.proof_tells_apart = false;
  s_.vacuous.clear();
}

void CellMachine::judge_without(const event::Answer& answer) {
  const Operation& op = operation();
  if (!holds(op.proof, answer)) return fails_without();
  if (op.names_content && !s_.there_before) return fail_vacuous(op.proof.run);
  if (s_.vacuous.empty()) s_.vacuous = op.proof.run;
  conclude_without();
}

// One that has not ended by then does not hold: it waits for the content.
void CellMachine::fails_without() {
  s_.proof_tells_apart = true;
  conclude_without();
}

// A proof that is about the driver alone may hold without the content, but not every proof is such a one.
void CellMachine::conclude_without() {
  if (operation().last_without && !s_.proof_tells_apart && !s_.there_before) fail_vacuous(s_.vacuous);
}

void CellMachine::fail_vacuous(const std::string& proof) {
  const bool file = operation().file_alone;
  fail(Ending::not_loaded,
       fmt::format(
           "the proof '{}' holds {}, so it does not show that the driver uses the content (ask the driver "
           "for what only this content gives: prints: \"${{content.sha256}}\"{})",
           printable(proof, 80),
           file ? "when the content's file is copied and not yet applied" : "before the content is there",
           file ? "; a driver that takes the file by itself needs no 'apply'" : ""));
}

}  // namespace labctl::cell
