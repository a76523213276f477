// What a hunt knows: contents that guests answered in ways of their own, the crashes by title, and from these
// what is tried next. Values only; where they are kept is the hands' business.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/hunt/variant.h"

namespace labctl::hunt {

// One command's end, as the guest gave it.
struct Said {
  int exit_code = 0;
  std::string output;
};

// Equal for answers that differ in nothing but numbers, addresses and words that stand in the content: 64
// hexadecimal digits.
std::string fingerprint(const std::vector<Said>& said, std::string_view content);

struct Entry {
  std::string bytes;
  std::string answer;  // a fingerprint
  std::string how;     // empty: known to be good, or given
  int tries = 0;       // variants made of it
  int news = 0;        // of these, answered as none before them
};

class Corpus {
 public:
  // False: another content was answered in the same way, and it is not kept. `parent` is whose variant it is.
  bool add(Entry entry, std::size_t parent);
  // Kept however it was answered: the content that is known to be good, and those that the user gives.
  void add_given(Entry entry);
  const std::vector<Entry>& entries() const { return entries_; }

  // True the first time.
  bool add_title(const std::string& title) { return titles_.insert(title).second; }
  const std::set<std::string>& titles() const { return titles_; }

  struct Choice {
    std::size_t parent = 0;
    Maker maker = Maker::bytes;
  };
  // Each has its turn; what led to something new comes more often, what was tried in vain less.
  Choice choose(Chance& chance) const;
  // What came of a choice.
  void credit(const Choice& choice, bool is_new);

  Stock stock(std::size_t parent, std::size_t most_bytes) const;

 private:
  struct Credit {
    int tries = 0, news = 0;
  };
  std::vector<Entry> entries_;
  std::set<std::string> answers_, titles_;
  std::array<Credit, std::size(every_maker)> makers_{};
};

}  // namespace labctl::hunt
