#include "labctl/crash/engine/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "labctl/crash/engine/blame.h"

namespace labctl::crash {
namespace {

constexpr std::size_t excerpt_limit = 8192;
constexpr std::size_t trace_limit = 48;
constexpr std::size_t deep_trace_limit = 512;  // of a stack that overflowed: who began stands at its end
constexpr unsigned line_limit = 3000;
// How many lines of others may stand between two lines of a report.
constexpr unsigned patience_for_body = 40;
constexpr unsigned patience_inside = 80;
constexpr unsigned patience_when_vague = 16;  // while the header may be anybody's words
constexpr unsigned patience_at_end = 4;
constexpr unsigned patience_with_others = 400;

bool starts_trace(std::string_view text) {
  return text.starts_with("Call Trace:") || text.starts_with("Call trace:") || text.starts_with("Backtrace:");
}

// Behind these lines come the stacks of others.
bool ends_trace(std::string_view text) {
  constexpr std::array<std::string_view, 9> heads{
      "Allocated by", "Freed by",          "Modules linked in:", "---[ end",  "NMI backtrace for cpu",
      "Sending NMI",  "Showing all locks", "Showing busy",       "RIP: 0033:"};
  return std::any_of(heads.begin(), heads.end(),
                     [&](std::string_view head) { return text.starts_with(head); });
}

bool dumps_stack(std::string_view function) {
  return function == "dump_stack" || function == "dump_stack_lvl" || function == "__dump_stack" ||
         function == "show_stack";
}

// "[<00000000a1b2c3d4>] foo_irq [foo]"
std::string handlers_module(std::string_view line) {
  const std::size_t end = line.rfind(']');
  const std::size_t begin = line.rfind(" [");
  if (line.find("[<") == std::string_view::npos || end == std::string_view::npos ||
      begin == std::string_view::npos || begin + 2 >= end || line.find("+0x") != std::string_view::npos)
    return {};
  const std::string_view name = line.substr(begin + 2, end - begin - 2);
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return plain && name.size() < 64 ? std::string(name) : std::string();
}

}  // namespace

Report::Report(Heading heading, const Prelude* prelude, Start start, std::string_view caller)
    : heading_(std::move(heading)),
      base_(heading_.rule->title),
      kind_(heading_.rule->kind),
      severity_(heading_.rule->severity),
      start_(std::move(start)),
      caller_(caller) {
  const bool refined = prelude != nullptr && *prelude->title != '\0' &&
                       (heading_.rule->group == Group::bug || kind_ == Kind::warning || kind_ == Kind::oops);
  if (refined) {
    base_ = prelude->title;
    kind_ = prelude->kind;
    severity_ = Severity::fatal;
  }
}

bool Report::absorbs(const Rule& header, bool consequence) const {
  if ((header.flags & panic_line) != 0) {
    // What would not be reported by itself must not hide a panic.
    if (!credible()) return false;
    return consequence || panicked_ || (rule().group == Group::panic && (header.flags & panic_end) != 0);
  }
  if ((rule().absorbs & bit(header.group)) == 0) return false;
  return header.group != Group::die || (trace_.empty() && !proved(Proof::die));
}

void Report::absorb(const Rule& header, bool doubtful) {
  since_ = foreign_ = 0;
  sure_ = sure_ || ((header.flags & needs_body) == 0 && !doubtful);
  if (header.group == Group::die) prove(Proof::die);
  if (header.group == Group::detail || header.group == Group::stall) prove(Proof::special);
  if ((header.flags & panic_line) != 0) {
    panicked_ = true;
    severity_ = Severity::fatal;
    if ((header.flags & panic_end) != 0) prove(Proof::panic_end);
  }
}

// What tells an oops from a warning when the header is lost: both have the same body.
void Report::headless_line(std::string_view text) {
  if (text.starts_with("CPU: ")) {
    const std::size_t taint = text.find("Tainted: ");
    died_ = died_ ||
            (taint != std::string_view::npos && text.substr(taint, 24).find(" D") != std::string_view::npos);
  } else if (text.starts_with("Code: ") && place_.module.size() + place_.function.size() > 0) {
    warned_ = warned_ || text.find("<0f> 0b") != std::string_view::npos ||
              text.find("<0f> b9") != std::string_view::npos ||
              text.find("<67> 48 0f b9") != std::string_view::npos;
    died_ = died_ || (!warned_ && text.find('<') != std::string_view::npos);
  }
}

bool Report::credible() const {
  if ((rule().flags & headless) != 0)
    return died_ && !warned_ && registers_ > 0 && proved(Proof::cpu) && proved(Proof::rip) &&
           proved(Proof::trace) && proved(Proof::trace_end);
  return ((rule().flags & needs_body) == 0 && !heading_.doubtful) || sure_ || proved(Proof::cpu);
}

bool Report::bare() const {
  constexpr unsigned harmless =
      (1U << static_cast<unsigned>(Proof::die)) | (1U << static_cast<unsigned>(Proof::registers));
  return (proofs_ & ~harmless) == 0 && trace_.empty() && !trace_begun_ && !panicked_;
}

void Report::add_text(const Report& behind) {
  const std::string_view text = behind.start_.excerpt;
  if (start_.excerpt.size() < excerpt_limit)
    start_.excerpt += text.substr(0, excerpt_limit - start_.excerpt.size());
}

void Report::take_text(Report& from) {
  start_ = std::move(from.start_);
  lines_ = from.lines_;
}

bool Report::wants_interrupted() const { return kind_ == Kind::lockup || kind_ == Kind::stall; }

void Report::place(std::string_view text) {
  if (!place_.empty() || trace_closed_) return;
  place_ = parse_register_place(text);
  // A watchdog's own frames stand above the registers of what it interrupted.
  if (!place_.empty() && wants_interrupted()) trace_.clear();
}

// What died says on which processor before it prints its trace, and so does KASAN (others of its kind say it
// last): frames in front of that are another's.
void Report::others_trace() {
  const bool in_order = kind_ == Kind::oops || std::string_view(base_).starts_with("KASAN");
  if (!in_order || (rule().flags & headless) != 0) return;
  trace_.clear();
  trace_closed_ = false;
}

void Report::body(const BodyLine& line, std::string_view text) {
  since_ = foreign_ = 0;
  if ((rule().flags & headless) != 0) headless_line(text);
  // "Preemption disabled at:" and its like name places of their own before the trace begins.
  if (starts_trace(text) && !trace_begun_ && kind_ == Kind::lock) trace_.clear();
  trace_begun_ = trace_begun_ || starts_trace(text);
  if (kind_ == Kind::stall && text.starts_with("rcu: RCU grace-period kthread stack dump")) {
    waiter_ = true;
  } else if (line.proof == Proof::cpu || text.starts_with("NMI backtrace for cpu") ||
             text.starts_with("Task dump for CPU")) {
    waiter_ = false;
  }
  if (kind_ == Kind::stall && text.starts_with("NMI backtrace for cpu") && place_.empty()) {
    trace_.clear();
    trace_closed_ = false;
  } else if (ends_trace(text) || (starts_trace(text) && !trace_.empty() && !wants_interrupted())) {
    trace_closed_ = !trace_.empty();
  }
  if (line.proof == Proof::special && (rule().flags & last_trace) != 0 &&
      text.starts_with("stack backtrace:")) {
    trace_.clear();
    trace_closed_ = false;
  }
  if (line.proof == Proof::rip) {
    place(text.substr(line.head.size() - (line.head.ends_with('[') ? 1 : 0)));
    if (place_.empty() && text.find("+0x") == std::string_view::npos &&
        text.find("0x") == std::string_view::npos) {
      return;
    }
  }
  if (line.proof == Proof::cpu && !proved(Proof::cpu)) others_trace();
  if (line.proof == Proof::registers) ++registers_;
  if (line.proof == Proof::special) ++specials_;
  if (line.proof != Proof::nothing) prove(line.proof);
}

void Report::frame(const Frame& frame) {
  since_ = foreign_ = 0;
  if (!frame.trusted) return;
  prove(Proof::trace);
  const std::string& function = frame.place.function;
  if (function == "panic" || function == "vpanic" || function == "nmi_panic") panic_frame_ = true;
  if (trace_closed_ || waiter_ ||
      trace_.size() >= ((rule().flags & by_operation) != 0 ? deep_trace_limit : trace_limit))
    return;
  if (!trace_.empty() && dumps_stack(trace_.back().function) && !frame.place.module.empty())
    self_dumped_ = true;
  trace_.push_back(frame.place);
}

void Report::ordinary(bool own) { ++(own ? since_ : foreign_); }

void Report::raw(std::string_view line, std::string_view clean) {
  ++lines_;
  if (kind_ == Kind::lock) {
    Place& lock = lists_held_lock(clean) ? held_ : lock_;
    if (lock.empty()) lock = lock_site(clean);
  }
  if ((rule().flags & lists_handlers) != 0 && handler_.empty()) handler_ = handlers_module(clean);
  std::string& excerpt = start_.excerpt;
  if (excerpt.size() >= excerpt_limit) return;
  excerpt.append(line.substr(0, excerpt_limit - excerpt.size()));
  if (excerpt.size() < excerpt_limit) excerpt.push_back('\n');
}

bool Report::over() const {
  if ((rule().flags & instant) != 0 || lines_ > line_limit || foreign_ > patience_with_others) return true;
  if (proved(Proof::panic_end)) return true;
  if (proved(Proof::trace_end)) return since_ > patience_at_end;
  // Where a header needs its body, the processor stands in front of the trace: this is the trace of others.
  if (!credible())
    return since_ > patience_when_vague || (proved(Proof::trace) && (rule().flags & headless) == 0);
  return since_ > (read_anything() ? patience_inside : patience_for_body);
}

bool Report::confirmed() const {
  if ((rule().flags & instant) != 0) return (rule().flags & must_repeat) == 0;
  if (proved(Proof::panic_end)) return true;
  const bool panic_without =
      rule().group == Group::panic && !trace_.empty() && !panic_frame_ && place_.empty();
  const bool foreign_trace = self_dumped_ || panic_without;
  const bool cpu = proved(Proof::cpu) && !foreign_trace;
  int score = cpu ? 2 : 0;
  score += proved(Proof::rip) ? 2 : 0;
  score += proved(Proof::special) ? 2 : 0;
  score += specials_ > 1 ? 1 : 0;
  score += proved(Proof::die) ? 1 : 0;
  score += registers_ > 1 ? 1 : 0;
  score += proved(Proof::modules) ? 1 : 0;
  score += proved(Proof::trace) && !foreign_trace ? 1 : 0;
  score += proved(Proof::trace_end) ? 1 : 0;
  return (cpu || proved(Proof::special) || registers_ > 2) && score >= 3;
}

// What overflowed a stack was stopped anywhere too.
bool Report::stuck() const { return wants_interrupted() || (rule().flags & by_operation) != 0; }

Place Report::culprit() const {
  Place place = likely_culprit();
  // The frames that may be another's could say more than these.
  const bool vague = is_helper(place) || is_entry(place.function) || (stuck() && place.module.empty());
  return torn_ && vague ? Place{} : place;
}

Place Report::likely_culprit() const {
  if (stuck() && !trace_.empty()) {
    std::vector<Place> whole = trace_;
    if (!place_.empty() && place_.function != whole.front().function) whole.insert(whole.begin(), place_);
    if (const Place* place = blamed(whole, Kind::stall)) return *place;
  }
  for (const Place* place : {&heading_.place, &lock_, &place_}) {
    if (!place->empty() && !is_helper(*place)) return *place;
  }
  if (const Place* place = blamed(trace_, kind_)) return *place;
  for (const Place* place : {&heading_.place, &lock_, &held_, &place_}) {
    if (!place->empty()) return *place;
  }
  // The way into or out of the kernel is better than nothing.
  const auto entry =
      std::find_if(trace_.begin(), trace_.end(), [](const Place& place) { return is_entry(place.function); });
  return entry == trace_.end() ? Place{} : *entry;
}

std::string Report::module(const Place& culprit) const {
  if (!handler_.empty()) return handler_;
  if (!culprit.module.empty() || torn_) return culprit.module;
  for (const Place& place : trace_) {
    if (place.function == culprit.function && !place.module.empty()) return place.module;
  }
  for (const Place* place : {&heading_.place, &place_}) {
    if (!place->module.empty()) return place->module;
  }
  for (const Place& place : trace_) {
    if (!place.module.empty()) return place.module;
  }
  return {};
}

std::string Report::title(const Place& culprit) const {
  std::string title = base_;
  // A prelude's title replaces the header's words as well.
  if (!heading_.what.empty() && base_ == rule().title) {
    if (!title.empty() && !title.ends_with(": ")) title += ": ";
    title += heading_.what;
  }
  if ((rule().flags & no_function) == 0 && !culprit.empty())
    title += fmt::format(" in {}", plain_text(operation(culprit.function)));
  return title;
}

std::string Report::corrupted() const {
  if ((rule().flags & instant) != 0) return {};
  if ((rule().flags & headless) != 0) return "the header is lost";
  if (lost_) return "the console lost messages";
  if (!read_anything()) return "no body follows the header";
  if (torn_ && culprit().empty())
    return "two reports are mixed line by line, and some lines may belong to either";
  if (cut_ && !confirmed()) return "another report begins inside";
  if ((rule().flags & no_function) == 0 && culprit().empty()) return "no function could be read";
  return {};
}

std::optional<Finding> Report::finding() const {
  if (!credible()) return std::nullopt;
  const Place place = culprit();
  Finding finding;
  finding.title = title(place);
  finding.kind = kind_;
  finding.severity = severity_;
  finding.module = module(place);
  finding.offset = start_.offset;
  finding.line = start_.line;
  finding.excerpt = start_.excerpt;
  finding.corrupted = corrupted();
  finding.confirmed = confirmed();
  return finding;
}

}  // namespace labctl::crash
