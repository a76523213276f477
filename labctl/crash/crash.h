// Text in, named crashes out. Knows nothing of machines, cells or verdicts; pure and bounded in memory.
//
// Two stages: a cheap literal test on every line, a careful parse over a bounded window. A finding is
// reported once, when its report has been read to its end (or flush() says that no more will come for now).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/os.h"

namespace labctl::crash {

enum class Kind {
  panic,      // the kernel stopped for good
  oops,       // fault in kernel mode: page fault, GPF, divide error, invalid opcode, double fault ...
  bug,        // BUG() and its relatives, list corruption
  stop_code,  // Windows blue screen
  lockup,     // soft or hard lockup
  stall,      // RCU stall, workqueue lockup
  hung_task,
  memory_safety,  // KASAN, KFENCE, UBSAN, slab corruption, bad page
  lock,           // lockdep, scheduling while atomic, sleeping in an invalid context
  warning,        // WARN_ON and relatives
  boot_failure,   // no boot device, GRUB rescue, initramfs or emergency shell, Windows repair and recovery
  reset,          // a reboot or power-off that nobody asked for
  error,          // serious, and it leaves no taint: out of memory, a file system gone read-only
  service,        // a service or another program failed or crashed
  other,
};

enum class Severity { fatal, warning };

struct Finding {
  std::string title;  // stable: no addresses, numbers, CPU or task names
  Kind kind = Kind::other;
  Severity severity = Severity::fatal;
  std::string module;        // the module (Windows: the driver's file) it happened in, empty when unknown
  std::uint64_t offset = 0;  // of the first byte of its first line in the raw stream
  std::uint64_t line = 0;    // counted from 1
  std::string excerpt;       // bounded, raw bytes, not escaped
  std::string corrupted;     // why the text cannot be trusted, empty when it can
  std::string suppressed;    // why it does not count (known noise); listed, never deleted
  // False when only a header was seen with no body behind it: a line that a driver may have printed itself.
  // Such a finding counts unless the guest proves to be alive and untainted.
  bool confirmed = true;

  bool operator==(const Finding&) const = default;
};

const char* to_string(Kind kind);
const char* to_string(Severity severity);
Kind kind_from(std::string_view text);          // `other` when unknown
Severity severity_from(std::string_view text);  // `fatal` when unknown

// A pattern that somebody adds without recompiling. It may match anywhere in a message; a group `module`
// names the culprit. With `noise`, the reason why it does not count, what it matches is reported as
// suppressed; it also suppresses a warning whose header it matches, and never what is fatal.
struct Signature {
  std::string title;
  std::string pattern;
  Kind kind = Kind::other;
  Severity severity = Severity::fatal;
  std::string noise;

  bool operator==(const Signature&) const = default;
};

// Why the pattern cannot be used, in RE2's words; empty when it can. Others may not be given to a Scanner.
std::string pattern_problem(const std::string& pattern);
// Whether the line holds a message that the signature knows.
bool matches(const Signature& signature, std::string_view line);

// Streaming recogniser of one console (or any log). The same findings whatever the chunking.
class Scanner {
 public:
  // Whose words are listened to, besides firmware's; none: it goes by what it reads.
  explicit Scanner(std::optional<Os> os = {}, const std::vector<Signature>& signatures = {});
  ~Scanner();
  Scanner(Scanner&&) noexcept;
  Scanner& operator=(Scanner&&) noexcept;

  // One title in one module is reported once per boot, however often the kernel repeats it.
  std::vector<Finding> feed(std::string_view bytes);

  // The stream is silent for now: whatever is pending is reported as it stands. A later feed() goes on: when
  // the body of a report that was reported unconfirmed arrives after all, the finding is reported again,
  // confirmed and at the same offset. So is a stop of Windows whose driver is named late.
  std::vector<Finding> flush();

  // True while the body of a report is still being read; the caller flushes after a short silence.
  bool pending() const;

  // How often a kernel has said its first line ("Linux version ...", "Computer is booting, SAC started ..."):
  // one per boot.
  std::uint64_t kernel_starts() const;

  // The last non-empty line, without terminals' controls, at most 512 bytes: for progress displays.
  std::string last_line() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole log at once.
std::vector<Finding> scan(std::string_view log, std::optional<Os> os = {},
                          const std::vector<Signature>& signatures = {});

}  // namespace labctl::crash
