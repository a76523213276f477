// labctl verify PROMOTION --ring RING: may this ring have these very files now? What the rollout tool asks
// before every batch.
#pragma once

#include <string>
#include <vector>

#include "labctl/cli/trusted.h"

namespace labctl::cli {

class Verb;

struct RingOptions {
  std::string ring, rings, halts;

  void add_to(Verb& verb);
  bool given() const { return !ring.empty() || !rings.empty() || !halts.empty(); }
};

// The exit code; says why not in one line.
int verify_promotion(const std::string& promotion, const RingOptions& options, const TrustOptions& trust,
                     const std::vector<std::string>& artifacts);

}  // namespace labctl::cli
