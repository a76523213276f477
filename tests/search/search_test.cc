// The search for a cause, told as stories: an oracle that knows, and how often it had to be asked.

#include "labctl/search/search.h"

#include <algorithm>
#include <random>
#include <set>

#include "tests/catch.h"

using namespace labctl;
using namespace labctl::search;

namespace {

// A content that crashes when all records of one of its causes are kept, in `rate` of the runs.
struct Content {
  std::vector<Records> causes;
  double rate = 1;
  std::mt19937 dice{7};
  int runs = 0;

  bool guilty(const Records& kept) const {
    return std::any_of(causes.begin(), causes.end(), [&](const Records& cause) {
      return std::includes(kept.begin(), kept.end(), cause.begin(), cause.end());
    });
  }
  Result<bool> run(const Records& kept) {
    ++runs;
    return guilty(kept) && std::uniform_real_distribution(0.0, 1.0)(dice) < rate;
  }
  Answer search(std::size_t records, const Criteria& criteria = {}) {
    Records all(records);
    for (std::size_t i = 0; i < records; ++i) all[i] = i;
    const auto guilty_as = how_often([&] { return run(all); }, criteria);
    REQUIRE(guilty_as);
    auto answer = find_causes(
        records, *guilty_as, [&](const Records& kept) { return run(kept); }, criteria);
    REQUIRE(answer);
    return *answer;
  }
};

Result<Square> square(std::set<Versions> crashing) {
  return compare_versions({3, 3}, [&](Versions v) -> Result<bool> { return crashing.count(v) != 0; });
}

}  // namespace

TEST_CASE("one bad record of a thousand is found and proved in twelve probes, wherever it stands") {
  for (std::size_t bad = 0; bad < 1000; ++bad) {
    Content content{.causes = {{bad}}};
    const auto answer = content.search(1000);
    REQUIRE(answer.causes.size() == 1);
    REQUIRE(answer.causes[0].records == Records{bad});
    REQUIRE(answer.causes[0].sure >= 0.95);
    REQUIRE(answer.rest.crashed == 0);
    REQUIRE(answer.probes.size() <= 12);
  }
}

TEST_CASE("records that crash only together are all named, and none besides") {
  Content content{.causes = {{3, 41, 900}}};
  const auto answer = content.search(1000);
  REQUIRE(answer.causes.size() == 1);
  CHECK(answer.causes[0].records == Records{3, 41, 900});
  CHECK(answer.probes.size() < 45);
}

TEST_CASE("a second cause is found once the first is out of its way") {
  Content content{.causes = {{17}, {500, 501}}};
  const auto answer = content.search(1000);
  REQUIRE(answer.causes.size() == 2);
  CHECK(answer.causes[0].records == Records{17});
  CHECK(answer.causes[1].records == Records{500, 501});
  CHECK_FALSE(answer.more);
}

TEST_CASE("of many causes some are named, and that there are more") {
  Content content;
  for (std::size_t i = 0; i < 20; ++i) content.causes.push_back({i * 3});
  const auto answer = content.search(100);
  CHECK(answer.causes.size() == 5);
  CHECK(answer.more);
}

TEST_CASE("a cause that needs very many records ends with what was reached, and says so") {
  Records most;
  for (std::size_t i = 0; i < 700; ++i) most.push_back(i);
  Content content{.causes = {most}};
  const auto answer = content.search(1000, {.most_probes = 50});
  REQUIRE(answer.causes.size() == 1);
  CHECK_FALSE(answer.causes[0].whole);
  CHECK(content.guilty(answer.causes[0].records));
  CHECK(answer.probes.size() <= 52);
}

TEST_CASE("a content of one record is its own cause, and nothing is left to compare it with") {
  Content content{.causes = {{0}}};
  const auto answer = content.search(1);
  REQUIRE(answer.causes.size() == 1);
  CHECK(answer.causes[0].records == Records{0});
  CHECK(answer.rest.runs == 0);
  CHECK(answer.causes[0].sure < 0.95);
}

TEST_CASE("where none of the records is a content too, it is what the last cause is compared with") {
  const Criteria criteria{.none_runs = true};
  Content one{.causes = {{0}}};
  const auto answer = one.search(1, criteria);
  REQUIRE(answer.causes.size() == 1);
  CHECK(answer.rest.runs > 0);
  CHECK(answer.causes[0].sure >= 0.95);
  CHECK_FALSE(answer.more);

  Content always{.causes = {{}}};  // it crashes without any of them
  const auto other = always.search(3, criteria);
  CHECK(other.more);
  for (const auto& cause : other.causes) CHECK(cause.sure < 0.95);

  Content both{.causes = {{0, 1}}};
  const auto together = both.search(2, criteria);
  REQUIRE(together.causes.size() == 1);
  CHECK(together.causes[0].records == Records{0, 1});
  CHECK(together.causes[0].sure >= 0.95);
}

TEST_CASE("a rare crash is repeated until the answer is as sure as wished") {
  int wrong = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    Content content{.causes = {{seed * 7 % 200}}, .rate = 0.3, .dice = std::mt19937(seed)};
    const auto answer = content.search(200);
    if (answer.causes.size() != 1 || answer.causes[0].records != content.causes[0]) ++wrong;
  }
  CHECK(wrong <= 5);  // of a hundred, at a level of 0.95
}

TEST_CASE("what is rare beyond all patience stays unsure and is not called certain") {
  Content content{.causes = {{3}}, .rate = 0.02};
  const auto answer = content.search(8, {.most_runs = 10});
  for (const auto& cause : answer.causes) CHECK(cause.sure < 0.95);
}

TEST_CASE("the lab's failure ends the search and is told") {
  const Run broken = [](const Records&) -> Result<bool> { return lab_error("no disk"); };
  const auto answer = find_causes(8, {3, 3}, broken);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().what == "no disk");
}

TEST_CASE("driver and content are told apart by their earlier versions") {
  const Versions old_driver{true, false}, old_content{false, true}, both{true, true};
  CHECK(square({old_driver})->blame == Blame::content);
  CHECK(square({old_content})->blame == Blame::driver);
  CHECK(square({})->blame == Blame::both_together);
  CHECK(square({old_driver, old_content})->blame == Blame::each_alone);
  CHECK(square({old_driver, old_content, both})->blame == Blame::neither);
  CHECK(square({old_driver})->sure >= 0.95);
  const auto together = square({});  // both of the earlier ones must have been seen to survive
  CHECK(together->sure >= 0.95);
  CHECK(together->corners.at(old_driver).runs > 3);
  CHECK(together->corners.at(old_content).runs > 3);
  CHECK(square({old_driver, old_content, both})->sure == 0);
}

TEST_CASE("sureness wants crashes on one side and survival on the other, several times") {
  CHECK(confidence({1, 1}, {0, 1}) < 0.8);
  CHECK(confidence({3, 3}, {0, 3}) < 0.95);
  CHECK(confidence({4, 4}, {0, 4}) > 0.95);
  CHECK(confidence({5, 20}, {5, 20}) == 0);
  CHECK(confidence({0, 4}, {4, 4}) == 0);
  CHECK(confidence({4, 4}, {}) == 0);
  CHECK(survivals_needed({3, 3}, 0.95, 12) == 1);
  CHECK(survivals_needed({3, 6}, 0.95, 12) > 10);
}
