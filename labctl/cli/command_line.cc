#include "labctl/cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>

#include "labctl/base/slow_work.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

std::string section(const std::string& heading, std::string_view lines) {
  std::string text = heading + ":\n";
  for (const auto& line : split(lines, '\n')) text += "  " + line + "\n";
  return text;
}

// "labctl rum", "labctl image biuld": the first word that names no verb, with the nearest one. Asked before
// CLI11 parses, which would answer a --help that follows and exit with 0.
std::optional<std::string> unknown_verb(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* above = &app;
  for (const auto& word : words) {
    if (word.starts_with('-')) continue;
    std::vector<std::string> verbs;
    const CLI::App* found = nullptr;
    for (const auto* sub : above->get_subcommands({})) {
      verbs.push_back(sub->get_name());
      if (sub->get_name() == word) found = sub;
    }
    if (verbs.empty()) break;
    if (found == nullptr) {
      std::string message = fmt::format("there is no verb '{}'", printable(word, 60));
      if (auto meant = did_you_mean(word, verbs))
        message += fmt::format("\n  hint: did you mean '{}'?", *meant);
      return message;
    }
    above = found;
  }
  return std::nullopt;
}

// The deepest verb that the words name.
const CLI::App& verb_of(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const auto& word : words) {
    if (word.starts_with('-')) continue;
    const auto subs = at->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
    if (subs.empty()) break;
    at = subs.front();
  }
  return *at;
}

// What no option and no argument of the verb took.
std::string left_over(const CLI::App& app, const CLI::App& verb) {
  const auto words = app.remaining(true);
  const auto option =
      std::find_if(words.begin(), words.end(), [](const auto& w) { return w.starts_with('-'); });
  if (words.empty()) return "there is an argument too many";
  if (option == words.end()) return fmt::format("unexpected argument '{}'", printable(words.front(), 60));
  const std::string name = option->substr(0, option->find('='));
  std::vector<std::string> known;
  for (const auto* one : verb.get_options())
    for (const auto& other : one->get_lnames()) known.push_back("--" + other);
  std::string message = fmt::format("unknown option '{}'", printable(name, 60));
  if (auto meant = did_you_mean(name, known)) message += fmt::format("\n  hint: did you mean '{}'?", *meant);
  return message;
}

// CLI11's own sentences, where they are not a user's.
std::string in_words(const CLI::ParseError& problem, const CLI::App& app, const CLI::App& verb) {
  const std::string said = problem.what();
  const std::string name = said.substr(0, said.find(':'));
  if (dynamic_cast<const CLI::ExtrasError*>(&problem)) return left_over(app, verb);
  if (said == "A subcommand is required") return "no verb is given";
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&problem) && name.starts_with('-') && name != said)
    return fmt::format("{} requires a value", name);
  if (const auto excludes = said.find(" excludes "); dynamic_cast<const CLI::ExcludesError*>(&problem))
    return fmt::format("{} and {} cannot be given together", said.substr(0, excludes),
                       said.substr(excludes + 10));
  if (const auto value = said.find(" = "); dynamic_cast<const CLI::ConversionError*>(&problem) &&
                                           said.starts_with("Could not convert: ") &&
                                           value != std::string::npos)
    return fmt::format("{}: '{}' is not a number", said.substr(19, value - 19),
                       printable(said.substr(value + 3), 60));
  return said;
}

CLI::Validator one_of(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& given) {
    if (std::find(words.begin(), words.end(), given) != words.end()) return std::string();
    const auto meant = did_you_mean(given, words);
    return fmt::format("'{}' is not one of {}{}", printable(given, 60), join(words, ", "),
                       meant ? fmt::format("\n  hint: did you mean '{}'?", *meant) : "");
  };
  return CLI::Validator(check, fmt::format("{{{}}}", join(words, ",")));
}

CLI::Validator between(double least, double most) {
  const auto check = [=](const std::string& given) {
    double number = 0;
    const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), number);
    const bool is_number = problem == std::errc() && end == given.data() + given.size();
    if (is_number && number >= least && number <= most) return std::string();
    return fmt::format("'{}' is not a number from {} to {}", printable(given, 60), least, most);
  };
  return CLI::Validator(check, fmt::format("{}-{}", least, most));
}

}  // namespace

struct CommandLine::Parts {
  CLI::App app;
  std::function<int()> call;
  std::string about;
  std::deque<VerbText> verbs;  // whose Verbs point to them
  Verb::OldNames old_names;
  std::map<std::string, std::string> usual;  // of a group of verbs

  // `verb`: whose help answers; the whole program's, when no verb is known.
  int refuse(const std::string& message, const CLI::App& verb) const {
    std::string name = verb.get_name();
    for (const auto* above = verb.get_parent(); above != nullptr; above = above->get_parent())
      name = fmt::format("{} {}", above->get_name(), name);
    const bool has_verbs = !verb.get_subcommands({}).empty();
    say(fmt::format("{}: {}", name, message));
    say(fmt::format("run '{} --help' for its {}", name, has_verbs ? "verbs" : "options and examples"));
    return exit_code::bad_input;
  }
};

CommandLine::CommandLine(const char* program, const char* about, const std::string& footer)
    : parts_(new Parts{CLI::App{about, program}, {}, about, {}, {}, {}}) {
  auto& app = parts_->app;
  app.set_version_flag("--version", std::string("labctl ") + LABCTL_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  app.footer(footer);
}

CommandLine::~CommandLine() = default;

void CommandLine::verbs(const char* name, const char* summary, const char* group, const char* usual) {
  if (*usual) parts_->usual[name] = usual;
  auto& app = parts_->app;
  auto* sub = app.add_subcommand(name, summary);
  sub->require_subcommand(1);
  sub->group(group);
  sub->footer(fmt::format("'{} {} VERB --help' lists the options, examples and exit codes of a verb.",
                          app.get_name(), name));
}

Verb CommandLine::add(const std::string& name, const VerbHelp& help, std::function<int()> call) {
  CLI::App* above = &parts_->app;
  const auto space = name.find(' ');
  if (space != std::string::npos) above = above->get_subcommand(name.substr(0, space));
  auto* sub = above->add_subcommand(name.substr(space == std::string::npos ? 0 : space + 1), help.summary);
  sub->group(above == &parts_->app ? help.group : "Subcommands");  // else it inherits that of its parent
  std::string footer = section("Examples", help.examples) + "\n" + section("Exit codes", help.exit_codes);
  footer.pop_back();  // the formatter ends the line
  sub->footer(footer);
  auto& text = parts_->verbs.emplace_back(
      VerbText{name, help.summary, help.group, help.examples, help.exit_codes, {}});
  sub->callback([this, call = std::move(call)] { parts_->call = call; });
  return Verb(*sub, text, parts_->old_names);
}

const std::string& CommandLine::program() const { return parts_->app.get_name(); }
const std::string& CommandLine::about() const { return parts_->about; }
const std::vector<std::string>& CommandLine::groups() const {
  static const std::vector<std::string> all = {group::judging, group::images, group::crashes, group::history,
                                               group::upkeep};
  return all;
}

const std::deque<VerbText>& CommandLine::described() const { return parts_->verbs; }

int CommandLine::parse_and_call(int argc, char** argv) {
  auto& app = parts_->app;
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (const auto usual = words.empty() ? parts_->usual.end() : parts_->usual.find(words.front());
      usual != parts_->usual.end()) {
    const std::string next = words.size() > 1 ? words[1] : "-";
    if (next.starts_with('-') && next != "-h" && next != "--help")
      words.insert(words.begin() + 1, usual->second);
  }
  if (const auto mistake = unknown_verb(app, words)) return parts_->refuse(*mistake, verb_of(app, words));
  for (auto& word : words) {
    const auto equals = std::min(word.find('='), word.size());
    if (const auto old = parts_->old_names.find(word.substr(0, equals)); old != parts_->old_names.end())
      word.replace(0, equals, old->second);
  }
  const CLI::App& verb = verb_of(app, words);
  std::reverse(words.begin(), words.end());  // as CLI11 wants a vector
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& asked) {  // --help and --version
    return app.exit(asked);
  } catch (const CLI::ParseError& problem) {
    return parts_->refuse(in_words(problem, app, verb), verb);
  }
  return parts_->call();
}

void Verb::describe(const char* name, const char* help, const Wants& wants, bool many) {
  const bool by_place = name[0] != '-';
  // Of several names the first long one: "-v,--verbose".
  const auto names = split(name, ',');
  const auto first_long =
      std::find_if(names.begin(), names.end(), [](const auto& one) { return one.starts_with("--"); });
  text_.options.push_back({.name = first_long == names.end() ? names.front() : *first_long,
                           .value = *wants.value || by_place ? wants.value : "VALUE",
                           .help = help,
                           .required = wants.required,
                           .many = many,
                           .one_of = wants.one_of});
}

void Verb::apply(CLI::Option* option, const char* name, const Wants& wants) {
  if (*wants.value) option->type_name(wants.value);
  if (wants.required) option->required();
  if (!wants.one_of.empty()) option->check(one_of(wants.one_of));
  if (wants.between.second != 0) option->check(between(wants.between.first, wants.between.second));
  if (wants.show_default) option->capture_default_str();
  for (const char* other : wants.excludes) option->excludes(app_.get_option(other));
  if (*wants.old_name) old_names_[wants.old_name] = name;
}

void Verb::option(const char* name, std::string& value, const char* help, const Wants& wants) {
  describe(name, help, wants, false);
  apply(app_.add_option(name, value, help), name, wants);
}
void Verb::option(const char* name, int& value, const char* help, const Wants& wants) {
  describe(name, help, wants, false);
  apply(app_.add_option(name, value, help), name, wants);
}
void Verb::option(const char* name, unsigned& value, const char* help, const Wants& wants) {
  describe(name, help, wants, false);
  apply(app_.add_option(name, value, help), name, wants);
}
void Verb::option(const char* name, double& value, const char* help, const Wants& wants) {
  describe(name, help, wants, false);
  apply(app_.add_option(name, value, help), name, wants);
}

void Verb::option(const char* name, std::vector<std::string>& values, const char* help, const Wants& wants) {
  describe(name, help, wants, true);
  auto* option = app_.add_option(name, values, help);
  if (name[0] == '-' && !wants.many) option->allow_extra_args(false);
  apply(option, name, wants);
}

void Verb::flag(const char* name, bool& value, const char* help, const Wants& wants) {
  describe(name, help, wants, false);
  text_.options.back().value.clear();
  apply(app_.add_flag(name, value, help), name, wants);
}

int run_command_line(CommandLine& command_line, int argc, char** argv) {
  tell_slow_work([](const std::string& text) { say(fmt::format("labctl: {}", text)); });
  try {
    const int code = command_line.parse_and_call(argc, argv);
    // A verdict that could not be printed was not given.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      say("labctl: cannot write to standard output");
      return code == exit_code::passed ? exit_code::no_verdict : code;
    }
    return code;
  } catch (const std::exception& problem) {
    say(fmt::format("labctl: internal error: {}", problem.what()));
    return exit_code::no_verdict;
  }
}

}  // namespace labctl::cli
