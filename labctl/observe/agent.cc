#include <algorithm>
#include <utility>

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
constexpr std::size_t read_output = 4u << 20;   // what is looked at at all: a kernel log may be long

Json exec_command(const std::string& command) {
  return {{"execute", "guest-exec"},
          {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", command}}, {"capture-output", true}}}};
}

// The guest agent's answer is as untrusted as anything else from the guest.
event::Answer read_status(const std::string& name, const Json& status, std::string& full) {
  event::Answer answer{.question = name, .answered = true};
  const long long signal = number_at(status, "signal", 0);
  const long long code = number_at(status, "exitcode", signal > 0 ? 128 + signal : -1);
  answer.exit_code = static_cast<int>(std::clamp<long long>(code, -1, 255));
  for (const char* stream : {"out-data", "err-data"}) {
    auto text = base64_decode(text_at(status, stream), read_output);
    if (text)
      full += *text;
    else
      answer.answered = false;
  }
  answer.output = full.size() <= kept_output ? full : full.substr(full.size() - kept_output);
  return answer;
}

}  // namespace

Agent::Agent(machine::Machine& machine, Tell tell)
    : machine_(machine),
      tell_(std::move(tell)),
      thread_([this](const std::stop_token& stop) { live(stop); }) {}

Agent::~Agent() {
  thread_.request_stop();
  wake_.notify_all();
}

void Agent::ask(std::string name, std::string command, bool tell_begin) {
  std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(name), std::move(command), tell_begin, {}});
  wake_.notify_all();
}

void Agent::forget() {
  std::lock_guard lock(mutex_);
  waiting_.clear();
  forget_running_ = true;
}

void Agent::beat() {
  next_ping_ = Clock::now() + heartbeat;
  tell_(event::Beat{}, {});
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
    auto started = machine_.ask(exec_command(question.command), agent_timeout);
    if (!started) {
      // The agent is away, in a reboot perhaps, or the guest is dead: whoever asked has a deadline of its
      // own.
      question.next = Clock::now() + retry;
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(question));
      return;
    }
    running_.push_back({question.name, number_at(*started, "pid", -1), Clock::now()});
    if (question.tell_begin) tell_(event::Begun{question.name}, {});
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
    if (status && !flag_at(*status, "exited")) {
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
    if (status) answer = read_status(running->name, *status, full);
    running = running_.erase(running);
    beat();
    tell_(std::move(answer), std::move(full));
  }
}

void Agent::ping() {
  if (machine_.ask({{"execute", "guest-ping"}}, agent_timeout))
    beat();
  else
    next_ping_ = Clock::now() + retry;
}

}  // namespace labctl::observe
