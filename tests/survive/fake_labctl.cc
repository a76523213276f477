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
//   mute          its agent never answers
//   no-memory     QEMU cannot have its memory
// FAKE_DEFECT    content with these bytes in it, as hexadecimal digits, makes the driver of a trial oops
// FAKE_BOOT_DEFECT  the same at the next boot
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/labctl.h"
#include "labctl/machine/libvirt/root.h"
#include "labctl/machine/restore.h"
#include "tests/lab/fake_lab.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

constexpr const char* looks_like = "qemu-system-x86_64";
constexpr int most_boots = 50;

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
  if (what == "oops") sink(machine::ConsoleBytes{test::oops});
  if (what == "lost" || (what == "lost-once" && first_time(guest)))
    sink(machine::Lost{"the hypervisor process ended without being asked: it was killed or crashed"});
}

void behave(test::Script& script, const std::string& behaviour, const std::string& guest) {
  if (behaviour == "mute") {
    script.agent = false;
  } else if (behaviour == "no-memory") {
    script.start_result = lab_error(
        "cannot start the guest: qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate "
        "memory");
  } else {
    script.at_boot = [behaviour, guest](int boot, const machine::Sink& sink) {
      act(behaviour, guest, boot, sink);
    };
  }
}

bool holds(const std::string& content, const char* defect) {
  std::string bytes;
  for (const std::string digits = variable(defect); bytes.size() < digits.size() / 2;)
    bytes += static_cast<char>(std::stoi(digits.substr(2 * bytes.size(), 2), nullptr, 16));
  return !bytes.empty() && content.find(bytes) != std::string::npos;
}

// A trial of `labctl fuzz`: how its script is answered, with a line of its mark behind each part.
std::optional<std::pair<int, std::string>> try_content(const std::string& command, std::string& content,
                                                       const machine::Sink& sink) {
  const std::string end_of_part = "printf '\\n%s %s\\n' ", delivery = "printf %s '";
  auto at = command.find(end_of_part);
  if (at == std::string::npos) return std::nullopt;
  const auto mark_at = at + end_of_part.size();
  const std::string mark = command.substr(mark_at, command.find(' ', mark_at) - mark_at);
  const bool delivered = command.starts_with(delivery);
  if (delivered) {
    const auto begin = delivery.size();
    content = base64_decode(command.substr(begin, command.find('\'', begin) - begin), 1 << 20).value_or("");
  }
  const bool dies = holds(content, delivered ? "FAKE_DEFECT" : "FAKE_BOOT_DEFECT");
  if (dies) sink(machine::ConsoleBytes{test::oops});
  std::string output;
  for (; at != std::string::npos; at = command.find(end_of_part, at + 1)) {
    const bool last = command.find(end_of_part, at + 1) == std::string::npos;
    output += last                  ? (dies ? "12416" : "12288")
              : content.empty()     ? "empty"
              : content.size() > 40 ? "long"
                                    : "taken";
    output += "\n" + mark + (dies ? " 137\n" : " 0\n");
  }
  return std::pair{0, output};
}

test::Script script_of(const machine::Spec& spec) {
  test::Script script;
  if (spec.name.find(".canary-") == std::string::npos && spec.name.find("control") == std::string::npos)
    for (const auto& [name, file] : pairs(variable("FAKE_PAYLOAD")))
      script.payload[name] = sha256_file(file).value_or("");
  for (const auto& [part, behaviour] : pairs(variable("FAKE_SCRIPT")))
    if (spec.name.find(part) != std::string::npos) behave(script, behaviour, spec.name);
  auto own = std::make_shared<test::Script>(script);
  script.on_command = [own, content = std::make_shared<std::string>()](const std::string& command, int,
                                                                       const machine::Sink& sink) {
    auto answer = test::die(command, *own, sink);
    return answer ? answer : try_content(command, *content, sink);
  };
  return script;
}

// The guest, and the process that stands for its QEMU.
class Guest final : public machine::Machine, public machine::Restorable {
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
  Result<Json> ask(const Json& command, Millis patience) override { return fake_.ask(command, patience); }
  Status insert_cd(const fs::path& iso) override {
    std::error_code ignored;
    return fs::exists(iso, ignored) ? Status() : lab_error("there is no CD", iso.string());
  }
  Status power_cut() override { return fake_.power_cut(); }
  Status resume() override { return fake_.resume(); }
  Status restore(machine::From) override { return {}; }
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

}  // namespace

int main(int argc, char** argv) {
  if (fs::path(argv[0]).filename() == looks_like)
    for (;;) ::pause();
  if (argc == 3 && std::string(argv[1]) == "--make-image") {
    const auto paths = host::paths();
    auto made = paths ? test::make_image(*paths, argv[2], Host::describe()) : Status(fail(paths.error()));
    if (!made) std::fprintf(stderr, "%s\n", made.error().text().c_str());
    return made ? 0 : 3;
  }
  return cli::main(argc, argv, open_fake);
}
