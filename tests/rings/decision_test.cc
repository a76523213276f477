// Open, wait or halt: each rule of the decision, one thing changed at a time.

#include <functional>

#include "tests/catch.h"
#include "tests/rings/told.h"

using namespace labctl;
using rings::Answer;
using test::day;
using test::field;
using test::hour;
using test::opened;

namespace {

struct Field {
  rings::Plan plan = test::plan();
  std::size_t to = 1;
  rings::Verdict verdict = test::passed();
  std::vector<rings::Report> reports = field("internal", 25, day);
  rings::Time time{opened + day + hour, {{"internal", opened}}};

  rings::Report& last() { return reports.back(); }
  void crash(int machine, std::int64_t at, const std::string& title = "BUG: sensor") {
    auto report = test::report("internal", machine, at - hour, at);
    report.crashes = {{title, "sensor", opened + at}};
    reports.push_back(report);
  }
  // Ring early, open for some days, whose sequential test has seen so many machine-days.
  void early(int machines, std::int64_t days) {
    to = 2;
    time = {opened + days * day, {{"internal", opened}, {"early", opened}}};
    reports = field("early", machines, days * day);
  }
};

rings::Decision decide(const Field& f) { return rings::on(f.plan, f.to, f.verdict, f.reports, f.time); }

std::string told(const rings::Decision& decision) {
  std::string text = to_string(decision.answer);
  for (const auto& reason : decision.reasons) text += "\n" + reason;
  for (const auto& ring : decision.rings)
    for (const auto& words : ring.words) text += "\n" + words;
  return text;
}

}  // namespace

TEST_CASE("a ring opens only when the one before has held, and each doubt waits or halts") {
  using Change = std::function<void(Field&)>;
  const struct {
    const char* name;
    Change change;
    Answer answer;
    const char* words;
  } table[] = {
      {"all is well", [](Field&) {}, Answer::open, "25 machines with the candidate, 25 machine-days"},
      {"rule of three", [](Field&) {}, Answer::open, "excludes only a rate above 12 % per machine-day"},
      {"the first ring needs no reports", [](Field& f) { f.to = 0, f.reports = {}, f.time.opened = {}; },
       Answer::open, ""},
      {"the gate objects", [](Field& f) { f.verdict.objection = "the run did not pass"; }, Answer::halt,
       "the gate: the run did not pass"},
      {"the gate objects, first ring",
       [](Field& f) { f.to = 0, f.time.opened = {}, f.verdict.objection = "too old"; }, Answer::halt,
       "too old"},
      {"about nothing", [](Field& f) { f.verdict.candidate.digests = {}; }, Answer::halt, "no artifact"},
      {"somebody halted it", [](Field& f) { f.verdict.halts = {"halted: looks bad"}; }, Answer::halt,
       "looks bad"},
      {"the ring before was never opened", [](Field& f) { f.time.opened = {}; }, Answer::wait,
       "not opened yet"},
      {"no reports", [](Field& f) { f.reports = {}; }, Answer::wait, "0 of 25 machines"},
      {"too few machines", [](Field& f) { f.reports = field("internal", 24, day); }, Answer::wait,
       "24 of 25 machines"},
      {"too early",
       [](Field& f) { f.time.now = opened + 23 * hour, f.reports = field("internal", 25, 22 * hour); },
       Answer::wait, "23h00m of 24h00m since it opened"},
      {"one machine got it late", [](Field& f) { f.last().from = opened + 2 * hour; }, Answer::wait,
       "24 of 25 machines"},
      {"reports of another ring",
       [](Field& f) {
         for (auto& r : f.reports) r.ring = "early";
       },
       Answer::wait, "0 of 25"},
      {"another driver", [](Field& f) { f.last().driver = test::older; }, Answer::wait, "24 of 25"},
      {"the content before", [](Field& f) { f.last().content = test::older; }, Answer::wait, "24 of 25"},
      {"no content", [](Field& f) { f.last().content.clear(); }, Answer::wait, "24 of 25"},
      {"content alone is the candidate's",
       [](Field& f) {
         f.verdict.candidate = {{test::content}, false, true};
         for (auto& r : f.reports) r.driver = test::older;
       },
       Answer::open, "25 machine-days"},
      {"one machine's days count once",
       [](Field& f) {
         for (int i = 0; i < 9; ++i) f.reports.push_back(f.last());
       },
       Answer::open, "25 machine-days"},
      {"overlaps count once", [](Field& f) { f.reports.push_back(test::report("internal", 24, hour, day)); },
       Answer::open, "25 machine-days"},
      {"days before the opening count nothing", [](Field& f) { f.last().from = opened - 40 * day; },
       Answer::open, "25 machine-days"},
      {"days after now count nothing",
       [](Field& f) {
         f.time.now = opened + day;
         f.reports = field("internal", 300, day + 300);
       },
       Answer::open, ", 300 machine-days"},
      {"a report from the future", [](Field& f) { f.last().to = f.time.now + 301; }, Answer::wait, "future"},
      {"the clock was set back", [](Field& f) { f.time.now = opened - 301; }, Answer::wait, "set back"},
      {"more machines than the ring has",
       [](Field& f) {
         f.plan.rings[0].at_most = 25, f.reports.push_back(test::report("internal", 99, 0, day));
       },
       Answer::wait, "are they all of this ring?"},
      // ---- crashes ----
      {"a crash", [](Field& f) { f.crash(3, 5 * hour); }, Answer::halt, "'BUG: sensor' on machine m3"},
      {"a crash halts at once",
       [](Field& f) {
         f.time.now = opened + 6 * hour, f.reports = field("internal", 2, 5 * hour), f.crash(1, 5 * hour);
       },
       Answer::halt, "1 crash, and the plan halts at 1"},
      {"a crash of half the update", [](Field& f) { f.crash(77, 5 * hour), f.last().content = test::older; },
       Answer::halt, "BUG"},
      {"a crash after going back to the version before",
       [](Field& f) { f.crash(3, 5 * hour), f.last().driver = f.last().content = test::older; }, Answer::halt,
       "BUG"},
      {"a crash of a machine that never had it",
       [](Field& f) { f.crash(77, 5 * hour), f.last().driver = f.last().content = test::older; },
       Answer::open, "1 crash on machines that never reported the candidate"},
      {"a crash before the ring opened",
       [](Field& f) {
         f.last().from = opened - hour, f.last().crashes = {{"old", "", opened - 60}};
       },
       Answer::open, "no crash"},
      {"a crash with a time that cannot be",
       [](Field& f) {
         f.last().crashes = {{"BUG: x", "", opened - 300 * day}};
       },
       Answer::halt, "BUG: x"},
      {"a crash without a time",
       [](Field& f) {
         f.last().crashes = {{"BUG: x", "", 0}};
       },
       Answer::halt, "BUG: x"},
      {"a crash from the future counts", [](Field& f) { f.crash(3, 40 * day); }, Answer::halt, "BUG"},
      {"a crash that is told twice is one",
       [](Field& f) { f.plan.rings[0].halt_crashes = 2, f.crash(3, 5 * hour), f.crash(3, 5 * hour); },
       Answer::open, "1 crash"},
      {"two crashes are two",
       [](Field& f) { f.plan.rings[0].halt_crashes = 2, f.crash(3, 5 * hour), f.crash(3, 7 * hour); },
       Answer::halt, "2 crashes"},
      // ---- silence ----
      {"a closed laptop waits",
       [](Field& f) {
         f.reports.push_back(test::report("internal", 99, -2 * hour, -hour));
         f.time.now += hour;
       },
       Answer::wait, "1 of 26 machines silent for 24h00m"},
      {"a closed laptop that the plan allows",
       [](Field& f) {
         f.plan.rings[0].wait_silent = 0.05;
         f.reports.push_back(test::report("internal", 99, -2 * hour, -hour));
         f.time.now += hour;
       },
       Answer::open, ""},
      {"a closed laptop that the plan allows has not soaked",
       [](Field& f) {
         f.plan.rings[0].wait_silent = 0.05;
         f.last().to = opened + hour;
         f.time.now = opened + day + 2 * hour;
       },
       Answer::wait, "24 of 25 machines have had it"},
      {"as many as the plan says are not more",
       [](Field& f) {
         f.plan.rings[0].halt_silent = 1.0 / 26,
         f.reports.push_back(test::report("internal", 99, -2 * hour, -hour));
         f.time.now += hour;
       },
       Answer::wait, "silent"},
      {"more than the plan says",
       [](Field& f) {
         for (int i = 100; i < 103; ++i) f.reports.push_back(test::report("internal", i, -2 * hour, -hour));
         f.time.now += hour;
       },
       Answer::halt, "3 of 28 machines silent for 24h00m, 11 %, and the plan halts above 10 %"},
      {"one that was gone before is not silenced",
       [](Field& f) { f.reports.push_back(test::report("internal", 99, -40 * day, -39 * day)); },
       Answer::open, "25 machines"},
      {"a ring that fell silent together",
       [](Field& f) { f.plan.rings[0].halt_silent = {}, f.time.now = opened + 3 * day; }, Answer::halt,
       "25 of 25 machines silent"},
      {"a ring that is as silent as it was before only waits",
       [](Field& f) {
         f.plan.rings[0].halt_silent = {};
         for (int i = 100; i < 112; ++i)
           f.reports.push_back(test::report("internal", i, -30 * hour, -25 * hour));
         for (int i = 200; i < 212; ++i) f.reports.push_back(test::report("internal", i, -2 * hour, -hour));
         f.time.now += hour;
       },
       Answer::wait, "12 of 37 machines silent"},
      {"a ring that is more silent than it was before",
       [](Field& f) {
         f.plan.rings[0].halt_silent = {};
         for (int i = 200; i < 212; ++i) f.reports.push_back(test::report("internal", i, -2 * hour, -hour));
         f.time.now += hour;
       },
       Answer::halt, "before the update it was 0 of 37"},
      // ---- the sequential test ----
      {"3,325 clean machine-days", [](Field& f) { f.early(133, 25); }, Answer::wait,
       "3,325 of 3,329 machine-days"},
      {"3,329 clean machine-days", [](Field& f) { f.early(3329, 2), f.time.now = opened + 2 * day; },
       Answer::open, "6,658 machine-days"},
      {"exactly as many",
       [](Field& f) {
         f.early(3329, 2);
         for (auto& r : f.reports)
           if (r.to > opened) r.to = opened + day;
         f.plan.rings[1].soak = Millis(1);
       },
       Answer::open, "3,329 machine-days"},
      {"one crash wants 5,887",
       [](Field& f) {
         f.early(2900, 2), f.last().crashes = {{"BUG: y", "", 0}};
       },
       Answer::wait, "5,800 of 5,887 machine-days that 1 crash"},
      {"one crash has them",
       [](Field& f) {
         f.early(2944, 2), f.last().crashes = {{"BUG: y", "", 0}};
       },
       Answer::open, "1 crash"},
      {"a second crash early",
       [](Field& f) {
         f.early(890, 2);
         for (int i : {3, 5}) f.reports[static_cast<std::size_t>(i)].crashes = {{"BUG: z", "", 0}};
       },
       Answer::halt, "2 crashes in 1,780 machine-days, and that many before 1,788"},
      {"a second crash later",
       [](Field& f) {
         f.early(1000, 2);
         for (int i : {3, 5}) f.reports[static_cast<std::size_t>(i)].crashes = {{"BUG: z", "", 0}};
       },
       Answer::wait, "2,000 of 8,446"},
      {"quiet days do not undo a halt",
       [](Field& f) {
         f.early(6000, 2);
         for (int i : {3, 5})
           f.reports[static_cast<std::size_t>(i)].crashes = {{"BUG: z", "", opened + hour}};
       },
       Answer::halt, "2 crashes in 250 machine-days"},
      // ---- rings that are open already ----
      {"a renewal whose own ring is quiet", [](Field& f) { f.time.opened["early"] = opened + day; },
       Answer::open, ""},
      {"a renewal whose own ring crashes",
       [](Field& f) {
         f.time.opened["early"] = opened;
         for (int i : {1, 2})
           f.reports.push_back(test::report("early", i, 0, day)), f.last().crashes = {{"BUG: e", "", 0}};
       },
       Answer::halt, "ring early: too many crashes"},
      {"a crash in a ring long before",
       [](Field& f) {
         f.early(6000, 2);
         auto r = test::report("internal", 1, 0, hour);
         r.crashes = {{"BUG: i", "", 0}};
         f.reports.push_back(r);
       },
       Answer::halt, "ring internal: 1 crash"},
  };
  for (const auto& [name, change, answer, words] : table) {
    INFO(name);
    Field field;
    change(field);
    const auto decision = decide(field);
    INFO(told(decision));
    CHECK(decision.answer == answer);
    CHECK_THAT(told(decision), ContainsSubstring(words));
    CHECK(decision.reasons.empty() == (answer == Answer::open));
  }
}

TEST_CASE("what halts is told before what waits") {
  Field f;
  f.reports = field("internal", 3, hour);
  f.crash(1, hour);
  const auto decision = decide(f);
  CHECK(decision.answer == Answer::halt);
  REQUIRE(decision.reasons.size() >= 2);
  CHECK_THAT(decision.reasons.front(), ContainsSubstring("the plan halts at 1"));
}

TEST_CASE("the same reports in another order give the same answer") {
  Field f;
  f.early(500, 2);
  f.reports[3].crashes = {{"BUG: z", "", opened + hour}};
  f.reports[9].crashes = {{"BUG: y", "", opened + 2 * hour}};
  const std::string before = told(decide(f));
  std::reverse(f.reports.begin(), f.reports.end());
  CHECK(told(decide(f)) == before);
}
