// labctl as it is, but for its guests: each is plain code in this process, with a process beside it that
// looks like its QEMU and lives in a private root, so that whoever is killed leaves behind what a real run
// leaves.
//
//   fake_labctl --make-image NAME      a golden disk and its live snapshot in LABCTL_CACHE, without a build
//   fake_labctl ...                    labctl's own command line
//
// FAKE_PAYLOAD   "driver.ko=FILE,content.bin=FILE": what the guests find on their CDs
// FAKE_SCRIPT    "PART=BEHAVIOUR,...": a guest whose name has PART behaves so
//   oops@N   oopses when boot N begins        lost@N    its hypervisor is lost when boot N begins
//   lost-once@N   only in the cell's first life, however often labctl is started again
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/cli/host.h"
#include "labctl/cli/labctl.h"
#include "labctl/lab/ground.h"
#include "labctl/machine/libvirt/root.h"
#include "tests/lab/fake_machine.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

constexpr const char* looks_like = "qemu-system-x86_64";
constexpr int most_boots = 50;

const char* const oops =
    "[   12.345678] BUG: unable to handle page fault for address: ffffc90000aa1000\n"
    "[   12.345710] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[   12.345720] CPU: 0 PID: 312 Comm: sensorctl Tainted: G           OE      6.1.0-56-amd64 #1  Debian\n"
    "[   12.345730] RIP: 0010:sensor_match+0x41/0x90 [sensor]\n"
    "[   12.345790] Call Trace:\n"
    "[   12.345800]  <TASK>\n"
    "[   12.345810]  sensor_apply+0x22/0x50 [sensor]\n"
    "[   12.345820]  </TASK>\n"
    "[   12.345830] ---[ end trace 0000000000000000 ]---\n";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::map<std::string, std::string> pairs(const std::string& text) {
  std::map<std::string, std::string> all;
  for (const auto& one : split(text, ','))
    if (const auto equals = one.find('='); equals != std::string::npos)
      all[one.substr(0, equals)] = one.substr(equals + 1);
  return all;
}

// True the first time that any process asks for this name.
bool first_time(const std::string& name) {
  const fs::path marks = fs::path(variable("LABCTL_CACHE")) / "host" / "fake";
  return make_dirs(marks) && create_file(marks / name, "", 0600).has_value();
}

void act(const std::string& behaviour, const std::string& guest, int boot, const machine::Sink& sink) {
  const auto at = behaviour.find('@');
  const std::string what = behaviour.substr(0, at);
  const int when = at == std::string::npos ? 1 : std::atoi(behaviour.c_str() + at + 1);
  if (boot % most_boots != when) return;
  if (what == "oops") sink(machine::ConsoleBytes{oops});
  if (what == "lost" || (what == "lost-once" && first_time(guest)))
    sink(machine::Lost{"the hypervisor process ended without being asked: it was killed or crashed"});
}

// What a clone shows that is killed for the canary.
std::optional<std::pair<int, std::string>> die(const std::string& command, test::Script& script,
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

test::Script script_of(const machine::Spec& spec) {
  test::Script script;
  if (spec.name.find(".canary-") == std::string::npos && spec.name.find("control") == std::string::npos)
    for (const auto& [name, file] : pairs(variable("FAKE_PAYLOAD")))
      script.payload[name] = sha256_file(file).value_or("");
  for (const auto& [part, behaviour] : pairs(variable("FAKE_SCRIPT")))
    if (spec.name.find(part) != std::string::npos)
      script.at_boot = [behaviour = behaviour, name = spec.name](int boot, const machine::Sink& sink) {
        act(behaviour, name, boot, sink);
      };
  auto own = std::make_shared<test::Script>(script);
  script.on_command = [own](const std::string& command, int, const machine::Sink& sink) {
    return die(command, *own, sink);
  };
  return script;
}

// The guest, and the process that stands for its QEMU.
class Guest final : public machine::Machine {
 public:
  Guest(test::Script script, machine::Sink sink, fs::path root)
      : fake_(std::move(script), std::move(sink)), root_(std::move(root)) {}
  ~Guest() override { end(); }

  Status start(machine::From from) override {
    std::string name = looks_like, path = (root_ / "s" / "guest.ga").string();
    char* argv[] = {name.data(), path.data(), nullptr};
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    if (posix_spawn(&pid_, "/proc/self/exe", nullptr, &attributes, argv, environ) != 0)
      return lab_error("cannot start the guest's process");
    posix_spawnattr_destroy(&attributes);
    return fake_.start(from);
  }
  Result<Json> ask(const Json& command, Millis patience) override {
    if (command.dump().find("echo freeze") != std::string::npos) frozen_ = true;
    if (frozen_) return lab_error("the agent is not connected");
    return fake_.ask(command, patience);
  }
  Status insert_cd(const fs::path& iso) override {
    std::error_code ignored;
    return fs::exists(iso, ignored) ? Status() : lab_error("there is no CD", iso.string());
  }
  Status power_cut() override { return fake_.power_cut(); }
  Status resume() override { return fake_.resume(); }
  machine::Diagnosable* diagnosable() override { return &fake_; }
  machine::Checkpointable* checkpointable() override { return &fake_; }
  machine::Debuggable* debuggable() override { return &fake_; }
  void end() override {
    fake_.end();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  test::FakeMachine fake_;
  fs::path root_;
  pid_t pid_ = 0;
  std::atomic<bool> frozen_ = false;
};

class Host final : public machine::Host {
 public:
  Host(machine::Root root) : root_(std::move(root)) {}
  const machine::HostFacts& facts() const override { return facts_; }
  Result<std::unique_ptr<machine::Machine>> create(const machine::Spec& spec, machine::Sink sink) override {
    if (auto disk = read_file(spec.disk); !disk) return fail(disk.error());
    return std::unique_ptr<machine::Machine>(new Guest(script_of(spec), std::move(sink), root_.path()));
  }
  static machine::HostFacts describe() {
    return {.hypervisor = "fake", .machine_type = "fake", .fingerprint = std::string(64, 'f')};
  }

 private:
  machine::Root root_;
  machine::HostFacts facts_ = describe();
};

Result<std::unique_ptr<machine::Host>> open_fake(const machine::HostOptions& options) {
  auto root = machine::Root::make(options.runtime, options.cache);
  if (!root) return fail(root.error());
  return std::unique_ptr<machine::Host>(new Host(std::move(*root)));
}

// What a build and a first boot would have left.
Status make_image(const std::string& name) {
  const auto places = lab::places();
  if (!places) return fail(places.error());
  const auto store = cli::open_store(*places);
  auto recipe = store.recipe(name);
  if (!recipe) return fail(recipe.error());
  const std::string disk = "the golden disk of " + name + "\n";
  const fs::path folder = store.folder(*recipe);
  const Json facts{{"labctl", 1},          {"name", name},           {"os", "linux"},
                   {"key", recipe->key},   {"sha256", sha256(disk)}, {"disk_bytes", disk.size()},
                   {"canary_module", true}};
  const machine::Shape shape;
  const fs::path snapshot =
      folder / "snapshots" / (Host::describe().fingerprint.substr(0, 12) + "-" + machine::slug_of(shape));
  const std::string saved(1 << 20, 's');
  const Json live{{"image", name},
                  {"image_sha256", sha256(disk)},
                  {"disk_sha256", sha256(saved)},
                  {"accel", "tcg"},
                  {"boot_time_ms", 3000}};
  if (auto made = make_dirs(snapshot); !made) return made;
  for (const auto& [file, text] : {std::pair{folder / "disk.qcow2", disk},
                                   {snapshot / "disk.qcow2", saved},
                                   {snapshot / "snapshot.json", dump_pretty(live)},
                                   {folder / "facts.json", dump_pretty(facts)}})
    if (auto written = write_file(file, text); !written) return written;
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (fs::path(argv[0]).filename() == looks_like)
    for (;;) ::pause();
  if (argc == 3 && std::string(argv[1]) == "--make-image") {
    auto made = make_image(argv[2]);
    if (!made) std::fprintf(stderr, "%s\n", made.error().text().c_str());
    return made ? 0 : 3;
  }
  return cli::main(argc, argv, open_fake);
}
