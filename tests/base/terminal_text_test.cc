// What guests and bundles say does nothing to a terminal and nothing to a pipeline.
#include "labctl/base/terminal_text.h"

#include "labctl/base/json.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("text for a terminal keeps its lines and does nothing there") {
  const std::pair<const char*, const char*> texts[] = {
      {"", ""},
      {"two\nlines\n", "two\nlines\n"},
      {"a\tb", "a\tb"},
      {"über 3 µs", "über 3 µs"},
      {"\033[2J\033]0;title\a", "\\x1b[2J\\x1b]0;title\\x07"},
      {"over\rwritten\r\n", "over\\x0dwritten\n"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"},
      {"\xe2\x80\xae"
       "abc",
       "\\xe2\\x80\\xaeabc"},
      {"\xff", "\\xff"},
      {"::error::x", ": :error::x"},
      {"  \t::set-output name=a::b", "  \t: :set-output name=a::b"},
      {"fine\n::stop-commands::x\n", "fine\n: :stop-commands::x\n"},
      {"\r\n::error::x", "\n: :error::x"},
      {"std::string", "std::string"},
      {"a ##vso[task.setvariable]b", "a # #vso[task.setvariable]b"},
      {"##[error]x", "# #[error]x"},
      {"###[group]##[x]", "## #[group]# #[x]"},
      {"##VSO[x]", "# #VSO[x]"},
      {"## heading [link]", "## heading [link]"},
  };
  for (const auto& [text, shown] : texts) {
    CHECK(for_terminal(text) == shown);
    CHECK(for_terminal(for_terminal(text)) == shown);
  }
}

TEST_CASE("JSON for a terminal means the same and does nothing there") {
  for (const char* text :
       {"plain", "\033[2J", "\x7f",
        "\xc2\x9b"
        "31m",
        "\xe2\x80\xae", "\xf3\xa0\x80\x81", "##vso[x]", "####[", "\\##[", "::error::", "über", "\xff\xfe"}) {
    const Json json{{"text", text}, {text, 1}};
    const std::string dumped = dump_pretty(json), safe = json_for_terminal(dumped);
    INFO(safe);
    const auto back = parse_json(safe, "");
    REQUIRE(back);
    CHECK(dump_pretty(*back) == dumped);
    CHECK(for_terminal(safe) == safe);
  }
  CHECK(json_for_terminal("{\n  \"a\": 1\n}\n") == "{\n  \"a\": 1\n}\n");
}
