// Whether a service of the candidate's lives and is the delivered one. Its manager's word that it is active
// is not enough: another program of the same name may run, and one that dies and is started again is active
// most of the time.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

std::string state_in_words(const guest::Facts& facts) {
  const std::string active = fact(facts, "ActiveState"), sub = fact(facts, "SubState");
  if (fact(facts, "LoadState") == "not-found") return "not there";
  return active.empty() ? "not known" : printable(active, 40) + " (" + printable(sub, 40) + ")";
}

}  // namespace

void CellMachine::judge_service_before(const guest::Facts& facts) {
  if (fact(facts, "ActiveState").empty()) return lab("the guest's service manager gives no answer");
  if (fact(facts, "ActiveState") == "active")
    s_.services[operation().subject].before = fact(facts, "InvocationID");
}

void CellMachine::judge_service(const guest::Facts& facts) {
  const std::string name = fmt::format("the service {}", operation().subject);
  const std::string invocation = fact(facts, "InvocationID"), restarts = fact(facts, "NRestarts");
  State::Service& service = s_.services[operation().subject];
  if (fact(facts, "ActiveState") != "active")
    return fail(Ending::not_loaded, fmt::format("{} is {}", name, state_in_words(facts)));
  if (invocation.empty())
    return fail(Ending::not_loaded, fmt::format("{} has no invocation: it does not run", name));
  if (invocation == service.before)
    return fail(
        Ending::not_loaded,
        fmt::format("{} was active before anything was delivered and is the same now: nothing was installed",
                    name));
  if (operation().undisturbed && !service.invocation.empty() &&
      (invocation != service.invocation || restarts != service.restarts))
    return crash(
        fmt::format("service restarted: {}", printable(operation().subject, 80)),
        fmt::format("{} was restarted by itself, and no step asked for it ({} restarts in this boot, {} when "
                    "it was asked last)",
                    name, printable(restarts.empty() ? "an unknown number" : restarts, 20),
                    printable(service.restarts.empty() ? "an unknown number" : service.restarts, 20)),
        Channel::evidence, crash::Kind::service);
  service.invocation = invocation;
  service.restarts = restarts;
  judge_service_tie(facts);
}

// By its main program, or by the script that an interpreter runs as it.
void CellMachine::judge_service_tie(const guest::Facts& facts) {
  if (!operation().subject.ends_with(".service")) return;  // a socket or a timer runs no program
  const auto& builds = operation().builds;
  const auto delivered = [&](const std::string& digest) {
    return is_sha256(digest) && std::find(builds.begin(), builds.end(), "sha256:" + digest) != builds.end();
  };
  if (delivered(fact(facts, "program_sha256")) || delivered(fact(facts, "script_sha256"))) return;
  if (is_vouched_for()) return;  // reported as not tied where the artifact names no program
  const std::string program = fact(facts, "program"), script = fact(facts, "script");
  std::string what = fmt::format("the service {}", operation().subject);
  if (program.empty())
    what += " has no main program";
  else
    what += fmt::format(" runs {}{}", printable(program, 120),
                        script.empty() ? "" : fmt::format(" with {}", printable(script, 120)));
  fail(Ending::not_loaded,
       fmt::format("{}, which is none of the delivered files, and no proof of the scenario covers it", what));
}

}  // namespace labctl::cell
