// Records in lines: a journal's fields, and what /dev/kmsg and extended netconsole send.
#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "labctl/crash/engine/pattern.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {
namespace {

constexpr std::size_t longest = 1U << 16;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// journalctl -o export, and -o verbose, which indents the fields.
class Export : public Form {
 public:
  bool watch(const Row& row) override {
    const std::string_view text = field(row.text);
    if (text.starts_with("__CURSOR=") || text.starts_with("__REALTIME_TIMESTAMP=") ||
        text.starts_with("_BOOT_ID=") || text.starts_with("_TRANSPORT="))
      ++seen_;
    return seen_ >= 2;
  }

  void read(const Row& row, const Emit& emit) override {
    const std::string_view text = field(row.text);
    // Verbose records begin with a line of their own.
    if (text.starts_with("__CURSOR=") || row.text.find(" [s=") != std::string_view::npos) end(emit);
    if (binary_) {
      // The length of the field, eight bytes, stands before it; controls have been taken out already.
      message_ = text.substr(std::min(text.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ<[- ("), text.size()));
      binary_ = false;
      origin_ = row.origin;
    } else if (text == "MESSAGE") {
      binary_ = true;
    } else if (text.starts_with("MESSAGE=")) {
      message_ = text.substr(8, longest);
      origin_ = row.origin;
    } else if (text == "_TRANSPORT=kernel" || text == "SYSLOG_IDENTIFIER=kernel") {
      kernel_ = true;
    }
  }

  void finish(const Emit& emit) override { end(emit); }

 private:
  static std::string_view field(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(' ');
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
  }

  void end(const Emit& emit) {
    if (kernel_ && !message_.empty()) emit(fmt::format("kernel: {}", message_), origin_);
    message_.clear();
    kernel_ = binary_ = false;
  }

  unsigned seen_ = 0;
  std::string message_;
  Origin origin_;
  bool kernel_ = false;
  bool binary_ = false;
};

// "4,416,1758426,-,caller=T77,ncfrag=0/67;text", after the kernel's release when netconsole was asked for it.
class Kmsg : public Form {
 public:
  bool watch(const Row& row) override {
    if (!parse(row.text)) return false;
    return ++seen_ >= 3;
  }

  void read(const Row& row, const Emit& emit) override {
    if (!parse(row.text)) {
      end(emit);
      if (!row.text.starts_with(' ')) emit(row.text, row.origin);  // " SUBSYSTEM=usb" belongs to the record
      return;
    }
    if (fragment_ && fragments_ != 0 && number_ == open_number_ && text_.size() < longest) {
      text_ += rest_;
      return;
    }
    end(emit);
    text_ = rest_;
    head_ = head();
    origin_ = row.origin;
    open_number_ = number_;
    fragments_ = 1;
    if (!fragment_) end(emit);
  }

  void finish(const Emit& emit) override { end(emit); }

 private:
  bool parse(std::string_view text) {
    static const RE2 record(
        R"((?:[0-9][\w.+~-]{2,60},)?\d{1,4},(\d{1,20}),(\d{1,20}),[-c+]((?:,[a-z]+=[^,;]{1,40})*);(.*))",
        RE2::Latin1);
    if (text.empty() || text.front() < '0' || text.front() > '9') return false;
    re2::StringPiece number, time, keys, rest;
    if (!RE2::FullMatch(piece(text), record, &number, &time, &keys, &rest)) return false;
    number_ = view(number);
    time_ = view(time);
    keys_ = view(keys);
    rest_ = view(rest);
    fragment_ = keys_.find("ncfrag=") != std::string_view::npos;
    return true;
  }

  std::string head() const {
    std::string micro(time_);
    if (micro.size() < 7) micro.insert(0, 7 - micro.size(), '0');
    std::string head = "[" + micro.substr(0, micro.size() - 6) + "." + micro.substr(micro.size() - 6) + "]";
    const std::size_t caller = keys_.find("caller=");
    if (caller != std::string_view::npos) {
      const std::string_view who = keys_.substr(caller + 7);
      head += "[" + std::string(who.substr(0, who.find(','))) + "]";
    }
    return head + " ";
  }

  // A message of several lines has "\x0a" in it.
  void end(const Emit& emit) {
    if (fragments_ == 0) return;
    fragments_ = 0;
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::size_t newline = rest.find("\\x0a");
      emit(head_ + std::string(rest.substr(0, newline)), origin_);
      rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 4);
    }
  }

  unsigned seen_ = 0;
  std::string_view time_, keys_, rest_;
  std::string number_, open_number_, text_, head_;
  bool fragment_ = false;
  unsigned fragments_ = 0;
  Origin origin_;
};

}  // namespace

std::unique_ptr<Form> export_form() { return std::make_unique<Export>(); }
std::unique_ptr<Form> kmsg_form() { return std::make_unique<Kmsg>(); }

}  // namespace labctl::crash
