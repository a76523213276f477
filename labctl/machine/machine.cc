#include "labctl/machine/machine.h"

#include <fmt/core.h>

namespace labctl::machine {
namespace {

Status cannot(const char* what) { return lab_error(fmt::format("this kind of machine cannot {}", what)); }

}  // namespace

Millis cpu_wait(Machine& machine) {
  const Diagnosable* diagnosable = machine.diagnosable();
  return diagnosable != nullptr ? diagnosable->cpu_wait() : Millis(0);
}

std::string definition_of(Machine& machine) {
  const Diagnosable* diagnosable = machine.diagnosable();
  return diagnosable != nullptr ? diagnosable->definition() : std::string();
}

Status inject_nmi(Machine& machine) {
  Diagnosable* diagnosable = machine.diagnosable();
  return diagnosable != nullptr ? diagnosable->inject_nmi() : cannot("receive an NMI");
}

Status screenshot(Machine& machine, const std::filesystem::path& png) {
  Diagnosable* diagnosable = machine.diagnosable();
  return diagnosable != nullptr ? diagnosable->screenshot(png) : cannot("show its screen");
}

Status save(Machine& machine, From as) {
  Checkpointable* checkpointable = machine.checkpointable();
  return checkpointable != nullptr ? checkpointable->save(as) : cannot("be saved while it runs");
}

Status dump(Machine& machine, const std::filesystem::path& file) {
  Debuggable* debuggable = machine.debuggable();
  return debuggable != nullptr ? debuggable->dump(file) : cannot("have its memory dumped");
}

Status wake(Machine& machine) {
  Suspendable* suspendable = machine.suspendable();
  return suspendable != nullptr ? suspendable->wake() : cannot("be woken");
}

}  // namespace labctl::machine
