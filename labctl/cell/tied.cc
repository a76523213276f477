// Whether the driver in memory is the one that was delivered. A name proves nothing: the kernel may have a
// module of the same name of its own, an initramfs may hold an older one, a package may bring a new file for
// which nobody looks. What the artifact holds was read on the host and stands in the journal.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/guest/prepare.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

std::string or_none(const std::string& text) { return text.empty() ? "none" : printable(text, 70); }

}  // namespace

void CellMachine::judge_before(const guest::Facts& facts) {
  const std::string state = fact(facts, "state");
  if (state.empty()) return lab("the guest's agent gives inconsistent answers");
  if (state != "absent")
    s_.modules[operation().subject].live_before = {fact(facts, "build_id"), fact(facts, "srcversion")};
}

void CellMachine::judge_tie(const guest::Facts& facts) {
  const std::string id = fact(facts, "build_id"), source = fact(facts, "srcversion");
  const std::string module = fmt::format("the module {}", operation().subject);
  if (s_.modules[operation().subject].live_before == std::pair(id, source))
    return fail(
        Ending::not_loaded,
        fmt::format("{} was loaded before anything was delivered and is the same now: nothing was installed",
                    module));
  if (s_.cell.guest.driver.kind == scenario::DriverKind::dkms) return judge_built(facts);
  const auto& builds = operation().builds;
  if (builds.empty()) {
    if (!is_vouched_for())
      fail(Ending::not_loaded, fmt::format("{} cannot be tied to the delivered bytes, which name no build of "
                                           "it, and no proof of the scenario covers it",
                                           module));
    return;
  }
  const auto is_one = [&](const std::string& build) {
    return std::find(builds.begin(), builds.end(), build) != builds.end();
  };
  if ((!id.empty() && is_one("build-id:" + id)) || (!source.empty() && is_one("srcversion:" + source)))
    return;
  fail(Ending::not_loaded,
       fmt::format("{} in memory is not the delivered one: its build id is {}, its srcversion {}, and the "
                   "artifact holds {}",
                   module, or_none(id), or_none(source), printable(join(builds, ", "), 200)));
}

// What the scenario's machine gives the kernel must have come to it, in every boot: a package may have
// written the boot loader's menu anew.
void CellMachine::judge_cmdline(const guest::Facts& facts) {
  const auto& asked = s_.cell.machine.cmdline;
  if (asked.empty()) return;
  const std::string lacking = guest::lacking_option(fact(facts, "cmdline"), asked);
  if (lacking.empty()) return;
  const std::string what = fmt::format("the guest's kernel was started without '{}'", printable(lacking, 80));
  if (s_.candidate_in)
    return fail(Ending::not_loaded, fmt::format("{}: its boot loader was changed with the candidate", what));
  lab(what);
}

// What the guest built of the delivered sources has no build that the host could know: the package must be
// the delivered one, and what is in memory what was built of it.
void CellMachine::judge_built(const guest::Facts& facts) {
  const std::string built = fact(facts, "built");
  if (built != "yes")
    fail(Ending::not_loaded,
         fmt::format("the module {} in memory is not what was built of the package: {}", operation().subject,
                     built.empty() ? "nothing said" : printable(built, 120)));
}

// Another kernel than the image's, or an update's, was not what the cell is about.
void CellMachine::judge_kernel(const std::string& release) {
  if (release.empty()) return fail(unable(), "the guest did not report its kernel's release");
  if (release != s_.kernel && s_.kernel_is_updates) return fail_other_kernel(release);
  if (release != s_.kernel)
    fail(Ending::not_loaded, fmt::format("the guest runs kernel {} and not its image's, {}",
                                         printable(release, 80), printable(s_.kernel, 80)));
}

// Its driver was chosen by the kernel that the host's record of the image names.
void CellMachine::judge_built_for() {
  if (s_.phase != Phase::running || s_.cell.kernel.empty() || s_.cell.kernel == s_.kernel) return;
  lab(fmt::format("the guest runs kernel {}, and the driver was chosen for {}", printable(s_.kernel, 80),
                  s_.cell.kernel));
}

// A driver whose artifact names no build of it: a script, sources that are built in the guest, a module
// without a build id.
bool CellMachine::is_untied() const {
  if (!ties()) return false;
  const auto& driver = s_.cell.guest.driver;
  const auto subjects = guest::subjects_of(driver);
  // The tag of a BPF program is the guest's kernel's: it is compared with no file.
  const bool only_bpf = driver.modules.empty() && driver.services.empty() && !driver.bpf.empty();
  const auto names_none = [&](const std::string& file, const std::string& subject) {
    if (only_bpf) return true;
    const auto builds = s_.opened.builds.find(guest::builds_key(driver, file, subject));
    return builds == s_.opened.builds.end() || builds->second.empty();
  };
  return std::any_of(s_.opened.payload.begin(), s_.opened.payload.end(), [&](const auto& file) {
    return guest::begins_driver(file.first) &&
           std::any_of(subjects.begin(), subjects.end(),
                       [&](const std::string& subject) { return names_none(file.first, subject); });
  });
}

bool CellMachine::is_vouched_for() const {
  return std::any_of(s_.operations.begin(), s_.operations.end(),
                     [](const Operation& op) { return op.check == Check::proof; });
}

void CellMachine::end_unproved() {
  --s_.position;  // this is where it ends
  fail(Ending::not_loaded,
       "nothing has shown that the delivered driver was loaded: it names no build, and no proof was asked");
}

// Of drivers that others take the place of.
void CellMachine::forget_builds(const std::map<std::string, std::string>& payload) {
  std::erase_if(s_.opened.builds, [&](const auto& of) {
    const auto& was = s_.opened.payload;
    const std::string file = of.first.substr(0, of.first.find(':'));
    const auto now = payload.find(file);
    const auto before = was.find(file);
    return now == payload.end() || before == was.end() || now->second != before->second;
  });
}

void CellMachine::note_untied() {
  crash::Finding finding;
  finding.title = "driver not tied to the delivered bytes";
  finding.kind = crash::Kind::other;
  finding.severity = crash::Severity::warning;
  finding.suppressed = "proved by the author's proof only: the artifact names no build of the module";
  note(finding, Channel::evidence);
}

}  // namespace labctl::cell
