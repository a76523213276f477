// From bytes to lines. A console is a stream that anything may have written: it is cut at LF and CR (a CR
// also ends what a progress display redraws), only the unfinished line is kept between two chunks, so that
// chunks may be split anywhere, and a longer line than fits is handed out in pieces. Internal to the room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace labctl::crash {

class Lines {
 public:
  static constexpr std::size_t longest = 8192;

  struct Line {
    std::string_view text;     // never empty when handed out; without the byte that ended it
    std::uint64_t offset = 0;  // of its first byte in the stream
    std::uint64_t number = 1;  // counted from 1, by LF
    bool continued = false;    // the rest of an overlong line
  };

  // Calls `read` with each line that ends in `bytes`, empty ones excepted.
  template <typename Read>
  void feed(std::string_view bytes, Read&& read);

  // The line that has not ended; its text may be empty.
  Line partial() const { return {partial_, partial_offset_, number_, continued_}; }
  // The last line that was not empty, at most 512 bytes.
  const std::string& last() const { return last_; }

 private:
  static constexpr std::size_t last_limit = 512;

  template <typename Read>
  void piece(std::string_view text, bool ended, Read&& read);
  template <typename Read>
  void take(std::string_view bytes, Read&& read);
  static std::size_t cut_point(std::string_view line);

  std::string partial_;
  std::uint64_t partial_offset_ = 0;
  std::uint64_t number_ = 1;
  bool continued_ = false;
  std::string last_;
};

template <typename Read>
void Lines::feed(std::string_view bytes, Read&& read) {
  std::string_view latest;
  while (!bytes.empty()) {
    const void* newline = std::memchr(bytes.data(), '\n', bytes.size());
    const std::size_t end = newline == nullptr
                                ? bytes.size()
                                : static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data());
    std::string_view text = bytes.substr(0, end);
    for (;;) {
      const std::size_t carriage = text.empty() ? std::string_view::npos : text.find('\r');
      const std::string_view part = text.substr(0, carriage);
      if (!part.empty()) latest = partial_.empty() ? part : std::string_view();
      piece(part, carriage != std::string_view::npos || end < bytes.size(), read);
      if (carriage == std::string_view::npos) break;
      text.remove_prefix(carriage + 1);
      if (text.empty() && end == bytes.size()) break;
    }
    if (end < bytes.size()) ++number_;
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  if (!latest.empty()) last_ = latest.substr(0, last_limit);
}

template <typename Read>
void Lines::piece(std::string_view text, bool ended, Read&& read) {
  if (ended && partial_.empty() && !continued_ && text.size() <= longest) {  // the usual case copies nothing
    if (!text.empty()) read(Line{text, partial_offset_, number_, false});
    partial_offset_ += text.size() + 1;
    return;
  }
  take(text, read);
  if (!partial_.empty() && !text.empty()) last_ = partial_.substr(0, last_limit);
  if (!ended) return;
  if (!partial_.empty()) read(partial());
  partial_offset_ += partial_.size() + 1;
  partial_.clear();
  continued_ = false;
}

template <typename Read>
void Lines::take(std::string_view bytes, Read&& read) {
  while (!bytes.empty()) {
    if (partial_.size() == longest) {
      const std::size_t at = cut_point(partial_);
      read(Line{std::string_view(partial_).substr(0, at), partial_offset_, number_, continued_});
      partial_.erase(0, at);
      partial_offset_ += at;
      continued_ = true;
    }
    const std::size_t count = std::min(bytes.size(), longest - partial_.size());
    partial_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
  }
}

// Where to cut an overlong line: behind a record of an event log, which is saved as one line, or in front of
// what may be a timestamp, so that no message is torn.
inline std::size_t Lines::cut_point(std::string_view line) {
  constexpr std::string_view record = "</Event>";
  if (const std::size_t at = line.rfind(record); at != std::string_view::npos) return at + record.size();
  constexpr std::size_t window = 512;
  for (std::size_t at = line.size() - 1; at > line.size() - window; --at) {
    if (line[at] != '[') continue;
    if (at + 1 == line.size() || line[at + 1] == ' ' || (line[at + 1] >= '0' && line[at + 1] <= '9'))
      return at;
  }
  return line.size();
}

}  // namespace labctl::crash
