// The guest's kernel is crashed on purpose; its crash kernel (kdump) must save a dump and boot the guest
// again. Nothing is taken from one witness: the console shows the text that was written right before, the
// panic that was asked for and the crash kernel's start, the hypervisor shows the reset behind it, and the
// guest shows a whole dump that holds the text.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/cell/proving.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

// As the kernel's panic() is called for a 'c' in /proc/sysrq-trigger, since Linux 5.0.
const std::string our_panic = "kernel panic: sysrq triggered crash";

// One that could not be known before this cell began.
std::string text_of_crash(const event::Opened& opened, int number) {
  return sha256(fmt::format("{} crash {}", opened.seed, number)).substr(0, 24);
}

std::string dump_of(const guest::Facts& facts) {
  return fmt::format("the dump {}", printable(fact(facts, "dump"), 120));
}

// Nothing is wrong with it: empty.
std::string fault_of_dump(const guest::Facts& facts) {
  if (fact(facts, "size").find_first_of("123456789") == std::string::npos) return "is empty";
  if (fact(facts, "finished") != "yes") return "was begun and not finished";
  if (fact(facts, "form") != "right") return "is neither one of makedumpfile nor an ELF core";
  if (fact(facts, "read") != "yes") return "cannot be read to its end";
  if (fact(facts, "text") != "yes") return "does not hold what was written to the kernel's log right before";
  return {};
}

}  // namespace

bool crashes_on_purpose(const plan::Cell& cell) {
  return std::any_of(cell.story.begin(), cell.story.end(),
                     [](const auto& step) { return step.kind == scenario::StepKind::crash; });
}

// Its command is put together when it is due: it needs to know how the console was in the beginning.
Operation crash_on_purpose(const guest::System& os, const event::Opened& opened, const outcome::StepId& step,
                           int number, int begins_boot) {
  const std::string text = text_of_crash(opened, number);
  return {.wait = Wait::crash,
          .step = step,
          .question = {os.crash(number, {}, {}).name, {}},
          .marker = text,
          .listen = {text},
          .begins_boot = begins_boot,
          .number = number};
}

Operation prove_dump(const guest::System& os, const event::Opened& opened, const outcome::StepId& step,
                     int number) {
  return {.wait = Wait::answer,
          .check = Check::dump,
          .step = step.with("dump", outcome::Activity::boot),
          .question = os.crash_dump(number, text_of_crash(opened, number))};
}

// Before the candidate is there it is the image that has none.
void CellMachine::judge_crash_kernel(const guest::Facts& facts) {
  const bool loaded = fact(facts, "crash_kernel") == "1";
  if (loaded && fact(facts, "makedumpfile") == "yes") return;
  const std::string what = loaded ? "the guest has no makedumpfile, which reads its dump"
                                  : "the guest has no crash kernel loaded (/sys/kernel/kexec_crash_loaded)";
  if (s_.candidate_in) return fail(Ending::altered, fmt::format("{} any more", what));
  lab(fmt::format("{}; 'crash and boot' needs an image with kdump, as debian-12-linux-6.1-kdump has it",
                  what));
}

void CellMachine::begin_crash() {
  s_.crash_boot = {};
  s_.boot_id.clear();  // nobody is left who could clear a line of this boot
  actions_.push_back(Ask{os().crash(operation().number, operation().marker, s_.console_severity)});
}

// Its command never comes to its end, or it did not do its work. Asked again behind the crash, it does
// nothing.
void CellMachine::judge_crash(const event::Answer& answer) {
  const bool ours = answer.question == operation().question.name;
  if (!ours || !answer.answered || answer.exit_code == 0 || s_.down || s_.crash_boot.panicked) return;
  fail(s_.candidate_in ? Ending::not_loaded : Ending::lab_failed,
       fmt::format("the guest did not crash on purpose: '{}' ended with status {}{}", answer.question,
                   answer.exit_code, last_words(answer)));
}

// The one panic that was asked for, on the console, before the machine was reset. It is listed.
bool CellMachine::is_of_our_crash(const crash::Finding& finding, Channel channel) {
  auto& own = s_.crash_boot;
  const bool ours = s_.phase == Phase::running && waits_for(Wait::crash) && !s_.down &&
                    channel == Channel::console && finding.title == our_panic &&
                    (!own.panicked || finding.offset == own.offset);
  if (!ours) return false;
  if (own.panicked) return true;  // its report goes on
  own.panicked = true;
  own.offset = finding.offset;
  crash::Finding provoked = finding;
  provoked.suppressed = "provoked: labctl crashed the guest for its dump";
  note(provoked, channel);
  return true;
}

// The panic device speaks once, of the same panic.
bool CellMachine::is_of_our_crash(const event::Panicked& panicked) {
  auto& own = s_.crash_boot;
  const bool ours =
      s_.phase == Phase::running && waits_for(Wait::crash) && !s_.down && !own.kernel && !own.device_told;
  if (!ours) return false;
  own.device_told = true;
  if (panicked.crash_loaded) return true;
  s_.dead = true;
  fail(s_.candidate_in ? Ending::altered : Ending::lab_failed,
       "the panic device reports that the guest crashed without a crash kernel loaded");
  return true;
}

void CellMachine::crash_kernel_starts() {
  if (s_.crash_boot.kernel)
    return crash("crash kernel started twice",
                 "the crash kernel started again instead of resetting the machine", Channel::console);
  s_.crash_boot.kernel = true;
}

// The machine is reset: by a crash kernel, behind the panic that was asked for?
bool CellMachine::ends_crash() {
  if (!s_.crash_boot.kernel) {
    const std::string what = "the machine was reset, and no crash kernel had started";
    if (s_.candidate_in)
      crash("unrequested reset", what, Channel::resets);
    else
      lab(what);
  } else if (s_.said.count(operation().marker) == 0) {
    crash("crash before it was requested",
          "the guest crashed without what labctl writes to the console right before", Channel::console);
  } else if (!s_.crash_boot.panicked) {
    fail_silent_console("the console shows the start of the crash kernel, and not the panic before it");
  }
  return s_.phase == Phase::running;
}

void CellMachine::check_crash() {
  const Millis own = operation().limit;
  const Millis limit = own > Millis(0) ? own : p_.crash, up = own > Millis(0) ? own : p_.up;
  if (s_.down) {
    if (s_.guest_time() - s_.first_reset > up)
      fail(Ending::hung, "the guest did not come back from its crash on purpose");
  } else if (s_.guest_time() - s_.operation_began > limit) {
    fail(Ending::hung, fmt::format("{} within {}",
                                   s_.crash_boot.kernel     ? "the crash kernel did not reset the machine"
                                   : s_.crash_boot.panicked ? "the crash kernel did not start"
                                                            : "the guest did not crash on purpose",
                                   show_duration(limit)));
  }
}

void CellMachine::judge_dump(const event::Answer& answer, const guest::Facts& facts) {
  const Ending ending = s_.candidate_in ? Ending::not_loaded : Ending::lab_failed;
  if (fact(facts, "dump").empty())
    return fail(ending, fmt::format("the crash kernel started, and there is no dump{}", last_words(answer)));
  if (const std::string fault = fault_of_dump(facts); !fault.empty())
    fail(ending, fmt::format("{} {}{}", dump_of(facts), fault,
                             fact(facts, "why").empty() ? "" : ": " + printable(fact(facts, "why"), 160)));
}

}  // namespace labctl::cell
