// What a bundle's records stand on: a record of another image, host or time proves nothing for this run.
#include <unistd.h>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/control_record.h"
#include "labctl/bundle/judge.h"
#include "tests/bundle/canary_records.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

constexpr const char* began = "2026-11-22T10:00:00Z";
constexpr const char* ended = "2026-11-22T10:20:00Z";
constexpr long long day = 24 * 3600;

long long at(const char* moment) { return *parse_moment(moment); }

// A bundle whose two cells passed, with what a run under the rules of today writes.
struct Recorded {
  Recorded() {
    root = fs::temp_directory_path() /
           ("labctl-records-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    run.tool = "labctl test";
    run.tool_sha256 = sha256("labctl");
    run.rules = 2;
    run.began = began;
    run.ended = ended;
    run.images = {test::image_record("debian")};
    run.host.fingerprint = sha256("host");
    run.faults.emplace();
    run.plan.scenario = "records";
    for (auto cell : {story::candidate(), story::control()}) {
      cell.image = "debian";
      run.plan.cells.push_back(cell);
      story::Scene scene(cell);
      test::start_from(scene, "debian");
      scene.play();
      REQUIRE(test::write_journal(root / "cells" / cell.id, scene));
    }
    auto& cell = run.plan.cells.front();
    cell.driver_path = "driver.deb";
    cell.content_path = "content.bin";
    run.artifacts = {{"driver.deb", story::driver_digest, 6}, {"content.bin", story::content_digest, 7}};
    canary(at(began) - 300);
  }
  ~Recorded() { fs::remove_all(root); }

  void canary(long long made) const { REQUIRE(test::write_canary(root / "canary", run, "debian", made)); }
  void summary(const std::function<void(Json&)>& change) const {
    const fs::path file = root / "canary/debian.json";
    Json json = *parse_json(*read_file(file), {});
    change(json);
    REQUIRE(write_file(file, dump_pretty(json)));
  }
  verdict::Verdict judge() const {
    REQUIRE(write_file(root / "run.json", outcome::write_run_record(run)));
    auto judged = bundle::judge_bundle(root);
    INFO((judged ? "" : judged.error().text()));
    REQUIRE(judged);
    return judged->verdict;
  }
  // Why there is no verdict.
  std::string reasons() const {
    const auto verdict = judge();
    CHECK(verdict.exit_code() == 3);
    return join(verdict.reasons, "\n");
  }

  fs::path root;
  outcome::RunRecord run;

 private:
  static inline int count = 0;
};

}  // namespace

TEST_CASE("a run whose records are of its own image, host and days passes") {
  const Recorded recorded;
  const auto verdict = recorded.judge();
  INFO(join(verdict.reasons, "\n"));
  CHECK(verdict.decision == verdict::Decision::passed);
  recorded.canary(at(began) - 6 * day);
  CHECK(recorded.judge().decision == verdict::Decision::passed);
  recorded.canary(at(began) + 60);  // made by this very run
  CHECK(recorded.judge().decision == verdict::Decision::passed);
}

TEST_CASE("a canary that is too old or from the future proves nothing") {
  const Recorded recorded;
  recorded.canary(0);
  CHECK_THAT(recorded.reasons(), ContainsSubstring("it is too old: it was made 1970-01-01T00:00:00Z"));
  recorded.canary(at(began) - 7 * day);
  CHECK_THAT(recorded.reasons(), ContainsSubstring("a proof holds for 7 days"));
  recorded.canary(at(ended) + 1);
  CHECK_THAT(recorded.reasons(),
             ContainsSubstring("it is from the future: it was made 2026-11-22T10:20:01Z"));
}

TEST_CASE("a canary of another image, host, snapshot or labctl proves nothing") {
  const struct {
    const char* name;
    std::function<void(outcome::RunRecord&)> change;
    const char* reason;
  } rows[] = {
      {"image",
       [](auto& run) {
         run.images = {test::image_record("other")};
         run.images[0].name = "debian";
       },
       "it was made of another image: sha256 "},
      {"snapshot", [](auto& run) { run.images[0].snapshot_sha256 = sha256("other"); },
       "another host, machine"},
      {"variables", [](auto& run) { run.images[0].nvram_sha256 = sha256("other"); }, "another host, machine"},
      {"shape", [](auto& run) { run.images[0].shape = "2x1024M"; }, "another host, machine"},
      {"host", [](auto& run) { run.host.fingerprint = sha256("other"); }, "another host, machine"},
      {"labctl", [](auto& run) { run.tool_sha256 = sha256("other"); }, "another host, machine"},
  };
  for (const auto& row : rows) {
    DYNAMIC_SECTION(row.name) {
      Recorded recorded;
      row.change(recorded.run);
      CHECK_THAT(recorded.reasons(), ContainsSubstring(row.reason));
      recorded.canary(at(began));  // one that is its own
      CHECK(join(recorded.judge().reasons, "\n").find("are not proved") == std::string::npos);
    }
  }
}

TEST_CASE("a canary that does not say what it stands on proves nothing") {
  for (const char* member : {"image_sha256", "key"}) {
    const Recorded recorded;
    recorded.summary([&](Json& json) { json.erase(member); });
    CHECK_THAT(recorded.reasons(), ContainsSubstring("not named"));
  }
  const Recorded recorded;
  recorded.summary([](Json& json) { json.erase("made_unix"); });
  CHECK_THAT(recorded.reasons(), ContainsSubstring("1970"));
}

TEST_CASE("an image that is not what its build recorded has no verdict") {
  Recorded recorded;
  recorded.run.images[0].sha256 = sha256("foreign");
  recorded.canary(at(began));
  CHECK_THAT(recorded.reasons(), ContainsSubstring("the image debian is not what its build recorded"));
  recorded.run.images[0].sha256 = recorded.run.images[0].facts.sha256 = "";
  recorded.canary(at(began));
  CHECK_THAT(recorded.reasons(), ContainsSubstring("the image debian is not what its build recorded"));
  recorded.run.images[0] = test::image_record("debian");
  recorded.run.images[0].snapshot_sha256 = "";
  recorded.canary(at(began));
  CHECK_THAT(recorded.reasons(), ContainsSubstring("does not name the snapshot"));
  recorded.run.images.clear();
  CHECK_THAT(recorded.reasons(), ContainsSubstring("does not name the image debian"));
}

TEST_CASE("a cell whose guest started from another disk than run.json names is the lab's failure") {
  const auto another = [](const std::function<void(event::Opened&)>& change) {
    const Recorded recorded;
    const auto& cell = recorded.run.plan.cells.front();
    story::Scene scene(cell);
    test::start_from(scene, "debian");
    change(scene.opening);
    scene.play();
    REQUIRE(test::write_journal(recorded.root / "cells" / cell.id, scene));
    return recorded.reasons();
  };
  const auto told = ContainsSubstring("its guest started from another disk than run.json names");
  CHECK_THAT(another([](auto& opened) { opened.image = sha256("other"); }), told);
  CHECK_THAT(another([](auto& opened) { opened.snapshot = sha256("other"); }), told);
  CHECK_THAT(another([](auto& opened) { opened.image.clear(); }), told);
}

TEST_CASE("a run of an older or a newer rule set never passes") {
  Recorded recorded;
  recorded.run.rules = 1;
  CHECK_THAT(recorded.reasons(),
             ContainsSubstring("recorded under rule set 1, and this is 2; not asked then: "));
  recorded.run.rules = 3;
  CHECK_THAT(recorded.reasons(), ContainsSubstring("made under rule set 3, and this labctl knows 2"));
}

TEST_CASE("a control that was kept for something else is not this run's") {
  const auto keep = [](const Recorded& recorded, const std::string& key) {
    const auto& control = recorded.run.plan.cells.back();
    const Json word{{"labctl", 1}, {"made_unix", at(began) - day}, {"run", "run-1"}, {"key", key}};
    REQUIRE(write_file(recorded.root / "cells" / control.id / bundle::control_file, dump_pretty(word)));
  };
  const auto key_of = [](const outcome::RunRecord& run) {
    return bundle::control_key(run.images[0], run.plan.cells.back(), {}, "", run.host.fingerprint,
                               run.tool_sha256);
  };
  Recorded recorded;
  keep(recorded, key_of(recorded.run));
  CHECK(recorded.judge().decision == verdict::Decision::passed);
  auto other = recorded.run;
  other.images[0].sha256 = sha256("another image");
  keep(recorded, key_of(other));
  CHECK_THAT(recorded.reasons(), ContainsSubstring("its control was reused from a run of another image"));
  keep(recorded, "");
  CHECK_THAT(recorded.reasons(), ContainsSubstring("its control was reused from a run of another image"));
  other = recorded.run;
  other.plan.cells.back().settle += Millis(1);  // does other work
  keep(recorded, key_of(other));
  CHECK_THAT(recorded.reasons(), ContainsSubstring("its control was reused from a run of another image"));
}

TEST_CASE("a control that was kept with another update is not this run's") {
  Recorded recorded;
  auto run = recorded.run;
  auto& control = run.plan.cells.back();
  control.story.insert(control.story.begin(), {.kind = scenario::StepKind::update, .text = "out/linux.deb"});
  run.artifacts.push_back({"out/linux.deb", sha256("new"), 3});
  const fs::path folder = recorded.root / "cells" / control.id;
  const auto kept_with = [&](const std::string& bytes) {
    const Json word{{"labctl", 1},
                    {"made_unix", at(began) - day},
                    {"run", "run-1"},
                    {"key", bundle::control_key(run.images[0], control, {{"update.deb", sha256(bytes)}}, "",
                                                run.host.fingerprint, run.tool_sha256)}};
    REQUIRE(write_file(folder / bundle::control_file, dump_pretty(word)));
    return bundle::read_kept(folder, run, control).has_value();
  };
  CHECK(kept_with("new"));
  CHECK_FALSE(kept_with("old"));
}
