// What a Windows hands out of its dumps, and what is read from its screen, with another in tesseract's place.
#include <stdlib.h>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/observe/observe.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Scratch {
  Scratch() {
    char name[] = "/tmp/labctl-windows-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Scratch() { fs::remove_all(path); }
  fs::path path;
};

// A minidump of 0x7E of which only the header is there; it must end at 0x160004.
std::string minidump() {
  std::string bytes(0x3000, '\0');
  bytes.replace(0, 8, "PAGEDU64");
  bytes[0x38] = 0x7E;
  bytes[0xF98] = 4;
  bytes[0x200A] = 0x16;
  return bytes;
}

crash::Finding only(const std::vector<event::What>& told) {
  REQUIRE(told.size() == 1);
  return std::get<event::Found>(told.front()).finding;
}

std::string answer(const std::string& size, const std::string& mark) {
  return "dump=C:\\Windows\\Minidump\\112226-9453-01.dmp|" + size + "|2026-11-22T08:15:31.0000000Z\r\n" +
         mark + "data=" + base64_encode(minidump()) + "\r\n";
}

// 100 pixels square, one white line on the blue #2067B2.
constexpr const char* blue_screen =
    "iVBORw0KGgoAAAANSUhEUgAAAGQAAABkCAIAAAD/gAIDAAAAoElEQVR42u3TUREAAAREQVG0009BKvC/"
    "Ny/BDpHVOhYIYMGCBQsWLASwYMGCBQsWAliwYMGCBQsBLFiwYMGChQAWLFiwYMFCAAsWLFiwYCGABQsW"
    "LFiwEMCCBQsWLFgIHlhj57ksbwgLFixYggULFixYsAQLFixYsGAJFixYsGDBEixYsGDBgiVYsGDBggVL"
    "sGDBggULlmDBggULFizBerSZK3Xx7/rvuwAAAABJRU5ErkJggg==";

// Puts a program of that name in front of the host's own.
class Instead {
 public:
  Instead(const Scratch& scratch, const std::string& name, const std::string& script)
      : before_(::getenv("PATH")) {
    const fs::path file = scratch.path / name;
    REQUIRE(write_file(file, "#!/bin/sh\n" + script));
    fs::permissions(file, fs::perms::owner_all);
    ::setenv("PATH", (scratch.path.string() + ":" + before_).c_str(), 1);
  }
  ~Instead() { ::setenv("PATH", before_.c_str(), 1); }
  Instead(const Instead&) = delete;
  Instead& operator=(const Instead&) = delete;

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("a dump that a guest hands out in part is whole when its end is marked") {
  const Scratch scratch;
  const auto corrupted = [&](const std::string& size, const std::string& mark) {
    const auto found = only(observe::keep_dumps(answer(size, mark), scratch.path / "dumps"));
    CHECK(found.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
    return found.corrupted;
  };
  const std::string marked = "mark=" + base64_encode("TRGD") + "\r\n";
  CHECK(corrupted("1441796", marked).empty());
  CHECK(corrupted("1441796", "mark=\r\n") == "the end of the dump was not read");
  CHECK(corrupted("1441796", "") == "the end of the dump was not read");
  CHECK(corrupted("1441796", "mark=" + base64_encode("....") + "\r\n") == "the dump's end has no mark");
  CHECK(corrupted("1441795", marked).starts_with("the dump is cut short"));
}

TEST_CASE("one dump's mark is not another's") {
  const Scratch scratch;
  const std::string marked = "mark=" + base64_encode("TRGD") + "\r\n";
  const auto told =
      observe::keep_dumps(answer("1441796", marked) + answer("1441796", ""), scratch.path / "dumps");
  REQUIRE(told.size() == 2);
  CHECK(std::get<event::Found>(told[0]).finding.corrupted.empty());
  CHECK_FALSE(std::get<event::Found>(told[1]).finding.corrupted.empty());
}

TEST_CASE("the text of any screen of one colour is read, and what the reader says of itself is left out") {
  const Scratch scratch;
  const fs::path file = scratch.path / "screen.png";
  const auto bytes = base64_decode(blue_screen, 4096);
  REQUIRE(bytes);
  REQUIRE(write_file(file, *bytes));
  {
    const Instead reader(scratch, "tesseract",
                         "echo 'Estimating resolution as 144' >&2\n"
                         "echo 'Your device ran into a problem and needs to restart.'\n"
                         "echo 'Stop code: SYSTEM_THREAD_EXCEPTION_NOT_HANDLED'\n");
    const auto found = only(observe::read_screen(file));
    CHECK(found.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
    CHECK_THAT(found.excerpt, !ContainsSubstring("Estimating"));
  }
  const Instead reader(scratch, "tesseract", "echo 'Welcome'\n");
  CHECK(observe::read_screen(file).empty());  // a colour that is nobody's is no stop by itself
}
