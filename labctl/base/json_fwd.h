// Json, for headers that only name it: the whole library costs a second of every file that sees it.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace labctl {

using Json = nlohmann::ordered_json;

}  // namespace labctl
