// How Windows dies. Its panic device stops it before its screen is painted and before its dump is written, so
// it is let go on for a bounded time, in which it may say more on other channels, or boot again and be asked.
// Whatever they say of one stop is one finding in the end.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

#include "labctl/base/json.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/crash/meaning.h"
#include "labctl/crash/windows/event_log.h"

namespace labctl::cell {

using outcome::Ending;
using outcome::Observation;

namespace {

constexpr Millis between_pictures{2000};
// What reports a bug check when all of it works.
constexpr Channel due_channels[] = {Channel::console, Channel::panic_device, Channel::evidence,
                                    Channel::screen};

// {"action":"pause","info":{"type":"hyper-v","arg1":126,...}}: the code and its parameters, whole.
std::optional<crash::Finding> hyperv_stop(const std::string& details) {
  const auto parsed = parse_json(details, "the panic's details");
  if (!parsed || !parsed->is_object() || !parsed->contains("info")) return std::nullopt;
  const Json& info = parsed->at("info");
  if (!info.is_object() || text_at(info, "type") != "hyper-v") return std::nullopt;
  std::array<std::uint64_t, 5> args{};
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto found = info.find("arg" + std::to_string(i + 1));
    if (found == info.end() || !found->is_number_unsigned()) return std::nullopt;
    args[i] = found->get<std::uint64_t>();
  }
  return crash::stop_finding(args[0], {args[1], args[2], args[3], args[4]});
}

// Of two findings the one that says more: a bug check, then a driver.
int worth(const Observation& seen) {
  const bool named = crash::evidence_of(seen.finding) == crash::Evidence::bug_check;
  return (named ? 4 : 0) + (seen.finding.module.empty() ? 0 : 2) + (seen.finding.corrupted.empty() ? 1 : 0);
}

bool reports_crash(const Observation& seen) {
  using crash::Kind;
  return seen.finding.suppressed.empty() && seen.finding.severity == crash::Severity::fatal &&
         (seen.finding.kind == Kind::stop_code || seen.finding.kind == Kind::panic ||
          seen.finding.kind == Kind::reset);
}

void add(std::vector<Channel>& channels, Channel channel) {
  if (std::find(channels.begin(), channels.end(), channel) == channels.end()) channels.push_back(channel);
}

}  // namespace

void CellMachine::on_bug_check(const event::Panicked& panicked) {
  const auto told = hyperv_stop(panicked.details);
  if (s_.nmi_injected && (!told || is_provoked(*told))) {
    s_.nmi_noticed = true;
    if (told) is_of_our_nmi(*told, Channel::panic_device);
  } else if (const auto& stop = told) {
    const std::string reason = fmt::format("{}, reported by the hypervisor", stop->title);
    note(*stop, Channel::panic_device);
    fail(Ending::crashed, reason, stop->title);
  } else {
    crash("stop told by the panic device",
          panicked.crash_loaded ? "the panic device reported a stop, and that a dump is written"
                                : "the panic device reported a stop",
          Channel::panic_device, crash::Kind::panic);
  }
  actions_.push_back(Resume{});
}

// An unclean shutdown is no crash where we cut the power ourselves.
bool CellMachine::is_of_our_power_cut(const crash::Finding& finding) const {
  return s_.power_was_cut && crash::evidence_of(finding) == crash::Evidence::unclean_shutdown;
}

// Of a guest that hung and was then stopped by our NMI: the bug check of an NMI, and what any stop leaves. A
// bug check of another code was there before, and is why it hung.
bool CellMachine::is_provoked(const crash::Finding& finding) const {
  static const std::string of_nmi = crash::bug_check_of(crash::stop_finding(0x80, {}));
  switch (crash::evidence_of(finding)) {
    case crash::Evidence::bug_check:
      return crash::bug_check_of(finding) == of_nmi;
    case crash::Evidence::stop_screen:
    case crash::Evidence::dump:
    case crash::Evidence::unclean_shutdown:
      return s_.outcome.ending == Ending::hung;
    case crash::Evidence::none:
      return false;
  }
  return false;
}

// Behind a failure nothing is asked for any more, but for what the guest does by itself: paint, dump, boot
// again. How long it is listened to:
//   - a stop, a reset or a lost heartbeat: `dying`, since it was last known to live; what it was waited for
//     before that counts, so a guest that had its time to come back has had this one too;
//   - console, panic device and screen have all reported the bug check: no more than `dumping` from then on;
//   - it resets: `again`, to boot and be asked; a second reset ends the wait;
//   - it has powered itself off, is in its recovery environment, or its heart beats after all: `grace`.
// Then a guest whose heart beats is asked, and the disk of any other is read.
Millis CellMachine::time_to_die(Ending ending) const {
  if (s_.dead || ending > Ending::hung || ending == Ending::recovery) return p_.grace;
  if (ending == Ending::crashed) return p_.dying;
  const Millis alive = s_.down ? std::max(s_.last_beat, s_.last_reset) : s_.last_beat;
  return std::max(p_.grace, p_.dying - (s_.guest_time() - alive));
}

// Several resets count as one when nothing could have been booted in between.
void CellMachine::count_resets() {
  if (s_.last_counted_reset && s_.guest_time() - *s_.last_counted_reset < p_.merge) return;
  s_.last_counted_reset = s_.guest_time();
  ++s_.resets;
  if (s_.phase == Phase::grace) s_.phase_until = s_.guest_time() + (s_.resets > 1 ? p_.grace : p_.again);
}

bool CellMachine::reported_on(Channel channel) const {
  return std::any_of(s_.findings.begin(), s_.findings.end(), [&](const Observation& seen) {
    return reports_crash(seen) && (seen.channel == channel ||
                                   std::find(seen.also.begin(), seen.also.end(), channel) != seen.also.end());
  });
}

// Of one that crashed or hung, a heartbeat would have come by now.
bool CellMachine::still_runs() const {
  const bool died = s_.outcome.ending == Ending::crashed || s_.outcome.ending == Ending::hung;
  return !traits().reboots_by_itself || (!died && s_.last_beat >= s_.failed_at) ||
         s_.outcome.ending == Ending::lab_failed;
}

void CellMachine::grace_is_over() {
  if (still_runs()) return begin_last_sweep();
  return is_stuck() && s_.resets == 0 ? inject_nmi(p_.dying) : end_or_read_disk(false);
}

// Nobody answered it.
void CellMachine::sweep_is_over() {
  return is_stuck() && !traits().reboots_by_itself ? inject_nmi(p_.sweep) : end_or_read_disk(false);
}

// What a guest did not report itself may still be on its disk.
void CellMachine::end_or_read_disk(bool told) {
  if (told || !traits().reads_disk || !outcome::is_guest_failure(s_.outcome.ending)) return end();
  s_.phase = Phase::post_mortem;
  s_.phase_until = s_.guest_time() + p_.disk;
  actions_.push_back(ReadDisk{});
}

// True when it is dealt with.
bool CellMachine::on_event_after_failure(const event::What& what) {
  if (std::holds_alternative<event::Reset>(what)) count_resets();
  if (s_.phase != Phase::grace) return false;
  if (std::holds_alternative<event::Stopped>(what))
    s_.phase_until = std::min(s_.phase_until, s_.guest_time() + p_.grace);
  // The first picture, of the moment at which it failed, may be of a screen that is still being painted.
  if (const auto* found = std::get_if<event::Found>(&what); found && found->channel == Channel::screen)
    s_.screen_read |=
        s_.next_picture > Millis(0) || crash::evidence_of(found->finding) != crash::Evidence::stop_screen;
  // It has booted again, or never died, and can be asked; a heartbeat that was under way is neither.
  if (std::holds_alternative<event::Beat>(what) &&
      (s_.resets > 0 ? s_.guest_time() - *s_.last_counted_reset >= p_.back
                     : s_.guest_time() - s_.failed_at >= p_.grace)) {
    s_.last_beat = s_.guest_time();
    begin_last_sweep();
    return true;
  }
  if (!s_.stop_reported && s_.resets == 0 && reported_on(Channel::console) &&
      reported_on(Channel::panic_device) && reported_on(Channel::screen)) {
    s_.stop_reported = true;
    s_.phase_until = std::min(s_.phase_until, s_.guest_time() + p_.dumping);
  }
  if (std::holds_alternative<event::Tick>(what) && s_.resets == 0 && !s_.screen_read &&
      s_.guest_time() >= s_.next_picture) {
    s_.next_picture = s_.guest_time() + between_pictures;
    actions_.push_back(TakePicture{"stop", true});
  }
  return false;
}

// The findings of one stop become the one that says most; the others become names of channels in it.
void CellMachine::merge_findings() {
  auto best = s_.findings.end();
  for (auto seen = s_.findings.begin(); seen != s_.findings.end(); ++seen)
    if (reports_crash(*seen) && (best == s_.findings.end() || worth(*seen) > worth(*best))) best = seen;
  if (best == s_.findings.end()) return;
  Observation whole = *best;
  const std::string wanted = crash::bug_check_of(whole.finding);
  std::vector<Observation> kept;
  std::size_t place = 0;
  bool placed = false;
  for (auto seen = s_.findings.begin(); seen != s_.findings.end(); ++seen) {
    const std::string bug_check = crash::bug_check_of(seen->finding);
    const bool same = reports_crash(*seen) && seen->boot == whole.boot &&
                      (bug_check.empty() || wanted.empty() || bug_check == wanted);
    if (!same) {
      kept.push_back(*seen);
      continue;
    }
    if (!placed) place = kept.size();
    placed = true;
    if (seen->channel != whole.channel) add(whole.also, seen->channel);
    for (const Channel also : seen->also)
      if (also != whole.channel) add(whole.also, also);
  }
  for (const Channel channel : due_channels)
    if (channel != whole.channel &&
        std::find(whole.also.begin(), whole.also.end(), channel) == whole.also.end())
      whole.silent.push_back(channel);
  const std::string title = whole.finding.title;
  const bool named = !wanted.empty();
  kept.insert(kept.begin() + static_cast<std::ptrdiff_t>(place), std::move(whole));
  s_.findings = std::move(kept);
  if (named && s_.outcome.ending == Ending::crashed) s_.outcome.reason = s_.quoted = title;
}

}  // namespace labctl::cell
