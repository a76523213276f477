// One report while it is being read, from its header to its end. Internal to the room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {

// Where a report begins in the raw stream, with the raw bytes read since.
struct Start {
  std::uint64_t offset = 0;
  std::uint64_t line = 0;
  std::string excerpt;
};

// What the header says.
struct Heading {
  const Rule* rule = nullptr;
  std::string what;
  Place place;
  bool doubtful = false;  // it holds a conversion of printf(): the words of a program that could say it
  std::string words;      // the header itself, at most 512 bytes
  double time = 0;        // seconds of the kernel's timestamp, 0 without one
};

class Report {
 public:
  Report(Heading heading, const Prelude* prelude, Start start, std::string_view caller);

  // Another header that belongs to this report.
  bool absorbs(const Rule& header, bool consequence) const;
  void absorb(const Rule& header, bool doubtful);

  void body(const BodyLine& line, std::string_view text);
  void frame(const Frame& frame);
  void ordinary(bool own);  // a line that belongs to no report; `own`: from this report's processor or task
  void raw(std::string_view line, std::string_view clean);  // as it came, and without controls
  void lost() { lost_ = true; }
  void cut() { cut_ = true; }  // another report begins before this one ended

  // No more lines are to be expected.
  bool over() const;
  bool confirmed() const;
  bool read_anything() const { return proofs_ != 0; }
  unsigned lines() const { return lines_; }
  const std::string& caller() const { return caller_; }
  const Rule& rule() const { return *heading_.rule; }
  const Heading& heading() const { return heading_; }
  bool fatal() const { return severity_ == Severity::fatal; }
  // Nothing was read behind its headers but what the processor stumbled over.
  bool bare() const;

  // Lines that may be its own may be another's as well.
  void torn() { torn_ = true; }
  void surely(Proof proof) { prove(proof); }  // it has such a line, whichever of two
  void add_text(const Report& behind);        // the raw lines of one that began later
  void take_text(Report& from);               // the raw lines that another self has read

  std::string noise;  // why it does not count while it is only a warning

  // What it amounts to; nothing when it never was a report.
  std::optional<Finding> finding() const;

  // What has been emitted of it: a flush emits a report as it stands, and it may grow afterwards. Copies
  // share it, for what one of them emitted has been emitted.
  struct Told {
    bool flushed = false;
    bool told = false;
    bool confirmed = false;
    Severity severity = Severity::warning;
  };
  std::shared_ptr<Told> told = std::make_shared<Told>();
  bool news() const {
    return !told->told || (!told->confirmed && confirmed()) ||
           (told->severity == Severity::warning && severity_ == Severity::fatal);
  }
  // More was read, so a flush may have more to emit.
  void grew() { told->flushed = told->flushed && !news(); }

 private:
  void prove(Proof proof) { proofs_ |= 1U << static_cast<unsigned>(proof); }
  bool proved(Proof proof) const { return (proofs_ & (1U << static_cast<unsigned>(proof))) != 0; }
  void place(std::string_view text);
  void others_trace();
  void headless_line(std::string_view text);
  bool credible() const;  // enough was read for what the header is worth
  bool wants_interrupted() const;
  bool stuck() const;
  Place likely_culprit() const;
  Place culprit() const;
  std::string module(const Place& culprit) const;
  std::string title(const Place& culprit) const;
  std::string corrupted() const;

  Heading heading_;
  const char* base_;
  Kind kind_;
  Severity severity_;
  Start start_;
  std::string caller_;
  std::string handler_;       // the module of a function that should have cared
  Place held_;                // of the first lock that the task holds
  Place lock_;                // where the first lock of the report is taken
  Place place_;               // of the instruction pointer
  std::vector<Place> trace_;  // trustworthy frames of the trace that counts
  unsigned proofs_ = 0;
  unsigned registers_ = 0;
  unsigned specials_ = 0;
  unsigned since_ = 0;    // own ordinary lines since the last line of a body
  unsigned foreign_ = 0;  // ordinary lines of others since then
  unsigned lines_ = 0;
  bool sure_ = false;    // a header that it absorbed would be reported by itself
  bool died_ = false;    // an instruction that only a fault stops at, or a kernel that died before
  bool warned_ = false;  // the instruction of a BUG() or a WARN()
  bool trace_begun_ = false;
  bool trace_closed_ = false;
  bool waiter_ = false;       // the trace is that of a thread that only waits for the stall's end
  bool self_dumped_ = false;  // a module printed the backtrace itself
  bool panic_frame_ = false;
  bool panicked_ = false;
  bool lost_ = false;
  bool cut_ = false;
  bool torn_ = false;
};

}  // namespace labctl::crash
