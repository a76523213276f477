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

std::string names(const std::vector<std::string>& all, const search::Records& records) {
  std::string text;
  for (std::size_t i = 0; i < std::min(records.size(), most_named); ++i)
    text += (i == 0 ? "'" : ", '") + printable(all.at(records[i]), 100) + "'";
  if (records.size() > most_named) text += fmt::format(" and {} more", records.size() - most_named);
  return text;
}

// One of them by what was done to it, several by their names.
std::string files(const BisectFindings& f, const search::Records& records) {
  if (records.size() != 1) return "the files " + names(f.files, records);
  const std::string& way = f.ways.at(records.front());
  return fmt::format("the {}file {}", way == "changed" ? "" : way + " ", names(f.files, records));
}

std::string records(const BisectFindings& f, const search::Records& found) {
  return (found.size() == 1 ? "the record " : "the records ") + names(f.records, found);
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
  const bool inside = f.inside && !f.inside->causes.empty();
  if (f.among && !f.among->causes.empty()) {
    std::string cause = fmt::format("CAUSE: {} of {}", files(f, f.among->causes.front().records), f.set);
    if (inside) cause += fmt::format(", and in it {}", records(f, f.inside->causes.front().records));
    return cause;
  }
  if (inside) return fmt::format("CAUSE: {} of {}", records(f, f.inside->causes.front().records), f.content);
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

// What was asked and what it takes; `all` are the names of what was searched.
std::string search_text(const search::Answer& answer, const std::vector<std::string>& all, const char* kept) {
  std::string text;
  for (const auto& probe : answer.probes) {
    text += fmt::format("  {} {}: {}", probe.kept.size(), kept, told(probe.tally));
    if (!probe.kept.empty() && probe.kept.size() <= 3) text += ": " + names(all, probe.kept);
    text += "\n";
  }
  for (const auto& cause : answer.causes) {
    text += fmt::format("{}: alone {}", names(all, cause.records), told(cause.alone));
    if (!cause.whole) text += "; fewer of them may do, the search was ended";
    if (answer.rest.runs != 0)
      text += fmt::format("; without {}{}", cause.records.size() == 1 ? "it " : "them ", told(answer.rest));
    if (cause.sure > 0) text += fmt::format(" (sure to {})", percent(cause.sure));
    text += "\n";
  }
  return text;
}

std::string among_text(const BisectFindings& f) {
  std::string text = fmt::format("Among the files, of {} that differ, with {} probes:\n", f.files.size(),
                                 f.among->probes.size());
  text += search_text(*f.among, f.files, "of the candidate's, the others as before");
  if (f.among->more) text += "There is more to it: with the others alone it crashes, too.\n";
  return text;
}

std::string inside_text(const BisectFindings& f) {
  std::string text =
      fmt::format("Inside {}, of {} records, with {} probes:\n", f.among ? "the file" : "the content",
                  f.records.size(), f.inside->probes.size());
  text += search_text(*f.inside, f.records, "kept");
  if (f.inside->more) text += "There are more such records: what is left crashes, too.\n";
  return text;
}

Json tally_json(const Tally& tally) { return {{"crashed", tally.crashed}, {"runs", tally.runs}}; }

Json names_json(const std::vector<std::string>& all, const search::Records& records) {
  Json list = Json::array();
  for (const auto record : records) list.push_back(all.at(record));
  return list;
}

// `kind`: what its records are called.
Json answer_json(const search::Answer& answer, const std::vector<std::string>& all, const char* kind) {
  Json causes = Json::array(), probes = Json::array();
  for (const auto& cause : answer.causes)
    causes.push_back({{kind, names_json(all, cause.records)},
                      {"alone", tally_json(cause.alone)},
                      {"sure", cause.sure},
                      {"smallest", cause.whole}});
  for (const auto& probe : answer.probes)
    probes.push_back({{"kept", probe.kept.size()}, {"tally", tally_json(probe.tally)}});
  return {{kind, all.size()},
          {"causes", causes},
          {"without", tally_json(answer.rest)},
          {"more", answer.more},
          {"probes", probes}};
}

}  // namespace

std::string bisect_story(const gate::BisectFindings& f) {
  std::string text = fmt::format("{}\n\n{} ended with '{}'.\n  the candidate as it was: {}\n", headline(f),
                                 f.cell, printable(f.title), told(f.candidate));
  if (f.square) text += square_text(f);
  if (f.among) text += among_text(f);
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
  if (f.among) {
    json["set"] = answer_json(*f.among, f.files, "files");
    json["set"]["folder"] = f.set;
  }
  if (f.inside) {
    json["content"] = answer_json(*f.inside, f.records, "records");
    json["content"]["file"] = f.content;
  }
  if (!f.frames.empty()) json["places"] = f.frames;
  json["notes"] = f.notes;
  return json;
}

}  // namespace labctl::cli
