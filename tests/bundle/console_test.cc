// Parts of consoles: what is read is bounded, and only of a plain file.

#include "labctl/bundle/console.h"

#include <sys/stat.h>
#include <unistd.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;
using Lines = std::vector<std::string>;

namespace {

struct File {
  fs::path folder = fs::temp_directory_path() / ("labctl-console-" + std::to_string(::getpid()));
  fs::path path = folder / "console.log";
  explicit File(const std::string& text) {
    fs::create_directories(folder);
    REQUIRE(write_file(path, text));
  }
  ~File() { fs::remove_all(folder); }
};

}  // namespace

TEST_CASE("the lines around a place have their numbers") {
  const File file("one\r\ntwo\nthree\nfour\nfive");
  const auto [offset, line, lines, first, read] =
      GENERATE(table<std::uint64_t, std::uint64_t, std::size_t, std::uint64_t, Lines>(
          {{0, 1, 1, 1, {"one", "two"}},
           {9, 3, 1, 2, {"two", "three", "four"}},
           {9, 3, 0, 3, {"three"}},
           {20, 5, 9, 1, {"one", "two", "three", "four", "five"}},
           {9, 3, 99, 1, {"one", "two", "three", "four", "five"}}}));
  const auto part = bundle::read_console_at(file.path, offset, line, lines);
  REQUIRE(part);
  CHECK(part->first_line == first);
  CHECK(part->lines == read);
}

TEST_CASE("the end of a console has numbers when all of it was read") {
  const File file("one\ntwo\nthree\n");
  CHECK(bundle::read_console_end(file.path, 2)->lines == Lines{"two", "three"});
  CHECK(bundle::read_console_end(file.path, 2)->first_line == 0);
  CHECK(bundle::read_console_end(file.path, 3)->first_line == 1);
  CHECK(bundle::read_console_end(File("").path, 3)->lines.empty());
}

TEST_CASE("a console of any length costs the same") {
  const File file(std::string(1 << 20, 'x') + "\n" + std::string(1 << 20, 'y'));
  const auto part = bundle::read_console_at(file.path, (1 << 20) + 1, 2, 1000);
  REQUIRE(part);
  REQUIRE(part->lines.size() == 1);  // of the line before, the beginning was not read
  CHECK(part->lines[0] == std::string(bundle::longest_line, 'y'));
  CHECK(bundle::read_console_end(file.path, 5)->lines[0].size() == bundle::longest_line);
}

TEST_CASE("a place that is not there, a link and a pipe are refused, and nothing waits") {
  const File file("one\n");
  CHECK_FALSE(bundle::read_console_at(file.path, 4, 2, 1));
  CHECK_FALSE(bundle::read_console_at(file.path, ~0ull, ~0ull, 1000));
  CHECK_FALSE(bundle::read_console_at(file.folder / "nothing", 0, 1, 1));
  fs::create_symlink(file.path, file.folder / "link");
  CHECK_FALSE(bundle::read_console_at(file.folder / "link", 0, 1, 1));
  REQUIRE(::mkfifo((file.folder / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(bundle::read_console_at(file.folder / "pipe", 0, 1, 1));
  CHECK_FALSE(bundle::read_console_end(file.folder, 1));
}
