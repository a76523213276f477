// How Windows dies. Its panic device stops it before its screen is painted and before its dump is written, so
// it is let go on for a bounded time, in which it may say more on other channels, or boot again and be asked.
// Whatever they say of one stop is one finding in the end.

#include <algorithm>
#include <array>
#include <optional>

#include "labctl/base/json.h"
#include "labctl/cell/life.h"
#include "labctl/crash/windows/event_log.h"
#include "labctl/crash/windows/stop_codes.h"

namespace labctl::cell {

using outcome::Ending;
using outcome::Observation;

namespace {

constexpr Millis between_pictures{2000};
// What a stop is told by when all of it works.
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

// Of two findings the one that says more: a code, then a driver.
int worth(const Observation& seen) {
  const bool named = seen.finding.kind == crash::Kind::stop_code && seen.finding.title != crash::dump_there &&
                     seen.finding.title != crash::stop_screen;
  return (named ? 4 : 0) + (seen.finding.module.empty() ? 0 : 2) + (seen.finding.corrupted.empty() ? 1 : 0);
}

// "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)" of the same "... in sensor.sys"; empty when it has no name.
std::string stop_of(const Observation& seen) {
  if (seen.finding.kind != crash::Kind::stop_code || seen.finding.title == crash::dump_there ||
      seen.finding.title == crash::stop_screen)
    return {};
  const std::string end = " in " + seen.finding.module;
  const std::string& title = seen.finding.title;
  return seen.finding.module.empty() || !title.ends_with(end) ? title
                                                              : title.substr(0, title.size() - end.size());
}

bool told_of_a_crash(const Observation& seen) {
  using crash::Kind;
  return seen.finding.suppressed.empty() && seen.finding.severity == crash::Severity::fatal &&
         (seen.finding.kind == Kind::stop_code || seen.finding.kind == Kind::panic ||
          seen.finding.kind == Kind::reset);
}

void add(std::vector<Channel>& channels, Channel channel) {
  if (std::find(channels.begin(), channels.end(), channel) == channels.end()) channels.push_back(channel);
}

}  // namespace

void Life::stop_told(const event::Panicked& panicked) {
  if (auto stop = hyperv_stop(panicked.details)) {
    const std::string reason = stop->title + ", told by the hypervisor";
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
bool Life::by_our_own_hand(const crash::Finding& finding) const {
  return s_.power_was_cut && finding.title == crash::unclean_shutdown;
}

// Behind a failure nothing is asked for any more, but for what the guest does by itself: paint, dump, boot
// again. How long it is listened to:
//   - a stop, a reset or a lost heartbeat: `dying`, since it was last known to live; what it was waited for
//     before that counts, so a guest that had its time to come back has had this one too;
//   - console, panic device and screen have all told the stop: no more than `dumping` from then on;
//   - it falls: `again`, to boot and be asked; and when it falls once more there is nobody to wait for;
//   - it has powered itself off, is in its recovery environment, or its heart beats after all: `grace`.
// Then a guest whose heart beats is asked, and the disk of any other is read.
Millis Life::time_to_die(Ending ending) const {
  if (s_.dead || ending > Ending::hung || ending == Ending::recovery) return p_.grace;
  if (ending == Ending::crashed) return p_.dying;
  const Millis alive = s_.down ? std::max(s_.last_beat, s_.last_reset) : s_.last_beat;
  return std::max(p_.grace, p_.dying - (s_.fair() - alive));
}

// Several resets are one fall when nothing could have been booted in between.
void Life::count_falls() {
  if (s_.last_fall && s_.fair() - *s_.last_fall < p_.merge) return;
  s_.last_fall = s_.fair();
  ++s_.falls;
  if (s_.phase == Phase::grace) s_.phase_until = s_.fair() + (s_.falls > 1 ? p_.grace : p_.again);
}

bool Life::spoke(Channel channel) const {
  return std::any_of(s_.findings.begin(), s_.findings.end(), [&](const Observation& seen) {
    return told_of_a_crash(seen) && (seen.channel == channel || std::find(seen.also.begin(), seen.also.end(),
                                                                          channel) != seen.also.end());
  });
}

// Of one that crashed or hung, a heartbeat would have been heard by now.
bool Life::lives_on() const {
  const bool died = s_.outcome.ending == Ending::crashed || s_.outcome.ending == Ending::hung;
  return !traits().reboots_by_itself || (!died && s_.last_beat >= s_.failed_at) ||
         s_.outcome.ending == Ending::lab_failed;
}

// What a guest did not tell itself of its death may still be on its disk.
void Life::end_or_read_disk(bool told) {
  if (told || !traits().disk_tells || !outcome::is_guest_failure(s_.outcome.ending)) return end();
  s_.phase = Phase::post_mortem;
  s_.phase_until = s_.fair() + p_.disk;
  actions_.push_back(ReadDisk{});
}

// True when it is dealt with.
bool Life::hear_dying(const event::What& what) {
  if (std::holds_alternative<event::Reset>(what)) count_falls();
  if (s_.phase != Phase::grace) return false;
  if (std::holds_alternative<event::Stopped>(what))
    s_.phase_until = std::min(s_.phase_until, s_.fair() + p_.grace);
  // The first picture, of the moment at which it failed, may be of a screen that is still being painted.
  if (const auto* found = std::get_if<event::Found>(&what); found && found->channel == Channel::screen)
    s_.screen_read |= s_.next_picture > Millis(0) || found->finding.title != crash::stop_screen;
  // It has booted again, or never died, and can be asked; a heartbeat that was under way is neither.
  if (std::holds_alternative<event::Beat>(what) &&
      (s_.falls > 0 ? s_.fair() - *s_.last_fall >= p_.back : s_.fair() - s_.failed_at >= p_.grace)) {
    s_.last_beat = s_.fair();
    begin_last_sweep();
    return true;
  }
  if (!s_.stop_told && s_.falls == 0 && spoke(Channel::console) && spoke(Channel::panic_device) &&
      spoke(Channel::screen)) {
    s_.stop_told = true;
    s_.phase_until = std::min(s_.phase_until, s_.fair() + p_.dumping);
  }
  if (std::holds_alternative<event::Tick>(what) && s_.falls == 0 && !s_.screen_read &&
      s_.fair() >= s_.next_picture) {
    s_.next_picture = s_.fair() + between_pictures;
    actions_.push_back(TakePicture{"stop", true});
  }
  return false;
}

// The findings of one stop become the one that says most; the others become names of channels in it.
void Life::one_crash() {
  auto best = s_.findings.end();
  for (auto seen = s_.findings.begin(); seen != s_.findings.end(); ++seen)
    if (told_of_a_crash(*seen) && (best == s_.findings.end() || worth(*seen) > worth(*best))) best = seen;
  if (best == s_.findings.end()) return;
  Observation whole = *best;
  std::vector<Observation> kept;
  std::size_t place = 0;
  bool placed = false;
  for (auto seen = s_.findings.begin(); seen != s_.findings.end(); ++seen) {
    const std::string stop = stop_of(*seen);
    const bool same = told_of_a_crash(*seen) && seen->boot == whole.boot &&
                      (stop.empty() || stop_of(whole).empty() || stop == stop_of(whole));
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
  const bool named = !stop_of(whole).empty();
  kept.insert(kept.begin() + static_cast<std::ptrdiff_t>(place), std::move(whole));
  s_.findings = std::move(kept);
  if (named && s_.outcome.ending == Ending::crashed) s_.outcome.reason = s_.told_by = title;
}

}  // namespace labctl::cell
