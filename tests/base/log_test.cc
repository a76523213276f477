// The diagnostic log as whoever reads it the next morning finds it.
#include "labctl/base/log.h"

#include <stdlib.h>

#include <filesystem>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/labctl-log-XXXXXX";
    REQUIRE(::mkdtemp(name));
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

}  // namespace

TEST_CASE("a log begins with what was said before it had a file, and ends with its file") {
  Folder folder;
  log::info("said {}", "before");
  {
    auto file = log::File::open(folder.path / "labctl.log");
    REQUIRE(file);
    CHECK_FALSE(log::File::open(folder.path / "another.log"));  // one at a time
    log::debug("said while it was open");
  }
  log::info("said after");
  const std::string text = read_file(folder.path / "labctl.log").value();
  CHECK(text.find("info    said before\n") != text.npos);
  CHECK(text.find("debug   said while it was open\n") != text.npos);
  CHECK(text.find("said after") == text.npos);
  CHECK(text.substr(10, 1) == "T");  // 2026-11-29T02:00:01.417Z
  CHECK(text.substr(23, 1) == "Z");
}

TEST_CASE("whatever a guest puts into a line of the log, it is one line, harmless and not long") {
  Folder folder;
  {
    auto file = log::File::open(folder.path / "labctl.log");
    REQUIRE(file);
    log::warning("the guest said {}", "a\n2026-11-29T00:00:00.000Z error   forged\r\033[2J");
    log::info("{}", std::string(1 << 20, 'x'));
  }
  const std::string text = read_file(folder.path / "labctl.log").value();
  for (const auto& line : split(trim(text), '\n')) {
    CHECK(line.size() < 2100);
    CHECK(line.find('\033') == line.npos);
    CHECK(line.find('\r') == line.npos);
    CHECK((line.find("forged") == line.npos || line.find("the guest said") != line.npos));
  }
}

TEST_CASE("a log is bounded: what is too old goes") {
  Folder folder;
  {
    auto file = log::File::open(folder.path / "labctl.log");
    REQUIRE(file);
    const std::string line(1900, 'y');
    for (int i = 0; i < 20'000; ++i) log::info("{} {}", i, line);  // 38 MB
  }
  std::uint64_t bytes = 0, files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path)) {
    bytes += entry.file_size();
    ++files;
  }
  CHECK(files == 4);
  CHECK(bytes <= 32u << 20);
  CHECK(read_file(folder.path / "labctl.log").value().find(" 19999 ") != std::string::npos);
}

TEST_CASE("a log that cannot be written is an error of its file, and lines are still taken") {
  CHECK_FALSE(log::File::open("/proc/no-such-folder/labctl.log"));
  log::error("nobody reads this");
}

TEST_CASE("a request tells how long it took and what became of it; an ignored error is told once") {
  Folder folder;
  {
    auto file = log::File::open(folder.path / "labctl.log");
    REQUIRE(file);
    CHECK(log::request("start it", [] { return Status(); }));
    CHECK_FALSE(log::request("stop it", [] { return Status(lab_error("it does not want to")); }));
    log::ignored(Status(), "fine");
    log::ignored(Status(lab_error("no room")), "tidying up");
    log::ignored(std::make_error_code(std::errc::permission_denied), "removing", "/a/file");
  }
  const std::string text = read_file(folder.path / "labctl.log").value();
  CHECK(text.find("start it: done after ") != text.npos);
  CHECK(text.find("stop it: failed after ") != text.npos);
  CHECK(text.find("it does not want to") != text.npos);
  CHECK(text.find("tidying up: no room (nothing depends on it)") != text.npos);
  CHECK(text.find("removing /a/file: Permission denied") != text.npos);
  CHECK(text.find("fine") == text.npos);
}
