// A cell that is held, handed over, kept and come back to, on fake machines.

#include <unistd.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/cell/hold.h"
#include "labctl/lab/run_cell.h"
#include "labctl/reproduction/bisect.h"
#include "labctl/reproduction/kept_machines.h"
#include "labctl/reproduction/reproduce.h"
#include "tests/catch.h"
#include "tests/lab/fake_machine.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

// Does what it is told, and remembers what it saw.
class ScriptedSession final : public lab::DebugSession {
 public:
  std::vector<Choice> choices;
  std::vector<std::string> places;
  std::string console, end;
  std::function<void(const lab::Guest&)> in_session = [](const auto&) {};

  void heard(std::string_view bytes) override { console += bytes; }
  Choice take_over(const lab::Guest& guest) override {
    if (guest.over) {
      end = guest.where;
      return Choice::leave;
    }
    places.push_back(guest.where);
    in_session(guest);
    guest.pump();
    return choices.at(std::min(places.size(), choices.size()) - 1);
  }
};

class DebugSession {
 public:
  DebugSession() {
    root = fs::temp_directory_path() /
           ("labctl-reproduce-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    fs::create_directories(root);
    REQUIRE(write_file(root / "snapshot.qcow2", "a disk"));
    cell.id = "box.candidate";
    cell.image = "box";
    cell.driver = cell.content = "candidate";
    cell.driver_path = "driver.ko";
    cell.content_path = "content.bin";
    cell.settle = 50ms;
    cell.guest.driver = {.kind = scenario::DriverKind::kmod, .modules = {"sensor"}};
    cell.guest.content = scenario::Content{"/var/lib/sensor/content.bin", "true"};
    cell.guest.proof = {{.run = "sensorctl digest", .prints = "${content.sha256}"}};
    cell.guest.exercise = {{.run = "sensorctl replay"}};
    using enum scenario::StepKind;
    for (auto kind : {install, apply, exercise, reboot}) cell.story.push_back({.kind = kind});
    payload = {{"driver.ko", sha256("driver")}, {"content.bin", sha256("content")}};
    host.script_for = [this](const auto&) { return script; };
    script.payload = payload;
  }
  ~DebugSession() { fs::remove_all(root); }

  lab::CellJob job(const std::string& name) {
    return {
        .cell = cell,
        .base = {.image = {.name = "box", .sha256 = "i"}, .disk = root / "snapshot.qcow2", .boot_time = 3s},
        .payload = "cd.iso",
        .files = payload,
        .builds = {{"driver.ko", {"build-id:aa"}}},
        .folder = root / name,
        .disk = root / (name + ".qcow2")};
  }
  outcome::Outcome run(const lab::CellJob& job) {
    return lab::run_cell(
        job, host, [](const auto&) {}, stop.get_token());
  }
  int left_at(const std::string& step) {
    return cell::hold_at(cell,
                         {.cell = cell.id, .boot_time = 3s, .payload = payload, .rules = outcome::rules_now},
                         step)
        ->left;
  }
  void crash_on(const std::string& command) {
    script.on_command = [command](const std::string& asked, int, const machine::Sink& sink) {
      if (asked == command)
        sink(machine::ConsoleBytes{
            "[    9.000000] Kernel panic - not syncing: Fatal exception\n"
            "[    9.000001] ---[ end Kernel panic - not syncing: Fatal exception ]---\n"});
      return std::optional<std::pair<int, std::string>>();
    };
  }

  fs::path root;
  plan::Cell cell;
  std::map<std::string, std::string> payload;
  test::Script script;
  test::FakeHost host;
  std::stop_source stop;

 private:
  static inline int count = 0;
};

int lines_of(const std::string& text) { return static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

TEST_CASE("a held cell is handed over before the step, and goes on to the same end") {
  DebugSession lab;
  lab.crash_on("sensorctl replay");
  ScriptedSession session;
  session.choices = {lab::DebugSession::Choice::go_on};
  auto job = lab.job("held");
  job.hold = lab.left_at("exercise");
  job.session = &session;
  const auto outcome = lab.run(job);
  CHECK(session.places == std::vector<std::string>{"exercise"});
  CHECK(outcome.ending == outcome::Ending::crashed);
  CHECK_THAT(session.console, ContainsSubstring("Kernel panic"));
  CHECK_THAT(session.end, ContainsSubstring("crashed: "));
}

TEST_CASE("what is done to a guest that is held is no finding, and leaving it ends the cell") {
  DebugSession lab;
  lab.crash_on("by hand");
  ScriptedSession session;
  session.choices = {lab::DebugSession::Choice::next, lab::DebugSession::Choice::leave};
  session.in_session = [](const lab::Guest& guest) {
    static_cast<void>(
        guest.machine.ask({{"execute", "guest-exec"}, {"arguments", {{"arg", {"-c", "by hand"}}}}}, 1s));
  };
  auto job = lab.job("touched");
  job.hold = lab.left_at("exercise");
  job.session = &session;
  const auto outcome = lab.run(job);
  CHECK(session.places == std::vector<std::string>{"exercise", "exercise: proof"});
  CHECK(outcome.ending == outcome::Ending::interrupted);
  CHECK(outcome.findings.empty());
  CHECK(session.end.empty());
}

TEST_CASE("a machine that was kept is come back to, many times, and lives on as the first did") {
  DebugSession lab;
  const reproduction::KeptMachines kept(lab.root / "kept");
  ScriptedSession keeper;
  keeper.choices = {lab::DebugSession::Choice::leave};
  keeper.in_session = [](const lab::Guest& guest) { CHECK(guest.save()); };
  auto first = lab.job("first");
  first.hold = lab.left_at("exercise");
  first.session = &keeper;
  const std::string key = reproduction::key_of(first, first.hold, lab.host.facts());
  first.at_end = [&](const lab::Checkpoint& checkpoint, const outcome::Outcome&) {
    CHECK(kept.put(key, first, checkpoint));
  };
  lab.run(first);
  CHECK(!fs::exists(first.disk));
  const auto found = kept.find(key);
  REQUIRE(found);
  CHECK(found->checkpoint.step == "exercise");
  CHECK(found->cell == lab.cell.id);
  CHECK(reproduction::key_of(first, first.hold - 1, lab.host.facts()) != key);

  for (const bool crashes : {false, true}) {
    if (crashes) lab.crash_on("sensorctl replay");
    auto again = lab.job(crashes ? "crashes" : "passes");
    again.from = &found->checkpoint;
    again.base.disk = found->disk;
    lab.script.placed = true;
    const auto outcome = lab.run(again);
    INFO(outcome.reason);
    CHECK(outcome.ending == (crashes ? outcome::Ending::crashed : outcome::Ending::passed));
    auto text = read_file(again.folder / "events.jsonl");
    auto journal = event::read_journal(*text, lab.cell.id, "here");
    REQUIRE(journal);
    CHECK(cell::replay(lab.cell, journal->events).ending == outcome.ending);
    CHECK_THAT(*text, !ContainsSubstring("\"event\":\"answer\",\"question\":\"install") ||
                          ContainsSubstring(found->checkpoint.journal));
  }
}

TEST_CASE(
    "a cell that keeps its moments is kept before its last step, and its journal is made to hold there") {
  DebugSession lab;
  lab.crash_on("sensorctl replay");
  auto job = lab.job("run");
  job.keeps_checkpoints = true;
  std::optional<lab::Checkpoint> kept;
  job.at_end = [&](const lab::Checkpoint& checkpoint, const outcome::Outcome& outcome) {
    kept = checkpoint;
    CHECK(outcome.ending == outcome::Ending::crashed);
    CHECK(fs::exists(job.disk));
  };
  lab.run(job);
  REQUIRE(kept);
  CHECK(kept->step == "exercise");
  CHECK(kept->left == lab.left_at("exercise"));
  const auto text = reproduction::holding(kept->journal, lab.cell.id, kept->left);
  REQUIRE(text);
  CHECK(lines_of(*text) == lines_of(kept->journal));
  cell::State state = cell::begin(lab.cell);
  const auto journal = event::read_journal(*text, lab.cell.id, "here");
  for (const auto& event : journal->events) cell::on(state, event);
  CHECK(state.phase == cell::Phase::held);
  CHECK(cell::where_now(state) == "exercise");
}

TEST_CASE("one guest with the driver in it is begun with again and again, each time with another content") {
  DebugSession lab;
  lab::CellJob base = lab.job("base");
  const auto hold = cell::hold_before_content(
      lab.cell, {.boot_time = 3s, .payload = base.files, .rules = outcome::rules_now});
  REQUIRE(hold);
  base.hold = hold->left;
  std::optional<lab::Checkpoint> checkpoint;
  base.at_end = [&](const lab::Checkpoint& saved, const outcome::Outcome&) {
    checkpoint = saved;
    fs::rename(base.disk, lab.root / "base.kept");
  };
  REQUIRE(reproduction::save_where_it_holds(base, lab.host, lab.stop.get_token()));
  REQUIRE(checkpoint);
  for (const bool wrong : {false, true}) {
    const lab::CellArtifacts other{"other.iso",
                                   {{"driver.ko", sha256("driver")}, {"content.bin", sha256("other")}}};
    if (!wrong) lab.script.payload = other.files;
    auto probe = lab.job(wrong ? "wrong" : "probe");
    probe.from = &*checkpoint;
    probe.base.disk = lab.root / "base.kept";
    probe.exchange = &other;
    const auto outcome = lab.run(probe);
    INFO(outcome.reason);
    CHECK((outcome.ending == outcome::Ending::passed) == !wrong);
    const auto text = read_file(probe.folder / "events.jsonl");
    const auto journal = event::read_journal(*text, lab.cell.id, "here");
    REQUIRE(journal);
    CHECK(cell::replay(lab.cell, journal->events).ending == outcome.ending);
    lab.script.payload = lab.payload;
  }
}

TEST_CASE("where a guest cannot be brought is told with how it ended instead") {
  DebugSession lab;
  lab.script.on_command = [](const std::string& command, int, const machine::Sink&) {
    return command.find("insmod") == std::string::npos ? std::optional<std::pair<int, std::string>>()
                                                       : std::pair(1, std::string("no"));
  };
  auto job = lab.job("refused");
  job.hold = lab.left_at("exercise");
  const auto saved = reproduction::save_where_it_holds(job, lab.host, lab.stop.get_token());
  REQUIRE(!saved);
  CHECK_THAT(saved.error().what, ContainsSubstring("never held: not-loaded"));
}

TEST_CASE("probes begin at the content only when the failure did not come before it") {
  for (const bool early : {true, false}) {
    DebugSession lab;
    lab.script.on_command = [early](const std::string& command, int, const machine::Sink& sink) {
      if (early ? command.find("insmod") != std::string::npos : command == "sensorctl replay")
        sink(machine::ConsoleBytes{
            "[    9.000000] Kernel panic - not syncing: Fatal exception\n"
            "[    9.000001] ---[ end Kernel panic - not syncing: Fatal exception ]---\n"});
      return std::optional<std::pair<int, std::string>>();
    };
    reproduction::RecordedCell recorded{.cell = lab.cell};
    recorded.outcome = lab.run(lab.job("run"));
    REQUIRE(recorded.outcome.ending == outcome::Ending::crashed);
    recorded.journal = *event::read_journal(*read_file(lab.root / "run/events.jsonl"), lab.cell.id, "here");
    CHECK(reproduction::fails_from_content(recorded) == !early);
  }
}

TEST_CASE("what is kept has a quota, and the oldest goes first") {
  DebugSession lab;
  const reproduction::KeptMachines kept(lab.root / "kept");
  const lab::CellJob job = lab.job("x");
  event::Chain chain = event::begin_chain(lab.cell.id);
  const std::string journal =
      event::to_line({0ms, event::Opened{.cell = lab.cell.id, .boot_time = 3s}}, chain) + "\n";
  for (const char* key : {"aa", "bb", "cc"}) {
    REQUIRE(write_file(job.disk, std::string(200'000, 'x')));
    REQUIRE(kept.put(key, job, {"exercise", 3, journal}));
    const fs::path file = lab.root / "kept" / key / "kept.json";
    auto facts = *parse_json(*read_file(file), "here");
    facts["made"] = std::string("2026-01-0") + static_cast<char>('1' + key[0] - 'a') + "T00:00:00Z";
    REQUIRE(write_file(file, dump_pretty(facts)));
  }
  REQUIRE(kept.all().size() == 3);
  CHECK(kept.all().front().key == "cc");
  const auto each = kept.all().front().bytes;
  CHECK(each >= 200'000);
  const auto over = kept.over(each + each / 2);
  REQUIRE(over.size() == 2);
  CHECK(over[0].key == "aa");
  CHECK(over[1].key == "bb");
  CHECK(kept.over(4 * each).empty());
  CHECK(kept.discard("aa"));
  CHECK(!kept.find("aa"));
  REQUIRE(write_file(lab.root / "kept/bb/kept.json", "{"));
  CHECK(!kept.find("bb"));
}

TEST_CASE("a recorded cell is found by its id or by a pattern that only one matches") {
  DebugSession lab;
  bundle::RecordedRun run;
  plan::Cell other = lab.cell;
  other.id = "box.control";
  run.record.plan.cells = {lab.cell, other};
  const auto problem = [&](const std::string& id) {
    auto cell = reproduction::read_recorded(run, lab.root, id);
    REQUIRE(!cell);
    return cell.error().text();
  };
  CHECK_THAT(problem("box.candidat"), ContainsSubstring("did you mean 'box.candidate'?"));
  CHECK_THAT(problem("box.*"), ContainsSubstring("more than one cell"));
  CHECK_THAT(problem("*candidate"), ContainsSubstring("cannot be reproduced"));  // it has no journal

  auto job = lab.job("cells/box.candidate");
  job.disk = lab.root / "d.qcow2";
  lab.crash_on("sensorctl replay");
  lab.run(job);
  auto cell = reproduction::read_recorded(run, lab.root, "*candidate");
  REQUIRE(cell);
  CHECK_THAT(cell->failure().title, ContainsSubstring("Fatal exception"));
  CHECK(cell->reached({lab.left_at("exercise"), "exercise"}));
  CHECK(!cell->reached({1, "end"}));
}
