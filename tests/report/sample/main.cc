// sample_bundle KIND FOLDER: bundles for the tests of reports and for the example in reports/, told as
// stories by the real state machine, so that they are what a run would have left. Always the same bytes.

#include <cstdio>
#include <fstream>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/crash/crash.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"
#include "tests/bundle/canary_records.h"
#include "tests/source_tree.h"

using namespace story;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view hostile =
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "</pre></details></body>'\"><svg onload=alert(1)> {{{scenario}}} {{verdict.word}} <!-- --> ]]> &lt; "
    "https://canary.invalid/x.png @everyone #1 [a](javascript:alert(1)) ![b](https://canary.invalid/y.png)\n"
    "```\n````````\n# heading\n| a | b |\n\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J nul:\0: lone\rcr "
    "bidi:\xe2\x80\xaetxt\xe2\x80\xac\xe2\x81\xa6x\xe2\x81\xa9 bad:\xff\xfe\xc3\x28 "
    "noncharacter:\xef\xbf\xbf "
    "bell:\x07 del:\x7f\n"sv;

// What labctl finds in a recorded console.
std::vector<crash::Finding> recorded(const std::string& name) {
  auto text = read_file(source_tree::tests() / "crash/linux" / name);
  return text ? crash::scan(*text, crash::Os::linux_) : std::vector<crash::Finding>();
}

void crashes(Scene& scene, const std::string& step, const std::vector<crash::Finding>& findings) {
  scene.when(step, 1s, [findings](Scene& guest) {
    for (const auto& found : findings) guest.tell(on_console(found));
    guest.alive = false;
  });
}

plan::Cell on_image(plan::Cell cell, const std::string& image) {
  cell.image = image;
  cell.machine = {.vcpus = 1, .memory = 1ull << 30};
  cell.axes = {{"image", image}};
  cell.id = image + ".control";
  if (cell.control) return cell;
  cell.axes.insert(cell.axes.end(), {{"driver", cell.driver}, {"content", cell.content}});
  cell.driver_path = cell.driver == "candidate" ? "build/sensor_7.16.deb" : "releases/sensor_7.15.deb";
  cell.content_path = cell.content == "candidate" ? "build/content-291.bin" : "releases/content-290.bin";
  cell.id = image + ".driver-" + cell.driver + ".content-" + cell.content;
  return cell;
}

class Teller {
 public:
  explicit Teller(fs::path folder) : folder_(std::move(folder)) {}

  void tell(Scene scene, std::string_view console = {}) {
    scene.boot_time = 17s + Millis(700 * static_cast<int>(plan_.cells.size()));
    scene.opening.boot_time = 17s;
    labctl::test::start_from(scene, scene.cell.image);
    give_artifacts(scene);
    scene.play();
    plan_.cells.push_back(scene.cell);
    const fs::path cell = folder_ / "cells" / scene.cell.id;
    std::string journal;
    auto chain = event::begin_chain(scene.cell.id);
    for (const auto& event : scene.journal) journal += event::to_line(event, chain) + "\n";
    write(cell / "events.jsonl", journal);
    write(cell / "console.log", console.empty() ? "[    0.000000] Linux version 6.1.0\n" : console);
  }
  void leave_out(const plan::Cell& cell) { plan_.cells.push_back(cell); }

  void close(const std::string& scenario, const std::string& setting,
             const std::vector<std::string>& faults = {}) {
    plan_.scenario = scenario;
    labctl::outcome::RunRecord run{
        .tool = "labctl 0.1.0",
        .tool_sha256 = sha256("labctl 0.1.0"),
        .rules = 2,
        .began = "2026-11-22T00:33:38Z",
        .scenario = {.file = "scenarios/" + scenario + ".yaml",
                     .text = "labctl: 1\nname: " + scenario + "\n# " + setting + "\n",
                     .set = {{"build", setting}}},
        .host = {.hypervisor = "QEMU 7.2.22, libvirt 9.0.0",
                 .accel = "kvm",
                 .accel_reason = "guest code ran at speed",
                 .machine_type = "pc-i440fx-7.2",
                 .fingerprint = sha256("host")},
        .plan = plan_,
        .ended = "2026-11-22T00:41:02Z",
        .faults = faults};
    constexpr long long five_minutes_before = 1795307318;
    for (const auto& image : plan_.images()) {
      const std::string kernel = image.substr(image.rfind('-') + 1) + "-amd64";
      run.images.push_back(labctl::test::image_record(image, R"({"kernel_release":")" + kernel + "\"}"));
      run.images.back().boot_time = Millis(17000);
      if (!labctl::test::write_canary(folder_ / "canary", run, image, five_minutes_before)) std::exit(1);
    }
    for (const char* path : {"build/content-291.bin", "build/sensor_7.16.deb", "releases/content-290.bin",
                             "releases/sensor_7.15.deb"})
      run.artifacts.push_back({path, sha256(path), 373212});
    write(folder_ / "run.json", labctl::outcome::write_run_record(run));
  }

  void write(const fs::path& path, std::string_view text) {
    if (!make_dirs(path.parent_path()) || !write_file(path, text))
      std::fprintf(stderr, "cannot write\n"), std::exit(1);
  }

 private:
  // Each path is a file of its own, in run.json as in the guest.
  static void give_artifacts(Scene& scene) {
    if (scene.cell.control) return;
    const std::string driver = sha256(scene.cell.driver_path), content = sha256(scene.cell.content_path);
    scene.opening.payload[guest::driver_file(scene.cell.guest.driver)] = driver;
    scene.opening.payload["content.bin"] = content;
    scene.answers("content-digest",
                  [content](Answer& answer) { answer.output = "content_sha256=" + content + "\n"; });
    scene.answers("proof-1", [content](Answer& answer) { answer.output = content + "\n"; });
  }

  fs::path folder_;
  plan::Plan plan_;
};

plan::Cell pair(const std::string& driver, const std::string& content) {
  plan::Cell cell = candidate();
  cell.driver = driver;
  cell.content = content;
  return cell;
}

// The content is at fault on two kernels; one cell hangs of it, and one finding is known noise.
void example(Teller& teller) {
  const std::pair<const char*, const char*> images[] = {{"debian-12-linux-6.1", "200-sensor-6.1.log"},
                                                        {"debian-12-linux-6.12", "201-sensor-6.12.log"}};
  for (const auto& [image, log] : images)
    for (const char* driver : {"candidate", "previous"})
      for (const char* content : {"candidate", "current"}) {
        Scene scene(on_image(pair(driver, content), image));
        const bool newest = scene.cell.image.ends_with("6.12");
        std::string console;
        if (scene.cell.content == "candidate" && (newest || scene.cell.driver == "candidate")) {
          crashes(scene, newest ? "boot 2/3: settle" : "apply content: proof", recorded(log));
          if (auto text = read_file(source_tree::tests() / "crash/linux" / log)) console = *text;
        } else if (scene.cell.content == "candidate") {
          scene.when("boot 1/3: settle", 6s, [](Scene& guest) { guest.alive = false; });
        }
        if (newest && scene.cell.content == "current" && scene.cell.driver == "previous")
          scene.hears("boot 3/3: settle", 3s,
                      on_console(finding("BUG: sensor test pattern", crash::Kind::oops, false)));
        teller.tell(std::move(scene), console);
      }
  for (const auto& [image, log] : images) teller.tell(Scene(on_image(control(), image)));
  teller.close("sensor-release", "nightly");
}

void passed(Teller& teller) {
  for (const char* image : {"debian-12-linux-6.1", "debian-12-linux-6.12"})
    teller.tell(Scene(on_image(candidate(), image)));
  for (const char* image : {"debian-12-linux-6.1", "debian-12-linux-6.12"})
    teller.tell(Scene(on_image(control(), image)));
  teller.close("quickstart", "7.16");
}

// Every cell is green, and the verdict is not.
void changed(Teller& teller) {
  teller.tell(Scene(on_image(candidate(), "debian-12-linux-6.1")));
  teller.tell(Scene(on_image(control(), "debian-12-linux-6.1")));
  teller.close("quickstart", "7.16", {"the artifact build/sensor_7.16.deb has changed meanwhile"});
}

void nothing(Teller& teller) {
  teller.leave_out(on_image(candidate(), "debian-12-linux-6.1"));
  teller.leave_out(on_image(control(), "debian-12-linux-6.1"));
  teller.close("quickstart", "7.16");
}

void sick_control(Teller& teller) {
  teller.tell(Scene(on_image(candidate(), "debian-12-linux-6.1")));
  Scene scene(on_image(control(), "debian-12-linux-6.1"));
  crashes(scene, "boot 2/3: settle", recorded("004-panic.log"));
  teller.tell(std::move(scene));
  teller.close("quickstart", "7.16");
}

// Whatever a guest can say it says, in every place, and its console is large.
void attack(Teller& teller) {
  Scene scene(on_image(candidate(), "debian-12-linux-6.1"));
  std::vector<crash::Finding> findings;
  for (int i = 0; i < 40; ++i) {
    auto one = finding(std::string(hostile) + std::to_string(i));
    one.module = hostile;
    one.corrupted = hostile;
    while (one.excerpt.size() < 60000) one.excerpt += hostile;
    one.line = 7;
    findings.push_back(one);
  }
  auto noise = finding(std::string(hostile) + "noise");
  noise.suppressed = hostile;
  findings.push_back(noise);
  crashes(scene, "exercise: proof", findings);
  std::string console;
  while (console.size() < (100u << 20)) console += hostile;
  teller.tell(std::move(scene), console);
  teller.tell(Scene(on_image(control(), "debian-12-linux-6.1")));
  teller.close("attack", std::string(hostile));
}

// As many cells as a plan may have, all failing.
void many(Teller& teller) {
  const auto findings = recorded("200-sensor-6.1.log");
  for (int i = 0; i < 998; ++i) {
    Scene scene(on_image(pair("candidate", "c" + std::to_string(i)), "debian-12-linux-6.1"));
    crashes(scene, "install driver: proof", findings);
    teller.tell(std::move(scene));
  }
  teller.tell(Scene(on_image(control(), "debian-12-linux-6.1")));
  teller.close("many", "x");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(Teller&)> kinds{
      {"example", example},           {"passed", passed}, {"changed", changed}, {"nothing", nothing},
      {"sick-control", sick_control}, {"attack", attack}, {"many", many}};
  if (argc != 3 || kinds.count(argv[1]) == 0)
    return std::fprintf(stderr, "usage: sample_bundle KIND FOLDER\n"), 2;
  Teller teller(argv[2]);
  kinds.at(argv[1])(teller);
  return 0;
}
