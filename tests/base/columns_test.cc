// Text in columns: what people see is as wide as it was asked for.

#include "labctl/base/columns.h"

#include <algorithm>

#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("columns are not bytes") {
  const auto [text, width] = GENERATE(table<std::string, std::size_t>({{"", 0},
                                                                       {"abc", 3},
                                                                       {"gr\u00fcn", 4},
                                                                       {"\u6f22\u5b57", 4},
                                                                       {"e\u0301", 1},
                                                                       {"\u25cf\u25cb", 2},
                                                                       {"\xff\xfe", 2},
                                                                       {"\U0001f600", 2}}));
  CHECK(columns(text) == width);
  CHECK(columns(fill(text, 10)) == 10);
}

TEST_CASE("what is too wide is cut, and shows it") {
  CHECK(cut_end("driver", 6) == "driver");
  CHECK(cut_end("drivers", 6) == "drive\u2026");
  CHECK(cut_end("drivers", 0) == "");
  CHECK(cut_middle("driver", 6) == "driver");
  CHECK(cut_middle("debian-12-linux-6.1.driver-candidate", 15) ==
        "debian-\u2026"
        "ndidate");
  CHECK(cut_middle("abc", 1) == "\u2026");
  const auto width = GENERATE(range<std::size_t>(0, 12));
  for (const std::string text : {"\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57", "a\u6f22b\u5b57c", "plain text"}) {
    CHECK(columns(cut_end(text, width)) <= width);
    CHECK(columns(cut_middle(text, width)) <= width);
  }
}

TEST_CASE("lines are wrapped at spaces, and long words at their signs") {
  const auto wrapped = [](std::string_view text, std::size_t width, std::size_t indent = 0) {
    return join(wrap(text, width, indent), "|");
  };
  CHECK(wrapped("", 10).empty());
  CHECK(wrapped("one two three", 20) == "one two three");
  CHECK(wrapped("one two three", 8) == "one two|three");
  CHECK(wrapped("one two three", 8, 2) == "one two|  three");
  CHECK(wrapped("  cell  3", 20) == "  cell  3");
  CHECK(wrapped("box.driver-new.content-old", 14) == "box.driver-|new.content-|old");
  CHECK(wrapped("a abcdefghij", 4) == "a|abcd|efgh|ij");
  CHECK(wrap_lines("a b c\nd\n", 3) == "a b\nc\nd\n");
}

TEST_CASE("no line is wider than it was asked for") {
  const auto width = GENERATE(range<std::size_t>(2, 40));
  for (const std::string text :
       {"labctl run scenarios/quickstart.yaml --only '*candidate*' --keep failed", "     x",
        "\u6f22\u5b57\u6f22\u5b57 \u6f22\u5b57", "/var/lib/a-very-long-name/of/a_folder, and more",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    std::string letters = text, left;
    for (const auto& line : wrap(text, width, 3)) {
      CHECK(columns(line) <= width);
      left += line;
    }
    std::erase(letters, ' ');
    std::erase(left, ' ');
    CHECK(left == letters);
  }
}

TEST_CASE("words stand in as many columns as there is place for") {
  CHECK(in_columns({"a", "b", "c"}, 7) == "a  b  c\n");
  CHECK(in_columns({"a", "b", "c"}, 4) == "a  c\nb\n");
  CHECK(in_columns({"a", "b", "c"}, 4, 2) == "  a\n  b\n  c\n");
  CHECK(in_columns({}, 10).empty());
  for (const auto& line : split(in_columns({"short", "a.very.long.name.of.a.cell"}, 14, 2), '\n'))
    CHECK(columns(line) <= 14);
}
