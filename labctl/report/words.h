// Sentences and pieces of text that several reports share. Only for this room.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/report/report.h"

namespace labctl::report {

std::string plural(std::size_t count, const std::string& word);

// "60 clean boots: a crash in more than 1 of 20 boots is ruled out with 95 % confidence".
std::string boots_in_words(int clean_boots);
std::string statistics_in_words(const verdict::Statistics& statistics);

// Of a run with Windows guests: what labctl's word on them rests on. Empty for any other.
std::string windows_in_words(const plan::Plan& plan);

// Which side of the matrix a problem is on: the driver, the content, only the pair, the lab, or that this
// matrix cannot tell. `affected` are ids of cells.
std::string whose_fault(const plan::Plan& plan, const verdict::Verdict& verdict,
                        const std::set<std::string>& affected);

// "passed", "crashed", "crashed, as expected".
std::string outcome_in_words(const outcome::Outcome& outcome);

// "lab-failed after 1m 20s, in crate.lab-failed-1: the disk is full".
std::string attempt_in_words(const outcome::Attempt& attempt);

// "waived by kim until 2026-12-31: bug 4711".
std::string acceptance_in_words(const scenario::Acceptance& entry);

// What became of each waiver in this state: "'BUG in sensor_match' (kim, until 2026-12-31)".
std::vector<std::string> waivers_in_words(const verdict::Verdict& verdict, verdict::WaiverState state);

// What the policy let pass: "'WARNING in sensor_tick' (policy.warnings=allow, 2 cells)".
std::vector<std::string> weaknesses_in_words(const verdict::Verdict& verdict);

// What the candidate's cells log as an error and no control does: "'sensor: no buffers' (2 cells)".
std::vector<std::string> new_errors_in_words(const verdict::Verdict& verdict);

// The cells that failed for the guest's fault.
std::set<std::string> failed_cells(const verdict::Verdict& verdict);

// Where in the source a cell's finding was, each on a line of its own; empty when nobody knows.
std::string places_text(const Record& record, std::size_t cell, std::size_t finding);

// The first lines of a finding's text, visible(), at most `lines` of them and about `bytes` bytes.
std::string excerpt(const crash::Finding& finding, std::size_t lines, std::size_t bytes);

// ", reported by console as well, and not by screen"; empty for a finding of one channel.
std::string channels_in_words(const outcome::Observation& seen);

// "oops, in module sensor, console.log line 17 (byte 688), boot 0".
std::string place(const outcome::Observation& seen);

// The command that runs this cell again, from the folder where the run was started.
std::string run_again(const Record& record, const std::string& cell);

// "2026-11-22T00:33:38", in UTC; empty when run.json does not say it.
std::string started_at(const Record& record);

}  // namespace labctl::report
