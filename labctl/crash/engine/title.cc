// What makes a title stable: two crashes of one bug share it, on two kernels and on two days.
#include <re2/re2.h>

#include <array>
#include <string>

#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/engine/pattern.h"
#include "labctl/crash/engine/rust_symbol.h"

namespace labctl::crash {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool compiler_suffix(std::string_view suffix) {
  constexpr std::array<std::string_view, 6> names{"cold", "isra", "constprop", "part", "llvm", "lto_priv"};
  if (all_digits(suffix)) return true;
  for (const std::string_view name : names) {
    if (suffix == name) return true;
  }
  return false;
}

}  // namespace

std::string plain_function(std::string_view symbol) {
  symbol = symbol.substr(0, symbol.find("+0x"));
  if (symbol.ends_with("()")) symbol.remove_suffix(2);
  for (;;) {
    const std::size_t dot = symbol.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || !compiler_suffix(symbol.substr(dot + 1))) break;
    symbol = symbol.substr(0, dot);
  }
  std::string path = rust_path(symbol);
  return path.empty() ? std::string(symbol.substr(0, 120)) : path.substr(0, 120);
}

std::string plain_text(std::string_view text) {
  static const RE2 exit_code(",? exitcode=.*", latin1());
  static const RE2 address("\\b(?:0x[0-9a-fA-F]+|[0-9a-f]{8}(?:[0-9a-f]{8})?)\\b", latin1());
  static const RE2 number("\\b\\d+\\b", latin1());
  static const RE2 odd("[^ -~]+", latin1());
  std::string plain(text.substr(0, 160));
  RE2::GlobalReplace(&plain, exit_code, "");
  RE2::GlobalReplace(&plain, address, "ADDR");
  RE2::GlobalReplace(&plain, number, "NUM");
  RE2::GlobalReplace(&plain, odd, "?");
  while (!plain.empty() && (plain.back() == ' ' || plain.back() == '.')) plain.pop_back();
  return plain;
}

}  // namespace labctl::crash
