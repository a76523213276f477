#include "labctl/history/site.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/history/asked.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

constexpr int runs_on_grid = 30;
constexpr std::size_t most_pages = 500;  // of crashes, and of images; those seen last

// A path as a link: what is no plain character is a %XX.
std::string link_text(const std::string& path) {
  static constexpr const char* digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view("/._-~").find(c) != std::string_view::npos)
      out += c;
    else
      out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

std::string day(const std::string& moment) { return moment.substr(0, 10); }

// A name of a file that no other title has.
std::string page_name(const char* kind, const std::string& name) {
  return std::string(kind) + "-" + slug(name).substr(0, 60) + "-" + sha256(name).substr(0, 8) + ".html";
}

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string time_of(const Json& spread, const char* key) {
  return spread.is_object() ? show_duration(Millis(number_at(spread, key))) : "–";
}

class Site {
 public:
  Site(const Database& history, std::filesystem::path folder)
      : history_(history), folder_(std::filesystem::absolute(std::move(folder))) {}

  Result<std::vector<Page>> make() {
    using Part = Status (Site::*)();
    // What the others link to comes first.
    for (const Part part :
         {&Site::crashes, &Site::images, &Site::index, &Site::unstable, &Site::coverage, &Site::lab})
      if (auto done = (this->*part)(); !done) return fail(done.error());
    return std::move(pages_);
  }

 private:
  // Of a bundle: its report, beside or above the pages.
  std::string report_of(const std::string& bundle) const {
    if (bundle.empty()) return {};
    const auto path = std::filesystem::path(bundle) / "report.html";
    return "./" + link_text(path.lexically_relative(folder_).string());
  }
  Cell run_cell(const Json& answer, const char* key) const {
    if (!answer.contains(key) || !answer.at(key).is_object()) return {"–"};
    return {day(text_at(answer.at(key), "began")), report_of(text_at(answer.at(key), "bundle"))};
  }

  void add(std::string name, PageMaker& page) {
    static const std::vector<Cell> nav = {{"overview", "index.html"},
                                          {"crashes", "crashes.html"},
                                          {"unstable", "unstable.html"},
                                          {"coverage", "coverage.html"},
                                          {"lab", "lab.html"}};
    made_.insert(name);
    std::string html = page.html(nav, name);
    pages_.push_back({std::move(name), std::move(html)});
  }
  // A link to the page of a crash or an image; nothing when it is not among those that have one.
  std::string page_of(const char* kind, const std::string& name) const {
    const std::string page = page_name(kind, name);
    return made_.count(page) != 0 ? page : std::string();
  }

  // Images by the last runs: the worst answer of each.
  Status grid(PageMaker& page, const Json& runs) {
    std::map<std::string, std::map<std::string, std::array<std::int64_t, 3>>> images;  // failed, lab, passed
    auto done =
        each(history_,
             "SELECT t.image, c.run, sum(c.answer = 'failed'), sum(c.answer = 'lab'), sum(c.answer = "
             "'passed') FROM cell c JOIN tested t ON t.key = c.tested WHERE c.run IN (SELECT key FROM run "
             "ORDER BY began DESC, key DESC LIMIT ?) GROUP BY 1, 2",
             {std::int64_t{runs_on_grid}}, [&](const Rows& row) {
               images[row.text(0)][row.text(1)] = {row.number(2), row.number(3), row.number(4)};
             });
    if (!done) return done;
    std::vector<std::string> keys;
    done = each(history_, "SELECT key FROM run ORDER BY began DESC, key DESC LIMIT ?",
                {std::int64_t{runs_on_grid}}, [&](const Rows& row) { keys.push_back(row.text(0)); });
    if (!done) return done;
    std::vector<std::string> columns = {"image"};
    for (const auto& run : runs)
      columns.push_back(day(text_at(run, "began")).substr(5) + " " + text_at(run, "began").substr(11, 5));
    std::vector<std::vector<Cell>> rows;
    for (const auto& [image, by_run] : images) {
      rows.push_back({{image, page_of("image", image)}});
      for (std::size_t i = 0; i < keys.size() && i < runs.size(); ++i) {
        const auto found = by_run.find(keys[i]);
        if (found == by_run.end()) {
          rows.back().push_back({"–"});
          continue;
        }
        const auto& [failed, lab, passed] = found->second;
        const std::string href = report_of(text_at(runs[i], "bundle"));
        rows.back().push_back(failed != 0 ? Cell{"✕ " + std::to_string(failed), href, "failed"}
                              : lab != 0  ? Cell{"? " + std::to_string(lab), href, "unsure"}
                                          : Cell{"✓ " + std::to_string(passed), href, "passed"});
      }
    }
    page.section("Images and their last runs",
                 "The newest run is at the left. ✕ cells that failed, ? that the lab failed, ✓ that passed.");
    page.table(columns, rows, false);
    return {};
  }

  Status index() {
    const auto runs = ask_runs(history_, runs_on_grid);
    if (!runs) return fail(runs.error());
    const auto& red = runs->at("red");
    PageMaker page(red.empty() ? "Nothing is red" : fmt::format("{} cells are red", red.size()),
                   "What the last runs say, and since when.", red.empty() ? "passed" : "failed");
    std::vector<std::vector<Cell>> rows;
    for (const auto& cell : red) {
      std::string title = cell.at("titles").empty() ? "" : text_at(cell.at("titles")[0], "title");
      const std::string ticket = cell.at("titles").empty() ? "" : text_at(cell.at("titles")[0], "ticket");
      const std::string href = page_of("crash", title);
      rows.push_back({{text_at(cell, "cell")},
                      run_cell(cell, "since"),
                      run_cell(cell, "last_good"),
                      {title, href},
                      {ticket},
                      {flag_at(cell, "same_bytes") ? "the same bytes passed before" : "", "",
                       flag_at(cell, "same_bytes") ? "unsure" : ""}});
    }
    page.section("Red now",
                 "Of each scenario the cells of its last whole run whose last result is a failure.");
    page.table({"cell", "since", "last passed", "what", "ticket", "remark"}, rows);
    if (auto done = grid(page, runs->at("runs")); !done) return done;
    rows.clear();
    for (const auto& run : runs->at("runs")) {
      const std::string verdict = text_at(run, "verdict");
      rows.push_back(
          {{text_at(run, "began").substr(0, 16).replace(10, 1, " "), report_of(text_at(run, "bundle"))},
           {verdict, "",
            verdict == "passed"    ? "passed"
            : verdict == "blocked" ? "failed"
                                   : "unsure"},
           {text_at(run, "scenario")},
           {fmt::format("{} of {}", number_at(run, "passed"), number_at(run, "cells"))},
           {std::to_string(number_at(run, "failed"))},
           {std::to_string(number_at(run, "lab"))}});
    }
    page.section("Runs");
    page.table({"began (UTC)", "verdict", "scenario", "passed", "failed", "lab-failed"}, rows);
    add("index.html", page);
    return {};
  }

  Status crashes() {
    const auto all = ask_crash(history_, "");
    if (!all) return fail(all.error());
    std::vector<std::vector<Cell>> rows;
    for (const auto& crash : all->at("crashes")) {
      const std::string title = text_at(crash, "title");
      const bool has_page = rows.size() < most_pages;
      rows.push_back({{title, has_page ? page_name("crash", title) : ""},
                      {day(text_at(crash, "last_seen"))},
                      {day(text_at(crash, "first_seen"))},
                      {std::to_string(number_at(crash, "runs"))},
                      {std::to_string(number_at(crash, "cells"))},
                      {text_at(crash, "ticket")}});
      if (!has_page) continue;
      Json detailed = crash;
      if (auto added = add_crash_details(history_, detailed); !added) return added;
      crash_page(detailed);
    }
    PageMaker page("Crashes", "Every crash that a run has seen, the last seen first.", "");
    page.section("Crashes");
    page.table({"title", "last seen", "first seen", "runs", "cells", "ticket"}, rows);
    add("crashes.html", page);
    return {};
  }

  void crash_page(const Json& crash) {
    const std::string title = text_at(crash, "title");
    PageMaker page(title, text_at(crash, "note"),
                   text_at(crash, "severity") == "fatal" ? "failed" : "unsure");
    page.fact("first seen", day(text_at(crash, "first_seen")));
    page.fact("last seen", day(text_at(crash, "last_seen")));
    page.fact("runs", std::to_string(number_at(crash, "runs")));
    page.fact("ticket", text_at(crash, "ticket"));
    page.fact("state", text_at(crash, "state"));
    page.section("What guests said");
    for (const auto& excerpt : crash.at("excerpts"))
      page.text("what the guest said", excerpt.get<std::string>());
    for (const auto& [name, heading] :
         {std::pair("in_cells", "Cells"), std::pair("modules", "Modules"), std::pair("kernels", "Kernels"),
          std::pair("drivers", "Drivers by digest"), std::pair("contents", "Contents by digest"),
          std::pair("bundles", "Bundles, the newest first")}) {
      std::vector<Cell> items;
      for (const auto& item : crash.at(name))
        items.push_back({item.get<std::string>(),
                         name == std::string("bundles") ? report_of(item.get<std::string>()) : ""});
      if (items.empty()) continue;
      page.section(heading);
      page.list(items);
    }
    add(page_name("crash", title), page);
  }

  Status images() {
    std::vector<std::string> names;
    auto done =
        each(history_, "SELECT i.name FROM image i GROUP BY 1 ORDER BY max(i.run) DESC LIMIT ?",
             {static_cast<std::int64_t>(most_pages)}, [&](const Rows& row) { names.push_back(row.text(0)); });
    if (!done) return done;
    for (const auto& name : names) {
      const auto boots = ask_boots(history_, name);
      if (!boots) return fail(boots.error());
      PageMaker page(name, "How long its boots take.", "");
      page.section("Cold boots",
                   "From power on until the agent answers, once for each run's snapshot. A change of level "
                   "without a change of host is the image's.");
      page.part("curve") = curve_of(*boots);
      std::vector<std::vector<Cell>> rows;
      for (const auto& point : boots->at("curve"))
        rows.insert(rows.begin(), {{text_at(point, "began").substr(0, 16).replace(10, 1, " ")},
                                   {show_duration(Millis(number_at(point, "cold_boot_ms")))},
                                   {text_at(point, "hypervisor")},
                                   {text_at(point, "accel")},
                                   {text_at(point, "cpu")}});
      page.section("Boots of cells by host", "Since the reboot was asked for: median, 90th percentile.");
      std::vector<std::vector<Cell>> hosts;
      for (const auto& host : boots->at("hosts")) {
        hosts.push_back({{text_at(host, "cpu").empty() ? "CPU not recorded" : text_at(host, "cpu")},
                         {text_at(host, "accel") + ", " + text_at(host, "hypervisor")},
                         {text_at(host, "machine")}});
        for (const char* part : {"boot", "agent", "proof"})
          hosts.back().push_back(
              {time_of(host.at(part), "median_ms") + ", " + time_of(host.at(part), "p90_ms")});
      }
      page.table({"host", "acceleration", "machine", "the kernel speaks", "the agent answers", "proved"},
                 hosts);
      page.section("Cold boots as a list");
      page.table({"run (UTC)", "cold boot", "hypervisor", "acceleration", "CPU"}, rows);
      add(page_name("image", name), page);
    }
    return {};
  }

  Status unstable() {
    const auto answer = ask_unstable(history_);
    if (!answer) return fail(answer.error());
    std::vector<std::vector<Cell>> rows;
    for (const auto& cell : answer->at("cells"))
      rows.push_back(
          {{text_at(cell, "cell")},
           {fmt::format("{} of {}", number_at(cell, "failed"), number_at(cell, "n")), "", "unsure"},
           {fmt::format("{} to {}", percent(cell.at("low").get<double>()),
                        percent(cell.at("high").get<double>()))},
           {day(text_at(cell, "last_failed"))},
           {text_at(cell, "title"), page_of("crash", text_at(cell, "title"))}});
    PageMaker page("Unstable cells",
                   "They both passed and failed on the same bytes. What the lab failed does not count; "
                   "nothing here weakens the gate.",
                   rows.empty() ? "passed" : "unsure");
    page.section("Unstable");
    page.table({"cell", "failed", "share, 95 %", "last failed", "what"}, rows);
    add("unstable.html", page);
    return {};
  }

  Status coverage() {
    const auto answer = ask_coverage(history_, std::nullopt, {});
    if (!answer) return fail(answer.error());
    std::vector<std::vector<Cell>> rows;
    bool all = true;
    for (const auto& kernel : answer->at("kernels")) {
      const bool passed = flag_at(kernel, "passed");
      all &= passed;
      const auto images = kernel.at("images").get<std::vector<std::string>>();
      rows.push_back(
          {{text_at(kernel, "kernel_release").empty() ? "not recorded" : text_at(kernel, "kernel_release")},
           {passed ? "✓ passed" : "✕ not", "", passed ? "passed" : "failed"},
           {std::to_string(number_at(kernel, "boots"))},
           {day(text_at(kernel, "last_passed"))},
           {join(images, ", ")}});
    }
    PageMaker page("Coverage", "Kernels on which the driver of the last whole run was tested.",
                   rows.empty() ? "unsure"
                   : all        ? "passed"
                                : "failed");
    page.section("Kernels", "With a fleet: labctl history coverage --fleet FILE.");
    page.table({"kernel", "with this driver", "boots proved", "last passed", "images"}, rows);
    add("coverage.html", page);
    return {};
  }

  Status lab() {
    const auto answer = ask_lab(history_);
    if (!answer) return fail(answer.error());
    PageMaker page("The lab", "What it failed and tried again. None of this is the candidate's.", "");
    for (const auto& [key, heading] : {std::pair("hosts", "By host"), std::pair("images", "By image")}) {
      std::vector<std::vector<Cell>> rows;
      for (const auto& line : answer->at(key)) {
        std::string name = text_at(line, "name");
        if (name.size() == 64) name = name.substr(0, 12) + " " + text_at(line, "cpu");
        const auto cells = std::max<std::int64_t>(1, number_at(line, "cells"));
        rows.push_back(
            {{name.empty() ? "not recorded" : name,
              key == std::string_view("images") ? page_of("image", name) : ""},
             {std::to_string(number_at(line, "runs"))},
             {std::to_string(number_at(line, "cells"))},
             {std::to_string(number_at(line, "lab_failed")) + " (" +
              percent(static_cast<double>(number_at(line, "lab_failed")) / static_cast<double>(cells)) + ")"},
             {std::to_string(number_at(line, "retries"))}});
      }
      page.section(heading);
      page.table({heading, "runs", "cells", "lab-failed", "tried again"}, rows);
    }
    std::vector<std::vector<Cell>> reasons, canaries;
    for (const auto& reason : answer->at("reasons"))
      reasons.push_back({{text_at(reason, "reason")},
                         {std::to_string(number_at(reason, "cells"))},
                         {day(text_at(reason, "last_seen"))}});
    page.section("Why");
    page.table({"reason", "cells", "last seen"}, reasons);
    for (const auto& canary : answer->at("canaries"))
      canaries.push_back({{text_at(canary, "image") + " " + text_at(canary, "machine")},
                          {text_at(canary, "host").substr(0, 12)},
                          {day(text_at(canary, "made"))},
                          {std::to_string(number_at(canary, "age_hours")) + " h"},
                          {std::to_string(number_at(canary, "not_proved"))}});
    page.section("Canaries");
    page.table({"image", "host", "made", "age at the last run", "not proved"}, canaries);
    add("lab.html", page);
    return {};
  }

  const Database& history_;
  std::filesystem::path folder_;
  std::vector<Page> pages_;
  std::set<std::string> made_;  // their names
};

}  // namespace

Result<std::vector<Page>> site(const Database& history, const std::filesystem::path& folder) {
  return Site(history, folder).make();
}

}  // namespace labctl::history
