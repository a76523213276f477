// How long merging takes beside judging: sixteen shards, a thousand cells, stories instead of guests.
//
//   merge_bench [CELLS]      prints seconds, their ratio, and what splitting and merging are of the guests'
//   time
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "labctl/base/units.h"
#include "labctl/bundle/shards.h"
#include "tests/bundle/canary_records.h"

using namespace labctl;

namespace {

constexpr int images = 16;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "merge_bench: %s\n", result.error().text().c_str());
  std::exit(3);
}
void must(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "merge_bench: %s\n", status.error().text().c_str());
  std::exit(3);
}

// As many cells of candidates on each image, and a control.
std::string scenario_of(int cells) {
  std::string drivers = "candidate: driver.deb", labels = "candidate", names;
  for (int i = 1; i < cells / images - 1; ++i) {
    drivers += ", d" + std::to_string(i) + ": d" + std::to_string(i) + ".deb";
    labels += ", d" + std::to_string(i);
  }
  for (int i = 0; i < images; ++i) names += (i == 0 ? "image" : ", image") + std::to_string(i);
  return "labctl: 1\nname: bench\ncandidate: {driver: {" + drivers +
         "}, content: {candidate: content.bin}}\n" + "matrix: {image: [" + names + "], driver: [" + labels +
         "]}\nguest:\n  linux:\n    driver: {kind: deb, module: sensor}\n"
         "    content: {path: /var/lib/sensor/content.bin, apply: systemctl reload sensor}\n"
         "    exercise: [sensorctl replay]\n    proof:\n"
         "      - {run: sensorctl digest, prints: \"${content.sha256}\"}\n      - {run: sensorctl selftest}\n"
         "story: [install driver, apply content, exercise, reboot x3]\n";
}

outcome::Split make_split(int cells) {
  const std::string text = scenario_of(cells);
  const auto loaded = scenario::load(text, "bench.yaml", {});
  for (const Error& mistake : loaded.mistakes) must(Status(fail(mistake)));
  outcome::Split split{.nonce = std::string(32, 'a'),
                       .made = "2026-11-22T00:00:00Z",
                       .tool = "labctl bench",
                       .tool_sha256 = sha256("labctl bench"),
                       .scenario = {.file = "bench.yaml", .text = text},
                       .plan = must(plan::expand(*loaded.scenario, plan::Plan{}.date))};
  split.shards = must(plan::shards(split.plan, 0));
  split.artifacts = {{"content.bin", story::content_digest, 7, story::content_digest}};
  std::set<std::string> drivers;
  for (const auto& cell : split.plan.cells)
    if (!cell.control && drivers.insert(cell.driver_path).second)
      split.artifacts.push_back({cell.driver_path, story::driver_digest, 6, story::driver_digest});
  for (const auto& image : split.plan.images()) split.images.push_back({image, sha256(image + "'s disk")});
  split.digest = outcome::split_digest(split);
  return split;
}

// Gives the guests' time.
Millis write_shard(const outcome::Split& split, int index, const fs::path& root) {
  Millis lived{0};
  const fs::path folder = root / bundle::split_shards / (std::to_string(index) + ".attempt-1");
  outcome::RunRecord run{.tool = split.tool,
                         .tool_sha256 = split.tool_sha256,
                         .rules = split.rules,
                         .began = "2026-11-22T01:00:00Z",
                         .scenario = split.scenario,
                         .host = {.fingerprint = sha256("host " + std::to_string(index))},
                         .plan = plan::part_of(split.plan, split.shards[static_cast<std::size_t>(index)]),
                         .shard = outcome::ShardRecord{split.digest, index, images, 1, "node"},
                         .ended = "2026-11-22T02:00:00Z",
                         .faults = std::vector<std::string>()};
  for (const auto& artifact : split.artifacts)
    run.artifacts.push_back({artifact.path, artifact.sha256, artifact.size});
  for (const auto& cell : run.plan.cells) {
    story::Scene scene(cell);
    test::start_from(scene, cell.image);
    scene.play();
    lived += scene.now;
    must(test::write_journal(folder / "cells" / cell.id, scene));
  }
  for (const auto& image : run.plan.images()) {
    run.images.push_back(test::image_record(image));
    must(test::write_canary(folder / "canary", run, image, *parse_moment(run.began) - 300));
  }
  must(write_file(folder / "run.json", outcome::write_run_record(run)));
  return lived;
}

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

int main(int argc, char** argv) {
  const int cells = argc > 1 ? std::atoi(argv[1]) : 1000;
  char name[] = "/tmp/labctl-merge-bench-XXXXXX";
  const fs::path root = ::mkdtemp(name);
  must(make_dirs(root));
  outcome::Split split;
  const double splitting = seconds_of([&] {
    split = make_split(cells);
    must(write_file(root / bundle::split_name, outcome::write_split(split)));
  });
  Millis lived{0};
  for (int i = 0; i < images; ++i) lived += write_shard(split, i, root);
  fs::path merged;
  int code = 3;
  const double merge = seconds_of([&] {
    const auto result =
        must(bundle::merge_shards({.split_file = root / bundle::split_name, .out = root / "out"}));
    merged = result.bundle;
    code = result.judged.verdict.exit_code();
  });
  const double judge = seconds_of([&] { must(bundle::judge_bundle(merged)); });
  std::printf("%zu cells, exit code %d: merge %.2f s, judge %.2f s, ratio %.2f\n", split.plan.cells.size(),
              code, merge, judge, merge / judge);
  std::printf(
      "split %.2f s; split and merge are %.3f %% of the %.0f s that the guests of these stories live\n",
      splitting, 100 * (splitting + merge) * 1000 / static_cast<double>(lived.count()),
      static_cast<double>(lived.count()) / 1000);
  fs::remove_all(root);
  return code;
}
