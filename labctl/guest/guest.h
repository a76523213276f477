// What one operating system needs, as values: the commands that install, apply, prove and look for evidence
// inside a guest. Nothing here runs anything; a command's answer is judged in cell/.
//
// A Question is put to the guest agent and run by the guest's shell. Questions whose answer is more than an
// exit code print "key=value" lines; read_facts() reads them back. Their answers are untrusted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/scenario/scenario.h"

namespace labctl::guest {

struct Question {
  std::string name;     // stable; a journal's answers are found by it
  std::string command;  // for the system's shell
};

// What the agent runs to have a command run: a program and its arguments; the command becomes the last one.
using Shell = std::vector<std::string>;

using Files = std::vector<std::string>;

// The names of artifacts on the payload CD: "driver.deb", "content.bin"; with the label of one that is not
// the cell's own, "driver-previous.deb"; with its place in an artifact of several files, "driver+1.deb".
std::string driver_file(const scenario::Driver& driver, const std::string& label = {}, std::size_t place = 0);
std::string content_file(const std::string& label = {});
// Of a folder's content two: its manifest, whose digest is the content's, and beside it all its files in a
// tar.
std::string manifest_file(const std::string& label = {});
std::string tar_of(const std::string& manifest_file);
// Of a package by which the operating system is updated, and before which `place` others came:
// "update+1.deb".
std::string update_file(const std::string& path, std::size_t place);
bool is_tar(std::string_view file);  // such a one, whose digest nobody has named
// Whether a file on the CD is the first one of a driver.
bool begins_driver(std::string_view file);
// The driver's files on the CD, of which this is the first one, in their order.
Files driver_files(const std::map<std::string, std::string>& payload, const scenario::Driver& driver,
                   const std::string& first);
// What of a driver is tied to its bytes: its modules and, but for a bare module, its services (not sockets
// and timers). One that is empty where it has neither: nothing ties it. Not the modules that the guest builds
// (dkms): what ties them is in the guest.
std::vector<std::string> subjects_of(const scenario::Driver& driver);
// By what event::Opened names the builds of one of them: the driver's first file, and behind a ':' the
// subject where that is not its only module.
std::string builds_key(const scenario::Driver& driver, const std::string& first, const std::string& subject);

// Ways to kill a guest on purpose, for the canary.
enum class Crash {
  nmi,    // the hypervisor injects an NMI that nobody expects
  panic,  // the kernel panics on request (Windows: a stop)
  oops,   // a task dies in the kernel, which goes on running
  hang,   // everything stops without a word
  reset,  // a triple fault
};
inline constexpr Crash every_crash[] = {Crash::nmi, Crash::panic, Crash::oops, Crash::hang, Crash::reset};
const char* to_string(Crash crash);

// What differs in how the guests of one system fail, and in how they are reached. Whoever must know asks for
// the one thing that matters there, and never which system it is.
struct Traits {
  // After its panic device has spoken, a guest that crashed paints its screen, writes a dump, boots again by
  // itself and can then be asked. Otherwise it stays dead, and what it had to say has been said.
  bool reboots_by_itself = false;
  bool panic_has_stop_code = false;     // the panic device says which crash it is
  bool crash_on_many_channels = false;  // console, panic device, screen, records: one crash, several findings
  bool reads_screen = false;            // the text on the screen of a crash is read
  bool reads_disk = false;              // a dead one's dumps and logs can be read off its disk
  bool records_power_cuts = false;      // a power cut that was asked for stands in its log like a crash
  bool sends_dumps = false;             // its last answers are large and take as long as any other
  bool kernel_log_is_records = false;  // kernel_log() gives events of an event log, and no lines of a console
  bool panic_needs_tool = false;       // stage(Crash::panic) works only where an image brings a tool for it
  bool wants_joliet = false;           // reads long file names of a CD in no other form
  bool hyperv_platform = false;        // made for Hyper-V: its machine has what that one offers
  // The last thing that the kernel says before it restarts the machine, and before it switches it off, at its
  // most severe level: a console that does not show it is muted. Empty where the system has no such line.
  const char* restart_line = "";
  const char* power_off_line = "";
  bool nmi_panics = false;   // the kernel panics when the hypervisor injects an NMI, however it is stuck
  bool shows_build = false;  // what is in memory tells which build of a driver it is
  // What an image needs whose kernel is not on the serial console, and one without a CD drive.
  const char* console_hint = "";
  const char* drive_hint = "";
};

// Every answer that an operating system must be able to give. Whoever judges answers asks through this and
// never one system directly.
class System {
 public:
  virtual ~System() = default;
  virtual Shell shell() const = 0;

  // A command of the author's.
  virtual Question own(const std::string& name, const std::string& command) const = 0;

  virtual Question identify() const = 0;  // boot_id=
  virtual Question booted() const = 0;    // waits until the boot is over; system=
  // Of an image's first boot: as booted(), and what was written is on its disk; system=, and failed=, what
  // did not start.
  virtual Question settle() const = 0;
  virtual Question cd_drive(Millis limit) const = 0;  // ends well when there is one; waits at most so long
  // boot_id= kernel=, and taint= or crash_records=; where there are such, the threads of sleepers.h
  virtual Question evidence() const = 0;
  // Has the kernel say `text` on its console, at this severity or, where it is empty, the least severe one
  // that the console shows now; console_level= severity= devkmsg= logged=, and as evidence() the sleepers.
  // Its command is empty where a kernel that is well says nothing on the console.
  virtual Question console_check(const std::string& text, const std::string& severity) const = 0;
  // The kernel's log of this boot, and at its end whether it is whole: log=whole. Empty: there is no such
  // log.
  virtual Question whole_log() const { return {}; }
  virtual Question kernel_log() const = 0;  // what the system has written down of its own health, as text
  // Put to a guest that failed, if it still answers.
  virtual std::vector<Question> last_questions() const = 0;
  virtual Question reboot() const = 0;     // its answer may get lost on the way down
  virtual Question power_off() const = 0;  // so may this one's
  // Puts the guest's machine to sleep (ACPI S3) and ends when it is awake again, with another status when the
  // kernel refused; done once for each number. Its command is empty where the system cannot do that.
  virtual Question suspend(int) const { return {"suspend", {}}; }
  // Whether a crash kernel is loaded, crash_kernel= (1 or 0), and whether a dump can be read, makedumpfile=.
  // Its command is empty where the system cannot be crashed on purpose.
  virtual Question crash_kernel() const { return {"crash-kernel", {}}; }
  // Has the kernel say `text` at this severity and crashes it; done once for each number, whoever asks again
  // and in whichever boot. Ends with another status than 0 when the kernel did not crash.
  virtual Question crash(int number, const std::string&, const std::string&) const {
    return {"crash-" + std::to_string(number), {}};
  }
  // The dump of that crash, behind it: dump=, its path, nothing where there is none; size= finished= form=
  // (right or wrong) read= text= (whether it holds the text), perhaps why=. A whole one is removed.
  virtual Question crash_dump(int, const std::string&) const { return {"crash-dump", {}}; }
  // Empty where a clock that jumps would change the boot's identity.
  virtual Question set_clock(long long unix_seconds) const = 0;
  // Copies from the CD; <file>=<sha256>
  virtual Question deliver(const std::vector<std::string>& files) const = 0;
  // `files`: the driver's own on the CD, the first one first.
  virtual Question install(const scenario::Guest& guest, const Files& files) const = 0;
  virtual Question remove(const scenario::Guest& guest, const Files& files) const = 0;
  // Takes the installed driver out of the kernel, and puts it back: its modules in reverse order behind its
  // services, and then all of them again. Their commands are empty where the system cannot do that.
  virtual Question unload(const scenario::Guest&) const { return {"unload", {}}; }
  virtual Question load(const scenario::Guest&) const { return {"load", {}}; }
  // Installs a package of the operating system's, the file on the CD: kernels=, the releases of those that it
  // holds, with spaces between. Its command is empty where the system cannot do that.
  virtual Question update(const std::string&) const { return {"update", {}}; }
  // Of one of the driver's modules: state= version= srcversion= build_id= file= file_sha256= fresh= package=,
  // perhaps why= (load_failure.h); of one that the guest built (dkms) built=, yes or what is wrong; without a
  // package where there are no files.
  virtual Question loaded(const scenario::Guest& guest, const std::string& module,
                          const Files& files) const = 0;
  // Of a unit of the service manager, as systemctl names them: LoadState= ActiveState= SubState= NRestarts=
  // InvocationID= MainPID=; and of its main process program= program_sha256= script= script_sha256=. Its
  // command is empty where services are drivers.
  virtual Question service(const std::string&) const { return {"service", {}}; }
  // Begins the author's command number `number`, from 1, and does not wait for it; and of one that was begun
  // in this boot, running=, and of one that has ended its status=. Their commands are empty where the system
  // cannot do that.
  virtual Question begin_load(int, const std::string&) const { return {"begin-load", {}}; }
  virtual Question load_state(int) const { return {"load-state", {}}; }
  // Of the driver's BPF programs: tags.NAME= (with spaces between), jit=; and package= where there are files
  // of one. Its command is empty where there is no BPF.
  virtual Question bpf(const scenario::Guest&, const Files&) const { return {"bpf", {}}; }
  // Of a driver that is a minifilter: filter=, loaded or absent; instances=, "VOLUME@ALTITUDE" with '|'
  // between; beside=, other filters as "NAME@ALTITUDE". Its command is empty where there is no such thing.
  virtual Question filter(const scenario::Guest&) const { return {"filter", {}}; }
  // What guards the kernel: vbs=, services_running=, as Win32_DeviceGuard numbers them. Its command is empty
  // where nothing of the kind exists.
  virtual Question guard() const { return {"guard", {}}; }
  // Copies the file to its path; apply also notifies the driver. A copy that fails ends with status
  // `not_copied`, which says nothing about the content.
  virtual Question place(const scenario::Content& content, const std::string& file) const = 0;
  virtual Question apply(const scenario::Content& content, const std::string& file) const = 0;
  // content_sha256=; of a folder that of the manifest that its files would have, and differs=, the first
  // names of files that are not as delivered. `file` as for place.
  virtual Question content_digest(const scenario::Content& content, const std::string& file) const = 0;

  // Ways in which a guest can be killed on purpose.
  virtual std::vector<Crash> crashes() const = 0;
  // Kills the guest that runs it; never comes back but for an oops. Its command is empty where only the
  // hypervisor can do it (nmi). An oops needs the image's canary module.
  virtual Question stage(Crash crash) const = 0;

  // What a boot of this system is called by, exactly.
  virtual bool is_boot_id(const std::string& text) const = 0;
  // Whether the kernel keeps a mark of what went wrong in it, as Linux does.
  virtual bool taints() const = 0;
  // What people call the one that says how a boot went, and what a driver is here: its module, its service.
  virtual const char* overseer() const = 0;
  virtual const char* driver() const = 0;
  virtual Traits traits() const = 0;
};
const System& system_of(scenario::Os os);

// What System::update answered as kernels=. Nothing: one of them is no kernel's release.
std::optional<std::vector<std::string>> kernels_in(const std::string& told);

inline constexpr int not_copied = 126;

// Taint bits that a healthy Linux with an out-of-tree module never sets, as one letter each as the kernel
// prints them: F loaded by force, R unloaded by force, M machine check, B bad page, D died (oops), W warned,
// L lockup. P, O, E and the like say nothing of health. Source:
// Documentation/admin-guide/tainted-kernels.rst.
std::string fault_taints(std::uint64_t before, std::uint64_t now);

// "key=value" lines; other lines are ignored, at most 64 keys are read. One that is given twice and
// differently has a value that is right nowhere.
using Facts = std::map<std::string, std::string>;
Facts read_facts(std::string_view output);

}  // namespace labctl::guest
