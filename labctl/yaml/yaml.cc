#include "labctl/yaml/yaml.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>
#include <utility>

#include "labctl/base/text.h"

namespace labctl::yaml {
namespace {

constexpr std::size_t max_bytes = 1u << 20;
constexpr std::size_t max_depth = 32;  // a scenario has six
constexpr std::size_t max_mistakes = 100;

// Thrown through the parser to stop it; the reason has been recorded before.
struct Stop {};

Mark ours(const YAML::Mark& mark) {
  if (mark.is_null()) return {1, 1};
  return {mark.line + 1, mark.column + 1};
}

Mistake placed(const std::string& name, Mark mark, std::string what, std::string hint) {
  return {mark, {Fault::input, std::move(what), at(name, mark), std::move(hint)}};
}

// What no text file holds, checked before the library sees a byte.
std::optional<Mistake> refuse_bytes(std::string_view text, const std::string& name) {
  Mark mark{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) {
      return placed(name, mark, "this is not UTF-8 text", "save the file as UTF-8");
    }
    if (text[i] == '\0') {
      return placed(name, mark, "a NUL byte: this is not a text file", "save the file as UTF-8");
    }
    if (text[i] == '\n') {
      mark = {mark.line + 1, 1};
    } else {
      mark.column += static_cast<int>(length);
    }
    i += length;
  }
  return std::nullopt;
}

// Builds the tree from the library's events. Depth is counted here and the parser is stopped by an exception,
// so that neither its recursion nor ours ever goes deep.
class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& name, const Document& document, Parsed& parsed)
      : name_(name), document_(document), parsed_(parsed) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      stop(ours(mark), fmt::format("a second document: {} is one document", document_.called),
           "remove the line '---' before it");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(ours(mark), anchor);
    if (wants_key()) stop(ours(mark), "a key is missing before ':'", "");
    Node node;
    // An empty value has no place of its own; the key is what the author can see.
    node.mark = in_map() ? open_.back().keys.back().mark : ours(mark);
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(ours(mark), 1); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(ours(mark), anchor);
    refuse_tag(ours(mark), tag);
    for (std::size_t i = 0; i < value.size();) {
      const std::size_t length = utf8_length(std::string_view(value).substr(i));
      const auto byte = static_cast<unsigned char>(value[i]);
      if (length == 0 || (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
        stop(ours(mark), "a control character in this text", "");
      }
      i += length;
    }
    const bool plain = tag == "?";  // "!" is how the library marks quoted and block scalars
    if (wants_key()) {
      add_key({value, ours(mark), plain});
      return;
    }
    Node node;
    node.kind = Node::Kind::scalar;
    node.mark = ours(mark);
    node.text = value;
    node.plain = plain;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(ours(mark), tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(ours(mark), tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

  void mistake(Mark mark, std::string what, std::string hint) {
    if (parsed_.mistakes.size() < max_mistakes) {
      parsed_.mistakes.push_back(placed(name_, mark, std::move(what), std::move(hint)));
    }
  }

 private:
  [[noreturn]] void stop(Mark mark, std::string what, std::string hint) {
    mistake(mark, std::move(what), std::move(hint));
    throw Stop{};
  }

  void refuse_anchor(Mark mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      stop(mark, "anchors (&) and aliases (*) are not supported", "write the value out, or quote it");
  }

  void refuse_tag(Mark mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      stop(mark, fmt::format("tags such as '{}' are not supported", printable(tag, 40)),
           "remove it, or quote the text");
    }
  }

  bool in_map() const { return !open_.empty() && open_.back().kind == Node::Kind::map; }
  bool wants_key() const { return in_map() && open_.back().keys.size() == open_.back().items.size(); }

  void open(Mark mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (wants_key())
      stop(mark, "a key must be text", "a value that begins with '{' or '[' is text only in quotes");
    if (open_.size() >= max_depth) {
      stop(mark, fmt::format("nested deeper than {} levels", max_depth), "");
    }
    Node node;
    node.kind = kind;
    node.mark = mark;
    open_.push_back(std::move(node));
    seen_.emplace_back();
  }

  void close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    seen_.pop_back();
    add(std::move(node));
  }

  void add_key(Key key) {
    const auto [first, is_new] = seen_.back().try_emplace(key.text, key.mark);
    if (!is_new) {
      mistake(key.mark, fmt::format("duplicate key '{}'", printable(key.text, 60)),
              fmt::format("it is already at line {}, keep one of them", first->second.line));
    }
    open_.back().keys.push_back(std::move(key));
  }

  void add(Node node) {
    if (open_.empty()) {
      parsed_.root = std::move(node);
    } else {
      open_.back().items.push_back(std::move(node));
    }
  }

  const std::string& name_;
  const Document& document_;
  Parsed& parsed_;
  int documents_ = 0;
  std::vector<Node> open_;                         // the lists and maps we are inside of
  std::vector<std::map<std::string, Mark>> seen_;  // the keys of each
};

// The line, for a hint about what the parser stumbled over.
std::string_view line_of(std::string_view text, int line) {
  for (; line > 1 && !text.empty(); --line) {
    const std::size_t end = text.find('\n');
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::string syntax_hint(std::string_view text, int line) {
  const std::string_view content = line_of(text, line);
  const std::size_t indent = content.find_first_not_of(" \t");
  if (content.substr(0, indent).find('\t') != std::string_view::npos)
    return "indent with spaces, not with tabs";
  if (content.find("${") != std::string_view::npos) return "inside { } and [ ], ${...} must be in quotes";
  if (indent != std::string_view::npos && (content.find("%") == indent || content.find('`') != content.npos ||
                                           content.find('@') != content.npos)) {
    return "text with special characters must be in quotes";
  }
  return "";
}

// The library's words for the commonest slips, in the author's.
std::string syntax_error(const std::string& message) {
  if (message.find("anchor") != std::string::npos) return "anchors (&) and aliases (*) are not supported";
  if (message == "end of map flow not found") return "not valid YAML: a '{' before this has no '}'";
  if (message == "end of sequence flow not found") return "not valid YAML: a '[' before this has no ']'";
  return fmt::format("not valid YAML: {}", printable(message, 200));
}

}  // namespace

std::string at(const std::string& name, Mark mark) {
  return name + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

const Node* Node::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

Parsed parse_yaml(std::string_view text, const std::string& name, const Document& document) {
  Parsed parsed;
  if (text.size() > max_bytes) {
    parsed.mistakes.push_back(
        placed(name, {1, 1}, fmt::format("larger than 1 MiB: this is not {}", document.called), ""));
    return parsed;
  }
  if (auto error = refuse_bytes(text, name)) {
    parsed.mistakes.push_back(std::move(*error));
    return parsed;
  }
  Builder builder(name, document, parsed);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    parsed.root.reset();
  } catch (const YAML::Exception& error) {
    const Mark mark = ours(error.mark);
    builder.mistake(mark, syntax_error(error.msg), syntax_hint(text, mark.line));
    parsed.root.reset();
  }
  if (!parsed.root && parsed.mistakes.empty()) {
    parsed.mistakes.push_back(placed(name, {1, 1}, "the file is empty", document.begins));
  }
  return parsed;
}

}  // namespace labctl::yaml
