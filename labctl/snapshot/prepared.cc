#include "labctl/snapshot/prepared.h"

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/guest/prepare.h"
#include "labctl/machine/qemu/firmware_keys.h"

namespace labctl::snapshot {
namespace {

constexpr Millis patience = std::chrono::minutes(10);
constexpr std::size_t largest_list = 1u << 20;

// shim hands its list to the kernel, which shows it.
Status prove_keys(FirstBoot& guest, const machine::Shape& shape) {
  if (shape.keys.empty()) return {};
  const auto shown = guest.ask(guest::trusted_keys_command(), patience);
  if (!shown) return fail(shown.error());
  const auto list = base64_decode(trim(*shown), largest_list);
  if (list && machine::lists_keys(*list, shape.keys)) return {};
  return lab_error("its kernel was not given the machine's keys", "",
                   "it must start by shim, which hands them on, and show /sys/firmware/efi/mok-variables");
}

}  // namespace

Status prepare_disk(FirstBoot& guest, machine::Host& host, const machine::Spec& spec) {
  if (spec.shape.platform == machine::Platform::hyperv)
    return input_error("'cmdline', 'kernel' and 'disk_size' are for guests with Linux", "",
                       "take them away from the scenario's machine");
  if (auto booted = guest.boot(host, spec); !booted) return fail(booted.error());
  if (auto settled = guest.settle(); !settled) return settled;
  for (const auto& command : guest::prepare_commands(spec.shape.cmdline, spec.shape.disk_size != 0))
    if (auto done = guest.ask(command, patience); !done) return fail(done.error());
  if (auto off = guest.power_off(); !off) return off;
  guest.end();
  return {};
}

Status prove_prepared(FirstBoot& guest, const machine::Shape& shape) {
  if (auto trusted = prove_keys(guest, shape); !trusted) return trusted;
  if (!shape.cmdline.empty()) {
    const auto cmdline = guest.ask("cat /proc/cmdline", patience);
    if (!cmdline) return fail(cmdline.error());
    if (const std::string lacking = guest::lacking_option(*cmdline, shape.cmdline); !lacking.empty())
      return lab_error(
          fmt::format("its kernel was started without '{}': {}", lacking, printable(trim(*cmdline), 500)), "",
          "its boot loader must read /boot/grub/grub.cfg");
  }
  if (shape.disk_size == 0) return {};
  const auto size = guest.ask(guest::root_size_command(), patience);
  if (!size) return fail(size.error());
  // A file system keeps something of its partition for itself, and a boot loader has one of its own.
  const auto facts = guest::read_facts(*size);
  const auto found = facts.find("root_mib");
  const std::uint64_t wanted = (shape.disk_size >> 20) * 8 / 10;
  if (found != facts.end() && found->second.size() < 10 &&
      found->second.find_first_not_of("0123456789") == std::string::npos && !found->second.empty() &&
      std::stoull(found->second) >= wanted)
    return {};
  return lab_error(
      fmt::format("its root file system did not grow with its disk: {}", printable(trim(*size), 200)));
}

}  // namespace labctl::snapshot
