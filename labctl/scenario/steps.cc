// One step of a story: a few words, or a map when there is more to say about it.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

constexpr Millis shortest_wait{100};
constexpr Millis longest_wait = std::chrono::hours(1);
constexpr Millis shortest_cut{1};
constexpr std::size_t longest_marker = 200;

const std::vector<std::string> first_words = {"install",   "place",     "apply",  "exercise", "reboot",
                                              "cold-boot", "power-cut", "remove", "reload",   "suspend",
                                              "update",    "crash",     "run",    "wait"};
const std::vector<std::string> map_keys = {"step", "run", "wait", "wait-for", "power-cut"};
const std::string all_steps =
    "steps: install driver, place content, apply content, exercise, reboot, reboot x3, cold-boot, power-cut, "
    "power-cut during boot, remove driver, reload driver x3, suspend, crash and boot, update package FILE, "
    "wait 20s, wait for TEXT, run COMMAND";
const std::string moments =
    "write power-cut, power-cut at TEXT, or power-cut during install driver, apply content, or boot";

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

// What follows the first `count` words of a text, as it stands there.
std::string behind(std::string_view text, int count) {
  std::string_view rest = trim(text);
  for (; count > 0; --count) rest = trim(rest.substr(std::min(rest.find_first_of(" \t\n"), rest.size())));
  return std::string(rest);
}

tl::unexpected<Error> no_step(const std::vector<std::string>& words, const std::string& hint) {
  return input_error(fmt::format("{} is not a step", quoted(join(words, " "))), "", hint);
}

// "install driver [LABEL]", "place content [LABEL]", "apply content [LABEL]", "remove driver"
Result<Step> candidate_step(StepKind kind, const std::vector<std::string>& words) {
  const bool labelled = kind != StepKind::remove;
  const std::string noun = kind == StepKind::install || kind == StepKind::remove ? "driver" : "content";
  if (words.size() < 2 || words[1] != noun || words.size() > (labelled ? 3u : 2u))
    return no_step(words, fmt::format("write {} {}{}", words[0], noun, labelled ? " [LABEL]" : ""));
  Step step{.kind = kind};
  if (words.size() == 3) step.label = words[2];
  return step;
}

// What stands before the count is `said` of the words.
Result<Step> counted_step(StepKind kind, const std::vector<std::string>& words, std::size_t said) {
  Step step{.kind = kind};
  if (words.size() == said) return step;
  const std::string& count = words[said];
  const char* end = count.data() + count.size();
  const std::string name = join({words.begin(), words.begin() + static_cast<std::ptrdiff_t>(said)}, " ");
  const std::string hint = fmt::format("write {}, or {} x3", name, name);
  const bool counted =
      words.size() == said + 1 && count.size() > 1 && count[0] == 'x' && count[1] != '0' && count[1] != '-';
  if (!counted) return no_step(words, hint);
  const auto [stopped, error] = std::from_chars(count.data() + 1, end, step.times);
  if (error == std::errc::invalid_argument || stopped != end) return no_step(words, hint);
  if (error != std::errc() || step.times > most_boots)
    return input_error(fmt::format("{} is not between x1 and x{}", quoted(count), most_boots));
  return step;
}

// "reboot", "reboot x3", and the same with cold-boot and suspend
Result<Step> plain_step(StepKind kind, const std::vector<std::string>& words) {
  return counted_step(kind, words, 1);
}

// "reload driver", "reload driver x3"
Result<Step> reload_step(const std::vector<std::string>& words) {
  if (words.size() < 2 || words[1] != "driver")
    return no_step(words, "write reload driver, or reload driver x3");
  return counted_step(StepKind::reload, words, 2);
}

// "crash and boot", "crash and boot x3"
Result<Step> crash_step(const std::vector<std::string>& words) {
  if (words.size() < 3 || words[1] != "and" || words[2] != "boot")
    return no_step(words, "write crash and boot, or crash and boot x3");
  return counted_step(StepKind::crash, words, 3);
}

// "update package FILE"
Result<Step> update_step(const std::string& file) {
  if (file.empty())
    return input_error("'update package' needs a file", "",
                       "write update package FILE, or {step: update package, file: FILE}");
  if (!is_update_package(file))
    return input_error(
        fmt::format("'update package' takes one .deb or .rpm, found {}", quoted(file)), "",
        file.ends_with(".msu") || file.ends_with(".cab")
            ? "a Windows with an update in it is an image of its own"
            : "several packages are several steps, in the order in which they need each other");
  return Step{.kind = StepKind::update, .text = file};
}

// A text that the console may show. Not so short that anything would show it, and on one line.
Status check_marker(const std::string& text) {
  if (text.size() < 3)
    return input_error(fmt::format("{} is too short to wait for", quoted(text)), "",
                       "3 characters or more of one line");
  if (text.size() > longest_marker)
    return input_error(fmt::format("a text on the console of more than {} characters", longest_marker));
  const bool plain =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (!plain) return input_error(fmt::format("{} is not one line of plain characters", quoted(text)));
  if (text.front() == '"' && text.back() == '"')
    return input_error("the quotes would be part of what the console must show", "",
                       "write it without, or put the whole step in quotes");
  return {};
}

Result<Step> marker_step(StepKind kind, Moment moment, const std::string& text) {
  if (auto good = check_marker(text); !good) return fail(good.error());
  return Step{.kind = kind, .text = text, .moment = moment};
}

Result<Step> wait_step(const std::string& text, const std::vector<std::string>& words) {
  if (words.size() > 1 && words[1] == "for")
    return marker_step(StepKind::wait_for, Moment::now, behind(text, 2));
  if (words.size() != 2)
    return input_error("'wait' needs one duration, or 'for' and a text", "",
                       "write wait 20s, or wait for TEXT");
  const auto length = bounded_duration(words[1], shortest_wait, longest_wait);
  if (!length) return fail(length.error());
  return Step{.kind = StepKind::wait, .wait = *length};
}

// "power-cut", "power-cut at TEXT", "power-cut during boot", "power-cut during install driver [LABEL]" ...
Result<Step> power_cut_step(const std::string& text, const std::vector<std::string>& words) {
  if (words.size() == 1) return Step{.kind = StepKind::power_cut};
  if (words[1] == "at") return marker_step(StepKind::power_cut, Moment::now, behind(text, 2));
  if (words[1] != "during" || words.size() < 3) return no_step(words, moments);
  if (words[2] == "boot" && words.size() == 3)
    return Step{.kind = StepKind::power_cut, .moment = Moment::boot};
  const bool install = words[2] == "install";
  if (!install && words[2] != "apply") return no_step(words, moments);
  auto step = candidate_step(install ? StepKind::install : StepKind::apply, {words.begin() + 2, words.end()});
  if (!step) return no_step(words, moments);
  step->kind = StepKind::power_cut;
  step->moment = install ? Moment::install : Moment::apply;
  return step;
}

}  // namespace

Millis read_within(const Node& node, const std::string& what, Reader& reader) {
  return reader.duration(node, what + ".within", shortest_within, longest_within).value_or(Millis(0));
}

Result<Step> parse_step(const std::string& text) {
  const auto words = words_of(text);
  if (words.empty()) return input_error("an empty step", "", all_steps);
  const std::string& verb = words[0];
  if (verb == "install") return candidate_step(StepKind::install, words);
  if (verb == "place") return candidate_step(StepKind::place, words);
  if (verb == "apply") return candidate_step(StepKind::apply, words);
  if (verb == "remove") return candidate_step(StepKind::remove, words);
  if (verb == "reload") return reload_step(words);
  if (verb == "reboot") return plain_step(StepKind::reboot, words);
  if (verb == "cold-boot") return plain_step(StepKind::cold_boot, words);
  if (verb == "suspend") return plain_step(StepKind::suspend, words);
  if (verb == "crash") return crash_step(words);
  if (verb == "update")
    return words.size() > 1 && words[1] == "package" ? update_step(behind(text, 2))
                                                     : no_step(words, "write update package FILE");
  if (verb == "power-cut") return power_cut_step(text, words);
  if (verb == "wait") return wait_step(text, words);
  if (verb == "run") {
    Step step{.kind = StepKind::run, .text = behind(text, 1)};
    if (step.text.empty()) return input_error("'run' needs a command", "", "write run COMMAND");
    return step;
  }
  if (verb == "exercise") {
    if (words.size() > 1)
      return input_error(fmt::format("'{}' takes no argument, found {}", verb, quoted(join(words, " "))));
    return Step{.kind = StepKind::exercise};
  }
  return input_error(fmt::format("{} is not a step", quoted(trim(text))), "",
                     suggest(verb, first_words, all_steps));
}

std::optional<Step> StepReader::read(const Node& node) {
  if (node.kind == Node::Kind::map) return read_map(node);
  const auto text = reader_.text(node, what_, later_of(node));
  if (!text) return std::nullopt;
  return finish(parse_step(*text), node.mark);
}

// The path of a package may name the image, as those of artifacts do.
unsigned StepReader::later_of(const Node& words) const {
  const auto written = words_of(words.text);
  return !written.empty() && written[0] == "update" ? image_later : later_;
}

std::optional<Step> StepReader::read_map(const Node& node) {
  const auto written = [&](const std::string& key) { return node.find(key) != nullptr; };
  if (written("step")) return read_words(node);
  if (written("run")) return read_run(node);
  if (written("wait-for")) return read_wait_for(node);
  if (written("power-cut")) return read_power_cut(node);
  if (written("wait") && reader_.map(node, fmt::format("{}: wait", what_), {{"wait"}})) {
    const auto length =
        reader_.duration(*node.find("wait"), fmt::format("{}: wait", what_), shortest_wait, longest_wait);
    if (!length) return std::nullopt;
    return Step{.kind = StepKind::wait, .wait = *length, .mark = node.mark};
  }
  if (written("wait")) return std::nullopt;
  // What YAML makes of an unquoted "run echo a: b".
  const auto words = words_of(node.keys.empty() ? "" : node.keys[0].text);
  const bool cut =
      words.size() > 1 && std::find(first_words.begin(), first_words.end(), words[0]) != first_words.end();
  reader_.mistake(node.mark, fmt::format("{}: expected a step as text, found a map", what_),
                  written("within") ? "write {step: install driver, within: 20m}"
                  : cut             ? "put the step in quotes, because ': ' begins a value"
                                    : suggest(words.empty() ? "" : words[0], map_keys, all_steps));
  return std::nullopt;
}

// {step: install driver previous, within: 20m}: what a few words say, with its limit; the file of an update
// may stand for itself.
std::optional<Step> StepReader::read_words(const Node& node) {
  const std::string what = fmt::format("{}: step", what_);
  if (!reader_.map(node, what, {{"step"}, {"file"}, {"within"}})) return std::nullopt;
  const Node& words = *node.find("step");
  auto text = reader_.text(words, what, later_of(words));
  if (!text) return std::nullopt;
  if (const Node* file = node.find("file")) {
    const auto path = reader_.one_line(*file, what + ".file", image_later);
    if (!path) return std::nullopt;
    if (words_of(*text) != std::vector<std::string>{"update", "package"}) {
      reader_.mistake(file->mark, fmt::format("{}: only 'update package' takes a file", what),
                      "write {step: update package, file: FILE}");
      return std::nullopt;
    }
    text = fmt::format("update package {}", *path);
  }
  auto step = finish(parse_step(*text), node.mark);
  const Node* limit = node.find("within");
  if (!step || !limit) return step;
  const Millis within = read_within(*limit, what, reader_);
  if (step->kind == StepKind::wait)
    reader_.mistake(limit->mark, fmt::format("{}.within: a wait takes as long as it says", what));
  (step->kind == StepKind::wait_for ? step->wait : step->within) = within;
  return step;
}

std::optional<Step> StepReader::read_run(const Node& node) {
  const std::string what = fmt::format("{}: run", what_);
  if (!reader_.map(node, what, {{"run"}, {"exit"}, {"prints"}, {"within"}})) return std::nullopt;
  const auto command = reader_.text(*node.find("run"), what, later_);
  if (!command) return std::nullopt;
  auto step = finish(parse_step(fmt::format("run {}", *command)), node.mark);
  if (!step) return step;
  if (const Node* exit = node.find("exit"))
    step->exit_code = reader_.integer(*exit, what + ".exit", 0, 255).value_or(0);
  if (const Node* prints = node.find("prints"))
    step->prints = reader_.text(*prints, what + ".prints", later_);
  if (const Node* limit = node.find("within")) step->within = read_within(*limit, what, reader_);
  return step;
}

std::optional<Step> StepReader::read_wait_for(const Node& node) {
  const std::string what = fmt::format("{}: wait-for", what_);
  if (!reader_.map(node, what, {{"wait-for"}, {"within"}})) return std::nullopt;
  const auto text = reader_.text(*node.find("wait-for"), what, later_);
  if (!text) return std::nullopt;
  auto step = finish(marker_step(StepKind::wait_for, Moment::now, std::string(trim(*text))), node.mark);
  if (!step) return step;
  if (const Node* within = node.find("within"))
    step->wait = reader_.duration(*within, what + ".within", shortest_wait, longest_wait).value_or(Millis(0));
  return step;
}

// {power-cut: now | during ..., after: 500ms} or {power-cut: ..., at: TEXT}
std::optional<Step> StepReader::read_power_cut(const Node& node) {
  const std::string what = fmt::format("{}: power-cut", what_);
  if (!reader_.map(node, what, {{"power-cut"}, {"after"}, {"at"}, {"within"}})) return std::nullopt;
  const Node& moment = *node.find("power-cut");
  const auto text = reader_.text(moment, what);
  if (!text) return std::nullopt;
  const auto words = words_of(*text);
  if (words.empty() || words[0] == "at") {
    reader_.mistake(moment.mark, fmt::format("{}: {} is not a moment", what, quoted(*text)),
                    "now, during boot, during install driver, or during apply content");
    return std::nullopt;
  }
  const bool now = words == std::vector<std::string>{"now"};
  auto step = finish(parse_step(now ? "power-cut" : fmt::format("power-cut {}", *text)), node.mark);
  if (!step) return step;
  if (const Node* limit = node.find("within")) step->within = read_within(*limit, what, reader_);
  const Node *after = node.find("after"), *at = node.find("at");
  if (after && at)
    reader_.mistake(after->mark, fmt::format("{}: 'after' and 'at' are two moments", what), "keep one");
  if (after && now)
    reader_.mistake(after->mark, fmt::format("{}: 'after' what?", what),
                    "it belongs to a moment: power-cut: during boot");
  if (after)
    step->wait = reader_.duration(*after, what + ".after", shortest_cut, longest_wait).value_or(Millis(0));
  if (at) {
    const auto marker = reader_.text(*at, what + ".at", later_);
    if (!marker) return std::nullopt;
    step->text = trim(*marker);
    if (auto good = check_marker(step->text); !good)
      reader_.mistake(at->mark, fmt::format("{}.at: {}", what, good.error().what), good.error().hint);
  }
  return step;
}

std::optional<Step> StepReader::finish(Result<Step> step, Mark mark) {
  if (!step) {
    reader_.mistake(mark, what_ + ": " + step.error().what, step.error().hint);
    return std::nullopt;
  }
  step->mark = mark;
  return *step;
}

bool boots(StepKind kind) {
  return kind == StepKind::reboot || kind == StepKind::cold_boot || kind == StepKind::power_cut ||
         kind == StepKind::crash;
}

std::string to_text(const Step& step) {
  std::string text = to_string(step.kind);
  if (step.kind == StepKind::install || step.kind == StepKind::remove || step.kind == StepKind::reload)
    text += " driver";
  if (step.kind == StepKind::place || step.kind == StepKind::apply) text += " content";
  if (step.kind == StepKind::power_cut && step.moment != Moment::now)
    text += fmt::format(" during {}", to_string(step.moment));
  if (step.kind == StepKind::update) text += " package " + printable(step.text, 100);
  if (!step.label.empty()) text += " " + step.label;
  if (step.kind == StepKind::wait) text += " " + show_duration(step.wait);
  if (step.kind == StepKind::wait_for) text += " '" + printable(step.text, 60) + "'";
  if (step.kind == StepKind::power_cut && !step.text.empty())
    text += fmt::format(" at '{}'", printable(step.text, 60));
  if (step.times > 1) text += " x" + std::to_string(step.times);
  return text;
}

const char* to_string(StepKind kind) {
  switch (kind) {
    case StepKind::install:
      return "install";
    case StepKind::place:
      return "place";
    case StepKind::apply:
      return "apply";
    case StepKind::exercise:
      return "exercise";
    case StepKind::reboot:
      return "reboot";
    case StepKind::cold_boot:
      return "cold-boot";
    case StepKind::power_cut:
      return "power-cut";
    case StepKind::remove:
      return "remove";
    case StepKind::reload:
      return "reload";
    case StepKind::suspend:
      return "suspend";
    case StepKind::crash:
      return "crash and boot";
    case StepKind::update:
      return "update";
    case StepKind::run:
      return "run";
    case StepKind::wait:
      return "wait";
    case StepKind::wait_for:
      return "wait for";
  }
  return "";
}

const char* to_string(Moment moment) {
  switch (moment) {
    case Moment::now:
      return "now";
    case Moment::install:
      return "install driver";
    case Moment::apply:
      return "apply content";
    case Moment::boot:
      return "boot";
  }
  return "";
}

}  // namespace labctl::scenario
