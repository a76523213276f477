// What reports say of outcomes: statistics in words, whose fault, one life on one axis, and hostile text.

#include "labctl/report/report.h"

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/words.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using outcome::Ending;

namespace {

// Cells named "driver/content" (or "driver/content@image"), `!` when they crashed, `?` when the lab failed.
struct Matrix {
  plan::Plan plan;
  verdict::Verdict verdict;
  std::set<std::string> failed;

  explicit Matrix(const std::vector<std::string>& cells) {
    for (const auto& written : cells) {
      const char last = written.back();
      const std::string id = last == '!' || last == '?' ? written.substr(0, written.size() - 1) : written;
      const auto slash = id.find('/'), at = id.find('@');
      plan::Cell cell;
      cell.id = id;
      cell.control = slash == std::string::npos;
      if (!cell.control)
        cell.driver = id.substr(0, slash), cell.content = id.substr(slash + 1, at - slash - 1);
      cell.image = at == std::string::npos ? "debian" : id.substr(at + 1);
      plan.cells.push_back(cell);
      const Ending ending = last == '!' ? Ending::crashed : last == '?' ? Ending::lab_failed : Ending::passed;
      verdict.cells.push_back({.cell = id, .ending = ending, .boots_wanted = 3, .boots_proved = 3});
      if (last == '!') failed.insert(id);
    }
  }
  std::string fault() const { return report::whose_fault(plan, verdict, failed); }
};

}  // namespace

TEST_CASE("a matrix tells the driver, the content or the pair, and says so when it cannot") {
  const auto [cells, says] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"new/new!", "new/old", "old/new!", "old/old"}, "the content: every cell with content new"},
      {{"new/new!", "new/old!", "old/new", "old/old"}, "the driver: every cell with driver new"},
      {{"new/new!", "new/old", "old/new", "old/old"}, "only the pair"},
      {{"new/new!", "new/old"}, "content new, alone or with this driver"},
      {{"new/new!", "old/new"}, "driver new, alone or with this content"},
      {{"new/new!"}, "no such comparison in this matrix"},
      {{"new/new!", "old/old"}, "no such comparison in this matrix"},
      {{"new/new!", "new/old!", "old/new!", "old/old!"}, "no such comparison in this matrix"},
      {{"new/new!", "new/old", "old/new", "old/old!"}, "no single driver, content or pair"},
      {{"new/!", "old/"}, "the driver: every cell with driver new"},
      {{"new/!"}, "a cell with another driver on the same image would decide it"},
      // What the lab failed is no comparison, and neither is another image.
      {{"new/new!", "new/old?", "old/new", "old/old"}, "driver new, alone or with this content"},
      {{"new/new@a!", "new/old@b"}, "no such comparison in this matrix"},
      {{"new/new@a!", "new/new@b"}, "not on every image, but on a"},
      {{"new/new@a!", "new/old@a", "old/new@a", "new/new@b"}, "only the pair"},
      {{"new/new", "control!"}, "seen in a control"},
      {{"new/new", "new/old"}, ""},
  }));
  CAPTURE(cells);
  const std::string fault = Matrix(cells).fault();
  if (says.empty())
    CHECK(fault.empty());
  else
    CHECK_THAT(fault, ContainsSubstring(says));
}

TEST_CASE("clean boots exclude a crash rate, in words and never more than 3/N") {
  const auto [boots, says] = GENERATE(table<int, std::string>({
      {0, "no crash rate is ruled out"},
      {1, "1 clean boot: too few"},
      {2, "2 clean boots: too few to rule out any crash rate"},
      {3, "too few"},
      {4, "3 of 4 boots"},
      {6, "1 of 2 boots"},
      {7, "1 of 2 boots"},
      {60, "60 clean boots: a crash in more than 1 of 20 boots is ruled out with 95 % confidence"},
      {3000, "1 of 1000 boots"},
  }));
  CHECK_THAT(report::boots_in_words(boots), ContainsSubstring(says));
  CHECK(verdict::excluded_crash_rate(boots).value_or(0) == Approx(boots > 3 ? 3.0 / boots : 0));
}

TEST_CASE("a failure anywhere means that no rate is excluded; controls and findings do not count as clean") {
  Matrix good({"new/new", "control"});
  CHECK(verdict::statistics(good.verdict, good.plan).clean_boots == 3);
  Matrix bad({"new/new!", "new/old"});
  CHECK_FALSE(verdict::statistics(bad.verdict, bad.plan).excluded_crash_rate());
  CHECK_THAT(report::statistics_in_words(verdict::statistics(bad.verdict, bad.plan)),
             ContainsSubstring("no bound on the crash rate"));
  outcome::Observation seen;
  seen.finding.title = "BUG: accepted by somebody";
  good.verdict.cells[0].findings.push_back(seen);
  CHECK(verdict::clean_boots(good.verdict.cells[0]) ==
        (seen.finding.severity == crash::Severity::fatal ? 0 : 3));
  good.verdict.cells[0].findings[0].finding.severity = crash::Severity::fatal;
  CHECK(verdict::clean_boots(good.verdict.cells[0]) == 0);
  good.verdict.cells[0].findings[0].finding.suppressed = "noise";
  CHECK(verdict::clean_boots(good.verdict.cells[0]) == 3);
}

TEST_CASE("one title in several cells is one problem, fatal ones and frequent ones first") {
  Matrix matrix({"new/a!", "new/b!", "new/c"});
  const auto add = [&](std::size_t cell, const std::string& title, crash::Severity severity) {
    outcome::Observation seen;
    seen.finding.title = title;
    seen.finding.severity = severity;
    seen.finding.line = title.starts_with("kernel tainted") ? 0 : 7;
    matrix.verdict.cells[cell].findings.push_back(seen);
  };
  add(0, "WARNING in a", crash::Severity::warning);
  add(1, "WARNING in a", crash::Severity::warning);
  add(2, "WARNING in a", crash::Severity::warning);
  add(0, "BUG: once", crash::Severity::fatal);
  for (std::size_t cell : {0u, 1u, 1u}) add(cell, "BUG: twice", crash::Severity::fatal);
  add(2, "BUG: noise", crash::Severity::fatal);
  matrix.verdict.cells[2].findings.back().finding.suppressed = "known";
  add(0, "kernel tainted D", crash::Severity::fatal);  // by "once"
  add(2, "kernel tainted W", crash::Severity::fatal);  // a warning and noise do not explain it
  const auto problems = verdict::problems(matrix.verdict);
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].title == "BUG: twice");
  CHECK(problems[0].cells == std::vector<std::string>{"new/a", "new/b"});
  CHECK(problems[1].title == "BUG: once");
  CHECK(problems[2].title == "kernel tainted W");
  CHECK(problems[3].title == "WARNING in a");
}

TEST_CASE("resets of one fall are one boot, and a late beat is not the new life's") {
  const std::vector<event::Event> journal = {{0s, event::Opened{.cell = "a"}},
                                             {1s, event::Beat{}},
                                             {40s, event::Reset{}},
                                             {41s, event::Reset{}},
                                             {42s, event::Beat{}},
                                             {50s, event::KernelStarted{}},
                                             {60s, event::AgentLink{true}},
                                             {90s, event::Reset{}},
                                             {120s, event::Tick{}}};
  const auto line = report::timeline({{"restore", 0s, 120s}}, journal);
  REQUIRE(line.lives.size() == 3);
  CHECK(line.lives[0].up == 1s);
  CHECK(line.lives[1].from == 40s);
  CHECK(line.lives[1].up == 60s);
  CHECK(line.lives[1].to == 90s);
  CHECK_FALSE(line.lives[2].up);
  CHECK(line.end == 120s);
}

TEST_CASE("of many cells only those that did not end as they should are drawn") {
  std::vector<std::string> names{"new/bad!"};
  const auto page_of = [&](std::size_t cells) {
    while (names.size() < cells) names.push_back(fmt::format("new/c{}", names.size()));
    const Matrix matrix(names);
    report::Record record{
        .bundle = "20261122T003338Z-example", .run = {.plan = matrix.plan}, .verdict = matrix.verdict};
    record.cells.resize(names.size());
    for (auto& cell : record.cells) cell.timeline = report::timeline({{"restore", 0s, 120s}}, {});
    for (auto& cell : record.cells) cell.timeline.end = 120s;
    return report::html(record);
  };
  const auto drawn = [](const std::string& page) {
    int count = 0;
    for (std::size_t at = 0; (at = page.find("class=\"time\"", at)) != page.npos; ++at) ++count;
    return count;
  };
  CHECK(drawn(page_of(200)) == 200);
  const auto page = page_of(201);
  CHECK(drawn(page) == 1);
  CHECK_THAT(page,
             ContainsSubstring("labctl show &apos;20261122T003338Z-example&apos; &apos;new/c200&apos;"));
}

TEST_CASE("an endless journal gives a bounded timeline") {
  std::vector<event::Event> journal = {{0s, event::Opened{.cell = "a"}}};
  for (int i = 1; i < 20000; ++i) journal.push_back({20s * i, event::Reset{}});
  const auto line = report::timeline({}, journal);
  CHECK(line.lives.size() <= 200);
  CHECK(line.marks.size() <= 200);
}

TEST_CASE("records that lack everything still make every report") {
  Matrix matrix({"new/new!", "control"});
  const report::Record record{.run = {.plan = matrix.plan}, .verdict = matrix.verdict};
  CHECK_THAT(report::html(record), ContainsSubstring("</html>"));
  CHECK_THAT(report::junit(record), ContainsSubstring("</testsuites>"));
  CHECK_THAT(report::markdown(record), ContainsSubstring("new"));
}

TEST_CASE("where in the source it was stands with the finding, and cannot be more than text") {
  const Matrix matrix({"driver/content!"});
  report::Record record{.run = {.plan = matrix.plan}, .verdict = matrix.verdict};
  record.verdict.cells[0].findings = {{.finding = {.title = "oops in sensor"}}};
  record.cells.resize(1);
  record.cells[0].places[0] = {"sensor_equal+0x39/0x60 [sensor]: sensor_equal at <b>sensor.c:255"};
  CHECK_THAT(report::html(record),
             ContainsSubstring("in the source") && ContainsSubstring("&lt;b&gt;sensor.c:255"));
  CHECK_THAT(report::junit(record), ContainsSubstring("in the source:\nsensor_equal+0x39/0x60 [sensor]"));
  record.cells[0].places.clear();
  CHECK_THAT(report::html(record), !ContainsSubstring("in the source"));
}

TEST_CASE("an excerpt is bounded and says that it was cut") {
  crash::Finding finding;
  for (int i = 0; i < 1000; ++i) finding.excerpt += "line\n";
  CHECK(report::excerpt(finding, 2, 1000) == "line\nline\n\u2026");
  finding.excerpt = std::string(1 << 20, 'x');
  CHECK(report::excerpt(finding, 2, 1000).size() < 1010);
}

TEST_CASE("what people have accepted is no failure, and every report names who accepted it") {
  using scenario::As;
  const auto entry = [](As as, const std::string& cell) {
    return scenario::Acceptance{.as = as,
                                .title = "BUG: in sensor_match",
                                .cells = {cell},
                                .owner = "kim",
                                .reason = "bug 4711",
                                .until = *parse_date("2026-12-31")};
  };
  Matrix matrix({"new/bad!", "new/waived", "new/good", "control"});
  outcome::Observation seen;
  seen.channel = event::Channel::console;
  seen.finding.line = 17;
  seen.finding.title = "BUG: in sensor_match";
  seen.finding.severity = crash::Severity::fatal;
  for (std::size_t i : {0u, 1u}) matrix.verdict.cells[i].findings.push_back(seen);
  matrix.verdict.cells[0].expected = true;
  matrix.verdict.decision = verdict::Decision::passed;
  matrix.verdict.waived = true;
  matrix.plan.cells[0].accepted = {entry(As::expected, "new/bad")};
  matrix.plan.cells[1].accepted = {entry(As::waived, "new/waived")};
  matrix.verdict.waivers = {{entry(As::waived, "new/waived"), verdict::WaiverState::used},
                            {entry(As::waived, "old/*"), verdict::WaiverState::unused}};
  CHECK(verdict::statistics(matrix.verdict, matrix.plan).boots_proved == 6);  // not those of the crash

  const report::Record record{.run = {.plan = matrix.plan}, .verdict = matrix.verdict};
  const std::string page = report::html(record), summary = report::markdown(record);
  for (const std::string& made : {page, summary}) {
    CHECK_THAT(made, ContainsSubstring("crashed, as expected"));
    CHECK_THAT(made, ContainsSubstring("unused"));
    CHECK_THAT(made, ContainsSubstring("kim, until 2026"));
  }
  CHECK_THAT(page, ContainsSubstring("waived by kim until 2026-12-31: bug 4711"));
  CHECK_THAT(page, ContainsSubstring("expected by kim until 2026-12-31: bug 4711"));
  CHECK_THAT(page, !ContainsSubstring("class=\"tile failed"));
  CHECK_THAT(summary, !ContainsSubstring("❌"));

  const auto last = report::last_word(matrix.verdict, matrix.plan);
  CHECK_THAT(last, Catch::StartsWith("WARNED, passed with 1 waiver: 'BUG: in sensor_match' (kim, until"));
  CHECK_THAT(report::junit(record), ContainsSubstring("labctl.warned"));

  matrix.verdict.cells[0].expected = false;  // and without the word of anybody it is red
  const report::Record red{.run = {.plan = matrix.plan}, .verdict = matrix.verdict};
  CHECK_THAT(report::html(red), ContainsSubstring("class=\"tile failed"));
  CHECK_THAT(report::markdown(red), ContainsSubstring("❌"));
}

TEST_CASE("a summary has no colours but its own, and no line of it is a command") {
  Matrix matrix({"new/new!", "control"});
  auto& outcome = matrix.verdict.cells[0];
  outcome.reason = "::error::\033[32mPASSED\033[0m\n::error::again";
  outcome.step = "##vso[x]\r";
  outcome.findings.push_back({});
  outcome.findings[0].finding.title = "oops in f";
  outcome.findings[0].finding.suppressed = "\n::error::x\033[2J";
  const std::string plain = report::summary(matrix.verdict, matrix.plan, {});
  CHECK_THAT(plain, !ContainsSubstring("\033") && !ContainsSubstring("##vso[") && !ContainsSubstring("\r"));
  CHECK_THAT(plain, !ContainsSubstring(" ::error::") && !ContainsSubstring("\n::error::"));
  std::string coloured = report::summary(matrix.verdict, matrix.plan, {.colour = true});
  for (const char* own : {"\033[31m", "\033[32m", "\033[33m", "\033[0m"}) {
    const std::string code = own;
    for (auto at = coloured.find(code); at != std::string::npos; at = coloured.find(code))
      coloured.erase(at, code.size());
  }
  CHECK(coloured == plain);
}

TEST_CASE("on a terminal the lines of a summary are broken between words") {
  Matrix matrix({"new/new!", "control"});
  auto& outcome = matrix.verdict.cells[0];
  outcome.reason = "BUG: unable to handle page fault in sensor_match [module sensor, the candidate's]";
  outcome.step = "boot 2/3: a step with a rather long name, which takes much of its line";
  outcome.findings.push_back({});
  outcome.findings[0].finding.title = "BUG: unable to handle page fault in a_function_with_a_name";
  const auto words = [](std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    auto all = split(text, ' ');
    std::erase(all, "");
    return join(all, " ");
  };
  const std::string free = report::summary(matrix.verdict, matrix.plan, {});
  for (const std::size_t width : {80, 100, 200}) {
    const std::string text = report::summary(matrix.verdict, matrix.plan, {.width = width});
    for (const auto& line : split(text, '\n')) CHECK(columns(line) <= width);
    CHECK_THAT(text, ContainsSubstring(width < 200 ? "\n      at boot 2/3" : "  at boot 2/3"));
    CHECK(words(text) == words(free));  // the same in the same order
  }
}

TEST_CASE("content without a proof is in every report, with the reason") {
  Matrix matrix({"new/good", "control"});
  matrix.verdict.decision = verdict::Decision::passed;
  matrix.verdict.weaker = {{verdict::unproved_option, "the driver tells nobody", {"new/good"}}};
  const report::Record record{.run = {.plan = matrix.plan}, .verdict = matrix.verdict};
  CHECK_THAT(report::last_word(matrix.verdict, matrix.plan),
             Catch::StartsWith("WARNED, passed with content without a proof: 'the driver tells nobody' "
                               "(content.unproved, 1 cell): "));
  for (const std::string& made : {report::html(record), report::markdown(record), report::junit(record)}) {
    CHECK_THAT(made, ContainsSubstring("WARNED, passed with"));
    CHECK_THAT(made, ContainsSubstring("the driver tells nobody"));
    CHECK_THAT(made, !ContainsSubstring("PASSED"));
  }
}

TEST_CASE("what the policy let pass is in every report, and no report says plain passed") {
  Matrix matrix({"new/good", "control"});
  matrix.verdict.decision = verdict::Decision::passed;
  matrix.verdict.weaker = {{"policy.warnings", "WARNING in sensor_tick", {"new/good"}}};
  const report::Record record{.run = {.plan = matrix.plan}, .verdict = matrix.verdict};
  const std::string last = report::last_word(matrix.verdict, matrix.plan);
  CHECK_THAT(last, Catch::StartsWith(
                       "WARNED, passed with 1 finding that the policy allows: 'WARNING in sensor_tick' "
                       "(policy.warnings=allow, 1 cell): "));
  for (const std::string& made : {report::html(record), report::markdown(record), report::junit(record),
                                  report::summary(matrix.verdict, matrix.plan, {})}) {
    CHECK_THAT(made, ContainsSubstring("WARNED, passed with"));
    CHECK_THAT(made, ContainsSubstring("WARNING in sensor_tick"));
    CHECK_THAT(made, ContainsSubstring("policy.warnings=allow"));
    CHECK_THAT(made, !ContainsSubstring("PASSED"));
  }
}

TEST_CASE("in a wide matrix what went wrong stands first, in a narrow one the author's order stays") {
  const auto first_column = [](const std::vector<std::string>& cells) {
    const Matrix matrix(cells);
    const auto page = report::html({.run = {.plan = matrix.plan}, .verdict = matrix.verdict});
    const auto at = page.find("content <b>");
    return page.substr(at + 11, page.find('<', at + 11) - at - 11);
  };
  CHECK(first_column({"new/a", "new/b", "new/c", "new/d", "new/e", "new/f!", "control"}) == "f");
  CHECK(first_column({"new/a", "new/b", "new/c!", "control"}) == "a");
}

TEST_CASE("a run with Windows guests says in every report for people what its word on them rests on") {
  for (const bool windows : {true, false}) {
    Matrix matrix({"new/new", "control"});
    for (auto& cell : matrix.plan.cells)
      cell.guest.os = windows ? scenario::Os::windows : scenario::Os::linux_;
    const report::Record record{.run = {.plan = matrix.plan}, .verdict = matrix.verdict, .cells = {{}, {}}};
    for (const auto& text :
         {report::summary(matrix.verdict, matrix.plan, {}), report::markdown(record), report::html(record)})
      CHECK((text.find("on no running Windows") != text.npos) == windows);
  }
}
