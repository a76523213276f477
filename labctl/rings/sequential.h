// Wald's sequential test on crashes per machine-day, and what days without a crash exclude. May be asked as
// often as one likes: the chance of a wrong answer is that of the whole rollout and not of each look.
#pragma once

#include <string>

#include "labctl/rings/plan.h"

namespace labctl::rings {

class SequentialTest {
 public:
  enum class Answer { fine, undecided, bad };

  explicit SequentialTest(const CrashRate& rate);

  Answer answer(double crashes, double machine_days) const;
  // The machine-days with which so many crashes are fine; and before which they are bad (0 or less: never).
  double fine_from(double crashes) const;
  double bad_until(double crashes) const;

 private:
  double for_one_crash_, for_one_day_;  // how much each speaks for the bad rate
  double bound_;                        // so much decides, either way
};

// The highest rate per machine-day that is not excluded in 95 of 100 cases. Without a crash it is the rule of
// three: 3 / machine_days.
double not_excluded(int crashes, double machine_days);

std::string grouped(double whole);       // "3,329"
std::string days_in_words(double days);  // "3,329", and below ten "2.5"
std::string counted(double whole, const std::string& singular, const std::string& plural);  // "2 crashes"
std::string rate_in_words(double rate);  // "12 %", "1 in 1,112"; per machine-day

}  // namespace labctl::rings
