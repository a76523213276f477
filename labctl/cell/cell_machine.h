// The inside of on(): one event's worth of a cell's life. Only for this room.
#pragma once

#include "labctl/cell/cell.h"

namespace labctl::cell {

using event::Channel;

// ": " and the end of what a command said, on one line; nothing where it said nothing.
std::string last_words(const event::Answer& answer);

inline std::string fact(const guest::Facts& facts, const std::string& key) {
  auto found = facts.find(key);
  return found == facts.end() ? std::string() : found->second;
}

class CellMachine {
 public:
  CellMachine(State& state, std::vector<Action>& actions)
      : s_(state), actions_(actions), p_(timeouts(s_.opened.boot_time, s_.opened.earned())) {}

  void apply(const event::Event& event);

 private:
  using Ending = outcome::Ending;

  // step.cc: one event
  void on_event(const event::Opened& opened);
  void on_event(const event::Started&);
  void on_event(const event::Found& found);
  void on_event(const event::KernelStarted&);
  void on_event(const event::Reset& reset);
  void on_event(const event::Stopped& stopped);
  void on_event(const event::Panicked& panicked);
  void on_event(const event::Suspended&);
  void on_event(const event::Woken&);
  void on_event(const event::AgentLink&) {}
  void on_event(const event::Beat&);
  void on_event(const event::Answer& answer);
  void on_event(const event::Tick& tick);
  void on_event(const event::LabFault& fault);
  void on_event(const event::Interrupted&);
  void on_event(const event::Begun& begun);
  void on_event(const event::Said& said);
  void on_event(const event::Logged& logged);
  void on_event(const event::Released& released);

  // step.cc: going on
  const Operation& operation() const { return s_.operations[s_.position]; }
  bool waits_for(Wait wait) const { return s_.position < s_.operations.size() && operation().wait == wait; }
  bool reboots() const {
    return waits_for(Wait::reboot) || waits_for(Wait::cold_boot) || waits_for(Wait::power_cut) ||
           waits_for(Wait::half_boot) || waits_for(Wait::crash);
  }
  void exchange(const std::map<std::string, std::string>& payload);
  void check_payload();
  void note_reset();
  void advance();
  bool begin_operation();
  void finish();
  void lab(const std::string& what) { return fail(Ending::lab_failed, what); }
  // `title` is of the finding that the reason quotes.
  void fail(Ending ending, const std::string& reason, const std::string& title = {});
  void begin_last_sweep();
  void end();

  // deadlines.cc: what is no longer waited for
  void check_deadlines();
  void check_reboot();
  Millis longest() const;
  void never_ended();
  bool heart_stopped();

  // suspend.cc: to RAM and back
  void judge_suspended(const event::Answer& answer);
  void check_suspend();

  // crash_boot.cc: into the crash kernel and back
  void judge_crash_kernel(const guest::Facts& facts);
  void begin_crash();
  void judge_crash(const event::Answer& answer);
  bool is_of_our_crash(const crash::Finding& finding, Channel channel);
  bool is_of_our_crash(const event::Panicked& panicked);
  void crash_kernel_starts();
  bool ends_crash();
  void check_crash();
  void judge_dump(const event::Answer& answer, const guest::Facts& facts);

  // update.cc: packages of the operating system's
  void judge_update(const event::Answer& answer, const guest::Facts& facts);
  void begin_kernel();
  void fail_other_kernel(const std::string& release);
  std::string under_updates_kernel() const;

  // moments.cc: when the power is cut
  void listen(const std::vector<std::string>& markers);
  void cut_if_time();
  void missed_moment(const std::string& what);

  // suspects.cc: what was found, and lines with no report behind them
  void crash(const std::string& title, const std::string& reason, Channel channel,
             crash::Kind kind = crash::Kind::reset);
  bool known(const crash::Finding& finding) const;
  bool note(const crash::Finding& finding, Channel channel);
  outcome::Observation seen_now(const crash::Finding& finding, Channel channel) const;
  std::string link_of(const crash::Finding& finding) const;
  void quote_most_precise();
  void remember(const crash::Finding& finding, Channel channel);
  void list_and_continue(const crash::Finding& finding, Channel channel);
  void supersede(const crash::Finding& report, Channel channel);
  void explain_signs();
  void suspect(const crash::Finding& finding, Channel channel);
  void look_into_suspects();
  void ask_about_suspects(bool log);
  bool wants_log() const;
  std::string suspect_question() const {
    return (s_.suspect_log ? "suspect-log-" : "suspect-") + std::to_string(s_.suspect_questions);
  }
  void on_suspect_answer(const event::Answer& answer);
  void convict_suspects();

  // channels.cc: whether what would report a crash still works
  void ask_for_console();
  void wait_for_console(Millis waited);
  void judge_console(const guest::Facts& facts);
  void fail_silent_console(const std::string& what);
  bool console_showed_shutdown();
  void never_went_down();
  bool is_stuck() const;
  void inject_nmi(Millis wait);
  bool is_of_our_nmi(const crash::Finding& finding, Channel channel);
  void add_nmi_result();
  void note_sleepers(const guest::Facts& facts);
  void note_usual_sleepers(const guest::Facts& facts);
  void look_into_sleepers();
  void on_sleepers_answer(const event::Answer& answer);
  void blame_sleeper();

  // cpu_wait.cc: what a kernel says that had no CPU
  void remember_tick();
  std::optional<Millis> had_no_cpu_for(const crash::Finding& finding) const;
  bool is_of_cpu_wait(const crash::Finding& finding, Channel channel);
  void excuse_cpu_wait();

  guest::Traits traits() const { return os().traits(); }

  // windows.cc: how a guest dies that boots again by itself, and that one crash is one finding
  void on_bug_check(const event::Panicked& panicked);
  bool is_of_our_power_cut(const crash::Finding& finding) const;
  bool is_provoked(const crash::Finding& finding) const;
  bool on_event_after_failure(const event::What& what);
  void count_resets();
  bool reported_on(Channel channel) const;
  void end_or_read_disk(bool told);
  Millis time_to_die(Ending ending) const;
  bool still_runs() const;
  void grace_is_over();
  void sweep_is_over();
  void merge_findings();

  // judge.cc: answers
  void judge(const event::Answer& answer);
  void judge_facts(const event::Answer& answer, const guest::Facts& facts);
  void judge_delivered(const guest::Facts& facts);
  void judge_content(const guest::Facts& facts);
  void judge_boot_end(const guest::Facts& facts);
  void judge_gone(const guest::Facts& facts);
  void judge_baseline(const guest::Facts& facts);
  void judge_identity(const std::string& id);
  std::string called(const std::string& module) const;
  void judge_loaded(const guest::Facts& facts);
  void judge_file(const guest::Facts& facts);
  void judge_proof(const event::Answer& answer);
  bool is_refusal(const event::Answer& answer);

  // not_yet.cc: what loads later
  bool is_not_yet(const event::Answer& answer, const guest::Facts& facts) const;
  void ask_later();
  bool asks_later();

  // vacuous.cc: proofs while the content is not there yet
  void check_proofs();
  void judge_content_there(const event::Answer& answer);
  void judge_without(const event::Answer& answer);
  void fails_without();
  void conclude_without();
  void fail_vacuous(const std::string& proof);

  // background.cc: what runs beside the story
  void judge_load_begun(const event::Answer& answer);
  void judge_load(const event::Answer& answer, const guest::Facts& facts);

  // services.cc: whether the driver's services run, and are the delivered ones
  void judge_service_before(const guest::Facts& facts);
  void judge_service(const guest::Facts& facts);
  void judge_service_tie(const guest::Facts& facts);

  // bpf.cc: whether the driver's BPF programs are in the kernel
  void judge_bpf_before(const guest::Facts& facts);
  void judge_bpf(const guest::Facts& facts);
  void judge_bpf_gone(const guest::Facts& facts);
  bool lacks_bpf(const guest::Facts& facts) const;
  bool is_packaged() const;

  // filter.cc: whether the driver is where a minifilter belongs
  void judge_filter(const guest::Facts& facts);
  bool lacks_filter(const guest::Facts& facts) const;

  // guard.cc: what guards the kernel
  void judge_guard(const guest::Facts& facts);
  void judge_verifier(const guest::Facts& facts);

  // judge.cc again
  void judge_evidence(const guest::Facts& facts);
  void judge_taint(const std::string& letters);
  void note_taint(const std::string& letters, crash::Kind kind, crash::Severity severity);
  void note_allowed_taint();
  void note_failed_services(const guest::Facts& facts);
  void altered(const std::string& what, const std::string& seen);

  // tied.cc: whether what is in memory is what was delivered
  void judge_before(const guest::Facts& facts);
  void judge_tie(const guest::Facts& facts);
  void judge_cmdline(const guest::Facts& facts);
  void judge_built(const guest::Facts& facts);
  void judge_kernel(const std::string& release);
  void judge_built_for();
  bool ties() const { return s_.opened.earned() && traits().shows_build; }
  bool is_untied() const;
  bool is_vouched_for() const;
  void note_untied();
  void end_unproved();
  void forget_builds(const std::map<std::string, std::string>& payload);
  std::string all_taints(const guest::Facts& facts) const;
  std::string fault_taints(const guest::Facts& facts) const;
  bool is_well(const guest::Facts& facts) const;
  // A guest that cannot answer our own questions: before anything of the candidate's was there it is the
  // image's fault.
  Ending unable() const { return s_.candidate_in ? Ending::hung : Ending::lab_failed; }

  const guest::System& os() const { return guest::system_of(s_.cell.guest.os); }

  State& s_;
  std::vector<Action>& actions_;
  Timeouts p_;
};

}  // namespace labctl::cell
