// Which bundles may go. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/units.h"

namespace labctl::history {

struct StoredBundle {
  std::int64_t run = 0;  // key
  std::string id, path, verdict;
  std::int64_t ended = 0;  // seconds since 1970
  bool is_signed = false;  // by the history, or by an attestation that lies in it now
};

struct PruneOrder {
  std::int64_t now = 0;
  Millis older_than{0};
  bool except_failed = false;  // keeps all that did not pass
  bool except_signed = false;
  // How long an attestation is believed; a signed bundle is kept so long whatever else is said. None: for
  // ever.
  std::optional<Millis> valid;
};

// Why the bundle stays, or nothing: it may go.
std::string why_kept(const StoredBundle& bundle, const PruneOrder& order);

}  // namespace labctl::history
