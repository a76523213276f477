// The story of a cell cut into operations. Whoever wants to know what labctl does with a guest, and in which
// order, reads this file; whether it went well is judged in step.cc.

#include <utility>

#include "labctl/cell/cell.h"

namespace labctl::cell {
namespace {

namespace os = guest::linux_;

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

class Teller {
 public:
  Teller(const plan::Cell& cell, const event::Opened& opened) : cell_(cell), opened_(opened) {}

  std::vector<Operation> tell() {
    operations_ = healthy_start(opened_);
    for (const scenario::Step& step : cell_.story) chapter(step);
    add({.wait = Wait::cleared, .step = "end"});
    return std::move(operations_);
  }

 private:
  void add(Operation operation) { operations_.push_back(std::move(operation)); }
  void ask(const std::string& step, guest::Question question, Check check) {
    add({.wait = Wait::answer, .check = check, .step = step, .question = std::move(question)});
  }

  void ask_of_payload(const std::string& step, guest::Question question, Check check,
                      const std::string& file) {
    ask(step, std::move(question), check);
    operations_.back().of_payload = true;
    operations_.back().expected_sha256 = digest(file);
  }

  void chapter(const scenario::Step& step) {
    using enum scenario::StepKind;
    switch (step.kind) {
      case install:
        return install_driver(step.label);
      case apply:
        return apply_content(step.label);
      case exercise:
        return exercise_driver();
      case remove:
        return remove_driver();
      case reboot:
        return next_boot(Wait::reboot);
      case power_cut:
        return next_boot(Wait::power_cut);
      case run:
        ask("run", {"run-" + std::to_string(++runs_), with_variables(step.text)}, Check::exit_zero);
        return prove("run");
      case wait:
        add({.wait = Wait::quiet, .step = "wait", .duration = step.wait});
        return prove("wait");
    }
  }

  void deliver() {
    if (delivered_) return;
    delivered_ = true;
    std::vector<std::string> files;
    for (const auto& [file, digest] : opened_.payload) files.push_back(file);
    add({.wait = Wait::nothing, .step = "deliver", .action = InsertPayload{}});
    ask("deliver", os::deliver(files), Check::delivered);
  }

  void install_driver(const std::string& label) {
    deliver();
    driver_file_ = guest::driver_file(cell_.guest.driver, label == cell_.driver ? "" : label);
    ask_of_payload("install driver", os::install(cell_.guest.driver, driver_file_), Check::exit_zero,
                   driver_file_);
    new_driver_ = true;
    prove("install driver");
  }

  void apply_content(const std::string& label) {
    deliver();
    if (!cell_.guest.content) return;
    content_file_ = guest::content_file(label == cell_.content ? "" : label);
    ask_of_payload("apply content", os::apply(*cell_.guest.content, content_file_), Check::exit_zero,
                   content_file_);
    prove("apply content");
  }

  void exercise_driver() {
    for (const std::string& command : cell_.guest.exercise)
      ask("exercise", {"exercise-" + std::to_string(++runs_), with_variables(command)}, Check::exit_zero);
    prove("exercise");
  }

  void remove_driver() {
    ask("remove driver", os::remove(cell_.guest.driver, driver_file_), Check::exit_zero);
    driver_file_.clear();
    content_file_.clear();
    removed_ = true;
    prove("remove driver");
  }

  void next_boot(Wait how) {
    ++boot_;
    const std::string step = "boot " + std::to_string(boot_) + "/" + std::to_string(cell_.boots_wanted());
    add({.wait = Wait::cleared, .step = step});
    add({.wait = how, .step = step, .begins_boot = boot_});
    if (how == Wait::reboot)
      operations_.back().question = os::reboot();
    else
      operations_.back().action = PowerCut{};
    ask(step + ": identify", os::identify(), Check::identified);
    ask(step + ": boot to its end", os::booted(), Check::booted);
    prove(step);
    add({.wait = Wait::quiet, .step = step + ": settle", .duration = cell_.settle});
    prove(step);
    add({.wait = Wait::cleared, .step = step, .boot_proved = true});
  }

  // After every step that leaves a running guest: is the candidate loaded, is it these bytes, is the kernel
  // well?
  void prove(const std::string& step) {
    const std::string proving = step + ": proof";
    const bool driver_in = !driver_file_.empty(), content_in = !content_file_.empty();
    if (driver_in && !cell_.guest.driver.module.empty()) {
      ask_of_payload(proving, os::loaded(cell_.guest.driver, driver_file_), Check::loaded, driver_file_);
      operations_.back().new_driver = std::exchange(new_driver_, false);
    }
    if (removed_ && !driver_in && !cell_.guest.driver.module.empty())
      ask(proving, os::loaded(cell_.guest.driver, {}), Check::absent);
    if (content_in)
      ask_of_payload(proving, os::content_digest(*cell_.guest.content), Check::content, content_file_);
    // The author's proofs speak of driver and content together, so they wait until both are there.
    if (driver_in && (content_in || !cell_.guest.content)) {
      int number = 0;
      for (scenario::Proof proof : cell_.guest.proof) {
        if (proof.prints) proof.prints = with_variables(*proof.prints);
        guest::Question question{"proof-" + std::to_string(++number), with_variables(proof.run)};
        add({.wait = Wait::answer,
             .check = Check::proof,
             .step = proving,
             .question = question,
             .proof = proof});
      }
    }
    ask(proving, os::evidence(), Check::evidence);
    ask(proving, os::kernel_log(), Check::kernel_log);
  }

  // Empty for what is not there, which equals no digest.
  std::string digest(const std::string& file) const {
    auto found = opened_.payload.find(file);
    return found == opened_.payload.end() ? std::string() : found->second;
  }

  std::string with_variables(std::string text) const {
    text = replace_all(std::move(text), "${content.sha256}", digest(content_file_));
    text = replace_all(std::move(text), "${driver.sha256}", digest(driver_file_));
    return replace_all(std::move(text), "${content.path}",
                       cell_.guest.content ? cell_.guest.content->path : "");
  }

  const plan::Cell& cell_;
  const event::Opened& opened_;
  std::vector<Operation> operations_;
  std::string driver_file_, content_file_;  // what is installed now, by its name on the CD
  bool delivered_ = false, removed_ = false, new_driver_ = false;
  int boot_ = 0, runs_ = 0;
};

}  // namespace

std::vector<Operation> healthy_start(const event::Opened& opened) {
  return {{.wait = Wait::agent, .step = opened.live ? "restore" : "boot"},
          {.wait = Wait::nothing, .step = "baseline", .action = SetClock{}},
          {.wait = Wait::answer, .check = Check::baseline, .step = "baseline", .question = os::evidence()}};
}

std::vector<Operation> operations(const plan::Cell& cell, const event::Opened& opened) {
  return Teller(cell, opened).tell();
}

}  // namespace labctl::cell
