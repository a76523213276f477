// Long results, page by page.
#pragma once

#include <string_view>

namespace labctl::cli {

// Prints a text that has been through the door (output.h), on a terminal that it does not fit on through the
// user's pager: $PAGER, or "less -R" where it is installed. It runs until the user leaves it.
void print_paged(std::string_view text, bool may_page);

}  // namespace labctl::cli
