// May the next ring have these bytes? Decided from values alone: the plan, what the gate said, what the
// machines of the rings before reported, and the time. Everything that is missing waits; nothing opens by its
// absence.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "labctl/rings/plan.h"
#include "labctl/rings/reports.h"
#include "labctl/rings/tally.h"

namespace labctl::rings {

enum class Answer { open, wait, halt };
const char* to_string(Answer answer);  // "open" ...

struct Verdict {
  std::string objection;           // why the gate's attestation does not hold; empty: it does
  std::vector<std::string> halts;  // in words, those that somebody has signed about these bytes
  Candidate candidate;
};

struct Time {
  std::int64_t now = 0;                        // seconds since 1970
  std::map<std::string, std::int64_t> opened;  // when each ring opened, as the promotions before say
};

// One open ring, watched.
struct Watched {
  Ring ring;
  std::int64_t opened = 0;
  bool must_hold = false;  // it is the ring before the one that is to open
  Tally tally = {};
  Answer answer = Answer::open;
  std::vector<std::string> reasons = {};  // why it halts or waits
  std::vector<std::string> words = {};    // what was seen, and what it can and cannot exclude
};

struct Decision {
  Answer answer = Answer::wait;
  std::vector<std::string> reasons;  // of the answer, in words; of an opening none
  std::vector<Watched> rings;        // those that are open, in the plan's order
};

// Whether the ring plan.rings[to] may open, or stay open.
Decision on(const Plan& plan, std::size_t to, const Verdict& verdict, const std::vector<Report>& reports,
            const Time& time);

}  // namespace labctl::rings
