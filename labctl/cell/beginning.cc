// How every story begins, whatever the candidate is, and how something comes into the guest.

#include "labctl/cell/cell.h"

namespace labctl::cell {

bool Operation::same_work(const Operation& other) const {
  return question.command == other.question.command && expected_sha256 == other.expected_sha256 &&
         proof.prints == other.proof.prints && marker == other.marker && listen == other.listen;
}

std::vector<Operation> delivery(const guest::System& os, const event::Opened& opened) {
  std::vector<std::string> files;
  for (const auto& [file, digest] : opened.payload) files.push_back(file);
  return {
      {.wait = Wait::nothing, .step = "deliver", .action = InsertPayload{}},
      {.wait = Wait::answer, .check = Check::delivered, .step = "deliver", .question = os.deliver(files)}};
}

std::vector<Operation> healthy_start(const guest::System& os, const event::Opened& opened) {
  std::vector<Operation> operations{{.wait = Wait::agent, .step = opened.live ? "restore" : "boot"}};
  // A snapshot is of a settled guest; one that has just booted still starts its services.
  if (!opened.live)
    operations.push_back(
        {.wait = Wait::answer, .check = Check::settled, .step = "boot", .question = os.booted()});
  operations.push_back({.wait = Wait::nothing, .step = "baseline", .action = SetClock{}});
  operations.push_back(
      {.wait = Wait::answer, .check = Check::baseline, .step = "baseline", .question = os.evidence()});
  return operations;
}

}  // namespace labctl::cell
