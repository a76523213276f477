#include "labctl/machine/libvirt/libvirt_machine.h"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/machine/qemu/processes.h"

namespace labctl::machine {
namespace {

const char* state_name(From from) { return from == From::before ? "labctl-before" : "labctl-live"; }
constexpr unsigned all_of_it = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                               VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
constexpr const char* stopped_process = "the hypervisor's process was stopped by a signal from outside";

class Busy {
 public:
  Busy(std::mutex& mutex, std::condition_variable& freed, bool& busy)
      : mutex_(mutex), freed_(freed), busy_(busy) {}
  bool take_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_until(lock, deadline, [this] { return !busy_; })) return false;
    taken_ = busy_ = true;
    return true;
  }
  ~Busy() {
    if (!taken_) return;
    {
      std::lock_guard lock(mutex_);
      busy_ = false;
    }
    freed_.notify_one();
  }

 private:
  std::mutex& mutex_;
  std::condition_variable& freed_;
  bool& busy_;
  bool taken_ = false;
};

}  // namespace

std::string random_uuid() { return std::string(trim(kernel_file("/proc/sys/kernel/random/uuid"))); }

LibvirtMachine::LibvirtMachine(std::shared_ptr<Connection> connection, Spec spec, DomainPlace place,
                               Sink sink)
    : connection_(std::move(connection)), spec_(std::move(spec)), place_(std::move(place)) {
  definition_ = domain_xml(spec_, place_);
  if (!place_.sockets.empty()) agent_.emplace(agent_socket(place_));
  if (connection_->root()) log_ = connection_->root()->path() / "log" / "qemu" / (spec_.name + ".log");
  inbox_ = std::make_shared<Inbox>(std::move(sink), log_);
}

LibvirtMachine::~LibvirtMachine() {
  inbox_->silence();
  connection_->switchboard().remove(place_.uuid);
  end();
  inbox_->close();
  if (!domain_ || !connection_->root()) return;
  static_cast<void>(virDomainUndefineFlags(domain_.get(), all_of_it));
  // A run of a thousand guests would keep a thousand of them, where memory may be all there is.
  std::error_code ignored;
  fs::remove(log_, ignored);
}

void LibvirtMachine::end() {
  inbox_->end_wanted();
  if (agent_) agent_->close();
  // SIGTERM, some seconds of waiting, then SIGKILL: libvirt's own bounded way. "Already gone" is success;
  // whatever is left falls to ~Root and gc.
  if (domain_) static_cast<void>(virDomainDestroy(domain_.get()));
}

Status LibvirtMachine::start(From from) {
  if (domain_) return lab_error("the guest was started before", spec_.name);
  connection_->switchboard().add(place_.uuid, inbox_);
  inbox_->pause_wanted(true);
  if (Status begun = begin(); !begun) return begun;

  if (agent_)
    if (Status opened = agent_->open(); !opened) return opened;
  // No API of libvirt gives the process of a guest; its command line has the uuid.
  const std::vector<int> processes = qemus_with(place_.uuid);
  if (!processes.empty()) {
    cpu_wait_.watch(processes.front());
    process_ = fs::path("/proc") / std::to_string(processes.front());
  }

  Result<std::unique_ptr<Console>> console = open_console();
  if (!console) return because(console.error(), fmt::format("cannot start the guest {}", spec_.name));
  if (Status watching = inbox_->watch_console(std::move(*console)); !watching) return watching;

  if (from != From::power_on)
    if (Status loaded = load(from); !loaded) return loaded;
  inbox_->pause_wanted(false);
  if (virDomainResume(domain_.get()) < 0)
    return libvirt_error(fmt::format("cannot let the guest {} run", spec_.name));
  inbox_->count_pauses();
  return {};
}

Status LibvirtMachine::load(From from) {
  const Result<std::string> said = human_monitor(fmt::format("loadvm {}", state_name(from)));
  if (!said) return because(said.error(), fmt::format("cannot restore the guest {}", spec_.name));
  // Its errors are text in an answer that succeeded.
  if (!trim(*said).empty())
    return lab_error(fmt::format("cannot restore the guest {}: {}", spec_.name, printable(*said, 500)));
  return {};
}

// libvirt forgets a guest that nobody has defined on a thread of its own, some time after its end; one that
// is defined is forgotten when we say so. In another's libvirtd nothing may be left defined.
Status LibvirtMachine::begin() {
  if (connection_->root()) {
    domain_.reset(virDomainDefineXML(connection_->get(), definition_.c_str()));
    if (domain_ && virDomainCreateWithFlags(domain_.get(), VIR_DOMAIN_START_PAUSED) == 0) return {};
  } else {
    domain_.reset(virDomainCreateXML(connection_->get(), definition_.c_str(), VIR_DOMAIN_START_PAUSED));
    if (domain_) return {};
  }
  return libvirt_error(fmt::format("cannot start the guest {}", spec_.name));
}

Result<std::unique_ptr<Console>> LibvirtMachine::open_console() {
  if (!connection_->root()) return open_stream(connection_->get(), domain_.get());
  const CString text(virDomainGetXMLDesc(domain_.get(), 0));
  if (!text) return libvirt_error(fmt::format("cannot look at {}", spec_.name));
  return open_terminal(terminal(text.get()));
}

Status LibvirtMachine::refuse_unless_started() const {
  if (!domain_) return lab_error("the guest was not started", spec_.name);
  // libvirt would wait for its monitor without an end.
  if (!process_.empty() && is_stopped(process_)) return lab_error(stopped_process, spec_.name);
  return {};
}

Result<Json> LibvirtMachine::ask(const Json& command, Millis patience) {
  if (Status started = refuse_unless_started(); !started) return fail(started.error());
  const auto deadline = std::chrono::steady_clock::now() + patience;
  // One question at a time, whoever asks.
  Busy turn(asking_mutex_, asked_, asking_);
  if (!turn.take_until(deadline)) return lab_error("the guest agent is still busy with an earlier question");
  if (agent_) return agent_->ask(command, deadline);
  return ask_through_libvirt(
      command, std::chrono::ceil<std::chrono::seconds>(deadline - std::chrono::steady_clock::now()));
}

Result<Json> LibvirtMachine::ask_through_libvirt(const Json& command, std::chrono::seconds patience) {
  const int seconds = static_cast<int>(std::clamp<long long>(patience.count(), 1, 24 * 3600));
  // Before each command libvirt synchronises with the agent and gives that 5 s of its own, unless told
  // otherwise.
  static_cast<void>(virDomainAgentSetResponseTimeout(domain_.get(), std::min(seconds, 5), 0));
  const CString reply(virDomainQemuAgentCommand(domain_.get(), command.dump().c_str(), seconds, 0));
  if (!reply) {
    // libvirt's word for "it answered, and the answer was an error"; silence has codes of its own.
    const bool refused = virGetLastErrorCode() == VIR_ERR_INTERNAL_ERROR;
    Error error =
        libvirt_error(refused ? "the guest agent refused" : "the guest agent did not answer").value();
    if (refused) error.fault = Fault::input;
    return fail(std::move(error));
  }
  const std::string_view text = reply.get();
  if (text.size() > AgentChannel::longest_answer) return lab_error("the guest agent's answer is too long");
  Result<Json> answer = parse_json(text, "the guest agent's answer");
  if (!answer) return fail(answer.error());
  if (!answer->is_object() || !answer->contains("return")) {
    return input_error(
        fmt::format("the guest agent answered an error: {}", printable(dump_line(*answer), 500)));
  }
  return std::move((*answer)["return"]);
}

Result<Json> LibvirtMachine::monitor(const Json& command) {
  if (Status started = refuse_unless_started(); !started) return fail(started.error());
  char* raw = nullptr;
  if (virDomainQemuMonitorCommand(domain_.get(), command.dump().c_str(), &raw, 0) < 0) {
    return libvirt_error("the hypervisor did not obey");
  }
  const CString reply(raw);
  Result<Json> answer = parse_json(reply.get(), "QEMU's answer");
  if (!answer) return answer;
  if (answer->is_object() && answer->contains("error")) {
    return lab_error(fmt::format("QEMU refused: {}",
                                 printable(text_at((*answer)["error"], "desc", dump_line(*answer)), 500)));
  }
  return answer;
}

Result<std::string> LibvirtMachine::human_monitor(const std::string& command) {
  if (Status started = refuse_unless_started(); !started) return fail(started.error());
  char* raw = nullptr;
  constexpr unsigned flags = VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP;
  if (virDomainQemuMonitorCommand(domain_.get(), command.c_str(), &raw, flags) < 0) {
    return libvirt_error("the hypervisor did not obey");
  }
  const CString reply(raw);
  return std::string(reply ? reply.get() : "");
}

Status LibvirtMachine::insert_cd(const std::filesystem::path& iso) {
  if (Status started = refuse_unless_started(); !started) return started;
  const Status changed = connection_->root() ? change_medium(iso) : update_drive(iso);
  if (!changed) return because(changed.error(), fmt::format("cannot put the CD into {}", spec_.name));
  return {};
}

// libvirt opens the tray, and then fills it. In between the guest may close it again, as Linux does when
// anything there looks at the drive: "Tray of device is not open". QEMU by itself does it in one.
Status LibvirtMachine::change_medium(const std::filesystem::path& iso) {
  const Result<Json> drives = monitor({{"execute", "query-block"}});
  if (!drives) return fail(drives.error());
  for (const Json& drive : drives->value("return", Json::array())) {
    if (!drive.value("removable", false)) continue;
    Json arguments = {{"id", text_at(drive, "qdev")}, {"force", true}};
    if (!iso.empty())
      arguments.update(
          {{"filename", fs::absolute(iso).string()}, {"format", "raw"}, {"read-only-mode", "read-only"}});
    const Result<Json> done =
        monitor({{"execute", iso.empty() ? "eject" : "blockdev-change-medium"}, {"arguments", arguments}});
    return done ? Status() : fail(done.error());
  }
  return lab_error("it has no drive for CDs");
}

Status LibvirtMachine::update_drive(const std::filesystem::path& iso) {
  const std::string xml = cd_xml(place_.machine_type, iso.empty() ? iso : fs::absolute(iso));
  constexpr unsigned flags = VIR_DOMAIN_DEVICE_MODIFY_LIVE | VIR_DOMAIN_DEVICE_MODIFY_FORCE;
  for (int attempt = 1; virDomainUpdateDeviceFlags(domain_.get(), xml.c_str(), flags) < 0; ++attempt) {
    if (attempt == 20) return libvirt_error("the hypervisor did not obey");
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return {};
}

Status LibvirtMachine::power_cut() {
  if (Status started = refuse_unless_started(); !started) return started;
  if (virDomainReset(domain_.get(), 0) < 0) return libvirt_error(fmt::format("cannot reset {}", spec_.name));
  return {};
}

Status LibvirtMachine::wake() {
  if (Status started = refuse_unless_started(); !started) return started;
  if (virDomainPMWakeup(domain_.get(), 0) < 0)
    return libvirt_error(fmt::format("cannot wake {}", spec_.name));
  return {};
}

Status LibvirtMachine::inject_nmi() {
  if (Status started = refuse_unless_started(); !started) return started;
  if (virDomainInjectNMI(domain_.get(), 0) < 0)
    return libvirt_error(fmt::format("cannot inject an NMI into {}", spec_.name));
  return {};
}

Status LibvirtMachine::resume() {
  if (Status started = refuse_unless_started(); !started) return started;
  // One crash can be reported several times, and under TCG a guest may run on a little behind its panic:
  // whether it is paused at this moment is not known.
  if (virDomainResume(domain_.get()) < 0 && virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID)
    return libvirt_error(fmt::format("cannot let {} go on", spec_.name));
  inbox_->pause_wanted(false);
  return {};
}

Status LibvirtMachine::screenshot(const std::filesystem::path& png) {
  // QEMU writes the file itself: virDomainScreenshot would give PPM, ten times as large.
  const std::string path = fs::absolute(png).string();
  const Result<Json> done =
      monitor({{"execute", "screendump"}, {"arguments", {{"filename", path}, {"format", "png"}}}});
  if (!done) return because(done.error(), fmt::format("cannot take a picture of {}", spec_.name));
  const Result<std::string> picture = read_file(path);
  if (!picture) return because(picture.error(), fmt::format("cannot take a picture of {}", spec_.name));
  if (!picture->starts_with("\x89PNG")) return lab_error("the picture is not a PNG", path);
  return {};
}

Status LibvirtMachine::type(std::string_view bytes) {
  if (Status started = refuse_unless_started(); !started) return started;
  return inbox_->type(bytes);
}

Status LibvirtMachine::dump(const std::filesystem::path& file) {
  if (Status started = refuse_unless_started(); !started) return started;
  // Not by QEMU's monitor: its DUMP_COMPLETED, which libvirt 9.0 did not ask for, ends libvirt's whole
  // process.
  inbox_->pause_wanted(true);
  const int done = virDomainCoreDumpWithFormat(domain_.get(), fs::absolute(file).c_str(),
                                               VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB, VIR_DUMP_MEMORY_ONLY);
  Status dumped =
      done < 0 ? libvirt_error(fmt::format("cannot dump the memory of {}", spec_.name)) : Status();
  // libvirt's helper, or the place for the dump.
  if (!dumped && dumped.error().what.find("No such file") != std::string::npos)
    dumped.error().hint = "apt-get install libvirt-daemon";
  inbox_->pause_wanted(false);
  return dumped;
}

Status LibvirtMachine::listen_for_gdb(int port) {
  const Result<std::string> said = human_monitor(fmt::format("gdbserver tcp:127.0.0.1:{}", port));
  if (!said) return because(said.error(), "cannot wait for a debugger");
  if (said->find("Waiting for gdb connection") == std::string::npos)
    return lab_error(fmt::format("cannot wait for a debugger: {}", printable(trim(*said), 300)), {},
                     fmt::format("is port {} taken?", port));
  inbox_->debugged();
  return {};
}

Result<std::string> LibvirtMachine::vnc() const {
  if (Status started = refuse_unless_started(); !started) return fail(started.error());
  const CString text(virDomainGetXMLDesc(domain_.get(), 0));
  if (!text) return libvirt_error(fmt::format("cannot look at {}", spec_.name));
  const int port = vnc_port(text.get());
  if (port <= 0) return lab_error("the machine has no screen to be looked at", spec_.name);
  return "127.0.0.1:" + std::to_string(port);
}

Millis LibvirtMachine::cpu_wait() const {
  // Asked twice a second: a guest whose process is stopped is silent, and it is not its fault.
  if (!process_.empty() && is_stopped(process_)) inbox_->connection_lost(stopped_process);
  return cpu_wait_.waited() + inbox_->paused();
}

Status LibvirtMachine::save(From as) {
  const char* name = state_name(as);
  if (Status started = refuse_unless_started(); !started) return started;
  inbox_->pause_wanted(true);
  if (virDomainSuspend(domain_.get()) < 0) return libvirt_error(fmt::format("cannot pause {}", spec_.name));
  const Result<std::string> said = human_monitor(fmt::format("savevm {}", name));
  if (!said) return because(said.error(), fmt::format("cannot save {}", spec_.name));
  if (!trim(*said).empty())
    return lab_error(fmt::format("cannot save {}: {}", spec_.name, printable(*said, 500)));
  const Result<std::string> list = human_monitor("info snapshots");
  if (!list) return because(list.error(), fmt::format("cannot save {}", spec_.name));
  if (list->find(name) == std::string::npos) {
    return lab_error(
        fmt::format("cannot save {}: the snapshot is not there: {}", spec_.name, printable(*list, 500)));
  }
  return {};
}

Status LibvirtMachine::restore(From from) {
  if (Status started = refuse_unless_started(); !started) return started;
  inbox_->pause_wanted(true);
  // It may be paused already, by its panic device.
  if (virDomainSuspend(domain_.get()) < 0 && virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID)
    return libvirt_error(fmt::format("cannot pause {}", spec_.name));
  if (Status loaded = load(from); !loaded) return loaded;
  return resume();
}

}  // namespace labctl::machine
