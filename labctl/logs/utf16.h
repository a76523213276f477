// UTF-16, in which Windows' shells and tools write text into files, to UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace labctl::logs {

// Takes the bytes in pieces of any size. Half a character at a cut is kept; a broken one becomes '?'.
class Utf16 {
 public:
  // Nothing when a text that begins so is not marked as UTF-16.
  static std::optional<Utf16> of(std::string_view head);

  std::string decode(std::string_view bytes);

 private:
  explicit Utf16(bool big) : big_(big) {}
  void unit(unsigned value, std::string& out);

  bool big_;
  bool marked_ = false;  // the mark was read
  std::string half_;     // a byte
  unsigned high_ = 0;    // the first of a pair
};

}  // namespace labctl::logs
