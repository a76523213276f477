// The story: a few words per step, and what a story must hold to prove anything.

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

// Whether the story, told step by step, could prove what a verdict will claim.
class StoryCheck {
 public:
  // `what` is how mistakes call the story.
  StoryCheck(Reader& reader, const Scenario& scenario, std::string what)
      : reader_(reader), scenario_(scenario), what_(std::move(what)) {}

  void check(const std::vector<Step>& story, Mark mark) {
    const std::size_t before = reader_.count();
    for (const Step& step : story) tell(step);
    used_by_the_next_boot();
    if (boots_ == 0) {
      mistake(mark, "no reboot and no power-cut, and a gate without a boot proves nothing", "add reboot x3");
    } else if (boots_ > most_boots) {
      mistake(mark, fmt::format("{} boots are more than {}", boots_, most_boots));
    }
    if (!ever_installed_) mistake(mark, "the driver is never installed", "begin with install driver");
    if (!scenario_.contents.empty() && !ever_applied_)
      mistake(mark, "candidate.content is given but never applied", "add apply content");
    if (scenario_.guest && !scenario_.guest->exercise.empty() && !exercised_)
      mistake(mark, fmt::format("{}.exercise is given but never used", guest_name()), "add exercise");
    if (state_.driver == torn)
      mistake(torn_at_, "after this it is unknown which driver is installed",
              "install driver again after it");
    if (unbooted_update_)
      mistake(*unbooted_update_, "no boot follows this update, and a kernel that it installs would never run",
              "write reboot after it");
    if (state_.content == torn)
      mistake(torn_at_, "after this it is unknown which content is there", "apply content again after it");
    // Only a story without other faults is worth asking whether it boots each cell's own bytes.
    if (reader_.count() == before) check_own_boots(mark);
  }

 private:
  std::string guest_name() const {
    return std::string("guest.") + to_string(scenario_.guest ? scenario_.guest->os : Os::linux_);
  }

  static constexpr const char* none = "-";  // no label is called so
  static constexpr const char* torn = "?";  // the power was cut while it was being changed
  struct State {
    std::string driver = none;  // the label, empty for the cell's own
    std::string content = none;
  };

  void mistake(Mark mark, const std::string& text, const std::string& hint = {}) {
    reader_.mistake(mark, what_ + ": " + text, hint);
  }

  void tell(const Step& step) {
    switch (step.kind) {
      case StepKind::install:
        return install(step, step.label);
      case StepKind::place:
        content_step(step);
        state_.content = step.label;
        return;
      case StepKind::apply:
        content_step(step);
        needs_driver(step);
        state_.content = step.label;
        return;
      case StepKind::exercise:
        unused_boot_.reset();
        awaited_ = false;
        if (scenario_.guest && scenario_.guest->exercise.empty())
          mistake(step.mark, fmt::format("'exercise', but {} has no exercise", guest_name()));
        needs_driver(step);
        needs_content(step);
        exercised_ = true;
        return;
      case StepKind::remove:
        used_by_the_next_boot();
        needs_driver(step);
        if (scenario_.guest && scenario_.guest->driver.kind == DriverKind::script &&
            scenario_.guest->driver.remove.empty())
          mistake(step.mark, fmt::format("'remove driver', but {}.driver has no 'remove'", guest_name()));
        state_ = {};  // what a package takes away with it is its own affair
        return;
      case StepKind::reload:
        return reload(step);
      case StepKind::reboot:
      case StepKind::cold_boot:
        return boot(step);
      case StepKind::power_cut:
        return power_cut(step);
      case StepKind::suspend:
        return suspend(step);
      case StepKind::crash:
        return crash(step);
      case StepKind::update:
        return update(step);
      case StepKind::run:
      case StepKind::wait:
      case StepKind::wait_for:
        return;
    }
  }

  void install(const Step& step, const std::string& label) {
    known(step, scenario_.drivers, "candidate.driver");
    state_.driver = label;
    ever_installed_ = true;
    awaited_ = scenario_.guest && scenario_.guest->driver.loads != Loads::at_install;
  }

  // Only what labctl knows how to load, and what is loaded.
  void reload(const Step& step) {
    needs_driver(step);
    if (!scenario_.guest) return;
    const Driver& driver = scenario_.guest->driver;
    if (scenario_.guest->os == Os::windows && !driver.filter)
      mistake(
          step.mark,
          "'reload driver' on Windows is for minifilters: it unloads few other drivers before it shuts down",
          "write driver.filter where it is one; else remove driver and install driver, or reboot");
    else if (scenario_.guest->os == Os::windows && awaited_)
      mistake(
          step.mark,
          fmt::format("'reload driver' before the driver is loaded, with loads: {}", to_string(driver.loads)),
          driver.loads == Loads::on_use ? "write exercise before it" : "write reboot before it");
    else if (scenario_.guest->os == Os::windows)
      return;
    else if (driver.kind == DriverKind::script)
      mistake(step.mark, "'reload driver' with kind: script, and only its author knows how it is loaded",
              "write run steps that unload it and load it");
    else if (driver.modules.empty() && driver.kind != DriverKind::kmod)
      mistake(step.mark, fmt::format("'reload driver', but {}.driver has no module", guest_name()),
              "a service is restarted by run systemctl restart NAME");
    else if (awaited_)
      mistake(
          step.mark,
          fmt::format("'reload driver' before the driver is loaded, with loads: {}", to_string(driver.loads)),
          driver.loads == Loads::on_use ? "write exercise before it" : "write reboot before it");
  }

  // Whatever runs in it: what has to be there behind it is proved as after any step.
  void suspend(const Step& step) {
    if (scenario_.guest && scenario_.guest->os == Os::windows)
      mistake(step.mark, "'suspend' on Windows: no way to do it has been proved on one",
              "a guest of Linux can be suspended");
  }

  // What the image needs for it is asked of the guest.
  void crash(const Step& step) {
    if (scenario_.guest && scenario_.guest->os == Os::windows)
      mistake(step.mark, "'crash and boot' on Windows: no way to do it has been proved on one",
              "a guest of Linux can be crashed, in an image with kdump");
    boot(step);
  }

  // What is under test would be in the control as well.
  void update(const Step& step) {
    unbooted_update_ = step.mark;
    if (scenario_.guest && scenario_.guest->os == Os::windows)
      return mistake(step.mark, "'update package' on Windows: no way to do it has been proved on one",
                     "build an image with the update in it, and run on both");
    for (const auto* artifacts : {&scenario_.drivers, &scenario_.contents})
      for (const Artifact& artifact : *artifacts)
        if (same_file(artifact.path, step.text) ||
            std::any_of(artifact.with.begin(), artifact.with.end(),
                        [&](const std::string& path) { return same_file(path, step.text); }))
          return mistake(
              step.mark,
              fmt::format("'update package' is for the operating system, and {} is the candidate's "
                          "{}",
                          quoted(step.text), quoted(artifact.label)),
              artifacts == &scenario_.drivers ? "write install driver" : "write apply content");
  }

  void content_step(const Step& step) {
    if (scenario_.contents.empty())
      mistake(step.mark, fmt::format("'{}', but there is no candidate.content", named(step)));
    else
      known(step, scenario_.contents, "candidate.content");
    ever_applied_ = true;
  }

  void power_cut(const Step& step) {
    torn_at_ = step.moment == Moment::install || step.moment == Moment::apply ? step.mark : torn_at_;
    if (step.moment == Moment::install) install(step, torn);
    if (step.moment == Moment::apply) {
      content_step(step);
      needs_driver(step);
      state_.content = torn;
    }
    boot(step);
  }

  // A driver that loads when it is used is seen in no boot without a use.
  void boot(const Step& step) {
    boots_ += step.times;
    unbooted_update_.reset();
    booted_.push_back(state_);
    awaited_ = scenario_.guest && scenario_.guest->driver.loads == Loads::on_use;
    const bool on_use = scenario_.guest && scenario_.guest->driver.loads == Loads::on_use;
    if (!on_use || state_.driver == none || state_.driver == torn) return;
    if (step.times > 1) not_used(step.mark);
    used_by_the_next_boot();
    unused_boot_ = step.mark;
  }

  void used_by_the_next_boot() {
    if (unused_boot_) not_used(*unused_boot_);
    unused_boot_.reset();
  }

  void not_used(Mark mark) {
    mistake(mark,
            "nothing uses the driver in this boot, and with loads: on-use nothing would show that it loads",
            "write exercise after each reboot");
  }

  void known(const Step& step, const std::vector<Artifact>& artifacts, const char* which) {
    const auto names = labels(artifacts);
    if (step.label.empty() || names.empty() ||
        std::find(names.begin(), names.end(), step.label) != names.end())
      return;
    mistake(step.mark, fmt::format("{} has no {}", which, quoted(step.label)),
            suggest(step.label, names, fmt::format("it has: {}", join(names, ", "))));
  }

  static std::string named(const Step& step) {
    const bool content = step.kind == StepKind::apply || step.kind == StepKind::place;
    return std::string(to_string(step.kind)) + (content ? " content" : "");
  }

  void needs_driver(const Step& step) {
    if (state_.driver == torn)
      return mistake(step.mark, unknown(step, "driver is installed"), "install driver again first");
    if (state_.driver != none) return;
    const bool apply = step.kind == StepKind::apply;
    mistake(step.mark,
            std::string("'") + to_string(step.kind) +
                (ever_installed_ ? "' after the driver was removed" : "' before 'install driver'"),
            apply ? "content that comes first: place content" : "");
  }

  void needs_content(const Step& step) {
    if (state_.content == torn)
      mistake(step.mark, unknown(step, "content is there"), "apply content again first");
  }

  std::string unknown(const Step& step, const std::string& what) const {
    return fmt::format("'{}' after a power cut that leaves it unknown which {}", to_string(step.kind), what);
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
        mistake(story,
                fmt::format("no boot has driver '{}'{}, so nothing would be proved about it", driver,
                            has_content ? fmt::format(" together with content '{}'", content) : " installed"),
                fmt::format("reboot after install driver{}", has_content ? " and apply content" : ""));
        return;
      }
    }
  }

  Reader& reader_;
  const Scenario& scenario_;
  std::string what_;
  State state_;
  Mark torn_at_;
  std::vector<State> booted_;
  std::optional<Mark> unused_boot_, unbooted_update_;
  long boots_ = 0;
  bool ever_installed_ = false;
  bool awaited_ = false;  // the installed driver is not loaded yet
  bool ever_applied_ = false;
  bool exercised_ = false;
};

// A driver that is only loaded proves little, so each boot uses it. One that loads at the next boot can take
// content only then.
std::vector<Step> default_story(const Scenario& scenario) {
  std::vector<std::string> texts = {"install driver"};
  const bool later = scenario.guest && scenario.guest->driver.loads == Loads::at_boot;
  if (later) texts.emplace_back("reboot");
  if (!scenario.contents.empty()) texts.emplace_back("apply content");
  if (scenario.guest && !scenario.guest->exercise.empty()) {
    texts.emplace_back("exercise");
    for (int boot = later ? 1 : 0; boot < 3; ++boot) texts.insert(texts.end(), {"reboot", "exercise"});
  } else {
    texts.emplace_back(later ? "reboot x2" : "reboot x3");
  }
  std::vector<Step> steps;
  for (const std::string& text : texts) {
    steps.push_back(parse_step(text).value());
    steps.back().mark = {1, 1};
  }
  return steps;
}

std::vector<Step> read_steps(const Node& node, const std::string& what, Reader& reader,
                             const Scenario& scenario) {
  std::vector<Step> steps;
  if (!reader.list(node, what)) return steps;
  const unsigned later = driver_later | (scenario.contents.empty() ? 0u : content_later);
  StepReader step_reader(reader, what, later);
  for (const Node& item : node.items)
    if (auto step = step_reader.read(item)) {
      const bool driver = step->kind == StepKind::install || step->moment == Moment::install;
      if (const auto group = scenario.content_groups.find(step->label);
          !driver && group != scenario.content_groups.end() && group->second.size() == 1)
        step->label = group->second.front();  // one that labctl made longer
      steps.push_back(std::move(*step));
    }
  return steps;
}

}  // namespace

void read_story_names(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("stories");
  if (!node || !reader.names(*node, "stories")) return;
  for (std::size_t i = 0; i < node->keys.size(); ++i) {
    check_label(node->keys[i], "stories", reader);
    scenario.stories.push_back({node->keys[i].text, {}, node->items[i].mark});
  }
}

void read_story(const Node& root, Reader& reader, Scenario& scenario) {
  const auto read = [&](const Node& node, const std::string& what) {
    const std::size_t before = reader.count();
    auto steps = read_steps(node, what, reader, scenario);
    if (reader.count() == before) StoryCheck(reader, scenario, what).check(steps, node.mark);
    return steps;
  };
  const Node *one = root.find("story"), *several = root.find("stories");
  if (one && several)
    reader.mistake(one->mark, "'story' and 'stories' are both given", "make the one a story of the others");
  if (several)
    for (std::size_t i = 0; i < scenario.stories.size(); ++i)
      scenario.stories[i].steps =
          read(several->items[i], "stories." + printable(scenario.stories[i].name, 40));
  else
    scenario.story = one ? read(*one, "story") : default_story(scenario);
}

}  // namespace labctl::scenario
