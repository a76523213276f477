// Writes a bundle as `labctl run` would, with stories instead of guests, for tests of what comes after a run:
//
//   make_bundle OUT passed|blocked|no-verdict [BEGAN ENDED [DISK]]     prints the bundle's folder
//
// The candidate is driver.deb with the bytes "driver" and content.bin with the bytes "content".
// Guests start from a disk with the digest of the text DISK.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/units.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/judge.h"
#include "tests/bundle/canary_records.h"
#include "tests/source_tree.h"

using namespace labctl;

namespace {

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "make_bundle: %s\n", result.error().text().c_str());
  std::exit(3);
}
void must(Status status) {
  if (status) return;
  std::fprintf(stderr, "make_bundle: %s\n", status.error().text().c_str());
  std::exit(3);
}

const scenario::Variables settings = {{"warnings", "fail"}};

std::string scenario_text() {
  return must(read_file(source_tree::tests() / "bundle/release.yaml", 1u << 20));
}

plan::Plan make_plan() {
  const auto loaded = scenario::load(scenario_text(), "release.yaml", settings);
  for (const Error& mistake : loaded.mistakes) must(Status(fail(mistake)));
  return must(plan::expand(*loaded.scenario, plan::Plan{}.date));
}

// As test::image_record(), from another disk when one is named.
outcome::ImageRecord image_of(const char* disk) {
  if (disk == nullptr) return test::image_record("debian");
  auto record = test::image_record("debian");
  record.sha256 = sha256(disk);
  record.facts = outcome::facts_from(dump_line({{"sha256", record.sha256}}));
  return record;
}

// `seed`: what is different in each run, so that no two have one journal.
void live(const plan::Cell& cell, const std::string& wanted, const outcome::ImageRecord& image,
          const std::string& seed, const bundle::Bundle& bundle) {
  story::Scene scene(cell);
  scene.opening.image = image.sha256;
  scene.opening.snapshot = image.snapshot_sha256;
  scene.opening.seed = seed;
  if (!cell.control && wanted == "blocked")
    scene.hears("boot 2/3", std::chrono::seconds(1), story::on_console(story::finding("oops in sensor")));
  if (cell.control && wanted == "no-verdict")
    scene.hears("boot 1/3", std::chrono::seconds(1), event::LabFault{"the disk is full"});
  scene.play();
  must(test::write_journal(bundle.cell_folder(cell.id), scene));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: make_bundle OUT passed|blocked|no-verdict [BEGAN ENDED [DISK]]\n");
    return 2;
  }
  const std::string wanted = argv[2];
  const auto plan = make_plan();
  auto bundle = must(bundle::Bundle::create(argv[1], plan.scenario));
  const std::string began = argc > 3 ? argv[3] : bundle::utc_now();
  const auto image = image_of(argc > 5 ? argv[5] : nullptr);
  for (const auto& cell : plan.cells) live(cell, wanted, image, sha256(began).substr(0, 32), bundle);
  const outcome::RunRecord run{
      .tool = "labctl test",
      .tool_sha256 = sha256("labctl test"),
      .rules = 2,
      .began = began,
      .scenario = {.file = "gate/release.yaml", .text = scenario_text(), .set = settings},
      .waivers = {"waivers.yaml", "labctl: 1\nwaivers: []\n"},
      .artifacts = {{"build/driver.deb", story::driver_digest, 6},
                    {"build/content.bin", story::content_digest, 7}},
      .images = {image},
      .host = {.fingerprint = sha256("host"), .cpu = "EPYC 9354"},
      .plan = plan,
      .ended = argc > 3 ? argv[4] : bundle::utc_now(),
      .faults = std::vector<std::string>()};
  must(test::write_canary(bundle.canary_folder(), run, "debian", *parse_moment(run.began) - 300));
  must(bundle.write_run(run));
  const auto judged = must(bundle::judge_bundle(bundle.folder()));
  if (verdict::to_string(judged.verdict.decision) != wanted) {
    std::fprintf(stderr, "make_bundle: the story gave\n%s", judged.verdict_json.c_str());
    return 3;
  }
  if (!bundle.add("verdict.json", judged.verdict_json)) return 1;
  std::printf("%s\n", must(bundle.close()).c_str());
}
