// Answers as text: tables for a terminal.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

// Columns as wide as their widest word; the last one is not filled up.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row) {
    for (auto& word : row) word = printable(word, 200);
    rows_.push_back(std::move(row));
  }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i == widths.size()) widths.push_back(0);
        widths[i] = std::max(widths[i], row[i].size());
      }
    std::string out;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i)
        line += i + 1 == row.size() ? row[i] : row[i] + std::string(widths[i] + 2 - row[i].size(), ' ');
      while (line.ends_with(' ')) line.pop_back();
      out += line + "\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string number(const Json& object, const char* key) { return std::to_string(number_at(object, key)); }

std::string moment(const std::string& utc) {
  return utc.size() < 16 ? utc : utc.substr(0, 10) + " " + utc.substr(11, 5);
}

// The moment of a run that an answer refers to; "-" where there is none.
std::string when(const Json& object, const char* key) {
  if (!object.contains(key) || !object.at(key).is_object()) return "-";
  return moment(text_at(object.at(key), "began"));
}

std::string short_digest(const std::string& value) {
  return value.size() == 64 ? value.substr(0, 12) : value.empty() ? "none" : value;
}

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::lround(share * 100))) + " %";
}

std::string strip(const Json& lives) {
  std::string marks;
  for (auto life = lives.rbegin(); life != lives.rend(); ++life) {
    const std::string answer = text_at(*life, "answer");
    marks += answer == "passed" ? "." : answer == "failed" ? "X" : answer == "lab" ? "?" : "-";
  }
  return marks;
}

std::string titles_in_words(const Json& titles) {
  std::string words;
  for (const auto& one : titles) {
    words += (words.empty() ? "" : "; ") + text_at(one, "title");
    if (const auto ticket = text_at(one, "ticket"); !ticket.empty()) words += " [" + ticket + "]";
  }
  return words;
}

std::string runs_text(const Json& answer) {
  Table runs({"began (UTC)", "verdict", "passed", "failed", "lab", "scenario", "bundle"});
  for (const auto& run : answer.at("runs")) {
    std::string verdict = text_at(run, "verdict");
    if (flag_at(run, "warned")) verdict += " (warned)";
    if (flag_at(run, "partial")) verdict += " (partial)";
    if (text_at(run, "recorded") != text_at(run, "verdict"))
      verdict += fmt::format(", recorded {}", text_at(run, "recorded"));
    runs.add({moment(text_at(run, "began")), verdict, number(run, "passed") + "/" + number(run, "cells"),
              number(run, "failed"), number(run, "lab"), text_at(run, "scenario"),
              text_at(run, "pruned").empty() ? text_at(run, "bundle")
                                             : fmt::format("removed {}", text_at(run, "pruned"))});
  }
  if (runs.empty()) return "no run is in the history\n";
  Table red({"red now", "since", "last passed", "what"});
  for (const auto& cell : answer.at("red"))
    red.add(
        {text_at(cell, "cell"), when(cell, "since"), when(cell, "last_good"),
         titles_in_words(cell.at("titles")) + (flag_at(cell, "same_bytes") ? " (on the same bytes)" : "")});
  return runs.text() + (red.empty() ? "\nnothing is red\n" : "\n" + red.text());
}

std::string cell_text(const Json& answer) {
  Table table(
      {"cell", "standing", "since", "passed", "failed", "lab", "last 30 (. passed, X failed, ? lab)"});
  for (const auto& cell : answer.at("cells"))
    table.add({text_at(cell, "cell"), text_at(cell, "standing"), when(cell, "since"), number(cell, "passed"),
               number(cell, "failed"), number(cell, "lab"), strip(cell.at("lives"))});
  return table.text();
}

std::string crash_text(const Json& answer) {
  Table table({"last seen", "first seen", "runs", "cells", "ticket", "title"});
  for (const auto& crash : answer.at("crashes"))
    table.add({moment(text_at(crash, "last_seen")), moment(text_at(crash, "first_seen")),
               number(crash, "runs"), number(crash, "cells"), text_at(crash, "ticket"),
               text_at(crash, "title")});
  std::string text = table.empty() ? "no crash is in the history\n" : table.text();
  for (const auto& crash : answer.at("crashes")) {
    if (!crash.contains("in_cells")) continue;
    text += "\n" + printable(text_at(crash, "title"), 300) + "\n";
    for (const char* name : {"ticket", "owner", "state", "note"})
      if (const auto value = text_at(crash, name); !value.empty())
        text += std::string("  ") + name + ": " + printable(value, 300) + "\n";
    for (const char* name : {"modules", "kernels", "in_cells", "drivers", "contents", "bundles"})
      for (const auto& item : crash.at(name))
        text += std::string("  ") + name + ": " + printable(item.get<std::string>(), 300) + "\n";
  }
  return text;
}

std::string difference_text(const Json& difference) {
  return "  " + text_at(difference, "what") + ": " +
         printable(short_digest(text_at(difference, "before")), 100) + " -> " +
         printable(short_digest(text_at(difference, "after")), 100) + "\n";
}

std::string first_bad_text(const Json& answer) {
  std::string text;
  for (const auto& one : answer.at("scenarios")) {
    const bool red = text_at(one, "standing") == "red";
    text +=
        fmt::format("{} in {}: {} since {}\n", printable(text_at(answer, "cell"), 200),
                    printable(text_at(one, "scenario"), 100), text_at(one, "standing"), when(one, "since"));
    const char* before = red ? "last_good" : "last_bad";
    for (const auto& [label, key] : {std::pair(red ? "  first bad: " : "  first good: ", "since"),
                                     std::pair(red ? "  last good: " : "  last bad: ", before)})
      if (one.at(key).is_object()) text += label + printable(text_at(one.at(key), "bundle"), 300) + "\n";
    if (!one.at(before).is_object()) {
      text += red ? "  no run in the history has passed\n" : "  no run in the history has failed\n";
      continue;
    }
    if (flag_at(one, "same_bytes"))
      text += "  the same bytes gave both results; 'labctl history unstable' says how often\n";
    for (const auto& difference : one.at("differs")) text += difference_text(difference);
  }
  return text;
}

std::string unstable_text(const Json& answer) {
  Table table({"cell", "failed", "of", "share (95 %)", "last failed", "what"});
  for (const auto& cell : answer.at("cells"))
    table.add({text_at(cell, "cell"), number(cell, "failed"), number(cell, "n"),
               fmt::format("{} to {}", percent(cell.at("low").get<double>()),
                           percent(cell.at("high").get<double>())),
               moment(text_at(cell, "last_failed")), text_at(cell, "title")});
  if (table.empty()) return "no cell has both passed and failed on the same bytes\n";
  return fmt::format("{}\nto see one fail again: labctl reproduce BUNDLE CELL --times 20\n", table.text());
}

std::string spread_text(const Json& host, const char* key) {
  if (!host.at(key).is_object()) return "-";
  const auto& spread = host.at(key);
  return show_duration(Millis(number_at(spread, "median_ms"))) + " / " +
         show_duration(Millis(number_at(spread, "p90_ms")));
}

std::string boots_text(const Json& answer) {
  Table table({"boot", "agent", "proof", "boots", "accel", "hypervisor", "machine", "CPU"});
  for (const auto& host : answer.at("hosts"))
    table.add({spread_text(host, "boot"), spread_text(host, "agent"), spread_text(host, "proof"),
               host.at("proof").is_object() ? number(host.at("proof"), "n") : "0", text_at(host, "accel"),
               text_at(host, "hypervisor"), text_at(host, "machine"),
               text_at(host, "cpu").empty() ? "not recorded" : text_at(host, "cpu")});
  return fmt::format(
      "median / 90th percentile since the reboot was asked for: the kernel speaks, the agent answers, the "
      "boot is proved\n\n{}",
      table.text());
}

std::string lab_text(const Json& answer) {
  std::string text;
  for (const auto& [name, head] : {std::pair("hosts", "host"), std::pair("images", "image")}) {
    Table table({head, "runs", "cells", "lab-failed", "retries",
                 name == std::string("hosts") ? "CPU, hypervisor" : ""});
    for (const auto& line : answer.at(name))
      table.add({short_digest(text_at(line, "name")), number(line, "runs"), number(line, "cells"),
                 number(line, "lab_failed"), number(line, "retries"),
                 line.contains("cpu") ? text_at(line, "cpu") + ", " + text_at(line, "hypervisor") : ""});
    text += table.text() + "\n";
  }
  Table reasons({"cells", "last seen", "why"});
  for (const auto& reason : answer.at("reasons"))
    reasons.add({number(reason, "cells"), moment(text_at(reason, "last_seen")), text_at(reason, "reason")});
  if (!reasons.empty()) text += reasons.text() + "\n";
  Table canaries({"canary of", "on host", "made", "age at the last run", "not proved"});
  for (const auto& canary : answer.at("canaries"))
    canaries.add({text_at(canary, "image") + " " + text_at(canary, "machine"),
                  short_digest(text_at(canary, "host")), moment(text_at(canary, "made")),
                  number(canary, "age_hours") + " h", number(canary, "not_proved")});
  return text + canaries.text();
}

std::string fleet_text(const Json& fleet) {
  std::string text = fmt::format(
      "\n{} of the fleet ({} of {} machines) run kernels that passed with this driver\n",
      percent(fleet.at("share").get<double>()), number(fleet, "covered"), number(fleet, "machines"));
  Table gaps({"machines", "kernel", "distribution", "why"});
  std::string recipes;
  for (const auto& gap : fleet.at("gaps")) {
    gaps.add({number(gap, "machines"), text_at(gap, "kernel_release"), text_at(gap, "distro"),
              text_at(gap, "why")});
    if (const auto recipe = text_at(gap, "recipe"); !recipe.empty()) recipes += "\n" + recipe;
  }
  return text + (gaps.empty() ? "" : "\n" + gaps.text()) + recipes;
}

std::string coverage_text(const Json& answer) {
  Table table({"kernel", "passed", "boots", "last passed", "images"});
  for (const auto& kernel : answer.at("kernels")) {
    const auto images = kernel.at("images").get<std::vector<std::string>>();
    table.add({text_at(kernel, "kernel_release").empty() ? "not recorded" : text_at(kernel, "kernel_release"),
               flag_at(kernel, "passed") ? "yes" : "no", number(kernel, "boots"),
               moment(text_at(kernel, "last_passed")), join(images, " ")});
  }
  std::string text = "driver:";
  for (const auto& driver : answer.at("drivers")) text += " " + short_digest(driver.get<std::string>());
  text += "\n\n" + table.text();
  return answer.at("fleet").is_object() ? text + fleet_text(answer.at("fleet")) : text;
}

}  // namespace

std::string as_text(const Json& answer) {
  static constexpr std::array<std::pair<std::string_view, std::string (*)(const Json&)>, 8> texts = {{
      {"runs", runs_text},
      {"cell", cell_text},
      {"crash", crash_text},
      {"first-bad", first_bad_text},
      {"unstable", unstable_text},
      {"boots", boots_text},
      {"lab", lab_text},
      {"coverage", coverage_text},
  }};
  for (const auto& [question, text] : texts)
    if (text_at(answer, "question") == question) return text(answer);
  return dump_pretty(answer);
}

}  // namespace labctl::history
