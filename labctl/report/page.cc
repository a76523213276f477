#include "labctl/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/outcome/accept.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using outcome::Ending;

// What a page may hold, whatever the guests said: a report that no browser opens is useless.
constexpr std::size_t excerpt_lines = 60, excerpt_bytes = 6 << 10, most_findings = 12, most_named = 50;
// A page of a thousand cells is to be read too: above so many, what ended as it should is not drawn.
constexpr std::size_t most_drawn = 200;
constexpr std::size_t most_excerpts = 4 << 20, most_pictures = 12 << 20, largest_picture = 4 << 20;

const char* class_of(const outcome::Outcome& outcome) {
  if (outcome.as_wanted()) return "passed";
  return outcome::is_guest_failure(outcome.ending) ? "failed" : "unsure";
}
const char* symbol_of(const outcome::Outcome& outcome) {
  if (outcome.as_wanted()) return "✓";
  return outcome::is_guest_failure(outcome.ending) ? "✕" : outcome.ending == Ending::not_run ? "–" : "?";
}

std::string boots_of(const outcome::Outcome& outcome) {
  return std::to_string(outcome.boots_proved) + "/" + std::to_string(outcome.boots_wanted);
}

// What cells of one image may differ in beside driver and content.
std::string shape_of(const plan::Cell& cell) {
  std::string text = plan::shape_in_words(cell.machine);
  for (const auto& [axis, value] : cell.axes)
    if (axis == "story") text += fmt::format(", story {}", value);
  return text;
}

class Page {
 public:
  explicit Page(const Record& record)
      : record_(record), count_(std::min(record.run.plan.cells.size(), record.verdict.cells.size())) {}

  Json make() {
    Json page{{"scenario", record_.run.plan.scenario},
              {"bundle", record_.bundle.empty() ? "BUNDLE" : record_.bundle},
              {"tool", record_.run.tool.empty() ? "labctl" : record_.run.tool},
              {"again", run_again(record_, "")},
              {"statistics", statistics_in_words(verdict::statistics(record_.verdict, record_.run.plan))}};
    head(page);
    grid(page);
    problems(page);
    new_errors(page);
    comparison(page);
    page["cells"] = Json::array();
    for (std::size_t i = 0; i < count_; ++i) page["cells"].push_back(cell(i));
    tested(page);
    return page;
  }

 private:
  const plan::Cell& planned(std::size_t i) const { return record_.run.plan.cells[i]; }
  const outcome::Outcome& outcome(std::size_t i) const { return record_.verdict.cells[i]; }

  void head(Json& page) const {
    using verdict::Decision;
    const auto decision = record_.verdict.decision;
    const bool passed = decision == Decision::passed, blocked = decision == Decision::blocked;
    const Headline last = headline(record_.verdict, record_.run.plan);
    const bool warned = record_.verdict.warned();
    page["verdict"] = {{"class", warned    ? "unsure"
                                 : passed  ? "passed"
                                 : blocked ? "failed"
                                           : "unsure"},
                       {"symbol", warned    ? "!"
                                  : passed  ? "✓"
                                  : blocked ? "✕"
                                            : "?"},
                       {"word", last.word},
                       {"sentence", last.sentence}};
    std::size_t good = 0, candidates = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (planned(i).control) continue;
      ++candidates;
      good += outcome(i).as_wanted();
    }
    const auto statistics = verdict::statistics(record_.verdict, record_.run.plan);
    page["facts"] = Json::array();
    const auto fact = [&](const char* label, const std::string& value) {
      if (!value.empty()) page["facts"].push_back({{"label", label}, {"value", value}});
    };
    fact("cells passed", fmt::format("{} of {}", good, candidates));
    fact("boots proved", std::to_string(statistics.boots_proved));
    fact("Windows", windows_in_words(record_.run.plan));
    fact("problems", std::to_string(verdict::problems(record_.verdict).size()));
    std::string started = started_at(record_);
    if (!started.empty()) fact("started (UTC)", started.replace(10, 1, " ").substr(0, 16));
    reasons(page);
    canaries(page);
    waivers(page);
  }

  void reasons(Json& page) const {
    page["has_reasons"] = !record_.verdict.reasons.empty();
    page["reasons"] = Json::array();
    for (const auto& reason : record_.verdict.reasons)
      if (page["reasons"].size() < most_named) page["reasons"].push_back(printable(reason, 600));
    if (record_.verdict.reasons.size() > most_named)
      page["reasons"].push_back(fmt::format("and {} more", record_.verdict.reasons.size() - most_named));
  }

  void canaries(Json& page) const {
    page["canaries"] = Json::array();
    for (const auto& canary : record_.verdict.canaries)
      page["canaries"].push_back({{"table", canary_table(canary)}});
    page["has_canaries"] = !page["canaries"].empty();
  }

  void waivers(Json& page) const {
    page["waivers"] = Json::array();
    for (const auto state :
         {verdict::WaiverState::used, verdict::WaiverState::unused, verdict::WaiverState::expired})
      for (const auto& waiver : waivers_in_words(record_.verdict, state))
        if (page["waivers"].size() < most_named)
          page["waivers"].push_back({{"state", verdict::to_string(state)}, {"words", waiver}});
    for (const auto& words : weaknesses_in_words(record_.verdict))
      if (page["waivers"].size() < most_named)
        page["waivers"].push_back({{"state", "allowed"}, {"words", words}});
    page["has_waivers"] = !page["waivers"].empty();
  }

  // Rows are images with their machine shapes and stories; columns driver and content, and the controls.
  void grid(Json& page) const {
    struct Column {
      bool control;
      std::string driver, content;
      bool operator==(const Column&) const = default;
    };
    const auto column_of = [&](std::size_t i) {
      return Column{planned(i).control, planned(i).driver, planned(i).content};
    };
    std::vector<Column> columns;
    std::vector<std::pair<std::string, std::string>> rows;
    std::map<std::pair<std::string, std::string>, std::vector<std::size_t>> cells_of;  // by row
    for (std::size_t i = 0; i < count_; ++i) {
      if (std::find(columns.begin(), columns.end(), column_of(i)) == columns.end())
        columns.push_back(column_of(i));
      const std::pair row(planned(i).image, shape_of(planned(i)));
      if (!cells_of.contains(row)) rows.push_back(row);
      cells_of[row].push_back(i);
    }
    // A screen cuts a wide table at its right: what went wrong stands at its left.
    constexpr std::size_t columns_on_a_screen = 5;
    const auto went_wrong = [&](const Column& column) {
      for (std::size_t i = 0; i < count_; ++i)
        if (column_of(i) == column && !outcome(i).as_wanted()) return true;
      return false;
    };
    if (columns.size() > columns_on_a_screen)
      std::stable_partition(columns.begin(), columns.end(), went_wrong);
    page["columns"] = page["rows"] = Json::array();
    for (const auto& column : columns)
      page["columns"].push_back(
          {{"control", column.control}, {"driver", column.driver}, {"content", column.content}});
    for (const auto& row : rows) {
      Json places = Json::array();
      for (const auto& column : columns) {
        Json tiles = Json::array();
        for (const std::size_t i : cells_of[row])
          if (column_of(i) == column) tiles.push_back(tile(i));
        const std::string label =
            column.control
                ? "control without the candidate"
                : fmt::format("driver {}{}", column.driver,
                              column.content.empty() ? "" : fmt::format(", content {}", column.content));
        places.push_back({{"label", label}, {"none", tiles.empty()}, {"tiles", tiles}});
      }
      page["rows"].push_back({{"image", row.first}, {"shape", row.second}, {"places", places}});
    }
  }

  Json tile(std::size_t i) const {
    return {{"id", planned(i).id},
            {"class", class_of(outcome(i))},
            {"symbol", symbol_of(outcome(i))},
            {"outcome", outcome_in_words(outcome(i))},
            {"boots", boots_of(outcome(i))},
            {"took", show_duration(outcome(i).took)}};
  }

  void new_errors(Json& page) {
    const auto errors = new_errors_in_words(record_.verdict);
    page["has_new_errors"] = !errors.empty();
    page["new_errors"] = Json::array();
    for (const auto& error : errors)
      if (page["new_errors"].size() < most_named) page["new_errors"].push_back(error);
    const auto unnamed = errors.size() - page["new_errors"].size();
    page["more_errors"] = unnamed == 0 ? "" : fmt::format("and {} more", unnamed);
  }

  void problems(Json& page) {
    const auto all = verdict::problems(record_.verdict);
    page["has_problems"] = !all.empty();
    page["problems"] = Json::array();
    for (const auto& problem : all) {
      if (page["problems"].size() >= most_named) break;
      Json cells = Json::array();
      for (const auto& id : problem.cells)
        if (cells.size() < most_named) cells.push_back({{"id", id}});
      const auto unnamed = problem.cells.size() - cells.size();
      page["problems"].push_back({{"title", problem.title},
                                  {"class", problem.severity == crash::Severity::fatal ? "failed" : "unsure"},
                                  {"severity", crash::to_string(problem.severity)},
                                  {"kind", crash::to_string(problem.kind)},
                                  {"module", problem.module},
                                  {"fault", whose_fault(record_.run.plan, record_.verdict,
                                                        {problem.cells.begin(), problem.cells.end()})},
                                  {"count", fmt::format("in {}", plural(problem.cells.size(), "cell"))},
                                  {"cells", cells},
                                  {"more", unnamed == 0 ? "" : fmt::format("and {} more", unnamed)},
                                  {"excerpt", excerpt_of(problem.title)}});
    }
  }

  std::string excerpt_of(const std::string& title) {
    for (const auto& outcome : record_.verdict.cells)
      for (const auto& seen : outcome.findings)
        if (seen.finding.title == title && !seen.finding.excerpt.empty()) return bounded(seen.finding, 14);
    return {};
  }

  std::string bounded(const crash::Finding& finding, std::size_t lines) {
    std::string text = excerpt(finding, lines, excerpt_bytes);
    if (excerpts_ + text.size() > most_excerpts) return "(not shown: the page has its fill; see the journal)";
    excerpts_ += text.size();
    return text;
  }

  void comparison(Json& page) const {
    std::vector<std::string> drivers, contents;
    const auto add = [](std::vector<std::string>& list, const std::string& label) {
      if (std::find(list.begin(), list.end(), label) == list.end()) list.push_back(label);
    };
    for (std::size_t i = 0; i < count_; ++i)
      if (!planned(i).control) add(drivers, planned(i).driver), add(contents, planned(i).content);
    page["has_comparison"] = drivers.size() * contents.size() > 1 || !failed_cells(record_.verdict).empty();
    page["overall_fault"] = whose_fault(record_.run.plan, record_.verdict, failed_cells(record_.verdict));
    page["contents"] = page["drivers"] = Json::array();
    for (const auto& content : contents) page["contents"].push_back(content.empty() ? "no content" : content);
    for (const auto& driver : drivers) {
      Json pairs = Json::array();
      for (const auto& content : contents) pairs.push_back(pair(driver, content));
      page["drivers"].push_back({{"driver", driver}, {"pairs", pairs}});
    }
  }

  Json pair(const std::string& driver, const std::string& content) const {
    std::size_t all = 0, failed = 0, passed = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (planned(i).control || planned(i).driver != driver || planned(i).content != content) continue;
      ++all;
      failed += outcome::is_guest_failure(outcome(i).ending) && !outcome(i).expected;
      passed += outcome(i).as_wanted();
    }
    if (all == 0) return {{"class", ""}, {"words", ""}};
    const std::string of = fmt::format(" of {}", all);
    if (failed != 0) return {{"class", "failed"}, {"words", fmt::format("✕ {}{} failed", failed, of)}};
    return {{"class", passed == all ? "passed" : "unsure"},
            {"words", fmt::format("{}{}{} passed", passed == all ? "✓ " : "? ", passed, of)}};
  }

  Json cell(std::size_t i) {
    Json cell = tile(i);
    const bool control = planned(i).control;
    cell["open"] = !outcome(i).as_wanted();
    cell["control"] = control;
    cell["reason"] = outcome(i).reason;
    cell["step"] = outcome(i).step;
    cell["attempts"] = Json::array();
    for (const auto& attempt : outcome(i).attempts) cell["attempts"].push_back(attempt_in_words(attempt));
    cell["clean"] = !control && outcome(i).ending == Ending::passed
                        ? boots_in_words(verdict::clean_boots(outcome(i)))
                        : "";
    cell["again"] = run_again(record_, planned(i).id);
    const CellRecord empty;
    const CellRecord& kept = i < record_.cells.size() ? record_.cells[i] : empty;
    const bool drawn = record_.cells.size() <= most_drawn || !outcome(i).as_wanted();
    draw_timeline(cell, drawn ? kept.timeline : Timeline());
    cell["told_by"] =
        drawn ? ""
              : fmt::format("labctl show {} {}", shell_quote(record_.bundle), shell_quote(planned(i).id));
    findings(cell, i, kept);
    pictures(cell, kept);
    cell["has_payload"] = !kept.payload.empty();
    cell["payload"] = cell["files"] = Json::array();
    for (const auto& [file, sha256] : kept.payload)
      cell["payload"].push_back({{"file", file}, {"sha256", sha256}});
    cell["has_files"] = !kept.files.empty();
    for (const auto& name : kept.files)
      cell["files"].push_back({{"name", name}, {"href", "cells/" + planned(i).id + "/" + name}});
    return cell;
  }

  void findings(Json& cell, std::size_t i, const CellRecord& kept) {
    const auto& outcome = record_.verdict.cells[i];
    cell["findings"] = Json::array();
    for (std::size_t f = 0; f < std::min(outcome.findings.size(), most_findings); ++f) {
      const auto& seen = outcome.findings[f];
      Json remarks = Json::array();
      if (!seen.finding.suppressed.empty())
        remarks.push_back(fmt::format("does not count: {}", seen.finding.suppressed));
      const auto* entry = outcome::accepted(planned(i), seen.finding);
      if (entry) remarks.push_back(acceptance_in_words(*entry));
      if (!seen.finding.corrupted.empty())
        remarks.push_back(fmt::format("its text is damaged: {}", seen.finding.corrupted));
      if (!seen.finding.confirmed) remarks.push_back("only this line, without a report");
      const std::string log = seen.channel == event::Channel::console ? "console.log" : "kernel.log";
      const bool kept_log = std::find(kept.files.begin(), kept.files.end(), log) != kept.files.end();
      cell["findings"].push_back(
          {{"title", seen.finding.title},
           {"class", !seen.finding.suppressed.empty() || entry         ? ""
                     : seen.finding.severity == crash::Severity::fatal ? "failed"
                                                                       : "unsure"},
           {"place", place(seen)},
           {"log", kept_log && seen.finding.line != 0 ? "cells/" + outcome.cell + "/" + log : ""},
           {"log_name", log},
           {"remarks", remarks},
           {"places", places_text(record_, i, f)},
           {"excerpt", bounded(seen.finding, excerpt_lines)}});
    }
    const auto untold = outcome.findings.size() - cell["findings"].size();
    cell["more_findings"] =
        untold == 0 ? "" : fmt::format("and {} more: see the journal", plural(untold, "finding"));
  }

  void pictures(Json& cell, const CellRecord& kept) {
    cell["pictures"] = Json::array();
    for (const auto& picture : kept.pictures) {
      if (picture.png.size() > largest_picture || pictures_ + picture.png.size() > most_pictures) continue;
      pictures_ += picture.png.size();
      cell["pictures"].push_back({{"name", picture.name}, {"data", base64_encode(picture.png)}});
    }
  }

  void tested(Json& page) const {
    const auto& run = record_.run;
    page["artefacts"] = page["images"] = page["host"] = Json::array();
    for (const auto& artifact : run.artifacts)
      page["artefacts"].push_back(
          {{"path", artifact.path}, {"sha256", artifact.sha256}, {"size", show_size(artifact.size)}});
    for (const auto& image : run.images)
      page["images"].push_back({{"name", image.name},
                                {"kernel", image.facts.kernel_release},
                                {"sha256", image.sha256},
                                {"boot_time", show_duration(image.boot_time)}});
    const auto fact = [&](const char* label, const std::string& value) {
      if (!value.empty()) page["host"].push_back({{"label", label}, {"value", value}});
    };
    fact("hypervisor", run.host.hypervisor);
    fact("acceleration", run.host.accel);
    fact("machine type", run.host.machine_type);
    for (const auto& shard : run.shards)
      if (shard.used)
        fact(fmt::format("shard {}", shard.index).c_str(), shard.node + " (" + shard.host.accel + ")");
    fact("tool", run.tool);
    page["accel_reason"] = run.host.accel_reason;
    page["scenario_file"] = run.scenario.file;
    page["scenario_text"] = run.scenario.text.substr(0, 64 << 10);
  }

  const Record& record_;
  std::size_t count_;
  std::size_t excerpts_ = 0, pictures_ = 0;
};

}  // namespace

Json page(const Record& record) { return Page(record).make(); }

}  // namespace labctl::report
