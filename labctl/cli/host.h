// What the verbs share that run guests on this host.
#pragma once

#include <string>

#include "labctl/base/result.h"
#include "labctl/cli/store.h"
#include "labctl/lab/kept.h"
#include "labctl/lab/places.h"
#include "labctl/machine/machine.h"

namespace labctl::cli {

class Verb;

// --connect and --accel.
struct HostChoice {
  std::string connect = "qemu:///embed";
  std::string accel = "auto";

  void add_to(Verb& verb);
  machine::Wish wish() const;
};

int refuse_bad_host(const lab::Places& places);  // what would only fail later is said now
Result<std::string> own_digest();                // of the running program

// Puts what the cell left where 'reproduce' finds it; what goes wrong is only said.
void keep_machine(const lab::Kept& kept, const std::string& key, const lab::CellJob& job,
                  const lab::Checkpoint& checkpoint);

}  // namespace labctl::cli
