// Places in the kernel and the lines of call traces, read by hand: a log that is all crashes is mostly these.
#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {
namespace {

bool hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool symbol_char(char c) { return c > ' ' && c != '+' && c != '[' && c != '(' && c != ')' && c != '='; }
bool module_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::size_t hex_length(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && hex(text[end])) ++end;
  return end - at;
}

// " [sensor]", " [sensor 0123...]" with a build id, " [sensor(OE)]".
std::string_view module_behind(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (!text.starts_with('[')) return {};
  std::size_t end = 1;
  while (end < text.size() && module_char(text[end])) ++end;
  if (end == 1 || end >= text.size() || end > 64) return {};
  return text[end] == ']' || text[end] == ' ' || text[end] == '(' ? text.substr(1, end - 1)
                                                                  : std::string_view();
}

// " [<ffffffff81000000>]" or "[c000000000000000]", as older kernels and other processors print addresses.
bool skip_address(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  if (!text.starts_with('[')) return false;
  const std::size_t begin = text.starts_with("[<") ? 2 : 1;
  const std::size_t length = hex_length(text, begin);
  const std::string_view close = begin == 2 ? ">]" : "]";
  if (!text.substr(begin + length).starts_with(close)) return false;
  text.remove_prefix(begin + length + close.size());
  return true;
}

}  // namespace

Place parse_place(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && end < 512 && symbol_char(text[end])) ++end;
  if (end == 0 || !text.substr(end).starts_with("+0x")) return {};
  const std::size_t offset = hex_length(text, end + 3);
  std::size_t at = end + 3 + offset;
  if (offset == 0 || !text.substr(at).starts_with("/0x")) return {};
  at += 3 + hex_length(text, at + 3);
  return Place{plain_function(text.substr(0, end)), std::string(module_behind(text.substr(at)))};
}

// "0704c00180000000 000003ff801e59e4 (foo+0x1/0x2", "<foo+0x1/0x2": words that are numbers alone, brackets.
Place parse_register_place(std::string_view text) {
  for (;;) {
    while (skip_address(text)) {
    }
    const std::size_t number = hex_length(text, 0);
    if (text.starts_with(' ') || text.starts_with('(') || text.starts_with('<'))
      text.remove_prefix(1);
    else if (number >= 8 && text.substr(number).starts_with(' '))
      text.remove_prefix(number);
    else
      return parse_place(text);
  }
}

// "<NMI>  [<ffffffff8105f8ef>] foo+0x1/0x2": kernels up to 4.x mark another stack in the line.
void skip_stack_mark(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (!text.starts_with('<')) return;
  const std::size_t end = text.find_first_not_of("<#ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  if (end == std::string_view::npos || end < 3 || text[end] != '>') return;
  text.remove_prefix(text.substr(end).starts_with(">>") ? end + 2 : end + 1);
}

bool parse_frame(std::string_view text, Frame& frame) {
  if (text.find("+0x") == std::string_view::npos) return false;
  skip_stack_mark(text);
  while (skip_address(text)) {
  }
  frame.trusted = true;
  if (text.starts_with("? ")) {
    frame.trusted = false;
    text.remove_prefix(2);
  }
  while (text.starts_with(' ')) text.remove_prefix(1);
  // ARM: "[<80110>] (unwind) from [<80111>] (show_stack+0x1/0x2)" or " unwind from show_stack+0x1/0x2".
  const std::size_t from = text.substr(0, 256).find(" from ");
  if (from != std::string_view::npos) {
    text.remove_prefix(from + 6);
    skip_address(text);
    while (text.starts_with(' ') || text.starts_with('(')) text.remove_prefix(1);
  }
  frame.place = parse_place(text);
  return !frame.place.empty();
}

}  // namespace labctl::crash
