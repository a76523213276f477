// What one operating system needs, as values: the commands that install, apply, prove and look for evidence
// inside a guest. Nothing here runs anything; a command's answer is judged in cell/.
//
// A Question is put to the guest agent and run by the guest's shell. Questions that must tell more than an
// exit code print "key=value" lines; read_facts() reads them back. Their answers are untrusted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/scenario/scenario.h"

namespace labctl::guest {

struct Question {
  std::string name;     // stable; a journal's answers are found by it
  std::string command;  // for /bin/sh -c
};

// The names of artefacts on the payload CD: "driver.deb", "content.bin"; with the label of one that is not
// the cell's own, "driver-previous.deb".
std::string driver_file(const scenario::Driver& driver, const std::string& label = {});
std::string content_file(const std::string& label = {});

// Ways to kill a guest on purpose, for the canary.
enum class Crash {
  nmi,    // the hypervisor injects an NMI that nobody expects
  panic,  // the kernel panics on request
  oops,   // a task dies in the kernel, which lives on
  hang,   // everything stops without a word
  reset,  // a triple fault
};
inline constexpr Crash every_crash[] = {Crash::nmi, Crash::panic, Crash::oops, Crash::hang, Crash::reset};
const char* to_string(Crash crash);

namespace linux_ {

// Kills the guest that runs it; never comes back but for an oops. Its command is empty where only the
// hypervisor can do it (nmi). An oops needs the image's canary module.
Question stage(Crash crash);

Question identify();    // boot_id=
Question booted();      // waits until the boot is over; system=
Question evidence();    // taint= boot_id= kernel=
Question kernel_log();  // the ring buffer as text
Question reboot();      // its answer may get lost on the way down
Question power_off();   // so may this one's
Question set_clock(long long unix_seconds);
Question deliver(const std::vector<std::string>& files);  // copies from the CD; <file>=<sha256>
Question install(const scenario::Driver& driver, const std::string& file);
Question remove(const scenario::Driver& driver, const std::string& file);
Question loaded(const scenario::Driver& driver, const std::string& file);  // state= version= build_id= file=
                                                                           // file_sha256= fresh= package=
// Copies the file to its path; apply also tells the driver. A copy that fails ends with status `not_copied`,
// which is nobody's word about the content.
Question place(const scenario::Content& content, const std::string& file);
Question apply(const scenario::Content& content, const std::string& file);
inline constexpr int not_copied = 126;
Question content_digest(const scenario::Content& content);  // content_sha256=

// Taint bits that a healthy kernel with an out-of-tree module never sets, as one letter each as the kernel
// prints them: M machine check, B bad page, D died (oops), W warned, L lockup. P, O, E and the like say
// nothing of health. Source: Documentation/admin-guide/tainted-kernels.rst.
std::string sick_taints(std::uint64_t before, std::uint64_t now);

}  // namespace linux_

// "key=value" lines; other lines are ignored, at most 64 keys are read. One that is told twice and
// differently has a value that is right nowhere.
using Facts = std::map<std::string, std::string>;
Facts read_facts(std::string_view output);

}  // namespace labctl::guest
