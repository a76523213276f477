// libFuzzer's door to the crash recogniser: whatever the bytes, it must keep its promises
// (tests/crash/promises.h).
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz_crash -max_len=20000 NEW tests/fuzz/corpus/crash
//
// libFuzzer alone would need ages to write "rcu: INFO: rcu_sched self-detected stall"; so half of the
// mutations put together lines: words of the dialects' own tables behind the prefixes that a console has.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/windows/windows.h"
#include "tests/crash/promises.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

namespace {

using namespace labctl::crash;

template <std::size_t N>
const char* one_of(const std::array<const char*, N>& texts, std::minstd_rand& random) {
  return texts[random() % N];
}

// What tools print of a stop and of events; their reader has its patterns to itself.
constexpr std::array windows_tools{
    "*** Fatal System Error: 0x0000007e",
    "(0x00000000c0000005,0xfffff807393a15fa,0x0000000000000000,0x0000000000000000)",
    "***  foo.sys - Address FFFFF807393A15FA base at FFFFF80739390000",
    "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (7e)",
    "Arg2: fffff807393a15fa, The address",
    "fffff807`39390000 fffff807`393c0000   foo        (deferred)",
    "IMAGE_NAME:  foo.sys",
    "FAILURE_BUCKET_ID:  AV_VRF_foo!bar",
    "Bug Check Code    : 0x000000d1",
    "Caused By Driver  : bar.sys",
    "1.dmp,DRIVER_IRQL_NOT_LESS_OR_EQUAL,0x000000d1,foo.sys",
    "Source: Microsoft-Windows-Kernel-Power",
    "Source name : EventLog",
    "Event ID: 41",
    "ID: 6008",
    "String: 1 : 126",
    "Event Name: BlueScreen",
    "P1: 7e",
    "BugcheckCode 126"};

const std::vector<std::string>& words() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> read;
    const auto add = [&](std::string_view text) {
      if (!text.empty()) read.emplace_back(text);
    };
    for (const auto rules : {firmware_rules(), recovery_rules(), linux_rules(), complaint_rules()})
      for (const Rule& rule : rules) {
        add(rule.head);
        add(rule.pattern);
      }
    for (const Saying& saying : windows_sayings()) {
      add(saying.head);
      if (saying.pattern != nullptr) add(saying.pattern);
    }
    for (const Prelude& prelude : linux_preludes()) add(prelude.head);
    for (const BodyLine& line : linux_body()) {
      add(line.head);
      if (line.pattern != nullptr) add(line.pattern);
    }
    for (const char* each : windows_tools) add(each);
    return read;
  }();
  return all;
}

// A pattern is nearly an example of itself: what is left to do is to write digits and names for its classes.
std::string spelled(const std::string& pattern) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\' && at + 1 < pattern.size()) {
      const char next = pattern[++at];
      text += next == 'd' ? "1" : next == 'S' || next == 'w' ? "x" : next == 's' ? " " : std::string(1, next);
    } else if (c == '[') {
      at = pattern.find(']', at + 2);
      if (at == std::string::npos) break;
      text += "a";
    } else if (std::strchr("+*?$(){}", c) == nullptr || at == 0) {
      text += c;
    }
  }
  return text;
}

std::string line(std::minstd_rand& random) {
  constexpr std::array stamps{"",
                              "[    0.000000] ",
                              "[   12.345678] ",
                              "[   12.345678][    T1] ",
                              "[   12.345678][    C0] ",
                              "<4>",
                              "Nov 21 23:20:01 debian kernel: "};
  constexpr std::array tails{"",  "x+0x1/0x2 [m]", " [#1] SMP", "0", ": 0000 [#1] SMP", "deadbeef01234567",
                             " ", "-- ]---"};
  constexpr std::array extra{"Linux version 6.1.0",
                             " ? f+0x1/0x2",
                             " f+0x1/0x2 [m]",
                             "ordinary",
                             "\x1b[1m",
                             "** 1 printk messages dropped **",
                             "",
                             "CPU: 0 PID: 1 Comm: a"};
  constexpr std::array ends{"\n", "\n", "\n", "\r\n", "\r", ""};
  std::string text = one_of(stamps, random);
  if (random() % 4 == 0) {
    text += one_of(extra, random);
  } else {
    const std::string& word = words()[random() % words().size()];
    text += random() % 3 != 0 ? spelled(word) : word;
  }
  if (random() % 2) text += one_of(tails, random);
  return text + one_of(ends, random);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 2) return LLVMFuzzerMutate(data, size, limit);
  std::string text(reinterpret_cast<const char*>(data), size);
  for (std::size_t left = 1 + random() % 3; left > 0; --left) {
    std::size_t at = text.empty() ? 0 : random() % (text.size() + 1);
    const std::size_t newline = text.rfind('\n', at);
    if (random() % 8 != 0) at = newline == std::string::npos ? 0 : std::min(newline + 1, text.size());
    if (random() % 3 == 0) text.erase(at, text.find('\n', at) - at);
    if (random() % 40 == 0) text.insert(at, std::string(random() % 9000, "x[ \x1b"[random() % 4]));
    if (random() % 3 != 0) text.insert(at, line(random));
  }
  text.resize(std::min(text.size(), limit));
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string wrong = broken_promise({reinterpret_cast<const char*>(data), size});
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "fuzz_crash: %s\n", wrong.c_str());
  std::abort();
}
