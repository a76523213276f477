#include "labctl/rings/tally.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace labctl::rings {
namespace {

constexpr double seconds_of_a_day = 86'400;

struct Period {
  std::int64_t from = 0, to = 0;
};

// Overlaps taken together.
std::vector<Period> merged(std::vector<Period> periods) {
  std::sort(periods.begin(), periods.end(),
            [](const Period& a, const Period& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
  std::vector<Period> whole;
  for (const auto& one : periods) {
    if (!whole.empty() && one.from <= whole.back().to)
      whole.back().to = std::max(whole.back().to, one.to);
    else
      whole.push_back(one);
  }
  return whole;
}

struct Machine {
  std::int64_t heard = 0, heard_before = 0;  // last, ever and before the ring opened
  bool touched = false;                      // has reported some of the candidate since then
  std::vector<Period> with_candidate;        // within what the ring was open
};

// How many machine-days of all periods lie before a moment.
class Days {
 public:
  explicit Days(const std::map<std::string, Machine>& machines) {
    for (const auto& [id, machine] : machines)
      for (const auto& period : machine.with_candidate) {
        begins_.push_back(period.from);
        ends_.push_back(period.to);
      }
    std::sort(begins_.begin(), begins_.end());
    std::sort(ends_.begin(), ends_.end());
    running(begins_, sum_of_begins_);
    running(ends_, sum_of_ends_);
  }
  double until(std::int64_t moment) const {
    return (since(begins_, sum_of_begins_, moment) - since(ends_, sum_of_ends_, moment)) / seconds_of_a_day;
  }

 private:
  static void running(const std::vector<std::int64_t>& moments, std::vector<double>& sums) {
    sums.push_back(0);
    for (const auto moment : moments) sums.push_back(sums.back() + static_cast<double>(moment));
  }
  static double since(const std::vector<std::int64_t>& moments, const std::vector<double>& sums,
                      std::int64_t moment) {
    const auto count =
        static_cast<std::size_t>(std::upper_bound(moments.begin(), moments.end(), moment) - moments.begin());
    return static_cast<double>(count) * static_cast<double>(moment) - sums[count];
  }
  std::vector<std::int64_t> begins_, ends_;
  std::vector<double> sum_of_begins_, sum_of_ends_;
};

using Machines = std::map<std::string, Machine>;

Machines machines_of(const Ring& ring, const Candidate& candidate, const std::vector<Report>& reports,
                     std::int64_t opened, std::int64_t now, Tally& tally) {
  Machines machines;
  for (const auto& report : reports) {
    if (report.ring != ring.name) continue;
    Machine& machine = machines[report.machine];
    if (report.to > opened && candidate.is_partly_on(report)) machine.touched = true;
    if (report.to > now + allowed_clock_skew_seconds) {
      ++tally.from_the_future;
      continue;
    }
    machine.heard = std::max(machine.heard, report.to);
    if (report.to <= opened) machine.heard_before = std::max(machine.heard_before, report.to);
    const Period open{std::max(report.from, opened), report.to};
    if (candidate.is_on(report) && open.from < open.to) machine.with_candidate.push_back(open);
  }
  for (auto& [id, machine] : machines) machine.with_candidate = merged(std::move(machine.with_candidate));
  return machines;
}

// A crash counts whatever the clock of its machine says, and whatever was installed when it was reported:
// a tool may have gone back to the version before.
void count_crashes(const Ring& ring, const std::vector<Report>& reports, std::int64_t opened,
                   const Machines& machines, Tally& tally) {
  std::set<std::tuple<std::string, std::string, std::int64_t, std::int64_t, std::size_t>> known;
  for (const auto& report : reports) {
    if (report.ring != ring.name || report.to <= opened) continue;
    for (std::size_t i = 0; i < report.crashes.size(); ++i) {
      const Crash& crash = report.crashes[i];
      // A time outside of its report's period is that of a clock that is wrong.
      const bool dated = report.from <= crash.at && crash.at <= report.to;
      if (dated && crash.at <= opened) continue;
      if (!known
               .emplace(report.machine, crash.title, dated ? crash.at : report.from, dated ? 0 : report.to,
                        dated ? 0 : i)
               .second)
        continue;
      if (machines.at(report.machine).touched)
        tally.crashes.push_back({report.machine, crash.title, crash.module, dated ? crash.at : report.to, 0});
      else
        ++tally.other_crashes;
    }
  }
}

}  // namespace

bool Candidate::is_on(const Report& report) const {
  return (driver || content) && (!driver || digests.count(report.driver) != 0) &&
         (!content || digests.count(report.content) != 0);
}

bool Candidate::is_partly_on(const Report& report) const {
  return digests.count(report.driver) != 0 || digests.count(report.content) != 0;
}

Tally tally(const Ring& ring, const Candidate& candidate, const std::vector<Report>& reports,
            std::int64_t opened, std::int64_t now) {
  Tally tally;
  const Machines machines = machines_of(ring, candidate, reports, opened, now, tally);
  const auto window = std::chrono::duration_cast<std::chrono::seconds>(ring.silent_after).count();
  const auto soak = std::chrono::duration_cast<std::chrono::seconds>(ring.soak).count();
  for (const auto& [id, machine] : machines) {
    const bool silent = machine.heard < now - window;
    if (machine.heard >= opened - window) {
      ++tally.known;
      tally.silent += silent;
    }
    if (machine.heard_before >= opened - 2 * window) {
      ++tally.known_before;
      tally.silent_before += machine.heard_before < opened - window;
    }
    if (machine.with_candidate.empty()) continue;
    ++tally.updated;
    tally.soaked += !silent && machine.with_candidate.front().from <= now - soak;
  }
  count_crashes(ring, reports, opened, machines, tally);
  const Days days(machines);
  tally.machine_days = days.until(now);
  for (auto& crash : tally.crashes) crash.machine_days = days.until(std::min(crash.at, now));
  std::stable_sort(tally.crashes.begin(), tally.crashes.end(),
                   [](const SeenCrash& a, const SeenCrash& b) { return a.at < b.at; });
  return tally;
}

}  // namespace labctl::rings
