#include "labctl/history/prune.h"

namespace labctl::history {

std::string why_kept(const StoredBundle& bundle, const PruneOrder& order) {
  const Millis age = std::chrono::seconds(order.now - bundle.ended);
  if (age < order.older_than) return "it is not old enough";
  if (bundle.is_signed && (!order.valid || age < *order.valid))
    return "an attestation that is valid stands on it";
  if (bundle.is_signed && order.except_signed) return "it is signed";
  if (order.except_failed && bundle.verdict != "passed") return "it did not pass";
  return {};
}

}  // namespace labctl::history
