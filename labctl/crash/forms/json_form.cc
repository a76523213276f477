// Kernel text in JSON: a record a line (journalctl -o json, a container's log), a document (dmesg --json, an
// answer of a web interface) or a list of strings. Read byte by byte, so that a document may be of any size
// and broken anywhere; what is no JSON ends it.
#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "labctl/crash/forms/form.h"

namespace labctl::crash {
namespace {

constexpr std::size_t longest_string = 1U << 20;
constexpr std::size_t deepest = 64;

template <std::size_t n>
bool one_of(std::string_view key, const std::array<std::string_view, n>& keys) {
  for (const std::string_view each : keys) {
    if (key == each) return true;
  }
  return false;
}

// Keys whose string is text, by their ends and in any case: "short_message", "textPayload", "Output". The
// first row says so more surely than the second, whose words may also name what kind of record it is.
constexpr std::array<std::string_view, 7> text_keys{"message", "msg",         "log",   "line",
                                                    "text",    "textpayload", "stdout"};
constexpr std::array<std::string_view, 10> loose_keys{"content", "contents", "output", "body", "event",
                                                      "console", "stderr",   "data",   "raw",  "payload"};
constexpr std::array<std::string_view, 8> program_keys{"_TRANSPORT", "SYSLOG_IDENTIFIER", "ident",
                                                       "identifier", "programname",       "program",
                                                       "appname",    "app-name"};

unsigned text_rank(std::string_view key) {
  std::string small(key);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto ends = [&](std::string_view end) { return small.ends_with(end); };
  if (std::any_of(text_keys.begin(), text_keys.end(), ends)) return 2;
  return std::any_of(loose_keys.begin(), loose_keys.end(), ends) ? 1 : 0;
}

struct Container {
  bool list = false;
  std::string key;      // of an object's next value; of the list itself
  std::string message;  // of an object
  unsigned rank = 0;    // of the key that the message has
  bool other_program = false;
  bool kernel = false;
  std::string bytes;  // of a list of numbers
};

class Json : public Form {
 public:
  bool watch(const Row& row) override;
  void read(const Row& row, const Emit& emit) override;

 private:
  static bool begins(std::string_view text);
  bool next(char c, const Emit& emit);  // false: this is no JSON
  bool in_string(char c);
  void open(bool list);
  void close(const Emit& emit);
  void string_ended(const Emit& emit);
  void bare_ended();
  void unicode(unsigned code);
  void lines(const std::string& text, bool kernel, const Emit& emit) const;

  std::vector<Container> open_;
  std::string string_;
  std::string bare_;
  std::string hex_;
  bool in_string_ = false;
  bool escape_ = false;
  bool key_next_ = false;
  bool opened_ = false;  // the line before was "{" or "["
  Origin origin_;
};

bool Json::begins(std::string_view text) {
  return text.starts_with("{\"") || text.starts_with("[{") || text.starts_with("[\"") || text == "{" ||
         text == "[" || text.starts_with("{ \"") || text.starts_with("[ {");
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// A stream of events has "data: " in front of each record, a list in YAML "- ", a result of Ansible its host.
std::string_view record(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("data: {")) return text.substr(6);
  if (text.starts_with("- {\"")) return text.substr(2);
  if (text.ends_with("] => {")) return text.substr(text.size() - 1);
  return text;
}

bool Json::watch(const Row& row) {
  const std::string_view text = record(row.text);
  if (opened_ && (text.starts_with('"') || text.starts_with('{') || text.starts_with('['))) return true;
  opened_ = text == "{" || text == "[";
  return !opened_ && begins(text) && text.find("\":") != std::string_view::npos;
}

void Json::read(const Row& row, const Emit& emit) {
  origin_ = row.origin;
  std::string_view text = row.text;
  if (open_.empty()) {
    text = record(text);
    if (!begins(text)) return;
  }
  for (const char c : text) {
    if (next(c, emit)) continue;
    open_.clear();
    in_string_ = false;
    return;
  }
  if (!in_string_) bare_ended();
}

bool Json::next(char c, const Emit& emit) {
  if (in_string_) {
    if (in_string(c)) return true;
    string_ended(emit);
    return true;
  }
  if (open_.empty() && c != '{' && c != '[') return c == ' ' || c == ',' || c == '\t';
  switch (c) {
    case '"':
      in_string_ = true;
      string_.clear();
      return true;
    case '{':
    case '[':
      open(c == '[');
      return open_.size() <= deepest;
    case '}':
    case ']':
      bare_ended();
      close(emit);
      return true;
    case ',':
      bare_ended();
      key_next_ = !open_.back().list;
      return true;
    case ':':
      key_next_ = false;
      return true;
    case ' ':
    case '\t':
      bare_ended();
      return true;
    default:
      bare_.push_back(c);
      return bare_.size() < 40 && (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9') ||
                                   (c >= 'a' && c <= 'z') || c == 'E');
  }
}

// False: the string has ended.
bool Json::in_string(char c) {
  const bool room = string_.size() < longest_string;
  if (!hex_.empty()) {
    hex_.push_back(c);
    if (hex_.size() < 5) return true;
    unsigned code = 0;
    std::from_chars(hex_.data() + 1, hex_.data() + 5, code, 16);
    hex_.clear();
    if (room) unicode(code);
    return true;
  }
  if (!escape_) {
    if (c == '"') return false;
    escape_ = c == '\\';
    if (!escape_ && room) string_.push_back(c);
    return true;
  }
  escape_ = false;
  if (c == 'u') {
    hex_ = "u";
  } else if (room) {
    string_.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' || c == 'f' ? ' ' : c);
  }
  return true;
}

void Json::unicode(unsigned code) {
  if (code < 0x80) {
    string_.push_back(static_cast<char>(code));
  } else {
    string_.push_back('?');  // no word of a kernel
  }
}

void Json::open(bool list) {
  Container container;
  container.list = list;
  if (!open_.empty()) container.key = open_.back().key;
  open_.push_back(std::move(container));
  key_next_ = !list;
}

void Json::close(const Emit& emit) {
  Container done = std::move(open_.back());
  open_.pop_back();
  key_next_ = false;
  if (done.list) {
    if (done.bytes.empty() || open_.empty() || done.key != "MESSAGE") return;
    open_.back().message = std::move(done.bytes);
    open_.back().rank = 2;
  } else if (done.rank != 0 && (done.kernel || !done.other_program)) {
    lines(done.message, done.kernel, emit);
  }
}

void Json::string_ended(const Emit& emit) {
  in_string_ = false;
  if (open_.empty()) return;
  Container& here = open_.back();
  if (here.list) return lines(string_, false, emit);
  if (key_next_) {
    here.key = string_.substr(0, 80);
    return;
  }
  if (const unsigned rank = text_rank(here.key); rank > here.rank) {
    here.message = string_;
    here.rank = rank;
  } else if (one_of(here.key, program_keys)) {
    here.kernel = here.kernel || string_ == "kernel";
    here.other_program = here.other_program || string_ != "kernel";
  }
}

// A number: a byte of a message that is no text to journald.
void Json::bare_ended() {
  if (!bare_.empty() && !open_.empty() && open_.back().list && open_.back().bytes.size() < longest_string) {
    unsigned byte = 0;
    std::from_chars(bare_.data(), bare_.data() + bare_.size(), byte);
    open_.back().bytes.push_back(static_cast<char>(byte));
  }
  bare_.clear();
}

void Json::lines(const std::string& text, bool kernel, const Emit& emit) const {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    emit(kernel ? "kernel: " + std::string(line) : std::string(line), origin_);
  }
}

}  // namespace

std::unique_ptr<Form> json_form() { return std::make_unique<Json>(); }

}  // namespace labctl::crash
