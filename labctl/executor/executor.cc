#include "labctl/executor/executor.h"

namespace labctl::executor {

std::string array_of(const std::vector<int>& shards) {
  std::string text;
  for (const int shard : shards) text += (text.empty() ? "" : ",") + std::to_string(shard);
  return text;
}

}  // namespace labctl::executor
