#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/bisect_story.h"

namespace labctl::cli {
namespace {

using gate::BisectFindings;
using search::Blame;
using search::Tally;

constexpr std::size_t most_named = 20;

// Rounded down: nothing is surer than it is.
std::string percent(double sure) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f%%", std::floor(sure * 1000) / 10);
  return text;
}

std::string told(const Tally& tally) {
  return fmt::format("crashed in {} of {}{}", tally.crashed, tally.runs, tally.runs == 1 ? " run" : " runs");
}

std::string names(const BisectFindings& findings, const search::Records& records) {
  std::string text;
  for (std::size_t i = 0; i < std::min(records.size(), most_named); ++i)
    text += (i == 0 ? "'" : ", '") + printable(findings.records.at(records[i]), 100) + "'";
  if (records.size() > most_named) text += fmt::format(" and {} more", records.size() - most_named);
  return text;
}

const char* in_words(Blame blame) {
  switch (blame) {
    case Blame::content:
      return "the content: it crashes with either driver, and the driver not without it";
    case Blame::driver:
      return "the driver: it crashes with either content, and the content not without it";
    case Blame::both_together:
      return "the two together: either is well with the other's earlier version";
    case Blame::each_alone:
      return "each of the two: either crashes with the other's earlier version";
    case Blame::neither:
      return "neither of the two: the earlier versions crash together as well";
  }
  return "?";
}

std::string headline(const BisectFindings& f) {
  if (f.candidate.crashed == 0) return fmt::format("NOT SEEN AGAIN: {}", told(f.candidate));
  if (f.inside && !f.inside->causes.empty()) {
    const auto& cause = f.inside->causes.front();
    return fmt::format("CAUSE: {}{} of {}", cause.records.size() == 1 ? "the record " : "the records ",
                       names(f, cause.records), f.content);
  }
  if (f.square) return fmt::format("CAUSE: {}", in_words(f.square->blame));
  return "NOT NARROWED DOWN: there was nothing to compare with";
}

std::string square_text(const BisectFindings& f) {
  std::string text;
  const auto line = [&](search::Versions versions, const std::string& what) {
    const auto corner = f.square->corners.find(versions);
    if (corner != f.square->corners.end()) text += "  " + what + ": " + told(corner->second) + "\n";
  };
  line({true, false}, fmt::format("the driver replaced by {}", f.old_driver));
  line({false, true}, fmt::format("the content replaced by {}", f.old_content));
  line({true, true}, "both replaced");
  text += fmt::format("It is {}", in_words(f.square->blame));
  if (f.square->sure > 0) text += fmt::format(" (sure to {})", percent(f.square->sure));
  return text + ".\n";
}

std::string inside_text(const BisectFindings& f) {
  std::string text = fmt::format("Inside the content, of {} records, with {} probes:\n", f.records.size(),
                                 f.inside->probes.size());
  for (const auto& probe : f.inside->probes) {
    text += fmt::format("  {} kept: {}", probe.kept.size(), told(probe.tally));
    if (probe.kept.size() <= 3) text += ": " + names(f, probe.kept);
    text += "\n";
  }
  for (const auto& cause : f.inside->causes) {
    text += fmt::format("{}: alone {}", names(f, cause.records), told(cause.alone));
    if (!cause.whole) text += "; fewer of them may do, the search was ended";
    if (f.inside->rest.runs != 0)
      text +=
          fmt::format("; without {}{}", cause.records.size() == 1 ? "it " : "them ", told(f.inside->rest));
    if (cause.sure > 0) text += fmt::format(" (sure to {})", percent(cause.sure));
    text += "\n";
  }
  if (f.inside->more) text += "There are more such records: what is left crashes, too.\n";
  return text;
}

Json tally_json(const Tally& tally) { return {{"crashed", tally.crashed}, {"runs", tally.runs}}; }

Json names_json(const BisectFindings& f, const search::Records& records) {
  Json list = Json::array();
  for (const auto record : records) list.push_back(f.records.at(record));
  return list;
}

Json inside_json(const BisectFindings& f) {
  Json causes = Json::array(), probes = Json::array();
  for (const auto& cause : f.inside->causes)
    causes.push_back({{"records", names_json(f, cause.records)},
                      {"alone", tally_json(cause.alone)},
                      {"sure", cause.sure},
                      {"smallest", cause.whole}});
  for (const auto& probe : f.inside->probes)
    probes.push_back({{"kept", probe.kept.size()}, {"tally", tally_json(probe.tally)}});
  return {{"file", f.content},      {"records", f.records.size()},
          {"causes", causes},       {"without", tally_json(f.inside->rest)},
          {"more", f.inside->more}, {"probes", probes}};
}

}  // namespace

std::string bisect_story(const gate::BisectFindings& f) {
  std::string text = fmt::format("{}\n\n{} ended with '{}'.\n  the candidate as it was: {}\n", headline(f),
                                 f.cell, printable(f.title), told(f.candidate));
  if (f.square) text += square_text(f);
  if (f.inside) text += inside_text(f);
  if (!f.frames.empty()) text += "Where:\n";
  for (const auto& frame : f.frames) text += "  " + printable(frame, 500) + "\n";
  for (const auto& note : f.notes) text += fmt::format("Note: {}.\n", note);
  return fmt::format("{}{} runs; asked to be sure to {}.\n", text, f.runs, percent(f.level));
}

Json bisect_json(const gate::BisectFindings& f) {
  Json json{
      {"labctl", 1},      {"bundle", f.bundle}, {"cell", f.cell}, {"title", f.title},
      {"level", f.level}, {"sure", f.sure()},   {"runs", f.runs}, {"candidate", tally_json(f.candidate)}};
  if (f.square) {
    Json corners = Json::array();
    for (const auto& [versions, tally] : f.square->corners)
      corners.push_back({{"driver", versions.old_driver ? "earlier" : "candidate"},
                         {"content", versions.old_content ? "earlier" : "candidate"},
                         {"tally", tally_json(tally)}});
    json["versions"] = {{"driver", f.old_driver},
                        {"content", f.old_content},
                        {"blame", search::to_string(f.square->blame)},
                        {"sure", f.square->sure},
                        {"corners", corners}};
  }
  if (f.inside) json["content"] = inside_json(f);
  if (!f.frames.empty()) json["places"] = f.frames;
  json["notes"] = f.notes;
  return json;
}

}  // namespace labctl::cli
