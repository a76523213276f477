// What many shards left, merged: every refusal a row.
#include "labctl/verdict/merge.h"

#include "labctl/base/json.h"
#include "tests/catch.h"
#include "tests/outcome/split.h"

using namespace labctl;
using verdict::Progress;
using verdict::ShardAttempt;

namespace {

const outcome::Split& the_split() {
  static const outcome::Split split = test::make_split();
  return split;
}

// A whole attempt, as it should be.
ShardAttempt make_attempt(int index, int number = 1) {
  ShardAttempt attempt{.folder = std::to_string(index) + ".attempt-" + std::to_string(number),
                       .index = index,
                       .attempt = number,
                       .progress = Progress::whole,
                       .record = test::make_shard(the_split(), index, number),
                       .run_sha256 = sha256(std::to_string(index) + "." + std::to_string(number))};
  for (const auto& cell : attempt.record.plan.cells) attempt.journals.insert(cell.id);
  attempt.canaries = {attempt.record.plan.cells.at(0).image};
  return attempt;
}

std::vector<std::string> faults(const std::vector<ShardAttempt>& attempts) {
  return *verdict::merge(the_split(), attempts).record.faults;
}

using Change = std::function<void(ShardAttempt&)>;

ShardAttempt changed(const Change& change, int index = 1, int number = 1) {
  auto attempt = make_attempt(index, number);
  change(attempt);
  return attempt;
}

}  // namespace

TEST_CASE("whole shards make a whole run, in which each image knows its host") {
  const auto merged = verdict::merge(the_split(), {make_attempt(1), make_attempt(0)});
  const auto& run = merged.record;
  CHECK(run.faults->empty());
  CHECK(run.split == the_split().digest);
  CHECK(plan::to_json(run.plan) == plan::to_json(the_split().plan));
  CHECK(run.artifacts.size() == 2);
  CHECK(run.began == "2026-11-22T00:00:00Z");
  CHECK(run.ended == "2026-11-22T02:00:00Z");
  REQUIRE(merged.sources.size() == 2);
  CHECK(merged.sources[0].folder == "0.attempt-1");
  CHECK(merged.sources[0].used);
  CHECK(run.part("box", "").host.fingerprint == "host-0");
  CHECK(run.part("crate", "").host.fingerprint == "host-1");
  CHECK(run.part("crate", "").began == "2026-11-22T01:00:00Z");
  CHECK(run.part("barrel", "").began.empty());  // no proof stands on it
  CHECK(outcome::read_run_record(outcome::write_run_record(run), "run.json").has_value());
}

TEST_CASE("what is absent, doubled, foreign, older, cut or of something else is refused with its reason") {
  const std::string other = sha256("other");
  const std::pair<Change, const char*> rows[] = {
      {[](auto& a) { a.progress = Progress::at_work; }, "is still at work (1.attempt-1)"},
      {[](auto& a) { a.begun = false, a.progress = Progress::at_work; }, "is still at work (1.attempt-1)"},
      {[](auto& a) { a.progress = Progress::silent; }, "was cut off (1.attempt-1)"},
      {[](auto& a) { a.progress = Progress::interrupted; }, "was interrupted (1.attempt-1)"},
      {[](auto& a) { a.unreadable = "no JSON"; }, "its record cannot be read: no JSON"},
      {[](auto& a) { a.record.shard.reset(); }, "it is the record of a run that is not a shard"},
      {[&](auto& a) { a.record.shard->split = other; }, "it is a shard of another split"},
      {[](auto& a) { a.record.shard->index = 0; }, "its record is that of shard 0, attempt 1"},
      {[](auto& a) { a.record.shard->attempt = 2; }, "its record is that of shard 1, attempt 2"},
      {[](auto& a) { a.record.began = "2026-11-15T00:00:00Z"; }, "before the split was made"},
      {[&](auto& a) { a.record.tool_sha256 = other; }, "the program is another one"},
      {[&](auto& a) { a.record.images[0].sha256 = other; }, "the disk of image crate is another one"},
      {[&](auto& a) { a.record.artifacts[0].sha256 = other; }, "the artifact driver.ko is another one"},
      {[](auto& a) { a.record.plan.cells[0].settle = Millis(1); }, "its plan is not that of the split"},
      {[](auto& a) { a.journals.insert("box.control"); }, "it has a record of the cell box.control"},
      {[](auto& a) { a.canaries.clear(); }, "it has no canary of crate"},
      {[](auto& a) { a.journals.erase("crate.control"); }, "it has no record of the control crate.control"},
      {[](auto& a) { a.record.faults->push_back("the artifact driver.ko was modified"); },
       "shard 1 of 0-1: the artifact driver.ko was modified"},
  };
  for (const auto& [change, reason] : rows) {
    INFO(reason);
    const auto reasons = faults({make_attempt(0), changed(change)});
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0].find("shard 1 of 0-1") == 0);
    CHECK(reasons[0].find(reason) != std::string::npos);
  }
  CHECK(faults({make_attempt(0)}).at(0).find("shard 1 of 0-1 never began") == 0);
  CHECK(faults({}).size() == 2);
  const auto twice = faults({make_attempt(0), make_attempt(1), make_attempt(1)});
  REQUIRE(twice.size() == 2);
  CHECK(twice[0].find("there are two records of this attempt") != std::string::npos);
  const auto beyond = faults({make_attempt(0), make_attempt(1), changed([](auto& a) { a.index = 2; })});
  CHECK(beyond == std::vector<std::string>{"1.attempt-1 is refused: the split has no such shard"});
}

TEST_CASE(
    "of several attempts the last whole one is used, the others stand beside it, and the last is whole") {
  const Change whole = [](auto&) {}, cut = [](auto&a) { a.progress = Progress::silent; },
               stopped = [](auto&a) { a.progress = Progress::interrupted; },
               foreign = [](auto&a) { a.record.shard->split = "x"; };
  struct Row {
    std::vector<Change> attempts;
    int used;  // 0: none
    std::size_t faults, sources;
  };
  const Row rows[] = {
      {{whole, whole}, 2, 0, 3}, {{cut, whole}, 2, 0, 3},     {{stopped, whole}, 2, 0, 3},
      {{whole, cut}, 1, 1, 3},   {{cut, cut}, 2, 1, 3},       {{cut, whole, stopped}, 2, 1, 4},
      {{foreign}, 0, 1, 1},      {{foreign, whole}, 2, 1, 2},
  };
  for (const auto& row : rows) {
    std::vector<ShardAttempt> attempts{make_attempt(0)};
    for (std::size_t i = 0; i < row.attempts.size(); ++i)
      attempts.push_back(changed(row.attempts[i], 1, static_cast<int>(i) + 1));
    const auto merged = verdict::merge(the_split(), attempts);
    INFO(&row - rows);
    CHECK(merged.record.faults->size() == row.faults);
    CHECK(merged.sources.size() == row.sources);
    int used = 0;
    for (const auto& source : merged.sources)
      if (source.index == 1 && source.used) used = source.attempt;
    CHECK(used == row.used);
  }
}

TEST_CASE("what must be submitted again") {
  using Attempts = std::vector<ShardAttempt>;
  const auto with = [](Progress progress) { return [progress](ShardAttempt& a) { a.progress = progress; }; };
  const std::pair<Attempts, std::vector<int>> rows[] = {
      {{}, {0, 1}},
      {{make_attempt(1)}, {0}},
      {{make_attempt(0), make_attempt(1)}, {}},
      {{make_attempt(0), changed(with(Progress::at_work))}, {}},
      {{make_attempt(0), changed(with(Progress::silent))}, {1}},
      {{make_attempt(0), changed(with(Progress::interrupted))}, {1}},
      {{make_attempt(0), changed([](auto& a) { a.lab_failed = true; })}, {1}},
      {{make_attempt(0), changed([](auto& a) { a.record.shard->split = "x"; })}, {1}},
      {{make_attempt(0), changed([](auto& a) { a.canaries.clear(); })}, {1}},
      {{make_attempt(0), changed(with(Progress::silent)), make_attempt(1, 2)}, {}},
      {{make_attempt(0), make_attempt(1), changed(with(Progress::silent), 1, 2)}, {1}},
  };
  for (const auto& [attempts, wanted] : rows) {
    INFO(&attempts - &rows[0].first);
    CHECK(verdict::missing(the_split(), attempts) == wanted);
  }
}

TEST_CASE("a shard says 0 for whole and well, and is never a verdict") {
  using verdict::Decision;
  using verdict::Verdict;
  const std::pair<Verdict, int> rows[] = {
      {{.decision = Decision::no_verdict, .reasons = {"it is a shard"}}, 0},
      {{.decision = Decision::no_verdict, .reasons = {"a cell", "it is a shard"}, .reasons_of_cells = 1}, 3},
      {{.decision = Decision::blocked, .reasons = {"a cell"}, .reasons_of_cells = 1}, 1},
      {{.decision = Decision::blocked, .reasons = {"a cell"}, .reasons_of_cells = 1, .interrupted = true},
       130},
      {{.reasons = {"a cell"}, .reasons_of_cells = 1, .nothing_ran = true}, 4},
  };
  for (const auto& [verdict, code] : rows) CHECK(verdict::shard_exit_code(verdict) == code);
}
