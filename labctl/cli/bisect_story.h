// What a bisect found out, as a short story with its evidence, and for programs.
#pragma once

#include <string>

#include "labctl/base/json_fwd.h"
#include "labctl/gate/bisect.h"

namespace labctl::cli {

std::string bisect_story(const gate::BisectFindings& findings);
Json bisect_json(const gate::BisectFindings& findings);

}  // namespace labctl::cli
