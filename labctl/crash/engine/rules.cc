#include "labctl/crash/engine/rules.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/engine/pattern.h"

namespace labctl::crash {
namespace {

using re2::StringPiece;

// Console bytes are no UTF-8, and a pattern that does not compile would be a blind detector: refuse to start.
std::unique_ptr<RE2> compile(const char* pattern) {
  auto compiled = std::make_unique<RE2>(pattern, latin1());
  if (!compiled->ok()) throw std::logic_error(fmt::format("bad pattern: {}", pattern));
  return compiled;
}

std::size_t first_byte(std::string_view head) { return static_cast<unsigned char>(head.front()); }

StringPiece piece(std::string_view text) { return StringPiece(text.data(), text.size()); }
struct CompiledRule {
  const Rule* rule;
  std::unique_ptr<RE2> pattern;
  int what = 0;
  int func = 0;

  explicit CompiledRule(const Rule& source) : rule(&source), pattern(compile(source.pattern)) {
    const auto& groups = pattern->NamedCapturingGroups();
    if (const auto at = groups.find("what"); at != groups.end()) what = at->second;
    if (const auto at = groups.find("func"); at != groups.end()) func = at->second;
    if (pattern->NumberOfCapturingGroups() > 3)
      throw std::logic_error(fmt::format("groups: {}", source.pattern));
  }
};

struct CompiledBody {
  const BodyLine* line;
  std::unique_ptr<RE2> pattern;
};

constexpr std::size_t bytes = 256;

// "task %s:%d blocked", "(\\S+)": a format or a pattern.
bool is_format(std::string_view text) {
  static const std::unique_ptr<RE2> conversion =
      compile(R"(%(?:s|[0-9]*l{0,2}[dux]\b|p[A-Za-z]{0,2}\b|pV)|\\[Sdw][+*]|\(\.\*\)|\.\*)");
  return RE2::PartialMatch(piece(text), *conversion);
}

std::optional<Heading> match(const CompiledRule& candidate, const Message& message) {
  const Rule& rule = *candidate.rule;
  if ((rule.flags & userspace) != 0 && message.kernel) return std::nullopt;
  if ((rule.flags & kernel_only) != 0 && !message.kernel) return std::nullopt;
  if ((rule.flags & behind_name) == 0 && !message.text.starts_with(rule.head)) return std::nullopt;
  std::array<StringPiece, 4> groups;
  const RE2::Anchor anchor = rule.head.empty() ? RE2::UNANCHORED : RE2::ANCHOR_START;
  const int count = candidate.pattern->NumberOfCapturingGroups() + 1;
  if (!candidate.pattern->Match(piece(message.text), 0, message.text.size(), anchor, groups.data(), count)) {
    return std::nullopt;
  }
  Heading heading;
  heading.rule = &rule;
  heading.words = message.text.substr(0, 512);
  heading.time = stamp_seconds(message.stamp);
  heading.doubtful = !message.kernel && is_format(message.text);
  if (candidate.what != 0) heading.what = plain_text(view(groups[static_cast<std::size_t>(candidate.what)]));
  if (candidate.func == 0) return heading;
  const std::string_view symbol = view(groups[static_cast<std::size_t>(candidate.func)]);
  if (symbol.empty()) return heading;
  const auto behind = static_cast<std::size_t>(symbol.data() - message.text.data());
  heading.place = parse_place(message.text.substr(behind));
  if (heading.place.empty()) heading.place.function = plain_function(symbol);
  return heading;
}

}  // namespace

struct Rules::Tables {
  std::array<std::vector<CompiledRule>, bytes> headers;
  std::vector<CompiledRule> anywhere;
  std::vector<CompiledRule> behind;
  std::array<std::vector<const Prelude*>, bytes> preludes;
  std::array<std::vector<CompiledBody>, bytes> body;
  std::unique_ptr<RE2> consequence = compile(consequence_pattern);

  explicit Tables(std::optional<Os> os) {
    add(firmware_rules());
    if (os == Os::windows) return;
    add(recovery_rules());
    add(linux_rules());
    add(complaint_rules());
    for (const Prelude& prelude : linux_preludes()) preludes[first_byte(prelude.head)].push_back(&prelude);
    for (const BodyLine& line : linux_body()) {
      body[first_byte(line.head)].push_back(
          {&line, line.pattern == nullptr ? nullptr : compile(line.pattern)});
    }
  }

  void add(std::span<const Rule> rules) {
    for (const Rule& rule : rules) {
      if ((rule.flags & behind_name) != 0)
        behind.emplace_back(rule);
      else
        (rule.head.empty() ? anywhere : headers[first_byte(rule.head)]).emplace_back(rule);
    }
  }
};

// All heads behind a name begin with ": ", so this looks for colons and compares little else.
std::optional<Heading> Rules::behind_name_header(const Message& message) const {
  const std::string_view text = message.text;
  for (std::size_t at = text.find(':'); at != std::string_view::npos && at <= longest_name;
       at = text.find(':', at + 1)) {
    for (const CompiledRule& rule : tables_->behind) {
      if (at == 0 || !text.substr(at).starts_with(rule.rule->head)) continue;
      if (auto heading = match(rule, message)) return heading;
    }
  }
  return std::nullopt;
}

const Rules& Rules::of(std::optional<Os> os) {
  static const Tables every(std::nullopt);
  static const Tables windows_only(Os::windows);
  static const Rules all(every);
  static const Rules windows(windows_only);
  return os == Os::windows ? windows : all;
}

std::optional<Heading> Rules::header(const Message& message) const {
  if (message.text.empty()) return std::nullopt;
  if (message.anchored) {
    for (const CompiledRule& rule : tables_->headers[first_byte(message.text)]) {
      if (auto heading = match(rule, message)) return heading;
    }
    if (message.kernel) {
      if (auto heading = behind_name_header(message)) return heading;
    }
  }
  if (!message.die_mark) return std::nullopt;
  for (const CompiledRule& rule : tables_->anywhere) {
    if (auto heading = match(rule, message)) return heading;
  }
  return std::nullopt;
}

const Prelude* Rules::prelude(std::string_view text) const {
  if (text.empty()) return nullptr;
  for (const Prelude* prelude : tables_->preludes[first_byte(text)]) {
    if (text.starts_with(prelude->head)) return prelude;
  }
  return nullptr;
}

const BodyLine* Rules::body(std::string_view text) const {
  if (text.empty()) return nullptr;
  for (const CompiledBody& candidate : tables_->body[first_byte(text)]) {
    if (!text.starts_with(candidate.line->head)) continue;
    if (candidate.pattern == nullptr) return candidate.line;
    if (candidate.pattern->Match(piece(text), 0, text.size(), RE2::ANCHOR_START, nullptr, 0))
      return candidate.line;
  }
  return nullptr;
}

bool Rules::consequence(std::string_view text) const {
  return tables_->consequence->Match(piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

}  // namespace labctl::crash
