// Lines that were laid out anew: broken at the width of a terminal or between words, or each written twice.
#include <algorithm>
#include <string>
#include <vector>

#include "labctl/crash/engine/message.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {
namespace {

constexpr std::size_t narrowest = 60, widest = 250;
constexpr std::size_t longest = 1024;
constexpr unsigned agreeing_lines = 2;

// A line that begins a message, in a log whose messages begin with a stamp.
bool stamped(std::string_view text) {
  if (text.empty()) return false;
  if (timestamp_length(text) != 0) return true;
  const char first = text.front();
  return (first == '[' || first == '<' || (first >= '0' && first <= '9')) &&
         text.substr(0, 40).find(':') != std::string_view::npos &&
         text.substr(0, 16).find_first_of("0123456789") != std::string_view::npos;
}

// A terminal that is copied from, or a serial line that is recorded, ends a long line at its width. Then many
// lines are as long as the longest, and what follows them has no stamp.
class Wrapped : public Form {
 public:
  bool watch(const Row& row) override {
    const std::size_t length = row.text.size();
    if (length > width_) {
      width_ = length;
      breaks_ = 0;
    } else if (full_ && !stamped(row.text) && (stamps_ || width_ == 80)) {
      ++breaks_;
    }
    const bool stamp = stamped(row.text);
    stamps_ = stamps_ || stamp;
    full_ = length == width_ && length >= narrowest && (stamp || full_ || !stamps_);
    return breaks_ >= agreeing_lines && width_ <= widest;
  }

  void read(const Row& row, const Emit& emit) override {
    const bool goes_on = full_line_ && !stamped(row.text) && text_.size() < longest;
    if (!goes_on) {
      finish(emit);
      origin_ = row.origin;
    }
    text_ += row.text;
    held_ = true;
    full_line_ = row.text.size() == width_;
  }

  void finish(const Emit& emit) override {
    if (held_) emit(text_, origin_);
    text_.clear();
    held_ = false;
  }

 private:
  std::size_t width_ = 0;
  unsigned breaks_ = 0;
  bool full_ = false, stamps_ = false;
  std::string text_;
  Origin origin_;
  bool held_ = false, full_line_ = false;
};

// A mail program breaks a long line at the last blank in front of its width: the first word of the next line,
// which has no stamp, would not have fitted.
class Words : public Form {
 public:
  bool watch(const Row& row) override {
    width_ = std::max(width_, row.text.size());
    if (stamped(row.text)) {
      stamps_ = true;
    } else if (stamps_) {
      ++(too_long_for_last(row.text) ? breaks_ : others_);
    }
    length_ = row.text.size();
    return breaks_ > agreeing_lines && others_ == 0 && width_ >= narrowest && width_ <= widest_mail;
  }

  void read(const Row& row, const Emit& emit) override {
    const bool goes_on = held_ && !stamped(row.text) && text_.size() < longest && too_long_for_last(row.text);
    if (goes_on) {
      text_ += ' ';
    } else {
      finish(emit);
      origin_ = row.origin;
    }
    text_ += row.text;
    held_ = true;
    length_ = row.text.size();
  }

  void finish(const Emit& emit) override {
    if (held_) emit(text_, origin_);
    text_.clear();
    held_ = false;
  }

 private:
  static constexpr std::size_t widest_mail = 132;

  bool too_long_for_last(std::string_view text) const {
    return !text.empty() && text.front() != ' ' &&
           length_ + 1 + std::min(text.find(' '), text.size()) > width_;
  }

  std::size_t width_ = 0, length_ = 0;
  unsigned breaks_ = 0, others_ = 0;
  bool stamps_ = false, held_ = false;
  std::string text_;
  Origin origin_;
};

// Two consoles, or a console and a log daemon, into one file.
class Twice : public Form {
 public:
  bool watch(const Row& row) override {
    const bool again = same(row.text, last_);
    alone_ = again ? 0 : alone_ + 1;
    if (alone_ > most_alone) pairs_ = 0;  // any log says something twice
    pairs_ += again ? 1 : 0;
    last_ = again ? std::string_view() : row.text;
    return pairs_ > agreeing_lines;
  }

  void read(const Row& row, const Emit& emit) override {
    const bool again = same(row.text, read_);
    read_ = again ? std::string_view() : row.text;
    if (!again) emit(row.text, row.origin);
  }

 private:
  static constexpr unsigned most_alone = 4;

  static std::string_view message(std::string_view line, std::vector<Message>& store) {
    split_messages(line, false, store);
    return store.empty() ? std::string_view() : store.back().text;
  }

  bool same(std::string_view one, std::string_view other) {
    constexpr std::size_t end = 6;
    if (one.size() < end || other.size() < end) return false;
    if (one.substr(one.size() - end) != other.substr(other.size() - end)) return false;
    return message(one, one_) == message(other, other_);
  }

  unsigned pairs_ = 0, alone_ = 0;
  std::string last_, read_;
  std::vector<Message> one_, other_;
};

}  // namespace

std::unique_ptr<Form> wrapped_form() { return std::make_unique<Wrapped>(); }
std::unique_ptr<Form> words_form() { return std::make_unique<Words>(); }
std::unique_ptr<Form> twice_form() { return std::make_unique<Twice>(); }

}  // namespace labctl::crash
