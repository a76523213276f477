#include "tests/scenario/table.h"
#include "tests/source_tree.h"

using namespace labctl;
using scenario::load;
using scenario::Loaded;
using scenario::Scenario;
using scenario::StepKind;

static const std::filesystem::path data = source_tree::tests() / "scenario";

static Scenario good(const std::string& name) { return table::good(data / "good" / name); }

TEST_CASE("every mistake is told with its place, what is wrong and what was meant") {
  REQUIRE(table::yaml_files(data / "mistakes").size() > 40);
  table::check(data / "mistakes", [](const std::filesystem::path& path) {
    const std::string text = table::slurp(path);
    const Loaded loaded = load(text, path.filename().string(), table::variables_of(text));
    CHECK_FALSE(loaded.scenario);
    return loaded.mistakes;
  });
}

TEST_CASE("a scenario says everything it can") {
  const Scenario all = good("everything.yaml");
  CHECK(all.name == "sensor-release");
  CHECK(all.source == "everything.yaml");
  CHECK(all.text == table::slurp(data / "good" / "everything.yaml"));
  REQUIRE(all.drivers.size() == 2);
  CHECK(all.drivers[0].label == "candidate");
  CHECK(all.drivers[0].path == "build/sensor_7.16.deb");
  CHECK(all.drivers[0].mark.line == 5);
  CHECK(all.drivers[0].mark.column == 24);
  CHECK(all.contents[1].path == "releases/${image}/content-290.bin");
  CHECK(all.machine.vcpus == 2);
  CHECK(all.machine.memory == 1536ull << 20);
  REQUIRE(all.guest);
  CHECK(all.guest->driver.modules == std::vector<std::string>{"sensor_core"});
  CHECK(all.guest->content->apply == "systemctl reload sensor");
  CHECK(all.guest->exercise[1].run == "echo ${HOME} \"$$\"");
  CHECK(all.guest->proof[0].prints == "${content.sha256}");
  CHECK_FALSE(all.guest->proof[1].prints);
  CHECK(all.settle == std::chrono::seconds(30));
  CHECK_FALSE(all.policy.warnings_fail);
  CHECK(all.policy.new_errors_fail);
  CHECK(all.policy.lab_retries == 0);
  REQUIRE(all.story.size() == 12);
  CHECK(all.story[0].label == "previous");
  CHECK(all.story[3].wait == Millis(1500));
  CHECK(all.story[5].label.empty());
  CHECK(all.story[7].text == "echo upgraded ${driver.sha256}");
  CHECK(all.story[8].text == "test a: = a:");
  CHECK(all.story[9].kind == StepKind::wait);
  CHECK(all.story[10].times == 2);
  CHECK(all.story[11].kind == StepKind::power_cut);
  CHECK(all.image_marks.at("debian-13").line == 13);
  // An include takes the only value of an axis that it leaves out.
  REQUIRE(all.include.size() == 3);
  CHECK(all.include[1].axes ==
        scenario::Axes{{"image", "debian-13"}, {"driver", "candidate"}, {"content", "candidate"}});
}

TEST_CASE("what is not written has sound defaults") {
  const Scenario bare = good("bare-module.yaml");
  CHECK(bare.guest->driver.modules == std::vector<std::string>{"my_module"});
  CHECK(bare.settle == std::chrono::seconds(20));
  CHECK(bare.policy.warnings_fail);
  CHECK_FALSE(bare.policy.new_errors_fail);
  const auto used = scenario::load(
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko}, content: {candidate: c}}\n"
      "matrix: {image: [i]}\n"
      "guest: {linux: {driver: {kind: kmod}, content: {path: /c, unproved: x}, exercise: [x]}}\n",
      "x.yaml", {});
  REQUIRE(used.scenario);
  using enum StepKind;
  std::vector<StepKind> kinds;
  for (const auto& step : used.scenario->story) kinds.push_back(step.kind);
  CHECK(kinds == std::vector<StepKind>{install, apply, exercise, reboot, exercise, reboot, exercise, reboot,
                                       exercise});
  CHECK(bare.policy.lab_retries == 1);
  CHECK(bare.machine.vcpus == 1);
  REQUIRE(bare.story.size() == 2);
  CHECK(bare.story[0].kind == StepKind::install);
  CHECK(bare.story[1].kind == StepKind::reboot);
  CHECK(bare.story[1].times == 3);

  const Scenario script = good("script.yaml");
  CHECK(script.guest->driver.install == "chmod +x \"$LABCTL_DRIVER\"\n\"$LABCTL_DRIVER\" --quiet\n");
  CHECK(script.guest->proof[0].exit_code == 3);
  good("content-only.yaml");
}

TEST_CASE("a product is read with all its modules, files and services") {
  using Names = std::vector<std::string>;
  const Scenario bare = good("products.yaml");
  CHECK(bare.guest->driver.modules == Names{"core", "net_x"});
  CHECK(bare.guest->driver.options == Names{"net_x.level=3", "core.debug"});
  CHECK(bare.drivers[0].path == "out/core.ko");
  CHECK(bare.drivers[0].with == Names{"out/${image}/net-x.ko"});
  const Scenario modules = good("modules.yaml");
  CHECK(modules.guest->driver.modules == Names{"sensor_core", "sensor_net"});
  CHECK(modules.guest->driver.services == Names{"sensord.service"});
  const Scenario services = good("services.yaml");
  CHECK(services.guest->driver.modules.empty());
  CHECK(services.guest->driver.services == Names{"scannerd.service", "scannerd.socket"});
  CHECK(services.drivers[0].with == Names{"libscanner.deb"});
  const Scenario bpf = good("bpf.yaml");
  CHECK(bpf.guest->driver.bpf == Names{"on_exec", "on_open.2"});
  CHECK(bpf.guest->driver.modules.empty());
  const Scenario kernels = good("kernels.yaml");
  CHECK(kernels.drivers[0].path == "out/${kernel}/sensor.ko");
  CHECK(kernels.guest->driver.modules == Names{"sensor"});
}

TEST_CASE("what a machine gives the kernel, and content that is a folder") {
  const Scenario all = good("dkms.yaml");
  CHECK(all.guest->driver.kind == scenario::DriverKind::dkms);
  CHECK(all.guest->content->is_folder());
  using Damaged = std::vector<std::string>;
  CHECK(all.content_groups.at("broken") == Damaged{"broken-truncated-x-y.bin", "broken-truncated-index",
                                                   "broken-zero-x-y.bin", "broken-zero-index"});
  CHECK(all.content_groups.at("cut") == Damaged{"cut-x----b.bin"});
  CHECK(all.contents.back().damaged_file == "x/\u00e4 b.bin");
  CHECK(scenario::damaged_name("channels", scenario::Damage::zero, "index") == "channels (index zero)");
  REQUIRE(all.machines.size() == 2);
  CHECK(all.machines[0].disk_size == 20ull << 30);
  CHECK(all.machines[0].cmdline.empty());
  const auto& words = all.machines[1].cmdline;
  CHECK(words.size() == scenario::strict_kernel.size() + 2);
  CHECK(words.front() == "slub_debug=FZPU");
  CHECK(words.back() == "slab_nomerge");
}

TEST_CASE("a machine has the devices that it is given, in their order") {
  const Scenario all = good("devices.yaml");
  REQUIRE(all.machines.size() == 3);
  CHECK(all.machines[0].devices.empty());
  CHECK(all.machines[1].devices == std::vector<std::string>{"edu", "ich9-intel-hda", "usb-storage"});
  CHECK(all.machines[2].devices == std::vector<std::string>{"e1000e", "usb-net"});
}

TEST_CASE("a machine trusts the keys that it is given, which nobody has read yet") {
  const Scenario all = good("keys.yaml");
  REQUIRE(all.machines.size() == 2);
  REQUIRE(all.machines[1].keys.size() == 2);
  CHECK(all.machines[1].keys[1].path == "keys/next.crt");
  CHECK(all.machines[1].keys[1].mark.line == 10);
  CHECK(all.machines[1].keys[1].certificate.empty());
}

TEST_CASE("a driver is loaded again as often as the story says") {
  const Scenario all = good("reload.yaml");
  REQUIRE(all.story.size() == 4);
  CHECK(all.story[1].times == 3);
  CHECK(to_text(all.story[1]) == "reload driver x3");
  CHECK(all.story[3].kind == StepKind::reload);
  CHECK(all.story[3].within == std::chrono::minutes(2));
}

TEST_CASE("a guest is suspended as often as the story says, and it is no boot") {
  const Scenario all = good("suspend.yaml");
  REQUIRE(all.story.size() == 4);
  CHECK(to_text(all.story[1]) == "suspend x3");
  CHECK(all.story[3].kind == StepKind::suspend);
  CHECK(all.story[3].within == std::chrono::minutes(2));
  CHECK_FALSE(scenario::boots(StepKind::suspend));
}

TEST_CASE("a guest is crashed as often as the story says, and each time is a boot") {
  const Scenario all = good("crash.yaml");
  REQUIRE(all.story.size() == 4);
  CHECK(to_text(all.story[1]) == "crash and boot x3");
  CHECK(all.story[3].kind == StepKind::crash);
  CHECK(all.story[3].within == std::chrono::minutes(2));
  CHECK(scenario::boots(StepKind::crash));
}

TEST_CASE("a guest is updated by a package, in words or with a limit") {
  const Scenario all = good("update.yaml");
  REQUIRE(all.story.size() == 7);
  CHECK(all.story[1].kind == StepKind::update);
  CHECK(all.story[1].text == "out/${image}/linux image.deb");
  CHECK(to_text(all.story[1]) == "update package out/${image}/linux image.deb");
  CHECK(all.story[3].text == "out/a.rpm");
  CHECK(all.story[4].text == "out/b.rpm");
  CHECK(all.story[4].within == std::chrono::minutes(20));
  CHECK_FALSE(scenario::boots(StepKind::update));
}

TEST_CASE("what runs beside the story, and whether its end counts") {
  const Scenario all = good("background.yaml");
  const auto& background = all.guest->background;
  REQUIRE(background.size() == 3);
  CHECK_FALSE(background[0].must_last);
  CHECK(background[1] == scenario::Background{"neighbour --foreground", true});
  CHECK_FALSE(background[2].must_last);
}

TEST_CASE("a minifilter, what is beside it and what guards the kernel are read") {
  const Scenario all = good("minifilter.yaml");
  REQUIRE(all.guest->driver.filter);
  CHECK(*all.guest->driver.filter == scenario::Filter{"385100.5", "C:", {"WdFilter"}});
  CHECK(all.guest->verifier == scenario::Verifier::full);
  CHECK(all.story[1].kind == StepKind::reload);
  CHECK_FALSE(all.machines[0].memory_integrity);
  CHECK(all.machines[1].memory_integrity);
}

TEST_CASE("how long something may take is read where it is written") {
  const Scenario steps = good("steps.yaml");
  const auto& guest = *steps.guest;
  using namespace std::chrono_literals;
  CHECK(guest.driver.within == 30min);
  CHECK(guest.content->apply == "sensorctl reload");
  CHECK(guest.content->within == 90s);
  REQUIRE(guest.exercise.size() == 2);
  CHECK(guest.exercise[0].within == 0ms);
  CHECK(guest.exercise[1] == scenario::Command{"sensorctl replay --all", 10min});
  CHECK(guest.proof[0].within == 2min);
  std::vector<std::pair<StepKind, Millis>> limited;
  for (const auto& step : steps.story)
    if (step.within > Millis(0)) limited.emplace_back(step.kind, step.within);
  using enum StepKind;
  CHECK(limited ==
        std::vector<std::pair<StepKind, Millis>>{
            {run, 1h}, {exercise, 20min}, {install, 40min}, {apply, 90s}, {reboot, 5min}, {power_cut, 7min}});
}

TEST_CASE("when a driver loads, which services are its own, and why content is unproved") {
  const Scenario later = good("loads.yaml");
  CHECK(later.guest->driver.loads == scenario::Loads::on_use);
  CHECK(later.guest->driver.services == std::vector<std::string>{"sensord.service", "sensor@1.socket"});
  CHECK(later.guest->content->unproved == "the driver tells nobody");
  CHECK(good("everything.yaml").guest->driver.loads == scenario::Loads::at_install);
  // Content can only be taken when the driver is there.
  const auto at_boot = [](const std::string& exercise) {
    const Loaded loaded = load(
        "labctl: 1\nname: x\ncandidate: {driver: {candidate: a.ko}, content: {candidate: c}}\n"
        "matrix: {image: [i]}\nguest: {linux: {driver: {kind: kmod, loads: at-boot}, "
        "content: {path: /c, unproved: x}" +
            exercise + "}}\n",
        "x.yaml", {});
    REQUIRE(loaded.scenario);
    std::string story;
    for (const auto& step : loaded.scenario->story) story += to_text(step) + (step.times > 1 ? "*, " : ", ");
    return story;
  };
  CHECK(at_boot(", exercise: [x]") ==
        "install driver, reboot, apply content, exercise, reboot, exercise, reboot, exercise, ");
  CHECK_THAT(at_boot(""), Catch::StartsWith("install driver, reboot, apply content, reboot"));
}

TEST_CASE("a byte order mark and carriage returns change nothing") {
  std::string text = table::slurp(data / "good" / "bare-module.yaml");
  std::string windows = "\xEF\xBB\xBF";
  for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const Loaded loaded = load(windows, "x", {});
  REQUIRE(loaded.scenario);
  CHECK(loaded.scenario->drivers[0].path == "build/my-module.ko.xz");
}

TEST_CASE("a value given with --set is text, whatever it looks like") {
  std::string text = table::slurp(data / "good" / "bare-module.yaml");
  text.replace(text.find("build/my-module.ko.xz"), 21, "\"${d}\"");
  text.replace(text.find("kind: kmod"), 10, "kind: kmod, module: m");
  for (const std::string value : {"no", "7.10", "010", "a b", "#x", "${y}"}) {
    const Loaded loaded = load(text, "x", {{"d", value}});
    REQUIRE(loaded.scenario);
    CHECK(loaded.scenario->drivers[0].path == value);
  }
  for (const std::string& value : {std::string(), std::string(" "), std::string("a\nb"),
                                   std::string("a\x1b[31m"), std::string("a\0b", 3), std::string("a\tb")}) {
    CHECK_FALSE(load(text, "x", {{"d", value}}).scenario);
  }
}

TEST_CASE("an expectation names one finding of one cell, with an owner and a last day") {
  const Scenario all = good("everything.yaml");
  REQUIRE(all.expect.size() == 2);
  const auto& entry = all.expect[0];
  CHECK(entry.as == scenario::As::expected);
  CHECK(entry.title == "BUG: unable to handle page fault in sensor_equal");
  CHECK(entry.cells == std::vector<std::string>{"debian-12-linux-6.12.driver-previous.content-candidate"});
  CHECK(entry.owner == "kim");
  CHECK(entry.reason == "7.15 cannot read content 291");
  CHECK(show_date(entry.until) == "2026-12-31");
  CHECK(all.expect[1].until == entry.until);  // in quotes or not
  CHECK_FALSE(entry.expired(*parse_date("2026-12-31")));
  CHECK(entry.expired(*parse_date("2027-01-01")));
}

TEST_CASE("every mistake of a waivers file is told with its place") {
  table::check(data / "waivers", [](const std::filesystem::path& path) {
    const auto loaded = scenario::load_waivers(table::slurp(path), path.filename().string());
    CHECK_FALSE(loaded.waivers);
    return loaded.mistakes;
  });
}

TEST_CASE("a waiver matches cells by globs, a file without waivers is one") {
  const auto loaded = scenario::load_waivers(
      "labctl: 1\nwaivers:\n  - {title: t, cells: [\"a.*\", b], owner: kim, reason: r, until: 2026-12-31}\n",
      "w");
  REQUIRE(loaded.waivers);
  REQUIRE(loaded.waivers->size() == 1);
  const auto& waiver = loaded.waivers->front();
  CHECK(waiver.as == scenario::As::waived);
  CHECK(waiver.matches("a.control"));
  CHECK(waiver.matches("b"));
  CHECK_FALSE(waiver.matches("b.a"));
  const auto none = scenario::load_waivers("labctl: 1\nwaivers: []\n", "w");
  REQUIRE(none.waivers);
  CHECK(none.waivers->empty());
}
