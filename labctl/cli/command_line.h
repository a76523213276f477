// The command line as the verbs see it: each verb says its options, its examples and what it calls, in a file
// of its own. command_line.cc is the only file that knows CLI11, whose headers cost half a minute of each
// that sees them; its exit codes (105 for a failed check) end there and become ours.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace labctl::cli {

// The groups of the general help, in its order.
namespace group {
inline constexpr const char *judging = "Run and judge", *images = "Images", *crashes = "Crashes",
                            *history = "History", *upkeep = "Upkeep";
}

// What a verb's --help says; options are added to it.
struct VerbHelp {
  const char* summary;  // one line
  const char* group;
  const char* examples;    // one a line, each beginning with "labctl VERB"
  const char* exit_codes;  // "CODE  meaning", one a line
};

// What an option or argument wants of its value.
struct Wants {
  const char* value = "";  // how the help calls it: "FILE"
  bool required = false;
  bool show_default = false;  // in the help
  bool many = false;          // of a list: several values behind one name
  std::vector<std::string> one_of = {};
  std::pair<double, double> between = {0, 0};  // inclusive; {0, 0}: anything
  std::vector<const char*> excludes = {};      // options of the same verb that were added before
  const char* old_name = "";  // an option's earlier name: still understood, by every verb, and shown by none
};

// What the command line says of itself, for man pages and completion; the general help says the same.
struct OptionText {
  std::string name;   // "--out"; of an argument that is known by its place "BUNDLE"
  std::string value;  // how the help calls what it wants: "FILE"; empty: it is a flag
  std::string help;
  bool required = false, many = false;
  std::vector<std::string> one_of = {};
  bool by_place() const { return !name.starts_with('-'); }
};
struct VerbText {
  std::string name;  // "image build"
  std::string summary, group, examples, exit_codes;
  std::vector<OptionText> options;  // in the order of the help
  bool answers() const;             // knows --json
  bool json = false;                // --json was given; of verbs without a format of their own
};

class Verb {
 public:
  // Earlier names of options, with today's.
  using OldNames = std::map<std::string, std::string>;
  Verb(CLI::App& app, VerbText& text, OldNames& old_names) : app_(app), text_(text), old_names_(old_names) {}

  // A name without dashes is an argument that is known by its place: "BUNDLE". What is not given leaves the
  // value as it is; it must outlive the command line.
  void option(const char* name, std::string& value, const char* help, const Wants& wants = {});
  void option(const char* name, int& value, const char* help, const Wants& wants = {});
  void option(const char* name, unsigned& value, const char* help, const Wants& wants = {});
  void option(const char* name, double& value, const char* help, const Wants& wants = {});
  // May be repeated.
  void option(const char* name, std::vector<std::string>& values, const char* help, const Wants& wants = {});
  void flag(const char* name, bool& value, const char* help, const Wants& wants = {});
  // --json, of a verb whose answer has no format of its own (answer.h).
  void json();

 private:
  void describe(const char* name, const char* help, const Wants& wants, bool many);
  void apply(CLI::Option* option, const char* name, const Wants& wants);

  CLI::App& app_;
  VerbText& text_;
  OldNames& old_names_;
};

class CommandLine {
 public:
  // `program` is what the user types; `footer` stands below the general help.
  CommandLine(const char* program, const char* about, const std::string& footer);
  ~CommandLine();

  // `name` may have a group's name before it: "image build". `options` is the verb's own, kept with it; what
  // `call` returns is the process's exit code.
  template <class Options>
  Verb verb(const char* name, const VerbHelp& help, const std::shared_ptr<Options>& options,
            int (*call)(const Options&)) {
    return add(name, help, [options, call] { return call(*options); });
  }
  // "image", of "image build". `usual` is what is meant where no verb of it follows, only options or nothing.
  void verbs(const char* name, const char* summary, const char* group, const char* usual = "");

  const std::string& program() const;
  const std::string& about() const;
  const std::vector<std::string>& groups() const;  // in the order of the general help
  const std::deque<VerbText>& described() const;   // in the order in which they were added

  // Bad usage, and a verb that does not exist, are reported on standard error.
  int parse_and_call(int argc, char** argv);

 private:
  Verb add(const std::string& name, const VerbHelp& help, std::function<int()> call);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Parses, calls one verb and maps what goes wrong outside of it: a closed standard output, an exception.
int run_command_line(CommandLine& command_line, int argc, char** argv);

}  // namespace labctl::cli
