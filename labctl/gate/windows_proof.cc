#include "labctl/gate/windows_proof.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/gate/canary.h"
#include "labctl/gate/run.h"
#include "labctl/gate/snapshots.h"
#include "labctl/guest/assumptions.h"
#include "labctl/lab/asked_guest.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/scenario.h"

namespace labctl::gate {
namespace {

namespace fs = std::filesystem;
using outcome::Claim;
using outcome::WindowsProof;

// What is kept of a dump: its beginning, as it is read.
constexpr std::uint64_t kept_of_a_file = 1u << 20;

// One hypervisor for all of it: a process can open only one, and each run opens and closes its own.
class Shared final : public machine::Host {
 public:
  explicit Shared(std::shared_ptr<machine::Host> host) : host_(std::move(host)) {}
  const machine::HostFacts& facts() const override { return host_->facts(); }
  Result<std::unique_ptr<machine::Machine>> create(const machine::Spec& spec, machine::Sink sink) override {
    return host_->create(spec, std::move(sink));
  }

 private:
  std::shared_ptr<machine::Host> host_;
};

Status make_empty(const fs::path& out) {
  std::error_code problem;
  if (fs::exists(out, problem) && !fs::is_empty(out, problem))
    return input_error("the folder of the proof is not empty", out.string(), "name another one with --out");
  return make_dirs(out / "fixtures");
}

// A cell of the page's table.
std::string on_one_line(const Error& error) {
  return error.hint.empty() ? error.what : fmt::format("{}: {}", error.what, error.hint);
}

class Proving {
 public:
  Proving(const WindowsProofOrder& order, const Environment& environment, Observer& observer,
          std::shared_ptr<machine::Host> host)
      : order_(order), environment_(environment), observer_(observer), host_(std::move(host)) {
    environment_.open_host = [shared = host_](const machine::HostOptions&) {
      return Result<std::unique_ptr<machine::Host>>(std::make_unique<Shared>(shared));
    };
    proof_ = {.image = order.image,
              .sha256 = {},
              .made = environment.now(),
              .tool = environment.tool,
              .hypervisor = host_->facts().hypervisor,
              .accel = machine::to_string(host_->facts().accel)};
  }

  Answer<WindowsProof> prove(const std::vector<WindowsWay>& ways) {
    auto base = prepare();
    if (!base) return wrong(base.error());
    if (auto seen = kill_clones(); !seen) return wrong(seen.error());
    if (auto done = ask(*base); !done) return wrong(done.error());
    for (const auto& way : ways) {
      if (environment_.stop.stop_requested()) return wrong(interrupted().value());
      proof_.drivers.push_back(take(way, base->shape));
    }
    return std::move(proof_);
  }

 private:
  Answer<snapshot::BaseSnapshot> prepare();
  Answer<bool> kill_clones();
  Status ask(const snapshot::BaseSnapshot& base);
  outcome::TriedDriver take(const WindowsWay& way, const machine::Shape& shape);
  Result<RunOrder> order_for(const WindowsWay& way, const machine::Shape& shape) const;
  void claim_channels();
  void keep(const fs::path& cell, const std::string& name);
  void keep_file(const fs::path& from, const std::string& name);
  void keep_text(const std::string& text, const std::string& name);

  const WindowsProofOrder& order_;
  Environment environment_;
  Observer& observer_;
  std::shared_ptr<machine::Host> host_;
  WindowsProof proof_;
};

Answer<snapshot::BaseSnapshot> Proving::prepare() {
  auto image = environment_.store.find(order_.image);
  if (!image) return wrong(image.error());
  if (snapshot::os_of(*image) != scenario::Os::windows)
    return wrong({Fault::input,
                  fmt::format("the image '{}' is of {}", image->name, image->os),
                  {},
                  "only an image of a Windows can be proved so"});
  if (auto made = make_empty(order_.out); !made) return wrong(made.error());
  proof_.sha256 = image->sha256;
  proof_.stand_in = image->facts.stand_in;
  auto base = prepare_base(order_.image, snapshot::shape_on(host_->facts(), snapshot::usual_shape(*image)),
                           *host_, environment_, observer_);
  if (!base) return wrong(base.error());
  return std::move(*base);
}

Answer<bool> Proving::kill_clones() {
  const fs::path records = order_.out / "canary";
  auto canaries = prove_channels({{order_.image}, records, order_.host}, environment_, observer_);
  if (!canaries) return wrong(canaries.error());
  proof_.canary = canaries->front();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(records, ignored))
    if (entry.is_directory(ignored)) {
      const std::string name = entry.path().filename().string();
      const auto at = name.find("canary-");
      keep(entry.path(), at == name.npos ? name : name.substr(at));
    }
  claim_channels();
  return true;
}

// What the deaths of the clones say of it, beside the channels that the canary's own rule is about.
void Proving::claim_channels() {
  using event::Channel;
  for (const auto& death : proof_.canary.deaths) {
    const std::string fixtures = fmt::format("fixtures/canary-{}", death.crash);
    for (const Channel channel :
         {Channel::console, Channel::panic_device, Channel::screen, Channel::evidence}) {
      const bool spoke = std::find(death.spoke.begin(), death.spoke.end(), channel) != death.spoke.end();
      proof_.claims.push_back({.state = spoke ? Claim::State::proved : Claim::State::differs,
                               .what = fmt::format("a stop by '{}' is reported by the {}", death.crash,
                                                   event::to_string(channel)),
                               .assumed = "reported",
                               .seen = spoke ? "reported" : "silent",
                               .fixture = fixtures});
    }
    if (death.crash == std::string("nmi")) {
      const bool known = death.title.find("0x80") != std::string::npos;
      proof_.claims.push_back({.state = known ? Claim::State::proved : Claim::State::differs,
                               .what = "an NMI is the stop NMI_HARDWARE_FAILURE",
                               .assumed = "NMI_HARDWARE_FAILURE (0x80)",
                               .seen = death.title,
                               .fixture = fixtures});
    }
  }
}

Status Proving::ask(const snapshot::BaseSnapshot& base) {
  auto work = begin_work(environment_, observer_);
  if (!work) return fail(work.error().front());
  observer_.on(Said{fmt::format("{}: asking a clone what labctl assumes of it", order_.image)});
  lab::AskedGuest guest(*host_, base, work->path(), environment_.stop);
  if (auto started = guest.start(); !started) return started;
  const Millis limit = std::max<Millis>(std::chrono::minutes(2), 2 * base.boot_time);
  std::map<std::string, std::string> answers;
  std::map<std::string, std::string> problems;
  for (const auto& question : guest::assumption_questions()) {
    auto answer = guest.ask(question, limit);
    if (!answer && answer.error().fault == Fault::interrupted) return fail(answer.error());
    keep_text(question.command, "answers/" + question.name + ".ps1");
    if (!answer) {
      problems[question.name] = answer.error().what;
      continue;
    }
    keep_text(answer->output, "answers/" + question.name + ".txt");
    if (answer->exit_code == 0)
      answers[question.name] = std::move(answer->output);
    else
      problems[question.name] = fmt::format("status {}: {}", answer->exit_code, answer->output);
  }
  const fs::path picture = order_.out / "fixtures" / "screen.png";
  if (guest.picture(picture)) proof_.fixtures.push_back("fixtures/screen.png");
  keep_text(guest.console(), "console.log");
  for (const auto& held : guest::hold(answers)) {
    const auto problem = problems.find(held.assumption->question);
    const Claim::State state = held.holds == guest::Holds::proved    ? Claim::State::proved
                               : held.holds == guest::Holds::differs ? Claim::State::differs
                                                                     : Claim::State::not_seen;
    proof_.claims.push_back(
        {.state = state,
         .what = held.assumption->what,
         .assumed = held.assumption->any_of.empty() ? "an answer" : join(held.assumption->any_of, " or "),
         .seen = problem == problems.end() ? held.seen : printable(problem->second, 200),
         .fixture = "fixtures/answers/" + held.assumption->question + ".txt"});
    if (held.assumption->key == "build") proof_.build = held.seen;
  }
  return {};
}

Result<RunOrder> Proving::order_for(const WindowsWay& way, const machine::Shape& shape) const {
  std::error_code ignored;
  const std::string name = fmt::format("{}-{}.yaml", way.way, slug(fs::path(way.file).stem().string()));
  const fs::path file = order_.out / name;
  const std::string text =
      windows_scenario(order_, way, fs::absolute(way.file, ignored).lexically_normal().string(), shape);
  if (auto written = write_file(file, text); !written) return fail(written.error());
  auto loaded = scenario::load(text, file.string(), {});
  if (!loaded.scenario) return fail(loaded.mistakes.front());
  const auto now = std::chrono::system_clock::from_time_t(environment_.clock());
  auto plan = plan::expand(*loaded.scenario, Date(std::chrono::floor<std::chrono::days>(now)));
  if (!plan) return fail(plan.error());
  return RunOrder{.plan = std::move(*plan),
                  .scenario = {.file = file.string(),
                               .path = fs::absolute(file, ignored).lexically_normal().string(),
                               .text = text},
                  .out = order_.out / "runs",
                  .host = order_.host};
}

outcome::TriedDriver Proving::take(const WindowsWay& way, const machine::Shape& shape) {
  outcome::TriedDriver tried{.way = way.way, .file = way.file, .should_crash = way.should_crash};
  if (way.file.empty()) return tried;
  auto order = order_for(way, shape);
  if (!order) {
    tried.problem = on_one_line(order.error());
    return tried;
  }
  auto result = run(*order, environment_, observer_);
  if (!result) {
    tried.problem = on_one_line(result.error().front());
    return tried;
  }
  tried.bundle = "runs/" + result->bundle.filename().string();
  const auto& cells = result->judged.run.plan.cells;
  for (const auto& outcome : result->judged.verdict.cells) {
    const auto cell = std::find_if(cells.begin(), cells.end(),
                                   [&](const plan::Cell& each) { return each.id == outcome.cell; });
    if (cell == cells.end() || cell->control) continue;
    tried.outcomes.push_back(outcome);
    keep(result->bundle / "cells" / outcome.cell, way.way + "-" + slug(fs::path(way.file).stem().string()));
  }
  return tried;
}

// What of a cell's folder is a guest's own bytes.
void Proving::keep(const fs::path& cell, const std::string& name) {
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(cell, ignored)) {
    if (!entry.is_regular_file(ignored)) continue;
    const fs::path inside = entry.path().lexically_relative(cell);
    const std::string file = inside.filename().string();
    if (inside.begin()->string() == "dumps" || file == "console.log" || file == "kernel.log" ||
        file == "events.jsonl" || file.starts_with("screen-"))
      keep_file(entry.path(), name + "/" + inside.string());
  }
}

void Proving::keep_file(const fs::path& from, const std::string& name) {
  const bool is_dump = from.extension() == ".dmp";
  std::error_code problem;
  const fs::path to = order_.out / "fixtures" / name;
  if (auto made = make_dirs(to.parent_path()); !made) return observer_.on(Problem{made.error()});
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, problem);
  if (!problem && is_dump && fs::file_size(to, problem) > kept_of_a_file)
    fs::resize_file(to, kept_of_a_file, problem);
  if (problem)
    observer_.on(
        Problem{{Fault::lab, fmt::format("cannot keep a fixture: {}", problem.message()), to.string(), {}}});
  else
    proof_.fixtures.push_back("fixtures/" + name);
}

void Proving::keep_text(const std::string& text, const std::string& name) {
  const fs::path to = order_.out / "fixtures" / name;
  auto made = make_dirs(to.parent_path());
  if (made) made = write_file(to, text);
  if (!made) return observer_.on(Problem{made.error()});
  proof_.fixtures.push_back("fixtures/" + name);
}

}  // namespace

Answer<WindowsProof> prove_windows(const WindowsProofOrder& order, const Environment& environment,
                                   Observer& observer) {
  auto ways = windows_ways(order);
  if (!ways) return wrong(ways.error());
  for (const auto& way : *ways) {
    std::error_code ignored;
    if (!way.file.empty() && !fs::is_regular_file(way.file, ignored))
      return wrong({Fault::input, "there is no such driver", way.file, {}});
  }
  auto host = open_host(environment, order.host, observer);
  if (!host) return wrong(host.error());
  return Proving(order, environment, observer, std::move(*host)).prove(*ways);
}

}  // namespace labctl::gate
