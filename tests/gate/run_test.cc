// The gate called as a library: an order and an environment in, a judged bundle out, and everything that
// happens told to an observer in pairs.
#include "labctl/gate/run.h"

#include <stdlib.h>

#include <algorithm>

#include "labctl/bundle/last_failures.h"
#include "labctl/gate/canary.h"
#include "labctl/host/cache.h"
#include "tests/catch.h"
#include "tests/lab/fake_lab.h"

using namespace labctl;

namespace {

constexpr const char* recipe =
    "os: linux\nsummary: plain code\nsuite: s\nkernel: k\nbuild: build\ndisk: 1GiB\n";
constexpr const char* scenario_text =
    "labctl: 1\n"
    "name: fake\n"
    "candidate: {driver: {candidate: driver.ko}, content: {candidate: content.bin}}\n"
    "matrix: {image: [box]}\n"
    "guest:\n"
    "  linux:\n"
    "    driver: {kind: kmod, module: sensor}\n"
    "    content: {path: /var/lib/sensor/content.bin, apply: 'true'}\n"
    "    proof: [{run: sensorctl digest, prints: '${content.sha256}'}]\n"
    "story: [install driver, apply content, reboot]\n"
    "settle: 1s\n"
    "policy: {lab_retries: 1}\n";

// Guests that are well, but for what `spoil` does to those of the candidate.
class FakeHost final : public machine::Host {
 public:
  FakeHost(std::map<std::string, std::string> payload, std::function<void(test::Script&)> spoil)
      : payload_(std::move(payload)), spoil_(std::move(spoil)) {}
  const machine::HostFacts& facts() const override { return facts_; }
  Result<std::unique_ptr<machine::Machine>> create(const machine::Spec& spec, machine::Sink sink) override {
    test::Script script;
    const bool candidate =
        spec.name.find("candidate") != std::string::npos || spec.name.find("content-") != std::string::npos;
    if (candidate) script.payload = payload_;
    if (candidate && spoil_) spoil_(script);
    if (!script.start_result) return fail(script.start_result.error());
    auto own = std::make_shared<test::Script>(script);
    script.on_command = [own](const std::string& command, int, const machine::Sink& said) {
      return test::die(command, *own, said);
    };
    return std::unique_ptr<machine::Machine>(new test::FakeMachine(std::move(script), std::move(sink)));
  }
  static machine::HostFacts describe() {
    return {.hypervisor = "fake", .machine_type = "fake", .fingerprint = std::string(64, 'f')};
  }

 private:
  machine::HostFacts facts_ = describe();
  std::map<std::string, std::string> payload_;
  std::function<void(test::Script&)> spoil_;
};

// What was told, in its order.
class Recorder final : public gate::Observer {
 public:
  void on(const gate::Event& event) override { all.push_back(event); }
  template <class T>
  std::vector<T> of() const {
    std::vector<T> found;
    for (const auto& event : all)
      if (const auto* one = std::get_if<T>(&event)) found.push_back(*one);
    return found;
  }
  std::vector<gate::Event> all;
};

fs::path make_folder() {
  char name[] = "/tmp/labctl-gate-XXXXXX";
  REQUIRE(::mkdtemp(name));
  return name;
}

// What the first case has proved.
const fs::path& proofs() {
  static const struct Folder {
    fs::path path = make_folder();
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } folder;
  static const fs::path canary = folder.path / "canary";
  return canary;
}

struct Bench {
  Bench() {
    for (const auto& [file, text] : {std::pair{"images/box/image.yaml", recipe},
                                     {"images/box/build", "#!/bin/false\n"},
                                     {"driver.ko", "driver"},
                                     {"content.bin", "content"},
                                     {"fake.yaml", scenario_text}}) {
      REQUIRE(make_dirs((root / file).parent_path()));
      REQUIRE(write_file(root / file, text));
    }
    host::Paths paths{.root = root / "cache",
                      .recipes = {root / "images"},
                      .store = root / "cache/images",
                      .artifacts = root / "cache/artefacts",
                      .kept = root / "cache/kept",
                      .cache = root / "cache/host",
                      .runtime = root / "r"};
    REQUIRE(host::claim_cache(paths.root));
    std::error_code ignored;  // canaries need not be run again in each case
    fs::create_directories(paths.cache);
    fs::copy(proofs(), paths.cache / "canary", fs::copy_options::recursive, ignored);
    REQUIRE(test::make_image(paths, "box", FakeHost::describe(), 500));
    environment.emplace(gate::Environment{.paths = paths,
                                          .store = image::Store(paths.recipes, paths.store),
                                          .open_host = [this](const auto& options) { return open(options); },
                                          .clock = [this] { return now; },
                                          .stop = stop.get_token(),
                                          .tool = "labctl test"});
    load(scenario_text);
    order.out = root / "out";
  }
  void load(const std::string& text) {
    auto loaded = scenario::load(text, "fake.yaml", {});
    REQUIRE(loaded.scenario);
    order.plan =
        plan::expand(*loaded.scenario, Date(std::chrono::sys_days(std::chrono::days(20000)))).value();
    order.scenario = {.file = (root / "fake.yaml").string(), .text = text};
  }
  // Cells with other contents beside the candidate's, all of them with the candidate's driver.
  void add_contents(const std::vector<std::string>& files) {
    std::string text = scenario_text, labels = "candidate", entries = "candidate: content.bin";
    for (const auto& file : files) {
      const std::string label = file.substr(0, file.find('.'));
      REQUIRE(write_file(root / file, file));
      payload[file] = sha256(file);
      labels += ", " + label;
      entries += ", " + label + ": " + file;
    }
    text.replace(text.find("candidate: content.bin"), 22, entries);
    text.replace(text.find("image: [box]"), 12,
                 "image: [box], driver: [candidate], content: [" + labels + "]");
    load(text);
  }
  ~Bench() {
    std::error_code ignored;
    if (!fs::exists(proofs(), ignored))
      fs::copy(root / "cache/host/canary", proofs(), fs::copy_options::recursive, ignored);
    fs::remove_all(root, ignored);
  }

  Result<std::unique_ptr<machine::Host>> open(const machine::HostOptions&) {
    if (!opens) return lab_error("there is no hypervisor here");
    return std::unique_ptr<machine::Host>(new FakeHost(payload, spoil));
  }
  auto run() { return gate::run(order, *environment, recorder); }

  fs::path root = make_folder();
  std::map<std::string, std::string> payload = {{"driver.ko", sha256("driver")},
                                                {"content.bin", sha256("content")}};
  std::stop_source stop;
  const std::time_t now = std::time(nullptr) + 3600;
  bool opens = true;
  std::function<void(test::Script&)> spoil;
  std::optional<gate::Environment> environment;
  gate::RunOrder order;
  Recorder recorder;
};

}  // namespace

TEST_CASE("an order and an environment give a judged bundle, without a terminal") {
  Bench bench;
  auto result = bench.run();
  REQUIRE(result);
  CHECK(result->judged.verdict.decision == verdict::Decision::passed);
  CHECK(result->judged.run.tool == "labctl test");
  CHECK(result->judged.run.began == show_moment(bench.now));  // the environment's clock
  CHECK(result->is_signed);
  CHECK_FALSE(result->interrupted);
  CHECK(fs::exists(result->bundle / "verdict.json"));

  const auto& told = bench.recorder;
  REQUIRE(told.of<gate::RunBegan>().size() == 1);
  CHECK(told.of<gate::RunBegan>()[0].cells == 2);
  CHECK(told.of<gate::SnapshotBegan>().size() == told.of<gate::SnapshotEnded>().size());
  CHECK(told.of<gate::HostEnded>()[0].facts->hypervisor == "fake");
  CHECK(told.of<gate::CanariesEnded>().size() == 1);
  CHECK(told.of<gate::CellsBegan>().size() == told.of<gate::CellsEnded>().size());
  CHECK(told.of<gate::CellEnded>().size() == 2);
  CHECK(told.of<gate::Problem>().empty());
  REQUIRE(std::holds_alternative<gate::RunEnded>(told.all.back()));
  CHECK(std::get<gate::RunEnded>(told.all.back()).verdict == "passed");

  // A second run on this host reuses the control's pass, and says so.
  bench.recorder.all.clear();
  auto again = bench.run();
  REQUIRE(again);
  CHECK(again->judged.verdict.decision == verdict::Decision::passed);
  REQUIRE(told.of<gate::ControlReused>().size() == 1);
  CHECK(told.of<gate::ControlReused>()[0].cell == "box.control");
}

TEST_CASE("a failed guest is told where it ends, and blocks") {
  Bench bench;
  bench.spoil = [](test::Script& script) {
    script.at_boot = [](int, const machine::Sink& sink) { sink(machine::ConsoleBytes{test::oops}); };
  };
  bench.order.attest = [](const bundle::Judged&) -> Result<std::string> { return lab_error("no key today"); };
  auto result = bench.run();
  REQUIRE(result);
  CHECK(result->judged.verdict.decision == verdict::Decision::blocked);
  REQUIRE_FALSE(result->is_signed);
  CHECK(result->is_signed.error().what == "no key today");
  const auto ended = bench.recorder.of<gate::CellEnded>();
  CHECK(std::any_of(ended.begin(), ended.end(), [](const auto& cell) {
    return cell.progress.outcome.ending == outcome::Ending::crashed &&
           gate::describe(cell).find(cell.progress.cell) == 0;
  }));
}

TEST_CASE("without a hypervisor there is an error and no bundle") {
  Bench bench;
  bench.opens = false;
  auto result = bench.run();
  REQUIRE_FALSE(result);
  CHECK(result.error().at(0).what == "there is no hypervisor here");
  CHECK_FALSE(bench.recorder.of<gate::HostEnded>()[0].facts);
  CHECK(bench.recorder.of<gate::BundleOpened>().empty());
}

TEST_CASE("while clones are crashed on purpose, it is said how far they are, and not too often") {
  Recorder recorder;
  const auto all = gate::canary_watch(5, recorder, Millis(0));
  all({.cell = "box.panic", .where = "restore"});
  all({.cell = "box.panic", .where = "ended", .ended = true});
  all({.cell = "box.nmi", .where = "boot 1/1"});
  const auto said = recorder.of<gate::Said>();
  REQUIRE(said.size() == 2);
  CHECK_THAT(said[0].text, Catch::Matchers::StartsWith("canary: 0 of 5 clones have ended after "));
  CHECK_THAT(said[1].text, Catch::Matchers::StartsWith("canary: 1 of 5 clones have ended after "));
  CHECK_THAT(said[1].text, Catch::Matchers::EndsWith("; box.nmi: boot 1/1"));
  const auto seldom = gate::canary_watch(5, recorder, std::chrono::hours(1));
  seldom({.cell = "box.panic", .where = "restore"});
  CHECK(recorder.of<gate::Said>().size() == 2);
}

TEST_CASE("an image that is not there is told before a host is looked for") {
  Bench bench;
  const auto canaries =
      gate::prove_channels({.images = {"bok"}, .out = {}, .host = {}}, *bench.environment, bench.recorder);
  REQUIRE_FALSE(canaries);
  CHECK_THAT(canaries.error().at(0).text(), ContainsSubstring("bok"));
  CHECK(bench.recorder.of<gate::HostEnded>().empty());
}

TEST_CASE("a run that is asked to stop says that it was interrupted, and what it left can be resumed") {
  Bench bench;
  bench.spoil = [&bench](test::Script&) { bench.stop.request_stop(); };
  auto result = bench.run();
  REQUIRE(result);
  CHECK(result->interrupted);
  CHECK(bench.recorder.of<gate::RunEnded>()[0].interrupted);
  CHECK(lab::read_unfinished(result->bundle));
}

TEST_CASE("after a failed guest --fail-fast begins controls only, and says which cells it left out") {
  Bench bench;
  bench.order.fail_fast = GENERATE(false, true);
  bench.order.jobs = 1;
  bench.add_contents({"second.bin", "third.bin"});
  bench.spoil = [](test::Script& script) {
    script.at_boot = [](int, const machine::Sink& sink) { sink(machine::ConsoleBytes{test::oops}); };
  };
  auto result = bench.run();
  REQUIRE(result);
  const auto& cells = result->judged.verdict.cells;
  const auto count = [&](auto&& of) {
    return std::count_if(cells.begin(), cells.end(), [&](const auto& one) { return of(one.ending); });
  };
  std::string outcomes;
  for (const auto& one : cells)
    outcomes += one.cell + " " + outcome::to_string(one.ending) + ": " + one.reason + "\n";
  INFO(outcomes);
  CHECK(result->judged.verdict.decision == verdict::Decision::blocked);
  CHECK(count([](auto ending) { return ending == outcome::Ending::passed; }) == 1);  // the control
  CHECK(count(outcome::is_guest_failure) == (bench.order.fail_fast ? 1 : 3));
  CHECK(count([](auto ending) { return ending == outcome::Ending::not_run; }) ==
        (bench.order.fail_fast ? 2 : 0));
  CHECK(result->judged.run.ended_early == bench.order.fail_fast);
  for (const auto& one : cells)
    if (one.ending == outcome::Ending::not_run)
      CHECK(one.reason == "it was left out: another guest had failed (--fail-fast)");
}

TEST_CASE("--fail-fast leaves nothing out of a run in which no guest fails") {
  Bench bench;
  bench.order.fail_fast = true;
  auto result = bench.run();
  REQUIRE(result);
  CHECK(result->judged.verdict.decision == verdict::Decision::passed);
  CHECK_FALSE(result->judged.run.ended_early);
}

TEST_CASE("what failed in the scenario's last run begins first in the next one") {
  Bench bench;
  bench.order.jobs = 1;
  bench.add_contents({"second.bin", "third.bin"});
  const auto begun = [&] { return bench.recorder.of<gate::CellsBegan>().at(0).cells; };
  REQUIRE(bench.run());
  const auto as_planned = begun();
  REQUIRE(as_planned.size() == 4);
  const auto note = [&](const std::string& folder, const std::string& verdict) {
    REQUIRE(make_dirs(bench.order.out / folder));
    REQUIRE(write_file(bench.order.out / folder / "verdict.json", verdict));
  };
  note("99990101T000000Z-fake", R"({"cells": [{"id": ")" + as_planned.back() + R"(", "outcome": "hung"},
                                              {"id": ")" +
                                    as_planned.front() + R"(", "outcome": "lab-failed"}]})");
  note("99990102T000000Z-fake.partial", R"({"cells": [{"id": "x", "outcome": "hung"}]})");
  note("99990103T000000Z-fake-other", R"({"cells": [{"id": "x", "outcome": "hung"}]})");
  CHECK(bundle::last_failures(bench.order.out, "fake") == std::set{as_planned.back()});
  bench.recorder.all.clear();
  bench.order.rerun_controls = true;
  REQUIRE(bench.run());
  CHECK(begun().front() == as_planned.back());
  note("99990104T000000Z-fake", R"([{"cells": 3}])");  // it cannot be read: as planned
  CHECK(bundle::last_failures(bench.order.out, "fake").empty());
}
