#include "labctl/lab/ground.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/crash/crash.h"
#include "labctl/lab/shell.h"

namespace labctl::lab {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr Millis boot_limit = 15min;  // on the guest's own clock; nothing is known of this host yet
constexpr Millis settle_limit = 5min;

fs::path snapshot_folder(const machine::HostFacts& host, const image::Store& store, const image::Image& image,
                         machine::Shape shape) {
  return store.snapshot_dir(image) / (host.fingerprint.substr(0, 12) + "-" + std::to_string(shape.vcpus) +
                                      "x" + std::to_string(shape.memory >> 20) + "M");
}

Result<Ground> read_ground(const fs::path& folder, const image::Image& image, machine::Shape shape) {
  auto text = read_file(folder / "snapshot.json");
  if (!text) return fail(text.error());
  auto facts = parse_json(*text, (folder / "snapshot.json").string());
  if (!facts) return fail(facts.error());
  Ground ground{.image = image, .shape = shape, .disk = folder / "disk.qcow2"};
  ground.boot_time = Millis(number_at(*facts, "boot_time_ms"));
  if (text_at(*facts, "image_sha256") != image.sha256 || ground.boot_time <= 0ms || !fs::exists(ground.disk))
    return lab_error("the live snapshot does not belong to this image", folder.string());
  return ground;
}

// The console of a booting guest, kept so that a boot that fails can be read.
class BootConsole {
 public:
  explicit BootConsole(const fs::path& log) : log_(Appender::open(log)) {}

  void hear(const machine::Sign& sign) {
    std::lock_guard lock(mutex_);
    if (const auto* console = std::get_if<machine::ConsoleBytes>(&sign)) {
      if (log_ && !log_->write(console->bytes)) log_ = lab_error("cannot be written");
      auto found = scanner_.feed(console->bytes);
      findings_.insert(findings_.end(), found.begin(), found.end());
    }
    if (const auto* lost = std::get_if<machine::Lost>(&sign)) problem_ = lost->why;
    if (std::holds_alternative<machine::GuestPanicked>(sign)) problem_ = "its kernel panicked";
    if (std::holds_alternative<machine::GuestStopped>(sign)) problem_ = "it powered itself off";
  }

  std::string problem() {
    std::lock_guard lock(mutex_);
    for (const auto& finding : findings_)
      if (finding.suppressed.empty()) return "its console shows: " + printable(finding.title);
    return problem_;
  }

  std::string last_line() {
    std::lock_guard lock(mutex_);
    return printable(scanner_.last_line(), 100);
  }

 private:
  std::mutex mutex_;
  Result<Appender> log_;
  crash::Scanner scanner_{crash::Os::linux_};
  std::vector<crash::Finding> findings_;
  std::string problem_;
};

// Boots the machine; the time it took on the guest's own clock.
Result<Millis> boot(machine::Machine& machine, BootConsole& console, const std::string& name,
                    const image::Say& say, const std::stop_token& stop) {
  if (auto started = machine.start(machine::From::power_on); !started) return fail(started.error());
  const auto began = Clock::now();
  auto said = began;
  for (;;) {
    const auto waited = std::chrono::duration_cast<Millis>(Clock::now() - began);
    if (machine.ask({{"execute", "guest-ping"}}, 5s)) return std::max(Millis(1), waited - machine.starved());
    if (stop.stop_requested()) return fail({Fault::interrupted, "interrupted", {}, {}});
    if (auto problem = console.problem(); !problem.empty())
      return lab_error("the image does not boot: " + problem);
    if (waited - machine.starved() > boot_limit)
      return lab_error("the image does not boot: its agent never answered");
    if (Clock::now() - said > 10s) {
      said = Clock::now();
      say(name + ": booting for its snapshot, " + show_duration(waited) +
          ", console: " + console.last_line());
    }
    std::this_thread::sleep_for(250ms);
  }
}

// Services may still be starting when the agent already answers; a snapshot of that would replay it in every
// cell.
Status settle(machine::Machine& machine, BootConsole& console, const std::stop_token& stop) {
  auto settled = ask_shell(machine, "systemctl is-system-running --wait; sync", settle_limit, stop);
  if (!settled) return fail(settled.error());
  for (int quiet = 0; quiet < 6 && !stop.stop_requested(); ++quiet) std::this_thread::sleep_for(500ms);
  if (auto problem = console.problem(); !problem.empty())
    return lab_error("the image is not healthy: " + problem);
  const std::string state{trim(settled->output)};
  if (state != "running")
    return lab_error("the image is not healthy: systemd says '" + printable(state, 60) + "'");
  return {};
}

}  // namespace

machine::Shape shape_on(const machine::HostFacts& host, machine::Shape asked) {
  if (host.accel == machine::Accel::tcg) asked.vcpus = 1;
  return asked;
}

Result<Ground> prepare_ground(machine::Host& host, const image::Store& store, const std::string& name,
                              machine::Shape shape, const image::Say& say, const std::stop_token& stop) {
  auto image = store.find(name);
  if (!image) return fail(image.error());
  const fs::path folder = snapshot_folder(host.facts(), store, *image, shape);
  if (auto made = make_dirs(folder.parent_path()); !made) return fail(made.error());
  auto lock = Lock::wait(folder.string() + ".lock");
  if (!lock) return fail(lock.error());
  if (auto ground = read_ground(folder, *image, shape)) return ground;

  say(name + ": making its live snapshot on this host (once): a cold boot, then the settled machine is kept");
  const fs::path partial = folder.string() + ".partial";
  if (auto gone = remove_tree(partial); !gone) return fail(gone.error());
  if (auto gone = remove_tree(folder); !gone) return fail(gone.error());
  if (auto made = make_dirs(partial); !made) return fail(made.error());
  auto disk = run_ok({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-b", image->disk.string(), "-F",
                               "qcow2", (partial / "disk.qcow2").string()}});
  if (!disk) return fail(disk.error());

  BootConsole console(partial / "console.log");
  auto machine = host.create({.name = "labctl-snapshot-" + slug(name),
                              .shape = shape,
                              .accel = host.facts().accel,
                              .disk = partial / "disk.qcow2"},
                             [&](const machine::Sign& sign) { console.hear(sign); });
  if (!machine) return fail(machine.error());
  auto boot_time = boot(**machine, console, name, say, stop);
  if (!boot_time) return because(boot_time.error(), name);
  if (auto settled = settle(**machine, console, stop); !settled) return because(settled.error(), name);
  if (auto saved = (*machine)->save(); !saved) return because(saved.error(), name);
  machine->reset();

  const Json facts{{"image", name},
                   {"image_sha256", image->sha256},
                   {"hypervisor", host.facts().hypervisor},
                   {"accel", machine::to_string(host.facts().accel)},
                   {"boot_time_ms", boot_time->count()}};
  if (auto written = write_file(partial / "snapshot.json", dump_pretty(facts)); !written)
    return fail(written.error());
  if (auto renamed = rename_synced(partial, folder); !renamed) return fail(renamed.error());
  say(name + ": live snapshot ready; a cold boot takes " + show_duration(*boot_time) + " on this host");
  return read_ground(folder, *image, shape);
}

Millis known_boot_time(const image::Store& store, const image::Image& image) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(store.snapshot_dir(image), none)) {
    auto text = read_file(entry.path() / "snapshot.json");
    if (!text) continue;
    if (auto facts = parse_json(*text, {})) return Millis(number_at(*facts, "boot_time_ms"));
  }
  return {};
}

Status copy_disk(const fs::path& from, const fs::path& to) {
  auto os_error = [&](const char* what) {
    return lab_error(std::string(what) + ": " + std::strerror(errno), to.string());
  };
  Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return lab_error(std::string("cannot open: ") + std::strerror(errno), from.string());
  Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!target) return os_error("cannot create");
  if (::ioctl(target.get(), FICLONE, source.get()) == 0) return {};
  for (;;) {
    ssize_t copied = ::copy_file_range(source.get(), nullptr, target.get(), nullptr, 64u << 20, 0);
    if (copied == 0) return {};
    if (copied < 0 && errno != EINTR) return os_error("cannot copy the snapshot's disk");
  }
}

}  // namespace labctl::lab
