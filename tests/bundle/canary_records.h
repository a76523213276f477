// Records of clones that were killed on purpose, as trust::prove_channels() leaves them, told as stories.
#pragma once

#include <ctime>
#include <filesystem>
#include <string>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/cell/canary.h"
#include "tests/cell/story.h"

namespace labctl::test {

// What the world shows of a clone that is being killed.
inline void die(story::Scene& scene, guest::Crash crash) {
  const auto panic = story::on_console(story::finding("kernel panic: killed on purpose", crash::Kind::panic));
  switch (crash) {
    case guest::Crash::nmi:
    case guest::Crash::panic:
      scene.tell(panic);
      scene.tell(event::Panicked{});
      scene.alive = false;
      return;
    case guest::Crash::oops:
      scene.tell(story::on_console(story::finding("invalid opcode in canary")));
      scene.taint |= 1U << 7;
      return;
    case guest::Crash::hang:
      scene.alive = false;
      return;
    case guest::Crash::reset:
      return scene.go_down();
  }
}

inline Status write_journal(const std::filesystem::path& folder, const story::Scene& scene) {
  std::string text;
  auto chain = event::begin_chain(scene.cell.id);
  for (const auto& event : scene.journal) text += event::to_line(event, chain) + "\n";
  if (auto made = make_dirs(folder); !made) return made;
  return write_file(folder / "events.jsonl", text);
}

// `silent`: nobody notices, and its heart goes on.
inline Status write_death(const std::filesystem::path& records, const std::string& id, guest::Crash crash,
                          bool silent = false) {
  story::Scene scene(cell::canary_cell(id, {}));
  scene.canary = crash;
  if (!silent)
    scene.when(std::string("killed by ") + guest::to_string(crash), Millis(1000),
               [crash](story::Scene& dying) { die(dying, crash); });
  scene.play();
  return write_journal(records / id, scene);
}

// Of an image on a machine without a name, as the run wants them.
inline Status write_canary(const std::filesystem::path& records, const outcome::RunRecord& run,
                           const std::string& image, long long made = std::time(nullptr)) {
  if (auto ready = make_dirs(records); !ready) return ready;
  const std::string key = bundle::canary_key(*run.image(image, {}), run.host.fingerprint, run.tool_sha256);
  const std::string prefix = bundle::canary_prefix(image, key);
  const Json summary{{"labctl", 1},
                     {"image", image},
                     {"image_sha256", run.image(image, {})->sha256},
                     {"key", key},
                     {"records", prefix},
                     {"made_unix", made},
                     {"crashes", Json::array({"oops"})}};
  if (auto written = write_file(bundle::canary_summary(records, image, {}), dump_pretty(summary)); !written)
    return written;
  for (const auto crash : guest::every_crash)
    if (auto written = write_death(records, bundle::canary_id(prefix, crash), crash); !written)
      return written;
  return {};
}

// What the cells of image_record() start from.
inline void start_from(story::Scene& scene, const std::string& image) {
  scene.opening.image = sha256(image + "'s disk");
  scene.opening.snapshot = sha256(image + "'s snapshot");
}

// An image as run.json names one that is what its build made.
inline outcome::ImageRecord image_record(const std::string& name, const std::string& facts = "{}") {
  Json json = *parse_json(facts, {});
  json["sha256"] = sha256(name + "'s disk");
  return {.name = name,
          .sha256 = sha256(name + "'s disk"),
          .snapshot_sha256 = sha256(name + "'s snapshot"),
          .facts = outcome::facts_from(dump_line(json))};
}

}  // namespace labctl::test
