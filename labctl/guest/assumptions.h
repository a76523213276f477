// What labctl assumes of a Windows, which it was written without having seen: each assumption is one fact in
// the answer to a question, and is held against what a real image answers. Nothing is decided by it; a
// assumption that turns out wrong is a mistake of labctl's, to be corrected with the bytes that showed it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "labctl/guest/guest.h"

namespace labctl::guest {

struct Assumption {
  std::string what;      // a sentence for people
  std::string question;  // the name of the one that is put
  std::string key;       // in its answer
  // What the key is assumed to be, one of these; none: that there is an answer at all.
  std::vector<std::string> any_of = {};
};

// The questions that a Windows is put for it, in their order: labctl's own, and some that are asked for
// nothing else. The last one is the first again, of the same boot.
std::vector<Question> assumption_questions();

// Every assumption is of a question of assumption_questions().
const std::vector<Assumption>& assumptions();

enum class Holds { proved, differs, unanswered };
struct Held {
  const Assumption* assumption = nullptr;
  std::string seen;  // what the guest says; empty where it says nothing
  Holds holds = Holds::unanswered;
};

// Every assumption, held against the answers by the names of their questions.
std::vector<Held> hold(const std::map<std::string, std::string>& answers);

}  // namespace labctl::guest
