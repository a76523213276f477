// How a dialect (a kernel, a firmware, a rescue environment) is written down: tables, no code. Internal to
// the room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"

namespace labctl::crash {

// What sort of header a rule knows. Some reports have several headers; `absorbs` tells which belong to one
// report.
enum class Group : std::uint8_t {
  fault,  // what the processor stumbled over ("BUG: unable to handle page fault ...")
  die,    // the numbered line of a dying task ("Oops: 0000 [#1] ...")
  bug,    // kernel BUG at file:line!
  panic,
  stall,
  memory,
  detail,     // a part of a memory report that may be all that is left of it
  warning,    // WARN_ON and relatives
  complaint,  // what a subsystem says when it gives up, with or without a WARN_ON around it
  generic,    // "BUG: " and words that no rule knows
  other,
};

constexpr unsigned bit(Group group) { return 1U << static_cast<unsigned>(group); }

enum Flag : unsigned {
  none = 0,
  instant = 1U << 0,         // the line is the whole report
  userspace = 1U << 1,       // never printed by a kernel: a line with a kernel's timestamp is somebody else's
  no_function = 1U << 2,     // the title is complete without a function
  needs_body = 1U << 3,      // too vague to be reported without a body
  last_trace = 1U << 4,      // the trace behind "stack backtrace:" is the one that counts
  panic_line = 1U << 5,      // may be the consequence of the report before it
  panic_end = 1U << 6,       // the last line of a panic
  must_repeat = 1U << 7,     // once, it may be a wait that ends
  headless = 1U << 10,       // opened by a body: reported when it can only be that of an oops
  by_operation = 1U << 9,    // stopped anywhere: named by the operation, as a stall is
  lists_handlers = 1U << 8,  // names the functions that should have cared
  kernel_only =
      1U << 11,  // words that documents and programs say too: reported for a line that is surely a kernel's
  behind_name = 1U << 12,  // the head stands behind the name of a task or a device
};

// A message that begins with `head` and matches `pattern` (RE2, anchored) is the header of a report. The
// pattern may name a group `what`, which is put behind the title, and a group `func`. An empty head stands
// for die()'s mark "[#1]": such a pattern may match anywhere in the message.
struct Rule {
  std::string_view head;
  const char* pattern;
  const char* title;
  Kind kind;
  Severity severity = Severity::fatal;
  Group group = Group::other;
  unsigned absorbs = 0;
  unsigned flags = none;
};

// A line in front of a header that says more than the header does ("list_del corruption, ..."). An empty
// title only marks where the report begins.
struct Prelude {
  std::string_view head;
  const char* title;
  Kind kind;
};

constexpr std::size_t longest_name = 64;

// What a line of a report's body is worth as a proof that a kernel printed the report.
enum class Proof : std::uint8_t {
  nothing,  // belongs to a report, proves little
  cpu,      // CPU: 0 PID: 1 Comm: ...
  rip,      // where it happened, in kernel mode
  registers,
  die,  // Oops: 0000 [#1]
  modules,
  trace,      // a frame of a call trace
  trace_end,  // ---[ end trace 0000000000000000 ]---
  panic_end,  // ---[ end Kernel panic, Kernel Offset, Rebooting in
  special,    // lines that only this kind of report has
};

// A line of a body: it begins with `head` and, when there is a pattern, matches it.
struct BodyLine {
  std::string_view head;
  const char* pattern;
  Proof proof;
};

std::span<const Rule> linux_rules();
std::span<const Rule> complaint_rules();
std::span<const Prelude> linux_preludes();
std::span<const BodyLine> linux_body();
// For the body of an oops whose header is not in the log: cut off at its begin, or lost on the way.
const Rule& lost_header_rule();
std::span<const Rule> firmware_rules();
std::span<const Rule> recovery_rules();

// Panics that only say that something died before.
extern const char* const consequence_pattern;

// A place in the kernel: "function+0x1/0x2 [module]".
struct Place {
  std::string function;  // plain
  std::string module;
  bool empty() const { return function.empty(); }
};

// A line of a call trace.
struct Frame {
  Place place;
  bool trusted = true;  // false when the kernel itself doubts it ("? function+0x1/0x2")
};

// trace.cc
Place parse_place(std::string_view text);           // empty when there is none at the front
Place parse_register_place(std::string_view text);  // behind "RIP: 0010:", "pc : " and their like
bool parse_frame(std::string_view text, Frame& frame);

// title.cc
std::string plain_function(std::string_view symbol);  // without offset and compiler suffixes
std::string plain_text(std::string_view text);        // without addresses and numbers

}  // namespace labctl::crash
