// junit.xml as Jenkins and GitLab read it (tests/report/junit.xsd). A failure is the guest's fault, an error
// the lab's; both make a job red, and so does a verdict that no single cell explains.

#include <fmt/core.h>
#include <algorithm>
#include <cstdio>
#include <pugixml.hpp>
#include <sstream>

#include "labctl/base/text.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using outcome::Ending;

constexpr std::size_t excerpt_lines = 60, excerpt_bytes = 8 << 10, most_findings = 20;

std::string seconds(Millis time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(time.count()) / 1000);
  return text;
}

// Jenkins reads dots as packages: "scenario.image" and no more.
std::string class_name(const std::string& text) {
  std::string name = slug(text);
  std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

struct Counts {
  int tests = 0, failures = 0, errors = 0, skipped = 0;
  Millis time{0};
};

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(visible(value, 4096).c_str());
}

void set_counts(pugi::xml_node node, const Counts& counts) {
  set(node, "tests", std::to_string(counts.tests));
  set(node, "failures", std::to_string(counts.failures));
  set(node, "errors", std::to_string(counts.errors));
  set(node, "skipped", std::to_string(counts.skipped));
  set(node, "time", seconds(counts.time));
}

void add_text(pugi::xml_node node, const std::string& text) {
  node.append_child(pugi::node_pcdata).set_value(visible(text, 64 << 10).c_str());
}

void add_property(pugi::xml_node properties, const std::string& name, const std::string& value) {
  auto property = properties.append_child("property");
  set(property, "name", name);
  set(property, "value", value);
}

std::string findings_text(const Record& record, std::size_t cell) {
  const auto& outcome = record.verdict.cells[cell];
  std::string text;
  for (std::size_t f = 0; f < outcome.findings.size(); ++f) {
    if (f == most_findings)
      return fmt::format("{}and {} more\n", text, plural(outcome.findings.size() - f, "finding"));
    const auto& seen = outcome.findings[f];
    text += seen.finding.title + " (" + place(seen) + ")";
    if (!seen.finding.suppressed.empty()) text += fmt::format(" does not count: {}", seen.finding.suppressed);
    text += "\n" + excerpt(seen.finding, excerpt_lines, excerpt_bytes) + "\n";
    if (const auto where = places_text(record, cell, f); !where.empty())
      text += fmt::format("in the source:\n{}", where);
    text += "\n";
  }
  return text;
}

// What one cell's ending is called here; nothing for passed.
const char* element_of(const outcome::Outcome& outcome, bool control) {
  if (outcome.ending == Ending::passed || outcome.expected) return nullptr;
  if (outcome.ending == Ending::not_run) return "skipped";
  // A control has no candidate in it: whatever it did, the lab cannot be trusted.
  return outcome::is_guest_failure(outcome.ending) && !control ? "failure" : "error";
}

void add_problem(pugi::xml_node testcase, const char* element, const std::string& type,
                 const std::string& message, const std::string& text, Counts& counts) {
  auto node = testcase.append_child(element);
  const std::string_view kind = element;
  if (kind != "skipped") set(node, "type", type);
  set(node, "message", message);
  if (kind != "skipped" && !text.empty()) add_text(node, text);
  (kind == "failure" ? counts.failures : kind == "error" ? counts.errors : counts.skipped) += 1;
}

void add_cell(pugi::xml_node suite, const Record& record, std::size_t i, Counts& counts) {
  const plan::Cell& cell = record.run.plan.cells[i];
  const outcome::Outcome& outcome = record.verdict.cells[i];
  auto testcase = suite.append_child("testcase");
  set(testcase, "classname", class_name(record.run.plan.scenario) + "." + class_name(cell.image));
  set(testcase, "name", cell.control ? fmt::format("control without the candidate: {}", cell.id) : cell.id);
  set(testcase, "time", seconds(outcome.took));
  counts.tests += 1;
  counts.time += outcome.took;
  const std::string findings = findings_text(record, i);
  if (const char* element = element_of(outcome, cell.control)) {
    const std::string at = outcome.step.empty() ? "" : fmt::format(" at {}", outcome.step);
    add_problem(testcase, element, outcome::to_string(outcome.ending), outcome.reason + at, findings, counts);
  }
  std::string log = fmt::format("{} of {} proved\n", outcome.boots_proved,
                                plural(static_cast<std::size_t>(outcome.boots_wanted), "boot"));
  for (const auto& attempt : outcome.attempts)
    log += fmt::format("earlier attempt: {}\n", attempt_in_words(attempt));
  if (outcome.ending == Ending::passed) log += findings;
  if (!record.bundle.empty()) log += fmt::format("records: {}/cells/{}/\n", record.bundle, cell.id);
  if (i < record.cells.size() && !record.cells[i].files.empty())
    log += "  " + join(record.cells[i].files, ", ") + "\n";
  add_text(testcase.append_child("system-out"), log);
}

// Cells can all be green or skipped while the verdict is not passed (--only, an artifact that changed).
void add_verdict(pugi::xml_node suite, const Record& record, Counts& counts) {
  const bool red = counts.failures + counts.errors != 0;
  if (red || record.verdict.decision == verdict::Decision::passed) return;
  auto testcase = suite.append_child("testcase");
  set(testcase, "classname", class_name(record.run.plan.scenario));
  set(testcase, "name", "the verdict");
  set(testcase, "time", seconds(Millis(0)));
  counts.tests += 1;
  add_problem(testcase, "error", verdict::to_string(record.verdict.decision),
              last_word(record.verdict, record.run.plan), join(record.verdict.reasons, "\n"), counts);
}

void add_properties(pugi::xml_node suite, const Record& record) {
  auto properties = suite.append_child("properties");
  add_property(properties, "labctl.verdict", verdict::to_string(record.verdict.decision));
  if (record.verdict.warned())
    add_property(properties, "labctl.warned", last_word(record.verdict, record.run.plan));
  add_property(properties, "labctl.tool", record.run.tool);
  add_property(properties, "labctl.hypervisor", record.run.host.hypervisor);
  add_property(properties, "labctl.accel", record.run.host.accel);
  for (const auto& shard : record.run.shards)
    if (shard.used) {
      const std::string name = "labctl.shard." + std::to_string(shard.index);
      add_property(properties, name.c_str(), shard.node);
    }
  const auto statistics = verdict::statistics(record.verdict, record.run.plan);
  add_property(properties, "labctl.statistics", statistics_in_words(statistics));
  for (const auto& artifact : record.run.artifacts)
    add_property(properties, "labctl.artefact." + artifact.path, "sha256:" + artifact.sha256);
}

}  // namespace

std::string junit(const Record& record) {
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  set(declaration, "version", "1.0");
  set(declaration, "encoding", "UTF-8");
  auto suites = document.append_child("testsuites");
  auto suite = suites.append_child("testsuite");
  Counts counts;
  add_properties(suite, record);
  for (std::size_t i = 0; i < record.run.plan.cells.size() && i < record.verdict.cells.size(); ++i)
    add_cell(suite, record, i, counts);
  add_verdict(suite, record, counts);
  set(suites, "name", "labctl");
  set_counts(suites, counts);
  set(suite, "name", record.run.plan.scenario);
  set_counts(suite, counts);
  if (const std::string time = started_at(record); !time.empty()) set(suite, "timestamp", time);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_default, pugi::encoding_utf8);
  return text.str();
}

}  // namespace labctl::report
