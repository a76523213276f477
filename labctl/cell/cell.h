// The meaning of one cell's life, as a pure state machine: on(State, Event) -> State and what to do next. No
// clock, no machine, no thread; time enters only as an event. The journal of a cell is the list of events
// that went in here, so replay() of a journal gives the outcome again, byte for byte, on any machine and at
// any time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "labctl/event/event.h"
#include "labctl/guest/guest.h"
#include "labctl/guest/sleepers.h"
#include "labctl/outcome/outcome.h"
#include "labctl/outcome/step.h"
#include "labctl/plan/plan.h"

namespace labctl::cell {

using outcome::Activity;
using outcome::StepId;

// ---- what the hands are asked to do; each is answered by events, or never ----
struct Ask {
  guest::Question question;
  bool report_begin = false;  // that the guest has begun with it, as event::Begun
};                            // comes back as event::Answer of the same name
struct Listen {
  std::string text;
};  // for what the console says from now on; comes back as event::Said, once
struct InsertPayload {};
struct SetClock {};  // a restored guest still lives in the past
struct PowerCut {};
struct PowerOn {};  // a guest that has powered itself off; comes back as event::Started
struct Wake {};     // a guest that has put its machine to sleep
struct InjectNmi {};
struct Resume {};  // a guest that its panic device paused: its last words are still to come
struct TakePicture {
  std::string label;
  bool read = false;  // and look what it shows: comes back as event::Found of the screen, or not at all
};
// A guest that can no longer answer what it has logged: ends it, unless a debug session holds it, and reads
// its disk. Comes back as event::Found of the evidence, and then as event::Answer of this name, answered when
// the disk could be read.
struct ReadDisk {};
inline constexpr const char* disk_question = "disk";
struct End {};  // the cell is over: end the guest

using Action = std::variant<Ask, Listen, InsertPayload, SetClock, PowerCut, PowerOn, Wake, InjectNmi, Resume,
                            TakePicture, ReadDisk, End>;

// ---- the story, cut into operations that wait for exactly one thing each ----
enum class Wait {
  agent,      // the agent answers for the first time
  answer,     // a question's answer, which `check` then judges
  reboot,     // down, up exactly once, agent back
  cold_boot,  // off, on, agent back
  power_cut,  // the same without asking the guest
  suspend,    // asleep, awake, and then the question's answer
  crash,      // its kernel panics, the crash kernel starts and resets the machine, agent back
  moment,     // a question has begun, and then `duration` or `marker`: the power is cut next
  half_boot,  // down, a kernel starts, and then `duration` or `marker`: the power is cut next
  marker,     // the console says `marker`
  quiet,      // `duration` goes by and the heartbeat holds
  cleared,    // no line is left that only looks like a crash
  heard,      // the kernel has said `marker` on the console, which it was given by the guest
  awake,      // no thread is left that has slept uninterruptibly since it was last asked for
  nothing,    // done at once
};

enum class Check {
  none,
  exit_zero,       // a command of the candidate's: failing means not loaded
  ran,             // a command of the author's, which `proof` is about
  baseline,        // boot id and taint of the settled guest, before the candidate is there
  before,          // whether a driver of this name is live already, and which
  delivered,       // digests after copying from the payload CD
  identified,      // a boot id that is new
  settled,         // the same, before the candidate is there: what is wrong is the image's
  booted,          // the boot is over and did not end in an emergency
  loaded,          // the module is live, its file is the delivered one, its build the one seen first
  absent,          // the module is gone
  service_before,  // whether a service of this name is active already, and which invocation of it
  service,         // it is active, its program is a delivered one, it has not been restarted by itself
  service_gone,    // it is not active
  bpf_before,      // whether programs of these names are loaded already
  bpf,             // they are loaded, each with the tags seen first
  bpf_gone,        // they are not loaded any more
  filter,          // the minifilter has its instance at its altitude
  filter_gone,     // the Filter Manager knows it no more
  unloaded,        // the driver is not in the kernel, whether it is registered or not
  guard_before,    // memory integrity runs before the candidate is there
  guard,           // and still does
  content,         // the content on disk has the delivered digest
  proof,           // one of the author's proofs
  content_there,   // whether the content's file is there before the content is delivered
  without,         // a proof, while its content is not there yet: one that holds then shows nothing of it
  evidence,        // taint and boot id after a boot
  kernel_log,      // could be read; its findings came as events of their own
  load_begun,      // a command of the author's runs beside the story from here on
  load,            // it still does
  update,          // a package of the operating system's: that it was installed, and which kernel with it
  crash_kernel,    // one is loaded, to be started by a panic
  dump,            // of the crash on purpose, whole
  console,         // the guest has written `marker` to the kernel's log, and finds it there
};

struct Operation {
  Wait wait = Wait::nothing;
  Check check = Check::none;
  outcome::StepId step;
  guest::Question question = {};
  scenario::Background background = {};  // Check::load, load_begun
  bool of_payload = false;               // works on something that was delivered:
  std::string expected_sha256 = {};      // and this is its digest, which loaded and content must find
  std::string subject = {};              // the driver's module, or its service, that this is about
  std::vector<std::string> builds = {};  // of it in the driver; what is loaded or runs must be one of them
  bool new_driver = false;               // the build seen here is the one expected from now on
  scenario::Proof proof = {};
  Millis duration{0};
  Millis limit{0};                       // at most so long, on the guest's clock; 0: what Timeouts says
  std::string marker = {};               // on the console
  std::vector<std::string> listen = {};  // markers that count from here on
  std::string last_line = {};            // what the console must show before a guest that goes down is back
  std::optional<Action> action = {};     // besides putting the question, if it has one
  bool is_authors_command() const { return check == Check::exit_zero || check == Check::ran; }
  bool takes_long() const {
    return is_authors_command() || check == Check::booted || check == Check::settled;
  }
  // Content that may be refused, with the apply command's word for it: from then on nothing is asked that
  // only a driver with this content could answer, and what makes it use the content may fail.
  bool may_be_refused = false;  // this applies it
  bool of_content = false;      // not asked once it has been refused
  bool undisturbed = false;     // nothing of the author's was done since it was asked last
  bool may_be_early = false;    // an answer that means "not yet" is asked again until the limit
  bool names_content = false;   // Check::without: a proof that names the content
  bool last_without = false;    // Check::without: the last of the proofs that are asked then
  bool file_alone = false;      // Check::without: the content's file is there, and has not been applied
  bool uses_content = false;    // may end badly once it has been refused
  int begins_boot = 0;          // the life of the guest that begins here
  int number = 0;               // Wait::crash: which one of the story's, from 1
  bool boot_proved = false;     // reaching this operation's end proves one more boot
  int chapter = -1;             // the step of the story that it is of; -1: of the beginning or the end

  // The same is asked and the same answer is right: what differs between two payloads has no part in it.
  bool same_work(const Operation& other) const;
};

std::vector<Operation> operations(const plan::Cell& cell, const event::Opened& opened);

// Puts the artifacts into the guest and finds out whether they came to it whole.
std::vector<Operation> delivery(const guest::System& os, const event::Opened& opened);

// How every story begins: an agent that answers, the right time, a kernel that is well.
std::vector<Operation> healthy_start(const guest::System& os, const event::Opened& opened);

// ---- the state ----
// held: a reproduction has come to where somebody takes the guest over. What happens to it meanwhile is
// theirs, and is no finding.
enum class Phase { unopened, running, held, grace, last_sweep, post_mortem, ended };

struct State {
  plan::Cell cell;
  std::optional<guest::Crash> canary;  // killed on purpose in this way (canary.h) instead of living its story
  event::Opened opened;
  std::vector<Operation> operations;
  std::size_t position = 0;
  Phase phase = Phase::unopened;
  int hold = 0;  // as event::Opened and event::Released say
  int left() const { return static_cast<int>(operations.size() - position); }

  Millis now{0};  // of the last event
  Millis cpu_wait{0};
  // Deadlines run on the guest's own clock: the time it could have computed. A busy host stops that clock.
  Millis guest_time() const { return now - cpu_wait; }
  struct Ticked {
    Millis at, cpu_wait;
  };
  std::deque<Ticked> ticks;           // of the time that a kernel's watchdog looks back on
  std::string cpu_wait_reason;        // what it said when that time was not the guest's
  Millis operation_began{0};          // guest time
  Millis asked{0};                    // guest time; its question, for the last time
  std::optional<Millis> ask_again{};  // guest time; the answer was "not yet"
  Millis last_beat{0};                // guest time
  Millis phase_until{0};              // guest time; end of grace or of the last sweep

  // What is known of the guest.
  std::set<std::string> boot_ids;
  std::string boot_id;  // empty while it is not known
  std::uint64_t taint = 0;
  std::string explained;         // taints of this boot that come of findings which do not end the story
  bool warning_allowed = false;  // the policy lets the taint W of this boot pass
  std::string taint_to_explain;  // seen by the evidence; judged when the kernel's log has been read
  std::string kernel;            // its release: as the baseline reported it, or as an update installed it
  std::string next_kernel;       // that an update installed, for the next boot
  bool kernel_is_updates = false;
  struct Module {
    // What was loaded under its name before anything was delivered: its build id and source version.
    std::optional<std::pair<std::string, std::string>> live_before;
    std::string build_id, version;    // as first seen
    bool pending = false;             // installed for the next boot: what is seen there is seen first
    bool other_kernel = false;        // not seen yet under the kernel that an update installed
    std::string verifier_waits = {};  // the boot in which Driver Verifier was set for it
  };
  std::map<std::string, Module> modules;  // the driver's, by name
  struct Service {
    std::string before;                // its invocation before anything was delivered
    std::string invocation, restarts;  // as seen last
  };
  std::map<std::string, Service> services;  // the driver's, by unit
  struct Bpf {
    std::vector<std::string> before, tags;  // loaded before anything was delivered; as first seen
    bool other_kernel = false;              // as of a module
  };
  std::map<std::string, Bpf> bpf;  // the driver's programs, by name
  int boot = 0;
  bool candidate_in = false;             // something of the candidate's has been run
  bool down = false;                     // within a reboot: a reset was seen
  bool kernel_spoke = false;             // since the last reset
  Millis first_reset{0}, last_reset{0};  // guest time
  std::optional<Millis> moment_began;    // guest time; of a power cut that waits for its time
  bool refused = false;                  // the content that was applied last, and that was allowed
  bool there_before = false;             // its file, before it was delivered
  bool proof_tells_apart = false;        // a proof did not hold while the content was not there yet
  std::string vacuous;                   // the first that did
  std::set<std::string> said;            // markers that the console has shown since they counted
  bool dead = false;                     // panicked or powered off: it cannot be asked
  bool power_was_cut = false;            // on purpose, once in this story
  // Guest time; of the suspension under way.
  std::optional<Millis> asleep_since, awake_since;
  // The crash on purpose under way (crash_boot.cc).
  struct CrashBoot {
    bool panicked = false;   // the console showed the panic that was asked for,
    std::size_t offset = 0;  // here
    bool device_told = false;
    bool kernel = false;  // the crash kernel has started
  } crash_boot;
  // The console and the threads of this boot (channels.cc).
  std::string console_level, console_severity;  // before the candidate is there
  std::string console_now;                      // what the guest said of it when a text was last missing
  std::optional<Millis> written;                // guest time; when the guest had written what is to be seen
  struct Sleeping {
    guest::Sleeper sleeper;
    Millis since{0};  // guest time
  };
  std::map<std::string, Sleeping> sleeping;  // by thread
  std::set<std::string> usual_sleepers;      // by name and place, before the candidate is there
  Millis watchdog{0};                        // how long they may sleep
  bool sleepers_asked = false;
  Millis sleepers_until{0};  // guest time; of the question, or of the pause before the next
  // An NMI was injected into a guest that did not go down: to panic, and so to show where it is stuck.
  bool nmi_injected = false, nmi_noticed = false, nmi_printed = false;
  // Windows, behind a failure: it still paints, dumps and perhaps boots again.
  int resets = 0;                            // resets of it, merged as those of one reboot are
  std::optional<Millis> last_counted_reset;  // guest time; of any boot
  Millis failed_at{0};                       // guest time
  bool screen_read = false;                  // a picture showed what it is
  bool stop_reported = false;                // by all that can report it before it boots again
  Millis next_picture{0};                    // guest time
  std::string disk_unread;                   // why its disk could not be read

  // What was found and how it ends.
  std::vector<outcome::Observation> findings;
  std::deque<std::size_t> suspects;  // indices of findings that wait for the guest's own word
  bool suspect_asked = false;
  bool suspect_log = false;  // the question under way is for the kernel's log
  int suspect_questions = 0;
  std::size_t suspects_in_question = 0;  // how many of them the question under way is about
  Millis suspect_until{0};               // guest time
  std::set<std::string> sweep_open;      // questions of the last sweep not answered yet
  bool sweep_missed = false;             // one of them came back without an answer
  std::string quoted;                    // the title of the finding that the outcome's reason quotes
  outcome::Outcome outcome;
};

State begin(const plan::Cell& cell, std::optional<guest::Crash> canary = {});

// What an event makes of a state, in place, since a journal has thousands of events and a state is large to
// move; and what is to be done then. Any event in any state is legal; after the end nothing changes any more.
std::vector<Action> on(State& state, const event::Event& event);

// The outcome a journal gives. A journal that stops before the cell's end is lab-failed, never passed.
outcome::Outcome replay(const plan::Cell& cell, const std::vector<event::Event>& journal,
                        std::optional<guest::Crash> canary = {});

// The same, with the steps that the journal went through, in order, for pictures of a cell's life. At most
// 500; the last one lasts to the end.
struct StepTaken {
  outcome::StepId step;
  Millis from{0}, to{0};
};
struct Life {
  outcome::Outcome outcome;
  std::vector<StepTaken> steps;
};
Life life_of(const plan::Cell& cell, const std::vector<event::Event>& journal);

outcome::StepId step_now(const State& state);
// For progress displays: "boot 2/3: settle".
std::string where_now(const State& state);

// How long each wait may last on the guest's own clock, as multiples of the image's boot time on this host.
// What the candidate does in it (stopping, booting) has a floor besides, which journals of rules below 2 know
// nothing of.
struct Timeouts {
  Millis agent, answer, long_answer, down, up, crash, beat, grace, sweep, suspect, merge, back;
  // Of Windows behind a failure (windows.cc): to paint, dump and restart; to dump and restart when all else
  // has reported the bug check; to boot again; to have its disk read.
  Millis dying, dumping, again, disk;
};
Timeouts timeouts(Millis boot_time, bool floors = true);

// The candidate's own work, and how long it may take where the author does not say: a multiple of the boot
// time, and never less than people wait for such a thing on any machine.
enum class Work {
  install,  // and removal
  build,    // an installation that compiles modules (DKMS)
  command,  // apply, exercise, run; a text that is waited for
  proof,
};
Millis limit_of(Work work, Millis boot_time);

}  // namespace labctl::cell
