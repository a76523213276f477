#include "labctl/report/show.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

std::string at(Millis moment) { return fmt::format("{:>8}", show_duration(moment)); }

std::string heading(const std::string& text) { return fmt::format("\n{}\n", text); }

std::string wrapped(const std::string& text, std::size_t width) { return wrap_lines(text, width, 4) + "\n"; }

const char* name_of(plan::Given::Of of) {
  switch (of) {
    case plan::Given::Of::driver:
      return "driver";
    case plan::Given::Of::content:
      return "content";
    case plan::Given::Of::update:
      return "update";
  }
  return "";
}

std::string given_text(const Record& record, std::size_t index, std::size_t width) {
  const auto& cell = record.run.plan.cells[index];
  std::string text;
  const auto* image = record.run.image(cell.image, cell.machine.name);
  text += wrapped(fmt::format("  image    {}{}{}", printable(cell.image),
                              cell.machine.name.empty() ? "" : ", machine " + printable(cell.machine.name),
                              image && !image->facts.kernel_release.empty()
                                  ? ", kernel " + printable(image->facts.kernel_release)
                                  : ""),
                  width);
  if (cell.control) text += "  control  the same story without the candidate\n";
  for (const auto& given : plan::given_to(cell)) {
    const auto* artifact = record.run.artifact(given.path);
    text += wrapped(
        fmt::format("  {:<7}  {}{}{}", name_of(given.of),
                    given.label.empty() ? "" : printable(given.label) + ": ", printable(given.path, 400),
                    artifact ? ", sha256 " + printable(artifact->sha256, 80) : ""),
        width);
  }
  return text;
}

struct Told {
  Millis moment;
  std::string what;
};

std::string story_lines(const Timeline& line, std::size_t width) {
  if (line.steps.empty()) return "  nothing of it was recorded\n";
  std::vector<Told> all;
  for (const auto& step : line.steps)
    all.push_back({step.from, fmt::format("{} ({})", step.step.text(), show_duration(step.to - step.from))});
  for (const auto& mark : line.marks)
    all.push_back({mark.at, fmt::format("{} {}",
                                        mark.kind == Mark::Kind::finding || mark.kind == Mark::Kind::panic ||
                                                mark.kind == Mark::Kind::stopped
                                            ? "!"
                                            : "-",
                                        mark.text)});
  all.push_back({line.end, "the end"});
  std::stable_sort(all.begin(), all.end(), [](const Told& a, const Told& b) { return a.moment < b.moment; });
  std::string text;
  for (const auto& told : all) text += wrap_lines(at(told.moment) + "  " + told.what, width, 12) + "\n";
  return text;
}

std::string boots_lines(const Timeline& line) {
  std::string text;
  for (const auto& life : line.lives) {
    const std::string name = life.number == 0 ? "from the snapshot" : fmt::format("boot {}", life.number);
    text += fmt::format("{}  {:<17}  ", at(life.from), name);
    text += life.up ? fmt::format("up after {}, ", show_duration(*life.up - life.from)) : "never answered, ";
    text += fmt::format("lasted {}\n", show_duration(life.to - life.from));
  }
  return text;
}

// With numbers where they are known; the finding's own line has a mark.
std::string console_lines(const Console& console, std::uint64_t marked) {
  if (!console.problem.empty()) return fmt::format("    {}\n", console.problem);
  if (console.lines.empty()) return "    the guest said nothing on it\n";
  std::string text;
  for (std::size_t i = 0; i < console.lines.size(); ++i) {
    const auto number = console.first_line == 0 ? 0 : console.first_line + i;
    const std::string shown = visible(console.lines[i], 2000);
    if (number == 0)
      text += fmt::format("    {}\n", shown);
    else
      text += fmt::format("  {} {:>7}  {}\n", number == marked ? ">" : " ", number, shown);
  }
  return text;
}

std::string finding_lines(const Record& record, std::size_t cell, std::size_t index, const Consoles& consoles,
                          std::size_t width) {
  const auto& seen = record.verdict.cells[cell].findings[index];
  std::string text = wrapped(fmt::format("  {}. {}", index + 1, printable(seen.finding.title)), width);
  text += wrapped("     " + printable(place(seen), 600), width);
  if (!seen.finding.suppressed.empty())
    text += wrapped(fmt::format("     does not count: {}", printable(seen.finding.suppressed)), width);
  if (!seen.link.empty())
    text += wrapped(fmt::format("     tied to the candidate: {}", printable(seen.link)), width);
  for (const auto& line : split(trim(places_text(record, cell, index)), '\n'))
    if (!line.empty()) text += wrapped("     in the source: " + line, width);
  const auto found = consoles.around.find(index);
  if (found != consoles.around.end() && found->second.problem.empty())
    return text + console_lines(found->second, seen.finding.line);
  if (found != consoles.around.end())
    text += fmt::format("     {}; this was kept of it:\n", found->second.problem);
  for (const auto& line : split(excerpt(seen.finding, 60, 16 << 10), '\n'))
    text += fmt::format("    {}\n", line);
  return text;
}

const char* name_of(Mark::Kind kind) {
  switch (kind) {
    case Mark::Kind::reset:
      return "reset";
    case Mark::Kind::kernel:
      return "kernel";
    case Mark::Kind::agent:
      return "agent";
    case Mark::Kind::finding:
      return "finding";
    case Mark::Kind::panic:
      return "panic";
    case Mark::Kind::stopped:
      return "stopped";
    case Mark::Kind::lab:
      return "lab";
  }
  return "lab";
}

Json console_json(const Console& console) {
  if (!console.problem.empty()) return {{"problem", console.problem}};
  return {{"first_line", console.first_line == 0 ? Json() : Json(console.first_line)},
          {"lines", console.lines}};
}

Json cell_json(const Record& record, std::size_t index, const Consoles* consoles) {
  const auto& outcome = record.verdict.cells[index];
  const auto& line = record.cells[index].timeline;
  Json steps = Json::array(), boots = Json::array(), marks = Json::array(), findings = Json::array();
  for (const auto& step : line.steps)
    steps.push_back({{"step", step.step.text()}, {"from_ms", step.from.count()}, {"to_ms", step.to.count()}});
  for (const auto& life : line.lives)
    boots.push_back({{"number", life.number},
                     {"from_ms", life.from.count()},
                     {"up_ms", life.up ? Json(life.up->count()) : Json()},
                     {"to_ms", life.to.count()}});
  for (const auto& mark : line.marks)
    marks.push_back({{"kind", name_of(mark.kind)}, {"at_ms", mark.at.count()}, {"text", mark.text}});
  for (std::size_t i = 0; i < outcome.findings.size(); ++i) {
    const auto& seen = outcome.findings[i];
    Json finding{{"title", seen.finding.title},
                 {"kind", crash::to_string(seen.finding.kind)},
                 {"severity", crash::to_string(seen.finding.severity)},
                 {"channel", event::to_string(seen.channel)},
                 {"module", seen.finding.module},
                 {"boot", seen.boot},
                 {"line", seen.finding.line},
                 {"suppressed", seen.finding.suppressed},
                 {"excerpt", seen.finding.excerpt}};
    if (consoles && consoles->around.count(i) != 0) finding["console"] = console_json(consoles->around.at(i));
    findings.push_back(std::move(finding));
  }
  Json json{{"id", outcome.cell},
            {"control", record.run.plan.cells[index].control},
            {"outcome", outcome::to_string(outcome.ending)},
            {"expected", outcome.expected},
            {"step", outcome.step},
            {"reason", outcome.reason},
            {"boots_wanted", outcome.boots_wanted},
            {"boots_proved", outcome.boots_proved},
            {"took_ms", outcome.took.count()},
            {"steps", steps},
            {"boots", boots},
            {"marks", marks},
            {"findings", findings}};
  if (consoles && consoles->end) json["console_end"] = console_json(*consoles->end);
  return json;
}

}  // namespace

std::string show_run(const Record& record) {
  const auto& run = record.run;
  std::string text = fmt::format("{}: {}, begun {}", record.bundle, run.plan.scenario,
                                 run.began.empty() ? "at a time that is not recorded" : run.began);
  if (run.ended.empty())
    text += "; it did not come to its end";
  else
    text += fmt::format(", ended {}", run.ended);
  return text + fmt::format("\nwith {} on {}, {}\n", run.tool, run.host.hypervisor, run.host.accel);
}

std::string show_cell(const Record& record, std::size_t index, const Consoles& consoles, std::size_t width) {
  const auto& cell = record.run.plan.cells[index];
  const auto& outcome = record.verdict.cells[index];
  const auto& kept = record.cells[index];
  std::string text = fmt::format("{}\n{}, {} of {} boots proved, {}\n", cell.id, outcome_in_words(outcome),
                                 outcome.boots_proved, outcome.boots_wanted, show_duration(outcome.took));
  if (!outcome.reason.empty())
    text += wrapped(
        outcome.step.empty() ? outcome.reason : fmt::format("at {}: {}", outcome.step, outcome.reason),
        width);
  for (const auto& attempt : outcome.attempts)
    text += wrapped(fmt::format("earlier attempt: {}", attempt_in_words(attempt)), width);
  text += heading("given") + given_text(record, index, width);
  text += heading("story") + story_lines(kept.timeline, width);
  if (!kept.timeline.lives.empty()) text += heading("boots") + boots_lines(kept.timeline);
  if (!cell.control)
    text += heading("proved in every boot") + wrap_lines("  " + plan::proved_in_words(cell), width, 2) + "\n";
  if (!outcome.findings.empty()) text += heading("findings");
  for (std::size_t i = 0; i < outcome.findings.size(); ++i)
    text += (i == 0 ? "" : "\n") + finding_lines(record, index, i, consoles, width);
  if (!outcome.logged.empty()) text += heading("logged as errors by its kernel");
  for (const auto& line : outcome.logged) text += wrapped("  " + printable(line), width);
  if (consoles.end) text += heading("the end of the console") + console_lines(*consoles.end, 0);
  if (!kept.files.empty())
    text += heading(fmt::format("files in cells/{}", cell.id)) + in_columns(kept.files, width, 2);
  return text + fmt::format("\nto run it again: {}\n", run_again(record, cell.id));
}

Json show_json(const Record& record, const std::vector<std::size_t>& cells,
               const std::map<std::size_t, Consoles>& consoles) {
  Json json{{"labctl", 1},
            {"bundle", record.bundle},
            {"scenario", record.run.plan.scenario},
            {"began", record.run.began},
            {"ended", record.run.ended.empty() ? Json() : Json(record.run.ended)},
            {"verdict", verdict::to_string(record.verdict.decision)},
            {"summary", last_word(record.verdict, record.run.plan)},
            {"reasons", record.verdict.reasons},
            {"cells", Json::array()}};
  for (const auto index : cells) {
    const auto found = consoles.find(index);
    json["cells"].push_back(cell_json(record, index, found == consoles.end() ? nullptr : &found->second));
  }
  return json;
}

}  // namespace labctl::report
