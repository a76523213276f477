#include <unistd.h>

#include <fstream>

#include "labctl/base/files.h"
#include "labctl/image/image.h"
#include "tests/catch.h"
#include "tests/image/scratch.h"
#include "tests/source_tree.h"

using namespace labctl;
using namespace labctl::image;

namespace {

const char* base_text =
    "template: true\nos: linux\nsuite: bookworm\nbuild: build\ndisk: 3GiB\n"
    "needs: {sh: dash}\nneeds_files: {/bin/sh: dash}\nneeds_as_user: {cat: coreutils}\n";

struct Recipes : Scratch {
  Recipes() {
    put("base/image.yaml", base_text);
    put("base/build", "#!/bin/sh\n", 0755);
    put("base/overlay/etc/motd", "hello\n");
    put("one/image.yaml", "extends: base\nsummary: the first\nkernel: linux-image-amd64\n");
    put("shared.h", "int shared;\n");
    fs::create_symlink("../shared.h", path / "one/shared.h");
    put("base/overlay/etc/link-me", "within\n");
    fs::create_symlink("link-me", path / "base/overlay/etc/link");
  }

  Recipe read(const std::string& name = "one") {
    auto recipe = read_recipe(path / name);
    INFO((recipe ? "" : recipe.error().text()));
    REQUIRE(recipe.has_value());
    REQUIRE(recipe->has_value());
    return **recipe;
  }

  std::string mistake(const std::string& text) {
    put("bad/image.yaml", text);
    auto recipe = read_recipe(path / "bad");
    REQUIRE_FALSE(recipe.has_value());
    CHECK(recipe.error().fault == Fault::input);
    return recipe.error().text();
  }
};

}  // namespace

TEST_CASE("a recipe is what it says and what its template says") {
  Recipes recipes;
  const Recipe recipe = recipes.read();
  CHECK(recipe.name == "one");
  CHECK(recipe.os == "linux");
  CHECK(recipe.summary == "the first");
  CHECK(recipe.suite == "bookworm");
  CHECK(recipe.kernel_package == "linux-image-amd64");
  CHECK(recipe.disk_size == 3ull << 30);
  CHECK(recipe.builder.filename() == "build");
  REQUIRE(recipe.needs.size() == 3);
  CHECK_FALSE(recipe.needs[0].only_as_user);
  CHECK(recipe.needs[2].only_as_user);
}

TEST_CASE("an empty map takes back what the template needs") {
  Recipes recipes;
  recipes.put("one/image.yaml",
              "extends: base\nsummary: one\nkernel: linux-image-amd64\nneeds_files: {}\nneeds_as_user: {}\n");
  REQUIRE(recipes.read().needs.size() == 1);
  CHECK(recipes.read().needs[0].name == "sh");
}

TEST_CASE("a recipe that imports a vendor's disk is read with the shipped template") {
  Recipes recipes;
  recipes.put("vendor/image.yaml",
              "extends: cloud-image\nsummary: a vendor's\nimport: {source: vendor.img, sha256: " +
                  std::string(64, 'a') + "}\n");
  const auto recipe = read_recipe(recipes.path / "vendor", {source_tree::root() / "images"});
  INFO((recipe ? "" : recipe.error().text()));
  REQUIRE(recipe.has_value());
  CHECK(recipe.value().value().import->from == (recipes.path / "vendor/vendor.img").string());
}

TEST_CASE("a template is not an image") {
  Recipes recipes;
  auto read = read_recipe(recipes.path / "base");
  REQUIRE(read.has_value());
  CHECK_FALSE(read->has_value());
}

TEST_CASE("the recipe's own words win over the template's") {
  Recipes recipes;
  recipes.put("one/image.yaml", "extends: base\nsummary: s\nkernel: k\ndisk: 5GiB\n");
  CHECK(recipes.read().disk_size == 5ull << 30);
}

TEST_CASE("a patch level is three lines: it extends an image and changes its kernel") {
  Recipes recipes;
  recipes.put("one/image.yaml", "extends: base\nsummary: the first\nkernel: linux-image-amd64\ndisk: 5GiB\n");
  recipes.put("one/overlay/etc/issue", "one\n");
  recipes.put("two/image.yaml",
              "extends: one\nsummary: the second\nkernel: linux-image-6.1.0-53-amd64=6.1.1-1~x\n");
  const Recipe recipe = recipes.read("two");
  CHECK(recipe.summary == "the second");
  CHECK(recipe.kernel_package == "linux-image-6.1.0-53-amd64=6.1.1-1~x");
  CHECK(recipe.suite == "bookworm");
  CHECK(recipe.disk_size == 5ull << 30);
  std::vector<std::string> layers;
  for (const auto& layer : recipe.layers) layers.push_back(layer.filename().string());
  CHECK(layers == std::vector<std::string>{"base", "one", "two"});

  // What any of the three says or holds is part of the address.
  recipes.put("one/overlay/etc/issue", "changed\n");
  CHECK(recipes.read("two").key != recipe.key);
}

TEST_CASE("what a recipe extends stands beside it, or where other recipes are") {
  Recipes recipes;
  Scratch mine;
  mine.put("two/image.yaml", "extends: one\nsummary: mine\n");
  CHECK_FALSE(read_recipe(mine.path / "two"));
  auto recipe = read_recipe(mine.path / "two", {mine.path, recipes.path});
  REQUIRE(recipe);
  CHECK((*recipe)->kernel_package == "linux-image-amd64");
  CHECK((*recipe)->layers.size() == 3);
  mine.put("one/image.yaml", "extends: base\nsummary: mine too\nkernel: nearer\n");
  recipe = read_recipe(mine.path / "two", {recipes.path});
  REQUIRE(recipe);
  CHECK((*recipe)->kernel_package == "nearer");
}

TEST_CASE("a vendor's disk is a recipe without suite and kernel, believed for its digest alone") {
  Recipes recipes;
  const std::string digest(64, 'a'), other(64, 'b');
  recipes.put("vendor/image.yaml", "template: true\nos: linux\nbuild: build\ndisk: 3GiB\n");
  recipes.put("vendor/build", "#!/bin/sh\n", 0755);
  const auto put = [&](const std::string& sha256) {
    recipes.put("cloud/image.yaml",
                "extends: vendor\nsummary: s\nimport: {source: disk.qcow2, sha256: " + sha256 +
                    "}\ninstall: [{source: https://host/agent.deb, sha256: " + digest + "}]\n");
  };
  put(digest);
  const Recipe recipe = recipes.read("cloud");
  REQUIRE(recipe.import.has_value());
  CHECK(recipe.import->from == (recipes.path / "cloud/disk.qcow2").string());
  CHECK(recipe.install.at(0).from == "https://host/agent.deb");
  recipes.put("cloud/disk.qcow2", "the digest is not looked at here: it may be a gigabyte");
  CHECK(recipes.read("cloud").key == recipe.key);
  put(other);
  CHECK(recipes.read("cloud").key != recipe.key);

  const std::string start = "extends: vendor\nsummary: s\n";
  CHECK_THAT(recipes.mistake(start + "import: disk.qcow2\n"), ContainsSubstring("bad/image.yaml:3:9"));
  CHECK_THAT(recipes.mistake(start + "import: {source: disk.qcow2}\n"),
             ContainsSubstring("import has no 'sha256'"));
  CHECK_THAT(recipes.mistake(start + "import: {source: x, sha256: abc}\n"),
             ContainsSubstring("not a sha256"));
  CHECK_THAT(recipes.mistake(start + "import: {source: \"a\\nb\", sha256: " + digest + "}\n"),
             ContainsSubstring("one line"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: k\ninstall: [{source: x, sha256: " + digest +
                             "}]\n"),
             ContainsSubstring("for a disk that is imported"));
}

TEST_CASE("the key changes with everything that can change the disk") {
  Recipes recipes;
  const std::string before = recipes.read().key;
  CHECK(before.size() == 64);

  SECTION("another kernel") {
    recipes.put("one/image.yaml", "extends: base\nsummary: s\nkernel: linux-image-rt\n");
  }
  SECTION("a file's content") { recipes.put("base/overlay/etc/motd", "bye\n"); }
  SECTION("a new file") { recipes.put("base/overlay/etc/issue", ""); }
  SECTION("a file of its own") { recipes.put("one/extra", "x"); }
  SECTION("the build program") { recipes.put("base/build", "#!/bin/sh\n:\n", 0755); }
  SECTION("who may execute") { recipes.put("base/build", "#!/bin/sh\n", 0644); }
  SECTION("a renamed file") {
    fs::rename(recipes.path / "base/overlay/etc/motd", recipes.path / "base/overlay/etc/motd2");
  }
  SECTION("a link") { fs::create_symlink("/dev/null", recipes.path / "base/overlay/etc/off"); }
  SECTION("a file outside that the recipe has a link to") { recipes.put("shared.h", "int other;\n"); }
  SECTION("the disk's size") {
    recipes.put("one/image.yaml", "extends: base\nsummary: s\nkernel: linux-image-amd64\ndisk: 4GiB\n");
  }

  CHECK(recipes.read().key != before);
}

TEST_CASE("the key does not change with what cannot change the disk") {
  Recipes recipes;
  const std::string before = recipes.read().key;

  SECTION("nothing at all") {}
  SECTION("a comment and the order") {
    recipes.put("one/image.yaml", "# why\nkernel: linux-image-amd64\nsummary: the first\nextends: base\n");
  }
  SECTION("the summary") {
    recipes.put("one/image.yaml", "extends: base\nsummary: other\nkernel: linux-image-amd64\n");
  }
  SECTION("another file outside") { recipes.put("other.h", "words"); }
  SECTION("prose beside it") { recipes.put("base/README.md", "words"); }
  SECTION("a clone under another umask") {
    recipes.put("base/build", "#!/bin/sh\n", 0700);
    recipes.put("base/overlay/etc/motd", "hello\n", 0600);
  }

  CHECK(recipes.read().key == before);
}

TEST_CASE("mistakes in a recipe are told with their place") {
  Recipes recipes;
  CHECK_THAT(recipes.mistake("extends: base\nsumary: s\nkernel: k\n"),
             ContainsSubstring("bad/image.yaml:2:1"));
  CHECK_THAT(recipes.mistake("extends: base\nsumary: s\nkernel: k\n"),
             ContainsSubstring("did you mean 'summary'"));
  CHECK_THAT(recipes.mistake("extends: base\nkernel: k\n"), ContainsSubstring("no 'summary'"));
  CHECK_THAT(recipes.mistake("extends: nowhere\nsummary: s\nkernel: k\n"),
             ContainsSubstring("cannot extend 'nowhere'"));
  CHECK_THAT(recipes.mistake("extends: ../base\nsummary: s\nkernel: k\n"),
             ContainsSubstring("bad/image.yaml:1:10"));
  CHECK_THAT(recipes.mistake("extends: ba\tse\nsummary: s\nkernel: k\n"),
             ContainsSubstring("names another recipe"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: --force\n"),
             ContainsSubstring("not a name of a kernel"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: 'a b'\n"),
             ContainsSubstring("not a name of a kernel"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: k\ndisk: 3\n"),
             ContainsSubstring("bad/image.yaml:4:7"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: k\ndisk: 1KiB\n"),
             ContainsSubstring("is not between 1.0 GiB"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: k\nos: beos\n"),
             ContainsSubstring("expected one of linux, windows"));
  CHECK_THAT(recipes.mistake("extends: base\nsummary: s\nkernel: k\nbuild: none\n"),
             ContainsSubstring("no file 'none'"));
  CHECK_THAT(recipes.mistake("extends: bad\nsummary: s\nkernel: k\n"),
             ContainsSubstring("leads back to itself"));
  CHECK_THAT(recipes.mistake("extends: one\nkernel: k\n"), ContainsSubstring("no 'summary' of its own"));
  CHECK_THAT(recipes.mistake("extends: base\nextends: base\nsummary: s\nkernel: k\n"),
             ContainsSubstring(":2:1"));
  CHECK_THAT(recipes.mistake("- a\n"), ContainsSubstring("expected keys and values"));
}

TEST_CASE("all mistakes in a recipe and in what it extends are told at once, each with its place") {
  Recipes recipes;
  recipes.put("wrong/image.yaml", "extends: base\nsuite: -x\n");
  const std::string told =
      recipes.mistake("extends: wrong\nsumary: s\nkernel: 'a b'\ndisk: 3\nbuild: none\nos: beos\n");
  CHECK_THAT(told, ContainsSubstring("6 mistakes:"));
  for (const char* place : {"bad/image.yaml:2:1: ", "bad/image.yaml:3:9: ", "bad/image.yaml:4:7: ",
                            "bad/image.yaml:5:8: ", "bad/image.yaml:6:5: ", "wrong/image.yaml:2:8: "})
    CHECK_THAT(told, ContainsSubstring(place));
}

TEST_CASE("a recipe without a key that it needs is told of each; one whose base is missing only of that") {
  Recipes recipes;
  const std::string told = recipes.mistake("summary: s\n");
  for (const char* key : {"'os'", "'suite'", "'kernel'", "'disk'", "'build'"})
    CHECK_THAT(told, ContainsSubstring(std::string("the recipe has no ") + key));
  CHECK_THAT(recipes.mistake("extends: nowhere\nsummary: s\n"), !ContainsSubstring("has no"));
}

TEST_CASE("the recipes in this repository can be read") {
  const Store store({source_tree::root() / "images"}, "/nonexistent");
  auto recipes = store.recipes();
  INFO((recipes ? "" : recipes.error().text()));
  REQUIRE(recipes.has_value());
  std::vector<std::string> names;
  for (const auto& recipe : *recipes) names.push_back(recipe.name);
  CHECK(std::count(names.begin(), names.end(), "debian-12-linux-6.1") == 1);
  CHECK(std::count(names.begin(), names.end(), "debian-12-linux-6.12") == 1);
  CHECK(std::count(names.begin(), names.end(), "debian-12") == 0);
}
