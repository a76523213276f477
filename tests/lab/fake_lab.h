// A lab without a hypervisor, for whole runs: an image as a build and a first boot leave it, and what clones
// show that are crashed for the canary.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/host/paths.h"
#include "labctl/image/image.h"
#include "tests/lab/fake_machine.h"

namespace labctl::test {

inline const char* const oops =
    "[   12.345678] BUG: unable to handle page fault for address: ffffc90000aa1000\n"
    "[   12.345710] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[   12.345720] CPU: 0 PID: 312 Comm: sensorctl Tainted: G           OE      6.1.0-56-amd64 #1  Debian\n"
    "[   12.345730] RIP: 0010:sensor_match+0x41/0x90 [sensor]\n"
    "[   12.345790] Call Trace:\n"
    "[   12.345800]  <TASK>\n"
    "[   12.345810]  sensor_apply+0x22/0x50 [sensor]\n"
    "[   12.345820]  </TASK>\n"
    "[   12.345830] ---[ end trace 0000000000000000 ]---\n";

// What a clone shows that is killed for the canary.
inline std::optional<std::pair<int, std::string>> die(const std::string& command, Script& script,
                                                      const machine::Sink& sink) {
  const auto has = [&](const char* text) { return command.find(text) != std::string::npos; };
  const std::pair<int, std::string> done{0, ""};
  if (has("echo c >/proc/sysrq-trigger")) {
    sink(machine::ConsoleBytes{"[    2.000000] Kernel panic - not syncing: sysrq triggered crash\n"});
    sink(machine::GuestPanicked{});
    return done;
  }
  if (has("canary.ko")) {
    sink(machine::ConsoleBytes{oops});
    script.payload["dead"] = "";
    return done;
  }
  if (has("taint=") && script.payload.count("dead") != 0)
    return std::pair{0, std::string("taint=12416\nkernel=6.1.0-fake\n")};
  if (command.starts_with("dmesg") && script.payload.count("dead") != 0)
    return std::pair{0, std::string(oops)};
  if (has("/sys/kernel/reboot/type")) {
    sink(machine::GuestReset{true});
    return done;
  }
  return std::nullopt;
}

// What a build and a first boot would have left.
inline Status make_image(const host::Paths& paths, const std::string& name, const machine::HostFacts& host,
                         int boot_time_ms = 3000) {
  const image::Store store(paths.recipes, paths.store);
  auto recipe = store.recipe(name);
  if (!recipe) return fail(recipe.error());
  const std::string disk = "the golden disk of " + name + "\n";
  const fs::path folder = store.folder(*recipe);
  const Json facts{{"labctl", 1},          {"name", name},           {"os", "linux"},
                   {"key", recipe->key},   {"sha256", sha256(disk)}, {"disk_bytes", disk.size()},
                   {"canary_module", true}};
  const machine::Shape shape;
  const fs::path snapshot =
      folder / "snapshots" / (host.fingerprint.substr(0, 12) + "-" + machine::slug_of(shape));
  const std::string saved(1 << 20, 's');
  const Json live{{"image", name},
                  {"image_sha256", sha256(disk)},
                  {"disk_sha256", sha256(saved)},
                  {"accel", "tcg"},
                  {"boot_time_ms", boot_time_ms}};
  if (auto made = make_dirs(snapshot); !made) return made;
  for (const auto& [file, text] : {std::pair{folder / "disk.qcow2", disk},
                                   {snapshot / "disk.qcow2", saved},
                                   {snapshot / "snapshot.json", dump_pretty(live)},
                                   {folder / "facts.json", dump_pretty(facts)}})
    if (auto written = write_file(file, text); !written) return written;
  return {};
}

}  // namespace labctl::test
