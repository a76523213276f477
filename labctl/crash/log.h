// A log that somebody hands over: the form that a collector, a terminal or a web page gave it is not known.
// A form is recognised where several lines agree on it, and read beside the text as it stands: it adds a
// reading and hides none, for a guest may print what looks like a form. Bounded in memory. A console that is
// read as it is written has a known form and goes to Scanner alone.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"

namespace labctl::crash {

class LogScanner {
 public:
  explicit LogScanner(std::optional<Os> os = {}, const std::vector<Signature>& signatures = {});
  ~LogScanner();
  LogScanner(LogScanner&&) noexcept;
  LogScanner& operator=(LogScanner&&) noexcept;

  // However the bytes are cut, the findings are the same.
  void feed(std::string_view bytes);

  // All findings, ordered by where they begin in the bytes, each crash once. The excerpt of a crash that only
  // a form shows is its text without the form. Call it once.
  std::vector<Finding> finish();

  // Whether a line was recognisably a kernel's: one with its timestamp, or a log's "kernel: ". A log may be
  // one without.
  bool kernel_spoke() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace labctl::crash
