// A page of labctl's, made of a template and values: every string is made visible and escaped, whoever chose
// it.
#pragma once

#include <string>
#include <string_view>

#include "labctl/base/json_fwd.h"

namespace labctl::report {

// The comment /*style*/ in the template becomes the style sheet of report.html. An empty string and false are
// no section.
std::string render(std::string_view page, const Json& values);

}  // namespace labctl::report
