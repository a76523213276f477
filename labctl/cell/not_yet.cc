// What a driver that loads late answers. A module that is not there yet, and a proof that does not hold yet,
// are asked again until the limit; a module that is another one, and a proof that prints something else, are
// wrong now and later.

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

namespace {

constexpr Millis pause{2000};

bool is_early(const std::string& state) {
  return state == "absent" || state == "coming" || state == "stopped";  // the last one of Windows' services
}

}  // namespace

bool CellMachine::is_not_yet(const event::Answer& answer, const guest::Facts& facts) const {
  const Operation& op = operation();
  if (!op.may_be_early || s_.guest_time() - s_.operation_began + pause >= longest()) return false;
  if (op.check == Check::service) {
    const auto state = facts.find("ActiveState");
    return answer.exit_code == 0 && state != facts.end() &&
           (state->second == "inactive" || state->second == "activating" || state->second == "reloading");
  }
  if (op.check == Check::filter) return answer.exit_code == 0 && lacks_filter(facts);
  if (op.check == Check::bpf) return answer.exit_code == 0 && lacks_bpf(facts);
  if (op.check == Check::loaded) {
    const auto state = facts.find("state");
    return answer.exit_code == 0 && state != facts.end() && is_early(state->second);
  }
  if (answer.exit_code != op.proof.exit_code) return true;
  return op.proof.prints && !trim(*op.proof.prints).empty() && trim(answer.output).empty();
}

void CellMachine::ask_later() { s_.ask_again = s_.guest_time() + pause; }

// Whether the question under way waits to be put again.
bool CellMachine::asks_later() {
  if (!s_.ask_again) return false;
  if (s_.guest_time() < *s_.ask_again) return true;
  s_.ask_again.reset();
  s_.asked = s_.guest_time();
  actions_.push_back(Ask{operation().question});
  return true;
}

}  // namespace labctl::cell
