#include "labctl/snapshot/base_snapshot.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/log.h"
#include "labctl/base/measured.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/machine/qemu/firmware_keys.h"
#include "labctl/snapshot/first_boot.h"
#include "labctl/snapshot/prepared.h"

namespace labctl::snapshot {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t no_room = 16u << 20;  // QEMU writes in larger pieces
constexpr const char* disk_name = "disk.qcow2";
constexpr const char* nvram_name = "nvram.fd";
constexpr const char* snapshot_name = "snapshot.json";
constexpr const char* definition_name = "machine.xml";

fs::path snapshot_folder(const machine::HostFacts& host, const image::Store& store, const image::Image& image,
                         const machine::Shape& shape) {
  return store.snapshot_dir(image) / (host.fingerprint.substr(0, 12) + "-" + machine::slug_of(shape));
}

// A running state goes on only in the machine that it was saved in. The host's fingerprint speaks for the
// generic one; what is defined otherwise is compared with the definition that was used then.
bool is_defined_so(machine::Host& host, const fs::path& folder, const BaseSnapshot& base) {
  auto then = read_file(folder / definition_name, 1u << 20);
  if (!then) return base.shape.platform == machine::Platform::generic;
  auto now = host.create({.name = "labctl-compared",
                          .shape = base.shape,
                          .accel = host.facts().accel,
                          .disk = base.disk,
                          .nvram = base.nvram},
                         [](const machine::Notification&) {});
  return now && machine::definition_difference(*then, machine::definition_of(**now)).empty();
}

// `size` in bytes; 0: the image's.
Status make_overlay(const image::Image& image, const fs::path& disk, std::uint64_t size = 0) {
  Command command{.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-b", image.disk.string(), "-F",
                           "qcow2", disk.string()}};
  if (size != 0) command.argv.push_back(std::to_string(size));
  auto made = run_ok(command);
  if (!made) return fail(made.error());
  // A snapshot holds what was in a guest's memory.
  std::error_code problem;
  fs::permissions(disk, fs::perms::owner_read | fs::perms::owner_write, problem);
  if (problem)
    return lab_error(fmt::format("cannot restrict permissions to the owner: {}", problem.message()),
                     disk.string());
  return {};
}

Status check_digest(const fs::path& file, const std::string& wanted) {
  auto digest = measured_sha256(file);
  if (!digest) return lab_error(digest.error().what, file.string());
  if (*digest == wanted) return {};
  return lab_error(fmt::format("has changed: its sha256 is {}, and it was made with {}", *digest,
                               is_sha256(wanted) ? wanted : "an unknown one"),
                   file.string());
}

// What snapshot.json says of the files beside it must be so.
Status take_digests(BaseSnapshot& base, const Json& facts) {
  base.disk_sha256 = text_at(facts, "disk_sha256");
  if (auto same = check_digest(base.disk, base.disk_sha256); !same) return same;
  if (base.nvram.empty()) return {};
  base.nvram_sha256 = text_at(facts, "nvram_sha256");
  return check_digest(base.nvram, base.nvram_sha256);
}

// The golden disk is looked at whole, once for each change of it: what is built on other bytes than the build
// made proves nothing of the image.
Result<image::Image> find_unchanged(const image::Store& store, const std::string& name) {
  auto image = store.find(name);
  if (!image) return image;
  if (auto same = check_digest(image->disk, image->sha256); !same) {
    Error error = same.error();
    error.hint = "labctl image rm " + name + " && labctl image build " + name;
    return because(error, fmt::format("the image '{}' cannot be used", name));
  }
  return image;
}

Result<BaseSnapshot> read_base(const fs::path& folder, const image::Image& image, machine::Shape shape) {
  auto text = read_file(folder / snapshot_name);
  if (!text) return fail(text.error());
  auto facts = parse_json(*text, (folder / snapshot_name).string());
  if (!facts) return fail(facts.error());
  BaseSnapshot base{.image = image, .shape = shape, .disk = folder / disk_name};
  if (shape.firmware != Firmware::bios) base.nvram = folder / nvram_name;
  base.boot_time = Millis(number_at(*facts, "boot_time_ms"));
  if (std::error_code ignored; !base.nvram.empty() && !fs::exists(base.nvram, ignored))
    return lab_error("the firmware's variables of the first boot are not kept", folder.string());
  if (auto same = take_digests(base, *facts); !same) return fail(same.error());
  if (text_at(*facts, "image_sha256") != image.sha256 || base.boot_time <= 0ms || !fs::exists(base.disk))
    return lab_error("the live snapshot does not belong to this image", folder.string());
  return base;
}

// Written last: a folder without it is no snapshot.
Status write_facts(const fs::path& folder, const machine::HostFacts& host, const image::Image& image,
                   Millis boot_time) {
  auto disk = measured_sha256(folder / disk_name);
  if (!disk) return fail(disk.error());
  Json facts{{"image", image.name},
             {"image_sha256", image.sha256},
             {"disk_sha256", *disk},
             {"hypervisor", host.hypervisor},
             {"accel", machine::to_string(host.accel)},
             {"boot_time_ms", boot_time.count()}};
  if (std::error_code ignored; fs::exists(folder / nvram_name, ignored)) {
    auto nvram = measured_sha256(folder / nvram_name);
    if (!nvram) return fail(nvram.error());
    facts["nvram_sha256"] = *nvram;
  }
  return write_file(folder / snapshot_name, dump_pretty(facts));
}

// The console stays, in the place of the log of a failed build; nothing else does.
Error not_fit(Error error, const image::Image& image, const fs::path& partial) {
  // QEMU calls a disk without room many things; none of them is the image's fault.
  const std::uint64_t room = free_space(partial).value_or(no_room);
  if (room < no_room && error.fault != Fault::interrupted) {
    log::ignored(remove_below(image.folder, partial), "removing half a snapshot");
    return {Fault::lab,
            fmt::format("no space left on the disk for the first boot of '{}' and its live snapshot: {} were "
                        "free when it failed: {}",
                        image.name, show_size(room), error.what),
            partial.parent_path().string(), "labctl gc, or set LABCTL_CACHE to a larger disk"};
  }
  const fs::path kept = image.folder.parent_path() / "failed-console.log";
  std::error_code problem;
  fs::rename(partial / "console.log", kept, problem);
  log::ignored(remove_below(image.folder, partial), "removing half a snapshot");
  if (error.fault == Fault::interrupted) return error;
  error.what = fmt::format("the image '{}' is not fit for cells: {}", image.name, error.what);
  if (!problem) error.where = kept.string();
  return error;
}

// One that is not there yet, in a folder that is not its own yet.
class NewBase {
 public:
  NewBase(machine::Host& host, const image::Image& image, const machine::Shape& shape, fs::path partial,
          const image::Progress& progress, const std::stop_token& stop)
      : host_(host),
        image_(image),
        shape_(shape),
        partial_(std::move(partial)),
        progress_(progress),
        stop_(stop) {}

  struct Booted {
    std::string definition;
    Millis took{0};
  };

  void announce() const {
    if (saves())
      progress_(fmt::format(
          "{}: making its live snapshot on this host (once): a cold boot, then the settled machine is kept",
          called_));
    else
      progress_(fmt::format(
          "{}: booting it on this host (once) to see it well and to measure it; its cells boot too: {}",
          called_, cannot_));
  }
  void announce_end(Millis took) const {
    progress_(fmt::format("{}{}; a cold boot takes {} on this host", called_,
                          saves() ? ": live snapshot ready" : ": seen to boot", show_duration(took)));
  }

  Result<Booted> boot() {
    if (auto made = make_dirs(partial_); !made) return fail(made.error());
    if (auto made = make_overlay(image_, disk_, shape_.disk_size); !made) return fail(made.error());
    // What the installation wrote into its firmware goes with the image, where it has been kept.
    const fs::path installed = image_.folder / nvram_name, nvram = partial_ / nvram_name;
    if (std::error_code ignored; shape_.firmware != Firmware::bios && fs::exists(installed, ignored))
      if (auto copied = copy_disk(installed, nvram); !copied) return fail(copied.error());
    if (auto enrolled = enroll_keys(nvram); !enrolled) return fail(enrolled.error());
    const machine::Spec spec{.name = "labctl-snapshot-" + slug(called_),
                             .shape = shape_,
                             .accel = host_.facts().accel,
                             .disk = disk_,
                             .nvram = nvram};
    if (auto prepared = prepare(spec); !prepared) return fail(not_fit(prepared.error(), image_, partial_));
    Booted booted;
    Status settled = see_boot(spec, booted);
    // No boot stands on it but the one that prepared it.
    if (settled && !saves())
      settled = shape_.is_prepared() ? rename_synced(prepared_, disk_) : make_overlay(image_, disk_);
    if (!settled) return fail(not_fit(settled.error(), image_, partial_));
    return booted;
  }

  Status write_down(const Booted& booted) const {
    if (auto written = write_file(partial_ / definition_name, booted.definition); !written) return written;
    return write_facts(partial_, host_.facts(), image_, booted.took);
  }

 private:
  bool saves() const { return cannot_.empty(); }

  FirstBoot guest() const {
    return FirstBoot(
        partial_ / "console.log", [this](auto line) { progress_(image_.name + ": " + std::string(line)); },
        stop_, {}, os_of(image_));
  }

  // Cells get copies of the variables that this leaves.
  Status enroll_keys(const fs::path& nvram) const {
    if (shape_.keys.empty()) return {};
    const auto firmware = machine::find_firmware(shape_.firmware);
    if (!firmware) return fail(firmware.error());
    return machine::enroll_keys(nvram, *firmware, shape_.keys);
  }

  // A boot of its own, before the one that is seen.
  Status prepare(const machine::Spec& spec) const {
    if (!shape_.is_prepared()) return {};
    FirstBoot first = guest();
    auto done = prepare_disk(first, host_, spec);
    if (done && !saves()) done = copy_disk(disk_, prepared_);
    return done;
  }

  Status see_boot(const machine::Spec& spec, Booted& booted) const {
    FirstBoot seen = guest();
    auto took = seen.boot(host_, spec);
    if (took) booted = {machine::definition_of(seen.machine()), *took};
    Status settled = took ? seen.settle() : fail(took.error());
    if (settled) settled = prove_prepared(seen, shape_);
    if (settled) settled = seen.prove_drive();
    if (settled) settled = seen.prove_console();
    if (settled && saves()) settled = seen.save();
    seen.end();
    return settled;
  }

  machine::Host& host_;
  const image::Image& image_;
  const machine::Shape& shape_;
  const fs::path partial_, disk_ = partial_ / disk_name, prepared_ = partial_ / "prepared.qcow2";
  const image::Progress& progress_;
  const std::stop_token& stop_;
  const std::string cannot_ = machine::why_no_snapshot(shape_);
  const std::string called_ = fmt::format("{} as {}", image_.name, machine::slug_of(shape_));
};

}  // namespace

machine::Shape shape_on(const machine::HostFacts& host, machine::Shape asked) {
  if (host.accel == machine::Accel::tcg && !host.one_thread) asked.vcpus = 1;
  return asked;
}

Result<BaseSnapshot> prepare_base(machine::Host& host, const image::Store& store, const std::string& name,
                                  machine::Shape shape, const image::Progress& progress,
                                  const std::stop_token& stop) {
  auto image = find_unchanged(store, name);
  if (!image) return fail(image.error());
  shape.platform = platform_of(os_of(*image));
  const fs::path folder = snapshot_folder(host.facts(), store, *image, shape);
  if (auto made = make_dirs(folder.parent_path()); !made) return fail(made.error());
  auto lock = Lock::wait(folder.string() + ".lock");
  if (!lock) return fail(lock.error());
  if (auto base = read_base(folder, *image, shape); base && is_defined_so(host, folder, *base))
    return base;
  else if (std::error_code ignored; !base && fs::exists(folder / snapshot_name, ignored))
    progress(fmt::format("{}: its live snapshot on this host cannot be used: {}", name, base.error().text()));

  const fs::path partial = folder.string() + ".partial", snapshots = store.snapshot_dir(*image);
  if (auto gone = remove_below(snapshots, partial); !gone) return fail(gone.error());
  if (auto gone = remove_below(snapshots, folder); !gone) return fail(gone.error());
  NewBase made(host, *image, shape, partial, progress, stop);
  made.announce();
  auto booted = made.boot();
  if (!booted) return fail(booted.error());
  // On a disk that has just become full it would keep what is in it from everybody else.
  Status kept = made.write_down(*booted);
  if (kept) kept = rename_synced(partial, folder);
  if (!kept) {
    log::ignored(remove_below(snapshots, partial), "removing half a snapshot");
    return fail(kept.error());
  }
  made.announce_end(booted->took);
  return read_base(folder, *image, shape);
}

machine::Shape usual_shape(const image::Image& image) {
  machine::Shape shape{.memory = scenario::Machine{}.memory};
  const auto& wanted = image.facts.machine;
  if (wanted.vcpus > 0) shape.vcpus = wanted.vcpus;
  if (wanted.memory_mib > 0) shape.memory = static_cast<std::uint64_t>(wanted.memory_mib) << 20;
  for (const auto firmware : {Firmware::uefi, Firmware::uefi_secure})
    if (wanted.firmware == to_string(firmware)) shape.firmware = firmware;
  return shape;
}

machine::Shape shape_of(const scenario::Machine& machine) {
  machine::Shape shape{.vcpus = machine.vcpus, .memory = machine.memory, .cpu = machine.cpu};
  shape.network = machine.network == scenario::Network::isolated;
  shape.cmdline = machine.cmdline;
  shape.disk_size = machine.disk_size;
  shape.devices = machine.devices;
  shape.memory_integrity = machine.memory_integrity;
  for (const auto& key : machine.keys) shape.keys.push_back(key.certificate);
  shape.firmware = machine.firmware;
  shape.disk = machine.disk;
  return shape;
}

std::vector<std::string> changed_since(const BaseSnapshot& base) {
  std::vector<std::string> changed;
  const auto look = [&](const std::string& what, const fs::path& file, const std::string& wanted) {
    if (file.empty()) return;
    if (auto same = check_digest(file, wanted); !same)
      changed.push_back(fmt::format("{} of '{}' was changed while the run used it: {}", what, base.name(),
                                    same.error().text()));
  };
  look("the golden disk", base.image.disk, base.image.sha256);
  look("the live snapshot", base.disk, base.disk_sha256);
  look("the firmware's variables", base.nvram, base.nvram_sha256);
  return changed;
}

outcome::ImageRecord record_of(const BaseSnapshot& base) {
  return {.name = base.image.name,
          .machine = base.machine,
          .shape = machine::slug_of(base.shape),
          .snapshot = base.live(),
          .sha256 = base.image.sha256,
          .snapshot_sha256 = base.disk_sha256,
          .nvram_sha256 = base.nvram_sha256,
          .facts = outcome::facts_from(base.image.facts.json),
          .boot_time = base.boot_time};
}

Millis known_boot_time(const image::Store& store, const image::Image& image, const machine::Shape& shape) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(store.snapshot_dir(image), none)) {
    auto text = read_file(entry.path() / snapshot_name);
    auto facts = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
    if (!facts) continue;
    const std::string name = entry.path().filename();
    if (name.ends_with("-" + machine::slug_of(shape))) return Millis(number_at(*facts, "boot_time_ms"));
  }
  return {};
}

Status BaseSnapshot::copy_nvram(const fs::path& to) const {
  return nvram.empty() ? Status() : copy_disk(nvram, to);
}

Status copy_disk(const fs::path& from, const fs::path& to) {
  auto os_error = [&](const char* what) {
    return lab_error(std::string(what) + ": " + std::strerror(errno), to.string());
  };
  Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return lab_error(fmt::format("cannot open: {}", std::strerror(errno)), from.string());
  Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!target) return os_error("cannot create");
  if (::ioctl(target.get(), FICLONE, source.get()) == 0) return {};
  for (;;) {
    ssize_t copied = ::copy_file_range(source.get(), nullptr, target.get(), nullptr, 64u << 20, 0);
    if (copied == 0) return {};
    if (copied < 0 && errno != EINTR) return os_error("cannot copy the snapshot's disk");
  }
}

}  // namespace labctl::snapshot
