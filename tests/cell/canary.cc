// A clone that is killed on purpose: every channel that is due must speak, and nothing else counts as proof.

#include "labctl/cell/canary.h"

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace labctl;
using namespace std::chrono_literals;
using event::Channel;
using guest::Crash;
using story::Scene;

namespace {

// The life of a clone, with what the world shows once it is being killed.
cell::Death killed(Crash crash, std::function<void(Scene&)> dying) {
  Scene scene(cell::canary_cell("debian.canary", "debian"));
  scene.canary = crash;
  scene.when(std::string("killed by ") + guest::to_string(crash), 1s, std::move(dying));
  scene.play();
  REQUIRE(scene.state.phase == cell::Phase::ended);
  return cell::read_death(scene.cell, crash, scene.journal);
}

void panic_on_console(Scene& scene) {
  scene.tell(story::on_console(story::finding("kernel panic: sysrq triggered crash", crash::Kind::panic)));
}
void panic_device(Scene& scene) {
  scene.tell(event::Panicked{});
  scene.alive = false;
}

struct Sample {
  const char* name;
  Crash crash;
  std::function<void(Scene&)> dying;
  std::set<Channel> spoke;
  std::string reason;  // a part of it; empty: proved
};

}  // namespace

TEST_CASE("a canary proves its channels only when each one that is due speaks") {
  const auto both = [](Scene& scene) { panic_on_console(scene), panic_device(scene); };
  const auto oops = [](Scene& scene) {
    scene.tell(story::on_console(story::finding("invalid opcode in canary")));
    scene.taint |= 1U << 7;
  };
  const auto to_crash_kernel = [](Scene& scene) {
    scene.tell(event::Panicked{.crash_loaded = true});
    scene.alive = false;
  };
  const Sample samples[] = {
      {"a panic", Crash::panic, both, {Channel::console, Channel::panic_device}, ""},
      {"an nmi", Crash::nmi, both, {Channel::console, Channel::panic_device}, ""},
      {"a panic with a dead panic device",
       Crash::panic,
       [](Scene& scene) { panic_on_console(scene), scene.alive = false; },
       {Channel::console},
       "silent: panic-device"},
      {"a panic with a dead console", Crash::panic, panic_device, {Channel::panic_device}, "silent: console"},
      {"an nmi with a dead console", Crash::nmi, panic_device, {Channel::panic_device}, "silent: console"},
      {"an nmi, and a crash kernel before it comes to the console",
       Crash::nmi,
       to_crash_kernel,
       {Channel::panic_device},
       ""},
      {"a panic with a dead console, and a crash kernel",
       Crash::panic,
       to_crash_kernel,
       {Channel::panic_device},
       "silent: console"},
      {"an oops", Crash::oops, oops, {Channel::console, Channel::evidence}, ""},
      {"an oops that leaves no taint",
       Crash::oops,
       [](Scene& scene) { scene.tell(story::on_console(story::finding("invalid opcode in canary"))); },
       {Channel::console},
       "silent: evidence"},
      {"a hang", Crash::hang, [](Scene& scene) { scene.alive = false; }, {Channel::heartbeat}, ""},
      {"a hang that speaks on the console is none",
       Crash::hang,
       panic_on_console,
       {Channel::console},
       "silent: heartbeat"},
      {"a reset", Crash::reset, [](Scene& scene) { scene.go_down(); }, {Channel::resets}, ""},
      {"a reset that nobody sees",
       Crash::reset,
       [](Scene& scene) { scene.resets_per_reboot = 0, scene.go_down(); },
       {},
       "the clone survived"},
      {"a clone that lives on", Crash::panic, [](Scene&) {}, {}, "the clone survived"},
      {"a lab that fails",
       Crash::panic,
       [](Scene& scene) { scene.tell(event::LabFault{"no disk space"}); },
       {},
       "no disk space"},
  };
  for (const Sample& sample : samples) {
    INFO(sample.name);
    const cell::Death death = killed(sample.crash, sample.dying);
    CHECK(death.spoke == sample.spoke);
    CHECK(death.proved() == sample.reason.empty());
    INFO(death.reason);
    CHECK(death.reason.find(sample.reason) != std::string::npos);
  }
}

TEST_CASE("every way to be killed has a channel that must report it") {
  for (const Crash crash : guest::every_crash) CHECK(!cell::due(crash).empty());
}

TEST_CASE("a line that only looks like a crash proves no console") {
  const cell::Death death = killed(Crash::panic, [](Scene& scene) {
    scene.tell(
        story::on_console(story::finding("kernel panic: told by a driver", crash::Kind::panic, false)));
  });
  CHECK_FALSE(death.proved());
}

TEST_CASE("a line that a signature calls harmless proves no console") {
  const cell::Death death = killed(Crash::panic, [](Scene& scene) {
    auto noise = story::finding("kernel panic: sysrq triggered crash", crash::Kind::panic);
    noise.suppressed = "known noise of this emulator";
    scene.tell(story::on_console(noise)), panic_device(scene);
  });
  CHECK(death.spoke == std::set<Channel>{Channel::panic_device});
  CHECK_FALSE(death.proved());
}

TEST_CASE("another clone's journal proves nothing, and is told as one") {
  Scene scene(cell::canary_cell("debian.canary", "debian"));
  scene.canary = Crash::hang;
  scene.when("killed by hang", 1s, [](Scene& clone) { clone.alive = false; });
  scene.play();
  CHECK(cell::read_death(scene.cell, Crash::hang, scene.journal).proved());
  const auto other = cell::canary_cell("ubuntu.canary", "ubuntu");
  CHECK(cell::read_death(other, Crash::hang, scene.journal).reason == "its journal is another cell's");
}

TEST_CASE("a clone that is sick before it is killed proves nothing") {
  Scene scene(cell::canary_cell("debian.canary", "debian"));
  scene.canary = Crash::panic;
  scene.taint |= 1U << 7;
  scene.play();
  const cell::Death death = cell::read_death(scene.cell, Crash::panic, scene.journal);
  CHECK_FALSE(death.proved());
}
