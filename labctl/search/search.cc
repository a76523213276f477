#include "labctl/search/search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "labctl/base/interval.h"

namespace labctl::search {
namespace {

constexpr int wanted_crashes = 3;
constexpr std::size_t most_causes = 5;

// std::lgamma() writes a global variable.
double log_gamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}
double log_beta(double a, double b) { return log_gamma(a) + log_gamma(b) - log_gamma(a + b); }

// Runs it until it crashes once or has survived often enough.
Result<bool> crashes(Tally& tally, int patience, const std::function<Result<bool>()>& run) {
  while (tally.crashed == 0 && tally.runs < patience) {
    auto crashed = run();
    if (!crashed) return crashed;
    tally.add(*crashed);
  }
  return tally.crashed > 0;
}

Records join(const Records& a, const Records& b) {
  Records all;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

Records without(const Records& all, const Records& some) {
  Records rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
  return rest;
}

class Hunt {
 public:
  Hunt(const Tally& guilty, const Run& run, const Criteria& criteria, std::size_t records)
      : run_(run), criteria_(criteria) {
    const int decisions = 2 * static_cast<int>(std::ceil(std::log2(static_cast<double>(records) + 1))) + 2;
    patience_ = std::min(survivals_needed(guilty, criteria.level, decisions), criteria.most_runs);
  }

  // Something of `suspects` crashes by itself. Records are taken into the cause one by one: each is the last
  // of the shortest beginning of the suspects that crashes together with what was taken before.
  Result<Cause> smallest(Records suspects) {
    Cause cause;
    while (!suspects.empty()) {
      if (!cause.records.empty()) {
        auto enough = ask(cause.records);
        if (!enough) return fail(enough.error());
        if (*enough) break;
      }
      auto length = shortest_beginning(suspects, cause.records);
      if (!length) return fail(length.error());
      if (*length == 0) {
        cause.whole = false;
        cause.records = join(cause.records, suspects);
        return cause;
      }
      cause.records = join(cause.records, {suspects[*length - 1]});
      suspects.resize(*length - 1);
    }
    return drop_needless(std::move(cause));
  }

  Result<bool> ask(const Records& kept) {
    Tally& tally = tally_of(kept);
    return crashes(tally, patience_, [&] { return run_(kept); });
  }

  // Turn about, what should crash and what should not, until that they differ is as sure as wished.
  Status prove(const Records& guilty, const Records& innocent) {
    while (confidence(tally_of(guilty), tally_of(innocent)) < criteria_.level) {
      const bool first = tally_of(guilty).runs <= tally_of(innocent).runs;
      const Records& next = first ? guilty : innocent;
      if (tally_of(next).runs >= criteria_.most_runs) return {};
      auto crashed = run_(next);
      if (!crashed) return fail(crashed.error());
      tally_of(next).add(*crashed);
    }
    return {};
  }

  Tally& tally_of(const Records& kept) {
    const auto [at, fresh] = places_.try_emplace(kept, probes_.size());
    if (fresh) probes_.push_back({kept, {}});
    return probes_[at->second].tally;
  }

  bool exhausted() const { return probes_.size() >= static_cast<std::size_t>(criteria_.most_probes); }
  std::vector<Probe> probes() const { return probes_; }

 private:
  // Of `suspects` with `taken` beside it; 0 when there may be no more probes.
  Result<std::size_t> shortest_beginning(const Records& suspects, const Records& taken) {
    std::size_t survives = 0, crashed = suspects.size();
    while (crashed - survives > 1) {
      if (exhausted()) return std::size_t{0};
      const std::size_t middle = survives + (crashed - survives) / 2;
      auto did =
          ask(join(taken, Records(suspects.begin(), suspects.begin() + static_cast<std::ptrdiff_t>(middle))));
      if (!did) return fail(did.error());
      (*did ? crashed : survives) = middle;
    }
    return crashed;
  }

  // What a rare crash, or one that fewer records than more bring about, made look necessary.
  Result<Cause> drop_needless(Cause cause) {
    const Records all = cause.records;
    for (const auto record : all) {
      if (cause.records.size() == 1 || exhausted()) break;
      const Records fewer = without(cause.records, {record});
      auto still = ask(fewer);
      if (!still) return fail(still.error());
      if (*still) cause.records = fewer;
    }
    return cause;
  }

  const Run& run_;
  Criteria criteria_;
  int patience_ = 1;
  std::map<Records, std::size_t> places_;
  std::vector<Probe> probes_;
};

Blame blame_of(bool old_driver_crashes, bool old_content_crashes) {
  if (old_driver_crashes) return old_content_crashes ? Blame::each_alone : Blame::content;
  return old_content_crashes ? Blame::driver : Blame::both_together;
}

std::vector<Versions> innocents_of(Blame blame) {
  const Versions old_driver{true, false}, old_content{false, true}, both_old{true, true};
  switch (blame) {
    case Blame::content:
      return {old_content};
    case Blame::driver:
      return {old_driver};
    case Blame::both_together:
      return {old_driver, old_content};
    case Blame::each_alone:
      return {both_old};
    case Blame::neither:
      break;
  }
  return {};
}

}  // namespace

double confidence(const Tally& with, const Tally& without) {
  if (with.runs == 0 || without.runs == 0) return 0;
  if (with.crashed * without.runs <= without.crashed * with.runs) return 0;  // they do not differ this way
  const auto evidence = [](const Tally& t) { return log_beta(t.crashed + 1, t.runs - t.crashed + 1); };
  const Tally both{with.crashed + without.crashed, with.runs + without.runs};
  const double odds = std::exp(evidence(with) + evidence(without) - evidence(both));
  return odds / (1 + odds);
}

int survivals_needed(const Tally& guilty, double level, int decisions) {
  if (guilty.crashed == guilty.runs) return 1;
  const double rate = wilson(guilty.crashed, guilty.runs, beyond_in_90_of_100).low;
  if (rate <= 0) return 1 << 20;
  return std::max(1, static_cast<int>(std::ceil(std::log((1 - level) / decisions) / std::log1p(-rate))));
}

Result<Tally> how_often(const std::function<Result<bool>()>& run, const Criteria& criteria) {
  Tally tally;
  while (tally.crashed < wanted_crashes && tally.runs < criteria.most_runs) {
    auto crashed = run();
    if (!crashed) return fail(crashed.error());
    tally.add(*crashed);
  }
  return tally;
}

const char* to_string(Blame blame) {
  switch (blame) {
    case Blame::content:
      return "content";
    case Blame::driver:
      return "driver";
    case Blame::both_together:
      return "both-together";
    case Blame::each_alone:
      return "each-alone";
    case Blame::neither:
      return "neither";
  }
  return "?";
}

Result<Square> compare_versions(const Tally& guilty, const std::function<Result<bool>(Versions)>& run,
                                const Criteria& criteria) {
  Square square;
  square.corners[{}] = guilty;
  const int patience = std::min(survivals_needed(guilty, criteria.level, 3), criteria.most_runs);
  const auto ask = [&](Versions versions) {
    return crashes(square.corners[versions], patience, [&] { return run(versions); });
  };
  const Versions old_driver{true, false}, old_content{false, true}, both_old{true, true};
  auto without_driver = ask(old_driver);
  if (!without_driver) return fail(without_driver.error());
  auto without_content = ask(old_content);
  if (!without_content) return fail(without_content.error());
  square.blame = blame_of(*without_driver, *without_content);
  if (square.blame == Blame::each_alone) {
    auto without_both = ask(both_old);
    if (!without_both) return fail(without_both.error());
    if (*without_both) square.blame = Blame::neither;
  }
  if (square.blame == Blame::neither) return square;
  // What crashes against what survives, and the answer is as sure as the least sure of it.
  square.sure = 1;
  for (const auto& innocent : innocents_of(square.blame)) {
    Tally& survives = square.corners[innocent];
    double sure = 0;
    while ((sure = confidence(guilty, survives)) < criteria.level && survives.runs < criteria.most_runs) {
      auto crashed = run(innocent);
      if (!crashed) return fail(crashed.error());
      survives.add(*crashed);
    }
    square.sure = std::min(square.sure, sure);
  }
  return square;
}

Result<Answer> find_causes(std::size_t records, const Tally& guilty, const Run& run,
                           const Criteria& criteria) {
  Records all(records);
  std::iota(all.begin(), all.end(), std::size_t{0});
  Hunt hunt(guilty, run, criteria, records);
  Answer answer;
  Records rest = all;
  do {
    auto cause = hunt.smallest(rest);
    if (!cause) return fail(cause.error());
    rest = without(rest, cause->records);
    answer.causes.push_back(std::move(*cause));
    answer.more = false;
    if ((rest.empty() && !criteria.none_runs) || hunt.exhausted()) break;
    auto crashed = hunt.ask(rest);
    if (!crashed) return fail(crashed.error());
    answer.more = *crashed;
  } while (answer.more && !rest.empty() && answer.causes.size() < most_causes);

  for (auto& cause : answer.causes) {
    if (!answer.more && (!rest.empty() || criteria.none_runs))
      if (auto proved = hunt.prove(cause.records, rest); !proved) return fail(proved.error());
    cause.alone = hunt.tally_of(cause.records);
  }
  if (!rest.empty() || criteria.none_runs) answer.rest = hunt.tally_of(rest);
  for (auto& cause : answer.causes) cause.sure = confidence(cause.alone, answer.rest);
  answer.probes = hunt.probes();
  return answer;
}

}  // namespace labctl::search
