// Text that was made fit for something else: a web page, a mail, a log that shows controls.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "labctl/crash/engine/pattern.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {
namespace {

bool hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); }

class Markup : public Form {
 public:
  bool watch(const Row& row) override {
    static const RE2 sign(
        R"(&(?:lt|gt|amp|quot|nbsp|#\d{2,4}|#x[0-9a-fA-F]{2});|(?:\^\[|#033|\\033|\\x1b|\\e|\\u001b|<ESC>)\[[\d;]*[mK]|#011|</?(?:span|div|br|code|p|td|li)\b|=(?:3D|20|09)\b|[^=]=$|\xc2\xa0)",
        latin1());
    if (!may_have(row.text)) return false;
    return RE2::PartialMatch(re2::StringPiece(row.text.data(), row.text.size()), sign) && ++seen_ >= 2;
  }

  void read(const Row& row, const Emit& emit) override {
    std::string text = quoted_printable(row.text);
    // A row of "=" is a kernel's own; in a mail each would be "=3D".
    const bool goes_on = text.ends_with('=') && !text.ends_with("==") && row.text.size() >= 60;
    if (open_.empty()) origin_ = row.origin;
    if (goes_on) {
      text.pop_back();
      open_ += text;
      if (open_.size() < 8192) return;
      text.clear();
    }
    emit(plain(std::exchange(open_, {}) + text), origin_);
  }

  void finish(const Emit& emit) override {
    if (!open_.empty()) emit(plain(open_), origin_);
  }

 private:
  static bool begins_sign(char c, char next) {
    switch (c) {
      case '&':
      case '\\':
        return true;
      case '^':
        return next == '[';
      case '#':
        return next == '0';
      case '<':
        return next == '/' || next == 's' || next == 'E';
      case '=':
        return next == '\0' || next == '0' || next == '2' || next == '3';
      case '\xc2':
        return next == '\xa0';
      default:
        return false;
    }
  }

  // Nearly every line has none of these.
  static bool may_have(std::string_view text) {
    for (const char first : std::string_view("&^#\\<=\xc2")) {
      for (std::size_t at = text.find(first); at != std::string_view::npos; at = text.find(first, at + 1)) {
        if (begins_sign(first, at + 1 < text.size() ? text[at + 1] : '\0')) return true;
      }
    }
    return false;
  }

  static std::string quoted_printable(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '=' || at + 2 >= text.size() || !hex(text[at + 1]) || !hex(text[at + 2]) ||
          text[at + 1] > '7') {
        out.push_back(text[at]);
        continue;
      }
      const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'A' + 10; };
      const int code = digit(text[at + 1]) * 16 + digit(text[at + 2]);
      if (code != 0x3D && code != 0x20 && code != 0x09 && code != 0x5B && code != 0x5D) {
        out.push_back(text[at]);
        continue;
      }
      out.push_back(static_cast<char>(code));
      at += 2;
    }
    return out;
  }

  static std::string plain(std::string text) {
    static const RE2 tag(
        R"(</?(?i:pre|span|div|br|code|p|td|tr|table|tbody|li|ul|ol|a|b|i|em|font|html|body|head|tt)\b[^>]{0,200}>)",
        latin1());
    static const RE2 colour(R"((?:\^\[|#033|\\033|\\x1b|\\e|\\u001b|<ESC>)\[[\d;]*[mK])", latin1());
    RE2::GlobalReplace(&text, tag, "");
    RE2::GlobalReplace(&text, colour, "");
    constexpr std::array<std::pair<const char*, const char*>, 17> words{{{"&lt;", "<"},
                                                                         {"\xc2\xa0", " "},
                                                                         {"&gt;", ">"},
                                                                         {"&quot;", "\""},
                                                                         {"&#34;", "\""},
                                                                         {"&#39;", "'"},
                                                                         {"&#x27;", "'"},
                                                                         {"&#43;", "+"},
                                                                         {"&#x2B;", "+"},
                                                                         {"&#60;", "<"},
                                                                         {"&#62;", ">"},
                                                                         {"&#91;", "["},
                                                                         {"&#93;", "]"},
                                                                         {"&nbsp;", " "},
                                                                         {"&#160;", " "},
                                                                         {"#011", "\t"},
                                                                         {"&amp;", "&"}}};
    for (const auto& [from, to] : words) {
      for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1))
        text.replace(at, std::string_view(from).size(), to);
    }
    return text;
  }

  unsigned seen_ = 0;
  std::string open_;  // a line that a mail broke
  Origin origin_;
};

}  // namespace

std::unique_ptr<Form> markup_form() { return std::make_unique<Markup>(); }

}  // namespace labctl::crash
