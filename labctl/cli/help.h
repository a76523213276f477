// What --help says below the options: each verb's group, examples and exit codes. Text only; which verbs and
// options there are is options.cc's, and a test compares the two and docs/reference/commands.md.

#pragma once

#include <string>

namespace labctl::cli {

struct VerbHelp {
  const char* verb;  // as it is typed: "run", "image build"
  const char* group;
  const char* examples;    // one a line, each beginning with "labctl VERB"
  const char* exit_codes;  // "CODE  meaning", one a line
};

std::string general_footer();
const VerbHelp* help_of(const std::string& verb);  // null: there is no such verb
std::string footer_of(const VerbHelp& help);

}  // namespace labctl::cli
