// How Windows dies. Its panic device stops it before its screen is painted and before its dump is written, so
// it is let go on for a bounded time, in which it may say more on other channels, or boot again and be asked.
// Whatever they say of one stop is one finding in the end.

#include <algorithm>
#include <array>
#include <optional>

#include "labctl/base/json.h"
#include "labctl/cell/life.h"
#include "labctl/crash/event_log.h"
#include "labctl/crash/stop_codes.h"

namespace labctl::cell {

using verdict::Ending;
using verdict::Seen;

namespace {

constexpr Millis between_pictures{2000};
// What a stop is told by when all of it works.
const std::vector<std::string> due_channels = {"console", "panic-device", "evidence", "screen"};

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
int worth(const Seen& seen) {
  const bool named = seen.finding.kind == crash::Kind::stop_code && seen.finding.title != crash::dump_there &&
                     seen.finding.title != crash::stop_screen;
  return (named ? 4 : 0) + (seen.finding.module.empty() ? 0 : 2) + (seen.finding.corrupted.empty() ? 1 : 0);
}

// "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)" of the same "... in sensor.sys"; empty when it has no name.
std::string stop_of(const Seen& seen) {
  if (seen.finding.kind != crash::Kind::stop_code || seen.finding.title == crash::dump_there ||
      seen.finding.title == crash::stop_screen)
    return {};
  const std::string end = " in " + seen.finding.module;
  const std::string& title = seen.finding.title;
  return seen.finding.module.empty() || !title.ends_with(end) ? title
                                                              : title.substr(0, title.size() - end.size());
}

bool told_of_a_crash(const Seen& seen) {
  using crash::Kind;
  return seen.finding.suppressed.empty() && seen.finding.severity == crash::Severity::fatal &&
         (seen.finding.kind == Kind::stop_code || seen.finding.kind == Kind::panic ||
          seen.finding.kind == Kind::reset);
}

void add(std::vector<std::string>& channels, const std::string& channel) {
  if (std::find(channels.begin(), channels.end(), channel) == channels.end()) channels.push_back(channel);
}

}  // namespace

void Life::stop_told(const event::Panicked& panicked) {
  if (auto stop = hyperv_stop(panicked.details)) {
    const std::string reason = stop->title + ", told by the hypervisor";
    note(*stop, "panic-device");
    fail(Ending::crashed, reason);
  } else {
    crash("stop told by the panic device",
          panicked.crash_loaded ? "the panic device reported a stop, and that a dump is written"
                                : "the panic device reported a stop",
          "panic-device", crash::Kind::panic);
  }
  actions_.push_back(Resume{});
}

// An unclean shutdown is no crash where we cut the power ourselves.
bool Life::by_our_own_hand(const crash::Finding& finding) const {
  return s_.power_was_cut && finding.title == crash::unclean_shutdown;
}

// True when it is dealt with. Behind a failure nothing is asked for any more, but for what the guest does by
// itself: paint, dump, boot again.
bool Life::hear_dying(const event::What& what) {
  if (s_.phase != Phase::grace) return false;
  if (std::holds_alternative<event::Reset>(what)) s_.fell = true;
  if (const auto* found = std::get_if<event::Found>(&what))
    s_.screen_read = s_.screen_read || found->channel == event::Channel::screen;
  // It has booted again, and can be asked.
  if (std::holds_alternative<event::Beat>(what) && s_.fell) {
    begin_last_sweep();
    return true;
  }
  if (std::holds_alternative<event::Tick>(what) && !s_.fell && !s_.screen_read &&
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
  Seen whole = *best;
  std::vector<Seen> kept;
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
    for (const auto& also : seen->also)
      if (also != whole.channel) add(whole.also, also);
  }
  for (const auto& channel : due_channels)
    if (channel != whole.channel &&
        std::find(whole.also.begin(), whole.also.end(), channel) == whole.also.end())
      whole.silent.push_back(channel);
  const std::string title = whole.finding.title;
  const bool named = !stop_of(whole).empty();
  kept.insert(kept.begin() + static_cast<std::ptrdiff_t>(place), std::move(whole));
  s_.findings = std::move(kept);
  if (named && s_.outcome.ending == Ending::crashed) s_.outcome.reason = title;
}

}  // namespace labctl::cell
