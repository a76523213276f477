#include "labctl/report/words.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::report {

std::string plural(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string boots_in_words(int clean_boots) {
  if (clean_boots <= 0) return "no clean boot: no crash rate is ruled out";
  const std::string boots = plural(static_cast<std::size_t>(clean_boots), "clean boot");
  if (clean_boots <= 3)
    return fmt::format("{}: too few to rule out any crash rate but one at every boot", boots);
  // Rounded towards the weaker claim.
  const std::string rate =
      clean_boots < 6 ? fmt::format("3 of {}", clean_boots) : fmt::format("1 of {}", clean_boots / 3);
  return fmt::format("{}: a crash in more than {} boots is ruled out with 95 % confidence", boots, rate);
}

std::string windows_in_words(const plan::Plan& plan) {
  const bool any = std::any_of(plan.cells.begin(), plan.cells.end(),
                               [](const auto& cell) { return cell.guest.os == scenario::Os::windows; });
  return any ? "Windows guests: labctl was tried on a stand-in and on bytes of real systems, and on no "
               "running "
               "Windows; 'labctl prove-windows IMAGE' says what holds of an image"
             : "";
}

std::string statistics_in_words(const verdict::Statistics& statistics) {
  const std::string proved = fmt::format("{} with the candidate proved",
                                         plural(static_cast<std::size_t>(statistics.boots_proved), "boot"));
  if (statistics.failed)
    return fmt::format("{}; a failure was observed, so there is no bound on the crash rate", proved);
  return proved + "; " + boots_in_words(statistics.clean_boots);
}

std::set<std::string> failed_cells(const verdict::Verdict& verdict) {
  std::set<std::string> failed;
  for (const auto& outcome : verdict.cells)
    if (outcome::is_guest_failure(outcome.ending) && !outcome.expected) failed.insert(outcome.cell);
  return failed;
}

std::string places_text(const Record& record, std::size_t cell, std::size_t finding) {
  if (cell >= record.cells.size()) return {};
  const auto& places = record.cells[cell].places;
  const auto found = places.find(finding);
  std::string text;
  if (found == places.end()) return text;
  for (const auto& place : found->second) text += printable(place, 500) + "\n";
  return text;
}

std::string excerpt(const crash::Finding& finding, std::size_t lines, std::size_t bytes) {
  std::string_view text = finding.excerpt;
  std::size_t end = 0;
  for (std::size_t i = 0; i < lines && end < text.size(); ++i) {
    const auto newline = text.find('\n', end);
    end = newline == std::string_view::npos ? text.size() : newline + 1;
  }
  const bool cut = end < text.size();
  std::string shown = visible(trim(text.substr(0, end)), bytes);
  return cut && !shown.empty() ? shown + "\n\u2026" : shown;
}

std::string channels_in_words(const outcome::Observation& seen) {
  std::string text;
  if (!seen.also.empty())
    text += fmt::format(", reported by {} as well", join(event::names_of(seen.also), ", "));
  if (!seen.silent.empty()) text += fmt::format(", and not by {}", join(event::names_of(seen.silent), ", "));
  return text;
}

std::string place(const outcome::Observation& seen) {
  std::string text = crash::to_string(seen.finding.kind);
  if (!seen.finding.module.empty()) text += fmt::format(", in module {}", seen.finding.module);
  text += fmt::format(", boot {}", seen.boot);
  if (seen.finding.line == 0)
    return fmt::format("{}, reported by {}{}", text, event::to_string(seen.channel), channels_in_words(seen));
  if (seen.channel == event::Channel::console)
    return fmt::format("{}, console.log line {} (byte {}){}", text, seen.finding.line, seen.finding.offset,
                       channels_in_words(seen));
  return fmt::format("{}, {} line {}{}", text, event::to_string(seen.channel), seen.finding.line,
                     channels_in_words(seen));
}

std::string run_again(const Record& record, const std::string& cell) {
  const auto& scenario = record.run.scenario;
  std::string command =
      fmt::format("labctl run {}", shell_quote(scenario.file.empty() ? "SCENARIO" : scenario.file));
  for (const auto& [name, value] : scenario.set)
    command += fmt::format(" --set {}", shell_quote(name + "=" + value));
  return cell.empty() ? command : fmt::format("{} --only {}", command, shell_quote(cell));
}

std::string started_at(const Record& record) {
  const std::string& began = record.run.began;
  static constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  if (began.size() != shape.size()) return {};
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == '0' ? began[i] < '0' || began[i] > '9' : began[i] != shape[i]) return {};
  return began.substr(0, began.size() - 1);
}

std::string outcome_in_words(const outcome::Outcome& outcome) {
  return std::string(outcome::to_string(outcome.ending)) + (outcome.expected ? ", as expected" : "") +
         (outcome.kept ? fmt::format(", on {} in {}", printable(outcome.kept->made, 40),
                                     printable(outcome.kept->run, 120))
                       : "");
}

std::string attempt_in_words(const outcome::Attempt& attempt) {
  std::string text = outcome::to_string(attempt.ending);
  text += fmt::format(" after {}, in {}", show_duration(attempt.took), printable(attempt.records, 200));
  if (!attempt.reason.empty()) text += ": " + printable(attempt.reason, 400);
  return text;
}

std::string acceptance_in_words(const scenario::Acceptance& entry) {
  return fmt::format("{} by {} until {}: {}", scenario::to_string(entry.as), printable(entry.owner, 60),
                     show_date(entry.until), printable(entry.reason));
}

std::vector<std::string> waivers_in_words(const verdict::Verdict& verdict, verdict::WaiverState state) {
  std::vector<std::string> titles;
  for (const auto& use : verdict.waivers)
    if (use.state == state)
      titles.push_back("'" + printable(use.waiver.title) + "' (" + printable(use.waiver.owner, 60) +
                       (state == verdict::WaiverState::expired ? ", expired on " : ", until ") +
                       show_date(use.waiver.until) + ")");
  return titles;
}

std::vector<std::string> weaknesses_in_words(const verdict::Verdict& verdict) {
  std::vector<std::string> words;
  for (const auto& [option, title, cells] : verdict.weaker)
    words.push_back("'" + printable(title) + "' (" + option +
                    (option == verdict::warnings_option ? "=allow" : "") + ", " +
                    plural(cells.size(), "cell") + ")");
  return words;
}

std::vector<std::string> new_errors_in_words(const verdict::Verdict& verdict) {
  std::vector<std::string> words;
  for (const auto& [title, cells] : verdict.new_errors)
    words.push_back("'" + printable(title) + "' (" + plural(cells.size(), "cell") + ")");
  return words;
}

}  // namespace labctl::report
