// What each file with regular expressions needs of RE2.
#pragma once

#include <re2/re2.h>

#include <string_view>

namespace labctl::crash {

// A console is bytes, in no encoding that can be relied on. A pattern that does not compile is the caller's
// to report, not RE2's to print.
inline RE2::Options latin1() {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  return options;
}

inline std::string_view view(const re2::StringPiece& text) { return {text.data(), text.size()}; }

}  // namespace labctl::crash
