// What report.html says, as values: the page's markup is reports/report.mustache, which is compiled in. Only
// for this room.
#pragma once

#include <string_view>

#include "labctl/base/json_fwd.h"
#include "labctl/report/report.h"

namespace labctl::report {

extern const std::string_view page_template;

// Every string in here may be a guest's: html() makes all of them visible and escapes them.
Json page(const Record& record);

// One cell's timeline on the page: bars and marks in per cent of its length.
void draw_timeline(Json& cell, const Timeline& timeline);

}  // namespace labctl::report
