// run.json may have been changed by anybody: every value in it is replaced here, one at a time, by everything
// else.

#include "labctl/base/json.h"
#include "labctl/plan/plan.h"
#include "tests/scenario/table.h"
#include "tests/source_tree.h"

using namespace labctl;
using plan::from_json;
using plan::Plan;
using plan::to_json;

static const Date today = *parse_date("2026-06-15");

static Plan planned(const std::string& name) {
  auto plan = plan::expand(table::good(source_tree::tests() / "scenario" / "good" / name), today);
  REQUIRE(plan);
  return std::move(*plan);
}

// Every place in `json`, as a pointer.
static void places(const Json& json, const Json::json_pointer& here, std::vector<Json::json_pointer>& all) {
  all.push_back(here);
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) places(value, here / key, all);
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) places(json[i], here / i, all);
  }
}

TEST_CASE("a plan comes back from its json whole") {
  for (const char* name : {"everything.yaml", "bare-module.yaml", "script.yaml", "content-only.yaml",
                           "steps.yaml", "stories.yaml", "loads.yaml", "products.yaml", "services.yaml",
                           "modules.yaml", "dkms.yaml", "minifilter.yaml", "keys.yaml"}) {
    Plan plan = planned(name);
    plan.left_out = {"a.driver-b"};
    const std::string text = dump_line(to_json(plan));
    const auto parsed = parse_json(text, "run.json");
    REQUIRE(parsed);
    const auto back = from_json(*parsed, "run.json");
    REQUIRE(back);
    CHECK(dump_line(to_json(*back)) == text);
    CHECK(back->cells.size() == plan.cells.size());
    CHECK(back->cells[0].boots_wanted() == plan.cells[0].boots_wanted());
    CHECK(back->cells[0].guest.proof.size() == plan.cells[0].guest.proof.size());
    CHECK(back->cells[0].story.back().mark.line == plan.cells[0].story.back().mark.line);
  }
}

TEST_CASE("a machine's key is taken with the bytes of its digest, and from firmware with Secure Boot alone") {
  Plan plan = planned("keys.yaml");
  for (auto& cell : plan.cells)
    for (auto& key : cell.machine.keys) key.certificate = "in DER: " + key.path;
  const Json json = to_json(plan);
  const auto back = from_json(json, "run.json");
  REQUIRE(back);
  CHECK(back->cells[0].machine == plan.cells[0].machine);
  CHECK(plan::shape_in_words(plan.cells[0].machine) ==
        "shipped: 1 vCPU, 1.0 GiB, uefi-secure, trusts keys/vendor.crt");
  const Json& key = json["cells"][0]["machine"]["keys"][0];
  const auto with = [&](const char* what, const Json& value) {
    Json changed = json;
    changed["cells"][0]["machine"]["keys"][0][what] = value;
    return from_json(changed, "run.json");
  };
  CHECK(with("path", key["path"]));
  CHECK_FALSE(with("certificate", "b3RoZXI="));
  CHECK_FALSE(with("certificate", "!"));
  CHECK_FALSE(with("sha256", std::string(64, '0')));
  Json changed = json;
  changed["cells"][0]["machine"]["firmware"] = "uefi";
  CHECK_FALSE(from_json(changed, "run.json"));
  changed = json;
  for (int i = 0; i < 8; ++i) changed["cells"][0]["machine"]["keys"].push_back(key);
  CHECK_FALSE(from_json(changed, "run.json"));
}

TEST_CASE("another version is refused before anything else") {
  Json json = to_json(planned("bare-module.yaml"));
  json["labctl"] = 2;
  json["cells"] = "moved";
  const auto back = from_json(json, "run.json");
  REQUIRE_FALSE(back);
  CHECK(back.error().where == "run.json");
  CHECK(back.error().what == "this plan was written by another version of labctl");
}

TEST_CASE("every missing or mistyped value is refused and nothing throws") {
  Json whole = to_json(planned("everything.yaml"));
  whole["cells"].erase(whole["cells"].begin() + 1, whole["cells"].end());
  const Json entry = {{"title", "t"}, {"owner", "kim"}, {"reason", "r"}, {"until", "2026-12-31"}};
  whole["cells"][0]["expect"] = Json::array({entry});
  whole["waivers"] = Json::array({entry});
  whole["waivers"][0]["cells"] = {"*"};
  REQUIRE(from_json(whole, "run.json"));
  std::vector<Json::json_pointer> all;
  places(whole, Json::json_pointer(), all);
  REQUIRE(all.size() > 150);
  const std::vector<Json> others = {nullptr,
                                    true,
                                    -1,
                                    1.5,
                                    1e300,
                                    "text",
                                    Json::array(),
                                    Json::object(),
                                    std::numeric_limits<std::uint64_t>::max(),
                                    Json::array({1}),
                                    Json({{"a", 1}})};
  for (const auto& place : all) {
    for (const Json& other : others) {
      const Json& original = whole.at(place);
      Json changed = whole;
      changed.at(place) = other;
      const auto back = from_json(changed, "run.json");
      const bool same_type =
          original.type() == other.type() || (original.is_number_integer() && other.is_number_integer());
      INFO(place.to_string() << " = " << other.dump());
      if (!same_type) CHECK_FALSE(back);
      if (!back) CHECK(back.error().fault == Fault::input);
    }
    if (place.empty() || !whole.at(place.parent_pointer()).is_object()) continue;
    if (place.back() == "prints" || place.back() == "content") continue;  // a guest may be without
    if (place.back() == "new_errors_fail") continue;                      // written only when it is so
    Json changed = whole;
    changed.at(place.parent_pointer()).erase(place.back());
    INFO("without " << place.to_string());
    CHECK_FALSE(from_json(changed, "run.json"));
  }
}

TEST_CASE("how long something may take is in bounds, and said of each exercise or of none") {
  const Json whole = to_json(planned("steps.yaml"));
  const auto guest = Json::json_pointer("/cells/0/guest");
  REQUIRE(whole.at(guest / "driver" / "within_ms") == 1'800'000);
  REQUIRE(whole.at(guest / "exercise_limits").size() == 2);
  for (const auto& place : {guest / "driver" / "within_ms", guest / "exercise_limits" / 1 / "within_ms"})
    for (const Json& other : {Json(-1), Json(86'400'001), Json("5m"), Json(nullptr)}) {
      Json changed = whole;
      changed.at(place) = other;
      INFO(place.to_string() << " = " << other.dump());
      CHECK_FALSE(from_json(changed, "run.json"));
    }
  for (const Json& other : {Json::array(), Json::array({Json::object()}), Json(1)}) {
    Json changed = whole;
    changed.at(guest / "exercise_limits") = other;
    INFO(other.dump());
    CHECK_FALSE(from_json(changed, "run.json"));
  }
}

TEST_CASE("a missing value is named with its place") {
  Json json = to_json(planned("bare-module.yaml"));
  json["cells"][1]["story"][0].erase("kind");
  const auto back = from_json(json, "b/run.json");
  REQUIRE_FALSE(back);
  CHECK(back.error().text() == "b/run.json: plan.cells[1].story[0]: 'kind' is missing");
}

TEST_CASE("an id that is no safe file name is refused") {
  for (const char* id : {"", "..", "../x", "a/b", "-rf", ".hidden", "A", "a b"}) {
    Json json = to_json(planned("bare-module.yaml"));
    json["cells"][0]["id"] = id;
    INFO(id);
    CHECK_FALSE(from_json(json, "run.json"));
  }
  Json json = to_json(planned("bare-module.yaml"));
  json["cells"][0]["id"] = json["cells"][1]["id"];
  CHECK_FALSE(from_json(json, "run.json"));
}

TEST_CASE("a plan that would prove nothing is refused") {
  Json json = to_json(planned("bare-module.yaml"));
  json["cells"] = Json::array();
  CHECK_FALSE(from_json(json, "run.json"));
  json = to_json(planned("bare-module.yaml"));
  json["cells"][0]["story"] = Json::array();
  CHECK_FALSE(from_json(json, "run.json"));
}

TEST_CASE("a name that no scenario may have is refused in a plan that is read back") {
  const std::pair<const char*, const char*> names[] = {
      {"/cells/0/machine/cpu", "x/../../../home/somebody/photos"},
      {"/cells/0/machine/cpu", "-cpu"},
      {"/cells/0/machine/cpu", "host' feature='"},
      {"/cells/0/image", "../../etc"},
      {"/cells/0/image", "-rf"},
      {"/cells/0/guest/driver/module", "a b"},
      {"/cells/0/guest/driver/module", "../x"},
      {"/cells/0/guest/driver/module", "-r"},
      {"/scenario", "../x"},
      {"/cells/0/driver", "a/b"},
      {"/cells/0/driver", "-a"},
      {"/cells/0/driver_path", "a\nb"},
      {"/cells/0/driver_path", "\x1b[2J"},
      {"/cells/0/driver_path", " "},
      {"/cells/0/content", "../x"},
      {"/cells/0/content_path", "a\tb"},
      {"/cells/0/machine/name", "../x"},
      {"/cells/0/machine/name", "a\" b=\"c"},
      {"/cells/0/story/0/label", "a b"},
      {"/cells/0/axes/0/axis", "colour"},
      {"/cells/0/axes/0/value", "../x"},
      {"/cells/0/axes/1/value", "a'b"},
  };
  for (const auto& [place, name] : names) {
    Json json = to_json(planned("bare-module.yaml"));
    json.at(Json::json_pointer(place)) = name;
    INFO(place << " = " << name);
    CHECK_FALSE(from_json(json, "run.json"));
  }
  Json json = to_json(planned("bare-module.yaml"));
  json["cells"][0]["guest"]["driver"]["options"] = {"a;b=1"};
  CHECK_FALSE(from_json(json, "run.json"));
  for (const std::string unit : {"sensord.service", "sensord", "a b.service", "-H.service", ".service"}) {
    json = to_json(planned("bare-module.yaml"));
    json["cells"][0]["guest"]["driver"]["services"] = Json::array({unit});
    INFO(unit);
    CHECK(from_json(json, "run.json").has_value() == (unit == "sensord.service"));
  }
  for (const std::string device : {"edu", "edu,addr=3", "nvm", "-device", ""}) {
    json = to_json(planned("bare-module.yaml"));
    json["cells"][0]["machine"]["devices"] = Json::array({device});
    INFO(device);
    CHECK(from_json(json, "run.json").has_value() == (device == "edu"));
  }
  for (const auto memory : {std::uint64_t{1} << 20, std::uint64_t{1} << 50}) {
    json = to_json(planned("bare-module.yaml"));
    json["cells"][0]["machine"]["memory"] = memory;
    CHECK_FALSE(from_json(json, "run.json"));
  }
  json = to_json(planned("bare-module.yaml"));
  json["signatures"] = {{"file", "a\nb"}, {"text", ""}};
  CHECK_FALSE(from_json(json, "run.json"));
  json = to_json(planned("bare-module.yaml"));
  json["waivers"] = Json::array(
      {{{"title", "t"}, {"owner", "kim"}, {"reason", "r"}, {"until", "2026-12-31"}, {"cells", {"*"}}}});
  REQUIRE(from_json(json, "run.json"));
  json["waivers"][0]["cells"] = {"a/b"};
  CHECK_FALSE(from_json(json, "run.json"));
}

TEST_CASE("a guest's path that no scenario may have is refused in a plan that is read back") {
  const Json content = to_json(planned("everything.yaml"));
  for (const char* path : {"", "relative", "/a/../b", "/a//", "/a\nb"}) {
    Json json = content;
    json["cells"][0]["guest"]["content"]["path"] = path;
    INFO(path);
    CHECK_FALSE(from_json(json, "run.json"));
  }
  const Json windows = to_json(planned("windows.yaml"));
  REQUIRE(from_json(windows, "run.json"));
  for (const auto& [key, value] :
       {std::pair("start", "demand"), std::pair("certificate", "..\\x'; rm '.cer")}) {
    Json json = windows;
    json["cells"][0]["guest"]["driver"][key] = value;
    INFO(key);
    CHECK_FALSE(from_json(json, "run.json"));
  }
}

TEST_CASE("the longest label that a damaged variant gets is read back") {
  Json json = to_json(planned("bare-module.yaml"));
  json["cells"][0]["content"] = std::string(40, 'a') + "-oversized";
  CHECK(from_json(json, "run.json"));
}
