// Content damaged on purpose: what becomes of its bytes. The same bytes in give the same bytes out, on any
// host, so that a cell can be run again.
#pragma once

#include <string>

#include "labctl/scenario/scenario.h"

namespace labctl::plan {

std::string damaged(std::string bytes, scenario::Damage damage);

}  // namespace labctl::plan
