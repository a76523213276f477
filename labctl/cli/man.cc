// labctl man: the manual pages, made of what the command line says of itself.

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

// Text for troff: a backslash is its escape, a hyphen would become a dash, and a line may not begin with a
// dot or a quote.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string file_of(const std::string& program, const std::string& verb) {
  std::string name = program + (verb.empty() ? "" : "-" + verb);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string heading(const std::string& name, const std::string& summary) {
  std::string capitals = name;
  std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return ".TH \"" + roff(capitals) + "\" 1 \"\" \"labctl " LABCTL_VERSION "\" \"labctl manual\"\n.SH NAME\n" +
         roff(name) + " \\- " + roff(summary) + "\n";
}

std::string synopsis(const std::string& program, const VerbText& verb) {
  std::string text = ".SH SYNOPSIS\n.B " + roff(program + " " + verb.name) + "\n";
  if (std::any_of(verb.options.begin(), verb.options.end(), [](const auto& o) { return !o.by_place(); }))
    text += "[\\fIOPTIONS\\fR]\n";
  for (const auto& option : verb.options)
    if (option.by_place())
      text += std::string(option.required ? "" : "[") + "\\fI" + roff(option.name) + "\\fR" +
              (option.many ? "..." : "") + (option.required ? "" : "]") + "\n";
  return text;
}

std::string option_text(const OptionText& option) {
  std::string text = ".TP\n";
  if (option.by_place())
    text += "\\fI" + roff(option.name) + "\\fR" + (option.many ? "..." : "");
  else
    text += "\\fB" + roff(option.name) + "\\fR" +
            (option.value.empty() ? "" : " \\fI" + roff(option.value) + "\\fR");
  text += "\n" + roff(option.help);
  std::string allowed;
  for (const auto& word : option.one_of) allowed += (allowed.empty() ? "" : ", ") + word;
  if (!allowed.empty()) text += " (" + roff(allowed) + ")";
  if (option.many) text += option.by_place() ? "; one or more" : "; may be repeated";
  return text + ".\n";
}

std::string preformatted(const std::string& title, const std::string& lines) {
  return ".SH " + title + "\n.nf\n" + roff(lines) + "\n.fi\n";
}

// "0    passed": one paragraph for each code.
std::string exit_status(const std::string& lines) {
  std::string text = ".SH \"EXIT STATUS\"\n";
  for (const auto& line : split(lines, '\n')) {
    const auto blank = line.find(' ');
    const auto meaning = line.find_first_not_of(' ', blank);
    if (blank == std::string::npos || meaning == std::string::npos) continue;
    text += blank == 0 ? roff(line.substr(meaning)) + "\n"
                       : ".TP\n.B " + roff(line.substr(0, blank)) + "\n" + roff(line.substr(meaning)) + "\n";
  }
  return text;
}

std::string verb_page(const std::string& program, const VerbText& verb) {
  std::string text = heading(file_of(program, verb.name), verb.summary) + synopsis(program, verb);
  text += ".SH OPTIONS\n";
  for (const auto& option : verb.options) text += option_text(option);
  text += option_text({.name = "--help", .value = {}, .help = "Print a short help and exit"});
  if (file_of(program, verb.name) == "labctl-judge")
    text +=
        ".SH NOTES\nThe program\n.B labctl\\-judge\nis for hosts without a hypervisor. It has the verbs "
        "of\n.B labctl"
        "\nthat read records and run no guest, with the same options and exit status.\n";
  text += preformatted("EXAMPLES", verb.examples) + exit_status(verb.exit_codes);
  return text + ".SH \"SEE ALSO\"\n.BR " + roff(program) + " (1)\n";
}

constexpr const char* environment_section =
    ".SH ENVIRONMENT\n"
    ".TP\n.B LABCTL_CACHE\nWhere images, snapshots and artifacts are kept; otherwise "
    "\\fI$XDG_CACHE_HOME/labctl\\fR, otherwise "
    "\\fI~/.cache/labctl\\fR.\n"
    ".TP\n.B LABCTL_RUNTIME\nWhere the sockets of running guests are.\n"
    ".TP\n.B LABCTL_IMAGES\nFolders with image recipes besides labctl's own, separated by colons.\n"
    ".TP\n.B LABCTL_HISTORY\nThe file of the history; otherwise \\fIlabctl/history.db\\fR in XDG_STATE_HOME "
    "or "
    "\\fI~/.local/state\\fR.\n"
    ".TP\n.B LABCTL_KEEP_QUOTA\nWhat kept machines may take on disk together (10GiB); the oldest goes "
    "first.\n"
    ".TP\n.B LABCTL_TMPDIR\nWhere an image build unpacks that is not root's (\\fI/var/tmp\\fR).\n"
    ".TP\n.B LABCTL_KEY_PASSPHRASE\nThe passphrase of the signing key.\n"
    ".TP\n.B NO_COLOR\nPrint without colors.\n";

std::string program_page(const CommandLine& command_line) {
  const std::string& program = command_line.program();
  std::string text = heading(program, "virtual machine test lab and release gate for kernel drivers");
  text += ".SH SYNOPSIS\n.B " + roff(program) + "\n\\fIVERB\\fR [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n" +
          roff(command_line.about()) + "\n";
  for (const auto& group : command_line.groups()) {
    std::string verbs;
    for (const auto& verb : command_line.described())
      if (verb.group == group)
        verbs += ".TP\n\\fB" + roff(verb.name) + "\\fR\n" + roff(verb.summary) + "; see \\fB" +
                 roff(file_of(program, verb.name)) + "\\fR(1).\n";
    if (!verbs.empty()) text += ".SS \"" + roff(group) + "\"\n" + verbs;
  }
  return text + environment_section;
}

struct ManOptions {
  const CommandLine* command_line;
  std::string out;
};

int man(const ManOptions& options) {
  const CommandLine& command_line = *options.command_line;
  const std::string& program = command_line.program();
  const fs::path out = options.out;
  if (auto made = make_dirs(out); !made) return report_error(made.error());
  if (auto done = write_file(out / (program + ".1"), program_page(command_line)); !done)
    return report_error(done.error());
  for (const auto& verb : command_line.described())
    if (auto done = write_file(out / (file_of(program, verb.name) + ".1"), verb_page(program, verb)); !done)
      return report_error(done.error());
  return exit_code::passed;
}

}  // namespace

void add_man(CommandLine& command_line) {
  const auto options = std::make_shared<ManOptions>();
  options->command_line = &command_line;
  auto verb = command_line.verb("man",
                                {.summary = "Write the manual pages, one for each verb",
                                 .group = group::upkeep,
                                 .examples = "labctl man --out man1 && man -l man1/labctl-run.1",
                                 .exit_codes = "0    written\n"
                                               "2    bad usage\n"
                                               "3    they cannot be written"},
                                options, man);
  verb.option("--out", options->out, "The folder that they are written to",
              {.value = "DIR", .required = true});
}

}  // namespace labctl::cli
