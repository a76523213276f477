// Work that may take long, told to people while it goes on: after three seconds for the first time, then
// every ten. What is done sooner is never told. Nothing depends on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace labctl {

class SlowWork {
 public:
  enum class Unit { bytes, things };
  // `what`: "hashing disk.qcow2". `all`: how much there is; 0: not known.
  SlowWork(std::string what, std::uint64_t all, Unit unit = Unit::bytes);

  void done(std::uint64_t more);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::uint64_t all_, done_ = 0;
  Unit unit_;
  Clock::time_point began_ = Clock::now(), next_;
};

// Who tells people, from any thread; empty: nobody. Set once, by the program.
void tell_slow_work(std::function<void(const std::string&)> tell);

// "hashing disk.qcow2: 34 % of 12 GiB, 20s"; "judging cells: 12 of 60, 20s" where `unit` counts things.
std::string slow_work_in_words(const std::string& what, std::uint64_t done, std::uint64_t all,
                               SlowWork::Unit unit, std::chrono::milliseconds since);

}  // namespace labctl
