// The journal on disk: everything that can be written can be read, and nothing else.

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/event/event.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using event::Event;
using event::What;

namespace {

crash::Finding full_finding() {
  crash::Finding finding;
  finding.title = "BUG: unable to handle page fault in sensor_match";
  finding.kind = crash::Kind::oops;
  finding.severity = crash::Severity::fatal;
  finding.module = "sensor";
  finding.offset = 123456789012;
  finding.line = 77;
  finding.excerpt = "line one\nline two\t\x1b[31m\"quoted\" \\ \xc3\xa9";
  finding.corrupted = "cut";
  finding.suppressed = "known";
  finding.confirmed = false;
  return finding;
}

// One of each alternative, no member left at its default.
std::vector<What> one_of_each() {
  return {event::Opened{.cell = "a.b",
                        .boot_time = 31s,
                        .live = false,
                        .payload = {{"driver.deb", sha256("x")}, {"we ird\"", ""}},
                        .builds = {{"driver.deb", {"build-id:0a", "srcversion:B"}}, {"driver-old.deb", {}}},
                        .hold = 7,
                        .image = sha256("image"),
                        .snapshot = sha256("snapshot"),
                        .rules = 2,
                        .seed = std::string(32, 'a'),
                        .nmi = true},
          event::Started{},
          event::Found{event::Channel::evidence, full_finding()},
          event::KernelStarted{},
          event::Reset{false},
          event::Stopped{false, "destroyed"},
          event::Panicked{true, "details"},
          event::AgentLink{true},
          event::Beat{},
          event::Answer{"evidence", true, 137, std::string("taint=0\n\0x", 10)},
          event::Tick{1234ms},
          event::LabFault{"the console was lost", true, "died"},
          event::Interrupted{},
          event::Begun{"install-cut-1"},
          event::Said{"sensor: ready"},
          event::Released{3, {{"content.bin", std::string(64, 'b')}}},
          event::Logged{"sensor: cannot allocate NUM buffers"},
          event::Suspended{},
          event::Woken{}};
}

// A record alone, as the first of cell a's journal.
std::string line_of(const Event& event) {
  auto chain = event::begin_chain("a");
  return event::to_line(event, chain);
}
Result<Event> record_of(const std::string& line, const std::string& where) {
  auto chain = event::begin_chain("a");
  return event::from_line(line, chain, where);
}

std::string journal_of(const std::vector<Event>& events, const std::string& cell = "a") {
  std::string text;
  auto chain = event::begin_chain(cell);
  for (const auto& event : events) text += event::to_line(event, chain) + "\n";
  return text;
}

const Event opened{0ms, event::Opened{.cell = "a"}};
const Event beat{5ms, event::Beat{}};

std::string problem_of(const std::string& line) {
  auto event = record_of(line, "here");
  if (event) return "it was read";
  CHECK(event.error().where == "here");
  CHECK(event.error().fault == Fault::input);
  return event.error().what;
}

}  // namespace

TEST_CASE("every event is written and read back the same") {
  const auto all = one_of_each();
  REQUIRE(all.size() == std::variant_size_v<What>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].index() == i);
    const std::string line = line_of({5ms, all[i]});
    INFO(line);
    CHECK(line.find('\n') == std::string::npos);
    auto back = record_of(line, "here");
    REQUIRE(back);
    CHECK(back->at == 5ms);
    CHECK(back->what.index() == i);
    CHECK(line_of(*back) == line);
  }
  auto found = record_of(line_of({0ms, all[2]}), "here");
  CHECK(std::get<event::Found>(found->what).finding == full_finding());
}

TEST_CASE("every channel and every kind of finding is written and read back the same") {
  for (int c = 0; c <= static_cast<int>(event::Channel::screen); ++c)
    for (int k = 0; k <= static_cast<int>(crash::Kind::other); ++k)
      for (auto severity : {crash::Severity::fatal, crash::Severity::warning}) {
        auto finding = full_finding();
        finding.kind = crash::Kind(k);
        finding.severity = severity;
        auto back = record_of(line_of({0ms, event::Found{event::Channel(c), finding}}), "here");
        REQUIRE(back);
        CHECK(std::get<event::Found>(back->what).channel == event::Channel(c));
        CHECK(std::get<event::Found>(back->what).finding == finding);
      }
}

TEST_CASE("every member that is missing or of the wrong type is refused") {
  for (const What& what : one_of_each()) {
    const auto whole = parse_json(line_of({5ms, what}), "here").value();
    for (const auto& [key, value] : whole.items()) {
      INFO(key << " of " << whole.dump());
      for (const Json& wrong :
           {Json(nullptr), Json(1.5), Json::array(), Json("nonsense"), Json(true), Json::object(), Json(7)}) {
        if (wrong.type() == value.type() || (wrong.is_number_integer() && value.is_number_integer()))
          continue;
        Json changed = whole;
        changed[key] = wrong;
        CHECK_FALSE(record_of(changed.dump(), "here"));
      }
      // Not written in the usual case: nobody holds, the rules are the first ones, nothing is lost.
      const bool opening = std::holds_alternative<event::Opened>(what);
      if (opening && (key == "hold" || key == "rules" || key == "builds" || key == "seed" || key == "image" ||
                      key == "snapshot" || key == "nmi"))
        continue;
      if (key == "unheard" || key == "hypervisor") continue;
      Json without = whole;
      without.erase(key);
      CHECK_FALSE(record_of(without.dump(), "here"));
    }
  }
}

TEST_CASE("a cell that never holds has no word of it in its journal") {
  const std::string line = line_of({0ms, event::Opened{.cell = "a"}});
  CHECK_THAT(line, !ContainsSubstring("hold"));
  CHECK(std::get<event::Opened>(record_of(line, "here")->what).hold == 0);
}

TEST_CASE("records that are none are refused with a reason") {
  struct Row {
    const char* name;
    std::string line, reason;
  };
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  const Row rows[] = {
      {"nothing", "", "not valid JSON"},
      {"a torn line", R"({"at":1,"event":"be)", "not valid JSON"},
      {"two records", R"({"at":1,"event":"beat"}{"at":1,"event":"beat"})", "not valid JSON"},
      {"a list", "[1,2]", "no time"},
      {"a word", "\"beat\"", "no time"},
      {"null", "null", "no time"},
      {"no time", R"({"event":"beat"})", "no time"},
      {"a negative time", R"({"at":-1,"event":"beat"})", "no time"},
      {"a time with a fraction", R"({"at":1.5,"event":"beat"})", "no time"},
      {"a time as text", R"({"at":"1","event":"beat"})", "no time"},
      {"a time of 2^63", R"({"at":9223372036854775808,"event":"beat"})", "time"},
      {"a time of 2^64-1", R"({"at":18446744073709551615,"event":"beat"})", "time"},
      {"a time of 2^70", R"({"at":1180591620717411303424,"event":"beat"})", "no time"},
      {"a time of three hundred million years", R"({"at":9223372036854775807,"event":"beat"})", "time"},
      {"a time of 1e400", R"({"at":1e400,"event":"beat"})", "not valid JSON"},
      {"no event", R"({"at":1})", "unknown event"},
      {"an unknown event", R"({"at":1,"event":"explosion"})", "unknown event 'explosion'"},
      {"an event of another case", R"({"at":1,"event":"Beat"})", "unknown event"},
      {"an unknown channel", R"({"at":1,"event":"found","channel":"smell","finding":{"title":"x"}})",
       "names no channel"},
      {"a finding without a title", R"({"at":1,"event":"found","channel":"console","finding":{}})",
       "no title"},
      {"a status beyond int",
       R"({"at":1,"event":"answer","question":"q","answered":true,"exit_code":4294967296,"output":""})",
       "exit_code"},
      {"a status below int",
       R"({"at":1,"event":"answer","question":"q","answered":true,"exit_code":-4294967296,"output":""})",
       "exit_code"},
      {"a starved time of 2^64-1", R"({"at":1,"event":"tick","starved":18446744073709551615})", "starved"},
      {"a payload of numbers",
       R"({"at":1,"event":"opened","cell":"a","boot_time":1,"live":true,"payload":{"x":1}})", "payload"},
      {"deep nesting", R"({"at":1,"event":"beat","x":)" + deep + "}", "nested too deeply"},
      {"nesting without an end", std::string(1'000'000, '['), ""},
      {"invalid UTF-8", "{\"at\":1,\"event\":\"lab-fault\",\"what\":\"\xff\xfe\"}", "not valid JSON"},
      {"a naked control character", "{\"at\":1,\"event\":\"lab-fault\",\"what\":\"\x1b[2J\"}",
       "not valid JSON"},
      {"a NUL behind the record", std::string("{\"at\":1,\"event\":\"beat\"}\0", 25), "not valid JSON"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const std::string reason = problem_of(row.line);
    CHECK_THAT(reason, ContainsSubstring(row.reason));
    CHECK(reason != "it was read");
    CHECK(reason.size() < 600);
    for (unsigned char c : reason) CHECK((c >= 0x20 && c < 0x7f));  // safe for a terminal
  }
}

TEST_CASE("words of guests that are no UTF-8 can be written") {
  const std::string line = line_of({0ms, event::LabFault{"\xff\xfe\xc0\x80"}});
  CHECK(record_of(line, "here"));
  auto finding = full_finding();
  finding.excerpt = "\xf0\x28\x8c\x28";
  CHECK(record_of(line_of({0ms, event::Found{event::Channel::console, finding}}), "here"));
}

TEST_CASE("a journal is refused unless it is whole") {
  const std::string first = line_of(opened), whole = journal_of({opened, beat});
  struct Row {
    const char* name;
    std::string text, reason;
  };
  const Row rows[] = {
      {"empty", "", "empty"},
      {"torn between records", first, "torn"},
      {"torn inside a record", whole.substr(0, first.size() + 9), "torn"},
      {"only a line end", "\n", "not valid JSON"},
      {"an empty line inside", first + "\n" + whole.substr(first.size()), "not valid JSON"},
      {"time running backwards", journal_of({opened, beat, {4ms, event::Beat{}}}), "backwards"},
      {"no opening record", journal_of({beat}), "'opened'"},
      {"opening too late", journal_of({beat, {6ms, event::Opened{}}}), "'opened'"},
      {"another cell's", journal_of({opened, beat}, "b"), "does not begin this cell's journal"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    auto journal = event::read_journal(row.text, "a", "events.jsonl");
    REQUIRE_FALSE(journal);
    CHECK_THAT(journal.error().text(), ContainsSubstring(row.reason));
    CHECK_THAT(journal.error().where, ContainsSubstring("events.jsonl"));
  }
}

TEST_CASE("the head of a journal is the digest of its last line") {
  const std::string text = journal_of({opened, beat, beat});
  auto journal = event::read_journal(text, "a", "events.jsonl");
  REQUIRE(journal);
  CHECK(journal->events.size() == 3);
  CHECK(journal->chain.events == 3);
  const auto last = text.rfind('\n', text.size() - 2) + 1;
  CHECK(journal->chain.head == sha256(text.substr(last, text.size() - last - 1)));
}

TEST_CASE("a journal that was edited, cut inside or reordered is refused at the record behind") {
  std::vector<std::string> lines;
  const std::vector<Event> events = {opened,
                                     beat,
                                     {6ms, event::LabFault{"the disk is full"}},
                                     {6ms, event::Tick{2ms}},
                                     {6ms, event::Tick{3ms}},
                                     {7ms, event::Beat{}}};
  auto chain = event::begin_chain("a");
  for (const auto& event : events) lines.push_back(event::to_line(event, chain) + "\n");
  const auto refused_at = [](const std::vector<std::string>& kept) -> std::string {
    auto journal = event::read_journal(join(kept, ""), "a", "events.jsonl");
    if (journal) return "read";
    CHECK_THAT(journal.error().what, ContainsSubstring("does not"));
    return journal.error().where;
  };
  REQUIRE(refused_at(lines) == "read");
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    INFO("record " << i + 1);
    auto removed = lines, doubled = lines, swapped = lines, spaced = lines, edited = lines;
    removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refused_at(removed) == "events.jsonl:" + std::to_string(i + 1));
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    CHECK(refused_at(doubled) == "events.jsonl:" + std::to_string(i + 2));
    std::swap(swapped[i], swapped[i + 1]);
    CHECK(refused_at(swapped) == "events.jsonl:" + std::to_string(i + 1));
    spaced[i].insert(1, " ");  // the same value in other bytes
    CHECK(refused_at(spaced) == "events.jsonl:" + std::to_string(i + 2));
  }
  auto edited = lines;
  edited[2].replace(edited[2].find("full"), 4, "void");
  CHECK(refused_at(edited) == "events.jsonl:4");
}

TEST_CASE("a journal whose last records are gone or changed has another head") {
  const std::string whole = journal_of({opened, beat, {7ms, event::Beat{}}});
  const auto head = event::read_journal(whole, "a", "events.jsonl")->chain.head;
  auto cut = event::read_journal(journal_of({opened, beat}), "a", "events.jsonl");
  REQUIRE(cut);
  CHECK(cut->chain.head != head);
  std::string changed = whole;
  changed.insert(changed.size() - 2, " ");
  auto edited = event::read_journal(changed, "a", "events.jsonl");
  REQUIRE(edited);
  CHECK(edited->chain.head != head);
}

TEST_CASE("a mistake in a journal is told with its line") {
  auto journal = event::read_journal(line_of(opened) + "\n{}\n", "a", "events.jsonl");
  REQUIRE_FALSE(journal);
  CHECK(journal.error().where == "events.jsonl:2");
}

TEST_CASE("a finding whose words are unknown is read as the worst") {
  auto finding =
      event::finding_from(Json{{"title", "x"}, {"kind", "?"}, {"severity", 7}, {"suppressed", 1}}, "here");
  REQUIRE(finding);
  CHECK(finding->severity == crash::Severity::fatal);
  CHECK(finding->confirmed);
  CHECK(finding->suppressed.empty());
  CHECK_FALSE(event::finding_from(Json::array(), "here"));
}
