// The story of a cell cut into operations. Whoever wants to know what labctl does with a guest, and in which
// order, reads this file; whether it went well is judged in step.cc.

#include <fmt/core.h>

#include <set>
#include <utility>

#include "labctl/base/digest.h"
#include "labctl/cell/cell.h"
#include "labctl/cell/proving.h"
#include "labctl/yaml/variables.h"

namespace labctl::cell {
namespace {

// Steps that are more than preparation.
const StepId installing_driver{Activity::install, "install driver"};
const StepId removing_driver{Activity::install, "remove driver"};
const StepId reloading_driver{Activity::install, "reload driver"};
const StepId suspending{Activity::use, "suspend"};
const StepId updating{Activity::install, "update package"};
const StepId applying_content{Activity::apply, "apply content"};
const StepId exercising{Activity::use, "exercise"};
const StepId running_command{Activity::use, "run"};
const StepId waiting_quietly{Activity::use, "wait"};

class StoryCompiler {
 public:
  StoryCompiler(const plan::Cell& cell, const event::Opened& opened)
      : cell_(cell), os_(guest::system_of(cell.guest.os)), opened_(opened) {}

  std::vector<Operation> compile() {
    operations_ = healthy_start(os_, opened_);
    check_console("baseline");
    for (auto& operation : look_before(cell_, opened_)) add(std::move(operation));
    if (cell_.machine.memory_integrity) ask("baseline", os_.guard(), Check::guard_before);
    if (crashes_on_purpose(cell_)) ask("baseline", os_.crash_kernel(), Check::crash_kernel);
    if (cell_.control) begin_load("baseline");
    for (std::size_t i = 0; i < cell_.story.size(); ++i) {
      const std::size_t begin = operations_.size();
      chapter(cell_.story[i]);
      for (auto& marker : heard_from(i)) operations_[begin].listen.push_back(std::move(marker));
      for (std::size_t k = begin; k < operations_.size(); ++k) operations_[k].chapter = static_cast<int>(i);
    }
    leave_boot("end");
    return std::move(operations_);
  }

 private:
  // A text that is waited for counts from the beginning of the step before: what a driver says when it is
  // loaded may have been said when the installation is over.
  std::vector<std::string> heard_from(std::size_t step) const {
    const auto waits = [&](std::size_t i) {
      return i < cell_.story.size() && cell_.story[i].kind == scenario::StepKind::wait_for;
    };
    std::vector<std::string> markers;
    if (waits(step) && step > 0) return markers;
    for (std::size_t i = waits(step) ? step : step + 1; waits(i); ++i)
      markers.push_back(with_variables(cell_.story[i].text));
    return markers;
  }

  void add(Operation operation) { operations_.push_back(std::move(operation)); }

  // How long what was added last may take: as the step says, as the command says, as is usual.
  void limit(Work work, Millis step, Millis own = Millis(0)) {
    if (!opened_.earned()) return;
    const Millis said = step > Millis(0) ? step : own;
    operations_.back().limit = said > Millis(0) ? said : limit_of(work, opened_.boot_time);
  }
  void ask(const StepId& step, guest::Question question, Check check) {
    add({.wait = Wait::answer, .check = check, .step = step, .question = std::move(question)});
  }

  void ask_of_payload(const StepId& step, guest::Question question, Check check, const std::string& file) {
    ask(step, std::move(question), check);
    operations_.back().of_payload = true;
    operations_.back().expected_sha256 = digest(file);
  }

  // A text that could not be known before this cell began, and has not been said in it.
  void check_console(const StepId& step) {
    if (!opened_.earned() || os_.console_check({}, {}).command.empty()) return;
    const std::string text = sha256(opened_.seed + " " + std::to_string(++nonces_)).substr(0, 24);
    add({.wait = Wait::heard,
         .check = Check::console,
         .step = step,
         .question = {"console-check", {}},
         .marker = text,
         .listen = {text}});
  }

  // Whatever this boot has to report has been reported.
  void leave_boot(const StepId& step) {
    check_console(step);
    if (opened_.earned()) add({.wait = Wait::awake, .step = step});
    add({.wait = Wait::cleared, .step = step});
  }

  void chapter(const scenario::Step& step) {
    using enum scenario::StepKind;
    switch (step.kind) {
      case install:
        return install_driver(step);
      case place:
        return place_content(step);
      case apply:
        return apply_content(step);
      case exercise:
        return exercise_driver(step);
      case remove:
        return remove_driver(step);
      case reload:
        return reload_driver(step);
      case suspend:
        return suspend_guest(step);
      case update:
        return update_package(step);
      case reboot:
        return next_boot(Wait::reboot, step);
      case cold_boot:
        return next_boot(Wait::cold_boot, step);
      case crash:
        return next_boot(Wait::crash, step);
      case power_cut:
        return power_cut_at(step);
      case run:
        return run_command(step);
      case wait_for:
        add({.wait = Wait::marker,
             .step = to_text(step),
             .duration = step.wait,
             .marker = with_variables(step.text)});
        limit(Work::command, step.wait);
        return prove(to_text(step));
      case wait:
        add({.wait = Wait::quiet, .step = waiting_quietly, .duration = step.wait});
        return prove(waiting_quietly, false);
    }
  }

  guest::Files files_of(const std::string& first) const {
    return guest::driver_files(opened_.payload, cell_.guest.driver, first);
  }

  void deliver() {
    if (delivered_) return;
    delivered_ = true;
    for (auto& operation : delivery(os_, opened_)) add(std::move(operation));
  }

  void install_driver(const scenario::Step& step) {
    deliver();
    driver_file_ = driver_file_of(cell_, step.label);
    ask_of_payload(installing_driver, os_.install(cell_.guest, files_of(driver_file_)), Check::exit_zero,
                   driver_file_);
    limit(installing(cell_, step.label), step.within, cell_.guest.driver.within);
    new_driver_ = taken_ = true;
    awaits_boot_ = cell_.guest.driver.loads == scenario::Loads::at_boot;
    awaits_use_ = cell_.guest.driver.loads == scenario::Loads::on_use;
    prove(installing_driver);
  }

  // The file alone: until a driver has had its chance to read it, the author's proofs are not asked.
  void place_content(const scenario::Step& step) {
    deliver();
    if (!cell_.guest.content) return;
    content_file_ = content_file_of(cell_, step.label);
    ask_without_content("place content", may_be_refused(cell_, step.label));
    ask_of_payload("place content", os_.place(*cell_.guest.content, content_file_), Check::exit_zero,
                   content_file_);
    limit(Work::command, step.within);
    taken_ = false;
    may_be_refused_ = unasked_ = may_be_refused(cell_, step.label);
    prove("place content");
  }

  void apply_content(const scenario::Step& step) {
    deliver();
    if (!cell_.guest.content) return;
    content_file_ = content_file_of(cell_, step.label);
    taken_ = true;
    if (ask_without_content(applying_content, may_be_refused(cell_, step.label)))
      ask_of_file_alone(applying_content);
    ask_of_payload(applying_content, os_.apply(*cell_.guest.content, content_file_), Check::exit_zero,
                   content_file_);
    limit(Work::command, step.within, cell_.guest.content->within);
    // Without a command nobody is asked, and nobody can refuse.
    may_be_refused_ = may_be_refused(cell_, step.label);
    unasked_ = may_be_refused_ && cell_.guest.content->apply.empty();
    operations_.back().may_be_refused = may_be_refused_;
    prove(applying_content);
  }

  void run_command(const scenario::Step& step) {
    scenario::Proof wanted{
        .run = with_variables(step.text), .prints = step.prints, .exit_code = step.exit_code};
    if (wanted.prints) wanted.prints = with_variables(*wanted.prints);
    const guest::Question question = os_.own("run-" + std::to_string(++runs_), wanted.run);
    add({.wait = Wait::answer,
         .check = Check::ran,
         .step = running_command,
         .question = question,
         .proof = wanted});
    limit(Work::command, step.within);
    prove(running_command);
  }

  // What comes behind a moment that the step's limit was for.
  static scenario::Step without_limit(scenario::Step step) {
    step.within = Millis(0);
    return step;
  }

  // What was being changed when the power went is unknown from there on: nothing is asked about it until it
  // is installed or applied again. Everything else must hold as after any boot.
  void power_cut_at(const scenario::Step& step) {
    using enum scenario::Moment;
    switch (step.moment) {
      case now:
        if (!step.text.empty()) wait_to_cut(step);
        return next_boot(Wait::power_cut, step.text.empty() ? step : without_limit(step));
      case boot:
        return next_boot(Wait::half_boot, step, true);
      case install: {
        deliver();
        const std::string file = driver_file_of(cell_, step.label);
        begin_and_cut(step, os_.install(cell_.guest, files_of(file)), file, opened_.boot_time / 16);
        limit(installing(cell_, step.label), step.within, cell_.guest.driver.within);
        driver_file_.clear();
        removed_ = new_driver_ = false;
        return next_boot(Wait::power_cut, without_limit(step));
      }
      case apply: {
        deliver();
        if (!cell_.guest.content) return next_boot(Wait::power_cut, step);
        const std::string file = content_file_of(cell_, step.label);
        content_file_ = file;
        ask_without_content(to_text(step), may_be_refused(cell_, step.label));
        begin_and_cut(step, os_.apply(*cell_.guest.content, file), file, opened_.boot_time / 64);
        limit(Work::command, step.within, cell_.guest.content->within);
        operations_.back().may_be_refused = may_be_refused(cell_, step.label);
        content_file_.clear();
        return next_boot(Wait::power_cut, without_limit(step));
      }
    }
  }

  // Nothing stands between the text and the cut; what this boot has to report is collected before.
  void wait_to_cut(const scenario::Step& step) {
    const std::size_t first = operations_.size();
    left_ = opened_.earned();
    if (left_) leave_boot(to_text(step));
    Operation waiting = listening({.wait = Wait::marker, .step = to_text(step)}, step);
    if (left_) operations_[first].listen.push_back(waiting.marker), waiting.listen.clear();
    add(std::move(waiting));
    limit(Work::command, step.within);
  }

  void begin_and_cut(const scenario::Step& step, guest::Question question, const std::string& file,
                     Millis usual) {
    question.name += "-cut-" + std::to_string(++runs_);  // its answer must not be taken for a later one's
    leave_boot(to_text(step));
    ask_of_payload(to_text(step), std::move(question), Check::exit_zero, file);
    operations_.back().wait = Wait::moment;
    operations_.back().duration = step.wait > Millis(0) ? step.wait : usual;
    operations_.back() = listening(std::move(operations_.back()), step);
  }

  Operation listening(Operation operation, const scenario::Step& step) const {
    operation.marker = with_variables(step.text);
    if (!operation.marker.empty()) operation.listen.push_back(operation.marker);
    return operation;
  }

  void exercise_driver(const scenario::Step& step) {
    for (const scenario::Command& command : cell_.guest.exercise) {
      ask(exercising, os_.own("exercise-" + std::to_string(++runs_), with_variables(command.run)),
          Check::exit_zero);
      limit(Work::command, step.within, command.within);
      operations_.back().uses_content = may_be_refused_;
      operations_.back().may_be_refused = unasked_;
    }
    awaits_use_ = false;
    prove(exercising);
  }

  void remove_driver(const scenario::Step& step) {
    ask(removing_driver, os_.remove(cell_.guest, files_of(driver_file_)), Check::exit_zero);
    limit(Work::install, step.within, cell_.guest.driver.within);
    driver_file_.clear();
    content_file_.clear();
    removed_ = true;
    prove(removing_driver);
  }

  // That it was gone in between is seen, and not taken from a command's word.
  void reload_driver(const scenario::Step& step) {
    ask(reloading_driver, os_.unload(cell_.guest), Check::exit_zero);
    limit(Work::install, step.within, cell_.guest.driver.within);
    for (auto& operation : prove_absence(cell_, opened_, reloading_driver, true))
      if (operation.check != Check::bpf_gone) add(std::move(operation));  // they may be pinned
    ask(reloading_driver, os_.load(cell_.guest), Check::exit_zero);
    limit(Work::install, step.within, cell_.guest.driver.within);
    taken_ = true;
    prove(reloading_driver);
  }

  // No boot: what was there before must be there behind it, and still a while later.
  void suspend_guest(const scenario::Step& step) {
    add({.wait = Wait::cleared, .step = suspending});  // nothing is under way that it could not answer
    add({.wait = Wait::suspend, .step = suspending, .question = os_.suspend(++runs_)});
    operations_.back().limit = step.within;
    prove(suspending, false);
    add({.wait = Wait::quiet, .step = suspending.with("settle", Activity::settle), .duration = cell_.settle});
    prove(suspending, false);
  }

  // The operating system's: nothing of the candidate's is run, and what a package does to it is proved.
  void update_package(const scenario::Step& step) {
    deliver();
    const std::string file = guest::update_file(step.text, updates_++);
    ask_of_payload(updating, os_.update(file), Check::update, file);
    limit(installing(cell_, {}), step.within);
    prove(updating);
  }

  // `half`: the power is cut while it boots; the boot after that is the one to be proved.
  void next_boot(Wait how, const scenario::Step& told, bool half = false) {
    ++boot_;
    taken_ = true;
    awaits_boot_ = false;
    awaits_use_ = cell_.guest.driver.loads == scenario::Loads::on_use;
    const StepId step(Activity::boot, fmt::format("boot {}/{}", boot_, cell_.boots_wanted()));
    const bool at_once = !operations_.empty() && operations_.back().wait == Wait::moment;
    if (std::exchange(left_, false))
      add({.wait = Wait::cleared, .step = step});
    else if (!at_once)
      leave_boot(step);
    const Millis within = opened_.earned() ? told.within : Millis(0);
    if (how == Wait::crash) ask(step, os_.crash_kernel(), Check::crash_kernel), ++crashes_;
    go_down(how, step);
    operations_.back().limit = within;
    if (half) {
      operations_.back().duration = told.wait > Millis(0) ? told.wait : opened_.boot_time / 8;
      operations_.back() = listening(std::move(operations_.back()), told);
      go_down(Wait::power_cut, step);
      operations_.back().limit = within;
    }
    ask(step.with("identify", Activity::boot), os_.identify(), Check::identified);
    ask(step.with("boot to its end", Activity::boot), os_.booted(), Check::booted);
    operations_.back().limit = within;
    if (how == Wait::crash) {
      add(prove_dump(os_, opened_, step, crashes_));
      limit(Work::command, within);
    }
    if (std::exchange(loaded_, false)) begin_load(step);
    prove(step);
    add({.wait = Wait::quiet, .step = step.with("settle", Activity::settle), .duration = cell_.settle});
    prove(step, false);
    add({.wait = Wait::cleared, .step = step, .boot_proved = true});
  }

  void go_down(Wait how, const StepId& step) {
    Operation going_down{.wait = how, .step = step, .begins_boot = boot_};
    if (how == Wait::power_cut)
      going_down.action = PowerCut{};
    else if (how == Wait::crash)
      return add(crash_on_purpose(os_, opened_, step, crashes_, boot_));
    else
      going_down.question = how == Wait::cold_boot ? os_.power_off() : os_.reboot();
    if (opened_.earned() && how != Wait::power_cut) {
      going_down.last_line = how == Wait::cold_boot ? os_.traits().power_off_line : os_.traits().restart_line;
      if (!going_down.last_line.empty()) going_down.listen = {going_down.last_line};
    }
    add(std::move(going_down));
  }

  // After every step that leaves a running guest: is the candidate loaded, is it these bytes, is the kernel
  // well? `early`: what comes a moment later is waited for; behind a wait it should be there.
  void prove(const StepId& step, bool early = true) {
    const StepId proving = step.with("proof", Activity::proof);
    const bool driver_in = !driver_file_.empty(), content_in = !content_file_.empty();
    const bool driver_due = driver_in && !awaits_boot_ && !awaits_use_;
    if (driver_due)
      for (auto& operation :
           prove_driver(cell_, opened_, proving, {driver_file_, std::exchange(new_driver_, false), early}))
        add(std::move(operation));
    if (removed_ && !driver_in)
      for (auto& operation : prove_absence(cell_, opened_, proving)) add(std::move(operation));
    if (content_in)
      ask_of_payload(proving, os_.content_digest(*cell_.guest.content, content_file_), Check::content,
                     content_file_);
    if (content_in) operations_.back().of_content = may_be_refused_;
    // The author's proofs speak of driver and content together, so they wait until both are there.
    if (driver_due && (cell_.guest.content ? content_in && taken_ : true)) {
      int number = 0;
      for (const scenario::Proof& proof : cell_.guest.proof) {
        const std::string name = "proof-" + std::to_string(++number);
        const bool of_content = names_content(proof);
        if (of_content && unasked_) continue;
        ask_proof(proving, name, proof, Check::proof);
        operations_.back().of_content = of_content && may_be_refused_;
        operations_.back().may_be_early = early && opened_.earned();
      }
    }
    if (loaded_)
      for (auto& operation : load_lasts(cell_, proving)) add(std::move(operation));
    if (cell_.machine.memory_integrity) ask(proving, os_.guard(), Check::guard);
    ask(proving, os_.evidence(), Check::evidence);
    ask(proving, os_.kernel_log(), Check::kernel_log);
    if (driver_due && !loaded_) begin_load(step);
  }

  // From the first proof on, and anew in each boot: what the author wants to run beside the story.
  void begin_load(const StepId& step) {
    for (auto& operation : load_begins(cell_, step)) add(std::move(operation));
    loaded_ = true;
  }

  // Before content is delivered for the first time: what the author's proofs say without it. A driver that
  // brings the same file with it may be right already. Whether it was asked.
  bool ask_without_content(const StepId& step, bool refusable) {
    const bool proved = cell_.guest.content->unproved.empty() && !cell_.guest.proof.empty();
    if (!opened_.earned() || !proved || refusable) return false;
    if (!seen_contents_.insert(digest(content_file_)).second) return false;
    guest::Question there = os_.content_digest(*cell_.guest.content, content_file_);
    there.name = "content-before";
    ask_of_payload(step, std::move(there), Check::content_there, content_file_);
    int number = 0;
    for (const scenario::Proof& proof : cell_.guest.proof) {
      ask_proof(step, "without-" + std::to_string(++number), proof, Check::without);
      operations_.back().names_content = names_content(proof);
    }
    operations_.back().last_without = true;
    return true;
  }

  // A proof that names the file may look at nothing else. Where a command makes the driver take the content,
  // such a proof is put once between the copying and the command.
  void ask_of_file_alone(const StepId& step) {
    const scenario::Content& content = *cell_.guest.content;
    if (content.apply.empty()) return;
    bool placed = false;
    int number = 0;
    for (const scenario::Proof& proof : cell_.guest.proof) {
      ++number;
      if (!scenario::names_file(proof, content)) continue;
      if (!std::exchange(placed, true))
        ask_of_payload(step, os_.place(content, content_file_), Check::exit_zero, content_file_);
      ask_proof(step, "file-alone-" + std::to_string(number), proof, Check::without);
      operations_.back().names_content = operations_.back().file_alone = true;
    }
  }

  void ask_proof(const StepId& step, const std::string& name, scenario::Proof proof, Check check) {
    if (proof.prints) proof.prints = with_variables(*proof.prints);
    const guest::Question question = os_.own(name, with_variables(proof.run));
    add({.wait = Wait::answer, .check = check, .step = step, .question = question, .proof = proof});
    limit(Work::proof, Millis(0), proof.within);
  }

  // Empty for what is not there, which equals no digest.
  std::string digest(const std::string& file) const {
    auto found = opened_.payload.find(file);
    return found == opened_.payload.end() ? std::string() : found->second;
  }

  std::string with_variables(const std::string& text) const {
    return yaml::fill_variables(text,
                                {{"content.sha256", digest(content_file_)},
                                 {"driver.sha256", digest(driver_file_)},
                                 {"content.path", cell_.guest.content ? cell_.guest.content->path : ""}});
  }

  const plan::Cell& cell_;
  const guest::System& os_;
  const event::Opened& opened_;
  std::vector<Operation> operations_;
  std::set<std::string> seen_contents_;     // digests of what has been delivered to its path
  std::string driver_file_, content_file_;  // what is installed now, by its name on the CD
  bool loaded_ = false;                     // the author's background commands have been begun
  bool left_ = false;                       // all that this boot has to report has been reported
  bool delivered_ = false, removed_ = false, new_driver_ = false;
  bool awaits_boot_ = false, awaits_use_ = false;  // until the driver can be there
  bool taken_ = false;  // the driver has been notified of the content, or has started since it was placed
  bool may_be_refused_ = false, unasked_ = false;  // of the content that was placed or applied last
  int boot_ = 0, runs_ = 0, nonces_ = 0, crashes_ = 0;
  std::size_t updates_ = 0;
};

}  // namespace

std::vector<Operation> operations(const plan::Cell& cell, const event::Opened& opened) {
  return StoryCompiler(cell, opened).compile();
}

}  // namespace labctl::cell
