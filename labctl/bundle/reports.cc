#include "labctl/bundle/reports.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/cell/cell.h"
#include "labctl/crash/frames.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::bundle {
namespace {

constexpr std::uint64_t largest_picture = 4u << 20;
constexpr std::size_t most_pictures = 4;

bool safe_name(const std::string& name) {
  return name.size() < 100 && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string::npos;
}

void list_files(const fs::path& folder, report::CellRecord& cell) {
  std::error_code problem;
  for (auto entry = fs::directory_iterator(folder, problem); !problem && entry != fs::directory_iterator();
       entry.increment(problem)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (safe_name(name) && entry->symlink_status(ignored).type() == fs::file_type::regular)
      cell.files.push_back(name);
  }
  std::sort(cell.files.begin(), cell.files.end());
  for (const auto& name : cell.files) {
    if (!name.starts_with("screen-") || !name.ends_with(".png") || cell.pictures.size() >= most_pictures)
      continue;
    auto png = read_file(folder / name, largest_picture);
    if (png && png->starts_with("\x89PNG\r\n\x1a\n")) cell.pictures.push_back({name, std::move(*png)});
  }
}

report::CellRecord life_of(const event::Journal& journal, std::vector<cell::StepTaken> taken) {
  report::CellRecord cell;
  std::vector<report::Span> steps;
  for (auto& step : taken) steps.push_back({std::move(step.step), step.from, step.to});
  cell.timeline = report::timeline(std::move(steps), journal.events);
  if (const auto* opened = std::get_if<event::Opened>(&journal.events.front().what))
    cell.payload = opened->payload;
  return cell;
}

report::CellRecord read_cell(const plan::Cell& planned, const fs::path& folder, Lives& lives) {
  report::CellRecord cell;
  if (auto known = lives.extract(planned.id))
    cell = std::move(known.mapped());
  else if (auto journal = read_cell_journal(planned, folder))
    cell = life_of(*journal, cell::life_of(planned, journal->events).steps);
  list_files(folder, cell);
  return cell;
}

// Places in the source, looked up once for each report of a crash that differs from others.
class SourceLines {
 public:
  SourceLines(const Judged& judged, std::vector<fs::path> files) : files_(std::move(files)) {
    const fs::path folder = fs::path(judged.run.scenario.location()).parent_path();
    for (const auto& cell : judged.run.plan.cells) {
      const auto kind = cell.guest.driver.kind;  // those whose artifact is the driver itself
      if (kind != scenario::DriverKind::kmod && kind != scenario::DriverKind::service) continue;
      for (const auto& given : plan::given_to(cell)) {
        if (given.of != plan::Given::Of::driver || !given.label.empty()) continue;
        const fs::path file = folder / given.path;
        if (std::find(files_.begin(), files_.end(), file) != files_.end()) continue;
        const auto digest = sha256_file(file);
        const auto* recorded = judged.run.artifact(given.path);
        if (digest && recorded && *digest == recorded->sha256) files_.push_back(file);
      }
    }
  }

  // None where no file knows one: another build of a module is refused by its functions' sizes.
  std::vector<std::string> of(const crash::Finding& finding) {
    const auto frames = crash::module_frames(finding.excerpt);
    if (frames.empty() || files_.empty()) return {};
    std::string key;
    for (const auto& frame : frames) key += frame.text() + "\n";
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    if (known_.size() >= most_looked_up) return {};
    auto& places = known_[key];
    std::vector<std::string> plain;
    for (const auto& frame : frames) plain.push_back(frame.text());
    for (const auto& file : files_)
      if (auto lines = symbolize::source_lines(frames, {file}); lines && *lines != plain)
        return places = *lines;
    return places;
  }

 private:
  static constexpr std::size_t most_looked_up = 50;  // each costs a few processes
  std::vector<fs::path> files_;
  std::map<std::string, std::vector<std::string>> known_;
};

}  // namespace

OnJournal lives_into(Lives& lives) {
  return [&lives](const plan::Cell& cell, const event::Journal& journal, std::vector<cell::StepTaken> steps) {
    lives.insert_or_assign(cell.id, life_of(journal, std::move(steps)));
  };
}

report::Record read_record(const fs::path& folder, const Judged& judged,
                           const std::vector<fs::path>& debug_files, Lives lives) {
  std::error_code ignored;
  fs::path name = fs::weakly_canonical(folder, ignored).filename();
  if (name.extension() == ".partial") name.replace_extension();  // as it will be called
  report::Record record{.bundle = name.string(), .run = judged.run, .verdict = judged.verdict};
  for (const auto& cell : record.run.plan.cells)
    record.cells.push_back(read_cell(cell, folder / "cells" / cell.id, lives));
  SourceLines places(judged, debug_files);
  for (std::size_t i = 0; i < record.cells.size() && i < record.verdict.cells.size(); ++i)
    for (std::size_t f = 0; f < record.verdict.cells[i].findings.size(); ++f)
      if (auto lines = places.of(record.verdict.cells[i].findings[f].finding); !lines.empty())
        record.cells[i].places[f] = std::move(lines);
  return record;
}

std::vector<Error> write_reports(const fs::path& folder, const Judged& judged,
                                 const std::vector<fs::path>& debug_files, Lives lives) {
  using Maker = std::string (*)(const report::Record&);
  static constexpr std::pair<const char*, Maker> files[] = {
      {"junit.xml", report::junit}, {"summary.md", report::markdown}, {"report.html", report::html}};
  std::vector<Error> problems;
  // Whatever goes wrong in here, even a lack of memory, must leave the verdict standing.
  try {
    const auto record = read_record(folder, judged, debug_files, std::move(lives));
    for (const auto& [name, make] : files)
      if (auto written = write_file(folder / name, make(record)); !written)
        problems.push_back(written.error());
  } catch (const std::exception& problem) {
    problems.push_back(
        {Fault::lab, fmt::format("cannot make the reports: {}", problem.what()), folder.string(), {}});
  }
  return problems;
}

}  // namespace labctl::bundle
