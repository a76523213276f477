#include "labctl/event/event.h"

#include <fmt/core.h>

#include <cstdint>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/owned.h"
#include "labctl/base/strict_json.h"
#include "labctl/base/text.h"

namespace labctl::event {
namespace {

using Builds = decltype(Opened::builds);

// No cell lives for years; what is added to a time that is bounded cannot overflow.
constexpr Millis longest = std::chrono::hours(24 * 366);

// One struct's members, written once for both directions: a Reader or a Writer is applied to each.
template <class Io>
void members(Io& io, Opened& e) {
  io("cell", e.cell), io("boot_time", e.boot_time), io("live", e.live), io("payload", e.payload);
  io.unless("hold", e.hold, 0), io.unless("rules", e.rules, 1);
  io.unless("seed", e.seed, std::string());
  io.unless("nmi", e.nmi, false);
  io.unless("builds", e.builds, Builds());
  io.unless("image", e.image, std::string()), io.unless("snapshot", e.snapshot, std::string());
}
template <class Io>
void members(Io&, Started&) {}
template <class Io>
void members(Io& io, Found& e) {
  io("channel", e.channel), io("finding", e.finding);
}
template <class Io>
void members(Io&, KernelStarted&) {}
template <class Io>
void members(Io& io, Reset& e) {
  io("by_guest", e.by_guest);
}
template <class Io>
void members(Io& io, Stopped& e) {
  io("by_guest", e.by_guest), io("reason", e.reason);
}
template <class Io>
void members(Io& io, Panicked& e) {
  io("crash_loaded", e.crash_loaded), io("details", e.details);
}
template <class Io>
void members(Io& io, AgentLink& e) {
  io("up", e.up);
}
template <class Io>
void members(Io&, Suspended&) {}
template <class Io>
void members(Io&, Woken&) {}
template <class Io>
void members(Io&, Beat&) {}
template <class Io>
void members(Io& io, Answer& e) {
  io("question", e.question), io("answered", e.answered), io("exit_code", e.exit_code),
      io("output", e.output);
}
template <class Io>
void members(Io& io, Tick& e) {
  io("starved", e.cpu_wait);
}
template <class Io>
void members(Io& io, LabFault& e) {
  io("what", e.what), io.unless("unheard", e.unheard, false);
  io.unless("hypervisor", e.hypervisor, std::string());
}
template <class Io>
void members(Io&, Interrupted&) {}
template <class Io>
void members(Io& io, Released& e) {
  io("hold", e.hold), io("payload", e.payload);
}
template <class Io>
void members(Io& io, Begun& e) {
  io("question", e.question);
}
template <class Io>
void members(Io& io, Said& e) {
  io("text", e.text);
}
template <class Io>
void members(Io& io, Logged& e) {
  io("line", e.line);
}

class Writer {
 public:
  explicit Writer(Json& json) : json_(json) {}
  void operator()(const char* key, const Millis& value) { json_[key] = value.count(); }
  void operator()(const char* key, const Channel& value) { json_[key] = to_string(value); }
  void operator()(const char* key, const crash::Finding& value) { json_[key] = to_json(value); }
  void operator()(const char* key, const std::map<std::string, std::string>& value) {
    json_[key] = Json::object();
    for (const auto& [name, text] : value) json_[key][name] = text;
  }
  // Not written when it has its `usual` value.
  template <class T>
  void unless(const char* key, const T& value, const T& usual) {
    if (value != usual) json_[key] = value;
  }
  template <class T>
  void operator()(const char* key, const T& value) {
    json_[key] = value;
  }

 private:
  Json& json_;
};

// The members of one event, by the reader that all documents have; the first fault is kept.
class Reader {
 public:
  Reader(const Json& json, const std::string& where, std::string& fault)
      : object_(json, {}, fault), where_(where) {}

  void operator()(const char* key, std::string& value) { value = object_.text(key); }
  void operator()(const char* key, bool& value) { value = object_.flag(key); }
  void operator()(const char* key, int& value) {
    value = static_cast<int>(object_.number(key, -1'000'000, 1'000'000));
  }
  template <class T>
  void unless(const char* key, T& value, const T& usual) {
    value = usual;
    if (object_.has(key)) (*this)(key, value);
  }
  void operator()(const char* key, Millis& value) {
    value = Millis(object_.number(key, -longest.count(), longest.count()));
  }
  void operator()(const char* key, std::map<std::string, std::string>& value) {
    object_.each_text(key, [&](const std::string& name, std::string text) { value[name] = std::move(text); });
  }
  void operator()(const char* key, Builds& value) {
    JsonObject lists = object_.object(key);
    for (const auto& name : lists.names()) value[name] = lists.texts(name.c_str());
  }
  void operator()(const char* key, Channel& value) {
    if (const auto channel = channel_from(object_.text(key)))
      value = *channel;
    else
      object_.wrong(fmt::format("{}: names no channel", key));
  }
  void operator()(const char* key, crash::Finding& value) {
    const Json& found = object_.value(key);
    if (auto finding = finding_from(found, where_))
      value = std::move(*finding);
    else
      object_.wrong(std::string(key) + ": " + finding.error().what);
  }

 private:
  JsonObject object_;
  const std::string& where_;
};

template <std::size_t i = 0>
bool make(const std::string& wanted, What& what) {
  if constexpr (i == std::variant_size_v<What>) {
    return false;
  } else {
    What candidate(std::in_place_index<i>);
    if (name(candidate) != wanted) return make<i + 1>(wanted, what);
    what = std::move(candidate);
    return true;
  }
}

}  // namespace

const char* name(const What& what) {
  return std::visit(
      overloaded{[](const Opened&) { return "opened"; }, [](const Started&) { return "started"; },
                 [](const Found&) { return "found"; }, [](const KernelStarted&) { return "kernel-started"; },
                 [](const Reset&) { return "reset"; }, [](const Stopped&) { return "stopped"; },
                 [](const Panicked&) { return "panicked"; }, [](const AgentLink&) { return "agent-link"; },
                 [](const Beat&) { return "beat"; }, [](const Answer&) { return "answer"; },
                 [](const Tick&) { return "tick"; }, [](const LabFault&) { return "lab-fault"; },
                 [](const Interrupted&) { return "interrupted"; }, [](const Begun&) { return "begun"; },
                 [](const Said&) { return "said"; }, [](const Released&) { return "released"; },
                 [](const Logged&) { return "logged"; }, [](const Suspended&) { return "suspended"; },
                 [](const Woken&) { return "woken"; }},
      what);
}

Chain begin_chain(std::string_view cell) {
  return {.head = sha256(fmt::format("labctl journal of cell {}\n", cell)), .events = 0};
}

namespace {

void move_on(Chain& chain, std::string_view line) {
  chain.head = sha256(line);
  ++chain.events;
}

}  // namespace

std::string to_line(const Event& event, Chain& chain) {
  Json json;
  json["at"] = event.at.count();
  json["event"] = name(event.what);
  Writer writer(json);
  What copy = event.what;
  std::visit([&](auto& alternative) { members(writer, alternative); }, copy);
  json["after"] = chain.head;
  std::string line = dump_line(json);
  move_on(chain, line);
  return line;
}

Result<Event> from_line(std::string_view line, Chain& chain, const std::string& where) {
  auto json = parse_json(line, where);
  if (!json) return fail(json.error());
  Event event;
  event.at = Millis(number_at(*json, "at", -1));
  if (event.at.count() < 0) return input_error("the record has no time", where);
  if (event.at > longest) return input_error("the record's time is out of range", where);
  std::string kind = text_at(*json, "event");
  if (!make(kind, event.what))
    return input_error(fmt::format("unknown event '{}'", printable(kind, 40)), where);
  std::string fault;
  Reader reader(*json, where, fault);
  std::visit([&](auto& alternative) { members(reader, alternative); }, event.what);
  if (!fault.empty()) return input_error(kind + fault, where);
  if (text_at(*json, "after") != chain.head)
    return input_error(chain.events == 0
                           ? "the record does not begin this cell's journal"
                           : "the record does not follow the one before: the journal was edited, cut or "
                             "reordered",
                       where);
  move_on(chain, line);
  return event;
}

Result<Journal> read_journal(std::string_view text, const std::string& cell, const std::string& where) {
  if (text.empty()) return input_error("the journal is empty", where);
  if (text.back() != '\n') return input_error("the journal is torn: its last record has no end", where);
  Journal journal{.chain = begin_chain(cell)};
  auto& events = journal.events;
  while (!text.empty()) {
    auto end = text.find('\n');
    const std::string place = where + ":" + std::to_string(events.size() + 1);
    auto event = from_line(text.substr(0, end), journal.chain, place);
    if (!event) return fail(event.error());
    if (!events.empty() && event->at < events.back().at) return input_error("time runs backwards", place);
    events.push_back(std::move(*event));
    text.remove_prefix(end + 1);
  }
  if (!std::holds_alternative<Opened>(events.front().what))
    return input_error("the journal does not begin with 'opened'", where + ":1");
  return journal;
}

Json to_json(const crash::Finding& f) {
  Json json;
  json["title"] = f.title;
  json["kind"] = crash::to_string(f.kind);
  json["severity"] = crash::to_string(f.severity);
  json["module"] = f.module;
  json["offset"] = f.offset;
  json["line"] = f.line;
  json["excerpt"] = f.excerpt;
  json["corrupted"] = f.corrupted;
  json["suppressed"] = f.suppressed;
  json["confirmed"] = f.confirmed;
  return json;
}

Result<crash::Finding> finding_from(const Json& json, const std::string& where) {
  if (!json.is_object()) return input_error("the finding is not an object", where);
  crash::Finding f;
  f.title = text_at(json, "title");
  if (f.title.empty()) return input_error("the finding has no title", where);
  f.kind = crash::kind_from(text_at(json, "kind"));
  f.severity = crash::severity_from(text_at(json, "severity"));
  f.module = text_at(json, "module");
  f.offset = static_cast<std::uint64_t>(number_at(json, "offset"));
  f.line = static_cast<std::uint64_t>(number_at(json, "line"));
  f.excerpt = text_at(json, "excerpt");
  f.corrupted = text_at(json, "corrupted");
  f.suppressed = text_at(json, "suppressed");
  f.confirmed = flag_at(json, "confirmed", true);
  return f;
}

}  // namespace labctl::event
