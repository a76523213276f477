#include "labctl/host/doctor.h"

#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>

#include "labctl/base/files.h"
#include "labctl/base/private_folder.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/host/cache.h"
#include "labctl/machine/machine.h"
#include "labctl/machine/qemu/firmware.h"
#include "labctl/observe/disk.h"

namespace labctl::host {
namespace {

struct Needed {
  const char* program;
  const char* package;
  const char* purpose;
};

constexpr const char* runs = "runs guests";

constexpr Needed programs[] = {
    {"qemu-system-x86_64", "qemu-system-x86", runs},
    {"qemu-img", "qemu-utils", runs},
    {"xorriso", "xorriso", runs},
    {"mmdebstrap", "mmdebstrap", "builds images"},
    {"mke2fs", "e2fsprogs", "builds images"},
    {"fakeroot", "fakeroot", "builds images as an ordinary user"},
    {"newuidmap", "uidmap", "builds images as an ordinary user"},
    {"grub-mkimage", "grub-common", "makes images boot by themselves"},
};

Check program_check(const Needed& needed) {
  const auto path = find_program(needed.program);
  Check check{needed.program, Health::ok, std::string(needed.purpose) + ": " + path.string(), {}};
  if (path.empty())
    check = {needed.program, Health::error, fmt::format("is missing; it {}", needed.purpose),
             fmt::format("apt-get install {}", needed.package)};
  check.only_for_building = std::string_view(needed.purpose) != runs;
  return check;
}

Check file_check(const std::string& name, const std::vector<fs::path>& any_of, const std::string& purpose,
                 const std::string& package) {
  std::error_code ignored;
  for (const auto& path : any_of)
    if (fs::exists(path, ignored)) return {name, Health::ok, purpose + ": " + path.string(), {}};
  return {name, Health::error, fmt::format("is missing; it {}", purpose),
          fmt::format("apt-get install {}", package)};
}

// Only some scenarios ask for it.
Check firmware_check() {
  for (const auto firmware : {Firmware::uefi, Firmware::uefi_secure})
    if (auto files = machine::find_firmware(firmware); !files)
      return {"UEFI firmware", Health::warning, files.error().what, files.error().hint};
  if (auto tpm = machine::find_tpm(Firmware::uefi_secure, machine::Platform::hyperv); !tpm)
    return {"UEFI firmware", Health::warning, tpm.error().what, tpm.error().hint};
  return {"UEFI firmware", Health::ok, "with and without Secure Boot", {}};
}

// Only a Windows that died and does not come back asks for it.
Check disk_reader_check() {
  const char* called = "dead Windows disks";
  if (auto can = observe::can_read_disks(); !can)
    return {called, Health::warning, fmt::format("cannot be read: {}", can.error().what), can.error().hint};
  if (find_program("evtxexport").empty())
    return {called, Health::warning, "dumps can be read, the event log cannot: evtxexport is not installed",
            "apt-get install libevtx-utils"};
  return {called, Health::ok, "dumps and the event log can be read from them", {}};
}

Check user_check() {
  // libvirt's QEMU driver looks its user up even when it is configured to run guests as another one.
  const bool known = ::getpwnam("libvirt-qemu") != nullptr;
  if (::geteuid() == 0 && !known)
    return {"user", Health::error, "root, but the system user libvirt-qemu is missing",
            "useradd --system libvirt-qemu"};
  if (::geteuid() == 0)
    return {"user", Health::warning, "root, and so is a guest that breaks out of QEMU: for throw-away hosts",
            "useradd --create-home labctl, and run labctl as that user"};
  auto tried =
      run({.argv = {"unshare", "--user", "--map-root-user", "true"}, .deadline = std::chrono::seconds(10)});
  if (tried && tried->ok()) return {"user", Health::ok, "an ordinary user with user namespaces", {}};
  return {"user", Health::warning,
          "user namespaces are not allowed here, so images can only be built as root",
          "sysctl kernel.unprivileged_userns_clone=1"};
}

Check space_check(const Paths& paths) {
  constexpr std::uint64_t wanted = 10ull << 30, least = 3ull << 30;
  auto free = free_space(paths.store);
  if (!free) return {"disk space", Health::error, free.error().text(), {}};
  const std::string detail = fmt::format("{} free in {}", show_size(*free), paths.store.string());
  if (*free < least)
    return {"disk space", Health::error, fmt::format("{}; at least {} are needed", detail, show_size(least)),
            "labctl gc, or set LABCTL_CACHE to a larger disk"};
  if (*free < wanted) return {"disk space", Health::warning, detail, "set LABCTL_CACHE to a larger disk"};
  return {"disk space", Health::ok, detail, {}};
}

Check cache_check(const Paths& paths) {
  if (auto good = check_cache(paths.root); !good)
    return {"cache", Health::error, good.error().text(), good.error().hint};
  return {"cache", Health::ok, paths.root.string(), {}};
}

Check runtime_check(const Paths& paths) {
  // The longest socket below it: <runtime>/<root>/lib/qemu/domain-1-.../monitor.sock
  constexpr std::size_t longest = 40;
  if (paths.runtime.string().size() > longest)
    return {"runtime folder", Health::error,
            fmt::format("{} is too long for unix sockets", paths.runtime.string()),
            fmt::format("set LABCTL_RUNTIME to a path of at most {} characters", longest)};
  if (auto made = make_private(paths.runtime, "LABCTL_RUNTIME"); !made)
    return {"runtime folder", Health::error, made.error().text(), made.error().hint};
  return {"runtime folder", Health::ok, paths.runtime.string(), {}};
}

Check orphan_check(const Paths& paths) {
  const auto orphans = machine::find_orphans(paths.runtime);
  if (orphans.empty()) return {"orphans", Health::ok, "no guest without an owner", {}};
  return {"orphans", Health::warning,
          fmt::format("{} runs were killed and left things behind", orphans.size()), "labctl gc"};
}

}  // namespace

std::vector<Check> check_host(const Paths& paths) {
  std::vector<Check> checks;
  for (const auto& needed : programs) checks.push_back(program_check(needed));
  checks.push_back(file_check("libvirt's QEMU driver",
                              {"/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so",
                               "/usr/lib64/libvirt/connection-driver/libvirt_driver_qemu.so",
                               "/usr/lib/libvirt/connection-driver/libvirt_driver_qemu.so"},
                              "runs the guests without a daemon", "libvirt-daemon-driver-qemu"));
  checks.push_back(file_check("GRUB's boot code", {"/usr/lib/grub/i386-pc/boot.img"},
                              "makes images boot by themselves", "grub-pc-bin"));
  checks.back().only_for_building = true;
  checks.push_back(firmware_check());
  checks.push_back(disk_reader_check());
  checks.push_back(user_check());
  checks.push_back(space_check(paths));
  checks.push_back(cache_check(paths));
  checks.push_back(runtime_check(paths));
  checks.push_back(orphan_check(paths));
  return checks;
}

Check check_images(std::size_t recipes, std::size_t built) {
  return {"images", Health::ok, fmt::format("{} of {} are built", built, recipes), {}};
}

std::string install_command() {
  std::vector<std::string> packages;
  for (const auto& needed : programs) packages.emplace_back(needed.package);
  packages.insert(packages.end(), {"libvirt-daemon-driver-qemu", "grub-pc-bin", "ovmf"});
  return fmt::format("apt-get install --no-install-recommends {}", join(packages, " "));
}

}  // namespace labctl::host
