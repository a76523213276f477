#include "labctl/lab/run_cell.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/log.h"
#include "labctl/base/owned.h"
#include "labctl/base/queue.h"
#include "labctl/base/random.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/hold.h"
#include "labctl/lab/memory_dump.h"
#include "labctl/observe/disk.h"
#include "labctl/observe/observe.h"

namespace labctl::lab {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto tick = 500ms;
constexpr auto oversleeping = 2s;  // longer than a busy host keeps a thread from its turn, as a rule
constexpr std::size_t kept_log_line = 200;
// What a guest may fill: a serial port gives a megabyte or two in a second; we read many times as fast.
constexpr std::uint64_t most_backlog = 64u << 20;                   // of its console, in memory
constexpr std::uint64_t most_journal = event::largest_journal / 2;  // of what it logged, on disk

struct AgentEvent {
  event::What what;
  std::string full_output;
};
// What the watchers hand to the cell's thread, each with the life of the machine that it came from: one that
// was switched on again is a new one.
struct Input {
  int power_cycle = 0;
  std::variant<machine::Notification, AgentEvent> what;
};

class CellRun {
 public:
  CellRun(const CellJob& job, machine::Host& host, const Watch& watch, const std::stop_token& stop)
      : job_(job),
        host_(host),
        watch_(watch),
        stop_(stop),
        written_(event::begin_chain(job.cell.id)),
        read_(written_),
        state_(cell::begin(job.cell, job.canary)) {}

  outcome::Outcome run() {
    if (auto ready = open_records(); !ready) return lab_failed(ready.error());
    if (!job_.from)
      happen(opening());
    else if (auto recalled = recall(); !recalled)
      return lab_failed(recalled.error());
    if (auto started = start(); !started)
      happen(event::LabFault{started.error().text()});
    else
      loop();
    keep_memory(state_.outcome.findings);
    if (job_.session && machine_ && state_.outcome.ending != outcome::Ending::interrupted) show_the_end();
    // The agent's thread uses the machine; both end before the records are closed.
    if (machine_) machine_->end();
    agent_.reset();
    machine_.reset();
    if (checkpoint_ && job_.at_end) job_.at_end(*checkpoint_, state_.outcome);
    std::error_code ignored;
    fs::remove(job_.disk, ignored);
    fs::remove(nvram(), ignored);
    if (auto synced = journal_->sync(); !synced) return lab_failed(synced.error());
    if (!broken_.empty())
      return lab_failed({Fault::lab, fmt::format("the journal cannot be written: {}", broken_), {}, {}});
    if (state_.phase != cell::Phase::ended) happen(event::LabFault{"the cell was left unfinished"});
    return state_.outcome;
  }

 private:
  Status open_records() {
    if (auto made = make_dirs(job_.folder); !made) return made;
    // A journal is begun once and never gone on with: two lives in one would prove neither.
    if (std::error_code ignored; fs::exists(job_.folder / "events.jsonl", ignored))
      return lab_error("there is a journal of this cell already", job_.folder.string());
    auto journal = Appender::open(job_.folder / "events.jsonl");
    if (!journal) return fail(journal.error());
    journal_ = std::move(*journal);
    auto console = observe::Console::open(job_.folder / "console.log", job_.signatures, job_.cell.guest.os);
    if (!console) return fail(console.error());
    console_ = std::move(*console);
    return {};
  }

  event::Opened opening() const {
    return {.cell = job_.cell.id,
            .boot_time = job_.base.boot_time,
            .live = job_.base.live(),
            .payload = job_.files,
            .builds = job_.builds,
            .hold = job_.hold,
            .image = job_.base.image.sha256,
            .snapshot = job_.base.disk_sha256,
            .rules = job_.rules,
            .seed = random_hex(16),
            .nmi = !job_.canary && !job_.session && job_.rules == outcome::rules_now};
  }

  // Lives through what is recorded up to the moment from which it begins; nothing of it is done again.
  Status recall() {
    std::set<std::string> open_ears;
    for (std::string_view rest = job_.from->journal; !rest.empty();) {
      const std::string line(rest.substr(0, rest.find('\n')));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (auto written = journal_->write(line + "\n"); !written) return written;
      auto event = event::from_line(line, read_, "the kept machine's journal");
      if (!event) return fail(event.error());
      if (const auto* said = std::get_if<event::Said>(&event->what)) open_ears.erase(said->text);
      for (const auto& action : cell::on(state_, *event)) {
        if (const auto* listen = std::get_if<cell::Listen>(&action)) open_ears.insert(listen->text);
        if (std::holds_alternative<cell::InsertPayload>(action)) delivered_ = true;
      }
    }
    if (state_.phase != cell::Phase::held) return lab_error("the kept machine's journal does not lead to it");
    written_ = read_;
    cpu_wait_before_ = state_.cpu_wait;
    began_ = Clock::now() - state_.now;
    for (const auto& text : open_ears) console_->listen(text);
    return {};
  }

  fs::path nvram() const { return fs::path(job_.disk).replace_extension("nvram"); }

  Status start() {
    if (auto made = make_dirs(job_.disk.parent_path()); !made) return made;
    if (auto copied = snapshot::copy_disk(job_.base.disk, job_.disk); !copied) return copied;
    if (auto copied = job_.base.copy_nvram(nvram()); !copied) return copied;
    const auto from = job_.from          ? machine::From::before
                      : job_.base.live() ? machine::From::snapshot
                                         : machine::From::power_on;
    if (auto begun = power_up(from); !begun) return begun;
    if (job_.from) act(cell::SetClock{});
    if (delivered_ && !job_.exchange) act(cell::InsertPayload{});
    return write_file(job_.folder / "machine.xml", machine::definition_of(*machine_));
  }

  Status power_up(machine::From from) {
    auto machine = host_.create({.name = "labctl-" + job_.folder.filename().string(),
                                 .shape = job_.base.shape,
                                 .accel = host_.facts().accel,
                                 .disk = job_.disk,
                                 .nvram = nvram(),
                                 .vnc = job_.vnc},
                                [this, power_cycle = power_cycle_](machine::Notification sign) {
                                  if (!outruns(sign)) inputs_.push({power_cycle, std::move(sign)});
                                });
    if (!machine) return fail(machine.error());
    machine_ = std::move(*machine);
    if (auto started = machine_->start(from); !started) return started;
    happen(event::Started{});
    agent_ = std::make_unique<observe::Agent>(
        *machine_, os_.shell(), [this, power_cycle = power_cycle_](event::What what, std::string full) {
          inputs_.push({power_cycle, AgentEvent{std::move(what), std::move(full)}});
        });
    return {};
  }

  // The guest has powered itself off: what is switched on is a new machine with new memory, on the same disk.
  Status switch_on() {
    machine_->end();
    agent_.reset();
    cpu_wait_before_ += machine::cpu_wait(*machine_);
    machine_.reset();
    ++power_cycle_;
    return power_up(machine::From::power_on);
  }

  void loop() {
    auto next_tick = Clock::now() + tick;
    while (state_.phase != cell::Phase::ended && broken_.empty()) {
      if (state_.phase == cell::Phase::held) {
        hold();
        continue;
      }
      auto input = inputs_.pop_until(next_tick);
      if (const auto late = Clock::now() - next_tick; late > oversleeping) record_suspend(late);
      if (input) on_input(*input);
      if (console_) happen_all(console_->idle());
      if (outrun_.exchange(false))
        happen(event::LabFault{"the console was louder than it could be read: some of it is lost", true});
      if (stop_.stop_requested()) happen(event::Interrupted{});
      if (Clock::now() < next_tick) continue;
      next_tick = Clock::now() + tick;
      // Without a machine it could not be switched on again, and that has been reported.
      record_time();
      report();
    }
  }

  // On the hypervisor's thread. A console that sends more than can be read is cut, and that is recorded.
  bool outruns(const machine::Notification& sign) {
    const auto* console = std::get_if<machine::ConsoleBytes>(&sign);
    if (console == nullptr) return false;
    if (backlog_ + console->bytes.size() > most_backlog) return outrun_ = true;
    backlog_ += console->bytes.size();
    return false;
  }

  void record_time() { happen(event::Tick{cpu_wait()}); }
  Millis cpu_wait() const {
    return asleep_ + cpu_wait_before_ + (machine_ ? machine::cpu_wait(*machine_) : Millis(0));
  }

  // This process was stopped or frozen, perhaps with its guests: in a terminal, or with its container.
  // Silence of that time, and what a guest's watchdogs say of it, is the host's. Recorded before what came
  // meanwhile. What the guest's own threads have waited of it is recorded by them.
  void record_suspend(Clock::duration late) {
    const Millis waited = cpu_wait() - state_.cpu_wait;
    asleep_ += std::max(Millis(0), std::chrono::duration_cast<Millis>(late) - std::max(Millis(0), waited));
    record_time();
  }

  void hold() {
    auto choice = DebugSession::Choice::go_on;
    if (job_.session)
      choice = job_.session->take_over({*machine_, cell::where_now(state_), false,
                                        [this] { return pump() && state_.phase == cell::Phase::held; },
                                        [this] { return save_checkpoint(); }});
    pump();  // what was said until now was said while it was held
    if (state_.phase != cell::Phase::held) return;
    if (choice == DebugSession::Choice::leave) return happen(event::Interrupted{});
    record_time();  // the time in which it was held and stopped stretches nothing that comes
    event::Released released{.hold = choice == DebugSession::Choice::next ? cell::next_hold(state_) : 0};
    if (job_.exchange && !std::exchange(exchanged_, true)) released.payload = job_.exchange->files;
    happen(std::move(released));
  }

  // The guest that failed, for whoever wants to look into it; nothing that happens now is of the story.
  void show_the_end() {
    job_.session->take_over(
        {*machine_, outcome::to_string(state_.outcome.ending) + (": " + state_.outcome.reason), true,
         [this] { return pump() && alive_; }, [] { return Status(lab_error("the story is over")); }});
  }

  // Hears what has come in, without waiting; false when somebody wants the run to end.
  bool pump() {
    while (auto input = inputs_.pop_until(Clock::now())) on_input(*input);
    return !stop_.stop_requested() && broken_.empty();
  }

  // Of a guest that failed, after all it would still have said has been read. One that was reset has none.
  void keep_memory(const std::vector<outcome::Observation>& found) {
    if (!job_.dumps || !machine_ || !alive_ || !outcome::is_guest_failure(state_.outcome.ending)) return;
    const auto reset = [](const auto& seen) { return seen.channel == event::Channel::resets; };
    if (std::any_of(found.begin(), found.end(), reset)) return;
    const auto memory = job_.base.shape.memory;
    if (memory > job_.dumps->largest || job_.dumps->left.fetch_sub(1) <= 0) return;
    dump_memory(*machine_, memory, job_.folder);
  }

  Status save_checkpoint() {
    if (!job_.base.live()) return lab_error(machine::why_no_snapshot(job_.base.shape));
    checkpoint_.reset();
    Status saved = machine::save(*machine_, machine::From::before);
    if (auto resumed = machine_->resume(); !resumed) {
      happen(event::LabFault{resumed.error().text()});
      return resumed;
    }
    if (!saved) return saved;
    auto text = read_file(job_.folder / "events.jsonl", event::largest_journal);
    if (!text) return fail(text.error());
    checkpoint_ = Checkpoint{cell::where_now(state_), state_.left(), std::move(*text)};
    return {};
  }

  void on_input(Input& input) {
    if (const auto* sign = std::get_if<machine::Notification>(&input.what))
      if (const auto* console = std::get_if<machine::ConsoleBytes>(sign)) backlog_ -= console->bytes.size();
    if (input.power_cycle != power_cycle_) return;
    std::visit(overloaded{[this](machine::Notification& sign) { on_notification(sign); },
                          [this](AgentEvent& said) { on_agent(said); }},
               input.what);
  }

  void on_notification(machine::Notification& sign) {
    if (const auto* console = std::get_if<machine::ConsoleBytes>(&sign)) {
      if (job_.session) job_.session->heard(console->bytes);
      return happen_all(console_->feed(console->bytes));
    }
    if (std::holds_alternative<machine::Lost>(sign) || std::holds_alternative<machine::GuestStopped>(sign))
      alive_ = false;
    if (auto* lost = std::get_if<machine::Lost>(&sign)) explain(*lost);
    // Its panic device stops a guest before its last words are out; elsewhere the story sees to that.
    if (state_.phase == cell::Phase::held && std::holds_alternative<machine::GuestPanicked>(sign))
      log::ignored(machine_->resume(), fmt::format("resuming {}", job_.cell.id));
    // What stood on the console before the guest went away is recorded before the going.
    if (!std::holds_alternative<machine::AgentLink>(sign)) happen_all(console_->finish());
    happen_all(observe::translate(sign));
  }

  // A hypervisor that the host's kernel killed for want of memory died of the host.
  void explain(machine::Lost& lost) const {
    if (lost.cause == machine::Cause::died && job_.kills_for_memory() > kills_before_)
      lost = {
          fmt::format("{}; the host was out of memory and its kernel killed a process (oom_kill)", lost.why)};
  }

  void on_agent(AgentEvent& said) {
    auto* answer = std::get_if<event::Answer>(&said.what);
    if (answer && answer->answered &&
        (answer->question == "kernel-log" || answer->question.starts_with("suspect-log-"))) {
      if (os_.traits().kernel_log_is_records)
        happen_all(observe::read_system_log(said.full_output));
      else
        happen_all(kernel_log_.read(said.full_output, job_.cell.guest.os, job_.signatures));
      // The log itself is kept as a file; the journal holds what was found in it.
      if (auto kept = write_file(job_.folder / "kernel.log", said.full_output); !kept)
        happen(event::LabFault{kept.error().text()});
      answer->output =
          answer->output.substr(answer->output.size() - std::min(answer->output.size(), kept_log_line));
      if (said.full_output.size() > observe::longest_output) {
        answer->answered = false;
        answer->output = fmt::format("it is longer than {}", show_size(observe::longest_output));
      }
    }
    if (answer && answer->question == "dumps" && answer->answered) {
      happen_all(observe::keep_dumps(said.full_output, job_.folder / "dumps"));
      answer->output.clear();
    }
    happen(std::move(said.what));
  }

  void happen_all(std::vector<event::What> whats) {
    for (auto& what : whats) happen(std::move(what));
  }

  void happen(event::What what) {
    const bool small =
        std::holds_alternative<event::Tick>(what) || std::holds_alternative<event::Interrupted>(what);
    if (full_ && !small) return;
    emit(std::move(what));
    if (full_ || journal_size_ < most_journal) return;
    full_ = true;
    emit(event::LabFault{
        fmt::format("the guest sent more than a journal holds ({})", show_size(most_journal)), true});
  }

  // The one door into the state machine: what it is fed is read back from the very line that was written.
  void emit(event::What what) {
    if (state_.phase == cell::Phase::ended || !broken_.empty()) return;
    const auto at = std::chrono::duration_cast<Millis>(Clock::now() - began_);
    const std::string line = event::to_line({at, std::move(what)}, written_);
    if (auto written = journal_->write(line + "\n"); !written) {
      broken_ = written.error().text();
      return;
    }
    journal_size_ += line.size();
    auto event = event::from_line(line, read_, "events.jsonl");
    if (!event) {
      broken_ = event.error().text();
      return;
    }
    const std::string before = cell::where_now(state_);
    const int chapter = chapter_now();
    const auto actions = cell::on(state_, *event);
    if (job_.keeps_checkpoints && chapter_now() > chapter)
      log::ignored(save_checkpoint(), fmt::format("saving {}", job_.cell.id));
    for (const auto& action : actions) act(action);
    if (cell::where_now(state_) != before) report();
  }

  int chapter_now() const {
    const bool runs = state_.phase == cell::Phase::running && state_.position < state_.operations.size();
    return runs ? state_.operations[state_.position].chapter : -1;
  }

  void act(const cell::Action& action) {
    std::visit(
        overloaded{
            [this](const cell::Ask& ask) {
              if (agent_) agent_->ask(ask.question.name, ask.question.command, ask.report_begin);
            },
            [this](const cell::Listen& listen) { console_->listen(listen.text); },
            [this](const cell::SetClock&) {
              auto question = os_.set_clock(std::time(nullptr));
              if (agent_ && !question.command.empty()) agent_->ask(question.name, question.command);
            },
            [this](const cell::InsertPayload&) {
              if (auto inserted = machine_->insert_cd(exchanged_ ? job_.exchange->payload : job_.payload);
                  !inserted)
                happen(event::LabFault{inserted.error().text()});
            },
            [this](const cell::PowerCut&) {
              if (agent_) agent_->forget();
              if (auto cut = machine_->power_cut(); !cut) happen(event::LabFault{cut.error().text()});
            },
            [this](const cell::PowerOn&) {
              if (auto on = switch_on(); !on) happen(event::LabFault{on.error().text()});
            },
            [this](const cell::Wake&) {
              if (auto woken = machine::wake(*machine_); !woken)
                happen(event::LabFault{woken.error().text()});
            },
            [this](const cell::InjectNmi&) {
              if (auto sent = machine::inject_nmi(*machine_); !sent)
                happen(event::LabFault{sent.error().text()});
            },
            [this](const cell::Resume&) {
              if (machine_) log::ignored(machine_->resume(), fmt::format("resuming {}", job_.cell.id));
            },
            [this](const cell::TakePicture& picture) {
              // A picture is a service to the reader; a guest that is gone has none.
              const fs::path file = job_.folder / ("screen-" + picture.label + ".png");
              const bool taken = machine_ && machine::screenshot(*machine_, file);
              if (taken && picture.read) happen_all(observe::read_screen(file));
            },
            [this](const cell::ReadDisk&) { read_disk(); },
            [](const cell::End&) {},
        },
        action);
  }

  // What the guest wrote is on its disk when QEMU has ended; whoever looks at the guest keeps it.
  void read_disk() {
    if (!job_.session) {
      keep_memory(state_.findings);
      if (machine_) machine_->end();
      alive_ = false;
    }
    auto told = observe::read_disk(job_.disk, job_.folder / "dumps", stop_);
    std::string notes;
    if (told) {
      notes = join(told->notes, "\n");
      happen_all(std::move(told->found));
    } else {
      notes = told.error().what + (told.error().hint.empty() ? "" : ": " + told.error().hint);
    }
    if (std::error_code ignored; fs::is_empty(job_.folder / "dumps", ignored))
      fs::remove(job_.folder / "dumps", ignored);
    if (!told && stop_.stop_requested()) return happen(event::Interrupted{});
    happen(event::Answer{.question = cell::disk_question, .answered = told.has_value(), .output = notes});
  }

  void report() {
    watch_({.cell = job_.cell.id,
            .where = cell::where_now(state_),
            .elapsed = std::chrono::duration_cast<Millis>(Clock::now() - began_),
            .last_line = console_ ? printable(console_->last_line(), 120) : "",
            .outcome = state_.outcome});
  }

  outcome::Outcome lab_failed(const Error& error) const {
    outcome::Outcome outcome = state_.outcome;
    outcome.ending = outcome::Ending::lab_failed;
    outcome.reason = error.text();
    return outcome;
  }

  const CellJob& job_;
  const guest::System& os_ = guest::system_of(job_.cell.guest.os);
  machine::Host& host_;
  const Watch& watch_;
  const std::stop_token& stop_;
  Clock::time_point began_ = Clock::now();

  Queue<Input> inputs_;
  int power_cycle_ = 0;  // how often the machine has been switched on again
  Millis cpu_wait_before_{0}, asleep_{0};
  const std::uint64_t kills_before_ = job_.kills_for_memory();
  std::optional<Appender> journal_;
  event::Chain written_, read_;
  std::atomic<std::uint64_t> backlog_ = 0;  // console bytes in the queue
  std::atomic<bool> outrun_ = false;
  std::uint64_t journal_size_ = 0;
  bool full_ = false;   // nothing but the cell's end is written any more
  std::string broken_;  // why the journal cannot be trusted any more
  std::optional<observe::Console> console_;
  observe::KernelLog kernel_log_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<observe::Agent> agent_;
  bool alive_ = true;  // there is a guest that could be looked at
  bool delivered_ = false, exchanged_ = false;
  std::optional<Checkpoint> checkpoint_;
  cell::State state_;
};

}  // namespace

outcome::Outcome run_cell(const CellJob& job, machine::Host& host, const Watch& watch,
                          const std::stop_token& stop) {
  outcome::Outcome outcome = CellRun(job, host, watch, stop).run();
  watch({.cell = job.cell.id, .where = "ended", .elapsed = outcome.took, .ended = true, .outcome = outcome});
  return outcome;
}

}  // namespace labctl::lab
