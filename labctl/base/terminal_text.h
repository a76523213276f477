// What labctl prints goes to terminals and to the logs of pipelines, and much of it was written by guests and
// by whoever made a bundle. There it may neither move the cursor nor be a command: GitHub's runner obeys
// lines that begin with "::", Azure's and GitHub's a "##vso[...]" or "##[...]" anywhere in a line.
#pragma once

#include <string>
#include <string_view>

namespace labctl {

// Lines and tabs stay, control and misleading characters become "\xNN", and a command is broken by a space:
// ": :".
std::string for_terminal(std::string_view text);

// JSON that is as safe and means the same: what would do harm is written as "\u001b".
std::string json_for_terminal(std::string_view json);

}  // namespace labctl
