#include "labctl/base/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

Command shell(const std::string& script) { return {.argv = {"sh", "-c", script}}; }

double seconds_of(const std::function<void()>& work) {
  const auto began = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - began).count();
}

}  // namespace

TEST_CASE("a program's status and words come back") {
  auto ended = run(shell("echo out; echo err >&2; exit 7"));
  REQUIRE(ended);
  CHECK(ended->exit_code == 7);
  CHECK(ended->output == "out\nerr\n");
  CHECK_FALSE(ended->ok());
  CHECK(run({.argv = {"true"}})->ok());
}

TEST_CASE("a program that a signal killed ends with 128 and the signal") {
  CHECK(run(shell("kill -9 $$"))->exit_code == 137);
  CHECK(run(shell("kill -SEGV $$"))->exit_code == 139);
}

TEST_CASE("a program gets its environment, its folder and nothing to read") {
  auto ended = run({.argv = {"sh", "-c", "echo $LABCTL_X; pwd; cat; echo end"},
                    .environment = {{"LABCTL_X", "a b"}},
                    .directory = "/usr"});
  CHECK(ended->output == "a b\n/usr\nend\n");
  CHECK_FALSE(run({.argv = {"pwd"}, .directory = "/not/there"}));
}

TEST_CASE("arguments are not read by a shell") {
  CHECK(run({.argv = {"printf", "%s|", "a b", "$HOME", "*", "", "'"}})->output == "a b|$HOME|*||'|");
}

TEST_CASE("a program that is not there is an error with a hint") {
  auto missing = run({.argv = {"labctl-no-such-program"}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().fault == Fault::lab);
  CHECK_THAT(missing.error().text(), ContainsSubstring("labctl-no-such-program"));
  CHECK_FALSE(run({.argv = {"/etc/passwd"}}));
  CHECK(find_program("sh").filename() == "sh");
  CHECK(find_program("labctl-no-such-program").empty());
  CHECK(find_program("").empty());
  CHECK(find_program("/usr").empty());
}

TEST_CASE("a program that takes too long is ended, with all its children") {
  std::string words;
  const double took = seconds_of([&] {
    auto command = shell("sleep 60 & echo $!; sleep 60");
    command.deadline = 300ms;
    auto ended = run(command);
    REQUIRE(ended);
    CHECK(ended->timed_out);
    CHECK_FALSE(ended->ok());
    words = ended->output;
  });
  CHECK(took < 30);
  std::this_thread::sleep_for(100ms);
  const pid_t grandchild = std::stoi(words);
  const std::string state = read_file("/proc/" + std::to_string(grandchild) + "/stat").value_or("gone Z");
  CHECK((state.find(" Z") != std::string::npos || ::kill(grandchild, 0) != 0));
}

TEST_CASE("a program that ignores the request to end is killed soon") {
  const double took = seconds_of([] {
    auto command = shell("trap '' TERM; while :; do sleep 0.1; done");
    command.deadline = 200ms;
    CHECK(run(command)->timed_out);
  });
  CHECK(took < 30);
}

TEST_CASE("a stop ends a program soon, also one that ignores it") {
  for (const char* script : {"sleep 60", "trap '' TERM; while :; do sleep 0.1; done"}) {
    std::stop_source source;
    auto command = shell(script);
    command.stop = source.get_token();
    const double took = seconds_of([&] {
      std::jthread stopper([&] {
        std::this_thread::sleep_for(200ms);
        source.request_stop();
      });
      auto ended = run(command);
      REQUIRE_FALSE(ended);
      CHECK(ended.error().fault == Fault::interrupted);
    });
    INFO(script);
    CHECK(took < 30);
  }
}

TEST_CASE("a grandchild that holds the pipe open does not hold us") {
  const double took = seconds_of([] {
    auto ended = run(shell("sleep 60 & echo $!"));
    REQUIRE(ended);
    CHECK(ended->exit_code == 0);
    CHECK(::kill(std::stoi(ended->output), SIGKILL) == 0);
  });
  CHECK(took < 30);
}

TEST_CASE("a program that closes its output and goes on is waited for") {
  auto ended = run(shell("exec >/dev/null 2>&1; sleep 0.3; exit 5"));
  CHECK(ended->exit_code == 5);
}

TEST_CASE("a program that says very much is remembered by its last words") {
  auto ended = run(shell("head -c 30000000 /dev/zero | tr '\\0' x; echo; echo the end"));
  REQUIRE(ended);
  CHECK(ended->output.size() <= 256u << 10);
  CHECK(ended->output.ends_with("x\nthe end\n"));
}

TEST_CASE("lines are told as they come and none is endless") {
  std::vector<std::string> lines;
  auto command = shell("printf 'one\\ntwo\\r\\n\\nthree'; head -c 100000 /dev/zero | tr '\\0' x");
  command.on_line = [&](std::string_view line) { lines.emplace_back(line); };
  REQUIRE(run(command));
  REQUIRE(lines.size() > 4);
  CHECK(lines[0] == "one");
  CHECK(lines[1] == "two");
  std::size_t letters = 0;
  for (const auto& line : lines) {
    CHECK(line.size() <= 9000);
    letters += static_cast<std::size_t>(std::count(line.begin(), line.end(), 'x'));
  }
  CHECK(letters == 100'000);
}

TEST_CASE("our descriptors stay ours") {
  const int leaky = ::open("/dev/null", O_RDONLY);  // on purpose without CLOEXEC
  REQUIRE(leaky >= 0);
  auto ended = run(shell("ls /proc/self/fd | tr '\\n' ' '"));
  ::close(leaky);
  for (const auto& fd : split(trim(ended->output), ' ')) CHECK(std::stoi(fd) <= 3);  // 3 is ls's own

  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator{});
  };
  const auto before = count();
  for (int i = 0; i < 20; ++i) static_cast<void>(run({.argv = {"true"}}));
  CHECK(count() == before);
}

TEST_CASE("what had to succeed and did not is told with its last words") {
  CHECK(run_ok(shell("echo fine")).value() == "fine\n");
  auto failed = run_ok(shell("head -c 5000 /dev/zero | tr '\\0' x; echo; echo no space; exit 3"));
  REQUIRE_FALSE(failed);
  CHECK_THAT(failed.error().text(), ContainsSubstring("status 3"));
  CHECK_THAT(failed.error().text(), ContainsSubstring("no space"));
  CHECK(failed.error().text().size() < 2000);
}
