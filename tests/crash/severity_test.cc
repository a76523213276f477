// The severities that the documents name for a kind are those that the recogniser gives it.
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/errors.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl::crash;

namespace {

std::string documented(const std::string& kind) {
  std::ifstream file(source_tree::root() / "docs/reference/verdict.md");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `" + kind + "` | ")) continue;
    std::istringstream columns(line);
    std::string column;
    for (int i = 0; i < 4; ++i) std::getline(columns, column, '|');
    return column.substr(1, column.size() - 2);
  }
  return "no such row";
}

}  // namespace

TEST_CASE("a kind has the severities that its row of the documents names") {
  std::map<Kind, std::set<Severity>> given;
  for (const auto rules : {linux_rules(), complaint_rules(), firmware_rules(), recovery_rules()})
    for (const Rule& rule : rules) given[rule.kind].insert(rule.severity);
  for (const auto& finding : crashed_programs("<6>[    1.0] x[7]: segfault at 0 ip 0\n"))
    given[finding.kind].insert(finding.severity);
  CHECK(given.count(Kind::error) == 1);
  CHECK(given.count(Kind::service) == 1);
  for (const auto& [kind, severities] : given) {
    if (kind == Kind::other) continue;  // an author says it
    std::string words;
    for (const Severity severity : severities)
      words += (words.empty() ? "" : ", ") + std::string(to_string(severity));
    INFO(to_string(kind));
    CHECK(documented(to_string(kind)) == words);
  }
}
