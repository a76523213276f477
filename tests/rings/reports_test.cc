// reports.jsonl: hostile input, read strictly.

#include "tests/catch.h"
#include "tests/rings/told.h"

using namespace labctl;

namespace {

// A good line with one member as somebody else would write it; an empty value takes it out.
std::string line(const std::string& member = {}, const std::string& value = {}) {
  const std::string names[] = {"labctl", "ring", "machine", "driver", "content",
                               "from",   "to",   "boots",   "crashes"};
  const std::string values[] = {"1",
                                "\"internal\"",
                                "\"4f:1e\"",
                                "\"" + test::driver + "\"",
                                "\"" + test::content + "\"",
                                "\"2026-11-22T00:00:00Z\"",
                                "\"2026-11-22T06:00:00Z\"",
                                "3",
                                R"([{"title":"BUG: x","module":"sensor","at":"2026-11-22T01:00:00Z"}])"};
  std::string text = "{";
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (names[i] == member && value.empty()) continue;
    if (text.size() > 1) text += ",";
    text += "\"" + names[i] + "\":" + (names[i] == member ? value : values[i]);
  }
  return text + "}\n";
}

}  // namespace

TEST_CASE("a report is read") {
  const auto reports = rings::read_reports(line() + "\n" + line("driver"), "reports.jsonl");
  REQUIRE(reports.mistakes.empty());
  REQUIRE(reports.all.size() == 2);
  const auto& one = reports.all.front();
  CHECK(one.ring == "internal");
  CHECK(one.machine == "4f:1e");
  CHECK(one.driver == test::driver);
  CHECK(one.to - one.from == 6 * test::hour);
  CHECK(one.boots == 3);
  REQUIRE(one.crashes.size() == 1);
  CHECK(one.crashes[0].title == "BUG: x");
  CHECK(one.crashes[0].module == "sensor");
  CHECK(one.crashes[0].at == one.from + test::hour);
  CHECK(reports.all.back().driver.empty());
}

TEST_CASE("a line that cannot be read is a mistake at its line, and is never skipped") {
  const struct {
    std::string text, what;
  } table[] = {
      {"nonsense\n", ""},
      {"[]\n", "expected an object"},
      {std::string(300'000, ' ') + line(), "longer than"},
      {line().substr(0, 60), "no end"},
      {line("labctl", "2"), "labctl"},
      {line("ring"), "'ring' is missing"},
      {line("ring", "7"), "ring"},
      {line("machine", "\"\""), "machine"},
      {line("machine", "\"a b\""), "machine"},
      {line("machine", "\"<script>\""), "machine"},
      {line("machine", "\"\\u001b[31m\""), "machine"},
      {line("machine", "\"" + std::string(129, 'a') + "\""), "machine"},
      {line("driver", "\"abc\""), "driver"},
      {line("driver", "null"), "driver"},
      {line("content", "\"" + std::string(64, 'G') + "\""), "content"},
      {line("from", "\"yesterday\""), "from"},
      {line("from", "\"2026-11-22T06:00:01Z\""), "later than to"},
      {line("from", "\"2026-01-01T00:00:00Z\""), "longer than 92 days"},
      {line("to", "1800000000"), "to"},
      {line("boots", "-1"), "boots"},
      {line("boots", "99999999999"), "boots"},
      {line("crashes"), "'crashes' is missing"},
      {line("crashes", "0"), "crashes"},
      {line("crashes", "[7]"), "crashes"},
      {line("crashes", "[{}]"), "title"},
      {line("crashes", R"([{"title":" "}])"), "title"},
      {line("crashes", R"([{"title":")" + std::string(501, 'x') + "\"}]"), "title"},
      {line("crashes", R"([{"title":"x","at":"soon"}])"), "at"},
      {line("crashes", R"([{"title":"x","pc":"1"}])"), "not known"},
      {line("boots", "3,\"secret\":1"), "not known"},
      {line("boots", "3,\"boots\":1"), "twice"},
  };
  for (const auto& [text, what] : table) {
    INFO(text.substr(0, 400));
    const auto reports = rings::read_reports(line() + text, "r");
    REQUIRE(reports.mistakes.size() == 1);
    CHECK(reports.mistakes[0].where == "r:2");
    CHECK_THAT(reports.mistakes[0].what, ContainsSubstring(what));
    CHECK(reports.mistakes[0].what.find('\x1b') == std::string::npos);
  }
  CHECK(rings::read_reports("", "r").mistakes.empty());
  std::string many;
  for (int i = 0; i < 50; ++i) many += "nonsense\n";
  CHECK(rings::read_reports(many, "r").mistakes.size() == 20);
}
