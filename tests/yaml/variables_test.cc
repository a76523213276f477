// ${name} in text: what is replaced, and what is left as it is.
#include "labctl/yaml/variables.h"

#include "tests/catch.h"

using namespace labctl::yaml;

TEST_CASE("a name that has a value is replaced, everything else stays") {
  const Variables values = {{"image", "debian-12"}, {"content.path", "/x/${image}"}, {"empty", ""}};
  const struct {
    const char *text, *filled;
  } rows[] = {
      {"", ""},
      {"no name", "no name"},
      {"${image}", "debian-12"},
      {"a/${image}/b/${image}.ko", "a/debian-12/b/debian-12.ko"},
      {"[${empty}]", "[]"},
      {"${other} ${image}", "${other} debian-12"},
      {"${Image} $image {image} ${ image}", "${Image} $image {image} ${ image}"},
      {"${image", "${image"},
      {"${${image}", "${debian-12"},
      {"${a${image}}", "${adebian-12}"},
      // There is no escaping any more when values are filled in.
      {"$${image}", "$debian-12"},
      {"$$${image}", "$$debian-12"},
      // What a value brings in is text.
      {"cp ${content.path} ${image}", "cp /x/${image} debian-12"},
  };
  for (const auto& [text, filled] : rows) {
    INFO(text);
    CHECK(fill_variables(text, values) == filled);
  }
}

TEST_CASE("a text of nothing but beginnings is quick and stays as it is") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "${";
  CHECK(fill_variables(text, {{"x", "y"}}) == text);
  CHECK_FALSE(names_variable(text, "x"));
}

TEST_CASE("a name is found by how it begins") {
  CHECK(names_variable("sum ${content.sha256}", "content."));
  CHECK(names_variable("${driver.sha256} $${content.path}", "content."));
  CHECK_FALSE(names_variable("content. ${contents} ${driver.content.}", "content."));
  CHECK_FALSE(names_variable("${content.sha256", "content."));
}
