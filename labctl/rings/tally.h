// What the reports of one ring say together: machines, machine-days, crashes, silence. Counts; whether that
// is enough is decided elsewhere.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "labctl/rings/plan.h"
#include "labctl/rings/reports.h"

namespace labctl::rings {

// The bytes that a promotion is about, and which of a machine's two digests must be among them.
struct Candidate {
  std::set<std::string> digests;
  bool driver = false, content = false;

  bool is_on(const Report& report) const;         // all of it
  bool is_partly_on(const Report& report) const;  // any of it
};

struct SeenCrash {
  std::string machine, title, module;
  std::int64_t at =
      0;  // where that is within its report's period; else the end of the period in which it was
  double machine_days = 0;  // of the whole ring until then
};

struct Tally {
  int known = 0;                            // reported since shortly before the ring opened
  int updated = 0;                          // have reported the candidate, all of it
  int soaked = 0;                           // updated for the ring's soak, and not silent
  int silent = 0;                           // known, and not heard for silent_after
  int known_before = 0, silent_before = 0;  // the same, at the moment in which the ring opened
  int from_the_future = 0;                  // reports
  int other_crashes = 0;                    // since it opened, on machines that never had the candidate
  double machine_days = 0;                  // with the candidate
  std::vector<SeenCrash> crashes;           // on machines that have had any of it, in their order

  double share_silent() const { return known == 0 ? 0 : static_cast<double>(silent) / known; }
};

// A clock may be ahead by this much; what is said to have been later has not been.
inline constexpr std::int64_t allowed_clock_skew_seconds = 300;

// The ring opened at `opened`, seconds since 1970. A machine's days are no more than those since then,
// however often and with whatever periods it reports them; a crash that is reported twice with its time
// counts once.
Tally tally(const Ring& ring, const Candidate& candidate, const std::vector<Report>& reports,
            std::int64_t opened, std::int64_t now);

}  // namespace labctl::rings
