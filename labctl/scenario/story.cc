// The story: a few words per step, and what a story must hold to prove anything.

#include <algorithm>
#include <charconv>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

constexpr int most_boots = 1000;
constexpr Millis shortest_wait{100};
constexpr Millis longest_wait = std::chrono::hours(1);

const std::vector<std::string> first_words = {"install",   "apply",  "exercise", "reboot",
                                              "power-cut", "remove", "run",      "wait"};
const std::string all_steps =
    "steps: install driver, apply content, exercise, reboot, reboot x3, power-cut, remove driver, wait 20s, "
    "run COMMAND";

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (c != ' ' && c != '\t' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

// "install driver [LABEL]", "apply content [LABEL]", "remove driver"
Result<Step> candidate_step(StepKind kind, const std::vector<std::string>& words, const std::string& noun) {
  const bool labelled = kind != StepKind::remove;
  const std::string usage = words[0] + " " + noun + (labelled ? " [LABEL]" : "");
  if (words.size() < 2 || words[1] != noun || words.size() > (labelled ? 3u : 2u)) {
    return input_error(quoted(join(words, " ")) + " is not a step", "", "write " + usage);
  }
  Step step;
  step.kind = kind;
  if (words.size() == 3) step.label = words[2];
  return step;
}

Result<Step> reboot_step(const std::vector<std::string>& words) {
  Step step;
  step.kind = StepKind::reboot;
  if (words.size() == 1) return step;
  const std::string& count = words[1];
  const char* end = count.data() + count.size();
  int times = 0;
  const bool counted =
      words.size() == 2 && count.size() > 1 && count[0] == 'x' && count[1] != '0' && count[1] != '-';
  if (!counted)
    return input_error(quoted(join(words, " ")) + " is not a step", "", "write reboot, or reboot x3");
  const auto [stopped, error] = std::from_chars(count.data() + 1, end, times);
  if (error == std::errc::invalid_argument || stopped != end) {
    return input_error(quoted(join(words, " ")) + " is not a step", "", "write reboot, or reboot x3");
  }
  if (error != std::errc() || times > most_boots) {
    return input_error(quoted(count) + " is not between x1 and x" + std::to_string(most_boots));
  }
  step.times = times;
  return step;
}

Result<Step> wait_step(const std::vector<std::string>& words) {
  if (words.size() != 2) return input_error("'wait' needs one duration", "", "write wait 20s");
  const auto length = bounded_duration(words[1], shortest_wait, longest_wait);
  if (!length) return fail(length.error());
  Step step;
  step.kind = StepKind::wait;
  step.wait = *length;
  return step;
}

class StoryReader {
 public:
  StoryReader(Reader& reader, const Scenario& scenario) : reader_(reader), scenario_(scenario) {}

  std::vector<Step> read(const Node& node) {
    std::vector<Step> steps;
    if (!reader_.list(node, "story")) return steps;
    for (const Node& item : node.items) {
      if (auto step = read_step(item)) steps.push_back(std::move(*step));
    }
    return steps;
  }

 private:
  std::optional<Step> read_step(const Node& node) {
    if (node.kind == Node::Kind::map) return read_map_step(node);
    const auto text = reader_.text(node, "story", later());
    if (!text) return std::nullopt;
    return finish(parse_step(*text), node.mark);
  }

  // {run: CMD} and {wait: 20s}, and what YAML makes of an unquoted "run echo a: b".
  std::optional<Step> read_map_step(const Node& node) {
    const bool single = node.keys.size() == 1;
    const std::string key = single ? node.keys[0].text : "";
    if (key == "wait") {
      const auto length = reader_.duration(node.items[0], "story: wait", shortest_wait, longest_wait);
      if (!length) return std::nullopt;
      Step step;
      step.kind = StepKind::wait;
      step.wait = *length;
      step.mark = node.mark;
      return step;
    }
    if (key == "run") {
      auto command = reader_.text(node.items[0], "story: run", later());
      if (!command) return std::nullopt;
      return finish(parse_step("run " + *command), node.mark);
    }
    const auto words = words_of(key);
    const bool cut =
        words.size() > 1 && std::find(first_words.begin(), first_words.end(), words[0]) != first_words.end();
    reader_.mistake(node.mark, "story: expected a step as text, found a map",
                    cut ? "put the step in quotes, because ': ' begins a value" : all_steps);
    return std::nullopt;
  }

  std::optional<Step> finish(Result<Step> step, Mark mark) {
    if (!step) {
      reader_.mistake(mark, "story: " + step.error().what, step.error().hint);
      return std::nullopt;
    }
    step->mark = mark;
    return *step;
  }

  unsigned later() const { return driver_later | (scenario_.contents.empty() ? 0u : content_later); }

  Reader& reader_;
  const Scenario& scenario_;
};

// Whether the story, told step by step, could prove what a verdict will claim.
class StoryCheck {
 public:
  StoryCheck(Reader& reader, const Scenario& scenario) : reader_(reader), scenario_(scenario) {}

  void check(Mark story) {
    const std::size_t before = reader_.count();
    for (const Step& step : scenario_.story) tell(step);
    if (boots_ == 0) {
      reader_.mistake(story, "story: no reboot and no power-cut, and a gate without a boot proves nothing",
                      "add reboot x3");
    } else if (boots_ > most_boots) {
      reader_.mistake(
          story, "story: " + std::to_string(boots_) + " boots are more than " + std::to_string(most_boots));
    }
    if (!ever_installed_)
      reader_.mistake(story, "story: the driver is never installed", "begin with install driver");
    if (!scenario_.contents.empty() && !ever_applied_) {
      reader_.mistake(story, "story: candidate.content is given but never applied", "add apply content");
    }
    if (scenario_.linux_guest && !scenario_.linux_guest->exercise.empty() && !exercised_) {
      reader_.mistake(story, "story: guest.linux.exercise is given but never used", "add exercise");
    }
    // Only a story without other faults is worth asking whether it boots each cell's own bytes.
    if (reader_.count() == before) check_own_boots(story);
  }

 private:
  struct State {
    std::string driver = "-";  // the label, empty for the cell's own, "-" for none
    std::string content = "-";
  };

  void tell(const Step& step) {
    switch (step.kind) {
      case StepKind::install:
        known(step, scenario_.drivers, "candidate.driver");
        state_.driver = step.label;
        ever_installed_ = true;
        break;
      case StepKind::apply:
        if (scenario_.contents.empty()) {
          reader_.mistake(step.mark, "story: 'apply content', but there is no candidate.content");
        } else {
          known(step, scenario_.contents, "candidate.content");
        }
        needs_driver(step);
        state_.content = step.label;
        ever_applied_ = true;
        break;
      case StepKind::exercise:
        if (scenario_.linux_guest && scenario_.linux_guest->exercise.empty()) {
          reader_.mistake(step.mark, "story: 'exercise', but guest.linux has no exercise");
        }
        needs_driver(step);
        exercised_ = true;
        break;
      case StepKind::remove:
        needs_driver(step);
        if (scenario_.linux_guest && scenario_.linux_guest->driver.kind == DriverKind::script &&
            scenario_.linux_guest->driver.remove.empty()) {
          reader_.mistake(step.mark, "story: 'remove driver', but guest.linux.driver has no 'remove'");
        }
        state_.driver = "-";
        break;
      case StepKind::reboot:
      case StepKind::power_cut:
        boots_ += step.times;
        booted_.push_back(state_);
        break;
      case StepKind::run:
      case StepKind::wait:
        break;
    }
  }

  void known(const Step& step, const std::vector<Artefact>& artefacts, const char* what) {
    const auto names = labels(artefacts);
    if (step.label.empty() || names.empty() ||
        std::find(names.begin(), names.end(), step.label) != names.end())
      return;
    reader_.mistake(step.mark, std::string("story: ") + what + " has no " + quoted(step.label),
                    suggest(step.label, names, "it has: " + join(names, ", ")));
  }

  void needs_driver(const Step& step) {
    if (state_.driver != "-") return;
    reader_.mistake(step.mark,
                    std::string("story: '") + to_string(step.kind) +
                        (ever_installed_ ? "' after the driver was removed" : "' before 'install driver'"));
  }

  // Every value of an axis that a cell may have, from the matrix and the includes.
  std::vector<std::string> values(const std::string& axis) const {
    std::vector<std::string> all;
    for (const auto& [name, list] : scenario_.matrix) {
      if (name == axis) all = list;
    }
    for (const Selector& entry : scenario_.include) {
      for (const auto& [name, value] : entry.axes) {
        if (name == axis && std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
      }
    }
    return all;
  }

  // A verdict speaks of a driver and a content together, so each cell must boot at least once with exactly
  // its two.
  void check_own_boots(Mark story) {
    const auto is = [](const std::string& label, const std::string& own) {
      return label.empty() || label == own;
    };
    auto contents = values("content");
    const bool has_content = !contents.empty();
    if (!has_content) contents.push_back("");
    for (const std::string& driver : values("driver")) {
      for (const std::string& content : contents) {
        const bool booted = std::any_of(booted_.begin(), booted_.end(), [&](const State& state) {
          return is(state.driver, driver) && (!has_content || is(state.content, content));
        });
        if (booted) continue;
        reader_.mistake(story,
                        "story: no boot has driver '" + driver + "'" +
                            (has_content ? " together with content '" + content + "'" : " installed") +
                            ", so nothing would be proved about it",
                        "reboot after install driver" + std::string(has_content ? " and apply content" : ""));
        return;
      }
    }
  }

  Reader& reader_;
  const Scenario& scenario_;
  State state_;
  std::vector<State> booted_;
  long boots_ = 0;
  bool ever_installed_ = false;
  bool ever_applied_ = false;
  bool exercised_ = false;
};

std::vector<Step> default_story(const Scenario& scenario) {
  std::vector<std::string> texts = {"install driver"};
  if (!scenario.contents.empty()) texts.push_back("apply content");
  if (scenario.linux_guest && !scenario.linux_guest->exercise.empty()) texts.push_back("exercise");
  texts.push_back("reboot x3");
  std::vector<Step> steps;
  for (const std::string& text : texts) {
    steps.push_back(parse_step(text).value());
    steps.back().mark = {1, 1};
  }
  return steps;
}

}  // namespace

Result<Step> parse_step(const std::string& text) {
  const auto words = words_of(text);
  if (words.empty()) return input_error("an empty step", "", all_steps);
  const std::string& verb = words[0];
  if (verb == "install") return candidate_step(StepKind::install, words, "driver");
  if (verb == "apply") return candidate_step(StepKind::apply, words, "content");
  if (verb == "remove") return candidate_step(StepKind::remove, words, "driver");
  if (verb == "reboot") return reboot_step(words);
  if (verb == "wait") return wait_step(words);
  Step step;
  if (verb == "run") {
    step.kind = StepKind::run;
    step.text = trim(trim(text).substr(3));
    if (step.text.empty()) return input_error("'run' needs a command", "", "write run COMMAND");
    return step;
  }
  if (verb == "exercise" || verb == "power-cut") {
    if (words.size() > 1)
      return input_error("'" + verb + "' stands alone, found " + quoted(join(words, " ")));
    step.kind = verb == "exercise" ? StepKind::exercise : StepKind::power_cut;
    return step;
  }
  return input_error(quoted(trim(text)) + " is not a step", "", suggest(verb, first_words, all_steps));
}

void read_story(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("story");
  if (!node) {
    scenario.story = default_story(scenario);
    return;
  }
  const std::size_t before = reader.count();
  scenario.story = StoryReader(reader, scenario).read(*node);
  if (reader.count() == before) StoryCheck(reader, scenario).check(node->mark);
}

const char* to_string(StepKind kind) {
  switch (kind) {
    case StepKind::install:
      return "install";
    case StepKind::apply:
      return "apply";
    case StepKind::exercise:
      return "exercise";
    case StepKind::reboot:
      return "reboot";
    case StepKind::power_cut:
      return "power-cut";
    case StepKind::remove:
      return "remove";
    case StepKind::run:
      return "run";
    case StepKind::wait:
      return "wait";
  }
  return "";
}

}  // namespace labctl::scenario
