// labctl completion: the scripts by which shells complete verbs, options and their values.

#include "labctl/cli/completion.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "labctl/base/text.h"
#include "labctl/bundle/judge.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/cli/verbs.h"

namespace labctl::cli {
namespace {

// What a shell offers for a value; by how the help calls it, as everything else about an option is.
enum class Offer { nothing, file, folder, scenario, image, cell };

Offer offer_of(const OptionText& option) {
  const std::string& called = option.by_place() ? option.name : option.value;
  if (called == "BUNDLE" || called == "DIR") return Offer::folder;
  if (called == "SCENARIO") return Offer::scenario;
  if (called == "IMAGE" || called == "NAME") return Offer::image;
  if (called == "CELL") return Offer::cell;
  for (const char* file : {"FILE", "DISK", "KEYRING", "ATTESTATION", "FILE|DIR", "KEY", "DRIVER"})
    if (called == file) return Offer::file;
  return Offer::nothing;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// In single quotes for the shells; `quote` stands for a quote inside.
std::string quoted(std::string_view text, std::string_view quote) {
  std::string out = "'";
  for (const char c : text)
    if (c == '\'')
      out += quote;
    else
      out += c;
  return out + "'";
}

std::string as_function(std::string name) {
  for (char& c : name)
    if (c == '-' || c == ' ') c = '_';
  return "_" + name;
}

// "image": what stands before the blank in "image build"; empty without one.
std::string above(const std::string& name) {
  const auto blank = name.find(' ');
  return blank == std::string::npos ? std::string() : name.substr(0, blank);
}
std::string last_word(const std::string& name) { return name.substr(name.find(' ') + 1); }

// The words that may follow `group`; those of the top with an empty one.
std::vector<std::string> words_below(const CommandLine& command_line, const std::string& group) {
  std::vector<std::string> words;
  for (const auto& verb : command_line.described()) {
    const std::string word = above(verb.name) == group ? last_word(verb.name)
                             : group.empty()           ? above(verb.name)
                                                       : std::string();
    if (!word.empty() && std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

std::vector<std::string> groups_of(const CommandLine& command_line) {
  std::vector<std::string> groups;
  for (const auto& verb : command_line.described())
    if (const auto group = above(verb.name);
        !group.empty() && std::find(groups.begin(), groups.end(), group) == groups.end())
      groups.push_back(group);
  return groups;
}

// ---- bash ----
std::string bash_offer(const OptionText& option) {
  if (!option.one_of.empty()) return "words " + quoted(joined(option.one_of), "'\\''");
  switch (offer_of(option)) {
    case Offer::file:
      return "files";
    case Offer::folder:
      return "folders";
    case Offer::scenario:
      return "scenarios";
    case Offer::image:
      return "words \"$(\"${COMP_WORDS[0]}\" completion images 2>/dev/null)\"";
    case Offer::cell:
      return "words \"$(\"${COMP_WORDS[0]}\" completion cells \"${places[0]}\" 2>/dev/null)\"";
    case Offer::nothing:
      break;
  }
  return ":";
}

std::string bash_verb(const VerbText& verb) {
  std::vector<std::string> names = {"--help"}, valued;
  std::string values, places;
  int place = 0;
  for (const auto& option : verb.options) {
    if (option.by_place()) {
      places += "        " + std::string(option.many ? "*" : std::to_string(place++)) + ") " +
                bash_offer(option) + " ;;\n";
      continue;
    }
    names.push_back(option.name);
    if (option.value.empty()) continue;
    valued.push_back(option.name);
    values += "        " + option.name + ") " + bash_offer(option) + "; return ;;\n";
  }
  std::string text = "    " + quoted(verb.name, "") + ")\n";
  if (!valued.empty()) text += "      case $before in\n" + values + "      esac\n";
  text += "      places_behind " + std::to_string(1 + !above(verb.name).empty()) + " " +
          quoted(joined(valued), "") + "\n";
  text += "      if [[ $word == -* ]]; then words " + quoted(joined(names), "") + "; return; fi\n";
  if (!places.empty()) text += "      case ${#places[@]} in\n" + places + "      esac\n";
  return text + "      ;;\n";
}

constexpr const char* bash_helpers =
    R"(  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} places=()
  words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word"); }
  files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word"); }
  folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word"); }
  scenarios() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -- "$word" | grep -E '\.ya?ml$')
  }
  # What was given by its place so far: behind the verb's $1 words, without options and the values of those in $2.
  places_behind() {
    local i
    for ((i = $1 + 1; i < COMP_CWORD; i++)); do
      if [[ " $2 " == *" ${COMP_WORDS[i]} "* ]]; then i=$((i + 1)); continue; fi
      [[ ${COMP_WORDS[i]} == -* ]] || places+=("${COMP_WORDS[i]}")
    done
  }
  COMPREPLY=()
)";

// PROGRAM is what the user types, FUNCTION the function that completes it.
std::string filled(std::string text, const std::string& program) {
  for (const auto& [mark, name] : {std::pair<std::string, std::string>{"PROGRAM", program},
                                   std::pair<std::string, std::string>{"FUNCTION", as_function(program)}})
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += name.size())
      text.replace(at, mark.size(), name);
  return text;
}

// ---- zsh ----
// In a spec of _arguments a colon ends a field and a bracket the help.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_offer(const OptionText& option) {
  if (!option.one_of.empty()) return "(" + joined(option.one_of) + ")";
  switch (offer_of(option)) {
    case Offer::file:
      return "_files";
    case Offer::folder:
      return "_files -/";
    case Offer::scenario:
      return "_files -g \"*.(yaml|yml)\"";
    case Offer::image:
      return "FUNCTION_images";
    case Offer::cell:
      return "FUNCTION_cells";
    case Offer::nothing:
      break;
  }
  return " ";
}

std::string zsh_verb(const VerbText& verb) {
  std::string text = "      " + last_word(verb.name) + ")\n        _arguments -s '--help[print the help]'";
  int place = 1;
  for (const auto& option : verb.options) {
    std::string spec;
    if (option.by_place()) {
      spec = (option.many ? "*" : std::to_string(place++)) + (option.required ? ":" : "::") + option.name +
             ":" + zsh_offer(option);
    } else {
      spec = (option.many ? "*" : "") + option.name + "[" + zsh_text(option.help) + "]";
      if (!option.value.empty()) spec += ":" + zsh_text(option.value) + ":" + zsh_offer(option);
    }
    text += " \\\n          " + quoted(spec, "'\\''");
  }
  return text + " ;;\n";
}

// One function for each level: the verbs of the top, and those of each group.
std::string zsh_level(const CommandLine& command_line, const std::string& group) {
  std::string verbs, cases;
  for (const auto& verb : command_line.described()) {
    if (above(verb.name) != group) continue;
    verbs += "    " + quoted(last_word(verb.name) + ":" + verb.summary, "'\\''") + "\n";
    cases += zsh_verb(verb);
  }
  const std::string name = "FUNCTION" + (group.empty() ? "" : "_" + group);
  if (group.empty())
    for (const auto& below : groups_of(command_line)) {
      verbs += "    '" + below + ":" + joined(words_below(command_line, below)) + "'\n";
      cases += "      " + below + ") " + "FUNCTION_" + below + " ;;\n";
    }
  return name + "() {\n  local curcontext=$curcontext state line\n  local -a verbs=(\n" + verbs +
         "  )\n  _arguments -C '1: :->verb' '*:: :->rest'\n  case $state in\n"
         "    verb) _describe verb verbs ;;\n    rest)\n      case $words[1] in\n" +
         cases + "      esac ;;\n  esac\n}\n";
}

// ---- fish ----
std::string fish_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  return "'" + out + "'";
}

std::string fish_offer(const OptionText& option) {
  if (!option.one_of.empty()) return " -xa " + fish_quoted(joined(option.one_of));
  switch (offer_of(option)) {
    case Offer::file:
    case Offer::scenario:
      return " -rF";
    case Offer::folder:
      return " -xa '(__fish_complete_directories)'";
    case Offer::image:
      return " -xa '(PROGRAM completion images 2>/dev/null)'";
    case Offer::cell:
      return " -xa '(__PROGRAM_cells)'";
    case Offer::nothing:
      break;
  }
  return " -x";
}

std::string fish_verb(const VerbText& verb) {
  const std::string line = "complete -c PROGRAM -n " + fish_quoted("__PROGRAM_verb " + verb.name) + " ";
  std::string text;
  for (const auto& option : verb.options) {
    if (option.by_place())
      text += line + fish_offer(option).substr(1) + "\n";
    else
      text += line + "-l " + option.name.substr(2) + (option.value.empty() ? "" : fish_offer(option)) +
              " -d " + fish_quoted(option.help) + "\n";
  }
  return text;
}

constexpr const char* fish_helpers = R"(# Whether the words so far begin with these verbs.
function __PROGRAM_verb
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $words) -ge $last; or return 1
    test "$words[2..$last]" = "$argv"
end
function __PROGRAM_no_verb
    test (count (commandline -opc)) -eq (math 1 + (count $argv)); or return 1
    test (count $argv) -eq 0; or __PROGRAM_verb $argv
end
function __PROGRAM_cells
    for word in (commandline -opc)[3..]
        test -d $word; and PROGRAM completion cells $word 2>/dev/null
    end
end
)";

// ---- the verb ----
struct CompletionOptions {
  const CommandLine* command_line;
  std::string what, bundle;
};

int list_images() {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const auto recipes = open_store(*paths).recipes();
  if (!recipes) return report_error(recipes.error());
  for (const auto& recipe : *recipes) print(recipe.name + "\n");
  return exit_code::passed;
}

int list_cells(const std::string& bundle) {
  const auto run = bundle::read_run(bundle);
  if (!run) return report_error(run.error());
  for (const auto& cell : run->record.plan.cells) print(cell.id + "\n");
  return exit_code::passed;
}

int completion(const CompletionOptions& options) {
  if (options.what == "images") return list_images();
  if (options.what == "cells") return list_cells(options.bundle);
  const auto make = options.what == "bash"  ? bash_completion
                    : options.what == "zsh" ? zsh_completion
                                            : fish_completion;
  print(make(*options.command_line));
  return exit_code::passed;
}

}  // namespace

std::string bash_completion(const CommandLine& command_line) {
  const std::string& program = command_line.program();
  std::string text = "# Completion of " + program + " for bash, made by '" + program +
                     " completion bash'.\n" + as_function(program) + "() {\n" + bash_helpers;
  const auto groups = groups_of(command_line);
  text += "  if ((COMP_CWORD == 1)); then words " +
          quoted(joined(words_below(command_line, {})) + " --help --version", "") + "; return; fi\n";
  text += "  case $verb in\n";
  for (const auto& group : groups)
    text += "    " + group + ")\n      if ((COMP_CWORD == 2)); then words " +
            quoted(joined(words_below(command_line, group)), "") +
            "; return; fi\n      verb+=\" ${COMP_WORDS[2]}\" ;;\n";
  text += "  esac\n  case $verb in\n";
  for (const auto& verb : command_line.described()) text += bash_verb(verb);
  return text + "  esac\n}\ncomplete -F " + as_function(program) + " " + program + "\n";
}

std::string zsh_completion(const CommandLine& command_line) {
  std::string text = R"zsh(#compdef PROGRAM
# Completion of PROGRAM for zsh, made by 'PROGRAM completion zsh'.
FUNCTION_images() { compadd -- ${(f)"$(PROGRAM completion images 2>/dev/null)"} }
FUNCTION_cells() { compadd -- ${(f)"$(PROGRAM completion cells ${(Q)words[2]} 2>/dev/null)"} }
)zsh";
  for (const auto& group : groups_of(command_line)) text += zsh_level(command_line, group);
  text += zsh_level(command_line, {});
  // Called by name when it was found in a folder of $fpath; else it was sourced.
  text += "if [[ $funcstack[1] == _PROGRAM ]]; then FUNCTION \"$@\"; else compdef FUNCTION PROGRAM; fi\n";
  return filled(text, command_line.program());
}

std::string fish_completion(const CommandLine& command_line) {
  std::string text = "# Completion of PROGRAM for fish, made by 'PROGRAM completion fish'.\n" +
                     std::string(fish_helpers) + "complete -c PROGRAM -f\n";
  std::set<std::string> listed;
  for (const auto& verb : command_line.described()) {
    const std::string group = above(verb.name);
    if (!group.empty() && listed.insert(group).second)
      text += "complete -c PROGRAM -n __PROGRAM_no_verb -a " + group + " -d " +
              fish_quoted(joined(words_below(command_line, group))) + "\n";
    text += "complete -c PROGRAM -n " +
            fish_quoted("__PROGRAM_no_verb" + (group.empty() ? "" : " " + group)) + " -a " +
            last_word(verb.name) + " -d " + fish_quoted(verb.summary) + "\n" + fish_verb(verb);
  }
  return filled(text, command_line.program());
}

void add_completion(CommandLine& command_line) {
  const auto options = std::make_shared<CompletionOptions>();
  options->command_line = &command_line;
  auto verb = command_line.verb(
      "completion",
      {.summary = "Print the completion script of a shell",
       .group = group::upkeep,
       .examples = "labctl completion bash > ~/.local/share/bash-completion/completions/labctl\n"
                   "labctl completion cells reports/runs/20261122T074514Z-quickstart",
       .exit_codes = "0    printed\n"
                     "2    no such bundle, or bad usage"},
      options, completion);
  verb.option("WHAT", options->what, "A shell, or what its script asks for: images, cells of a bundle",
              {.required = true, .one_of = {"bash", "zsh", "fish", "images", "cells"}});
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed, for cells");
}

}  // namespace labctl::cli
