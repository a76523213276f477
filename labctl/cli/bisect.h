// What a bisect found out, as values, and told: a short story with its evidence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/search/search.h"

namespace labctl::cli {

struct BisectFindings {
  std::string bundle, cell, title;  // title: of the crash, or how the cell ended
  double level = 0.95;
  search::Tally candidate;               // as it was
  std::string old_driver, old_content;   // files that were tried instead; empty: there was none
  std::optional<search::Square> square;  // only when there were both
  std::string content;                   // the candidate's, whose records are:
  std::vector<std::string> records;
  std::optional<search::Answer> inside;
  std::vector<std::string> frames;  // "sensor_equal+0x12 at sensor.c:210"
  std::vector<std::string> notes;   // why something was not looked into
  int runs = 0;

  // Something is named, and as surely as was wished.
  bool sure() const;
};

std::string bisect_story(const BisectFindings& findings);
Json bisect_json(const BisectFindings& findings);

}  // namespace labctl::cli
