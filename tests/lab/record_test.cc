// Reports in a bundle: what cannot be written is told, and nothing else suffers from it.

#include <unistd.h>

#include "labctl/base/files.h"
#include "labctl/lab/record.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("labctl-record-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

lab::Judged one_cell() {
  lab::Judged judged;
  plan::Cell cell;
  cell.id = "debian.candidate";
  judged.plan.scenario = "story";
  judged.plan.cells = {cell};
  judged.verdict = verdict::judge(judged.plan, {}, {});
  judged.run = Json::object();
  return judged;
}

}  // namespace

TEST_CASE("a report that cannot be written is told and leaves the others") {
  Folder folder;
  fs::create_directories(folder.path / "report.html" / "in the way");
  const auto problems = lab::write_reports(folder.path, one_cell());
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0].where, ContainsSubstring("report.html"));
  CHECK(fs::is_regular_file(folder.path / "junit.xml"));
  CHECK(fs::is_regular_file(folder.path / "summary.md"));
}

TEST_CASE("a journal that cannot be read leaves its cell without a timeline") {
  Folder folder;
  fs::create_directories(folder.path / "cells/debian.candidate");
  REQUIRE(write_file(folder.path / "cells/debian.candidate/events.jsonl", "torn"));
  const auto record = lab::read_record(folder.path, one_cell());
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
  const auto record = lab::read_record(folder.path, one_cell());
  REQUIRE(record.cells[0].pictures.size() == 1);
  CHECK(record.cells[0].pictures[0].name == "screen-failure.png");
}
