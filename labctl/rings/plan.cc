#include "labctl/rings/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "labctl/base/text.h"
#include "labctl/yaml/reader.h"

namespace labctl::rings {
namespace {

using namespace std::chrono_literals;
using yaml::Need;
using yaml::Node;
using yaml::Reader;

constexpr int most_machines = 100'000'000;
constexpr Millis longest = 24h * 366;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
  return value;
}

// "10 %" as 0.1.
std::optional<double> read_share(const Node& node, const std::string& what, double least, double most,
                                 Reader& reader) {
  const auto text = reader.text(node, what);
  if (!text) return std::nullopt;
  std::string_view digits = trim(*text);
  const bool per_cent = digits.ends_with('%');
  if (per_cent) digits = trim(digits.substr(0, digits.size() - 1));
  const auto value = per_cent ? number(digits) : std::nullopt;
  if (!value) {
    reader.mistake(node.mark, fmt::format("{}: {} is not a share such as 10 %", what, yaml::quoted(*text)));
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    reader.mistake(node.mark, fmt::format("{}: {} is not between {} % and {} %", what, yaml::quoted(*text),
                                          static_cast<int>(least), static_cast<int>(most)));
    return std::nullopt;
  }
  return *value / 100;
}

// "1/10000": crashes per machine-days.
std::optional<double> read_rate(const Node& node, const std::string& what, Reader& reader) {
  const auto text = reader.text(node, what);
  if (!text) return std::nullopt;
  const auto slash = text->find('/');
  const auto crashes = number(trim(std::string_view(*text).substr(0, slash)));
  const auto days =
      slash == text->npos ? std::nullopt : number(trim(std::string_view(*text).substr(slash + 1)));
  if (!crashes || !days || *crashes <= 0 || *days <= 0 || *crashes > *days) {
    reader.mistake(node.mark, fmt::format("{}: {} is not a rate such as 1/10000", what, yaml::quoted(*text)),
                   "crashes / machine-days, at most one a day");
    return std::nullopt;
  }
  return *crashes / *days;
}

void read_crash_rate(const Node& ring, const std::string& what, Reader& reader, Ring& read) {
  const Node* node = ring.find("crash-rate");
  if (!node || !reader.map(*node, what,
                           {{"fine", Need::required, "write fine: 1/10000"},
                            {"bad", Need::required, "write bad: 1/1000"},
                            {"per"},
                            {"sure"}}))
    return;
  CrashRate rate;
  const Node *fine = node->find("fine"), *bad = node->find("bad");
  if (fine) rate.fine = read_rate(*fine, what + ".fine", reader).value_or(0);
  if (bad) rate.bad = read_rate(*bad, what + ".bad", reader).value_or(0);
  if (const Node* per = node->find("per")) reader.choice(*per, what + ".per", {"machine-day"});
  if (const Node* sure = node->find("sure"))
    rate.sure = read_share(*sure, what + ".sure", 60, 99.9, reader).value_or(rate.sure);
  if (rate.fine > 0 && rate.bad > 0 && rate.bad < 2 * rate.fine)
    reader.mistake(bad->mark, fmt::format("{}.bad: must be at least twice the fine rate", what),
                   "rates that lie closer together take years to tell apart");
  if (rate.fine > 0 && rate.bad > 0) read.crash_rate = rate;
}

void read_halt(const Node& ring, const std::string& what, Reader& reader, Ring& read) {
  if (const Node* halt = ring.find("halt");
      halt && reader.map(*halt, what + ".halt", {{"crashes"}, {"silent"}})) {
    if (const Node* crashes = halt->find("crashes"))
      read.halt_crashes = reader.integer(*crashes, what + ".halt.crashes", 1, most_machines);
    if (const Node* silent = halt->find("silent"))
      read.halt_silent = read_share(*silent, what + ".halt.silent", 0, 100, reader);
  }
  if (const Node* wait = ring.find("wait"); wait && reader.map(*wait, what + ".wait", {{"silent"}})) {
    if (const Node* silent = wait->find("silent")) {
      read.wait_silent = read_share(*silent, what + ".wait.silent", 0, 100, reader).value_or(0);
      if (read.halt_silent && read.wait_silent > *read.halt_silent)
        reader.mistake(silent->mark, fmt::format("{}.wait.silent: is more than halt.silent", what));
    }
  }
}

// What the next ring's opening would stand on; the last ring needs nothing of it.
void demand_rules(const Node& node, const std::string& what, Reader& reader) {
  if (!Reader::has(node, "machines"))
    reader.mistake(node.mark, fmt::format("{} has no 'machines'", what),
                   "write machines: 25, how many must report");
  if (!Reader::has(node, "soak"))
    reader.mistake(node.mark, fmt::format("{} has no 'soak'", what),
                   "write soak: 24h, how long the next ring waits");
  const Node* halt = node.find("halt");
  const bool on_crashes = halt && halt->kind == Node::Kind::map && Reader::has(*halt, "crashes");
  if (!on_crashes && !Reader::has(node, "crash-rate"))
    reader.mistake(node.mark, fmt::format("{}: no crash could halt it", what),
                   "write halt: {crashes: 1}, or crash-rate: {fine: 1/10000, bad: 1/1000}");
}

// A name becomes part of a promotion's property: LABCTL_RING_EARLY_OPEN.
std::string read_name(const Node& ring, const std::string& what, Reader& reader) {
  const Node* node = ring.find("name");
  const auto name = node ? reader.one_line(*node, what + ".name") : std::nullopt;
  if (!name) return {};
  const bool good = name->size() <= 40 && std::isalpha(static_cast<unsigned char>(name->front())) != 0 &&
                    std::all_of(name->begin(), name->end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (good) return *name;
  reader.mistake(node->mark,
                 fmt::format("{}.name: {} is not a name such as early-1", what, yaml::quoted(*name)),
                 "a lower-case letter, then letters, digits and '-', at most 40");
  return {};
}

Ring read_ring(const Node& node, const std::string& what, bool last, Reader& reader) {
  Ring ring;
  if (!reader.map(node, what,
                  {{"name", Need::required, "write name: internal"},
                   {"machines"},
                   {"at-most"},
                   {"soak"},
                   {"silent-after"},
                   {"halt"},
                   {"wait"},
                   {"crash-rate"}}))
    return ring;
  ring.name = read_name(node, what, reader);
  if (const Node* machines = node.find("machines"))
    ring.machines = reader.integer(*machines, what + ".machines", 1, most_machines);
  if (const Node* most = node.find("at-most")) {
    ring.at_most = reader.integer(*most, what + ".at-most", 1, most_machines);
    if (ring.at_most && ring.machines && *ring.at_most < *ring.machines)
      reader.mistake(most->mark, fmt::format("{}.at-most: is less than machines", what));
  }
  if (const Node* soak = node.find("soak"))
    ring.soak = reader.duration(*soak, what + ".soak", 1min, longest).value_or(0ms);
  if (const Node* after = node.find("silent-after"))
    ring.silent_after = reader.duration(*after, what + ".silent-after", 1min, longest).value_or(24h);
  read_halt(node, what, reader, ring);
  read_crash_rate(node, what + ".crash-rate", reader, ring);
  if (!last) demand_rules(node, what, reader);
  return ring;
}

void read_gate(const Node& root, Reader& reader, Gate& gate) {
  const Node* node = root.find("verdict");
  if (!node || !reader.map(*node, "verdict",
                           {{"scenario", Need::required, "write scenario: release.yaml, the gate's"},
                            {"max-age", Need::required, "write max-age: 36h, how old the run may be"},
                            {"require"},
                            {"min-boots"},
                            {"set"},
                            {"allow"}}))
    return;
  if (const Node* scenario = node->find("scenario")) {
    gate.scenario = reader.one_line(*scenario, "verdict.scenario").value_or("");
    gate.scenario_mark = scenario->mark;
  }
  if (const Node* age = node->find("max-age"))
    gate.max_age = reader.duration(*age, "verdict.max-age", 1min, longest);
  if (const Node* require = node->find("require")) gate.require = reader.texts(*require, "verdict.require");
  if (const Node* boots = node->find("min-boots"))
    gate.min_boots = reader.integer(*boots, "verdict.min-boots", 1, 100'000).value_or(0);
  if (const Node* set = node->find("set"); set && reader.names(*set, "verdict.set"))
    for (std::size_t i = 0; i < set->keys.size(); ++i)
      gate.set[set->keys[i].text] =
          reader.text(set->items[i], "verdict.set." + set->keys[i].text).value_or("");
  if (const Node* allow = node->find("allow"); allow && reader.list(*allow, "verdict.allow"))
    for (const Node& item : allow->items) {
      const auto word = reader.choice(item, "verdict.allow", {"waived", "warnings", "unproved"});
      gate.allow_waived |= word == 0U;
      gate.allow_warnings |= word == 1U;
      gate.allow_unproved |= word == 2U;
    }
}

void read_rings(const Node& root, Reader& reader, std::vector<Ring>& rings) {
  const Node* list = root.find("rings");
  if (!list || !reader.list(*list, "rings")) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string what = "rings[" + std::to_string(i + 1) + "]";
    Ring ring = read_ring(list->items[i], what, i + 1 == list->items.size(), reader);
    if (!ring.name.empty() &&
        std::any_of(rings.begin(), rings.end(), [&](const Ring& other) { return other.name == ring.name; }))
      reader.mistake(list->items[i].mark,
                     fmt::format("{}.name: {} stands twice", what, yaml::quoted(ring.name)));
    rings.push_back(std::move(ring));
  }
}

}  // namespace

std::optional<std::size_t> Plan::find(std::string_view name) const {
  for (std::size_t i = 0; i < rings.size(); ++i)
    if (rings[i].name == name) return i;
  return std::nullopt;
}

std::string Plan::names() const {
  std::vector<std::string> all;
  for (const auto& ring : rings) all.push_back(ring.name);
  return join_some(all);
}

Loaded load_plan(std::string_view yaml, const std::string& name) {
  yaml::Parsed parsed = yaml::parse_yaml(yaml, name, {"a plan of rings", "begin with labctl: 1"});
  const yaml::Variables none;
  Reader reader(name, "the plan of rings", none, {}, std::move(parsed.mistakes));
  Loaded loaded;
  if (parsed.root &&
      reader.map(*parsed.root, "",
                 {{"labctl", Need::required, "begin with labctl: 1"},
                  {"verdict", Need::required, "write verdict: {scenario: release.yaml, max-age: 36h}"},
                  {"valid"},
                  {"rings", Need::required, "write rings: [{name: internal, machines: 25, ...}]"}})) {
    if (const Node* version = parsed.root->find("labctl")) reader.integer(*version, "labctl", 1, 1);
    read_gate(*parsed.root, reader, loaded.plan.gate);
    if (const Node* valid = parsed.root->find("valid"))
      loaded.plan.valid = reader.duration(*valid, "valid", 1min, 24h * 31).value_or(loaded.plan.valid);
    read_rings(*parsed.root, reader, loaded.plan.rings);
  }
  loaded.mistakes = reader.take_mistakes();
  return loaded;
}

}  // namespace labctl::rings
