#include "labctl/gate/observer.h"

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::gate {
namespace {

std::string ending_of(const outcome::Outcome& outcome) {
  return outcome::to_string(outcome.ending) +
         (outcome.reason.empty() ? "" : ": " + printable(outcome.reason, 200));
}

std::string counted(std::size_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

struct Describe {
  std::string operator()(const HostBegan&) const { return {}; }
  std::string operator()(const HostEnded& e) const {
    if (!e.facts) return {};  // the caller's answer says it
    return e.facts->hypervisor + ", " + machine::to_string(e.facts->accel) + ": " + e.facts->accel_reason;
  }
  std::string operator()(const RunBegan& e) const {
    return fmt::format("{}, {} at once ({})", counted(e.cells, "cell", "cells"), e.at_once, e.why);
  }
  std::string operator()(const RunEnded&) const { return {}; }
  std::string operator()(const SnapshotBegan&) const { return {}; }
  std::string operator()(const SnapshotEnded&) const { return {}; }
  std::string operator()(const CanariesBegan&) const { return {}; }
  std::string operator()(const CanariesEnded& e) const {
    std::string text;
    for (const auto& canary : e.canaries)
      if (!canary.proved()) text += (text.empty() ? "the cells of " : ", ") + canary.name();
    return text.empty() ? text
                        : fmt::format("{} are not run: a detection channel did not report the crash", text);
  }
  std::string operator()(const CellsBegan&) const { return {}; }
  std::string operator()(const CellMoved&) const { return {}; }
  std::string operator()(const CellEnded& e) const {
    return e.progress.cell + ": " + ending_of(e.progress.outcome);
  }
  std::string operator()(const CellsEnded&) const { return {}; }
  std::string operator()(const AttemptsBegan& e) const {
    return fmt::format("{} attempts from before '{}', {} at once", e.times, e.step, e.at_once);
  }
  std::string operator()(const AttemptEnded& e) const {
    return fmt::format("{} of {}: {}", e.number, e.times, ending_of(e.outcome));
  }
  std::string operator()(const ProbeEnded& e) const {
    const auto ending = e.outcome.ending;
    std::string seen = e.same ? "the same crash" : "no crash";
    if (!e.same && ending != outcome::Ending::passed)
      seen = fmt::format("{}, another failure: {}", outcome::to_string(ending), printable(e.outcome.reason));
    return fmt::format("run {}: {}: {} ({}{}", e.number, e.what, seen, show_duration(e.took),
                       e.restored ? ")" : ", from the beginning)");
  }
  std::string operator()(const ImagesBegan& e) const {
    if (e.all < 2) return {};
    return fmt::format("{} of {} images to build, {} at once", e.missing, e.all, e.at_once);
  }
  std::string operator()(const ImageBegan&) const { return {}; }
  std::string operator()(const ImageEnded& e) const {
    return e.image ? fmt::format("the image '{}' is ready", e.name) : e.image.error().text();
  }
  std::string operator()(const BundleOpened& e) const { return fmt::format("writing {}", e.folder.string()); }
  std::string operator()(const RunResumed& e) const {
    return fmt::format("resuming: {} had ended and are kept, {} were cut off and are run again",
                       counted(std::size_t(e.kept), "cell", "cells"), e.cut_off);
  }
  std::string operator()(const ControlReused& e) const {
    return fmt::format("{}: reusing its pass from the last 7 days (rerun with --fresh-controls)", e.cell);
  }
  std::string operator()(const ControlsRerun& e) const {
    return fmt::format("a guest failed next to reused controls: rerunning {}",
                       counted(e.count, "control", "controls"));
  }
  std::string operator()(const CleanedUp& e) const { return e.what; }
  std::string operator()(const Said& e) const { return e.text; }
  std::string operator()(const Note& e) const { return fmt::format("note: {}", e.text); }
  std::string operator()(const Warning& e) const {
    return fmt::format("warning: {}{}", e.text, e.fix.empty() ? "" : " (" + e.fix + ")");
  }
  std::string operator()(const Problem& e) const { return e.error.text(); }
};

}  // namespace

void Observers::on(const Event& event) {
  std::lock_guard lock(mutex_);
  for (auto* observer : all_) observer->on(event);
}

std::string describe(const Event& event) { return std::visit(Describe{}, event); }

}  // namespace labctl::gate
