// Reports in a bundle: what cannot be written is told, and nothing else suffers from it.

#include <unistd.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/bundle/reports.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("labctl-record-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

bundle::Judged one_cell() {
  bundle::Judged judged;
  plan::Cell cell;
  cell.id = "debian.candidate";
  judged.run.plan.scenario = "story";
  judged.run.plan.cells = {cell};
  judged.verdict = verdict::judge(judged.run.plan, {}, {});
  return judged;
}

}  // namespace

TEST_CASE("a report that cannot be written is told and leaves the others") {
  Folder folder;
  fs::create_directories(folder.path / "report.html" / "in the way");
  const auto problems = bundle::write_reports(folder.path, one_cell());
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0].where, ContainsSubstring("report.html"));
  CHECK(fs::is_regular_file(folder.path / "junit.xml"));
  CHECK(fs::is_regular_file(folder.path / "summary.md"));
}

TEST_CASE("a journal that cannot be read leaves its cell without a timeline") {
  Folder folder;
  fs::create_directories(folder.path / "cells/debian.candidate");
  REQUIRE(write_file(folder.path / "cells/debian.candidate/events.jsonl", "torn"));
  const auto record = bundle::read_record(folder.path, one_cell());
  REQUIRE(record.cells.size() == 1);
  CHECK(record.cells[0].timeline.steps.empty());
  CHECK(record.cells[0].files == std::vector<std::string>{"events.jsonl"});
}

TEST_CASE("only true pictures are taken, no links, and none that is large") {
  Folder folder;
  const fs::path cell = folder.path / "cells/debian.candidate";
  fs::create_directories(cell);
  const std::string png = "\x89PNG\r\n\x1a\nx";
  REQUIRE(write_file(cell / "screen-failure.png", png));
  REQUIRE(write_file(cell / "screen-text.png", "<svg>"));
  REQUIRE(write_file(cell / "screen-large.png", png + std::string(5 << 20, 'x')));
  fs::create_symlink("screen-failure.png", cell / "screen-link.png");
  const auto record = bundle::read_record(folder.path, one_cell());
  REQUIRE(record.cells[0].pictures.size() == 1);
  CHECK(record.cells[0].pictures[0].name == "screen-failure.png");
}

TEST_CASE("a finding in a bare module is told as a place in its source, while the file is the run's own") {
  Folder folder;
  REQUIRE(write_file(folder.path / "fall.c", "int step(int *p)\n{\n\treturn *p;\n}\n"));
  REQUIRE(
      run_ok({.argv = {"gcc-12", "-g", "-O0", "-c", "fall.c", "-o", "fall.ko"}, .directory = folder.path}));
  auto judged = one_cell();
  auto& cell = judged.run.plan.cells[0];
  cell.guest.driver = {.kind = scenario::DriverKind::kmod, .modules = {"fall"}};
  cell.driver_path = "fall.ko";
  crash::Finding finding{.title = "BUG in step"};
  finding.excerpt = "BUG: unable to handle page fault\nRIP: 0010:step+0x8/0x20 [fall]\n";
  judged.verdict.cells.at(0).findings = {{.finding = finding}};
  const auto recorded = [&](const std::string& sha256) {
    judged.run.scenario.path = (folder.path / "gate.yaml").string();
    judged.run.artifacts = {{"fall.ko", sha256}};
  };
  const auto places = [&](std::vector<fs::path> given) {
    return bundle::read_record(folder.path, judged, given).cells.at(0).places;
  };
  recorded(sha256_file(folder.path / "fall.ko").value());
  CHECK_THAT(places({}).at(0).at(0), ContainsSubstring("[fall]: step at ") && ContainsSubstring("fall.c:3"));
  recorded(sha256("another"));
  CHECK(places({}).empty());
  CHECK(places({folder.path / "fall.ko"}).size() == 1);
}

TEST_CASE("a bundle of another version of labctl is told as one, with the labctl that made it") {
  Folder folder;
  const auto refusal = [&](const Json& run) {
    REQUIRE(write_file(folder.path / "run.json", dump_line(run)));
    const auto read = bundle::read_run(folder.path);
    REQUIRE(!read);
    CHECK(read.error().fault == Fault::input);
    CHECK_THAT(read.error().hint, ContainsSubstring("the labctl that made it"));
    return read.error().what;
  };
  CHECK_THAT(refusal({{"labctl", 2}, {"tool", "labctl 9.0"}}),
             ContainsSubstring("another version") && ContainsSubstring("'labctl 9.0'"));
  const Json old{{"labctl", 1}, {"tool", "labctl 0.0.1"}, {"plan", {{"labctl", 1}, {"scenario", "gate"}}}};
  CHECK_THAT(refusal(old), ContainsSubstring("an older version") && ContainsSubstring("'labctl 0.0.1'") &&
                               ContainsSubstring("is missing"));
}
