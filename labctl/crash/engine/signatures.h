// Signatures made ready: one with a literal prefix costs a comparison, all others are one automaton. Internal
// to the room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/engine/message.h"

namespace labctl::crash {

class Signatures {
 public:
  explicit Signatures(const std::vector<Signature>& signatures);
  ~Signatures();

  // What all that know the message tell, in their order; the place is the caller's to add.
  std::vector<Finding> match(const Message& message) const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace labctl::crash
