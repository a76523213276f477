#include "labctl/outcome/outcome.h"

namespace labctl::outcome {

bool is_guest_failure(Ending ending) { return ending <= Ending::not_loaded; }

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

const char* to_string(Ending ending) {
  switch (ending) {
    case Ending::crashed:
      return "crashed";
    case Ending::recovery:
      return "recovery";
    case Ending::hung:
      return "hung";
    case Ending::altered:
      return "altered";
    case Ending::not_loaded:
      return "not-loaded";
    case Ending::lab_failed:
      return "lab-failed";
    case Ending::interrupted:
      return "interrupted";
    case Ending::not_run:
      return "not-run";
    case Ending::passed:
      return "passed";
  }
  return "?";
}

}  // namespace labctl::outcome
