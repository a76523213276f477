#include "labctl/base/text.h"

#include <cstdlib>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/units.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;

TEST_CASE("durations are read with a unit and never without") {
  const std::pair<const char*, Millis> good[] = {
      {"500ms", 500ms}, {"20s", 20s},   {"3m", 3min}, {"3min", 3min}, {"1h", 1h},         {"1.5s", 1500ms},
      {"0s", 0ms},      {"720h", 720h}, {"7d", 168h}, {"1.5d", 36h},  {"10000d", 240000h}};
  for (const auto& [text, value] : good) {
    INFO(text);
    REQUIRE(parse_duration(text));
    CHECK(*parse_duration(text) == value);
  }
  for (const char* text :
       {"",     "20",    "s",    "20 s",  " 20s",  "20s ", "-1s",  "+1s",
        "1e3s", "0x10s", "20S",  "20sec", "inf s", "infs", "nans", "99999999999999999999999999h",
        "1s2s", "1,5s",  "\xff", "1..5s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
  CHECK_THAT(parse_duration("20").error().text(), ContainsSubstring("no unit"));
  CHECK_THAT(parse_duration("20w").error().text(), ContainsSubstring("'w'"));
}

TEST_CASE("sizes are read in binary units") {
  CHECK(parse_size("64KiB").value() == 65536);
  CHECK(parse_size("1.5GiB").value() == 1610612736);
  CHECK(parse_size("1TiB").value() == 1099511627776);
  for (const char* text : {"", "1024", "1GB", "1G", "1gib", "-1GiB", "9999TiB", "1 GiB", "nanGiB"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("durations and sizes are shown as people read them") {
  CHECK(show_duration(800ms) == "0.8s");
  CHECK(show_duration(42s) == "42s");
  CHECK(show_duration(187s) == "3m07s");
  CHECK(show_duration(62min) == "1h02m");
  CHECK(show_size(712) == "712 B");
  CHECK(show_size(150u << 20) == "150 MiB");
  CHECK(show_size(1536ull << 20) == "1.5 GiB");
  CHECK(show_size(~0ull) == "16384 PiB");
}

TEST_CASE("moments have one spelling and nothing else is one") {
  const std::pair<const char*, std::int64_t> good[] = {{"1970-01-01T00:00:00Z", 0},
                                                       {"2026-11-22T02:35:09Z", 1795314909},
                                                       {"2024-02-29T23:59:59Z", 1709251199},
                                                       {"1969-12-31T23:59:59Z", -1},
                                                       {"9999-12-31T23:59:59Z", 253402300799}};
  for (const auto& [text, seconds] : good) {
    INFO(text);
    REQUIRE(parse_moment(text));
    CHECK(*parse_moment(text) == seconds);
    CHECK(show_moment(seconds) == text);
  }
  for (const char* text :
       {"", "now", "2026-11-22", "2026-11-22T02:35:09", "2026-11-22t02:35:09Z", "2026-11-22T02:35:09.5Z",
        "2026-11-22T02:35:09+00:00", "2026-13-22T02:35:09Z", "2023-02-29T02:35:09Z", "2026-11-22T24:00:00Z",
        "2026-11-22T02:60:09Z", "2026-11-22T02:35:60Z", " 2026-11-22T02:35:09Z", "+026-11-22T02:35:09Z"}) {
    INFO(text);
    CHECK_FALSE(parse_moment(text));
  }
}

TEST_CASE("what a terminal would obey is shown and not sent") {
  const std::pair<std::string, const char*> rows[] = {
      {"plain text, \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
       "plain text, \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
      {"a\tb", "a b"},
      {"a\r\nb", "a\\x0d\\x0ab"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "2J",
       "\\xc2\\x9b2J"},   // C1 CSI
      {"\x9b", "\\x9b"},  // the same as a raw byte
      {"\xe2\x80\xae"
       "evil",
       "\\xe2\\x80\\xaeevil"},                       // right-to-left override
      {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},           // isolate
      {"\xd8\x9c", "\\xd8\\x9c"},                    // Arabic letter mark
      {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},           // zero width space
      {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},           // byte order mark
      {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},  // tag letter
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond Unicode
      {"\xe2\x82", "\\xe2\\x82"},                    // cut
      {"\xff\xfe", "\\xff\\xfe"},
  };
  for (const auto& [text, shown] : rows) CHECK(printable(text) == shown);
}

TEST_CASE("what is shown is bounded and never cut inside a character") {
  for (std::size_t limit = 3; limit < 40; ++limit) {
    const std::string shown = printable(std::string(1000, '\x1b') + "\xe2\x82\xac", limit);
    CHECK(shown.size() <= limit);
    CHECK((shown.size() - 3) % 4 == 0);
    const std::string euros =
        printable("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", limit);
    CHECK(euros.size() <= limit);
    CHECK(printable(euros, 1000) == euros);
  }
}

TEST_CASE("base64 is read strictly and within bounds") {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},        {"Zg==", "f"},        {"Zm8=", "fo"},
      {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}, {"+/+/", "\xfb\xff\xbf"}};
  for (const auto& [text, bytes] : rows) {
    CHECK(base64_decode(text, 100).value() == bytes);
    CHECK(base64_encode(bytes) == text);
  }
  for (const char* bad : {"Z", "Zg", "Zg=", "====", "=Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm 9v",
                          "Z===", "Zm-_", "\xff\xff\xff\xff"}) {
    INFO(bad);
    CHECK_FALSE(base64_decode(bad, 100));
  }
  CHECK_FALSE(base64_decode(std::string_view("Zm9\0", 4), 100));
  CHECK(base64_decode("Zm9vYmFy", 4).value() == "foob");
  CHECK(base64_decode(std::string(64u << 20, 'A'), 1000).value().size() == 1000);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(base64_decode(base64_encode(all), 256).value() == all);
}

TEST_CASE("globs know stars and question marks") {
  CHECK(glob_match("*", ""));
  CHECK(glob_match("debian-*-6.1?", "debian-12-linux-6.12"));
  CHECK(glob_match("a*b*c", "a-b-b-c"));
  CHECK_FALSE(glob_match("a*b*c", "a-b-b-d"));
  CHECK_FALSE(glob_match("", "a"));
  CHECK_FALSE(glob_match("?", ""));
  CHECK_FALSE(glob_match("[ab]", "a"));
  const std::string stars(100, '*');
  CHECK_FALSE(glob_match(stars + "b", std::string(20'000, 'a')));  // quick
}

TEST_CASE("what was meant is offered when it is near") {
  const std::vector<std::string> words = {"settle", "matrix", "machine", "policy"};
  CHECK(did_you_mean("setle", words) == "settle");
  CHECK(did_you_mean("Matrix", words) == "matrix");
  // Two letters that changed places are one slip, in a short word too.
  CHECK(did_you_mean("rnu", {"run", "ru"}) == "run");
  CHECK(did_you_mean("paln", {"plan", "report"}) == "plan");
  CHECK(did_you_mean("gcc", {"gc"}) == "gc");
  CHECK_FALSE(did_you_mean("nur", {"run"}));
  CHECK_FALSE(did_you_mean("something", words));
  CHECK_FALSE(did_you_mean("", {}));
  CHECK_FALSE(did_you_mean(std::string(1'000'000, 'x'), words));
}

TEST_CASE("small work on text") {
  CHECK(trim(" \t a b \r\n") == "a b");
  CHECK(trim(" \n") == "");
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(split(",a,", ',') == std::vector<std::string>{"", "a", ""});
  CHECK(join({"a", "", "b"}, "-") == "a--b");
  CHECK(join({}, "-") == "");
  CHECK(slug("Debian 12/../X") == "debian-12-..-x");
  CHECK(slug("../..") == "x");
  CHECK(slug("") == "x");
  CHECK(slug("\xc3\xa9") == "x");
  CHECK(shell_quote("it's") == "'it'\\''s'");
  CHECK(shell_quote("") == "''");
}

TEST_CASE("one word stays one word for a shell") {
  for (const std::string& word : {std::string("a b"), std::string("$(exit 9)`exit 9`$HOME"),
                                  std::string("'\"\\'"), std::string("-n")}) {
    const std::string command =
        "test " + shell_quote("x" + word) + " = \"$(printf %s " + shell_quote("x" + word) + ")\"";
    CHECK(std::system(command.c_str()) == 0);
  }
}

TEST_CASE("digests are those of the standard") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(is_sha256(sha256("")));
  CHECK_FALSE(is_sha256(""));
  CHECK_FALSE(is_sha256(std::string(63, 'a')));
  CHECK_FALSE(is_sha256(std::string(64, 'A')));
  CHECK_FALSE(is_sha256(std::string(64, 'g')));
}

TEST_CASE("JSON that is hostile is refused and never throws") {
  CHECK(parse_json(std::string(64, '[') + std::string(64, ']'), "x"));
  for (const std::string& bad :
       {std::string(66, '[') + std::string(66, ']'), std::string(5'000'000, '['), std::string(5'000'000, '{'),
        std::string(""), std::string("{\"a\":1e400}"), std::string("\"\xff\""), std::string("{}{}"),
        std::string("nul"), std::string("1\0", 2), std::string(R"({"a":1,"a":1})"),
        std::string(R"([{"x":{"a":1,"b":2,"\u0061":3}}])"), std::string("\"\\ud800\""),
        std::string("[1,]")}) {
    auto json = parse_json(bad, "x");
    CHECK_FALSE(json);
    CHECK(json.error().what.size() < 500);
  }
  CHECK(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", "x"));
  const auto json = parse_json(R"({"t":"x","n":3,"f":true,"big":1e300})", "x").value();
  CHECK(text_at(json, "t") == "x");
  CHECK(text_at(json, "n", "fallback") == "fallback");
  CHECK(number_at(json, "n") == 3);
  CHECK(number_at(json, "big", 7) == 7);
  CHECK(flag_at(json, "f"));
  CHECK_FALSE(flag_at(json, "n"));
  CHECK(text_at(Json::array(), "t", "fallback") == "fallback");
  CHECK(dump_line(Json("\xff")).find("\xef\xbf\xbd") != std::string::npos);
  CHECK(dump_pretty(Json::object()) == "{}\n");
}

TEST_CASE("an error says where, what and how to mend it") {
  CHECK((Error{Fault::input, "is missing", "a.yaml:3:1", "write it"}).text() ==
        "a.yaml:3:1: is missing\n  hint: write it");
  CHECK((Error{Fault::lab, "is missing", {}, {}}).text() == "is missing");
  CHECK(because({Fault::lab, "no space", {}, {}}, "cannot start").value().what == "cannot start: no space");
}

TEST_CASE("text of many lines becomes visible and legal in XML") {
  const auto [said, shown] = GENERATE(table<std::string, std::string>({
      {"plain \xc3\xa4\n\ttab", "plain \xc3\xa4\n\ttab"},
      {"a\r\nb\rc", "a\nb\u240dc"},
      {"\x1b[1;31mred\x1b[0m", "red"},
      {"\x1b[2J\x1b]0;t\x07", "\u241b[2J\u241b]0;t\u2407"},
      {std::string("nul\0.", 5), "nul\u2400."},
      {"del\x7f", "del\u2421"},
      {"c1\xc2\x85", "c1\u2039U+0085\u203a"},
      {"bidi \u202e\u2066", "bidi \u2039U+202E\u203a\u2039U+2066\u203a"},
      {"tag \U000e0041", "tag \u2039U+0E0041\u203a"},
      {"bad \xff\xc3(", "bad \ufffd\ufffd("},
      {"non \xef\xbf\xbe \xef\xbf\xbf", "non \ufffd \ufffd"},
      {"cut short \xe2\x82", "cut short \ufffd\ufffd"},
  }));
  CHECK(visible(said, 1000) == shown);
}

TEST_CASE("what becomes visible is bounded") {
  CHECK(visible(std::string(1000, 'x'), 10) == std::string(10, 'x') + "\u2026");
  CHECK(visible(std::string(1000, '\x01'), 10).size() < 20);
}

TEST_CASE("a day is written in one way and must exist") {
  for (const char* text : {"2026-12-31", "2028-02-29", "0001-01-01"}) {
    const auto date = parse_date(text);
    REQUIRE(date);
    CHECK(show_date(*date) == text);
  }
  for (const char* text : {"", "2026-2-3", "2026-02-29", "2026-13-01", "2026-00-10", "31.12.2026",
                           "2026-12-31 ", "+026-12-31", "2026/12/31", "today", "20261231"})
    CHECK_FALSE(parse_date(text));
  CHECK(*parse_date("2026-12-31") < *parse_date("2027-01-01"));
}
