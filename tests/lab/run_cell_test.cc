#include <atomic>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/units.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/reports.h"
#include "labctl/report/report.h"
#include "tests/lab/fake_run.h"

using namespace labctl;
using namespace std::chrono_literals;
using test::Lab;
using test::oops;

TEST_CASE("a healthy candidate passes on fake machines, and its journal says so again") {
  Lab lab;
  auto judged = lab.run();
  INFO(judged.verdict_json);
  CHECK(judged.verdict.decision == verdict::Decision::passed);
  CHECK(lab.outcome(judged, "box.candidate").boots_proved == 2);
  for (const auto& live : lab.outcomes) CHECK(live.ending == lab.outcome(judged, live.cell).ending);
}

TEST_CASE("an oops at the second boot blocks and names the function and its module") {
  Lab lab;
  lab.candidate().at_boot = [](int boot, const machine::Sink& sink) {
    if (boot == 2) sink(machine::ConsoleBytes{oops});
  };
  auto judged = lab.run();
  const auto& outcome = lab.outcome(judged, "box.candidate");
  INFO(judged.verdict_json);
  CHECK(judged.verdict.decision == verdict::Decision::blocked);
  CHECK(outcome.ending == outcome::Ending::crashed);
  CHECK(outcome.boots_proved == 1);
  CHECK_THAT(outcome.reason, ContainsSubstring("sensor_match"));
  REQUIRE(!outcome.findings.empty());
  CHECK(outcome.findings[0].finding.module == "sensor");
  CHECK(outcome.findings[0].boot == 2);
}

TEST_CASE("a dump for which there is no room is told and is not there") {
  for (const bool before : {true, false}) {
    Lab lab;
    lab.candidate().at_boot = [](int boot, const machine::Sink& sink) {
      if (boot == 2) sink(machine::ConsoleBytes{oops});
    };
    lab.dumps.left = 1;
    lab.candidate().full = !before;  // it fills up while it is written
    if (before) lab.memory = lab.dumps.largest = 1ull << 60;
    CHECK(lab.run().verdict.decision == verdict::Decision::blocked);
    const fs::path folder = lab.root / "bundle/cells/box.candidate";
    CHECK_FALSE(fs::exists(folder / "memory.kdump"));
    CHECK_THAT(read_file(folder / "no-dump.txt").value_or(""),
               ContainsSubstring(before ? "not enough disk space for a dump" : "No space left on device"));
  }
}

TEST_CASE("an oops on a muted console is found in the kernel's own log") {
  Lab lab;
  lab.candidate().on_command = [](const std::string& command, int, const machine::Sink&) {
    return command.starts_with("dmesg") ? std::optional(std::pair(0, oops)) : std::nullopt;
  };
  CHECK(lab.outcome(lab.run(), "box.candidate").ending == outcome::Ending::crashed);
}

TEST_CASE("a control that crashes takes the verdict away instead of blaming the candidate") {
  Lab lab;
  for (auto* script : {&lab.candidate(), &lab.control()})
    script->at_boot = [](int, const machine::Sink& sink) { sink(machine::ConsoleBytes{oops}); };
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::no_verdict);
  CHECK(judged.verdict.exit_code() == 3);
}

TEST_CASE("a cold boot is a new machine on the same disk") {
  Lab lab;
  using enum scenario::StepKind;
  for (auto& cell : lab.plan.cells) cell.story.back().kind = cold_boot;
  auto judged = lab.run();
  INFO(judged.verdict_json);
  CHECK(judged.verdict.decision == verdict::Decision::passed);
  CHECK(lab.outcome(judged, "box.candidate").boots_proved == 2);
  CHECK(lab.host.created == 4);
}

TEST_CASE("a guest that is suspended is woken, and proved in the same boot") {
  Lab lab;
  for (auto& cell : lab.plan.cells) cell.story.push_back({.kind = scenario::StepKind::suspend});
  const int before = test::FakeMachine::woken;
  auto judged = lab.run();
  INFO(judged.verdict_json);
  CHECK(judged.verdict.decision == verdict::Decision::passed);
  CHECK(lab.outcome(judged, "box.candidate").boots_proved == 2);
  CHECK(test::FakeMachine::woken - before == 2);
}

TEST_CASE("a guest is updated in the middle of its story, and its control with it") {
  Lab lab;
  for (auto& cell : lab.plan.cells)
    cell.story.insert(cell.story.end() - 1, {.kind = scenario::StepKind::update, .text = "x.deb"});
  SECTION("and lives on") {
    auto judged = lab.run();
    INFO(judged.verdict_json);
    CHECK(judged.verdict.decision == verdict::Decision::passed);
    CHECK(lab.outcome(judged, "box.candidate").boots_proved == 2);
  }
  SECTION("and the package does not fit its image, which is nobody's crash") {
    for (auto* script : {&lab.candidate(), &lab.control()})
      script->on_command = [](const std::string& command, int, const machine::Sink&) {
        return command.find("kernels=%s") != command.npos
                   ? std::optional(std::pair(1, std::string("dpkg: x depends on y\n")))
                   : std::nullopt;
      };
    auto judged = lab.run();
    CHECK(judged.verdict.decision == verdict::Decision::no_verdict);
    CHECK_THAT(judged.verdict.reasons.front(), ContainsSubstring("dpkg: x depends on y"));
  }
  SECTION("and by another package than was recorded") {
    lab.run();
    auto run = lab.record(std::vector<std::string>());
    run.artifacts.back().sha256 = sha256("another package");
    REQUIRE(write_file(lab.root / "bundle/run.json", outcome::write_run_record(run)));
    const auto judged = bundle::judge_bundle(lab.root / "bundle").value();
    CHECK(judged.verdict.decision == verdict::Decision::no_verdict);
  }
}

TEST_CASE("a machine that cannot be switched on again is the lab's failure") {
  Lab lab;
  lab.plan.cells[0].story.back().kind = scenario::StepKind::cold_boot;
  std::atomic<int> times = 0;
  lab.host.script_for = [&](const machine::Spec& spec) {
    auto script = lab.host.scripts[spec.name];
    if (spec.name == "labctl-box.candidate" && ++times % 2 == 0)
      script.start_result = lab_error("no memory for it");
    return script;
  };
  auto judged = lab.run();
  CHECK(judged.verdict.exit_code() == 3);
  const auto& outcome = lab.outcome(judged, "box.candidate");
  CHECK(outcome.ending == outcome::Ending::lab_failed);
  CHECK_THAT(outcome.reason, ContainsSubstring("no memory for it"));
}

TEST_CASE("a text on the console is heard, however it is cut into pieces") {
  Lab lab;
  lab.plan.cells[0].story.push_back({.kind = scenario::StepKind::wait_for, .text = "sensor: ready"});
  lab.candidate().at_boot = [](int, const machine::Sink& sink) {
    for (const char* piece : {"[ 1.0] sen", "sor: re", "ady\n"}) sink(machine::ConsoleBytes{piece});
  };
  CHECK(lab.run().verdict.decision == verdict::Decision::passed);
}

TEST_CASE("an interrupted run says so and passes nothing") {
  Lab lab;
  lab.candidate().at_boot = [&](int, const machine::Sink&) { lab.stop.request_stop(); };
  auto judged = lab.run();
  CHECK(judged.verdict.decision != verdict::Decision::passed);
  CHECK(judged.verdict.exit_code() == 130);
}

TEST_CASE("bytes that change in the guest are told") {
  Lab lab;
  lab.candidate().payload["content.bin"] = sha256("something else");
  CHECK(lab.outcome(lab.run(), "box.candidate").ending == outcome::Ending::altered);
}

TEST_CASE("an edited or truncated journal never gives more than it shows") {
  Lab lab;
  REQUIRE(lab.run().verdict.decision == verdict::Decision::passed);
  const fs::path journal = lab.root / "bundle/cells/box.candidate/events.jsonl";
  const std::string whole = *read_file(journal);
  for (std::size_t keep : {whole.size() - 1, whole.size() / 2, std::size_t{10}, std::size_t{0}}) {
    REQUIRE(write_file(journal, whole.substr(0, keep)));
    CHECK(bundle::judge_bundle(lab.root / "bundle")->verdict.decision == verdict::Decision::no_verdict);
  }
  fs::remove(journal);
  CHECK(bundle::judge_bundle(lab.root / "bundle")->verdict.decision == verdict::Decision::no_verdict);
}

TEST_CASE("a bundle whose run never ended its record gives no verdict") {
  Lab lab;
  REQUIRE(lab.run().verdict.decision == verdict::Decision::passed);
  REQUIRE(lab.write_record(std::nullopt));
  CHECK(bundle::judge_bundle(lab.root / "bundle")->verdict.decision == verdict::Decision::no_verdict);
}

namespace {

std::string repeat(const std::string& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

std::uint64_t size_of(const fs::path& folder) {
  std::uint64_t size = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) size += entry.file_size();
  return size;
}

}  // namespace

TEST_CASE("a kernel log that is too long to be read is no good sign") {
  Lab lab;
  lab.candidate().on_command = [](const std::string& command, int boot,
                                  const auto&) -> std::optional<std::pair<int, std::string>> {
    if (!command.starts_with("dmesg") || boot < 2) return std::nullopt;
    return std::pair{0, repeat("[    1.000000] all is well, and all is well, and all is well\n", 80'000)};
  };
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::blocked);
  CHECK_THAT(lab.outcome(judged, "box.candidate").reason, ContainsSubstring("longer than 4.0 MiB"));
}

TEST_CASE("a guest that floods its console fills no more than is said, and passes nothing by it") {
  Lab lab;
  // A boot's first lines, forged; half a crash; escapes; a line without an end.
  const std::string flood = repeat("[    0.000000] Linux version 6.1.0-forged\n", 20'000) +
                            repeat("\x1b[2J\x07<script>alert(1)</script>\r\n", 20'000) +
                            repeat("A", 4u << 20);
  lab.candidate().at_boot = [&](int boot, const machine::Sink& sink) {
    if (boot == 2)
      for (int i = 0; i < 40; ++i) sink(machine::ConsoleBytes{flood});
  };
  auto judged = lab.run();
  const auto& outcome = lab.outcome(judged, "box.candidate");
  INFO(outcome.reason);
  // Heard to its end, or said not to have been.
  CHECK((outcome.ending == outcome::Ending::passed || outcome.ending == outcome::Ending::lab_failed));
  if (outcome.ending == outcome::Ending::lab_failed)
    CHECK_THAT(outcome.reason, ContainsSubstring("louder than it could be read"));
  for (const auto& entry : fs::directory_iterator(lab.root / "bundle/cells"))
    CHECK(size_of(entry.path()) < (256ull << 20) + (129ull << 20));
}

TEST_CASE("a crash that a flood has hidden is not outlived by another attempt") {
  Lab lab;
  for (auto& cell : lab.plan.cells) cell.policy.lab_retries = 1;
  int floods = 0;
  lab.candidate().at_boot = [&](int boot, const machine::Sink& sink) {
    if (boot == 1 && ++floods == 1) sink(machine::ConsoleBytes{std::string(65u << 20, 'A') + oops});
  };
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::no_verdict);
  CHECK_THAT(lab.outcome(judged, "box.candidate").reason, ContainsSubstring("louder than it could be read"));
  CHECK(floods == 1);
}

TEST_CASE("a crash behind a flood is found") {
  Lab lab;
  lab.candidate().at_boot = [](int boot, const machine::Sink& sink) {
    if (boot != 2) return;
    for (int i = 0; i < 300; ++i) sink(machine::ConsoleBytes{repeat("all is well here, as ever\n", 2000)});
    sink(machine::ConsoleBytes{oops});
  };
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::blocked);
  CHECK_THAT(lab.outcome(judged, "box.candidate").reason, ContainsSubstring("sensor_match"));
}

TEST_CASE("names, escapes and markup of a guest reach no path, no terminal and no report as they are") {
  Lab lab;
  const std::string evil = "../../../x\x1b]0;owned\x07\x1b[31m<script>alert('x')</script>&amp;\"' ";
  lab.candidate().at_boot = [&](int boot, const machine::Sink& sink) {
    if (boot != 2) return;
    sink(machine::ConsoleBytes{"[    5.000000] BUG: unable to handle page fault in " + evil + "\n```\n" +
                               evil + "\n" + oops});
    sink(machine::GuestPanicked{false, evil});
  };
  lab.candidate().on_command = [&](const std::string& command, int boot,
                                   const auto&) -> std::optional<std::pair<int, std::string>> {
    if (boot == 1 && command.starts_with("dmesg")) return std::pair{0, evil + "=" + evil + "\n" + evil};
    return std::nullopt;
  };
  std::set<std::string> before;
  for (const auto& entry : fs::recursive_directory_iterator(lab.root)) before.insert(entry.path().filename());
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::blocked);
  REQUIRE(write_file(lab.root / "bundle/verdict.json", judged.verdict_json));
  CHECK(bundle::write_reports(lab.root / "bundle", judged).empty());

  const std::set<std::string> known{"events.jsonl",       "console.log", "kernel.log",  "machine.xml",
                                    "screen-failure.png", "run.json",    "report.html", "summary.md",
                                    "junit.xml",          "verdict.json"};
  for (const auto& entry : fs::recursive_directory_iterator(lab.root)) {
    const std::string name = entry.path().filename();
    INFO(entry.path());
    CHECK((before.count(name) != 0 || known.count(name) != 0 || entry.is_directory()));
    if (!entry.is_regular_file() || name == "console.log" || name == "kernel.log")
      continue;  // as they were said
    const std::string text = read_file(entry.path()).value();
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    // In Markdown it may stand in a block of code, whose fence it cannot close; in JSON it is a text.
    std::string fence;
    for (const auto& line : split(text, '\n')) {
      const std::string ticks = line.substr(0, line.find_first_not_of('`'));
      const bool opens = fence.empty() && ticks.size() >= 3 && name.ends_with(".md");
      if (opens || (!fence.empty() && line == fence)) fence = opens ? ticks : "";
      if (fence.empty() && !name.ends_with(".json") && !name.ends_with(".jsonl"))
        CHECK(line.find("<script>alert") == std::string::npos);
    }
    CHECK(fence.empty());
  }
  const std::string told = report::summary(judged.verdict, judged.run.plan, {.colour = false});
  CHECK(told.find('\x1b') == std::string::npos);
  CHECK(told.find('\x07') == std::string::npos);
}

TEST_CASE("runs that share slots never have more guests than there are") {
  Lab one, other;
  std::atomic<int> now = 0, most = 0;
  for (Lab* lab : {&one, &other})
    for (auto* script : {&lab->candidate(), &lab->control()}) {
      script->at_start = [&](const machine::Sink&) {
        const int guests = ++now;
        for (int seen = most; seen < guests && !most.compare_exchange_weak(seen, guests);) {
        }
      };
      script->at_boot = [&](int boot, const machine::Sink&) { now -= boot == 2 ? 1 : 0; };
    }
  one.slots = other.slots = {.folder = one.root / "slots", .count = 1};
  std::jthread beside([&] { other.run(); });
  CHECK(one.run().verdict.decision == verdict::Decision::passed);
  beside.join();
  CHECK(most == 1);
}

TEST_CASE("guests of all runs start one after the other, and then run side by side") {
  Lab one, other;
  std::atomic<int> starting = 0, most_starting = 0, now = 0, most = 0;
  const auto keep_most = [](std::atomic<int>& most_of, int value) {
    for (int seen = most_of; seen < value && !most_of.compare_exchange_weak(seen, value);) {
    }
  };
  for (Lab* lab : {&one, &other})
    for (auto* script : {&lab->candidate(), &lab->control()}) {
      script->at_start = [&](const machine::Sink&) {
        keep_most(most_starting, ++starting);
        std::this_thread::sleep_for(50ms);
        --starting;
        keep_most(most, ++now);
      };
      script->at_boot = [&](int boot, const machine::Sink&) { now -= boot == 2 ? 1 : 0; };
    }
  one.slots = other.slots = {.folder = one.root / "slots", .starting = 1};
  std::jthread beside([&] { other.run(); });
  CHECK(one.run().verdict.decision == verdict::Decision::passed);
  beside.join();
  CHECK(most_starting == 1);
  CHECK(most > 1);
}

TEST_CASE("a long run lets another that waits for a slot have the next one") {
  Lab one, other;
  one.slots = other.slots = {.folder = one.root / "slots", .count = 1};
  const plan::Cell cell = one.plan.cells.back();
  for (char name = 'a'; name <= 'e'; ++name) {
    one.plan.cells.push_back(cell);
    one.plan.cells.back().id += name;
  }
  std::atomic<int> begun = 0;
  std::atomic<int> before_the_other = 0, when_it_waited = 0;
  for (const auto& c : one.plan.cells)
    one.host.scripts["labctl-" + c.id].at_start = [&](const machine::Sink&) { ++begun; };
  other.control().at_start = other.candidate().at_start = [&](const machine::Sink&) {
    if (before_the_other == 0) before_the_other = begun.load();
  };
  // How far the long run is by then is the host's to say: what counts is who begins after the other waits.
  other.at_wait = [&] {
    if (when_it_waited == 0) when_it_waited = begun.load();
  };
  std::jthread beside([&] {
    while (begun == 0) std::this_thread::sleep_for(5ms);
    other.run();
  });
  one.run();
  beside.join();
  REQUIRE(before_the_other != 0);
  if (when_it_waited != 0) CHECK(before_the_other - when_it_waited <= 1);  // the one that waited before it
}
