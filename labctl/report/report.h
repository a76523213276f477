// One file per audience. Pure: values in, text out; who reads the bundle, writes the files or prints in
// colour is the hands' business. Whatever a guest said is bounded here, made visible and escaped.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "labctl/event/event.h"
#include "labctl/outcome/run_record.h"
#include "labctl/outcome/step.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/analysis.h"
#include "labctl/verdict/verdict.h"

namespace labctl::report {

// The matrix for people: one row per cell, with what each will do; where that is wider than `width` columns,
// the cells that will do the same below what it is.
std::string plan_table(const plan::Plan& plan, std::size_t width);

// The same as a grid of driver and content over everything else: the boots of each cell, what an exclude took
// and why, and the controls. At most `width` columns: a grid that is wider is turned or broken into blocks,
// and long names are cut in their middle.
std::string matrix_table(const plan::Plan& plan, const std::vector<plan::Excluded>& excluded,
                         std::size_t width);

// What each boot must show of the candidate: one sentence for the cells that prove the same.
std::string proved_table(const plan::Plan& plan, std::size_t width);

// Crash x channel: which channels reported each crash on purpose, and what stayed silent.
std::string canary_table(const outcome::Canary& canary);

struct Style {
  bool colour = false;
  std::size_t width = 0;  // columns at which lines are broken, between words; 0: nowhere
};

// The end of a run on a terminal: every cell with its ending, the findings behind it, what they have in
// common, the verdict and its reasons.
// Safe for a terminal and a log, whatever guests have said; the colours are labctl's own.
std::string summary(const verdict::Verdict& verdict, const plan::Plan& plan, Style style);

struct Headline {
  std::string word, sentence;  // "PASSED", "2 cells, 6 boots proved; ..."
  std::string text() const { return word + ": " + sentence; }
};
Headline headline(const verdict::Verdict& verdict, const plan::Plan& plan);

// The last word, one line: "PASSED: 2 cells, 6 boots proved".
std::string last_word(const verdict::Verdict& verdict, const plan::Plan& plan);

// ---- what the larger reports are made of: a bundle, read ----

struct Span {
  outcome::StepId step;
  Millis from{0}, to{0};
};

struct Mark {
  enum class Kind { reset, kernel, agent, finding, panic, stopped, lab };
  Kind kind = Kind::reset;
  Millis at{0};
  std::string text;
};

// One cell's life on one axis, from 0 to `end`. Bounded, however long the journal is.
struct Timeline {
  std::vector<Span> steps;  // of the story
  struct Life {             // between two firmware starts
    int number = 0;
    Millis from{0}, to{0};
    std::optional<Millis> up;  // the agent was there
  };
  std::vector<Life> lives;
  std::vector<Mark> marks;
  Millis end{0};
};
Timeline timeline(std::vector<Span> steps, const std::vector<event::Event>& journal);

struct Picture {
  std::string name, png;
};

struct CellRecord {
  Timeline timeline;
  std::map<std::string, std::string> payload;  // file on the CD -> sha256
  std::vector<Picture> pictures;
  std::vector<std::string> files;  // names in the cell's folder, for links
  // Of those of the outcome's findings that were looked up, by their index: where in the source each was, a
  // place on each line.
  std::map<std::size_t, std::vector<std::string>> places;
};

struct Record {
  std::string bundle;  // its folder's name
  outcome::RunRecord run;
  verdict::Verdict verdict;
  std::vector<CellRecord> cells;  // in the plan's order
};

// junit.xml: one testcase per cell. Whenever the verdict is not passed, something in it is red.
std::string junit(const Record& record);

// summary.md, for a merge request or a job's page: at most about half a mebibyte.
std::string markdown(const Record& record);

// report.html, self-contained: no script, nothing from elsewhere.
std::string html(const Record& record);

}  // namespace labctl::report
