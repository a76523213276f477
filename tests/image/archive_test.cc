// Which images are behind an archive's kernels.

#include "labctl/image/archive.h"

#include "labctl/base/subprocess.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::image;

namespace {

std::string stanza(const std::string& release, const std::string& version,
                   const std::string& depends = "kmod, linux-base") {
  return "Package: linux-image-" + release + "\nVersion: " + version + "\nDepends: " + depends + "\n\n";
}
std::string meta(const std::string& name, const std::string& version, const std::string& release) {
  return stanza(name, version, "linux-image-" + release + " (= " + version + ")");
}

HeldKernel held(const std::string& image, const std::string& asked, const std::string& release,
                const std::string& version) {
  return {.image = image,
          .suite = "bookworm",
          .asked = "linux-image-" + asked,
          .release = release,
          .version = version};
}

}  // namespace

TEST_CASE("versions are ordered as Debian's policy orders them") {
  // In their order; each is before all behind it.
  const std::vector<std::string> ordered = {
      "0~~",           "0~",     "0",       "1.0~rc1-1", "1.0-1", "1.0-1+b1", "1.0-2~deb12u1", "1.0-2",
      "1.0-2+deb12u1", "1.0a-1", "1.0+a-1", "1.0.1-1",   "1.2-1", "1.10-1",   "6.1.9-1",       "6.1.170-3",
      "6.1.192-2",     "1:0.1-1"};
  for (std::size_t i = 0; i < ordered.size(); ++i)
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      INFO(ordered[i] << " and " << ordered[j]);
      const int got = compare_versions(ordered[i], ordered[j]);
      CHECK((got < 0) == (i < j));
      CHECK((got > 0) == (i > j));
    }
  CHECK(compare_versions("1.0", "1.0-0") == 0);
  CHECK(compare_versions("1.00-01", "1.0-1") == 0);
  if (find_program("dpkg").empty()) return;
  for (std::size_t i = 0; i + 1 < ordered.size(); ++i) {
    INFO(ordered[i] << " lt " << ordered[i + 1]);
    const auto ended = run({.argv = {"dpkg", "--compare-versions", ordered[i], "lt", ordered[i + 1]}});
    REQUIRE(ended);
    CHECK(ended->exit_code == 0);
  }
}

TEST_CASE("a kernel's series has its flavour, and what is no release has none") {
  CHECK(series_of("6.1.0-53-amd64") == "6.1");
  CHECK(series_of("6.1.0-53-rt-amd64") == "6.1-rt");
  CHECK(series_of("6.1.0-53-cloud-amd64") == "6.1-cloud");
  CHECK(series_of("6.12.117+deb12-amd64") == "6.12");
  CHECK(series_of("6.12.117+deb12-rt-amd64") == "6.12-rt");
  for (const char* other :
       {"", "amd64", "-amd64", "6-amd64", "6.-amd64", "6.1.0-53-arm64", "6.1.0-53-amd64-dbg", "rt-amd64"}) {
    INFO(other);
    CHECK(series_of(other).empty());
  }
}

TEST_CASE("of an archive's packages the kernels are read, each version") {
  const auto kernels = kernels_in(
      stanza("6.1.0-53-amd64", "6.1.170-3") + stanza("6.1.0-53-amd64", "6.1.170-4") +
      stanza("6.1.0-53-amd64-dbg", "6.1.170-3") + stanza("6.12.117+deb12-amd64-unsigned", "6.12.117-1") +
      meta("6.12-amd64", "6.12.117-1", "6.12.117+deb12-amd64") +
      meta("amd64-dbg", "6.1.170-3", "6.1.0-53-amd64-dbg") +
      "Package: linux-headers-6.1.0-53-amd64\nVersion: 1\n\nPackage: linux-image-6.1.0-9-amd64\n");
  REQUIRE(kernels.size() == 3);
  CHECK(kernels[1].version == "6.1.170-4");
  CHECK(kernels[2].meta);
  CHECK(kernels[2].release == "6.12.117+deb12-amd64");
  CHECK(kernels_in("").empty());
  CHECK(kernels_in("\xff\n:\n\n\nVersion").empty());
}

TEST_CASE("an image is behind where no image of its suite has what the archive has") {
  const auto archive = kernels_in(
      stanza("6.1.0-53-amd64", "6.1.170-3") + stanza("6.1.0-56-amd64", "6.1.192-2") +
      stanza("6.1.0-56-rt-amd64", "6.1.192-2") + stanza("6.12.117+deb12-amd64", "6.12.117-1~deb12u1") +
      meta("amd64", "6.1.192-2", "6.1.0-56-amd64") +
      meta("6.12-amd64", "6.12.117-1~deb12u1", "6.12.117+deb12-amd64"));
  const auto old = held("debian-12-linux-6.12", "6.12-amd64", "6.12.107+deb12-amd64", "6.12.107-1~deb12u1");
  const auto pinned = held("debian-12-linux-6.1.0-53", "6.1.0-53-amd64", "6.1.0-53-amd64", "6.1.170-3");
  const auto current = held("debian-12-linux-6.1", "amd64", "6.1.0-56-amd64", "6.1.192-2");

  SECTION("behind, and the recipe has the new level") {
    const auto all = compare_with_archive({old}, archive);
    REQUIRE(all.size() == 1);
    CHECK(all[0].newer);
    const auto recipe = recipe_for(all[0]);
    CHECK(recipe.name == "debian-12-linux-6.12.117");
    CHECK(recipe.text ==
          "extends: debian-12-linux-6.12\nsummary: debian-12 with the kernel 6.12.117-1~deb12u1 of the "
          "archive\n"
          "kernel: linux-image-6.12.117+deb12-amd64\n");
  }
  SECTION("an image that keeps an earlier level on purpose is not behind beside one that is current") {
    const auto all = compare_with_archive({pinned, current}, archive);
    CHECK_FALSE(all[0].newer);
    CHECK(all[0].held_by == "debian-12-linux-6.1");
    CHECK_FALSE(all[1].newer);
  }
  SECTION("and is, alone") { CHECK(compare_with_archive({pinned}, archive)[0].newer); }
  SECTION("not by an image of another suite") {
    auto other = current;
    other.suite = "trixie";
    CHECK(compare_with_archive({pinned, other}, archive)[0].newer);
  }
  SECTION("the same release in a newer version is newer, and its recipe names the version") {
    auto same = current;
    same.version = "6.1.192-1";
    const auto all = compare_with_archive({same}, archive);
    CHECK(all[0].newer);
    CHECK(recipe_for(all[0]).name == "debian-12-linux-6.1.0-56-6.1.192-2");
    CHECK_THAT(recipe_for(all[0]).text, ContainsSubstring("kernel: linux-image-6.1.0-56-amd64=6.1.192-2\n"));
  }
  SECTION("an archive that is older than the image, or has none of its series, is none") {
    auto ahead = current;
    ahead.version = "6.1.200-1";
    ahead.release = "6.1.0-60-amd64";
    CHECK_FALSE(compare_with_archive({ahead}, archive)[0].newer);
    const auto gone = compare_with_archive({held("a", "6.5-amd64", "6.5.0-1-amd64", "6.5.3-1")}, archive);
    CHECK_FALSE(gone[0].newest.has_value());
    CHECK_FALSE(gone[0].newer);
  }
  SECTION("a metapackage that moves to another series takes its image along") {
    const auto moved =
        kernels_in(stanza("6.12.117+deb13-amd64", "6.12.117-1") + stanza("6.16.3+deb13-amd64", "6.16.3-1") +
                   meta("amd64", "6.16.3-1", "6.16.3+deb13-amd64"));
    const auto all =
        compare_with_archive({held("debian-13", "amd64", "6.12.117+deb13-amd64", "6.12.117-1")}, moved);
    CHECK(all[0].newer);
    CHECK(recipe_for(all[0]).name == "debian-13-linux-6.16.3");
  }
}
