#include "labctl/outcome/record_json.h"

namespace labctl::outcome {

static Json texts_json(const std::map<std::string, std::string>& texts) {
  Json json = Json::object();
  for (const auto& [name, text] : texts) json[name] = text;
  return json;
}

Json given_json(const GivenText& given) { return {{"file", given.file}, {"text", given.text}}; }

Json scenario_json(const ScenarioRecord& scenario) {
  return {{"file", scenario.file},
          {"path", scenario.path},
          {"text", scenario.text},
          {"set", texts_json(scenario.set)},
          {"only", scenario.only}};
}

GivenText read_given(JsonObject in) {
  in.only({"file", "text"});
  return {in.text("file"), in.text("text")};
}

ScenarioRecord read_scenario(JsonObject in) {
  in.only({"file", "path", "text", "set", "only"});
  ScenarioRecord scenario{.file = in.text("file"), .path = in.text_or("path", {}), .text = in.text("text")};
  if (in.has("set"))
    in.each_text("set", [&](const std::string& name, std::string text) { scenario.set[name] = text; });
  scenario.only = in.text_or("only", {});
  return scenario;
}

}  // namespace labctl::outcome
