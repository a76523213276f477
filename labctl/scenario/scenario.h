// What the author wrote, checked: YAML text -> Scenario. Knows nothing of hosts, images at rest or files'
// contents; every mistake is reported with line and column, what is wrong and what was meant.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "labctl/base/pc.h"
#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/crash/os.h"
#include "labctl/yaml/mark.h"
#include "labctl/yaml/variables.h"

namespace labctl::scenario {

using yaml::at;
using yaml::Mark;
using yaml::Variables;  // --set K=V

// A finding that a person has accepted beforehand, with a name to ask and a day on which it ends. One idea
// with two doors: a scenario expects a finding in one cell (a negative test, which must fire), a waiver lets
// one pass in the cells that match.
enum class As { expected, waived };
struct Acceptance {
  As as = As::expected;
  std::string title;               // the finding's stable title, exactly
  std::vector<std::string> cells;  // expected: one cell's id; waived: globs
  std::string owner, reason;
  Date until{};  // the last day on which it holds
  Mark mark;     // of the entry; until_mark of its date
  Mark until_mark;

  bool expired(Date today) const { return until < today; }
  bool matches(const std::string& cell) const;  // an expectation's id has no wildcard
  bool operator==(const Acceptance&) const = default;
};

// How content is damaged on purpose, always in the same way: the same bytes in give the same bytes out.
enum class Damage {
  none,
  truncated,  // its first half
  empty,      // nothing
  zero,       // as long, and all zero
  flipped,    // the byte in its middle, with every bit turned over
  oversized,  // itself again and again, up to 16 MiB or twice its size
};
const char* to_string(Damage damage);

struct Artifact {
  std::string label;  // "candidate", "previous", "current" ...
  std::string path;   // as written, variables replaced except ${image} and a driver's ${kernel}, which the
                      // plan fills in; relative to the file
  Mark mark;
  Damage damage = Damage::none;        // done to the file at `path` before it is delivered
  bool may_be_refused = false;         // its apply may fail; the guest must live on all the same
  std::vector<std::string> with = {};  // paths of a driver's other files, installed together with it
  std::string damaged_file = {};       // of content that is a folder: the one that `damage` is done to
};
// How an artifact is called where its path alone would not tell which bytes are meant: "a.bin (truncated)",
// "channels (x/y.bin truncated)".
std::string damaged_name(const std::string& path, Damage damage, const std::string& file = {});

using crash::Os;

// dkms: packages of sources, as Debian's -dkms packages are: the guest builds the modules for its own kernel.
enum class DriverKind { deb, rpm, kmod, script, inf, service, msi, dkms };

// From when on the driver must be found loaded.
enum class Loads {
  at_install,  // as soon as it is installed, and after each boot
  at_boot,     // after the next boot, and each one after it
  on_use,      // after it has been exercised, in each boot
};
const char* to_string(Loads loads);

// A command of the author's, and how long it may take on the guest's clock. 0: the usual limit.
struct Command {
  std::string run;
  Millis within{0};
  bool operator==(const Command&) const = default;
};
inline constexpr Millis shortest_within = std::chrono::seconds(1);
inline constexpr Millis longest_within = std::chrono::hours(24);

// A minifilter of Windows' Filter Manager: where its instance must be in every boot.
struct Filter {
  std::string altitude;                  // as the INF writes it: digits, perhaps with a fraction
  std::string volume;                    // as fltmc lists it
  std::vector<std::string> beside = {};  // other filters that must be attached as well
  bool operator==(const Filter&) const = default;
};

struct Driver {
  DriverKind kind = DriverKind::deb;
  // The kernel modules (Windows: the services) that must be loaded after every boot ('-' is written '_', as
  // Linux does); empty only for a script with a proof, or where services are named. Of kmod, in the order of
  // its files.
  std::vector<std::string> modules;
  std::vector<std::string> options;  // kmod: parameters; MODULE.name=value where there are several modules
  std::string install;      // script: the command; the artifact's path in the guest is $LABCTL_DRIVER
  std::string remove;       // script: the command that takes it away
  std::string start;        // service: boot, system or auto
  std::string certificate;  // inf: a file of the package that the guest is to trust
  std::optional<Filter> filter = {};  // Windows: the first service is a minifilter of this name
  Loads loads = Loads::at_install;
  std::vector<std::string> services;  // Linux: the candidate's own units of systemd, with their suffixes
  std::vector<std::string> bpf;       // Linux: programs that must be in the kernel, by name
  Millis within{0};  // how long its installation and its removal may take each; 0: the usual limit

  bool has(std::string_view module) const;  // by the name that the kernel has for it
};

// What Driver Verifier is to do with the candidate, on Windows.
enum class Verifier {
  off,
  standard,
  low_resources,
  code_integrity,  // standard, and what memory integrity would refuse
  full,            // the same, and every request pends and is logged
};
const char* to_string(Verifier verifier);
// The flags that it is started with, as verifier.exe takes them; 0 where it is started by another word.
std::uint32_t flags_of(Verifier verifier);

struct Content {
  std::string path;   // where it goes in the guest, absolute; of a folder's content with a '/' at its end
  std::string apply;  // the command that makes the driver take it; may be empty
  Millis within{0};   // how long copying it and `apply` may take; 0: the usual limit
  std::string unproved = {};  // why no proof shows that the driver uses it; empty: one does

  bool is_folder() const { return path.size() > 1 && path.ends_with('/'); }
};

struct Proof {
  std::string run;
  std::optional<std::string>
      prints;  // exact output, both sides trimmed; may hold ${content.sha256}, ${driver.sha256}
  int exit_code = 0;
  Millis within{0};  // 0: the usual limit
};

// Whether the proof's command names the content's file, so that it may look at the file and not ask the
// driver.
bool names_file(const Proof& proof, const Content& content);

// What runs beside the story: load of the author's, in every cell and its control.
struct Background {
  std::string run;         // a command for the guest's shell
  bool must_last = false;  // its end is the cell's failure; else it is only reported
  bool operator==(const Background&) const = default;
};
inline constexpr std::size_t most_background = 16;

// What a scenario says for one operating system family.
struct Guest {
  Os os = Os::linux_;
  Driver driver;
  Verifier verifier = Verifier::off;
  std::optional<Content> content;
  std::vector<Command> exercise;
  std::vector<Proof> proof;
  std::vector<Background> background = {};
};

enum class StepKind {
  install,
  place,  // the content's file, without a word to the driver
  apply,
  exercise,
  reboot,     // warm: the guest restarts itself
  cold_boot,  // the guest powers itself off and is switched on again
  power_cut,
  remove,
  reload,   // the driver is unloaded and loaded again, in one boot
  suspend,  // to RAM and back, in one boot
  crash,    // on purpose, into its crash kernel (kdump) and back
  update,   // a package of the operating system's; its control gets it as well
  run,
  wait,
  wait_for,  // a text on the console
};
bool boots(StepKind kind);

// When the power is cut.
enum class Moment { now, install, apply, boot };

struct Step {
  StepKind kind = StepKind::reboot;
  std::string text;   // run: the command; wait_for and power_cut: a text on the console, empty for none;
                      // update: the package's path, relative to the file
  std::string label;  // install, place, apply: which artifact; empty means the cell's own
  Millis wait{0};  // wait: how long; wait_for: at most; power_cut: after its moment has begun; 0: the default
  int times = 1;   // reboot xN, reload driver xN, suspend xN, crash and boot xN
  int exit_code = 0;                       // run
  std::optional<std::string> prints = {};  // run: exact output, both sides trimmed
  Moment moment = Moment::now;             // power_cut
  Millis within{0};  // how long what it does to the guest may take; 0: the usual limit; not of wait, wait_for
  Mark mark = {};
};
// As an author would write it, for people.
std::string to_text(const Step& step);

enum class Network { none, isolated };

inline constexpr std::size_t most_machine_keys = 8;

// A certificate that a machine with Secure Boot is to trust besides the distributions'.
struct MachineKey {
  std::string path;              // relative to the scenario
  std::string certificate = {};  // in DER; empty until somebody who may read files has read it
  Mark mark = {};
  bool operator==(const MachineKey& other) const {
    return path == other.path && certificate == other.certificate;
  }
};

// What `kernel: strict` stands for: a slab that is checked, memory that is poisoned, KFENCE where the kernel
// has it.
extern const std::vector<std::string> strict_kernel;

// The shape of a guest's machine.
struct Machine {
  std::string name;  // its label in `machines`; empty when there is no such axis
  int vcpus = 1;
  std::uint64_t memory = 1024ull << 20;  // bytes
  std::string cpu;                       // a model as QEMU names it; empty: all that the host can give
  Firmware firmware = Firmware::bios;
  DiskBus disk = DiskBus::virtio;
  Network network = Network::none;  // isolated: a card and an address, and nothing to be reached
  // Linux: what its kernel is given on its command line besides what the image gives it, `kernel: strict`
  // with its options among them.
  std::vector<std::string> cmdline = {};
  std::uint64_t disk_size = 0;            // bytes; 0: as large as the image's
  std::vector<std::string> devices = {};  // besides those that every machine has (devices.h)
  // Windows: memory integrity must run in every boot, and the machine has what it needs.
  bool memory_integrity = false;
  std::vector<MachineKey> keys = {};  // Linux, with uefi_secure: enrolled in shim's list
  bool operator==(const Machine&) const = default;
};

struct Policy {
  bool warnings_fail = true;
  bool new_errors_fail = false;  // what the candidate's cells alone log as an error
  int lab_retries = 1;
};

// One value per axis, in the order of axis_names.
extern const std::vector<std::string> axis_names;  // image, driver, content, machine, story
using Axes = std::vector<std::pair<std::string, std::string>>;

// The file with patterns of the author's own, see signatures.h. Its text is read later.
struct SignatureFile {
  std::string path;  // relative to the scenario
  Mark mark;
};

// A story by its label in `stories`.
struct NamedStory {
  std::string name;
  std::vector<Step> steps;
  Mark mark;
};

// How `bisect` takes content apart, with commands that run on the host, in the scenario's folder. Nothing of
// a run depends on it.
struct Split {
  std::vector<std::string> files;  // the records by name, when they are written in the scenario
  std::string records;             // else: a command that prints one record a line, of $LABCTL_CONTENT
  std::string subset;              // a command that makes $LABCTL_SUBSET of the records in $LABCTL_KEEP
  Mark mark;
};

struct Selector {  // an include or exclude entry
  Axes axes;
  Mark mark;
};

struct Scenario {
  std::string name;
  std::string source;  // how errors call the file
  std::string text;    // the file as read, for the bundle
  std::vector<Artifact> drivers;
  std::vector<Artifact> contents;
  // A label that stands for several: damaged variants that are written in one entry.
  std::map<std::string, std::vector<std::string>> content_groups;
  std::vector<std::pair<std::string, std::vector<std::string>>>
      matrix;                               // axis -> values, in the file's order
  std::map<std::string, Mark> image_marks;  // where each image is named first
  std::vector<Selector> include;
  std::vector<Selector> exclude;
  Machine machine;                // of every cell when the matrix has no axis of them
  std::vector<Machine> machines;  // what the axis chooses from
  std::optional<Guest> guest;
  std::optional<SignatureFile> signatures;
  std::vector<Step> story;          // of every cell when the matrix has no axis of them
  std::vector<NamedStory> stories;  // what the axis chooses from
  Millis settle{20000};
  Policy policy;
  std::vector<Acceptance> expect;
  std::optional<Split> split;
};

// The kernel module that a .ko file holds, by its name; empty when the name is none a module can have.
std::string module_of_file(const std::string& path);

// All mistakes at once, in the order of the file. `name` is how errors call the file.
struct Loaded {
  std::optional<Scenario> scenario;  // only when there is no mistake
  std::vector<Error> mistakes;
};
Loaded load(std::string_view yaml, const std::string& name, const Variables& variables);

// A waivers file. It has no variables: what is waived is read in one place.
struct LoadedWaivers {
  std::optional<std::vector<Acceptance>> waivers;  // only when there is no mistake
  std::vector<Error> mistakes;
};
LoadedWaivers load_waivers(std::string_view yaml, const std::string& name);

const char* to_string(As as);
const char* to_string(StepKind kind);
const char* to_string(Moment moment);
const char* to_string(DriverKind kind);
const char* to_string(Network network);

}  // namespace labctl::scenario
