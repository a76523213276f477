// A guest made of a script, and a clock made of additions: a cell's whole life told without a machine and
// without waiting. The guest is healthy by default; a story changes one thing.
#pragma once

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/cell/cell.h"

namespace story {

using namespace labctl;
using namespace std::chrono_literals;
using event::Answer;
using event::What;

inline const std::string driver_digest = sha256("driver"), content_digest = sha256("content"),
                         program_digest = sha256("sensord");

inline plan::Cell candidate() {
  plan::Cell cell;
  cell.id = "debian.candidate";
  cell.image = "debian";
  cell.driver = cell.content = "candidate";
  cell.guest.driver = {.kind = scenario::DriverKind::deb, .modules = {"sensor"}};
  cell.guest.content =
      scenario::Content{.path = "/var/lib/sensor/content.bin", .apply = "systemctl reload sensor"};
  cell.guest.exercise = {{.run = "sensorctl replay"}};
  cell.guest.proof = {{.run = "sensorctl digest", .prints = "${content.sha256}"},
                      {.run = "sensorctl selftest"}};
  using enum scenario::StepKind;
  cell.story = {{.kind = install}, {.kind = apply},  {.kind = exercise},
                {.kind = reboot},  {.kind = reboot}, {.kind = reboot}};
  return cell;
}

inline plan::Cell bare_module() {
  plan::Cell cell = candidate();
  cell.guest.driver.kind = scenario::DriverKind::kmod;
  cell.guest.content.reset();
  cell.guest.proof.clear();
  cell.content.clear();
  std::erase_if(cell.story, [](const auto& step) { return step.kind == scenario::StepKind::apply; });
  return cell;
}

inline plan::Cell control() {
  plan::Cell cell;
  cell.id = "debian.control";
  cell.control = true;
  cell.image = "debian";
  cell.story.assign(3, {.kind = scenario::StepKind::reboot});
  return cell;
}

inline event::Opened opened(const plan::Cell& cell) {
  event::Opened opened{
      .cell = cell.id, .boot_time = 20s, .rules = outcome::rules_now, .seed = std::string(32, 'a')};
  for (const auto& given : plan::given_to(cell))
    if (given.of == plan::Given::Of::update)
      opened.payload[guest::update_file(given.path, given.place)] = sha256(given.path);
  if (cell.control) return opened;
  const auto& driver = cell.guest.driver;
  const std::string first = guest::driver_file(driver);
  for (const std::string& subject : guest::subjects_of(driver))
    opened.builds[guest::builds_key(driver, first, subject)] = {
        subject.ends_with(".service") ? "sha256:" + program_digest : "build-id:b1"};
  for (std::size_t place = 0; place <= cell.driver_with.size(); ++place)
    opened.payload[guest::driver_file(driver, {}, place)] = driver_digest;
  if (cell.guest.content && cell.guest.content->is_folder())
    opened.payload.insert({{"content.manifest", content_digest}, {"content.manifest.tar", sha256("tar")}});
  else if (cell.guest.content)
    opened.payload["content.bin"] = content_digest;
  return opened;
}

inline crash::Finding finding(const std::string& title, crash::Kind kind = crash::Kind::oops,
                              bool confirmed = true) {
  crash::Finding finding;
  finding.title = title;
  finding.kind = kind;
  finding.severity = kind == crash::Kind::warning ? crash::Severity::warning : crash::Severity::fatal;
  finding.confirmed = confirmed;
  finding.line = 17;  // a text told it
  return finding;
}

inline event::Found on_console(crash::Finding finding) {
  return {event::Channel::console, std::move(finding)};
}

class Scene {
 public:
  explicit Scene(plan::Cell told = candidate()) : cell(std::move(told)), opening(opened(cell)) {}

  // ---- what a story may change ----
  plan::Cell cell;
  std::optional<guest::Crash> canary;
  event::Opened opening;
  Millis boot_time = 20s, shutdown_time = 4s, latency = 200ms;
  int resets_per_reboot = 2;
  bool reboots = true, comes_back = true, speaks = true;  // speaks: the console shows a kernel's first line
  double starved_share = 0;                               // of the time, from the beginning on
  Millis limit = 4h;  // the clock of this story; a cell must have ended by then
  std::uint64_t taint = 0x3000, taint_of_a_boot = 0x3000;  // O and E: out of tree, unsigned
  std::string kernel = "6.1.0";
  std::string updates_to;                          // the kernel in the package of an update
  bool boots_into_update = true;                   // its boot loader starts it
  std::map<std::string, std::string> build_under;  // kernel -> the driver's build, where it is not build_id
  std::string build_id = "b1", source_version = "5F1", version = "7.16";
  bool alive = true;  // the agent answers and the heart beats
  int console_level = 7;
  bool deaf = false;          // nothing that a program writes comes out on the console
  std::string cmdline;        // of its kernel, besides what it always has
  std::string sleepers;       // threads that sleep uninterruptibly, as the guest lists them
  bool leaves_loudly = true;  // the console shows the kernel's last line
  bool suspends = true, wakes = true, resumes = true;  // when it is told to suspend itself to RAM
  bool crashes = true, starts_crash_kernel = true;     // when it is told to crash
  Millis dump_time = 30s;                              // of its crash kernel, from its start to the reset
  bool begins = true;                                  // it tells that it has begun with a question
  Millis works = 20s;                                  // at what is to be cut short
  std::map<std::string, Millis> works_at;              // at a question, where it is not done in `latency`

  // Changes an answer before it is told; nothing comes back when it says false. `nth` counts from 1 for each
  // name.
  std::function<bool(Answer& answer, int nth)> change = [](Answer&, int) { return true; };
  // What its disk says when nobody else can; nothing comes back where it says nothing.
  std::function<std::optional<Answer>(Scene&)> on_disk = [](Scene&) {
    return Answer{.question = cell::disk_question, .answered = true};
  };
  // What a picture of its screen shows; nothing by default.
  std::function<std::optional<event::What>(Scene&)> on_screen;
  std::function<void(Scene&)> on_nmi;
  // Called once per half second before anything else happens.
  std::function<void(Scene&)> each_moment = [](Scene&) {};

  // Once, `after` the cell has come to `step` for the first time.
  void when(const std::string& step, Millis after, std::function<void(Scene&)> what) {
    timers_.push_back({step, after, std::move(what), {}});
  }
  void hears(const std::string& step, Millis after, What what) {
    when(step, after, [what](Scene& scene) { scene.tell(what); });
  }
  void answers(const std::string& question, std::function<void(Answer&)> how, int which = 0) {
    change = [question, how, which, before = change](Answer& answer, int nth) {
      if (answer.question == question && (which == 0 || nth == which)) how(answer);
      return before(answer, nth);
    };
  }
  // And from then on: what is not there yet is asked again.
  void answers_from(const std::string& question, std::function<void(Answer&)> how, int which) {
    change = [question, how, which, before = change](Answer& answer, int nth) {
      if (answer.question == question && nth >= which) how(answer);
      return before(answer, nth);
    };
  }
  void never_answers(const std::string& question, int which = 0) {
    change = [question, which, before = change](Answer& answer, int nth) {
      return (answer.question != question || (which != 0 && nth != which)) && before(answer, nth);
    };
  }

  // ---- what has happened ----
  cell::State state;
  std::vector<event::Event> journal;
  std::map<std::string, int> asked;
  int nmis = 0;
  int pictures = 0, ends = 0, most_actions = 0;
  int boots = 0;                   // of the guest
  std::vector<Millis> cut_at;      // when the power was cut
  std::set<std::string> listened;  // for what
  Millis now{0};

  std::string boot_id() const { return boot_id(boots); }
  static std::string boot_id(int boot) {
    std::string digits = std::to_string(1000 + boot);
    return "0000" + digits + "-1b2c-4d3e-8f90-a1b2c3d4e5f6";
  }

  void tell(What what) {
    event::Event event{now, std::move(what)};
    if (state.phase != cell::Phase::ended) journal.push_back(event);  // as the hands do
    const auto actions = cell::on(state, event);
    most_actions = std::max(most_actions, static_cast<int>(actions.size()));
    for (const auto& action : actions) act(action);
  }

  // An unrequested or requested fall into the next boot.
  void go_down() {
    if (leaves_loudly && console_level > 0) says("reboot: Restarting system");
    for (int i = 0; i < resets_per_reboot; ++i) tell(event::Reset{});
    down_at_.reset();
    up_ = false;
    if (updated_ && boots_into_update && !updates_to.empty()) kernel = updates_to;
    updated_ = false;
    taint = taint_of_a_boot;
    ++boots;
    if (!comes_back) return;
    if (speaks) speak_at_ = now + boot_time / 8;
    up_at_ = now + boot_time;
  }

  // As the kernel does for a 'c' in /proc/sysrq-trigger.
  void panic() {
    tell(event::Panicked{.crash_loaded = true});
    crash::Finding panic = finding("kernel panic: sysrq triggered crash", crash::Kind::panic);
    panic.offset = 4000;
    tell(on_console(std::move(panic)));
    up_ = false;
    if (starts_crash_kernel) crash_kernel_at_ = now + 2s;
  }

  // The console shows a text, and it may be listened for.
  void says(const std::string& text) {
    if (ears_.erase(text) != 0) tell(event::Said{text});
  }

  const outcome::Outcome& play() {
    state = cell::begin(cell, canary);
    tell(opening);
    tell(event::Started{});
    while (state.phase != cell::Phase::ended && now < limit) {
      now += 500ms;
      moment();
    }
    return state.outcome;
  }

 private:
  struct Timer {
    std::string step;
    Millis after;
    std::function<void(Scene&)> what;
    std::optional<Millis> due;
  };
  struct Pending {
    guest::Question question;
    Millis due;
  };

  void moment() {
    each_moment(*this);
    for (auto& timer : timers_)
      if (!timer.due && cell::where_now(state) == timer.step) timer.due = now + timer.after;
    for (std::size_t i = 0; i < timers_.size(); ++i)
      if (timers_[i].due && now >= *timers_[i].due && timers_[i].what)
        std::exchange(timers_[i].what, {})(*this);
    if (begin_at_ && now >= begin_at_->second)
      tell(event::Begun{std::exchange(begin_at_, std::nullopt)->first});
    if (off_at_ && now >= *off_at_) {
      off_at_.reset(), up_ = false;
      if (leaves_loudly && console_level > 0) says("reboot: Power down");
      tell(event::Stopped{.by_guest = true, .reason = "guest-shutdown"});
    }
    if (on_at_ && now >= *on_at_) {
      on_at_.reset();
      tell(event::Started{});
      int resets = std::exchange(resets_per_reboot, 0);
      go_down();
      resets_per_reboot = resets;
    }
    if (sleep_at_ && now >= *sleep_at_) {
      sleep_at_.reset(), up_ = false;
      tell(event::Suspended{});
    }
    if (wake_at_ && now >= *wake_at_) {
      wake_at_.reset(), up_ = resumes;
      tell(event::Woken{});
    }
    if (crash_at_ && now >= crash_at_->second) {
      write_to_console(std::exchange(crash_at_, std::nullopt)->first);
      panic();
    }
    if (crash_kernel_at_ && now >= *crash_kernel_at_) {
      crash_kernel_at_.reset(), down_at_ = now + dump_time;
      tell(event::KernelStarted{});
    }
    if (down_at_ && now >= *down_at_) go_down();
    if (speak_at_ && now >= *speak_at_) speak_at_.reset(), tell(event::KernelStarted{});
    if (up_at_ && now >= *up_at_) up_at_.reset(), up_ = true;
    if (up_ && alive) {
      auto waiting = std::exchange(pending_, {});
      for (auto& question : waiting)
        if (now < question.due)
          pending_.push_back(std::move(question));
        else
          reply(question.question);
      if (now.count() % 1000 == 0) tell(event::Beat{});
    }
    tell(event::Tick{Millis(static_cast<long long>(static_cast<double>(now.count()) * starved_share))});
  }

  void act(const cell::Action& action) {
    if (const auto* ask = std::get_if<cell::Ask>(&action)) {
      if (ask->report_begin && begins) begin_at_ = {ask->question.name, now + 500ms};
      if (ask->question.name == "power-off") {
        if (reboots) off_at_ = now + shutdown_time;
        return;
      }
      if (ask->question.name == "reboot") {
        if (reboots) down_at_ = now + shutdown_time;
        return;
      }
      if (ask->question.name.starts_with("crash-") && std::isdigit(ask->question.name[6])) {
        if (crashes) return void(crash_at_ = {ask->question.command, now + 1s});
      }
      if (ask->question.name.starts_with("suspend-") && suspends) sleep_at_ = now + 3s;
      if (!ask->question.command.empty()) pending_.push_back({ask->question, now + time_for(*ask)});
    }
    if (std::holds_alternative<cell::PowerCut>(action)) {
      pending_.clear(), begin_at_.reset(), speak_at_.reset(), up_at_.reset();
      cut_at.push_back(now);
      down_at_ = now + 500ms;
    }
    if (std::holds_alternative<cell::Wake>(action) && wakes) wake_at_ = now + 1s;
    if (std::holds_alternative<cell::PowerOn>(action)) on_at_ = now + 1s;
    if (const auto* listen = std::get_if<cell::Listen>(&action))
      listened.insert(listen->text), ears_.insert(listen->text);
    if (std::holds_alternative<cell::ReadDisk>(action))
      if (auto told = on_disk(*this)) tell(std::move(*told));
    if (const auto* picture = std::get_if<cell::TakePicture>(&action)) {
      ++pictures;
      if (picture->read && on_screen)
        if (auto told = on_screen(*this)) tell(std::move(*told));
    }
    if (std::holds_alternative<cell::InjectNmi>(action)) {
      ++nmis;
      if (on_nmi) on_nmi(*this);
    }
    ends += std::holds_alternative<cell::End>(action);
  }

  Millis time_for(const cell::Ask& ask) const {
    const auto found = works_at.find(ask.question.name);
    if (found != works_at.end()) return found->second;
    if (ask.question.name.starts_with("suspend-")) return 4s;
    return ask.report_begin ? works : latency;
  }

  void reply(const guest::Question& question) {
    Answer answer{.question = question.name,
                  .answered = true,
                  .exit_code = 0,
                  .output = question.name == "console-check" ? write_to_console(question.command)
                                                             : healthy(question.name)};
    // For a story those of a kind are all alike.
    if (answer.question.starts_with("suspect-"))
      answer.question = answer.question.starts_with("suspect-log-") ? "suspect-log" : "suspect";
    const int nth = ++asked[answer.question];
    const bool told = change(answer, nth);
    if (answer.question.starts_with("suspect")) answer.question = question.name;
    if (told) tell(std::move(answer));
  }

  std::string healthy(const std::string& name) {
    if (name.starts_with("suspect-log-"))
      return "<5>[    0.000000] Linux version 6.1.0\nboot_id=" + boot_id() + "\nlog=whole\n";
    if (name == "booted") return "system=running\n";
    if (name == "identify") return "boot_id=" + boot_id() + "\n";
    if (name == "evidence" || name == "sleepers" || name.starts_with("suspect-"))
      return "taint=" + std::to_string(taint) + "\nboot_id=" + boot_id() + "\nkernel=" + kernel +
             "\ncmdline=root=x " + cmdline + "\n" + sleepers;
    if (name.starts_with("update")) {
      updated_ = true;
      return "kernels=" + updates_to + " \n";
    }
    if (name == "deliver") {
      std::string text;
      for (const auto& [file, digest] : opening.payload) text += file + "=" + digest + "\n";
      return text;
    }
    if (name.starts_with("loaded-before")) return "state=absent\n";
    if (name.starts_with("service-before-")) return "LoadState=not-found\nActiveState=inactive\n";
    if (name.starts_with("service-"))
      return "NRestarts=0\nInvocationID=c0ffee" + std::to_string(boots) +
             "\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=77\n"
             "program=/usr/sbin/sensord\nprogram_sha256=" +
             program_digest + "\n";
    if (name == "bpf-before") return "jit=1\ntags.on_exec=\ntags.on_open=\n";
    if (name == "bpf")
      return "jit=1\ntags.on_exec=00112233445566aa \ntags.on_open=00112233445566bb 00112233445566cc "
             "\npackage=right\n";
    if (name.starts_with("loaded"))
      return "state=live\nversion=" + version +
             "\nbuild_id=" + (build_under.count(kernel) != 0 ? build_under[kernel] : build_id) +
             "\nsrcversion=" + source_version + "\nfile=/lib/modules/x.ko\nfile_sha256=" + driver_digest +
             "\nfresh=yes\npackage=right\nbuilt=yes\n";
    if (name.starts_with("load-state-")) return "running=yes\n";
    if (name == "crash-kernel") return "crash_kernel=1\nmakedumpfile=yes\n";
    if (name == "crash-dump")
      return "dump=/var/crash/1/dump.1\nsize=4096\nfinished=yes\nform=right\nread=yes\ntext=yes\nwhy=\n";
    if (name == "content-digest") return "content_sha256=" + content_digest + "\n";
    if (name == "proof-1") return content_digest + "\n";
    if (name == "kernel-log") return "[    0.000000] Linux version 6.1.0\n";
    return "ok\n";
  }

  // What it was given to say comes out on the console, or not.
  std::string write_to_console(const std::string& command) {
    std::string severity = std::to_string(std::max(0, console_level - 1));
    if (const auto at = command.find("severity='"); at != std::string::npos && command[at + 10] != '\'')
      severity = command.substr(at + 10, 1);
    if (!deaf && std::stoi(severity) < console_level)
      for (const std::string& ear : std::set<std::string>(ears_))
        if (command.find(ear) != std::string::npos) says(ear);
    return "console_level=" + std::to_string(console_level) + "\nseverity=" + severity +
           "\ndevkmsg=on\nlogged=yes\n" + sleepers;
  }

  bool up_ = true, updated_ = false;
  std::set<std::string> ears_;
  std::optional<Millis> down_at_, speak_at_, up_at_, off_at_, on_at_, sleep_at_, wake_at_, crash_kernel_at_;
  std::optional<std::pair<std::string, Millis>> begin_at_, crash_at_;
  std::vector<Pending> pending_;
  std::vector<Timer> timers_;
};

inline std::string line_of(const event::Event& event) {
  event::Chain chain;
  return event::to_line(event, chain);
}

// Everything in an outcome as text, to compare two.
inline std::string show(const outcome::Outcome& outcome) {
  std::string text = outcome.cell + ' ' + outcome::to_string(outcome.ending) + " '" + outcome.reason +
                     "' at '" + outcome.step + "' " + std::to_string(outcome.boots_proved) + '/' +
                     std::to_string(outcome.boots_wanted) + " in " + std::to_string(outcome.took.count());
  for (const auto& seen : outcome.findings)
    text += std::string("\n  ") + event::to_string(seen.channel) + " boot " + std::to_string(seen.boot) +
            ": " + event::to_json(seen.finding).dump();
  return text;
}

}  // namespace story
