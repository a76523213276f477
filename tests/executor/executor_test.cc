// What Slurm is asked and how its answers are read; and this host as an executor.
#include "labctl/executor/executor.h"

#include <stdlib.h>

#include <chrono>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/executor/local.h"
#include "labctl/executor/open.h"
#include "labctl/executor/slurm.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/labctl-executor-XXXXXX";
    path = ::mkdtemp(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

// Instead of labctl: what it was called with, and how long it takes.
fs::path program_in(const fs::path& folder, const std::string& body) {
  REQUIRE(create_file(folder / "program", "#!/bin/sh\n" + body, 0700));
  return folder / "program";
}

executor::JobState wait_for(executor::Executor& executor) {
  executor::JobState seen;
  for (int i = 0; i < 1200 && !seen.over; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    seen = executor.watch().value();
  }
  return seen;
}

}  // namespace

TEST_CASE("an array job runs the program itself, so that signals reach it") {
  const executor::Submission submission{.program = "/opt/labctl",
                                        .split_file = "/shared/a gate/split.json",
                                        .logs = "/shared/a gate/logs",
                                        .shards = {0, 3, 4},
                                        .options = {"--accel", "kvm"}};
  const auto command = executor::sbatch_command(submission, "lab");
  CHECK(command.front() == "sbatch");
  CHECK(command.at(3) == "--array=0,3,4");
  CHECK(command.at(4) == "--output=/shared/a gate/logs/%a.log");
  CHECK(command.at(6) == "--partition=lab");
  CHECK(command.back() ==
        "--wrap=exec '/opt/labctl' shard run '/shared/a gate/split.json' --index \"$SLURM_ARRAY_TASK_ID\" "
        "'--accel' 'kvm'");
  CHECK(executor::sbatch_command(submission, "").size() == command.size() - 1);
  auto larger = submission;
  larger.processors = 3;
  CHECK(executor::sbatch_command(larger, "lab").at(6) == "--cpus-per-task=3");
}

TEST_CASE("the number of a job is a number") {
  const std::pair<const char*, std::optional<std::string>> rows[] = {
      {"17\n", "17"},        {"17;north\n", "17"},          {"sbatch: a warning\n18\n", "18"},
      {"", std::nullopt},    {"error: none", std::nullopt}, {"17 18", std::nullopt},
      {";17", std::nullopt},
  };
  for (const auto& [printed, id] : rows) CHECK(executor::job_id(printed) == id);
}

TEST_CASE("a queue without a task is over") {
  struct Row {
    const char* printed;
    bool over;
    const char* text;
  };
  const Row rows[] = {
      {"", true, ""},
      {"\n", true, ""},
      {"R None\nR None\nPD Resources\n", false, "1 pending (Resources), 2 running"},
      {"CG None\n", false, "1 ending"},
      {"PD None\n", false, "1 pending"},
      {"S None\n", false, "1 S"},
  };
  for (const auto& row : rows) {
    const auto seen = executor::read_queue(row.printed);
    CHECK(seen.over == row.over);
    CHECK(seen.text == row.text);
  }
}

TEST_CASE("another word than an executor's is a mistake") {
  for (const char* word : {"", "Local", "slurm:", "slurmy", "kubernetes"}) {
    const auto none = executor::open(word);
    REQUIRE(!none);
    CHECK(none.error().fault == Fault::input);
  }
  CHECK(executor::open("local"));
}

TEST_CASE("this host runs one shard after the other, whatever becomes of each") {
  const Folder folder;
  const auto local = executor::local();
  CHECK(local->watch().value().over);
  REQUIRE(local->submit({.program = program_in(folder.path, "echo \"$@\"\nexit 3\n"),
                         .split_file = "gate/split.json",
                         .logs = folder.path / "logs",
                         .shards = {0, 2},
                         .options = {"--accel", "tcg"}}));
  CHECK(wait_for(*local).over);
  CHECK(read_file(folder.path / "logs/0.log").value() == "shard run gate/split.json --index 0 --accel tcg\n");
  CHECK(read_file(folder.path / "logs/2.log").value() == "shard run gate/split.json --index 2 --accel tcg\n");
}

TEST_CASE("a cancelled shard is asked to end, and the next does not begin") {
  const Folder folder;
  const auto local = executor::local();
  REQUIRE(local->submit({.program = program_in(folder.path,
                                               "trap 'echo asked; exit 130' TERM\necho begun\n"
                                               "while :; do sleep 0.1; done\n"),
                         .split_file = "gate/split.json",
                         .logs = folder.path / "logs",
                         .shards = {0, 1},
                         .options = {}}));
  for (int i = 0; i < 1200 && read_file(folder.path / "logs/0.log").value_or("").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  REQUIRE(local->cancel());
  CHECK(wait_for(*local).over);
  CHECK(read_file(folder.path / "logs/0.log").value().find("asked") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.path / "logs/1.log"));
}
