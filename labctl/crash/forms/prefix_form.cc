// A prefix without a description. It is learnt: the words of reports stand at known places in a line's
// end, and what stands in front of several different ones, in one shape, is the prefix of this log. Its shape
// is its punctuation, with any word for a word and any number for a number. A program's name in front of its
// own messages is no prefix: what it says is not the kernel's.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "labctl/crash/engine/message.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {
namespace {

constexpr std::size_t longest_prefix = 200;
constexpr std::size_t most_tokens = 40;
constexpr std::size_t most_shapes = 16;
constexpr std::size_t agreeing_anchors = 3;

// What begins a kernel's messages, and is seldom said by others.
const RE2& anchors() {
  static const RE2 pattern(
      "(BUG: (?:kernel|unable|Unable|soft|KASAN|KFENCE|KMSAN|KCSAN|sched|sleep|work|Bad|using)|Unable to "
      "handle kernel|"
      "Oops: |Internal error: |CPU: \\d+ (?:UID|PID): \\d|Pid: \\d+, comm|RIP: 0010:|RSP: 0018:|RAX: "
      "[0-9a-f]{16}|"
      "EIP: |CR2: [0-9a-f]{8}|Call [Tt]race:|---\\[ end |------------\\[ cut here|Modules linked in:|"
      "Kernel panic - not|WARNING: CPU: |WARNING: (?:\\[|[\\w./-]+:\\d+ at)|kernel BUG at "
      "|invalid opcode: |"
      "general protection fault|Hardware name: |Code: [0-9a-f<]{2}|pstate: |pc : |lr : |sp : [0-9a-f]|x29: |"
      "INFO: task |INFO: rcu|rcu: INFO: |watchdog: |NMI backtrace|task:\\S+ +state:|Linux version \\d|"
      "Command line: |Kernel command line: |unreferenced object 0x|comm \"\\S+\", pid|backtrace(?: "
      "\\(crc|:)|Allocated (?:by|in) |Freed (?:by|in) |Read of size \\d|Write of size \\d|"
      "Workqueue: |Showing |BUG k\\S+ \\((?:Not t|T)ainted|kfence-#|The buggy |page: |raw: [0-9a-f]{16}|"
      "other info that|stack backtrace:|the existing dep|but task is|WARNING: "
      "(?:possible|inconsistent|suspicious) |"
      "workqueue \\S+: flags=|Tainted: |Not tainted |NIP \\[|epc "
      ": |Kernel Offset: |#PF: |PGD |FS:  [0-9a-f]|DR0: )",
      RE2::Latin1);
  return pattern;
}

// A list of known crashes has headers alone; a log has what stands around them.
bool is_header(std::string_view anchor) {
  constexpr std::array<std::string_view, 14> headers{"BUG: ", "BUG k", "Unabl", "Oops:", "Inter",
                                                     "Kerne", "WARNI", "kerne", "inval", "gener",
                                                     "INFO:", "rcu: ", "watch", "unref"};
  return std::find(headers.begin(), headers.end(), anchor) != headers.end();
}

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool blank(char c) { return c == ' ' || c == '\t'; }

struct Token {
  char kind = 0;  // 'D' a number or a time, 'W' a word, 'K' "kernel", else punctuation
  std::string_view text;
};

// The token at the front of `text`, after blanks; kind 0 at the end.
Token next_token(std::string_view& text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  if (text.empty()) return {};
  const bool number = digit(text.front());
  std::size_t end = 0;
  bool alnum = false;
  while (end < text.size()) {
    const char c = text[end];
    const bool inside =
        letter(c) || digit(c) || c == '.' || c == '-' || c == '/' || static_cast<unsigned char>(c) >= 0x80;
    const bool between =
        number && (c == ':' || c == ',' || c == '+') && end + 1 < text.size() && digit(text[end + 1]);
    if (!inside && !between) break;
    alnum = alnum || letter(c) || digit(c);
    ++end;
  }
  if (!alnum) end = 1;
  const Token token{alnum ? 'W' : text.front(), text.substr(0, end)};
  text.remove_prefix(end);
  if (!alnum) return token;
  const bool time = number && token.text.find_first_not_of("0123456789.:,+-/TZ") == std::string_view::npos;
  return {time ? 'D' : token.text == "kernel" || token.text == "KERNEL" ? 'K' : 'W', token.text};
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (Token token = next_token(text); token.kind != 0 && tokens.size() < most_tokens;
       token = next_token(text))
    tokens.push_back(token);
  return tokens;
}

bool is_level(std::string_view word) {
  constexpr std::array<std::string_view, 16> levels{"emerg",   "alert",   "crit", "err",   "error", "warn",
                                                    "warning", "notice",  "info", "debug", "EMERG", "ERROR",
                                                    "WARN",    "WARNING", "INFO", "DEBUG"};
  return word.size() == 1 || std::find(levels.begin(), levels.end(), word) != levels.end();
}

bool is_kernel_stamp(const Token& token) {
  return token.kind == 'D' && token.text.size() > 7 && token.text[token.text.size() - 7] == '.';
}

// "Jan 2 host program[55]: ", "host program: ": a log's line of another program. A label alone ("vm-1: ") is
// what a multiplexer puts in front of each line.
bool other_program(std::vector<Token> tokens) {
  // The kernel's own timestamp may stand behind it; a test's log hands on what a console says ("INFO console:
  // [...").
  const bool stamped =
      tokens.size() > 4 && tokens.back().kind == ']' && is_kernel_stamp(tokens[tokens.size() - 2]);
  if (stamped) tokens.resize(tokens.size() - 3);
  const bool kernel = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.kind == 'K'; });
  const bool dated = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.kind == 'D'; });
  const std::size_t size = tokens.size();
  for (std::size_t i = 0; i + 3 < size; ++i) {
    if (tokens[i].kind == 'W' && tokens[i + 1].kind == '[' && tokens[i + 2].kind == 'D' &&
        tokens[i + 3].kind == ']' && i + 4 < size && tokens[i + 4].kind == ':')
      return true;
  }
  // A driver puts its name behind the kernel's timestamp: "[   12.345678] foo 0000:00:03.0: ".
  const char last = size == 0 ? ' ' : tokens[size - 1].kind;
  if (!kernel && size > 2 && (last == ':' || last == '\'' || last == '"') && tokens[0].kind == '[' &&
      tokens[2].kind == ']' && is_kernel_stamp(tokens[1]))
    return true;
  // "<4>1 2026-01-02T03:04:05Z host program - - - "
  if (!kernel && size > 4 && tokens[0].kind == '<' && tokens[2].kind == '>' && tokens[3].kind == 'D')
    return true;
  if (size < 2 || tokens[size - 1].kind != ':') return false;
  if (stamped && size > 2 && tokens[size - 3].kind == 'W' && is_level(tokens[size - 3].text)) return false;
  const Token& name = tokens[size - 2];
  const bool named = dated || (size > 2 && tokens[size - 3].kind == 'W' &&
                               !is_level(tokens[size - 3].text));  // "host program: "
  return name.kind == 'W' && named && !is_level(name.text);
}

// Records have a form of their own, which knows whose words they hold; a script that prints such text is not
// a log.
bool not_a_prefix(std::string_view front) {
  const std::size_t begin = front.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return false;
  front.remove_prefix(begin);
  // A string in a program's source; a table of values names the kernel or has a date.
  const std::size_t quote = front.find_first_not_of(" \t+-");
  if (quote != std::string_view::npos && front.substr(quote).starts_with("\"[")) return true;
  if (front.find("(\"[") != std::string_view::npos) return true;
  if ((front.ends_with('"') || front.ends_with('\'')) &&
      front.find_first_of("0123456789") == std::string_view::npos &&
      front.find("kern") == std::string_view::npos)
    return true;
  return front.front() == '{' || front.find("MESSAGE") != std::string_view::npos ||
         front.starts_with("echo ") || front.starts_with("printf ") || front.starts_with("logger ") ||
         front.starts_with("grep ");
}

struct Shape {
  std::string kinds;
  std::string literal;     // words alone are a prefix only if they never change
  std::size_t blanks = 0;  // between the prefix and the message
};

// What grep puts in front of what it found and of the lines around that: "FILE:12:", "13-".
constexpr const char* by_grep = "G";

std::optional<Shape> grep_shape(std::string_view front) {
  static const RE2 shape("(?:(\\S{1,150})[-:])?\\d{1,7}[-:]", RE2::Latin1);
  std::string file;
  if (!RE2::FullMatch(re2::StringPiece(front.data(), front.size()), shape, &file)) return std::nullopt;
  return Shape{by_grep, file, 0};
}

std::size_t behind_grep(std::string_view text, const std::string& file) {
  static const RE2 number("[-:]?\\d{1,7}[-:]", RE2::Latin1);
  if (!text.starts_with(file)) return std::string_view::npos;
  re2::StringPiece rest(text.data() + file.size(), text.size() - file.size());
  const bool read = RE2::Consume(&rest, number);
  return read ? text.size() - rest.size() : std::string_view::npos;
}

std::string kinds_of(const std::vector<Token>& tokens) {
  std::string kinds;
  for (const Token& token : tokens) kinds.push_back(token.kind);
  return kinds;
}

// Where the message begins in a line with this prefix, the tokens of the prefix in `tokens`; npos without it.
std::size_t behind(std::string_view text, const Shape& shape, std::vector<Token>& tokens) {
  tokens.clear();
  if (shape.kinds == by_grep) return behind_grep(text, shape.literal);
  if (!shape.literal.empty())
    return text.starts_with(shape.literal) ? shape.literal.size() : std::string_view::npos;
  std::string_view rest = text;
  for (const char kind : shape.kinds) {
    const Token token = next_token(rest);
    const bool word = (kind == 'W' && token.kind == 'D') || (kind == 'W' && token.kind == 'K');
    if (token.kind != kind && !word) return std::string_view::npos;
    tokens.push_back(token);
  }
  for (std::size_t i = 0; i < shape.blanks && !rest.empty() && blank(rest.front()); ++i)
    rest.remove_prefix(1);
  return text.size() - rest.size();
}

// What a prefix says that a reader of the kernel's own form can use: the time, the caller, who speaks.
std::string own_form(const std::vector<Token>& tokens) {
  std::string time, caller;
  bool kernel = false;
  for (const Token& token : tokens) {
    const std::size_t dot = token.text.find('.');
    if (token.kind == 'D' && dot != std::string_view::npos && token.text.size() - dot == 7 &&
        token.text.find_first_not_of("0123456789.") == std::string_view::npos)
      time = "[" + std::string(token.text) + "]";
    if (token.kind == 'W' && token.text.size() > 1 && (token.text[0] == 'T' || token.text[0] == 'C') &&
        token.text.find_first_not_of("0123456789", 1) == std::string_view::npos)
      caller = "[" + std::string(token.text) + "]";
    kernel = kernel || token.kind == 'K';
  }
  if (!time.empty() && timestamp_length(time) != 0) return time + caller + " ";
  return kernel ? "kernel: " : "";
}

class Prefix : public Form {
 public:
  bool watch(const Row& row) override {
    learn(row.text);
    return !known_.empty();
  }

  void read(const Row& row, const Emit& emit) override {
    learn(row.text);
    std::vector<Token> tokens;
    for (const Shape& shape : known_) {
      const std::size_t at = behind(row.text, shape, tokens);
      if (at == std::string_view::npos) continue;
      if (other_program(tokens)) break;
      return emit(own_form(tokens) + std::string(row.text.substr(at)), row.origin);
    }
    emit(row.text, row.origin);
  }

 private:
  struct Candidate {
    Shape shape;
    std::vector<std::string> seen;  // the anchors, by their first letters
  };

  // The raw reading knows what it takes for the front of a message.
  static bool known_form(std::string_view text, const char* anchor) {
    std::vector<Message> messages;
    split_messages(text, false, messages);
    return std::any_of(messages.begin(), messages.end(), [&](const Message& message) {
      return message.anchored && message.text.data() == anchor;
    });
  }

  // Most lines of most logs: a kernel's timestamp with a word behind it, in which no prefix can be.
  static bool plain(std::string_view text) {
    const std::size_t stamp = timestamp_length(text);
    const std::size_t word = stamp == 0 ? std::string_view::npos : text.find_first_not_of(' ', stamp);
    return word != std::string_view::npos && (letter(text[word]) || digit(text[word])) &&
           text.substr(0, 100).find("kernel") == std::string_view::npos;
  }

  void learn(std::string_view text) {
    re2::StringPiece found;
    if (text.size() < 8 || known_.size() >= 4 || plain(text) ||
        !RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), anchors(), &found))
      return;
    const auto at = static_cast<std::size_t>(found.data() - text.data());
    if (at == 0 || at > longest_prefix || known_form(text, found.data())) return;
    const std::string_view front = text.substr(0, at);
    const std::string anchor(found.data(), std::min<std::size_t>(5, found.size()));
    if (const auto grep = grep_shape(front)) return agree(*grep, anchor);
    const std::vector<Token> tokens = tokens_of(front);
    if (tokens.size() >= most_tokens || other_program(tokens) || not_a_prefix(front)) return;
    const std::string kinds = kinds_of(tokens);
    const bool words = !kinds.empty() && kinds.find_first_not_of('W') == std::string::npos;
    const std::size_t blanks = front.size() - (front.find_last_not_of(" \t") + 1);
    agree({kinds, words ? std::string(front) : std::string(), blanks}, anchor);
  }

  void agree(const Shape& seen_now, const std::string& anchor) {
    const auto same = [&](const Shape& shape) {
      return shape.kinds == seen_now.kinds && shape.literal == seen_now.literal;
    };
    if (std::any_of(known_.begin(), known_.end(), same)) return;
    auto candidate = std::find_if(candidates_.begin(), candidates_.end(),
                                  [&](const Candidate& each) { return same(each.shape); });
    if (candidate == candidates_.end()) {
      if (candidates_.size() >= most_shapes) candidates_.erase(candidates_.begin());
      candidate = candidates_.insert(candidates_.end(), {seen_now, {}});
    }
    candidate->shape.blanks = std::min(candidate->shape.blanks, seen_now.blanks);
    auto& seen = candidate->seen;
    if (std::find(seen.begin(), seen.end(), anchor) == seen.end()) seen.push_back(anchor);
    if (seen.size() < agreeing_anchors + (seen_now.literal.empty() || seen_now.kinds == by_grep ? 0 : 2))
      return;
    if (std::all_of(seen.begin(), seen.end(), is_header)) return;
    known_.push_back(candidate->shape);
    candidates_.erase(candidate);
  }

  std::vector<Candidate> candidates_;
  std::vector<Shape> known_;
};

}  // namespace

std::unique_ptr<Form> prefix_form() { return std::make_unique<Prefix>(); }

}  // namespace labctl::crash
