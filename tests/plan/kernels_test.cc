// Drivers that are built once for each kernel.
#include "labctl/plan/kernels.h"

#include "labctl/base/json.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

plan::Plan two_images() {
  const char* text =
      "labctl: 1\nname: x\n"
      "candidate: {driver: {candidate: [\"out/${kernel}/a.ko\", \"${image}/b.ko\"], old: "
      "[\"old/${kernel}/a.ko\", old/b.ko]}}\n"
      "matrix: {image: [i, k]}\n"
      "guest: {linux: {driver: {kind: kmod}}}\n"
      "story: [install driver old, reboot, install driver, reboot]\n";
  const auto loaded = scenario::load(text, "gate.yaml", {});
  for (const auto& mistake : loaded.mistakes) FAIL(mistake.text());
  auto plan = plan::expand(*loaded.scenario, Date(std::chrono::sys_days(std::chrono::days(20000))));
  REQUIRE(plan);
  return *plan;
}

Result<std::string> release_of(const std::string& image) {
  if (image == "i") return std::string("6.1.0-56-amd64");
  return input_error("the image k is not built", "k", "labctl image build k");
}

}  // namespace

TEST_CASE("each image gets the driver that was built for its kernel") {
  const auto plan = plan::fill_kernels(two_images(), "gate.yaml", [](const std::string& image) {
    return Result<std::string>(image == "i" ? "6.1.0-56-amd64" : "6.12.117+deb12-amd64");
  });
  REQUIRE(plan);
  CHECK(plan->cells[0].driver_path == "out/6.1.0-56-amd64/a.ko");
  CHECK(plan->cells[0].driver_with == std::vector<std::string>{"i/b.ko"});
  CHECK(plan->cells[0].extra_drivers.at(0).path == "old/6.1.0-56-amd64/a.ko");
  CHECK(plan->cells[0].kernel == "6.1.0-56-amd64");
  CHECK(plan->cells[1].driver_path == "out/6.12.117+deb12-amd64/a.ko");
  for (const auto& cell : plan->cells) CHECK(cell.kernel.empty() == cell.control);
  // It comes back from a record, and what the scenario says can be told from it.
  const auto read = plan::from_json(plan::to_json(*plan), "run.json");
  INFO((read ? std::string() : read.error().text()));
  REQUIRE(read);
  CHECK(plan::to_json(*read) == plan::to_json(*plan));
  CHECK(plan::to_json(plan::without_kernels(*read)) == plan::to_json(two_images()));
}

TEST_CASE("a kernel that is not known is a mistake of the path that names it, or stays") {
  const auto plan = plan::fill_kernels(two_images(), "gate.yaml", release_of);
  REQUIRE_FALSE(plan);
  CHECK(
      plan.error().text() ==
      "gate.yaml:3:33: the path names ${kernel}, and the kernel of the image k is not known: the image k is "
      "not built\n  hint: labctl image build k");
  const auto open = plan::fill_kernels(two_images(), "gate.yaml", release_of, plan::Unknown::stays);
  REQUIRE(open);
  CHECK_FALSE(plan::lacks_kernel(open->cells[0]));
  CHECK(plan::lacks_kernel(open->cells[1]));
  CHECK(open->cells[1].driver_path == "out/${kernel}/a.ko");
}

TEST_CASE("what an image says of its kernel becomes no path of its own") {
  for (const char* bad : {"", "..", "6.1/../../x", "-rf", ".6", "6.1 x", "six",
                          "6.1.0-56-amd64-and-so-on-and-so-on-and-so-on-and-so-on-and-so-on-and"}) {
    const auto plan = plan::fill_kernels(two_images(), "gate.yaml",
                                         [&](const std::string&) { return Result<std::string>(bad); });
    CHECK_FALSE(plan);
  }
  auto plan = two_images();
  plan.cells[0].kernel = "../6.1";
  CHECK_FALSE(plan::from_json(plan::to_json(plan), "run.json"));
}

TEST_CASE("a path that holds the release besides the variable could not be read back") {
  auto plan = two_images();
  plan.cells[0].driver_with = {"lib-6.1.0-56-amd64.ko"};
  const auto filled = plan::fill_kernels(plan, "gate.yaml", release_of);
  REQUIRE_FALSE(filled);
  CHECK_THAT(filled.error().text(), ContainsSubstring("holds 6.1.0-56-amd64 besides ${kernel}"));
}
