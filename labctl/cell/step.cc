// One event at a time: what it means for the cell.
//
// The rules, in the order in which they win:
//   1. Anything fatal that any channel recognises ends the story. The cell then keeps listening for a grace period (the
//      rest of the oops comes later), asks the guest a last time what its kernel logged, and ends. What is found
//      meanwhile may make the ending worse (a hang turns out to be a crash), never better.
//   2. A reset, power-off or boot that nobody asked for is a crash, however healthy the guest looks afterwards. The two
//      to five RESET events of one reboot are merged: resets belong together while no kernel has spoken in between.
//   3. A missing sign is never read as a good one: every operation waits for a positive answer, and has a deadline.
//   4. Deadlines are multiples of the image's own boot time and run on the guest's clock: the time in which it wanted
//      a CPU and got none does not count, so a busy host makes a guest slow and not guilty.
//   5. A line that looks like a crash with no report behind it (a driver can print anything) counts unless the guest
//      proves to be alive with an untainted kernel.

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell.h"

namespace labctl::cell {

using verdict::Ending;

Patience patience(Millis boot_time) {
  using namespace std::chrono_literals;
  const Millis boot = std::clamp<Millis>(boot_time, 3s, 10min);
  return {
      .agent = 3 * boot + 60s,
      .answer = 2 * boot + 30s,
      .long_answer = 5 * boot + 60s,
      .down = 2 * boot + 60s,  // systemd alone gives a stuck service tens of seconds before it goes on
      .up = 5 * boot + 60s,
      .beat = boot + 15s,
      .grace = 4s,
      .sweep = 15s,
      .suspect = 20s,
      .merge = boot / 4 + 2s,
  };
}

namespace {

constexpr std::size_t most_findings = 200;  // a flooding guest may not grow us

Ending ending_for(crash::Kind kind) {
  using enum crash::Kind;
  switch (kind) {
    case lockup:
    case stall:
    case hung_task: return Ending::hung;
    case boot_failure: return Ending::recovery;
    default: return Ending::crashed;
  }
}

class Life {
 public:
  Life(State state, std::vector<Action>& actions) : s_(std::move(state)), actions_(actions), p_(patience(s_.opened.boot_time)) {}

  State live(const event::Event& event) {
    if (s_.phase == Phase::ended) return std::move(s_);
    s_.now = std::max(s_.now, event.at);
    std::visit([this](const auto& what) { hear(what); }, event.what);
    check_deadlines();
    return std::move(s_);
  }

 private:
  // ---- what can be heard ----
  void hear(const event::Opened& opened) {
    if (s_.phase != Phase::unopened) return;
    s_.opened = opened;
    p_ = patience(opened.boot_time);
    s_.operations = operations(s_.cell, opened);
    s_.phase = Phase::running;
    s_.operation_began = s_.last_beat = s_.fair();
  }

  void hear(const event::Started&) { s_.operation_began = s_.last_beat = s_.fair(); }

  void hear(const event::Found& found) {
    remember(found.finding, event::to_string(found.channel));
  }

  void hear(const event::KernelStarted&) { s_.kernel_spoke = true; }

  void hear(const event::Reset& reset) {
    if (s_.phase != Phase::running) return;
    const bool rebooting = waits_for(Wait::reboot) || waits_for(Wait::power_cut);
    if (!reset.by_guest && !waits_for(Wait::power_cut)) return;
    if (!rebooting) return crash("unrequested reset", "the guest reset itself, nobody had asked for it", "resets");
    const bool same_reboot = s_.down && !s_.kernel_spoke && s_.fair() - s_.first_reset < p_.merge;
    if (s_.down && !same_reboot)
      return crash("unrequested reset during boot", "the guest reset itself again before its agent answered", "resets");
    if (!s_.down) s_.first_reset = s_.fair();
    s_.down = true;
    s_.kernel_spoke = false;
  }

  void hear(const event::Stopped& stopped) {
    s_.dead = true;
    if (!stopped.by_guest) return lab("the guest was stopped from outside: " + stopped.reason);
    crash("unrequested power-off", "the guest powered itself off, nobody had asked for it", "resets");
  }

  void hear(const event::Panicked& panicked) {
    if (!panicked.crash_loaded) s_.dead = true;
    crash("kernel panic told by the panic device", "the panic device reported a kernel panic", "panic-device",
          crash::Kind::panic);
  }

  void hear(const event::AgentLink&) {}

  void hear(const event::Beat&) {
    s_.last_beat = s_.fair();
    if (s_.phase != Phase::running) return;
    if (waits_for(Wait::agent) || (s_.down && (waits_for(Wait::reboot) || waits_for(Wait::power_cut)))) advance();
  }

  void hear(const event::Answer& answer) {
    if (answer.question == suspect_question) return hear_suspect(answer);
    if (s_.phase == Phase::last_sweep) {
      if (answer.answered && answer.question == "evidence") judge_taint(guest::read_facts(answer.output));
      s_.sweep_open.erase(answer.question);
      if (s_.sweep_open.empty()) end();
      return;
    }
    if (s_.phase != Phase::running || !waits_for(Wait::answer)) return;
    if (answer.question != operation().question.name) return;  // late, or for somebody else
    if (!answer.answered)
      return fail(Ending::hung, "the guest could not answer '" + answer.question + "': " + printable(answer.output));
    s_.last_beat = s_.fair();
    judge(answer);
    if (s_.phase == Phase::running) advance();
  }

  void hear(const event::Tick& tick) { s_.starved = std::clamp(tick.starved, s_.starved, s_.now); }
  void hear(const event::LabFault& fault) { lab(fault.what); }

  void hear(const event::Interrupted&) {
    if (s_.phase == Phase::running || s_.phase == Phase::unopened) {
      s_.outcome.ending = Ending::interrupted;
      s_.outcome.reason = "the run was interrupted";
    }
    end();
  }

  // ---- findings ----
  void crash(const std::string& title, const std::string& reason, const char* channel,
             crash::Kind kind = crash::Kind::reset) {
    crash::Finding finding;
    finding.title = title;
    finding.kind = kind;
    note(finding, channel);
    fail(Ending::crashed, reason);
  }

  // True when it was not known yet.
  bool note(const crash::Finding& finding, const std::string& channel) {
    for (const auto& seen : s_.findings)
      if (seen.boot == s_.boot && seen.finding.title == finding.title && seen.finding.module == finding.module &&
          seen.finding.confirmed == finding.confirmed && seen.finding.suppressed.empty() == finding.suppressed.empty())
        return false;
    if (s_.findings.size() >= most_findings) return true;
    s_.findings.push_back({finding, channel, s_.boot});
    return true;
  }

  bool counts(const crash::Finding& finding) const {
    return finding.suppressed.empty() &&
           (finding.severity == crash::Severity::fatal || s_.cell.policy.warnings_fail);
  }

  void remember(const crash::Finding& finding, const std::string& channel) {
    const bool is_new = note(finding, channel);
    if (!counts(finding)) return;
    if (finding.confirmed) return fail(ending_for(finding.kind), sentence(finding));
    if (!is_new) return;
    if (s_.findings.size() >= most_findings) return fail(Ending::crashed, "too many findings to look into");
    s_.suspects.push_back(s_.findings.size() - 1);
    if (s_.phase == Phase::running && !s_.suspect_asked) ask_about_suspects();
  }

  static std::string sentence(const crash::Finding& finding) {
    return printable(finding.title) + (finding.module.empty() ? "" : " [module " + printable(finding.module, 60) + "]");
  }

  // ---- suspects: lines with no report behind them ----
  static constexpr const char* suspect_question = "suspect";

  void ask_about_suspects() {
    guest::Question question = guest::linux_::evidence();
    question.name = suspect_question;
    actions_.push_back(Ask{question});
    s_.suspect_asked = true;
    s_.suspects_in_question = s_.suspects.size();
    s_.suspect_until = s_.fair() + p_.suspect;
  }

  void hear_suspect(const event::Answer& answer) {
    if (!s_.suspect_asked) return;
    s_.suspect_asked = false;
    const auto facts = guest::read_facts(answer.output);
    const bool cleared = answer.answered && answer.exit_code == 0 && facts.count("taint") != 0 &&
                         facts.count("boot_id") != 0 && facts.at("boot_id") == s_.boot_id &&
                         sick(facts).empty();
    if (!cleared) return convict_suspects();
    for (; s_.suspects_in_question > 0; --s_.suspects_in_question) {
      s_.findings[s_.suspects.front()].finding.suppressed =
          "only this line, no report behind it, and the guest is alive with an untainted kernel";
      s_.suspects.pop_front();
    }
    if (!s_.suspects.empty()) return ask_about_suspects();
    if (s_.position >= s_.operations.size()) finish();
  }

  void convict_suspects() {
    s_.suspect_asked = false;
    if (s_.suspects.empty()) return;
    const crash::Finding finding = s_.findings[s_.suspects.front()].finding;
    s_.suspects.clear();
    fail(ending_for(finding.kind), sentence(finding));
  }

  // ---- judging answers ----
  // Returns with the cell still running when the operation is done.
  void judge(const event::Answer& answer) {
    const auto facts = guest::read_facts(answer.output);
    auto fact = [&](const char* key) {
      auto found = facts.find(key);
      return found == facts.end() ? std::string() : found->second;
    };
    const Operation& op = operation();
    const std::string last_words = answer.output.empty() ? "" : ": " + tail(answer.output);
    if (answer.exit_code != 0 && op.check != Check::proof) {
      const bool theirs = op.check == Check::exit_zero;
      return fail(theirs ? Ending::not_loaded : Ending::lab_failed,
                  "'" + answer.question + "' ended with status " + std::to_string(answer.exit_code) + last_words);
    }
    switch (op.check) {
      case Check::none:
      case Check::kernel_log:
      case Check::exit_zero: return;
      case Check::baseline: return judge_baseline(facts);
      case Check::delivered:
        for (const auto& [file, digest] : s_.opened.payload)
          if (!is_sha256(digest) || fact(file.c_str()) != digest) return altered(file, fact(file.c_str()));
        return;
      case Check::identified: return judge_identity(fact("boot_id"));
      case Check::loaded: return judge_loaded(fact);
      case Check::absent:
        if (fact("state") != "absent") return fail(Ending::not_loaded, "the module is still there after its removal");
        return;
      case Check::content:
        if (!is_sha256(op.expected_sha256) || fact("content_sha256") != op.expected_sha256)
          return altered("the content", fact("content_sha256"));
        return;
      case Check::proof: return judge_proof(answer);
      case Check::evidence:
        if (fact("boot_id") == s_.boot_id) return judge_taint(facts);
        return crash("unrequested reboot", "the guest's boot identity changed although nobody had asked for a reboot",
                     "evidence");
    }
  }

  void judge_baseline(const guest::Facts& facts) {
    auto id = facts.find("boot_id"), taint = facts.find("taint");
    if (id == facts.end() || taint == facts.end() || !is_boot_id(id->second))
      return lab("the guest's agent gives answers that make no sense");
    s_.boot_id = id->second;
    s_.boot_ids.insert(s_.boot_id);
    s_.taint = number(taint->second);
    return;
  }

  void judge_identity(const std::string& id) {
    if (!is_boot_id(id)) return fail(Ending::hung, "the guest came back without a boot identity");
    if (!s_.boot_ids.insert(id).second)
      return fail(Ending::hung, "the guest did not boot afresh: its boot identity is one seen before");
    s_.boot_id = id;
    s_.taint = 0;
    return;
  }

  template <class Fact>
  void judge_loaded(const Fact& fact) {
    const std::string module = s_.cell.guest.driver.module, state = fact("state");
    if (state != "live" && state != "builtin")
      return fail(Ending::not_loaded, "the module " + module + " is " + (state.empty() ? "not there" : printable(state, 40)));
    if (std::string package = fact("package"); !package.empty() && package != "right")
      return fail(Ending::not_loaded, "the package is in the wrong state: " + printable(package, 120));
    if (s_.cell.guest.driver.kind == scenario::DriverKind::kmod && fact("file_sha256") != operation().expected_sha256)
      return altered("the driver", fact("file_sha256"));
    if (fact("fresh") == "no")
      return fail(Ending::not_loaded, "the module in memory is not the one on disk: another build is still loaded");
    if (operation().new_driver) {
      s_.build_id = fact("build_id");
      s_.module_version = fact("version");
    }
    if (fact("build_id") != s_.build_id || fact("version") != s_.module_version)
      return fail(Ending::not_loaded, "another build of " + module + " is loaded than after the installation");
    return;
  }

  void judge_proof(const event::Answer& answer) {
    const scenario::Proof& proof = operation().proof;
    const std::string what = "the proof '" + printable(proof.run, 80) + "' ";
    if (answer.exit_code != proof.exit_code)
      return fail(Ending::not_loaded, what + "ended with status " + std::to_string(answer.exit_code) +
                                          (answer.output.empty() ? "" : ": " + tail(answer.output)));
    if (proof.prints && trim(answer.output) != trim(*proof.prints))
      return fail(Ending::not_loaded,
                  what + "printed '" + tail(answer.output) + "' instead of '" + printable(*proof.prints, 80) + "'");
    return;
  }

  void judge_taint(const guest::Facts& facts) {
    if (facts.count("taint") == 0) return fail(Ending::lab_failed, "the guest did not tell its taint");
    const std::string letters = sick(facts);
    if (letters.empty()) return;
    crash::Finding finding;
    finding.title = "kernel tainted " + letters;
    finding.kind = letters.find('D') != std::string::npos   ? crash::Kind::oops
                   : letters.find('L') != std::string::npos ? crash::Kind::lockup
                                                            : crash::Kind::warning;
    finding.severity = letters == "W" ? crash::Severity::warning : crash::Severity::fatal;
    note(finding, "evidence");
    return fail(ending_for(finding.kind), "the kernel is tainted " + letters + ", which no healthy one is");
  }

  std::string sick(const guest::Facts& facts) const {
    auto taint = facts.find("taint");
    std::string letters = guest::linux_::sick_taints(s_.taint, taint == facts.end() ? ~0ull : number(taint->second));
    if (!s_.cell.policy.warnings_fail) std::erase(letters, 'W');
    return letters;
  }

  // A number that is none reads as every bit set: it proves nothing.
  static std::uint64_t number(const std::string& text) {
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos) return ~0ull;
    return std::stoull(text);
  }

  static bool is_boot_id(const std::string& text) {
    return text.size() == 36 && text.find_first_not_of("0123456789abcdef-") == std::string::npos;
  }

  void altered(const std::string& what, const std::string& seen) {
    return fail(Ending::altered, what + " in the guest is not what was delivered (sha256 " +
                                     (is_sha256(seen) ? seen.substr(0, 12) : "unknown") + ")");
  }

  static std::string tail(std::string_view output) {
    std::string_view text = trim(output);
    return printable(text.size() > 160 ? text.substr(text.size() - 160) : text);
  }

  // ---- going on ----
  const Operation& operation() const { return s_.operations[s_.position]; }
  bool waits_for(Wait wait) const {
    return s_.position < s_.operations.size() && operation().wait == wait;
  }

  void advance() {
    if (operation().boot_proved) ++s_.outcome.boots_proved;
    for (;;) {
      if (++s_.position >= s_.operations.size()) return finish();
      const Operation& op = operation();
      s_.operation_began = s_.fair();
      if (op.begins_boot != 0) {
        s_.boot = op.begins_boot;
        s_.down = s_.kernel_spoke = false;
      }
      if (op.action) actions_.push_back(*op.action);
      if (!op.question.command.empty()) actions_.push_back(Ask{op.question});
      if (op.wait != Wait::nothing) return;
      if (op.boot_proved) ++s_.outcome.boots_proved;
    }
  }

  void finish() {
    if (!s_.suspects.empty()) return;  // their answer, or its deadline, decides
    s_.outcome.ending = Ending::passed;
    s_.outcome.reason.clear();
    end();
  }

  void lab(const std::string& what) { return fail(Ending::lab_failed, what); }

  void fail(Ending ending, const std::string& reason) {
    const bool first = s_.phase == Phase::running || s_.phase == Phase::unopened;
    if (first || ending < s_.outcome.ending) {
      s_.outcome.ending = ending;
      s_.outcome.reason = reason;
    }
    if (first) {
      s_.outcome.step = where_now(s_);
      s_.phase = Phase::grace;
      s_.phase_until = s_.fair() + p_.grace;
      actions_.push_back(TakePicture{"failure"});
    }
  }

  void begin_last_sweep() {
    if (s_.dead || s_.outcome.ending == Ending::lab_failed) return end();
    s_.phase = Phase::last_sweep;
    s_.phase_until = s_.fair() + p_.sweep;
    for (const guest::Question& question : {guest::linux_::kernel_log(), guest::linux_::evidence()}) {
      s_.sweep_open.insert(question.name);
      actions_.push_back(Ask{question});
    }
  }

  void end() {
    s_.phase = Phase::ended;
    s_.outcome.took = s_.now;
    for (const auto& seen : s_.findings) s_.outcome.findings.push_back(seen);
    actions_.push_back(End{});
  }

  // ---- deadlines ----
  void check_deadlines() {
    if (s_.phase == Phase::grace && s_.fair() >= s_.phase_until) return begin_last_sweep();
    if (s_.phase == Phase::last_sweep && s_.fair() >= s_.phase_until) return end();
    if (s_.phase != Phase::running) return;
    if (s_.suspect_asked && s_.fair() >= s_.suspect_until) return convict_suspects();
    if (s_.position >= s_.operations.size()) return;
    const Millis waited = s_.fair() - s_.operation_began;
    switch (operation().wait) {
      case Wait::agent:
        if (waited > p_.agent) lab("the guest's agent never answered");
        return;
      case Wait::reboot:
      case Wait::power_cut:
        if (!s_.down && waited > p_.down) fail(Ending::hung, "the shutdown did not end");
        if (s_.down && s_.fair() - s_.first_reset > p_.up) fail(Ending::hung, "the guest did not come back from its reboot");
        return;
      case Wait::answer:
        if (heart_stopped()) return;
        if (waited > (operation().check == Check::exit_zero ? p_.long_answer : p_.answer))
          fail(Ending::hung, "'" + operation().question.name + "' did not end, although the guest is alive");
        return;
      case Wait::quiet:
        if (heart_stopped()) return;
        // Alive at the end as well, not only at the beginning.
        if (waited >= operation().duration && s_.last_beat >= s_.operation_began + operation().duration) advance();
        return;
      case Wait::nothing: return;
    }
  }

  bool heart_stopped() {
    if (s_.fair() - s_.last_beat <= p_.beat) return false;
    fail(Ending::hung, "the heartbeat was lost");
    return true;
  }

  State s_;
  std::vector<Action>& actions_;
  Patience p_;
};

}  // namespace

State begin(const plan::Cell& cell) {
  State state;
  state.cell = cell;
  state.outcome.cell = cell.id;
  state.outcome.boots_wanted = cell.boots_wanted();
  state.outcome.ending = Ending::lab_failed;
  state.outcome.reason = "its journal stops before its end";
  return state;
}

Step on(State state, const event::Event& event) {
  Step step;
  step.state = Life(std::move(state), step.actions).live(event);
  return step;
}

verdict::Outcome replay(const plan::Cell& cell, const std::vector<event::Event>& journal) {
  State state = begin(cell);
  for (const auto& event : journal) state = on(std::move(state), event).state;
  if (state.phase == Phase::ended) return state.outcome;
  // The crash that was seen counts even when the journal was cut off behind it.
  if (!verdict::guests_fault(state.outcome.ending) || state.phase == Phase::running) {
    state.outcome.ending = Ending::lab_failed;
    state.outcome.reason = "its journal stops before its end";
  }
  state.outcome.findings = state.findings;
  return state.outcome;
}

std::string where_now(const State& state) {
  if (state.phase == Phase::ended) return "ended";
  if (state.phase == Phase::grace || state.phase == Phase::last_sweep) return "collecting evidence";
  if (state.position >= state.operations.size()) return "starting";
  return state.operations[state.position].step;
}

}  // namespace labctl::cell
