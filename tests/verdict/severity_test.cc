// The table of the documents and the program say the same.
#include <fstream>
#include <map>

#include "labctl/base/text.h"
#include "labctl/outcome/accept.h"
#include "tests/source_tree.h"
#include "tests/verdict/outcomes.h"

using namespace labctl;

namespace {

// kind -> what it ends its cell as.
std::map<std::string, std::string> documented() {
  std::ifstream file(source_tree::root() / "docs/reference/verdict.md");
  std::map<std::string, std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) inside = line == "## Severities";
    if (!inside || !line.starts_with("| `")) continue;
    const auto columns = split(line, '|');
    REQUIRE(columns.size() == 6);
    const std::string kind(trim(columns[1]));
    rows[kind.substr(1, kind.size() - 2)] = trim(columns[4]);
  }
  return rows;
}

}  // namespace

TEST_CASE("the documented table has every kind and what it does") {
  const auto rows = documented();
  CHECK(rows.size() == static_cast<std::size_t>(crash::Kind::other) + 1);
  for (int i = 0; i <= static_cast<int>(crash::Kind::other); ++i) {
    crash::Finding finding;
    finding.kind = static_cast<crash::Kind>(i);
    finding.severity = crash::Severity::warning;
    const std::string kind = crash::to_string(finding.kind);
    INFO(kind);
    REQUIRE(rows.count(kind) == 1);
    CHECK(rows.at(kind) ==
          (outcome::is_weighed(finding) ? "weighed" : outcome::to_string(outcome::ending_for(finding.kind))));
  }
}
