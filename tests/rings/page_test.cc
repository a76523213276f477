// The pages of a rollout: what they say, drawn where it is, and no guest's or reporter's text as markup.

#include "labctl/rings/page.h"
#include "labctl/base/text.h"
#include "tests/attest/good_statement.h"
#include "tests/catch.h"
#include "tests/rings/told.h"

using namespace labctl;
using test::opened;

namespace {

struct Page {
  rings::Plan plan = test::plan();
  rings::Decision decision;
  rings::About about{.ring = "broad",
                     .now = opened + 2 * test::day,
                     .artifacts = {{"driver.deb", test::driver}, {"content.bin", test::content}},
                     .plan = sha256("plan"),
                     .verdict = sha256("verdict")};

  explicit Page(std::vector<rings::Report> reports) {
    decision =
        rings::on(plan, 2, test::passed(), reports, {about.now, {{"internal", opened}, {"early", opened}}});
  }
  std::string rollout() const { return rings::rollout_page(plan, decision, about); }
  std::string customer() const { return rings::customer_page(decision, test::good_statement(), about); }
};

std::vector<rings::Report> early(int machines) { return test::field("early", machines, 2 * test::day); }

}  // namespace

TEST_CASE("the page says the answer, its reasons and the numbers") {
  const std::string waits = Page(early(500)).rollout();
  for (const char* text :
       {"Wait", "Not enough is known yet to open ring broad", "Why it waits", "1,000 of 3,329 machine-days",
        "1,000 machine-days with 0 crashes. Without another crash it opens at 3,329",
        "Content-Security-Policy", "--good-well", "<svg"})
    CHECK_THAT(waits, ContainsSubstring(text));
  CHECK(waits.find("/*style*/") == std::string::npos);
  CHECK(waits.find("Why it halts") == std::string::npos);
  const std::string opens = Page(early(2000)).rollout();
  CHECK_THAT(opens, ContainsSubstring("Ring broad may have the release"));
  CHECK(opens.find("Why it") == std::string::npos);
  auto reports = early(500);
  for (const std::size_t i : {1U, 3U}) reports[i].crashes = {{"BUG: sensor", "sensor", 0}};
  const std::string halts = Page(reports).rollout();
  for (const char* text :
       {"Why it halts", "too many crashes: 2 crashes in 1,000 machine-days", "<code>BUG: sensor</code>"})
    CHECK_THAT(halts, ContainsSubstring(text));
}

TEST_CASE("the chart has the crashes where they were") {
  auto reports = early(500);
  reports[1].crashes = {{"BUG", "", opened + test::day}};
  const std::string page = Page(reports).rollout();
  // It opens at 5,887 with one crash: the axis ends at 6,770, and 500 machine-days are 7.4 % of 640 pixels.
  CHECK_THAT(page, ContainsSubstring("points=\"60.0,275.0 107.3,275.0 107.3,188.3 154.5,188.3 \""));
  CHECK_THAT(page, ContainsSubstring("cx=\"154.5\" cy=\"188.3\""));
  CHECK_THAT(page, ContainsSubstring("another crash before 1,788 halts it"));
}

TEST_CASE("what a machine reports is no markup") {
  auto reports = early(20);
  reports[1].crashes = {{"<script>alert(1)</script>\"'{{x}}{{{y}}}\x1b[31m", "<b>", 0}};
  for (const std::string& page : {Page(reports).rollout(), Page(reports).customer()}) {
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find('\x1b') == std::string::npos);
    CHECK(page.find("<b>") == std::string::npos);
  }
  CHECK_THAT(Page(reports).rollout(), ContainsSubstring("&lt;script&gt;"));
}

TEST_CASE("a customer reads what was tested, how often, and what that excludes") {
  const std::string page = Page(early(2000)).customer();
  for (const char* text :
       {"debian: 1 test, 3 starts", "3 starts without a crash: too few to exclude anything",
        "2,000 machines ran it for 4,000 days taken together, and reported no crash",
        "A rate above 1 in 1,335 per machine and day is excluded with a certainty of 95 %; a lower one is "
        "not",
        "What this does not say", "driver.deb"})
    CHECK_THAT(page, ContainsSubstring(text));
  CHECK_THAT(rings::customer_page({}, test::good_statement(), {}), ContainsSubstring("No machine outside"));
}
