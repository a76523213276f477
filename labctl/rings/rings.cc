#include "labctl/rings/rings.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "labctl/base/interval.h"
#include "labctl/base/text.h"
#include "labctl/rings/sequential.h"

namespace labctl::rings {
namespace {

using Test = SequentialTest;

constexpr double in_99_of_100 = 2.575829;

std::string plural(double count, const std::string& noun) {
  return counted(count, noun, noun + (noun.ends_with("sh") ? "es" : "s"));
}

std::string per_cent(double share) {
  return std::to_string(static_cast<int>(std::lround(share * 100))) + " %";
}

std::string said(const SeenCrash& crash) {
  return fmt::format("'{}' on machine {} at {}", printable(crash.title, 120), crash.machine,
                     show_moment(crash.at));
}

// Judges one ring; what is found first of the gravest kind decides, and everything is reported.
class Watch {
 public:
  Watch(Watched& watched, std::int64_t now)
      : w_(watched), ring_(watched.ring), t_(watched.tally), now_(now) {}

  void run() {
    crashes();
    if (ring_.crash_rate) rate(*ring_.crash_rate);
    silence();
    if (w_.must_hold) holds();
    excluded();
  }

 private:
  void halt(const std::string& why) { say(Answer::halt, why); }
  void wait(const std::string& why) { say(Answer::wait, why); }
  void say(Answer answer, const std::string& why) {
    // Reasons of a graver answer stand before those of a lesser one.
    if (answer > w_.answer) w_.answer = answer;
    const auto at = answer == Answer::halt ? w_.reasons.begin() + halts_++ : w_.reasons.end();
    w_.reasons.insert(at, fmt::format("ring {}: {}", ring_.name, why));
  }

  void crashes() {
    if (!ring_.halt_crashes || static_cast<int>(t_.crashes.size()) < *ring_.halt_crashes) return;
    halt(fmt::format("{}, and the plan halts at {}: {}",
                     plural(static_cast<double>(t_.crashes.size()), "crash"), *ring_.halt_crashes,
                     said(t_.crashes.front())));
  }

  // The test stops where it first crosses its upper bound, however many quiet days came afterwards.
  void rate(const CrashRate& wanted) {
    const Test test(wanted);
    for (std::size_t i = 0; i < t_.crashes.size(); ++i) {
      const auto count = static_cast<double>(i + 1);
      if (test.answer(count, t_.crashes[i].machine_days) != Test::Answer::bad) continue;
      halt(
          fmt::format("too many crashes: {} in {} machine-days, and that many before {} speak for a rate of "
                      "{} per machine-day or more; the last was {}",
                      plural(count, "crash"), days_in_words(t_.crashes[i].machine_days),
                      grouped(test.bad_until(count)), rate_in_words(wanted.bad), said(t_.crashes[i])));
      return;
    }
    if (!w_.must_hold) return;
    const auto count = static_cast<double>(t_.crashes.size());
    if (test.answer(count, t_.machine_days) == Test::Answer::fine) return;
    wait(fmt::format(
        "{} of {} machine-days that {} must be spread over to speak for a rate of {} per machine-day",
        days_in_words(t_.machine_days), grouped(std::ceil(test.fine_from(count))),
        count == 0 ? "no crash" : plural(count, "crash"), rate_in_words(wanted.fine)));
  }

  // A closed laptop is no crash; a ring that fell silent together is.
  void silence() {
    if (t_.silent == 0) return;
    const double share = t_.share_silent();
    const std::string seen = fmt::format("{} of {} silent for {}", grouped(t_.silent),
                                         plural(t_.known, "machine"), show_duration(ring_.silent_after));
    const bool declared = ring_.halt_silent && share > *ring_.halt_silent;
    const auto now = wilson(t_.silent, t_.known, in_99_of_100);
    const auto before = wilson(t_.silent_before, t_.known_before, in_99_of_100);
    if (declared) {
      halt(fmt::format("{}, {}, and the plan halts above {}", seen, per_cent(share),
                       per_cent(*ring_.halt_silent)));
    } else if (t_.known_before > 0 && now.low > before.high) {
      halt(fmt::format(
          "{}, {}; before the update it was {} of {}, and chance alone does not explain the difference", seen,
          per_cent(share), grouped(t_.silent_before), grouped(t_.known_before)));
    } else if (w_.must_hold && share > ring_.wait_silent) {
      wait(fmt::format("{}; silence opens nothing", seen));
    }
  }

  void holds() {
    if (now_ + allowed_clock_skew_seconds < w_.opened)
      wait(fmt::format("it opened at {}, which is in the future: a clock was set back",
                       show_moment(w_.opened)));
    const int wanted = ring_.machines.value_or(1);
    const auto soak = std::chrono::seconds(std::max<std::int64_t>(0, now_ - w_.opened));
    if (t_.soaked < wanted || soak < ring_.soak)
      wait(fmt::format("{} of {} have had it for {} ({} have it); {} of {} since it opened",
                       grouped(t_.soaked), plural(wanted, "machine"), show_duration(ring_.soak),
                       grouped(t_.updated), show_duration(std::min<Millis>(soak, ring_.soak)),
                       show_duration(ring_.soak)));
    if (ring_.at_most && t_.known > *ring_.at_most)
      wait(fmt::format("reports of {}, and the plan gives it {} at most: are they all of this ring?",
                       plural(t_.known, "machine"), grouped(*ring_.at_most)));
  }

  void excluded() {
    const int crashes = static_cast<int>(t_.crashes.size());
    w_.words.push_back(fmt::format("{} with the candidate, {} machine-days, {}",
                                   plural(t_.updated, "machine"), days_in_words(t_.machine_days),
                                   crashes == 0 ? std::string("no crash") : plural(crashes, "crash")));
    const double bound = not_excluded(crashes, t_.machine_days);
    w_.words.push_back(bound < 1
                           ? fmt::format("that excludes only a rate above {} per machine-day (95 % sure)",
                                         rate_in_words(bound))
                           : "that is too little to exclude any rate of crashes");
    if (t_.other_crashes > 0)
      w_.words.push_back(fmt::format("{} on machines that never reported the candidate: not counted",
                                     plural(t_.other_crashes, "crash")));
    if (t_.from_the_future > 0)
      w_.words.push_back(fmt::format("{} from the future: of these only crashes count",
                                     plural(t_.from_the_future, "report")));
  }

  Watched& w_;
  const Ring& ring_;
  const Tally& t_;
  const std::int64_t now_;
  std::ptrdiff_t halts_ = 0;
};

}  // namespace

const char* to_string(Answer answer) {
  switch (answer) {
    case Answer::open:
      return "open";
    case Answer::wait:
      return "wait";
    case Answer::halt:
      return "halt";
  }
  return "?";
}

Decision on(const Plan& plan, std::size_t to, const Verdict& verdict, const std::vector<Report>& reports,
            const Time& time) {
  Decision decision;
  decision.answer = Answer::open;
  const auto say = [&](Answer answer, const std::string& why) {
    if (answer > decision.answer) decision.answer = answer;
    decision.reasons.push_back(why);
  };
  for (const auto& halt : verdict.halts) say(Answer::halt, halt);
  if (!verdict.objection.empty()) say(Answer::halt, fmt::format("the gate: {}", verdict.objection));
  if (verdict.candidate.digests.empty()) say(Answer::halt, "the gate: it is about no artifact");
  std::vector<std::string> waits;
  for (std::size_t i = 0; i < plan.rings.size() && i <= to; ++i) {
    const auto opened = time.opened.find(plan.rings[i].name);
    if (opened == time.opened.end()) {
      if (i < to) waits.push_back(fmt::format("ring {}: it was not opened yet", plan.rings[i].name));
      continue;
    }
    Watched watched{.ring = plan.rings[i], .opened = opened->second, .must_hold = i + 1 == to};
    watched.tally = tally(watched.ring, verdict.candidate, reports, watched.opened, time.now);
    Watch(watched, time.now).run();
    auto& reasons = watched.answer == Answer::halt ? decision.reasons : waits;
    reasons.insert(reasons.end(), watched.reasons.begin(), watched.reasons.end());
    decision.answer = std::max(decision.answer, watched.answer);
    decision.rings.push_back(std::move(watched));
  }
  if (!waits.empty()) decision.answer = std::max(decision.answer, Answer::wait);
  decision.reasons.insert(decision.reasons.end(), waits.begin(), waits.end());
  return decision;
}

}  // namespace labctl::rings
