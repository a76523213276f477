// One guest, a handful of verbs. What a guest does on its own arrives as Signs; what is asked of it returns a
// Result. A Machine knows nothing of cells, crashes or verdicts. libvirt/ is one way of having machines;
// tests have a fake.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/base/pc.h"
#include "labctl/base/result.h"
#include "labctl/base/units.h"

namespace labctl::machine {

enum class Accel { tcg, kvm };

// The PC that a guest's system is made for. hyperv: the clock in local time, Hyper-V's enlightenments and its
// panic device, which takes a bug check's code, and with Secure Boot a TPM.
enum class Platform { generic, hyperv };

struct Shape {
  int vcpus = 1;
  std::uint64_t memory = 1024ull << 20;  // bytes
  std::string cpu = {};                  // a model as QEMU names it; empty: all that the host can give
  Firmware firmware = Firmware::bios;
  DiskBus disk = DiskBus::virtio;
  bool network = false;  // a card that reaches nothing: no host, no other guest, no world
  Platform platform = Platform::generic;
  // What its disk is prepared with before its snapshot is made: words of its kernel's command line, and a
  // size in bytes (0: the image's).
  std::vector<std::string> cmdline = {};
  std::uint64_t disk_size = 0;
  std::vector<std::string> devices = {};  // besides its own, by the names of devices.h
  bool memory_integrity = false;       // the CPU can virtualize, for Windows' own hypervisor below its kernel
  std::vector<std::string> keys = {};  // certificates in DER that shim is to trust; with uefi_secure
  bool is_prepared() const { return !cmdline.empty() || disk_size != 0; }
  bool operator==(const Shape&) const = default;
};

// Why QEMU cannot save a running guest of this shape; empty when it can. Such a guest is booted instead.
std::string why_no_snapshot(const Shape& shape);
// "2x1024M", "1x1024M-uefi-nvme": for names of files.
std::string slug_of(const Shape& shape);

// Everything that makes one guest, as a value: domain_xml(spec) is computed from it and nothing else. A live
// snapshot can only be restored into the very same definition; name, uuid and disk path may differ.
struct Spec {
  std::string name;
  Shape shape;
  Accel accel = Accel::tcg;
  std::filesystem::path disk;  // qcow2, written to
  // UEFI: the guest's own variables, written to; made from the firmware's template when it is not there.
  std::filesystem::path nvram = {};
  bool vnc = false;  // its screen on the loopback, for everybody on this host
};

// ---- signs: what the outside sees, in the order it happened ----
struct ConsoleBytes {
  std::string bytes;
};
struct ConsoleEnded {
  std::string why;
};  // the stream closed while the guest should be running
struct GuestReset {
  bool by_guest = true;
};  // one RESET event; a single reboot gives several
struct GuestStopped {
  bool by_guest = true;
  std::string reason;
};  // powered off or shut down
// It has put its machine to sleep (ACPI S3): its memory is kept, and nothing runs until it is woken.
struct GuestSuspended {};
struct GuestWoken {};  // whoever did it
struct GuestPanicked {
  bool crash_loaded = false;
  std::string details;
};  // the panic device reported
struct AgentLink {
  bool up = false;
};  // the agent opened or closed its end of the channel
// What made a hypervisor go away: the host or somebody on it (a signal, a full disk, a lost connection), or
// the hypervisor itself, which stopped the guest or died. Of the last two the guest may be the cause.
enum class Cause { host, stopped, died };
struct Lost {
  std::string why;
  Cause cause = Cause::host;
};  // the hypervisor process died or its connection was lost

using Notification = std::variant<ConsoleBytes, ConsoleEnded, GuestReset, GuestStopped, GuestPanicked,
                                  AgentLink, Lost, GuestSuspended, GuestWoken>;

// Called on the hypervisor's thread: must return quickly and must not call back into the Machine.
using Sink = std::function<void(Notification)>;

// snapshot and before are states inside the guest's disk: the settled machine that cells start from, and a
// moment of a story that somebody wanted to come back to.
enum class From { power_on, snapshot, before };

// What explains a failure. Errors are the lab's.
class Diagnosable {
 public:
  virtual ~Diagnosable() = default;
  virtual Status inject_nmi() = 0;  // to every vCPU; what the guest makes of it is its own affair
  virtual Status screenshot(const std::filesystem::path& png) = 0;  // of a dead guest too
  // How long the guest wanted a CPU and did not get one, since start: its vCPU threads' time in the host's
  // run queues, and the time that it was stopped from outside, by us or by a debugger. Never goes back.
  // Deadlines are stretched by it, so that a busy host makes guests slow and not guilty.
  virtual Millis cpu_wait() const = 0;
  // As given to the hypervisor, for the bundle; see definition_difference().
  virtual std::string definition() const = 0;
};

class Checkpointable {
 public:
  virtual ~Checkpointable() = default;
  // Stores the running state inside the guest's disk, where start(as) finds it, in the place of an earlier
  // one. The guest is paused afterwards, also when it fails; resume() lets it go on. Errors are the lab's.
  virtual Status save(From as) = 0;
};

class Suspendable {
 public:
  virtual ~Suspendable() = default;
  // Lets a guest go on that has put its machine to sleep. Errors are the lab's, also of one that is awake.
  virtual Status wake() = 0;
};

// What a person wants of a guest that is held. Errors are the lab's.
class Debuggable {
 public:
  virtual ~Debuggable() = default;
  virtual Status type(std::string_view bytes) = 0;  // as if typed on the serial console
  // Its memory as a kdump file, compressed with zlib, which `crash` reads. The guest stands still meanwhile.
  virtual Status dump(const std::filesystem::path& file) = 0;
  // QEMU listens for a debugger on this TCP port of the loopback, and from then on the debugger may stop the
  // guest.
  virtual Status listen_for_gdb(int port) = 0;
  // Where a VNC viewer finds the screen, "127.0.0.1:5900"; an error when the machine was made without.
  virtual Result<std::string> vnc() const = 0;
};

// Destroying it ends the guest. Errors of every verb are the lab's (Fault::lab) where nothing else is said.
class Machine {
 public:
  virtual ~Machine() = default;

  // Console and every other channel are attached before the first instruction runs (or before the restored
  // state goes on).
  virtual Status start(From from) = 0;

  // One guest agent command and its "return" value. Errors: Fault::lab when it did not answer within
  // `patience`, Fault::input when it answered that it cannot.
  // Safe to call from one thread while signs arrive on another.
  virtual Result<Json> ask(const Json& command, Millis patience) = 0;

  virtual Status insert_cd(const std::filesystem::path& iso) = 0;  // in the place of the one that is in
  virtual Status power_cut() = 0;                                  // cold reset, the guest is not notified
  // Lets a guest go on that was paused: by its panic device, or by save(). Nothing happens to one that runs.
  virtual Status resume() = 0;

  // Ends the guest now; questions that wait for an answer return an error. Everything else fails from then
  // on, but for cpu_wait() and definition(). Destroying does it too.
  virtual void end() = 0;

  // What not every machine can do: null where it cannot. They live as long as the machine.
  virtual Diagnosable* diagnosable() { return nullptr; }
  virtual Checkpointable* checkpointable() { return nullptr; }
  virtual Debuggable* debuggable() { return nullptr; }
  virtual Suspendable* suspendable() { return nullptr; }
};

// Of a machine that is not diagnosable: no wait that is known of, and an empty text.
Millis cpu_wait(Machine& machine);
std::string definition_of(Machine& machine);
// An error where the machine has no such interface.
Status inject_nmi(Machine& machine);
Status screenshot(Machine& machine, const std::filesystem::path& png);
Status save(Machine& machine, From as);
Status dump(Machine& machine, const std::filesystem::path& file);
Status wake(Machine& machine);

// Two definitions as Diagnosable::definition() gives them, compared but for what no two machines share:
// names, paths and identities. "`<vcpu>2</vcpu>` instead of `<vcpu>1</vcpu>`", at most a few; empty when a
// guest could not tell them apart.
std::string definition_difference(const std::string& then, const std::string& now);

struct HostFacts {
  std::string hypervisor;  // "QEMU 7.2.22, libvirt 9.0.0"
  Accel accel = Accel::tcg;
  std::string accel_reason;  // one sentence for people: why this one
  std::string machine_type;  // versioned, e.g. "pc-q35-7.2"
  std::string architecture;  // of its guests: "x86_64"
  std::string cpu;           // of the host: "AMD EPYC 9354 32-Core Processor"; empty: not known
  // Whether a guest with several vCPUs can be had whose code TCG translates in one thread. In several it
  // invents crashes.
  bool one_thread = false;
  std::string fingerprint;  // changes when a live snapshot made before can no longer be trusted
};

enum class AccelMode { automatic, kvm, tcg };

struct HostOptions {
  std::string uri = "qemu:///embed";  // anything else is opened as it is
  AccelMode accel = AccelMode::automatic;
  std::filesystem::path runtime;  // short path for the private root: sockets must stay below 108 bytes
  std::filesystem::path cache;    // kept between runs: capabilities, acceleration proof
};

// The hypervisor of this host. One per process, because a process can hold one embedded root.
class Host {
 public:
  virtual ~Host() = default;
  virtual const HostFacts& facts() const = 0;
  virtual Result<std::unique_ptr<Machine>> create(const Spec& spec, Sink sink) = 0;
};

// Errors: libvirt or QEMU missing, the root cannot be made, the asked acceleration does not work.
Result<std::unique_ptr<Host>> open_host(const HostOptions& options);
using HostOpener = std::function<Result<std::unique_ptr<Host>>(const HostOptions&)>;

// Guests whose owner is gone: a predecessor that was killed leaves its private root with running QEMUs in it.
struct Orphan {
  std::filesystem::path root;
  std::vector<int> pids;
};
std::vector<Orphan> find_orphans(const std::filesystem::path& runtime_base);
// `runtime_base` is where it was found.
Status end_orphan(const std::filesystem::path& runtime_base, const Orphan& orphan);

const char* to_string(Accel accel);

}  // namespace labctl::machine
