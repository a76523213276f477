// Signatures of users: where they match, what they tell, and that noise never hides what is fatal.
#include <algorithm>

#include "labctl/crash/crash.h"
#include "recorded.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

Signature signature(const std::string& pattern, const std::string& noise = {}) {
  return {"sensor gave up", pattern, Kind::other, Severity::fatal, noise};
}

const std::string& linux_log(const std::string& name) {
  for (const Recording& each : recordings())
    if (each.name == name) return each.log;
  throw std::runtime_error("no recording " + name);
}

}  // namespace

TEST_CASE("a signature may match anywhere in a message, whatever is in front of it") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"gave up on (?P<module>\\w+)", "sensor: gave up on fanotify"},
      {"^sensor: gave up", "sensor: gave up on fanotify"},
      {"^sensor: gave up", "[   12.345678] sensor: gave up on fanotify"},
      {"^sensor: gave up", "[   12.345678][  T12] sensor: gave up"},
      {"(?i)SENSOR: GAVE", "[   12.345678] sensor: gave up"},
      {"^(?i)SENSOR: GAVE", "[   12.345678] sensor: gave up"},
      {"^other|gave up$", "[   12.345678] sensor: gave up"},
      {"gave.*twice", "\x1b[31msensor: ga\x1b[0mve up twice"},
  };
  for (const auto& [pattern, line] : table) {
    INFO(pattern << " on " << line);
    CHECK(matches(signature(pattern), line));
    const auto findings = scan("hello\n" + line + "\nworld\n", {}, {signature(pattern)});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].title == "sensor gave up");
    CHECK(findings[0].line == 2);
    CHECK(findings[0].offset == 6);
    CHECK(findings[0].excerpt == line);
    CHECK(findings[0].confirmed);
    CHECK(findings[0].suppressed.empty());
  }
  CHECK(scan("sensor: gave up on fanotify\n", Os::linux_, {signature("on (?P<module>\\w+)")})[0].module ==
        "fanotify");
  CHECK_FALSE(matches(signature("^gave up"), "sensor: gave up"));
  CHECK_FALSE(matches(signature("gave up"), "sensor: goes on"));
}

TEST_CASE("signatures do not depend on chunks, and a last line without an end is read") {
  const std::vector<Signature> own = {signature("gave up"), signature("^sensor: half")};
  const std::string log = "one\n[    1.000000] sensor: gave up\nsensor: half";
  const auto whole = scan(log, {}, own);
  REQUIRE(whole.size() == 1);  // both have one title
  for (std::size_t at = 1; at < log.size(); ++at) {
    Scanner scanner({}, own);
    auto findings = scanner.feed(log.substr(0, at));
    for (auto& more : scanner.feed(log.substr(at))) findings.push_back(std::move(more));
    for (auto& more : scanner.flush()) findings.push_back(std::move(more));
    CHECK(findings == whole);
  }
  Scanner scanner(Os::linux_, {signature("gave up")});
  scanner.feed("sensor: gave up");
  CHECK(scanner.pending());
  CHECK(scanner.flush().size() == 1);
  CHECK_FALSE(scanner.pending());
}

TEST_CASE("noise is listed with its reason and does not hide what is fatal") {
  const auto quiet = scan("sensor: gave up\n", Os::linux_, {signature("gave up", "known since 2.1")});
  REQUIRE(quiet.size() == 1);
  CHECK(quiet[0].suppressed == "known since 2.1");
  // A signature that counts is told beside the noise.
  const auto both =
      scan("sensor: gave up\n", Os::linux_, {signature("gave up", "known"), signature("sensor: gave")});
  REQUIRE(both.size() == 2);
  CHECK(both[1].suppressed.empty());

  const auto counting = [](const std::string& log, const std::string& pattern) {
    const auto findings = scan(log, Os::linux_, {signature(pattern, "known")});
    return std::count_if(findings.begin(), findings.end(),
                         [](const Finding& each) { return each.suppressed.empty(); });
  };
  CHECK(counting(linux_log("017-warning.log"), "WARNING: ") == 0);
  CHECK(counting(linux_log("001-oops-null.log"), "BUG: ") == 1);
  CHECK(counting(linux_log("004-panic.log"), "Kernel panic") == 1);
  CHECK(counting(linux_log("045-panic-on-warn.log"), "WARNING: ") == 1);  // the warning became a panic
}

TEST_CASE("a pattern that cannot be used is told in RE2's words") {
  CHECK(pattern_problem("gave up on (?P<module>\\w+)").empty());
  CHECK(pattern_problem("(").find("missing )") != std::string::npos);
  CHECK(pattern_problem("a*").find("empty text") != std::string::npos);
  CHECK(pattern_problem("").find("empty text") != std::string::npos);
  CHECK(pattern_problem("x(?P<task>y)").find("'task'") != std::string::npos);
  CHECK_FALSE(pattern_problem("(a{1000}){1000}").empty());
  CHECK_THROWS(Scanner(Os::linux_, {signature("(")}));
}

TEST_CASE("many signatures and hostile lines") {
  std::vector<Signature> many;
  for (int i = 0; i < 300; ++i) many.push_back(signature("x[a-z]{1,20}y" + std::to_string(i) + "$"));
  const std::string fill(1 << 20, 'x');
  CHECK(scan(fill + "\n" + std::string(1000, '\0') + "\n", {}, many).empty());
  CHECK(scan("xabcy299\n", {}, many).size() == 1);
}

}  // namespace labctl::crash
