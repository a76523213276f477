// Stories of the steps that have a moment: power cuts, cold boots, texts on the console, commands with an
// expected end, content before its driver. Each with the ways in which it must not pass.

#include "tests/cell/told.h"

using namespace story;
namespace {

using enum scenario::StepKind;
using scenario::Moment;
using scenario::Step;

constexpr const char* marker = "sensor: ready";

// Told after an installation and before enough reboots to make three boots.
void tells(Scene& s, const std::vector<Step>& steps, int reboots) {
  s.cell.story = {{.kind = install}, {.kind = apply}};
  s.cell.story.insert(s.cell.story.end(), steps.begin(), steps.end());
  s.cell.story.insert(s.cell.story.end(), static_cast<std::size_t>(reboots), Step{.kind = reboot});
}

Step cut(Moment moment, const std::string& text = {}, Millis after = Millis(0)) {
  return {.kind = power_cut, .text = text, .wait = after, .moment = moment};
}

// The console says it whenever the cell is at `step`.
void says_at(Scene& s, const std::string& step, Millis after = 0s, const std::string& text = marker) {
  s.hears(step, after, event::Said{text});
}

constexpr const char* cutting_install = "power-cut during install driver";

void cut_install(Scene& s, const std::string& text = {}, Millis after = Millis(0)) {
  s.cell.story = {cut(Moment::install, text, after),
                  {.kind = install},
                  {.kind = apply},
                  {.kind = reboot},
                  {.kind = reboot}};
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      // ---- a text on the console ----
      {"a text that comes is waited for", passed, "", 3,
       [](Scene& s) {
         tells(s, {{.kind = wait_for, .text = marker}}, 3), says_at(s, "wait for 'sensor: ready'", 30s);
       }},
      {"a text that came in the step before counts", passed, "", 3,
       [](Scene& s) { tells(s, {{.kind = wait_for, .text = marker}}, 3), says_at(s, "apply content"); }},
      {"a text of the boot before it counts", passed, "", 3,
       [](Scene& s) {
         tells(s, {{.kind = reboot}, {.kind = wait_for, .text = marker}}, 2), says_at(s, "boot 1/3", 10s);
       }},
      {"two texts of one step count in any order", passed, "", 3,
       [](Scene& s) {
         tells(s, {{.kind = wait_for, .text = "first text"}, {.kind = wait_for, .text = marker}}, 3);
         says_at(s, "apply content"), says_at(s, "apply content: proof", 0s, "first text");
       }},
      {"a text that never comes", not_loaded, "did not say 'sensor: ready' within 5m00s", 0,
       [](Scene& s) { tells(s, {{.kind = wait_for, .text = marker}}, 3); }},
      {"a text that comes too late", not_loaded, "did not say 'sensor: ready' within 5.0s", 0,
       [](Scene& s) {
         tells(s, {{.kind = wait_for, .text = marker, .wait = 5s}}, 3),
             says_at(s, "wait for 'sensor: ready'", 7s);
       }},
      {"a text of an older step does not count", not_loaded, "did not say", 0,
       [](Scene& s) { tells(s, {{.kind = wait_for, .text = marker}}, 3), says_at(s, "install driver"); }},
      {"a text of the boot before the last does not count", not_loaded, "did not say", 2,
       [](Scene& s) {
         tells(s, {{.kind = reboot}, {.kind = reboot}, {.kind = wait_for, .text = marker}}, 1);
         says_at(s, "boot 1/3", 10s);
       }},
      {"the same text is waited for twice and comes once", not_loaded, "did not say", 0,
       [](Scene& s) {
         tells(s,
               {{.kind = wait_for, .text = marker}, {.kind = exercise}, {.kind = wait_for, .text = marker}},
               3);
         says_at(s, "apply content");
       }},
      {"another text", not_loaded, "did not say", 0,
       [](Scene& s) {
         tells(s, {{.kind = wait_for, .text = marker}}, 3);
         says_at(s, "wait for 'sensor: ready'", 1s, "sensor: ready, or not");
       }},
      {"a guest that dies while a text is waited for", hung, "heartbeat", 0,
       [](Scene& s) {
         tells(s, {{.kind = wait_for, .text = marker}}, 3);
         s.when("wait for 'sensor: ready'", 1s, [](Scene& g) { g.alive = false; });
       }},
      {"a crash after the text", crashed, "oops", 0,
       [](Scene& s) {
         tells(s, {{.kind = wait_for, .text = marker}}, 3), says_at(s, "apply content");
         s.hears("wait for 'sensor: ready': proof", 0s, on_console(finding("oops in sensor_match")));
       }},

      // ---- a command with an end that is expected ----
      {"a command that ends as expected", passed, "", 3,
       [](Scene& s) {
         tells(s,
               {{.kind = run, .text = "sensorctl check", .exit_code = 3, .prints = "bad ${content.sha256}"}},
               3);
         s.answers("run-1", exits(3, " bad " + content_digest + "\n"));
       }},
      {"a command that ends well when it should not", not_loaded,
       "'sensorctl check' ended with status 0 instead of 3", 0,
       [](Scene& s) { tells(s, {{.kind = run, .text = "sensorctl check", .exit_code = 3}}, 3); }},
      {"a command that fails", not_loaded, "the command 'sensorctl check' ended with status 1: no", 0,
       [](Scene& s) {
         tells(s, {{.kind = run, .text = "sensorctl check"}}, 3), s.answers("run-1", exits(1, "no"));
       }},
      {"a command that prints something else", not_loaded, "printed 'ok' instead of 'fine'", 0,
       [](Scene& s) { tells(s, {{.kind = run, .text = "sensorctl check", .prints = "fine"}}, 3); }},
      {"a command that prints more", not_loaded, "instead of 'ok'", 0,
       [](Scene& s) {
         tells(s, {{.kind = run, .text = "sensorctl check", .prints = "ok"}}, 3);
         s.answers("run-1", prints("ok\nbut"));
       }},
      {"a command that never ends", hung, "'run-1' did not end", 0,
       [](Scene& s) { tells(s, {{.kind = run, .text = "sleep inf"}}, 3), s.never_answers("run-1"); }},

      // ---- cold boots ----
      {"a cold boot is a boot that counts", passed, "", 3,
       [](Scene& s) {
         tells(s, {{.kind = cold_boot}, {.kind = cold_boot}}, 1);
       }},
      {"a reset instead of a power-off", crashed, "reset itself instead of powering off", 0,
       [](Scene& s) {
         tells(s, {{.kind = cold_boot}}, 2);
         s.when("boot 1/3", 2s, [](Scene& g) { g.go_down(); });
       }},
      {"a power-off that never ends", hung, "shutdown did not end", 0,
       [](Scene& s) { tells(s, {{.kind = cold_boot}}, 2), s.reboots = false; }},
      {"a guest that does not come up after its power-off", hung, "did not come back", 0,
       [](Scene& s) { tells(s, {{.kind = cold_boot}}, 2), s.comes_back = false; }},
      {"a guest that powers itself off again while it boots", crashed, "powered itself off", 0,
       [](Scene& s) { tells(s, {{.kind = cold_boot}}, 2), s.hears("boot 1/3", 15s, event::Stopped{}); }},
      {"a boot loop behind a cold boot", crashed, "reset itself again", 0,
       [](Scene& s) {
         tells(s, {{.kind = cold_boot}}, 2);
         s.when("boot 1/3", 10s, [](Scene& g) { g.go_down(); });
       }},
      {"the boot identity of before the power-off", hung, "was seen before", 0,
       [](Scene& s) {
         tells(s, {{.kind = cold_boot}}, 2),
             s.answers("identify", says(Scene::boot_id(1), Scene::boot_id(0)));
       }},
      {"a machine that cannot be switched on again", lab_failed, "cannot start the guest", 0,
       [](Scene& s) {
         tells(s, {{.kind = cold_boot}}, 2),
             s.hears("boot 1/3", 4s + 500ms, event::LabFault{"cannot start the guest"});
       }},
      {"a module that a cold boot does not bring back", not_loaded, "absent", 0,
       [](Scene& s) {
         tells(s, {{.kind = cold_boot}}, 2), s.answers_from("loaded", prints("state=absent\n"), 3);
       }},

      // ---- power cuts ----
      {"the power is cut while it boots, and the boot after that is proved", passed, "", 3,
       [](Scene& s) { tells(s, {cut(Moment::boot)}, 2); }},
      {"the power is cut at a text of the boot", passed, "", 3,
       [](Scene& s) { tells(s, {cut(Moment::boot, marker)}, 2), says_at(s, "boot 1/3", 10s); }},
      {"a text on the way down is no moment of the boot", not_loaded,
       "the boot ended, and the console did not show", 0,
       [](Scene& s) { tells(s, {cut(Moment::boot, marker)}, 2), says_at(s, "boot 1/3", 1s); }},
      {"a text of the boot that never comes", not_loaded, "did not show 'sensor: ready', at which", 0,
       [](Scene& s) { tells(s, {cut(Moment::boot, marker)}, 2); }},
      {"a boot that is over before the power can be cut", lab_failed, "the boot ended before", 0,
       [](Scene& s) { tells(s, {cut(Moment::boot, "", 50s)}, 2); }},
      {"a boot whose kernel says nothing has no moment", lab_failed, "no kernel's first line", 0,
       [](Scene& s) { tells(s, {cut(Moment::boot)}, 2), s.speaks = false; }},
      {"a guest that does not come back from a cut boot", hung, "did not come back", 0,
       [](Scene& s) {
         tells(s, {cut(Moment::boot)}, 2);
         s.each_moment = [](Scene& g) { g.comes_back = g.cut_at.empty(); };
       }},
      {"a module that a cut boot does not bring back", not_loaded, "absent", 0,
       [](Scene& s) {
         tells(s, {cut(Moment::boot)}, 2), s.answers_from("loaded", prints("state=absent\n"), 3);
       }},
      {"content that a cut boot loses", altered, "content", 0,
       [](Scene& s) {
         tells(s, {cut(Moment::boot)}, 2), s.answers("content-digest", prints("content_sha256=\n"), 2);
       }},
      {"a crash in the boot that is cut", crashed, "oops", 0,
       [](Scene& s) {
         tells(s, {cut(Moment::boot)}, 2);
         s.hears("boot 1/3", 7s, on_console(finding("oops in sensor_init")));
       }},
      {"the power is cut at a text", passed, "", 3,
       [](Scene& s) {
         tells(s, {cut(Moment::now, marker)}, 2), says_at(s, "power-cut at 'sensor: ready'", 10s);
       }},
      {"a text to cut at that never comes", not_loaded, "did not say", 0,
       [](Scene& s) { tells(s, {cut(Moment::now, marker)}, 2), says_at(s, "apply content"); }},

      // The first boot follows a cut installation: it is proved without a word about the driver.
      {"the power is cut during the installation, which is then done again", passed, "", 3,
       [](Scene& s) { cut_install(s); }},
      {"the power is cut at a text of the installation", passed, "", 3,
       [](Scene& s) {
         cut_install(s, marker), says_at(s, "power-cut during install driver at 'sensor: ready'", 10s);
       }},
      {"an installation that is over before the power can be cut", lab_failed,
       "ended before the power could be cut 1.0s", 0,
       [](Scene& s) { cut_install(s, "", 1s), s.works = 700ms; }},
      {"an installation that is over without the text", not_loaded, "the console did not show", 0,
       [](Scene& s) { cut_install(s, marker); }},
      {"an installation that fails before the power can be cut", not_loaded, "status 1", 0,
       [](Scene& s) { cut_install(s, marker), s.answers("install-cut-1", exits(1)); }},
      {"an installation that never begins", hung, "did not end", 0,
       [](Scene& s) { cut_install(s), s.begins = false, s.never_answers("install-cut-1"); }},
      {"a guest that does not come back from a cut installation", hung, "did not come back", 0,
       [](Scene& s) { cut_install(s), s.comes_back = false; }},
      {"a driver that cannot be installed again", not_loaded, "'install' ended with status 1", 1,
       [](Scene& s) { cut_install(s), s.answers("install", exits(1, "dpkg was interrupted")); }},
      {"a kernel that is not well after a cut installation", crashed, "tainted D", 0,
       [](Scene& s) { cut_install(s), s.taint_of_a_boot |= 1u << 7; }},
      {"a boot after a cut installation that ends in maintenance", recovery, "did not end well", 0,
       [](Scene& s) { cut_install(s), s.answers("booted", says("running", "maintenance")); }},
      {"the power is cut while the content is applied", passed, "", 3,
       [](Scene& s) {
         tells(s, {cut(Moment::apply), {.kind = apply}}, 2);
       }},
      {"a driver that does not load what a cut left behind", not_loaded, "absent", 0,
       [](Scene& s) {
         tells(s, {cut(Moment::apply), {.kind = apply}}, 2);
         s.answers_from("loaded", prints("state=absent\n"), 3);
       }},
      {"content that is refused after a cut", not_loaded, "'apply' ended with status 1", 1,
       [](Scene& s) {
         tells(s, {cut(Moment::apply), {.kind = apply}}, 2);
         s.answers("apply", exits(1), 2);
       }},

      // ---- content before its driver ----
      {"content that lies there when its driver comes", passed, "", 3,
       [](Scene& s) {
         tells(s, {}, 3);
         s.cell.story[0] = {.kind = place}, s.cell.story[1] = {.kind = install};
       }},
      {"a driver that does not take the content that lies there", not_loaded,
       "'sensorctl digest' printed 'none'", 0,
       [](Scene& s) {
         tells(s, {}, 3);
         s.cell.story[0] = {.kind = place}, s.cell.story[1] = {.kind = install};
         s.answers("proof-1", prints("none"));
       }},
      {"content that there is no room for", lab_failed, "'place' ended with status 126", 0,
       [](Scene& s) {
         tells(s, {}, 3);
         s.cell.story[0] = {.kind = place}, s.cell.story[1] = {.kind = install};
         s.answers("place", exits(126, "No space left on device"));
       }},
      {"content placed beside a driver is asked about after the next boot", not_loaded, "printed 'old'", 0,
       [](Scene& s) {
         tells(s, {{.kind = place}}, 3);
         s.answers("proof-1", prints("old"), 2);
       }},

      // ---- removal ----
      {"a driver that is removed, and gone after a boot", passed, "", 3,
       [](Scene& s) {
         tells(s, {{.kind = reboot}, {.kind = remove}}, 2);
         s.change = [&s, removed = false](Answer& answer, int) mutable {
           removed |= answer.question == "remove";
           if (removed && answer.question == "loaded") answer.output = "state=absent\n";
           return true;
         };
       }},
      {"a driver that is back after its removal and a boot", not_loaded, "still there after its removal", 1,
       [](Scene& s) {
         tells(s, {{.kind = reboot}, {.kind = remove}}, 2);
         s.answers("loaded", prints("state=absent\n"), 5);
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a story of moments has its ending") {
  for (const Story& story : stories()) DYNAMIC_SECTION(story.name) {
      check(story);
    }
}

TEST_CASE("the power goes when its moment has come, and not before") {
  SECTION("in a boot: an eighth of a boot after the kernel's first line") {
    Scene scene;
    tells(scene, {cut(Moment::boot)}, 2);
    std::optional<Millis> spoke;
    scene.each_moment = [&](Scene& g) {
      if (!spoke && g.state.kernel_spoke) spoke = g.now;
    };
    scene.play();
    REQUIRE(scene.cut_at.size() == 1);
    REQUIRE(spoke);
    CHECK(scene.cut_at[0] - *spoke >= 2s);
    CHECK(scene.cut_at[0] - *spoke <= 3500ms);
    CHECK(scene.boots == 4);  // the half one as well
  }
  SECTION("in an installation: counted from when the guest has begun") {
    Scene scene;
    cut_install(scene, "", 3s);
    std::optional<Millis> began;
    scene.when(cutting_install, 0s, [&](Scene& g) { began = g.now; });
    scene.play();
    REQUIRE(scene.cut_at.size() == 1);
    REQUIRE(began);
    CHECK(scene.cut_at[0] - *began >= 3s);
    CHECK(scene.cut_at[0] - *began <= 5s);
  }
}

TEST_CASE("fifty reboots are fifty proofs") {
  Scene scene;
  scene.limit = 100h;
  scene.cell.story.resize(3);
  scene.cell.story.insert(scene.cell.story.end(), 50, {.kind = reboot});
  CHECK(scene.play().ending == Ending::passed);
  CHECK(scene.state.outcome.boots_proved == 50);
  Scene last;
  last.limit = 100h;
  last.cell.story = scene.cell.story;
  last.answers("identify", says(Scene::boot_id(50), Scene::boot_id(1)), 50);
  CHECK(last.play().ending == Ending::hung);
  CHECK(last.state.outcome.boots_proved == 49);
}
