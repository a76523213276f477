// The folder of a split merged: stories instead of guests.
#include <stdlib.h>

#include <set>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/control_record.h"
#include "labctl/bundle/shards.h"
#include "tests/bundle/canary_records.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;

namespace {

constexpr const char* panic =
    "[   12.345678] BUG: unable to handle page fault for address: ffffc90000aa1000\n"
    "[   12.345710] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[   12.345720] CPU: 0 PID: 312 Comm: sensorctl Tainted: G           OE      6.1.0-56-amd64 #1  Debian\n"
    "[   12.345730] RIP: 0010:sensor_match+0x41/0x90 [sensor]\n"
    "[   12.345790] Call Trace:\n"
    "[   12.345800]  <TASK>\n"
    "[   12.345810]  sensor_apply+0x22/0x50 [sensor]\n"
    "[   12.345820]  </TASK>\n"
    "[   12.345830] ---[ end trace 0000000000000000 ]---\n";

// One image, so one shard; its attempts are written as stories tell them.
class Gate {
 public:
  Gate() {
    char name[] = "/tmp/labctl-merge-XXXXXX";
    root = ::mkdtemp(name);
    const scenario::Variables settings{{"warnings", "fail"}};
    const auto text = read_file(source_tree::tests() / "bundle/release.yaml").value();
    const auto loaded = scenario::load(text, "release.yaml", settings);
    REQUIRE(loaded.scenario);
    split.plan = plan::expand(*loaded.scenario, plan::Plan{}.date).value();
    split.scenario = {.file = "release.yaml", .text = text, .set = settings};
    split.shards = plan::shards(split.plan, 0).value();
    split.digest = outcome::split_digest(split);
    REQUIRE(write_file(root / bundle::split_name, outcome::write_split(split)));
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { fs::remove_all(root); }

  fs::path folder(int number, bool partial = false) const {
    return root / bundle::split_shards /
           ("0.attempt-" + std::to_string(number) + (partial ? ".partial" : ""));
  }

  // `spoil` is what happens to the candidate.
  using Spoil = std::function<void(story::Scene&)>;
  void write_attempt(int number, const Spoil& spoil = {}, bool partial = false) const {
    const fs::path to = folder(number, partial);
    for (const auto& cell : split.plan.cells) {
      story::Scene scene(cell);
      test::start_from(scene, cell.image);
      if (!cell.control && spoil) spoil(scene);
      scene.play();
      REQUIRE(test::write_journal(to / "cells" / cell.id, scene));
    }
    outcome::RunRecord run{.tool = split.tool,
                           .tool_sha256 = split.tool_sha256,
                           .rules = split.rules,
                           .began = "2026-11-22T01:00:00Z",
                           .scenario = split.scenario,
                           .images = {test::image_record("debian")},
                           .host = {.fingerprint = sha256("host " + std::to_string(number))},
                           .plan = split.plan,
                           .shard = outcome::ShardRecord{split.digest, 0, 1, number, "node"}};
    for (const auto& artifact : split.artifacts)
      run.artifacts.push_back({artifact.path, artifact.sha256, artifact.size});
    if (!partial) {
      run.ended = "2026-11-22T02:00:00Z";
      run.faults.emplace();
    }
    REQUIRE(test::write_canary(to / "canary", run, "debian", *parse_moment(run.began) - 300));
    REQUIRE(write_file(to / "run.json", outcome::write_run_record(run)));
  }

  // Its control was not run in this attempt: an earlier run's was taken.
  void reuse_control(int number) const {
    const std::string host = sha256("host " + std::to_string(number));
    for (const auto& cell : split.plan.cells) {
      if (!cell.control) continue;
      const Json word{
          {"made_unix", *parse_moment("2026-11-21T00:00:00Z")},
          {"run", "20261121T000000Z-sensor"},
          {"key", bundle::control_key(test::image_record("debian"), cell, {}, "", host, split.tool_sha256)}};
      REQUIRE(write_file(folder(number) / "cells" / cell.id / bundle::control_file, dump_pretty(word)));
    }
  }

  fs::path candidate(int number, bool partial = false) const {
    return folder(number, partial) / "cells" / split.plan.cells.at(0).id;
  }

  // Its journal ends in the middle of a line in the middle of its life.
  void cut(const fs::path& cell) const {
    auto text = read_file(cell / "events.jsonl").value();
    text.resize(text.size() / 2);
    REQUIRE(write_file(cell / "events.jsonl", text));
  }

  bundle::MergeResult merge() const {
    auto merged = bundle::merge_shards({.split_file = root / bundle::split_name, .out = root / "out"});
    REQUIRE(merged);
    return std::move(*merged);
  }
  int code() const { return merge().judged.verdict.exit_code(); }

  fs::path root;
  outcome::Split split{.nonce = std::string(32, 'a'),
                       .made = "2026-11-22T00:00:00Z",
                       .tool = "labctl test",
                       .tool_sha256 = sha256("labctl test"),
                       .artifacts = {{"build/driver.deb", story::driver_digest, 6, story::driver_digest},
                                     {"build/content.bin", story::content_digest, 7, story::content_digest}},
                       .images = {{"debian", sha256("debian's disk")}}};
};

void oops(story::Scene& scene) {
  scene.hears("boot 2/3", std::chrono::seconds(1), story::on_console(story::finding("oops in sensor")));
}
void lab_fault(story::Scene& scene) {
  scene.hears("boot 1/3", std::chrono::seconds(1), event::LabFault{"the disk is full"});
}

}  // namespace

TEST_CASE("a whole shard passes when it is merged, and not by itself") {
  const Gate gate;
  gate.write_attempt(1);
  const auto alone = bundle::judge_bundle(gate.folder(1));
  REQUIRE(alone);
  CHECK(alone->verdict.decision == verdict::Decision::no_verdict);
  CHECK(verdict::shard_exit_code(alone->verdict) == 0);
  const auto merged = gate.merge();
  CHECK(merged.judged.verdict.exit_code() == 0);
  CHECK(merged.problems.empty());
  CHECK(fs::exists(merged.bundle / "shards/0.attempt-1/run.json"));
  const auto again = bundle::judge_bundle(merged.bundle);
  REQUIRE(again);
  CHECK(bundle::check_verdict_json(merged.bundle, *again));
  // The shard stays as it is, and its records are not there twice.
  const auto cell = fs::path("cells") / gate.split.plan.cells.at(0).id / "events.jsonl";
  CHECK(fs::hard_link_count(gate.folder(1) / cell) == 2);
  CHECK(fs::equivalent(gate.folder(1) / cell, merged.bundle / cell));
}

TEST_CASE("a guest's failure is not outlasted by another attempt of its shard, and the lab's is") {
  struct Row {
    Gate::Spoil first, second;
    int code;
  };
  const Row rows[] = {{oops, {}, 1}, {{}, oops, 1}, {lab_fault, {}, 0}, {{}, lab_fault, 3}, {{}, {}, 0}};
  for (const auto& row : rows) {
    INFO(&row - rows);
    const Gate gate;
    gate.write_attempt(1, row.first);
    gate.write_attempt(2, row.second);
    const auto merged = gate.merge();
    CHECK(merged.judged.verdict.exit_code() == row.code);
    CHECK(merged.judged.verdict.cells.at(0).attempts.size() == 1);
  }
}

TEST_CASE(
    "a failure is blamed beside a control that was run in an attempt, and beside none that only was reused") {
  struct Row {
    std::set<int> reused;
    int code;
  };
  const Row rows[] = {{{}, 1}, {{2}, 1}, {{1}, 1}, {{1, 2}, 3}};
  for (const auto& row : rows) {
    INFO(&row - rows);
    const Gate gate;
    gate.write_attempt(1, oops);
    gate.write_attempt(2);
    for (const int number : row.reused) gate.reuse_control(number);
    const auto merged = gate.merge();
    CHECK(merged.judged.verdict.exit_code() == row.code);
    CHECK(merged.judged.verdict.cells.at(0).attempts.size() == 1);
    CHECK(merged.judged.verdict.cells.at(1).attempts.size() == (row.reused.count(1) == 0 ? 1 : 0));
  }
}

TEST_CASE("what an attempt had shown before it was cut off counts") {
  const Gate gate;
  gate.write_attempt(1, {}, true);
  gate.cut(gate.candidate(1, true));
  CHECK(gate.code() == 3);
  gate.write_attempt(2);
  CHECK(gate.code() == 0);
  REQUIRE(write_file(gate.candidate(1, true) / "console.log", panic));
  const auto merged = gate.merge();
  CHECK(merged.judged.verdict.exit_code() == 1);
  CHECK_THAT(merged.judged.verdict.cells.at(0).reason, ContainsSubstring("sensor_match"));
}

TEST_CASE("a journal that was changed is no record, in whichever attempt") {
  for (const int number : {1, 2}) {
    const Gate gate;
    gate.write_attempt(1);
    gate.write_attempt(2);
    const fs::path file = gate.candidate(number) / "events.jsonl";
    auto lines = split(read_file(file).value(), '\n');
    lines.erase(lines.begin() + 3);
    REQUIRE(write_file(file, join(lines, "\n")));
    const auto merged = gate.merge();
    CHECK(merged.judged.verdict.exit_code() == 3);
    CHECK(merged.judged.contradictions.size() == 1);
  }
}

TEST_CASE("a link in a shard's records leads nowhere") {
  const Gate gate;
  gate.write_attempt(1);
  fs::create_symlink("/etc/hostname", gate.candidate(1) / "console.log");
  const auto merged =
      bundle::merge_shards({.split_file = gate.root / bundle::split_name, .out = gate.root / "out"});
  REQUIRE(!merged);
  CHECK_THAT(merged.error().what, ContainsSubstring("is neither a file nor a folder"));
}

TEST_CASE("only what is called as an attempt is one") {
  const Gate gate;
  gate.write_attempt(1);
  for (const char* name :
       {"0.attempt-0", "00.attempt-2", "0.attempt-2.old", "x.attempt-2", "0.attempt-", "notes"})
    fs::create_directories(gate.root / bundle::split_shards / name);
  const auto attempts = bundle::read_attempts(gate.root / bundle::split_shards);
  REQUIRE(attempts.size() == 1);
  CHECK(attempts[0].progress == verdict::Progress::whole);
  CHECK(attempts[0].journals.size() == gate.split.plan.cells.size());
  CHECK(attempts[0].canaries.count("debian") == 1);
  // Killed before it wrote anything: as if it had never begun.
  fs::create_directories(gate.folder(2, true));
  CHECK(bundle::read_attempts(gate.root / bundle::split_shards).size() == 1);
  const auto held = Lock::try_take(gate.folder(2, true) / ".lock");
  REQUIRE(held);
  CHECK(gate.code() == 3);
  CHECK(bundle::read_attempts(gate.root / bundle::split_shards, false, 1).empty());
}
