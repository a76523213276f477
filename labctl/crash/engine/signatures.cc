#include "labctl/crash/engine/signatures.h"

#include <fmt/core.h>
#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "labctl/crash/engine/pattern.h"

namespace labctl::crash {
namespace {

using re2::StringPiece;

constexpr std::size_t longest_module = 64;
constexpr int longest_head = 32;

struct Compiled {
  const Signature* signature;
  std::unique_ptr<RE2> pattern;
  std::string head;  // what every match begins with, at the front of the message; may be empty
  int module = 0;
};

// Only of a pattern that is tied to the front; an alternative might be tied to nothing.
std::string literal_head(const RE2& pattern) {
  const std::string& text = pattern.pattern();
  if (!text.starts_with('^') || text.find('|') != std::string::npos) return {};
  std::string least, most;
  if (!pattern.PossibleMatchRange(&least, &most, longest_head)) return {};
  const auto differ = std::mismatch(least.begin(), least.end(), most.begin(), most.end());
  return {least.begin(), differ.first};
}

std::string plain_module(const StringPiece& text) {
  std::string module(text.data(), std::min(text.size(), longest_module));
  std::replace_if(
      module.begin(), module.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  return module;
}

}  // namespace

struct Signatures::Tables {
  std::vector<Signature> signatures;
  std::vector<Compiled> all;
  std::array<std::vector<std::size_t>, 256> with_head;  // by its first byte
  std::vector<std::size_t> others;                      // in the order of the set
  RE2::Set set{latin1(), RE2::UNANCHORED};

  std::optional<Finding> meet(std::size_t index, std::string_view text) const {
    const Compiled& each = all[index];
    std::vector<StringPiece> groups(static_cast<std::size_t>(each.module) + 1);
    if (!each.pattern->Match(StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED,
                             groups.data(), each.module + 1))
      return std::nullopt;
    Finding found;
    found.title = each.signature->title;
    found.kind = each.signature->kind;
    found.severity = each.signature->severity;
    found.suppressed = each.signature->noise;
    if (each.module != 0) found.module = plain_module(groups.back());
    return found;
  }
};

Signatures::Signatures(const std::vector<Signature>& signatures) : tables_(std::make_unique<Tables>()) {
  Tables& tables = *tables_;
  tables.signatures = signatures;
  for (const Signature& each : tables.signatures) {
    if (std::string problem = pattern_problem(each.pattern); !problem.empty())
      throw std::logic_error(fmt::format("bad signature: {}", problem));
    Compiled compiled{&each, std::make_unique<RE2>(each.pattern, latin1()), {}, 0};
    const auto& groups = compiled.pattern->NamedCapturingGroups();
    if (const auto module = groups.find("module"); module != groups.end()) compiled.module = module->second;
    compiled.head = literal_head(*compiled.pattern);
    if (compiled.head.empty()) {
      tables.set.Add(each.pattern, nullptr);
      tables.others.push_back(tables.all.size());
    } else {
      tables.with_head[static_cast<unsigned char>(compiled.head.front())].push_back(tables.all.size());
    }
    tables.all.push_back(std::move(compiled));
  }
  if (!tables.others.empty()) tables.set.Compile();
}

Signatures::~Signatures() = default;

std::vector<Finding> Signatures::match(const Message& message) const {
  const std::string_view text = message.text;
  std::vector<std::size_t> candidates;
  if (!tables_->others.empty()) {
    std::vector<int> members;
    RE2::Set::ErrorInfo error{};
    if (!tables_->set.Match(StringPiece(text.data(), text.size()), &members, &error) &&
        error.kind != RE2::Set::kNoError)
      candidates = tables_->others;  // no memory for the automaton: one after the other
    for (const int member : members) candidates.push_back(tables_->others[static_cast<std::size_t>(member)]);
  }
  if (message.anchored && !text.empty()) {
    for (const std::size_t index : tables_->with_head[static_cast<unsigned char>(text.front())])
      if (text.starts_with(tables_->all[index].head)) candidates.push_back(index);
  }
  std::sort(candidates.begin(), candidates.end());
  std::vector<Finding> found;
  for (const std::size_t index : candidates)
    if (auto one = tables_->meet(index, text)) found.push_back(std::move(*one));
  return found;
}

std::string pattern_problem(const std::string& pattern) {
  const RE2 compiled(pattern, latin1());
  if (!compiled.ok()) return compiled.error();
  if (RE2::PartialMatch("", compiled)) return "matches the empty text, and so every line";
  for (const auto& [name, at] : compiled.NamedCapturingGroups())
    if (name != "module") return fmt::format("the group '{}' means nothing here, only 'module' does", name);
  return {};
}

bool matches(const Signature& signature, std::string_view line) {
  const Signatures alone({signature});
  std::string store;
  std::vector<Message> messages;
  split_messages(without_controls(line, store), false, messages);
  return std::any_of(messages.begin(), messages.end(),
                     [&](const Message& each) { return !alone.match(each).empty(); });
}

}  // namespace labctl::crash
