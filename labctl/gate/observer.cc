#include "labctl/gate/observer.h"

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
    return counted(e.cells, "cell", "cells") + ", " + std::to_string(e.at_once) + " at once (" + e.why + ")";
  }
  std::string operator()(const RunEnded&) const { return {}; }
  std::string operator()(const SnapshotBegan&) const { return {}; }
  std::string operator()(const SnapshotEnded&) const { return {}; }
  std::string operator()(const CanariesBegan&) const { return {}; }
  std::string operator()(const CanariesEnded& e) const {
    std::string text;
    for (const auto& canary : e.canaries)
      if (!canary.proved()) text += (text.empty() ? "the cells of " : ", ") + canary.name();
    return text.empty() ? text : text + " are not run: a detection channel did not report the crash";
  }
  std::string operator()(const CellsBegan&) const { return {}; }
  std::string operator()(const CellMoved&) const { return {}; }
  std::string operator()(const CellEnded& e) const {
    return e.progress.cell + ": " + ending_of(e.progress.outcome);
  }
  std::string operator()(const CellsEnded&) const { return {}; }
  std::string operator()(const AttemptsBegan& e) const {
    return std::to_string(e.times) + " attempts from before '" + e.step + "', " + std::to_string(e.at_once) +
           " at once";
  }
  std::string operator()(const AttemptEnded& e) const {
    return std::to_string(e.number) + " of " + std::to_string(e.times) + ": " + ending_of(e.outcome);
  }
  std::string operator()(const ProbeEnded& e) const {
    const auto ending = e.outcome.ending;
    std::string seen = e.same ? "the same crash" : "no crash";
    if (!e.same && ending != outcome::Ending::passed)
      seen = std::string(outcome::to_string(ending)) + ", another failure: " + printable(e.outcome.reason);
    return "run " + std::to_string(e.number) + ": " + e.what + ": " + seen + " (" + show_duration(e.took) +
           (e.restored ? ")" : ", from the beginning)");
  }
  std::string operator()(const ImagesBegan& e) const {
    if (e.all < 2) return {};
    return std::to_string(e.missing) + " of " + std::to_string(e.all) + " images to build, " +
           std::to_string(e.at_once) + " at once";
  }
  std::string operator()(const ImageBegan&) const { return {}; }
  std::string operator()(const ImageEnded& e) const {
    return e.image ? "the image '" + e.name + "' is ready" : e.image.error().text();
  }
  std::string operator()(const BundleOpened& e) const {
    return "writing " + e.folder.string() + " (if interrupted, continue with: labctl run --resume " +
           shell_quote(e.folder.string()) + ")";
  }
  std::string operator()(const RunResumed& e) const {
    return "resuming: " + counted(std::size_t(e.kept), "cell", "cells") + " had ended and are kept, " +
           std::to_string(e.cut_off) + " were cut off and are run again";
  }
  std::string operator()(const ControlReused& e) const {
    return e.cell + ": reusing its pass from the last 7 days (rerun with --fresh-controls)";
  }
  std::string operator()(const ControlsRerun& e) const {
    return "a guest failed next to reused controls: rerunning " + counted(e.count, "control", "controls");
  }
  std::string operator()(const CleanedUp& e) const { return e.what; }
  std::string operator()(const Said& e) const { return e.text; }
  std::string operator()(const Note& e) const { return "note: " + e.text; }
  std::string operator()(const Warning& e) const {
    return "warning: " + e.text + (e.fix.empty() ? "" : " (" + e.fix + ")");
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
