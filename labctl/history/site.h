// The history as pages: static, self-contained, without script, like report.html.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/json.h"
#include "labctl/base/result.h"
#include "labctl/history/database.h"

namespace labctl::history {

struct Page {
  std::string name;  // of its file: "index.html"
  std::string html;
};

// index.html (images by the last runs, what is red), unstable.html, coverage.html, lab.html, a page for each
// of the crashes and images that were seen last. `folder` is where they will be: links to bundles are
// relative to it.
Result<std::vector<Page>> site(const Database& history, const std::filesystem::path& folder);

extern const std::string_view page_body;  // reports/history.mustache

// The parts of a page, in page.cc. Only for this room.
struct Cell {
  std::string text, href = {}, tone = {};  // tone: passed, failed, unsure or nothing
};
class PageMaker {
 public:
  // `tone` as a cell's; empty where there is nothing to judge.
  PageMaker(std::string title, std::string lead, const char* tone);
  void fact(const char* label, const std::string& value);
  // What follows belongs to it.
  void section(const std::string& heading, const std::string& note = {});
  // The first cell of a row is its head; none: "nothing". `stack`: rows become lists on a narrow screen.
  void table(const std::vector<std::string>& columns, const std::vector<std::vector<Cell>>& rows,
             bool stack = true);
  void list(const std::vector<Cell>& items);  // a long one is folded
  void text(const char* label, const std::string& text);
  Json& part(const char* name) { return page_["sections"].back()[name]; }
  std::string html(const std::vector<Cell>& nav, const std::string& name);  // the name of this page's file

 private:
  Json page_;
};

// Only for this room: milliseconds over time as a drawn curve, one line for each class of host.
Json curve_of(const Json& boots_answer);

}  // namespace labctl::history
