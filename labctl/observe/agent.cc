#include <algorithm>
#include <utility>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/observe/observe.h"

namespace labctl::observe {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto heartbeat = 1s;
constexpr auto retry = 250ms;
constexpr Millis agent_timeout = 5s;
constexpr std::size_t kept_output = 64u << 10;  // in an event

Json exec_command(const std::vector<std::string>& shell, const std::string& command) {
  std::vector<std::string> words(shell.begin() + 1, shell.end());
  words.push_back(command);
  return {{"execute", "guest-exec"},
          {"arguments", {{"path", shell.front()}, {"arg", words}, {"capture-output", true}}}};
}

}  // namespace

// The guest agent's answer is as untrusted as anything else from the guest: what is not exactly how an agent
// says that a command has ended says nothing.
event::Answer read_status(const std::string& name, const Json& status, std::string& full) {
  event::Answer answer{.question = name};
  // Windows has no signals: its agent calls the status of an exception one, 0xC0000005 or more as 32 bits
  // with a sign.
  constexpr long long last_exception = -65536;
  const long long signal = number_at(status, "signal", 0), code = number_at(status, "exitcode", -1);
  const bool one_end = (code >= 0) != (signal > 0 || signal < last_exception) &&
                       status.contains("exitcode") != status.contains("signal");
  if (!one_end) {
    answer.output = "the agent's answer is malformed: neither a status nor a signal, or both";
    return answer;
  }
  answer.answered = true;
  answer.exit_code =
      static_cast<int>(signal < 0 ? 255 : std::clamp<long long>(signal > 0 ? 128 + signal : code, 0, 255));
  for (const char* stream : {"out-data", "err-data"}) {
    auto text = base64_decode(text_at(status, stream), longest_output + 1);
    if (text && (!status.contains(stream) || status[stream].is_string()))
      full += *text;
    else
      answer.answered = false;
  }
  if (!answer.answered)
    return {.question = name, .output = "the agent's answer is malformed: its output is not base64"};
  answer.output = full.size() <= kept_output ? full : full.substr(full.size() - kept_output);
  return answer;
}

Agent::Agent(machine::Machine& machine, std::vector<std::string> shell, Emit emit)
    : machine_(machine),
      shell_(std::move(shell)),
      emit_(std::move(emit)),
      thread_([this](const std::stop_token& stop) { live(stop); }) {}

Agent::~Agent() {
  thread_.request_stop();
  wake_.notify_all();
}

void Agent::ask(std::string name, std::string command, bool report_begin) {
  std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(name), std::move(command), report_begin, {}});
  wake_.notify_all();
}

void Agent::forget() {
  std::lock_guard lock(mutex_);
  waiting_.clear();
  forget_running_ = true;
}

void Agent::beat() {
  next_ping_ = Clock::now() + heartbeat;
  emit_(event::Beat{}, {});
}

void Agent::live(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(forget_running_, false)) running_.clear();
    }
    start_waiting();
    poll_running();
    if (Clock::now() >= next_ping_) ping();
    auto next = next_ping_;
    for (const auto& running : running_) next = std::min(next, running.next);
    std::unique_lock lock(mutex_);
    for (const auto& waiting : waiting_) next = std::min(next, waiting.next);
    next = std::max(next, Clock::now() + 5ms);
    wake_.wait_until(lock, stop, next, [this] {
      return std::any_of(waiting_.begin(), waiting_.end(),
                         [](const Waiting& w) { return w.next <= Clock::now(); });
    });
  }
}

void Agent::start_waiting() {
  for (;;) {
    Waiting question;
    {
      std::lock_guard lock(mutex_);
      auto due = std::find_if(waiting_.begin(), waiting_.end(),
                              [](const auto& w) { return w.next <= Clock::now(); });
      if (due == waiting_.end()) return;
      question = std::move(*due);
      waiting_.erase(due);
    }
    auto started = machine_.ask(exec_command(shell_, question.command), agent_timeout);
    if (!started) {
      // The agent is away, in a reboot perhaps, or the guest is dead: the caller has a deadline of its
      // own.
      question.next = Clock::now() + retry;
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(question));
      return;
    }
    const long long pid = number_at(*started, "pid", -1);
    if (pid <= 0) {
      // It may have been begun, so it is not asked twice.
      emit_(event::Answer{.question = question.name,
                          .output = "the agent's answer is malformed: no process was begun"},
            {});
      continue;
    }
    running_.push_back({question.name, pid, Clock::now()});
    if (question.report_begin) emit_(event::Begun{question.name}, {});
    beat();
  }
}

void Agent::poll_running() {
  for (auto running = running_.begin(); running != running_.end();) {
    if (running->next > Clock::now()) {
      ++running;
      continue;
    }
    auto status = machine_.ask({{"execute", "guest-exec-status"}, {"arguments", {{"pid", running->pid}}}},
                               agent_timeout);
    const bool sense =
        status && status->is_object() && status->contains("exited") && (*status)["exited"].is_boolean();
    if (sense && !flag_at(*status, "exited")) {
      beat();
      running->pause = std::min<std::chrono::milliseconds>(running->pause * 3 / 2, 500ms);
      running->next = Clock::now() + running->pause;
      ++running;
      continue;
    }
    if (!status && status.error().fault == Fault::lab) {  // no answer this time
      running->next = Clock::now() + retry;
      ++running;
      continue;
    }
    std::string full;
    event::Answer answer{.question = running->name, .output = status ? "" : printable(status.error().what)};
    if (sense)
      answer = read_status(running->name, *status, full);
    else if (status)
      answer.output = "the agent's answer is malformed: it does not say whether the command has ended";
    running = running_.erase(running);
    beat();
    emit_(std::move(answer), std::move(full));
  }
}

void Agent::ping() {
  const auto pong = machine_.ask({{"execute", "guest-ping"}}, agent_timeout);
  if (pong && pong->is_object() && pong->empty())
    beat();
  else
    next_ping_ = Clock::now() + retry;
}

}  // namespace labctl::observe
