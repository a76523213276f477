// What an answer proves. Everything here was said by a guest: what is not there, is malformed or is not
// exactly what was wanted proves nothing.

#include <fmt/core.h>

#include <utility>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/guest/load_failure.h"
#include "labctl/outcome/blame.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

// F, R: they say nothing of health, but of how modules came and went.
const std::string forced_taints = "FR";

// What stands in a digest's place when there is no such file.
const std::string gone = "absent";

constexpr int most_failed_services = 20;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
}

// A number that is none reads as every bit set: it proves nothing.
std::uint64_t number(const std::string& text) { return is_number(text) ? std::stoull(text) : ~0ull; }

// On one line, whatever ends a guest's lines.
std::string tail(std::string_view output) {
  std::vector<std::string> lines;
  for (const auto& line : split(output, '\n'))
    if (const auto words = trim(line); !words.empty()) lines.emplace_back(words);
  const std::string text = join(lines, "; ");
  return printable(text.size() > 160 ? std::string_view(text).substr(text.size() - 160) : text);
}

std::string without(std::string letters, const std::string& others) {
  std::erase_if(letters, [&](char letter) { return others.find(letter) != std::string::npos; });
  return letters;
}

// As Linux and Windows say it.
bool says_no_space(std::string_view output) {
  return output.find("No space left on device") != std::string_view::npos ||
         output.find("not enough space on the disk") != std::string_view::npos;
}

// "a.bin|b.bin|": " (a.bin, b.bin)".
std::string files_in_words(const std::string& names) {
  std::string text;
  for (const auto& name : split(names, '|'))
    if (!name.empty()) text.append(text.empty() ? " (" : ", ").append(printable(name, 80));
  return text.empty() ? text : text + ")";
}

// What the system itself wrote down of it.
std::string why_not_loaded(const std::string& why) {
  const std::string words = guest::load_failure(why);
  return words.empty() ? words : ": " + words;
}

}  // namespace

std::string last_words(const event::Answer& answer) {
  return answer.output.empty() ? std::string() : ": " + tail(answer.output);
}

// Returns with the cell still running when the operation is done.
void CellMachine::judge(const event::Answer& answer) {
  const auto facts = guest::read_facts(answer.output);
  const Operation& op = operation();
  if (op.check == Check::content_there) return judge_content_there(answer);
  if (op.check == Check::without) return judge_without(answer);
  if (op.check == Check::load_begun) return judge_load_begun(answer);
  if (op.check == Check::load) return judge_load(answer, facts);
  if (op.check == Check::update) return judge_update(answer, facts);
  if (is_not_yet(answer, facts)) return ask_later();
  if (is_refusal(answer)) return;
  if (s_.opened.earned() && op.of_payload && answer.exit_code == guest::not_copied &&
      says_no_space(answer.output))
    return lab(
        fmt::format("the guest's disk has no room for what is copied into it: '{}' ended with status {}{} "
                    "(give the image a larger disk)",
                    answer.question, answer.exit_code, last_words(answer)));
  if (answer.exit_code != 0 && op.check != Check::proof && op.check != Check::ran) {
    const bool theirs = op.check == Check::exit_zero;
    return fail(
        theirs ? Ending::not_loaded : unable(),
        fmt::format("'{}' ended with status {}{}", answer.question, answer.exit_code, last_words(answer)));
  }
  judge_facts(answer, facts);
}

// What the answer of a command that did its work says.
void CellMachine::judge_facts(const event::Answer& answer, const guest::Facts& facts) {
  switch (operation().check) {
    case Check::none:
    case Check::exit_zero:
    case Check::content_there:
    case Check::without:
    case Check::load_begun:
    case Check::load:
    case Check::update:
      return;
    case Check::baseline:
      return judge_baseline(facts);
    case Check::before:
      return judge_before(facts);
    case Check::delivered:
      return judge_delivered(facts);
    case Check::identified:
      return judge_identity(fact(facts, "boot_id"));
    case Check::loaded:
      return judge_loaded(facts);
    case Check::settled:
    case Check::booted:
      return judge_boot_end(facts);
    case Check::absent:
    case Check::service_gone:
    case Check::filter_gone:
    case Check::unloaded:
      return judge_gone(facts);
    case Check::service_before:
      return judge_service_before(facts);
    case Check::service:
      return judge_service(facts);
    case Check::bpf_before:
      return judge_bpf_before(facts);
    case Check::bpf:
      return judge_bpf(facts);
    case Check::bpf_gone:
      return judge_bpf_gone(facts);
    case Check::filter:
      return judge_filter(facts);
    case Check::guard_before:
    case Check::guard:
      return judge_guard(facts);
    case Check::content:
      return judge_content(facts);
    case Check::ran:
    case Check::proof:
      return judge_proof(answer);
    case Check::evidence:
      return judge_evidence(facts);
    case Check::kernel_log:
      if (trim(answer.output).empty()) return fail(unable(), "the guest's kernel log is empty");
      note_allowed_taint();
      return judge_taint(std::exchange(s_.taint_to_explain, {}));
    case Check::crash_kernel:
      return judge_crash_kernel(facts);
    case Check::dump:
      return judge_dump(answer, facts);
    case Check::console:
      return judge_console(facts);
  }
}

void CellMachine::judge_delivered(const guest::Facts& facts) {
  for (const auto& [file, digest] : s_.opened.payload)
    if (!is_sha256(digest) || fact(facts, file) != digest) return altered(file, fact(facts, file));
}

void CellMachine::judge_content(const guest::Facts& facts) {
  const std::string& expected = operation().expected_sha256;
  if (!is_sha256(expected) || fact(facts, "content_sha256") != expected)
    altered(fmt::format("the content{}", files_in_words(fact(facts, "differs"))),
            fact(facts, "content_sha256"));
}

// A failed service ("degraded") is not ours to judge; what must work has a proof of its own.
void CellMachine::judge_boot_end(const guest::Facts& facts) {
  const std::string system = fact(facts, "system");
  if (system != "running" && system != "degraded" && system != "unknown")
    fail(operation().check == Check::settled ? Ending::lab_failed : Ending::recovery,
         fmt::format("the boot did not end well: {} says '{}'", os().overseer(), printable(system, 40)));
}

// Only a positive word says that something is gone.
void CellMachine::judge_gone(const guest::Facts& facts) {
  const Check check = operation().check;
  const std::string& subject = operation().subject;
  const std::string state = fact(facts, "state"), active = fact(facts, "ActiveState");
  if (check == Check::absent && state != "absent")
    fail(Ending::not_loaded, fmt::format("the {} is still there after its removal", called(subject)));
  if (check == Check::service_gone && (active == "active" || active.empty()))
    fail(Ending::not_loaded, fmt::format("the service {} is still active after its removal", subject));
  if (check == Check::filter_gone && fact(facts, "filter") != "absent")
    fail(Ending::not_loaded, fmt::format("the minifilter {} is still loaded", subject));
  if (check == Check::unloaded && state != "absent" && state != "stopped")
    fail(Ending::not_loaded, fmt::format("the {} still runs after it was unloaded", called(subject)));
}

// A positive word of refusal, where that is allowed. Whoever was killed or could not even begin has refused
// nothing.
bool CellMachine::is_refusal(const event::Answer& answer) {
  const Operation& op = operation();
  if (answer.exit_code <= 0 || answer.exit_code >= guest::not_copied) return false;
  if (!op.may_be_refused) return op.uses_content && s_.refused;
  s_.refused = true;
  crash::Finding finding;
  finding.title = "content refused";
  finding.kind = crash::Kind::other;
  finding.severity = crash::Severity::warning;
  finding.suppressed = fmt::format("the scenario allows it; '{}' ended with status {}{}", answer.question,
                                   answer.exit_code, last_words(answer));
  note(finding, Channel::evidence);
  return true;
}

void CellMachine::judge_baseline(const guest::Facts& facts) {
  const char* health = os().taints() ? "taint" : "crash_records";
  const std::string id = fact(facts, "boot_id"), taint = fact(facts, health);
  if (!os().is_boot_id(id) || !is_number(taint)) return lab("the guest's agent gives inconsistent answers");
  if (!os().taints() && number(taint) != 0)
    return lab(
        fmt::format("the image holds {}{} records of crashes before the candidate is there: dumps, or events "
                    "1001, 41 or 6008",
                    taint, fact(facts, "more_crash_records") == "yes" ? " or more" : ""));
  if (std::string letters = fault_taints(facts); os().taints() && !letters.empty())
    return lab(fmt::format("the image's kernel is tainted {} before the candidate is there", letters));
  s_.boot_id = id;
  s_.boot_ids.insert(id);
  if (os().taints()) s_.taint = number(taint);
  judge_cmdline(facts);
  note_usual_sleepers(facts);
  s_.kernel = fact(facts, "kernel");
  judge_built_for();
}

void CellMachine::judge_identity(const std::string& id) {
  if (!os().is_boot_id(id)) return fail(Ending::hung, "the guest came back without a boot identity");
  if (!s_.boot_ids.insert(id).second)
    return fail(Ending::hung, "the guest did not reboot: its boot identity was seen before");
  s_.boot_id = id;
  s_.taint = 0;
}

// By its name where there are several.
std::string CellMachine::called(const std::string& module) const {
  const std::string what = os().driver();
  return s_.cell.guest.driver.modules.size() > 1 ? what + " " + module : what;
}

void CellMachine::judge_loaded(const guest::Facts& facts) {
  const std::string name = std::string(os().driver()) + " " + operation().subject;
  State::Module& module = s_.modules[operation().subject];
  const std::string state = fact(facts, "state");
  // What the system will only load when it boots: nothing of it can be seen in this one.
  const bool since_now = module.pending && module.build_id == s_.boot_id;
  if (state == "pending" && (operation().new_driver || since_now) && !os().taints()) {
    module.pending = true;
    module.build_id = s_.boot_id;  // the only boot in which it may be so
    return;
  }
  const bool was_loaded = s_.opened.earned() && os().taints() && !operation().new_driver && !module.pending &&
                          !module.build_id.empty();
  if (was_loaded && (state != "live" || fact(facts, "build_id").empty()))
    return fail(Ending::not_loaded, fmt::format("the {} was loaded and has gone away since: it is {}{}{}{}",
                                                name, state.empty() ? "not there" : printable(state, 40),
                                                state == "live" ? ", without a build id" : "",
                                                module.other_kernel ? under_updates_kernel() : "",
                                                why_not_loaded(fact(facts, "why"))));
  // "builtin" is a module of the same name in the kernel itself, which is never the candidate.
  if (state != "live")
    return fail(Ending::not_loaded,
                fmt::format("the {} is {}{}", name, state.empty() ? "not there" : printable(state, 40),
                            why_not_loaded(fact(facts, "why"))));
  judge_file(facts);
  if (s_.phase == Phase::running) judge_verifier(facts);
  if (s_.phase != Phase::running) return;
  if (operation().new_driver || std::exchange(module.pending, false)) {
    module.build_id = fact(facts, "build_id");
    module.version = fact(facts, "version");
  } else if (module.other_kernel) {
    module.build_id = fact(facts, "build_id");  // the same source; the tie below says whose build it is
  }
  module.other_kernel = false;
  if (fact(facts, "build_id") != module.build_id || fact(facts, "version") != module.version)
    return fail(Ending::not_loaded, fmt::format("another build of {} is loaded than after the installation",
                                                operation().subject));
  if (ties()) judge_tie(facts);
}

// What is on the guest's disk is what was delivered, and what is in memory is what is on disk.
void CellMachine::judge_file(const guest::Facts& facts) {
  using scenario::DriverKind;
  const auto& driver = s_.cell.guest.driver;
  const std::string package = fact(facts, "package"), fresh = fact(facts, "fresh");
  if (fact(facts, "file_sha256") == gone) return altered("the driver", gone);
  const bool packaged = driver.kind == DriverKind::deb || driver.kind == DriverKind::inf ||
                        driver.kind == DriverKind::dkms ||
                        (driver.kind == DriverKind::rpm && s_.opened.earned());
  if (package != "right" && (packaged || !package.empty()))
    return fail(Ending::not_loaded, fmt::format("the package is in the wrong state: {}",
                                                package.empty() ? "nothing said" : printable(package, 120)));
  const bool bare = driver.kind == DriverKind::kmod || driver.kind == DriverKind::service;
  if (bare && fact(facts, "file_sha256") != operation().expected_sha256)
    return altered("the driver", fact(facts, "file_sha256"));
  if (fresh != "yes" && fresh != "unknown")
    return fail(Ending::not_loaded,
                fresh == "no"
                    ? fmt::format("the {} in memory is not the one on disk: another build is still loaded",
                                  called(operation().subject))
                    : "the guest did not report which build is loaded");
}

void CellMachine::judge_proof(const event::Answer& answer) {
  const scenario::Proof& proof = operation().proof;
  const char* noun = operation().check == Check::ran ? "the command '" : "the proof '";
  const std::string what = noun + printable(proof.run, 80) + "' ";
  if (answer.exit_code != proof.exit_code)
    return fail(Ending::not_loaded,
                fmt::format("{}ended with status {}{}{}", what, answer.exit_code,
                            proof.exit_code == 0 ? "" : fmt::format(" instead of {}", proof.exit_code),
                            last_words(answer)));
  if (proof.prints && trim(answer.output) != trim(*proof.prints))
    fail(Ending::not_loaded, fmt::format("{}printed '{}' instead of '{}'", what, tail(answer.output),
                                         printable(*proof.prints, 80)));
}

void CellMachine::judge_evidence(const guest::Facts& facts) {
  const std::string id = fact(facts, "boot_id");
  if (!os().is_boot_id(id)) return fail(unable(), "the guest did not report its boot identity");
  if (id != s_.boot_id)
    return crash("unrequested reboot", "the guest's boot identity changed although no reboot was requested",
                 Channel::evidence);
  if (!os().taints()) return;  // what went wrong is in its log, which is read next
  if (s_.opened.earned()) judge_kernel(fact(facts, "kernel"));
  judge_cmdline(facts);
  if (facts.count("taint") == 0) return fail(unable(), "the guest did not report its taint");
  note_sleepers(facts);
  note_failed_services(facts);
  const std::string letters = fault_taints(facts);
  s_.warning_allowed = letters != all_taints(facts);
  // The report behind a taint is in the kernel's log before the taint is set, and the log is read next. Only
  // what could be explained waits for it.
  if (letters == "W" || !s_.cell.accepted.empty())
    s_.taint_to_explain = letters;
  else
    judge_taint(letters);
}

// One that fails is no failure of the cell: which services an image starts and how well is its own matter. It
// is weighed against the controls.
void CellMachine::note_failed_services(const guest::Facts& facts) {
  if (!s_.opened.earned()) return;
  int noted = 0;
  for (const std::string& unit : split(fact(facts, "failed"), ' ')) {
    if (unit.empty() || ++noted > most_failed_services) continue;
    crash::Finding finding;
    finding.title = outcome::title_of_failed(unit);
    finding.kind = crash::Kind::service;
    finding.severity = crash::Severity::warning;
    finding.line = 1;  // from the service manager's list
    const std::string name = unit.substr(0, unit.rfind('.'));
    if (s_.cell.guest.driver.has(name)) finding.module = name;
    note(finding, Channel::evidence);
  }
}

void CellMachine::note_taint(const std::string& letters, crash::Kind kind, crash::Severity severity) {
  crash::Finding finding;
  finding.title = fmt::format("kernel tainted {}", letters);
  finding.kind = kind;
  finding.severity = severity;
  if (note(finding, Channel::evidence)) s_.findings.back().taints = letters;
}

// The policy lets W pass, whatever left it; where its report was not seen, this is all that shows it.
void CellMachine::note_allowed_taint() {
  if (!std::exchange(s_.warning_allowed, false) || s_.explained.find('W') != std::string::npos) return;
  note_taint("W", crash::Kind::warning, crash::Severity::warning);
}

// Each letter must come of a finding that is allowed to be there: one accepted title does not explain another
// one's taint.
void CellMachine::judge_taint(const std::string& seen) {
  const std::string letters = without(seen, s_.explained);
  if (letters.empty()) return;
  const auto kind = letters.find('D') != std::string::npos   ? crash::Kind::oops
                    : letters.find('L') != std::string::npos ? crash::Kind::lockup
                                                             : crash::Kind::warning;
  note_taint(letters, kind, letters == "W" ? crash::Severity::warning : crash::Severity::fatal);
  if (letters.find_first_not_of(forced_taints) == std::string::npos)
    return fail(Ending::not_loaded,
                fmt::format("a module was loaded or unloaded by force: the kernel is tainted {}", letters));
  fail(kind == crash::Kind::lockup ? Ending::hung : Ending::crashed,
       fmt::format("the kernel is tainted {}: it has reported a fault", letters));
}

void CellMachine::altered(const std::string& what, const std::string& seen) {
  if (seen == gone) return fail(Ending::altered, fmt::format("{} is gone from the guest", what));
  fail(Ending::altered, fmt::format("{} in the guest is not what was delivered (sha256 {})", what,
                                    is_sha256(seen) ? seen.substr(0, 12) : "unknown"));
}

// Alive in the boot that is asked about, with nothing to show for a crash.
bool CellMachine::is_well(const guest::Facts& facts) const {
  return os().taints() ? fault_taints(facts).empty() : fact(facts, "crash_records") == "0";
}

// The letters of what a healthy kernel never has; all of them when the guest does not say.
std::string CellMachine::all_taints(const guest::Facts& facts) const {
  auto taint = facts.find("taint");
  const auto letters = guest::fault_taints(s_.taint, taint == facts.end() ? ~0ull : number(taint->second));
  return s_.opened.earned() ? letters : without(letters, forced_taints);
}

// Those that count.
std::string CellMachine::fault_taints(const guest::Facts& facts) const {
  std::string letters = all_taints(facts);
  if (!s_.cell.policy.warnings_fail) std::erase(letters, 'W');
  return letters;
}

}  // namespace labctl::cell
