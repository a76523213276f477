#include "labctl/image/available.h"

#include "tests/catch.h"

using namespace labctl::image;

namespace {

Recipe recipe(const std::string& name, const std::string& package, const std::string& suite = "bookworm") {
  Recipe one;
  one.name = name;
  one.os = "linux";
  one.suite = suite;
  one.kernel_package = package;
  return one;
}

const std::vector<Recipe> recipes = {recipe("debian-12-linux-6.1", "linux-image-amd64"),
                                     recipe("debian-12-linux-6.1-dkms", "linux-image-amd64"),
                                     recipe("debian-12-linux-6.1-rt", "linux-image-rt-amd64"),
                                     recipe("debian-12-linux-6.1.0-53", "linux-image-6.1.0-53-amd64"),
                                     recipe("debian-13", "linux-image-amd64", "trixie")};

const char* stanzas =
    "Package: linux-image-amd64\nVersion: 6.1.192-2\nDepends: linux-image-6.1.0-56-amd64 (= 6.1.192-2)\n\n"
    "Package: linux-image-rt-amd64\nVersion: 6.1.192-2\nDepends: linux-image-6.1.0-56-rt-amd64 (= "
    "6.1.192-2)\n\n"
    "Package: linux-image-6.1.0-56-amd64\nVersion: 6.1.192-2\n\n"
    "Package: linux-image-6.1.0-55-amd64\nVersion: 6.1.180-1\n\n"
    "Package: linux-image-6.1.0-53-amd64\nVersion: 6.1.170-3\n\n"
    "Package: linux-image-6.1.0-53-amd64\nVersion: 6.1.170-1\n\n"
    "Package: linux-image-6.1.0-56-rt-amd64\nVersion: 6.1.192-2\n\n"
    "Package: linux-image-6.1.0-55-rt-amd64\nVersion: 6.1.180-1\n\n"
    "Package: linux-image-6.12.9+bpo-amd64\nVersion: 6.12.9-1~bpo12+1\n\n"
    "Package: linux-image-6.12.9+deb12-amd64\nVersion: 6.12.9-1~deb12u1\n\n";

}  // namespace

TEST_CASE("each kernel of an archive has an image that means it, or the recipe that would") {
  const auto all = available("bookworm", recipes, kernels_in(stanzas));
  REQUIRE(all.size() == 7);
  CHECK(all[0].kernel.version == "6.1.170-3");  // and not the earlier build of the same release
  CHECK(all[0].image == "debian-12-linux-6.1.0-53");
  CHECK(all[0].recipe.text.empty());
  for (const auto& one : all) {
    if (one.kernel.release == "6.1.0-56-amd64") CHECK(one.image == "debian-12-linux-6.1");
    if (one.kernel.release == "6.1.0-56-rt-amd64") CHECK(one.image == "debian-12-linux-6.1-rt");
    if (one.kernel.release == "6.1.0-55-rt-amd64") {
      CHECK(one.image == "debian-12-linux-6.1.0-55-rt");
      CHECK(one.recipe.text.find("extends: debian-12-linux-6.1-rt\n") != std::string::npos);
      CHECK(one.recipe.text.find("kernel: linux-image-6.1.0-55-rt-amd64\n") != std::string::npos);
    }
  }
}

TEST_CASE("two kernels of one level have two names") {
  const auto all = available("bookworm", recipes, kernels_in(stanzas));
  CHECK(all[5].image == "debian-12-linux-6.12.9");
  CHECK(all[6].image.starts_with("debian-12-linux-6.12.9-"));
  CHECK(all[5].recipe.text != all[6].recipe.text);
}

TEST_CASE("a kernel's kind is its flavour and where it comes from") {
  CHECK(kind_of({"linux-image-6.1.0-56-amd64", "6.1.192-2", "6.1.0-56-amd64"}).empty());
  CHECK(kind_of({"", "6.1.192-2", "6.1.0-56-rt-amd64"}) == "rt");
  CHECK(kind_of({"", "6.12.9-1~bpo12+1", "6.12.9+bpo-cloud-amd64"}) == "cloud, backports");
}

TEST_CASE("a suite of which no recipe is has nothing to extend") {
  CHECK(available("sid", recipes, kernels_in(stanzas)).empty());
}
