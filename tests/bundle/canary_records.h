// Records of clones that were killed on purpose, as trust::prove_channels() leaves them, told as stories.
#pragma once

#include <ctime>
#include <filesystem>
#include <string>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
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

inline Status write_canary(const std::filesystem::path& records, const std::string& image,
                           long long made = std::time(nullptr)) {
  if (auto ready = make_dirs(records); !ready) return ready;
  const Json summary{{"labctl", 1},
                     {"image", image},
                     {"records", image},
                     {"made_unix", made},
                     {"crashes", Json::array({"oops"})}};
  if (auto written = write_file(records / (image + ".json"), dump_pretty(summary)); !written) return written;
  for (const auto crash : guest::every_crash)
    if (auto written = write_death(records, image + ".canary-" + guest::to_string(crash), crash); !written)
      return written;
  return {};
}

}  // namespace labctl::test
