// Every reader of text from outside, as one function that takes bytes: whatever they are, it comes back soon,
// the sanitizers see nothing, and what it promises of its result holds. libFuzzer calls them (door.cc), and
// an ordinary unit test with the seeds, broken in every way that it can think of (doors_test.cc).
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz_seeds SEEDS && build/fuzz/tests/fuzz_journal -max_len=20000 NEW SEEDS/journal
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace labctl::fuzz {

struct Door {
  const char* name;
  std::string (*broken)(std::string_view bytes);  // the promise that does not hold; empty: all hold
  std::vector<std::string> (*seeds)();
};

const std::vector<Door>& doors();

}  // namespace labctl::fuzz
