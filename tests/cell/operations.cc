// The order of things: what is asked of a guest in which story.

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;

namespace {

std::string told(const plan::Cell& cell) {
  std::string text;
  for (const auto& op : cell::operations(cell, opened(cell))) {
    switch (op.wait) {
      case cell::Wait::agent:
        text += "agent";
        break;
      case cell::Wait::answer:
        text += op.question.name;
        break;
      case cell::Wait::reboot:
        text += "REBOOT";
        break;
      case cell::Wait::power_cut:
        text += "POWER-CUT";
        break;
      case cell::Wait::cold_boot:
        text += "COLD-BOOT";
        break;
      case cell::Wait::suspend:
        text += "SUSPEND";
        break;
      case cell::Wait::crash:
        text += "CRASH";
        break;
      case cell::Wait::half_boot:
        text += "HALF-BOOT";
        break;
      case cell::Wait::moment:
        text += "begin " + op.question.name;
        break;
      case cell::Wait::marker:
        text += "marker";
        break;
      case cell::Wait::quiet:
        text += "quiet";
        break;
      case cell::Wait::cleared:
        text += op.boot_proved ? "proved" : "cleared";
        break;
      case cell::Wait::heard:
        text += "console";
        break;
      case cell::Wait::awake:
        text += "awake";
        break;
      case cell::Wait::nothing:
        text += "do";
        break;
    }
    text += ' ';
  }
  text.pop_back();
  return text;
}

const std::string baseline = "agent do evidence console";
const std::string looked = baseline + " loaded-before";  // where a driver is coming
const std::string full = "loaded content-digest proof-1 proof-2 evidence kernel-log";
const std::string before = "content-before without-1 without-2";
const std::string driver_only = "loaded evidence kernel-log";

std::string boot(const std::string& how, const std::string& proof) {
  return " console awake cleared " + how + " identify booted " + proof + " quiet " + proof + " proved";
}

}  // namespace

TEST_CASE("a candidate's default story asks for every proof after every step") {
  CHECK(told(candidate()) == looked + " do deliver install " + driver_only + " " + before + " apply " + full +
                                 " exercise-1 " + full + boot("REBOOT", full) + boot("REBOOT", full) +
                                 boot("REBOOT", full) + " console awake cleared");
}

TEST_CASE("a control asks what can be asked without a candidate") {
  const std::string proof = "evidence kernel-log";
  CHECK(told(control()) == baseline + boot("REBOOT", proof) + boot("REBOOT", proof) + boot("REBOOT", proof) +
                               " console awake cleared");
}

TEST_CASE("after a removal the module must be gone") {
  plan::Cell cell = bare_module();
  using enum scenario::StepKind;
  cell.story = {{.kind = install}, {.kind = remove}, {.kind = power_cut}};
  CHECK(told(cell) == looked +
                          " do deliver install loaded evidence kernel-log remove loaded evidence kernel-log" +
                          boot("POWER-CUT", "loaded evidence kernel-log") + " console awake cleared");
  int absent = 0;
  for (const auto& op : cell::operations(cell, opened(cell))) absent += op.check == cell::Check::absent;
  CHECK(absent == 3);
}

TEST_CASE("an upgrade expects the new build from its installation on") {
  plan::Cell cell = candidate();
  using enum scenario::StepKind;
  cell.story = {{.kind = install, .label = "previous"},
                {.kind = apply},
                {.kind = reboot},
                {.kind = install},
                {.kind = reboot}};
  event::Opened opening = opened(cell);
  opening.payload["driver-previous.deb"] = sha256("previous");
  std::vector<std::string> digests;
  int news = 0;
  for (const auto& op : cell::operations(cell, opening)) {
    if (op.question.name == "install") digests.push_back(op.expected_sha256);
    news += op.new_driver;
  }
  CHECK(digests == std::vector<std::string>{sha256("previous"), driver_digest});
  CHECK(news == 2);
}

TEST_CASE("each of several bare modules is to be its own file") {
  plan::Cell cell = bare_module();
  cell.guest.driver.modules = {"core", "net"};
  cell.driver_with = {"net.ko"};
  event::Opened opening = opened(cell);
  opening.payload["driver+1.ko"] = sha256("net");
  std::vector<std::string> digests;
  for (const auto& op : cell::operations(cell, opening))
    if (op.check == cell::Check::loaded && digests.size() < 2) digests.push_back(op.expected_sha256);
  CHECK(digests == std::vector<std::string>{driver_digest, sha256("net")});
}

TEST_CASE("an author's variables become what was delivered") {
  plan::Cell cell = candidate();
  cell.story.insert(
      cell.story.begin() + 2,
      {.kind = scenario::StepKind::run, .text = "check ${content.path} ${content.sha256} ${driver.sha256}"});
  bool seen = false;
  for (const auto& op : cell::operations(cell, opened(cell)))
    if (op.question.name == "run-1") {
      seen = true;
      CHECK(op.question.command ==
            "check /var/lib/sensor/content.bin " + content_digest + " " + driver_digest);
    }
  CHECK(seen);
}

TEST_CASE("people are told where a cell is") {
  cell::State state = cell::begin(candidate());
  CHECK(cell::where_now(state) == "starting");
  cell::on(state, {0ms, opened(candidate())});
  CHECK(cell::where_now(state) == "restore");
  cell::on(state, {1s, event::Beat{}});
  CHECK(cell::where_now(state) == "baseline");
  cell::on(state, {2s, event::Panicked{}});
  CHECK(cell::where_now(state) == "collecting evidence");
  for (int i = 3; i < 60; ++i) cell::on(state, {Millis(i * 1000), event::Tick{}});
  CHECK(cell::where_now(state) == "ended");
}

TEST_CASE("a failing cell takes a picture, asks a last time and ends its guest once") {
  Scene scene;
  scene.when("boot 1/3: settle", 1s, [](Scene& s) { s.tell(on_console(finding("oops"))); });
  scene.play();
  CHECK(scene.pictures == 1);
  CHECK(scene.ends == 1);
  CHECK(scene.state.outcome.step == "boot 1/3: settle");
}

TEST_CASE("after a power cut nothing is asked about what it left unknown") {
  plan::Cell cell = candidate();
  using enum scenario::StepKind;
  using scenario::Moment;
  const std::string no_driver = "evidence kernel-log", no_content = "loaded evidence kernel-log";
  cell.story = {{.kind = power_cut, .moment = Moment::install}, {.kind = install}};
  CHECK(told(cell) ==
        looked + " do deliver console awake cleared begin install-cut-1 POWER-CUT identify booted " +
            no_driver + " quiet " + no_driver + " proved install " + driver_only + " console awake cleared");
  cell.story = {{.kind = install}, {.kind = power_cut, .moment = Moment::apply}, {.kind = apply}};
  CHECK(told(cell) == looked + " do deliver install " + driver_only + " " + before +
                          " console awake cleared begin apply-cut-1 POWER-CUT identify booted " + no_content +
                          " quiet " + no_content + " proved apply " + full + " console awake cleared");
}

TEST_CASE("a boot that is cut is followed by one that is proved") {
  plan::Cell cell = control();
  using enum scenario::StepKind;
  cell.story = {{.kind = power_cut, .moment = scenario::Moment::boot}, {.kind = cold_boot}};
  const std::string proof = "evidence kernel-log";
  CHECK(told(cell) == baseline + " console awake cleared HALF-BOOT POWER-CUT identify booted " + proof +
                          " quiet " + proof + " proved" + boot("COLD-BOOT", proof) +
                          " console awake cleared");
}

TEST_CASE("a suspension is no boot, and is proved twice") {
  plan::Cell cell = candidate();
  using enum scenario::StepKind;
  cell.story = {{.kind = install}, {.kind = apply}, {.kind = suspend}, {.kind = reboot}};
  CHECK(told(cell) == looked + " do deliver install " + driver_only + " " + before + " apply " + full +
                          " cleared SUSPEND " + full + " quiet " + full + boot("REBOOT", full) +
                          " console awake cleared");
  CHECK(cell.boots_wanted() == 1);
}

TEST_CASE("an update is no boot, and is everybody's: the control is given it alone") {
  plan::Cell cell = candidate();
  using enum scenario::StepKind;
  const scenario::Step step{.kind = update, .text = "out/x.deb"};
  cell.story = {step, {.kind = install}, {.kind = apply}, step, {.kind = reboot}};
  CHECK(told(cell) == looked + " do deliver update evidence kernel-log install " + driver_only + " " +
                          before + " apply " + full + " update+1 " + full + boot("REBOOT", full) +
                          " console awake cleared");
  CHECK(cell.boots_wanted() == 1);
  plan::Cell without = control();
  without.story = {step, {.kind = reboot}};
  CHECK(told(without) == baseline + " do deliver update evidence kernel-log" +
                             boot("REBOOT", "evidence kernel-log") + " console awake cleared");
}

TEST_CASE("content that lies there waits for its driver") {
  plan::Cell cell = candidate();
  using enum scenario::StepKind;
  cell.story = {{.kind = place}, {.kind = install}, {.kind = place}, {.kind = reboot}};
  CHECK(told(cell) == looked + " do deliver " + before +
                          " place content-digest evidence kernel-log install " + full +
                          " place loaded content-digest evidence kernel-log" + boot("REBOOT", full) +
                          " console awake cleared");
}
