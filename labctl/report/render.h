// Pages like report.html, for rooms that have other things to show: the same policy, style and escaping.
#pragma once

#include <string>
#include <string_view>

#include "labctl/base/json_fwd.h"

namespace labctl::report {

// A whole page: the head of report.html, with the member `title` as its title, and `body`, a mustache
// template that begins with <body>. Every string of `values` may be a guest's: it is made visible and
// escaped.
std::string render_page(std::string_view body, const Json& values);

}  // namespace labctl::report
