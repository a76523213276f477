// The recogniser's promises on what is recorded and on what the fuzzer found interesting; and what it found
// broken, each as a case of its own.
#include <re2/re2.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "labctl/crash/dialects/dialect.h"
#include "promises.h"
#include "recorded.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

namespace labctl::crash {
namespace {

// tests/fuzz/pack.py: each input behind its length in eight digits and a newline.
std::vector<std::string> corpus() {
  std::ifstream file(source_tree::tests() / "fuzz/corpus/crash.pack", std::ios::binary);
  std::vector<std::string> inputs;
  for (std::string length; std::getline(file, length);) {
    std::string input(std::stoul(length), '\0');
    if (!file.read(input.data(), static_cast<std::streamsize>(input.size())))
      throw std::runtime_error("the corpus is torn");
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::string repeated(const std::string& piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

}  // namespace

TEST_CASE("every promise is kept on the recordings") {
  for (const Recording& each : recordings()) {
    INFO(each.name);
    CHECK(broken_promise(each.log) == "");
  }
}

TEST_CASE("every promise is kept on the fuzzer's corpus") {
  const auto inputs = corpus();
  REQUIRE(inputs.size() > 300);
  for (std::size_t number = 0; number < inputs.size(); ++number) {
    INFO("input " << number);
    CHECK(broken_promise(inputs[number]) == "");
  }
}

// For all texts, not only for those that a fuzzer thinks of: what a pattern can match lies between two texts
// that both begin with the head.
TEST_CASE("no pattern matches what its head keeps from it") {
  for (const auto rules : {firmware_rules(), recovery_rules(), linux_rules(), complaint_rules()}) {
    for (const Rule& rule : rules) {
      INFO(rule.pattern);
      if (rule.head.empty()) {
        CHECK(std::string_view(rule.pattern).ends_with("\\[#\\d+\\]"));
        continue;
      }
      if ((rule.flags & behind_name) != 0) {
        CHECK(std::string_view(rule.pattern).starts_with(".{1,64}?" + std::string(rule.head)));
        continue;
      }
      const RE2 pattern("^(?:" + std::string(rule.pattern) + ")", RE2::Latin1);
      std::string least, most;
      REQUIRE(pattern.PossibleMatchRange(&least, &most, static_cast<int>(rule.head.size() + 1)));
      CHECK(least.starts_with(rule.head));
      std::string behind(rule.head);
      ++behind.back();
      CHECK(most <= behind);
    }
  }
}

TEST_CASE("a silence inside a header does not hide the report") {
  const std::string header = "[   12.345678] BUG: KASAN: use-after-free in f+0x1/0x2 [m]";
  for (std::size_t at = 1; at < header.size(); ++at) {
    INFO(header.substr(0, at));
    Scanner scanner;
    auto findings = scanner.feed(header.substr(0, at));
    for (auto&& more : {scanner.flush(), scanner.feed(header.substr(at) + "\n"), scanner.flush()}) {
      findings.insert(findings.end(), more.begin(), more.end());
    }
    REQUIRE_FALSE(findings.empty());
    CHECK(findings.back().title == "KASAN: use-after-free in f");
    CHECK(findings.back().module == "m");
    CHECK(findings.back().offset == 0);
  }
}

TEST_CASE("a warning told at a silence is told again when the kernel dies of it") {
  const auto each = std::find_if(recordings().begin(), recordings().end(), [](const Recording& recording) {
    return recording.name == "045-panic-on-warn.log";
  });
  REQUIRE(each != recordings().end());
  const std::size_t panic = each->log.find("[   12.345678] Kernel panic");
  REQUIRE(panic != std::string::npos);
  Scanner scanner;
  scanner.feed(each->log.substr(0, panic));
  const auto early = scanner.flush();
  REQUIRE(early.size() == 1);
  CHECK(early[0].severity == Severity::warning);
  const auto late = scanner.feed(each->log.substr(panic));
  CHECK(std::any_of(late.begin(), late.end(),
                    [](const Finding& finding) { return finding.severity == Severity::fatal; }));
}

TEST_CASE("a row of lines that lead to a report does not become one") {
  const std::string row = repeated("[    1.000000] refcount_t: underflow; use-after-free.\n", 20000);
  const auto findings = scan(row + "[    2.000000] kernel BUG at a.c:1!\n");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].excerpt.size() <= 16384);
  CHECK(findings[0].line > 19000);
}

TEST_CASE("a doubtful report does not swallow a panic") {
  const auto findings = scan(
      "[    1.000000] BUG: of a sort that nobody knows\n"
      "[    1.000000] Code: 00 00\n"
      "[    1.000000] Modules linked in: m\n"
      "[    1.000000] Kernel panic - not syncing: Fatal exception in interrupt\n");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].kind == Kind::panic);
}

TEST_CASE("two reports that begin in one line both have it as their excerpt") {
  const std::string line =
      "[    1.000000] Kernel BUG at  [#1] SMP[    1.000001] Insufficient stack space to handle exception!";
  const auto findings = scan(line + "\n");
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].excerpt.starts_with(line));
  CHECK(findings[1].excerpt.starts_with(line));
}

TEST_CASE("a boot menu's shell is known with and without the blank behind its prompt") {
  CHECK(scan("Shell>").size() == 1);
  CHECK(scan("Shell> ").size() == 1);
}

}  // namespace labctl::crash
