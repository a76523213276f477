// Pages like report.html, for rooms that have other things to show: the same policy, style and escaping.
// Every string of the values may be a guest's: it is made visible and escaped.
#pragma once

#include <string>
#include <string_view>

#include "labctl/base/json_fwd.h"

namespace labctl::report {

// A whole page of a mustache template that has a head of its own, in which the comment /*style*/ becomes the
// style sheet of report.html. An empty string and false are no section.
std::string render(std::string_view page, const Json& values);

// A whole page with the head of report.html, the member `title` as its title, and `body`, a mustache template
// that begins with <body>.
std::string render_page(std::string_view body, const Json& values);

}  // namespace labctl::report
