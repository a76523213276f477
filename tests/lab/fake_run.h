// A whole run on fake machines: one cell with a driver and content, and its control.
#pragma once

#include <unistd.h>

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/units.h"
#include "labctl/bundle/judge.h"
#include "labctl/lab/run_cell.h"
#include "labctl/lab/scheduler.h"
#include "tests/bundle/canary_records.h"
#include "tests/catch.h"
#include "tests/lab/fake_lab.h"
#include "tests/lab/fake_machine.h"

namespace labctl::test {

class Lab {
 public:
  Lab() {
    root = fs::temp_directory_path() /
           ("labctl-lab-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    fs::create_directories(root / "bundle/cells");
    REQUIRE(write_file(root / "snapshot.qcow2", "a disk"));
    REQUIRE(write_canary(root / "bundle/canary", record(std::nullopt), "box"));
    payload = {{"driver.ko", sha256("driver")}, {"content.bin", sha256("content")}};
    plan.scenario = "fake";
    plan.cells = {cell("box.candidate", false), cell("box.control", true)};
    host.scripts["labctl-box.candidate"].payload = payload;
  }
  ~Lab() { fs::remove_all(root); }

  Script& candidate() { return host.scripts["labctl-box.candidate"]; }
  Script& control() { return host.scripts["labctl-box.control"]; }

  bundle::Judged run() {
    std::vector<lab::CellJob> jobs;
    for (const auto& c : plan.cells)
      jobs.push_back({.cell = c,
                      .base = {.image = {.sha256 = record(std::nullopt).images[0].sha256},
                               .disk = root / "snapshot.qcow2",
                               .disk_sha256 = record(std::nullopt).images[0].snapshot_sha256,
                               .boot_time = 3s},
                      .payload = files_of(c).empty() ? "" : "cd.iso",
                      .files = files_of(c),
                      .builds = {{"driver.ko", {"build-id:aa"}}},
                      .folder = root / "bundle/cells" / c.id,
                      .disk = root / (c.id + ".qcow2")});
    for (const auto& c : plan.cells)
      for (const auto& [file, digest] : updates_of(c)) host.scripts["labctl-" + c.id].payload[file] = digest;
    for (auto& job : jobs) {
      job.dumps = &dumps, job.base.shape.memory = memory;
      job.kills_for_memory = kills_for_memory;
    }
    lab::run_scheduled(
        jobs, host, 2,
        [this](const lab::Progress& p) {
          if (p.ended) outcomes.push_back(p.outcome);
          if (p.where.starts_with("waiting:") && at_wait) at_wait();
        },
        stop.get_token(), slots);
    // Thrown, not required: one run may be beside another, and Catch knows one thread.
    if (!write_record(std::vector<std::string>())) throw std::runtime_error("no run.json");
    return bundle::judge_bundle(root / "bundle").value();
  }

  outcome::RunRecord record(std::optional<std::vector<std::string>> faults) const {
    outcome::RunRecord run{.rules = outcome::rules_now,
                           .began = show_moment(std::time(nullptr)),
                           .artifacts = {{"driver.ko", sha256("driver")}, {"content.bin", sha256("content")}},
                           .images = {image_record("box")},
                           .plan = plan,
                           .faults = std::move(faults)};
    if (plan.cells.empty()) return run;  // the lab is being made
    for (const auto& given : plan::given_to(plan.cells[0]))
      if (given.of == plan::Given::Of::update) run.artifacts.push_back({given.path, sha256(given.path)});
    return run;
  }
  Status write_record(std::optional<std::vector<std::string>> faults) const {
    return write_file(root / "bundle/run.json", outcome::write_run_record(record(std::move(faults))));
  }

  const outcome::Outcome& outcome(const bundle::Judged& judged, const std::string& id) {
    for (const auto& o : judged.verdict.cells)
      if (o.cell == id) return o;
    FAIL("no outcome for " << id);
    return judged.verdict.cells.front();
  }

  fs::path root;
  std::map<std::string, std::string> payload;
  plan::Plan plan;
  FakeHost host;
  std::stop_source stop;
  lab::Slots slots;
  std::function<void()> at_wait = {};  // somebody of this run waits for a slot
  lab::DumpPolicy dumps;
  std::uint64_t memory = 1 << 20;
  std::function<std::uint64_t()> kills_for_memory = [] { return std::uint64_t{0}; };
  std::vector<outcome::Outcome> outcomes;  // as the cells ended while they ran

 private:
  static std::map<std::string, std::string> updates_of(const plan::Cell& c) {
    std::map<std::string, std::string> files;
    for (const auto& given : plan::given_to(c))
      if (given.of == plan::Given::Of::update)
        files[guest::update_file(given.path, given.place)] = sha256(given.path);
    return files;
  }
  std::map<std::string, std::string> files_of(const plan::Cell& c) const {
    std::map<std::string, std::string> files = updates_of(c);
    if (!c.control) files.insert(payload.begin(), payload.end());
    return files;
  }
  static plan::Cell cell(const std::string& id, bool control) {
    plan::Cell c;
    c.id = id;
    c.control = control;
    c.image = "box";
    c.axes = {{"image", "box"}};
    c.settle = 50ms;
    using enum scenario::StepKind;
    if (!control) {
      c.driver = c.content = "candidate";
      c.driver_path = "driver.ko";
      c.content_path = "content.bin";
      c.axes.emplace_back("driver", "candidate");
      c.guest.driver = {.kind = scenario::DriverKind::kmod, .modules = {"sensor"}};
      c.guest.content = scenario::Content{"/var/lib/sensor/content.bin", "true"};
      c.guest.proof = {{.run = "sensorctl digest", .prints = "${content.sha256}"}};
      for (auto kind : {install, apply}) c.story.push_back({.kind = kind});
    }
    for (int i = 0; i < 2; ++i) c.story.push_back({.kind = reboot});
    return c;
  }
  static inline int count = 0;
};

}  // namespace labctl::test
