#include <fmt/core.h>
#include <sys/stat.h>

#include <pugixml.hpp>

#include "labctl/base/digest.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/machine/libvirt/libvirt_machine.h"
#include "labctl/machine/libvirt/reaper.h"
#include "labctl/machine/qemu/accel.h"
#include "labctl/machine/qemu/firmware.h"

namespace labctl::machine {

namespace scripts {  // libvirt/scripts/*.sh, compiled in
extern const std::string_view one_thread_tcg_sh;
}
namespace {

constexpr const char* embedded = "qemu:///embed";

// The i440fx machine: under TCG it boots faster than q35 (fewer bridges to scan), and it supports live
// snapshots.
constexpr const char* machine_family = "pc";
constexpr const char* architecture = "x86_64";

std::string three_numbers(unsigned long packed) {
  return std::to_string(packed / 1'000'000) + "." + std::to_string(packed / 1000 % 1000) + "." +
         std::to_string(packed % 1000);
}

// Under multi-threaded TCG a healthy Linux with two vCPUs dies of false oopses (its text patching races with
// the translator), and libvirt cannot say thread=single. In the cache, because libvirt probes every new path
// for seconds.
Result<fs::path> one_thread_emulator(const fs::path& emulator, const fs::path& cache) {
  const std::string script = fmt::format("#!/bin/sh\n{}exec {} \"$@\"\n", scripts::one_thread_tcg_sh,
                                         shell_quote(emulator.string()));
  const fs::path path = fs::absolute(cache) / ("qemu-one-thread-" + sha256(script).substr(0, 8));
  if (read_file(path).value_or("") != script) {
    if (Status written = write_file(path, script); !written) return fail(written.error());
  }
  if (chmod(path.c_str(), 0755) != 0) return lab_error("cannot make it executable", path);
  return path;
}

class LibvirtHost final : public Host {
 public:
  LibvirtHost(std::shared_ptr<Connection> connection, HostFacts facts, fs::path emulator, fs::path cache)
      : connection_(std::move(connection)),
        facts_(std::move(facts)),
        emulator_(std::move(emulator)),
        cache_(std::move(cache)) {}

  const HostFacts& facts() const override { return facts_; }

  Result<std::unique_ptr<Machine>> create(const Spec& spec, Sink sink) override {
    if (spec.shape.vcpus < 1 || spec.shape.memory < (16ull << 20)) {
      return input_error("a machine needs at least one vCPU and 16 MiB", spec.name);
    }
    std::error_code wrong;
    Spec whole = spec;
    whole.disk = fs::absolute(spec.disk, wrong);
    if (wrong || !fs::is_regular_file(whole.disk, wrong))
      return lab_error("the guest's disk is not there", spec.disk);
    DomainPlace place;
    place.uuid = random_uuid();
    place.generation = random_uuid();
    place.machine_type = machine_type_for(spec.shape, facts_.machine_type);
    const Result<FirmwareFiles> firmware = find_firmware(spec.shape.firmware);
    if (!firmware) return fail(firmware.error());
    if (auto tpm = find_tpm(spec.shape.firmware, spec.shape.platform); !tpm) return fail(tpm.error());
    place.firmware = firmware->code;
    if (!place.firmware.empty()) {
      whole.nvram = fs::absolute(spec.nvram, wrong);
      if (!fs::exists(whole.nvram, wrong) && !fs::copy_file(firmware->variables, whole.nvram, wrong))
        return lab_error(fmt::format("cannot copy the firmware's variables: {}", wrong.message()),
                         whole.nvram);
    }
    place.emulator = emulator_;
    if (!emulator_.empty() && spec.accel == Accel::tcg && spec.shape.vcpus > 1) {
      Result<fs::path> one_thread = one_thread_emulator(emulator_, cache_);
      if (!one_thread) return because(one_thread.error(), "cannot prepare the emulator");
      place.emulator = *one_thread;
    }
    if (spec.shape.memory_integrity && spec.accel == Accel::kvm) {
      place.virtualization = virtualization_in(host_cpu());
      if (place.virtualization.empty())
        return lab_error(
            "this host's CPU offers no virtualization, which memory integrity needs in the guest", {},
            "run it on a host whose /proc/cpuinfo has vmx or svm, with nested=1 in kvm_intel or "
            "kvm_amd");
    }
    if (connection_->root()) place.sockets = connection_->root()->path() / "s";
    return std::make_unique<LibvirtMachine>(connection_, std::move(whole), std::move(place), std::move(sink));
  }

 private:
  std::shared_ptr<Connection> connection_;
  HostFacts facts_;
  fs::path emulator_;  // empty: the connection's choice
  fs::path cache_;
};

// What a real QEMU start would use, asked of libvirt: the versioned machine type, so that a snapshot names
// its own.
Result<std::string> machine_type(virConnectPtr connection, const fs::path& emulator, Accel accel) {
  const std::string program = emulator.string();
  const CString text(virConnectGetDomainCapabilities(connection, program.empty() ? nullptr : program.c_str(),
                                                     architecture, machine_family,
                                                     accel == Accel::kvm ? "kvm" : "qemu", 0));
  if (!text)
    return libvirt_error(fmt::format("the hypervisor cannot run x86_64 guests with {}", to_string(accel)),
                         install_qemu_hint);
  pugi::xml_document document;
  document.load_string(text.get());
  const std::string type = document.child("domainCapabilities").child_value("machine");
  if (type.empty()) return lab_error("the hypervisor does not report its machine type");
  return type;
}

// "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)": with the package's revision, because a
// rebuild may not read an older one's snapshots.
Result<std::string> emulator_version(const fs::path& emulator) {
  const Result<std::string> text =
      run_ok({.argv = {emulator.string(), "--version"}, .deadline = std::chrono::seconds(20)});
  if (!text) return because(text.error(), "QEMU does not run");
  return split(*text, '\n').front();
}

Result<std::unique_ptr<Host>> open_embedded(const HostOptions& options) {
  adopt_detached_qemus();
  if (options.runtime.empty() || options.cache.empty())
    return lab_error("no runtime or cache directory was given");
  const fs::path emulator = find_program("qemu-system-x86_64");
  if (emulator.empty()) return lab_error("QEMU is not installed", {}, install_qemu_hint);
  const Result<std::string> version = emulator_version(emulator);
  if (!version) return fail(version.error());
  Result<Root> root = Root::make(options.runtime, options.cache);
  if (!root) return fail(root.error());
  const fs::path scratch = root->path() / "s";
  Result<AccelChoice> accel = find_accel(options.accel, emulator, *version, options.cache, scratch);
  if (!accel) return fail(accel.error());

  Result<std::shared_ptr<Connection>> connection = Connection::open(options.uri, std::move(*root));
  if (!connection) return fail(connection.error());
  const Result<std::string> type = machine_type((*connection)->get(), emulator, accel->accel);
  if (!type) return fail(type.error());

  unsigned long library = 0;
  virGetVersion(&library, nullptr, nullptr);
  unsigned long hypervisor = 0;
  virConnectGetVersion((*connection)->get(), &hypervisor);
  HostFacts facts;
  facts.hypervisor = fmt::format("QEMU {}, libvirt {}", three_numbers(hypervisor), three_numbers(library));
  facts.accel = accel->accel;
  facts.accel_reason = accel->reason;
  facts.machine_type = *type;
  facts.architecture = architecture;
  facts.cpu = cpu_model();
  facts.one_thread = true;
  facts.fingerprint = sha256(*version + "\nlibvirt " + three_numbers(library) + "\n" +
                             definition_fingerprint(accel->accel, *type) + "\n" +
                             // TCG's CPU is the same everywhere; KVM's is the host's.
                             (accel->accel == Accel::kvm ? host_cpu() : "tcg"));
  return std::make_unique<LibvirtHost>(std::move(*connection), std::move(facts), emulator, options.cache);
}

// Any other hypervisor is taken as it is: its files, its users, its QEMU. A proof cannot run over there.
Result<std::unique_ptr<Host>> open_given(const HostOptions& options) {
  Result<std::shared_ptr<Connection>> connection = Connection::open(options.uri, std::nullopt);
  if (!connection) return fail(connection.error());
  HostFacts facts;
  facts.accel = options.accel == AccelMode::kvm ? Accel::kvm : Accel::tcg;
  facts.accel_reason =
      options.accel == AccelMode::automatic
          ? fmt::format("KVM cannot be proved over the connection {}; --accel kvm trusts it", options.uri)
          : fmt::format("{} was asked for", to_string(facts.accel));
  const Result<std::string> type = machine_type((*connection)->get(), {}, facts.accel);
  if (!type) return fail(type.error());
  unsigned long library = 0;
  virConnectGetLibVersion((*connection)->get(), &library);
  unsigned long hypervisor = 0;
  virConnectGetVersion((*connection)->get(), &hypervisor);
  const CString host((virConnectGetHostname((*connection)->get())));
  facts.hypervisor = fmt::format("QEMU {}, libvirt {}", three_numbers(hypervisor), three_numbers(library));
  facts.machine_type = *type;
  facts.architecture = architecture;
  if (options.uri.find(":///") != std::string::npos) facts.cpu = cpu_model();  // it names no other host
  facts.fingerprint = sha256(facts.hypervisor + "\n" + definition_fingerprint(facts.accel, *type) + "\n" +
                             (facts.accel == Accel::kvm && host ? host.get() : "tcg"));
  return std::make_unique<LibvirtHost>(std::move(*connection), std::move(facts), fs::path(), options.cache);
}

}  // namespace

Result<std::unique_ptr<Host>> open_host(const HostOptions& options) {
  return options.uri == embedded ? open_embedded(options) : open_given(options);
}

}  // namespace labctl::machine
