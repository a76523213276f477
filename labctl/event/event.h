// What was seen and when. A cell's journal (events.jsonl) is this list on disk, and nothing else: whoever has
// it can derive the cell's outcome again. Each record names the digest of the one before, so that a journal
// cannot be edited, reordered or cut without its head changing. Everything in here that came from a guest is
// untrusted and bounded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/crash/crash.h"
#include "labctl/event/channel.h"

namespace labctl::event {

// What the image brings to its cells; the journal's first record, because deadlines are multiples of it.
struct Opened {
  std::string cell;
  Millis boot_time{0};  // a cold boot of this image on this host, measured when its snapshot was made
  bool live = true;     // from the live snapshot; otherwise by a boot of its own
  std::map<std::string, std::string> payload;  // file on the CD -> sha256; in a control updates alone
  // Of each driver on the CD what its artifact holds, read on the host: "build-id:..." or "srcversion:...",
  // by guest::builds_key(). A module that is not here, or has none, cannot be told from another in the
  // guest's memory.
  std::map<std::string, std::vector<std::string>> builds = {};
  // A reproduction holds for a debug session when so many operations are left of its story; 0: never.
  int hold = 0;
  // SHA-256 of the golden disk and of what the guest starts from; empty: not recorded.
  std::string image, snapshot;
  // The rule set that the cell is asked and judged by; 1 is what journals had before they named it.
  int rules = 1;
  bool earned() const { return rules >= 2; }  // asked what rule set 2 asks (outcome/rules.h)
  // 32 hexadecimal digits by chance, from which the cell makes texts that no candidate can know beforehand.
  std::string seed = {};
  // A guest that hangs is injected an NMI before it is ended, so that it leaves a dump or shows where it is.
  bool nmi = false;
};

struct Started {};  // the guest's first instruction runs, or the restored state goes on
struct Found {
  Channel channel = Channel::console;
  crash::Finding finding;
};
struct KernelStarted {};  // the console shows a kernel's very first line
struct Reset {
  bool by_guest = true;
};  // one RESET of the hypervisor; a reboot gives several
struct Stopped {
  bool by_guest = true;
  std::string reason;
};
struct Panicked {
  bool crash_loaded = false;
  std::string details;
};
struct Suspended {};  // the guest has put its machine to sleep (ACPI S3)
struct Woken {};      // and it goes on
struct AgentLink {
  bool up = false;
};
struct Beat {};  // the agent answered: alive
struct Answer {  // what a question put to the guest brought back
  std::string question;
  bool answered = false;  // false: no answer in time, or the agent said an error
  int exit_code = -1;     // 128 + signal when the command was killed
  std::string output;     // both streams, at most 64 KiB
};
struct Begun {
  std::string question;
};  // the guest has begun with what it was asked; only for questions that ask for it
struct Said {
  std::string text;
};  // the console has shown a text that was listened for; once for each time of listening
struct Logged {
  std::string line;
};  // the guest's kernel has logged an error: the line as titles are made, once for each
struct Tick {
  Millis cpu_wait{0};
};  // time passes; how long the guest has waited for a CPU so far
// Hypervisor, host disk, console stream: ours, not the guest's.
struct LabFault {
  std::string what;
  bool unheard = false;  // because the guest sent more than could be read; a crash may have been in it
  // Not ours alone when the hypervisor itself "stopped" the guest or "died": the guest may have made it.
  std::string hypervisor;
};
struct Interrupted {};  // somebody stopped the run
struct Released {
  int hold = 0;
  std::map<std::string, std::string> payload;  // as Opened's: delivered before it goes on; empty: nothing is
};  // who held the cell lets it go on, to the next place where it is to hold

using What =
    std::variant<Opened, Started, Found, KernelStarted, Reset, Stopped, Panicked, AgentLink, Beat, Answer,
                 Tick, LabFault, Interrupted, Begun, Said, Released, Logged, Suspended, Woken>;

struct Event {
  Millis at{0};  // since the cell began, monotonic
  What what;
};

const char* name(const What& what);

// How far a journal has come: the SHA-256 of its last line and the number of lines. A chain that begins has a
// head of its own for each cell, so one cell's journal cannot stand in for another's.
struct Chain {
  std::string head;
  std::uint64_t events = 0;
};
Chain begin_chain(std::string_view cell);

// One journal line and back, without the newline; both move the chain on. Reading refuses unknown events,
// missing members, and a record that does not follow the chain's head.
std::string to_line(const Event& event, Chain& chain);
Result<Event> from_line(std::string_view line, Chain& chain, const std::string& where);

// What whoever reads a journal takes at most; a cell ends long before its own is so large.
inline constexpr std::uint64_t largest_journal = 256u << 20;

// A whole events.jsonl of one cell. A torn last line (killed, disk full) is an error: half a journal proves
// nothing.
struct Journal {
  std::vector<Event> events;
  Chain chain;
};
Result<Journal> read_journal(std::string_view text, const std::string& cell, const std::string& where);

Json to_json(const crash::Finding& finding);
Result<crash::Finding> finding_from(const Json& json, const std::string& where);

}  // namespace labctl::event
