// Chance that can be had again: the same seed gives the same numbers on any host and with any compiler, which
// the distributions of <random> do not promise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace labctl::hunt {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  // Of one variant: the same whether those before it were made in this process or in an earlier one.
  Chance(std::uint64_t seed, std::uint64_t number) : state_(seed ^ mix(number + 1)) {}

  // SplitMix64.
  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
  // Below `count`; 0 when that is 0.
  std::size_t below(std::size_t count) { return count == 0 ? 0 : static_cast<std::size_t>(next() % count); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  static std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
  }
  std::uint64_t state_;
};

}  // namespace labctl::hunt
