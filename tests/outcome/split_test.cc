#include "labctl/outcome/split.h"

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "tests/catch.h"
#include "tests/outcome/split.h"

using namespace labctl;

namespace {

std::string refusal(const std::function<void(Json&)>& change) {
  auto json = parse_json(outcome::write_split(test::make_split()), "split.json").value();
  change(json);
  const auto read = outcome::read_split(dump_line(json), "split.json");
  REQUIRE(!read);
  CHECK(read.error().fault == Fault::input);
  return read.error().what;
}

}  // namespace

TEST_CASE("a split that is read and written again is the same to the byte") {
  const std::string text = outcome::write_split(test::make_split());
  const auto read = outcome::read_split(text, "split.json");
  REQUIRE(read);
  CHECK(outcome::write_split(*read) == text);
  CHECK(read->digest == outcome::split_digest(*read));
  CHECK(read->shards.size() == 2);
  CHECK(outcome::shard_name(*read, 1) == "shard 1 of 0-1");
}

TEST_CASE("a split names the archive that a content was shipped as") {
  auto split = test::make_split();
  split.artifacts[1].archive = sha256("archive");
  split.digest = outcome::split_digest(split);
  const auto read = outcome::read_split(outcome::write_split(split), "split.json");
  REQUIRE(read);
  CHECK(read->artifacts[1].archive == sha256("archive"));
  CHECK(read->artifacts[0].archive.empty());
}

TEST_CASE("two splits of one scenario are different ones") {
  auto one = test::make_split(), other = test::make_split();
  CHECK(outcome::split_digest(one) == outcome::split_digest(other));
  other.nonce = std::string(32, 'b');
  CHECK(outcome::split_digest(one) != outcome::split_digest(other));
}

TEST_CASE("every member of a split has its type or the split is refused") {
  const std::pair<const char*, Json> rows[] = {
      {"/nonce", "short"},
      {"/nonce", 1},
      {"/made", "today"},
      {"/tool", 1},
      {"/tool_sha256", "labctl"},
      {"/rules", 0},
      {"/scenario", "gate.yaml"},
      {"/waivers", nullptr},
      {"/artifacts", Json::object()},
      {"/artifacts/0/sha256", "x"},
      {"/artifacts/0/source_sha256", 7},
      {"/artifacts/0/size", -1},
      {"/images/0/sha256", ""},
      {"/images/0/name", 1},
      {"/plan", 1},
      {"/plan/cells", Json::array()},
      {"/shards", 1},
      {"/shards/0", Json::array()},
      {"/shards/0/cells", {1}},
      {"/split", "none"},
  };
  for (const auto& [member, value] : rows) {
    INFO(member);
    const std::string why = refusal(
        [&, member = member, value = value](Json& json) { json[Json::json_pointer(member)] = value; });
    CHECK(why.find("damaged") != why.npos);
  }
  CHECK(refusal([](Json& json) { json["labctl"] = 2; }) == "is not a split of this version of labctl");
  CHECK(refusal([](Json& json) { json.erase("split"); }) == "is not a split of this version of labctl");
  for (const char* member : {"nonce", "made", "tool", "tool_sha256", "rules", "scenario", "waivers",
                             "artifacts", "images", "plan", "shards"}) {
    INFO(member);
    CHECK(refusal([&](Json& json) { json.erase(member); }).find("damaged") != std::string::npos);
  }
  CHECK(refusal([](Json& json) { json["more"] = 1; }).find("more") != std::string::npos);
}

TEST_CASE("a split that was changed after it was made is refused") {
  const char* changed = "its digest is not that of what it says";
  CHECK(refusal([](Json& json) { json["nonce"] = std::string(32, '0'); }).find(changed) != std::string::npos);
  CHECK(refusal([](Json& json) { json["images"][0]["sha256"] = sha256("x"); }).find(changed) !=
        std::string::npos);
  CHECK(refusal([](Json& json) { json["shards"].erase(1); }).find("is in no shard") != std::string::npos);
  CHECK(refusal([](Json& json) {
          json["shards"].push_back(json["shards"][0]);
        }).find("more than one shard") != std::string::npos);
}

TEST_CASE("a run is a shard of a split when nothing of it differs") {
  const auto split = test::make_split();
  using Change = std::function<void(outcome::RunRecord&)>;
  const std::pair<Change, const char*> rows[] = {
      {[](auto&) {}, ""},
      {[](auto& run) { run.tool_sha256 = sha256("other"); }, "the program is another one"},
      {[](auto& run) { run.rules = 1; }, "the program is another one"},
      {[](auto& run) { run.began = "2026-11-21T23:59:59Z"; }, "before the split was made"},
      {[](auto& run) { run.began = "yesterday"; }, "before the split was made"},
      {[](auto& run) { run.scenario.text += "#"; }, "its scenario or waivers are not those of the split"},
      {[](auto& run) { run.scenario.set["x"] = "y"; }, "its scenario or waivers are not those of the split"},
      {[](auto& run) { run.waivers.text = "labctl: 1\nwaivers: []\n"; },
       "its scenario or waivers are not those of the split"},
      {[](auto& run) { run.plan.cells[0].settle = Millis(1); }, "its plan is not that of the split"},
      {[](auto& run) { run.plan.cells.pop_back(); }, "its plan is not that of the split"},
      {[](auto& run) { run.artifacts[0].sha256 = sha256("other"); }, "the artifact driver.ko is another one"},
      {[](auto& run) { run.artifacts[1].archive = sha256("other"); },
       "the artifact content.bin is another one"},
      {[](auto& run) {
         run.artifacts.push_back({"more.ko", sha256("more"), 4});
       },
       "the artifact more.ko is not part of the split"},
      {[](auto& run) { run.images[0].sha256 = sha256("other"); }, "the disk of image box is another one"},
      {[](auto& run) { run.images.clear(); }, "the image box is not in its record"},
  };
  for (const auto& [change, reason] : rows) {
    auto run = test::make_shard(split, 0);
    change(run);
    const auto reasons = outcome::objections(split, 0, run);
    INFO(reason);
    if (*reason == '\0') {
      CHECK(reasons.empty());
    } else {
      REQUIRE(reasons.size() == 1);
      CHECK(reasons[0].find(reason) != std::string::npos);
    }
  }
  CHECK(outcome::objections(split, 1, test::make_shard(split, 0)).size() == 2);  // the plan and the image
  CHECK(outcome::objections(split, 2, test::make_shard(split, 0)).size() == 1);
}
