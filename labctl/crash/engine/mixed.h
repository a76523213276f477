// Reports of two processors line by line in each other, where the kernel does not tell who speaks. Internal
// to the room.
//
// A header that comes before the report in front of it has a body leaves two possibilities: that report was
// torn off, or both go on. Which it is only the lines behind tell, so the scanner reads on as if the first
// had been torn, and this remembers what was read. Once a line can only be the first's, or two processors
// have introduced themselves, every way of dealing the lines out is tried: each report says its processor,
// its instruction, its trace and its end in this order, and what a header says of task and place must hold. A
// line belongs to a report when it does so in all ways that are left; the others name nobody.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/engine/report.h"

namespace labctl::crash {

class Mixed {
 public:
  // The two may be in each other: close together, of kinds that say things in the order that is known.
  static bool possible(const Report& first, const Heading& second);

  Mixed(Report first, const Report& second);

  bool is_second(const Report& report) const { return report.told == second_.told; }
  Report& first() { return first_; }

  // Another header belongs to the first of them.
  bool first_absorbs(const Rule& header, bool consequence, std::string_view text) const;
  void first_absorb(const Rule& header, bool doubtful);
  // It belongs to the second, although that seems to be at its trace by now.
  bool second_absorbs(const Rule& header) const {
    return header.group == Group::die && second_.absorbs(header, false);
  }
  void second_absorb(const Rule& header, bool doubtful, bool late);

  void body(const BodyLine& line, std::string_view text);
  void frame(const Frame& frame);
  void lost();
  bool unheard() const { return !first_.told->flushed; }

  // The first is what remains of it, and `second`, which had read all lines, becomes what is surely its own.
  void settle(Report& second);

 private:
  // In the order in which a report has them.
  enum class Sort : std::uint8_t { detail, cpu, rip, trace, frame, end };
  struct Line {
    Sort sort;
    const BodyLine* body;
    std::string text;
    Frame frame;
    unsigned owners = 3;    // a bit for each that it may belong to
    unsigned early = 3;     // for each that may have it as the first line behind its processor
    bool repeated = false;  // it says what an earlier line said
  };
  // What a header says of the task that died and of the place.
  struct Facts {
    std::string task;   // "processor pid", empty when it does not say
    std::string place;  // "function+0x1/0x2"
    bool fault = false;
    bool instruction_first = false;  // its instruction stands in front of its trace for sure
  };
  struct Ways;

  static Facts facts(const Report& report);
  unsigned owners(const std::string Facts::*fact, const std::string& value) const;
  void keep(Line line);
  void deal(const Ways& ways, std::size_t who, Report& report) const;
  void nothing_fits();
  bool said(const std::string& place) const;
  bool one_instruction(const Ways& ways, std::size_t who) const;

  Report first_;
  Report second_;  // as it was opened
  std::array<Facts, 2> facts_;
  std::vector<Line> lines_;
  std::string task_;  // of the first processor that introduced itself
  bool proven_ = false;
  bool closed_ = false;  // what comes now are other processors' traces
};

}  // namespace labctl::crash
