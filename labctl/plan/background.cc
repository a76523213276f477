#include "labctl/plan/background.h"

#include "labctl/base/json.h"

namespace labctl::plan {

void add_background(Json& guest, const std::vector<scenario::Background>& background) {
  for (const auto& one : background) {
    Json entry = {{"run", one.run}};
    if (one.must_last) entry["must_last"] = true;
    guest["background"].push_back(std::move(entry));
  }
}

std::vector<scenario::Background> read_background(JsonObject& guest) {
  std::vector<scenario::Background> all;
  if (!guest.has("background")) return all;
  guest.each("background", [&](JsonObject& entry) {
    all.push_back({entry.text("run"), entry.has("must_last") && entry.flag("must_last")});
  });
  if (all.size() > scenario::most_background) guest.wrong("background: too many commands");
  return all;
}

}  // namespace labctl::plan
