// The signature file: what is read, and that an example that lies is told with its place.
#include <string>

#include "labctl/scenario/signatures.h"
#include "tests/catch.h"

namespace labctl::scenario {
namespace {

std::string entry(const std::string& rest) {
  return "labctl: 1\nsignatures:\n  - title: sensor gave up\n" + rest;
}

std::string told(const std::string& yaml) {
  std::string text;
  for (const Error& mistake : load_signatures(yaml, "s.yaml").mistakes)
    text += mistake.where + ": " + mistake.what + "\n";
  return text;
}

}  // namespace

TEST_CASE("a signature file gives signatures") {
  const auto loaded =
      load_signatures(entry("    pattern: 'gave up on (?P<module>\\w+)'\n    kind: hung-task\n"
                            "    severity: warning\n    noise: known\n"
                            "    matches: ['[    1.000000] sensor: gave up on x']\n"
                            "    not: [sensor goes on]\n"),
                      "s.yaml");
  REQUIRE(loaded.mistakes.empty());
  REQUIRE(loaded.all.size() == 1);
  CHECK(loaded.all[0] == crash::Signature{"sensor gave up", "gave up on (?P<module>\\w+)",
                                          crash::Kind::hung_task, crash::Severity::warning, "known"});
}

TEST_CASE("every mistake of a signature file has its place") {
  const std::string examples = "    matches: [sensor gave up]\n    not: [sensor goes on]\n";
  CHECK(told(entry("    pattern: 'sensor gave ('\n" + examples))
            .find("s.yaml:4:14: signatures[1].pattern: missing )") == 0);
  CHECK(told(entry("    pattern: 'x*'\n" + examples)).find("matches the empty text") != std::string::npos);
  CHECK(told(entry("    pattern: 'a(?P<b>c)'\n" + examples)).find("the group 'b' means nothing") !=
        std::string::npos);
  CHECK(told(entry("    pattern: gave up\n    matches: [sensor gave in]\n    not: [sensor goes on]\n")) ==
        "s.yaml:5:15: signatures[1].matches: the pattern does not match 'sensor gave in'\n");
  CHECK(
      told(entry("    pattern: gave up\n    matches: [sensor gave up]\n    not: [sensor gave up again]\n")) ==
      "s.yaml:6:11: signatures[1].not: the pattern matches 'sensor gave up again'\n");
  CHECK(told(entry("    pattern: gave up\n    matches: []\n    not: [x]\n")).find("this list is empty") !=
        std::string::npos);
  CHECK(told(entry("    pattern: gave up\n")).find("has no 'not'") != std::string::npos);
  CHECK(told(entry("    pattern: gave up\n    kind: ops\n" + examples)).find("s.yaml:5:11: ") == 0);
  CHECK(told("labctl: 2\nsignatures: []\n").find("s.yaml:1:9: ") == 0);
  CHECK_FALSE(told("[").empty());
  CHECK_FALSE(told("").empty());
}

}  // namespace labctl::scenario
