#include "labctl/gate/log_observer.h"

#include "labctl/base/log.h"
#include "labctl/base/text.h"

namespace labctl::gate {
namespace {

std::string ending_of(const outcome::Outcome& outcome) {
  return std::string(outcome::to_string(outcome.ending)) +
         (outcome.reason.empty() ? "" : ": " + outcome.reason);
}

// What the terminal does not show, because another of its lines does, or because it is of no use there.
struct Write {
  std::map<std::string, std::string>& where;

  void operator()(const HostBegan& e) const { log::info("opening the hypervisor {}", e.uri); }
  void operator()(const HostEnded& e) const {
    if (e.facts)
      log::info("opened {}, {}: {}; machine {}, fingerprint {}", e.facts->hypervisor,
                machine::to_string(e.facts->accel), e.facts->accel_reason, e.facts->machine_type,
                e.facts->fingerprint.substr(0, 12));
    else
      log::error("the hypervisor cannot be opened: {}", e.facts.error().text());
  }
  void operator()(const RunEnded& e) const {
    log::info("the run {}: {}", e.interrupted ? "was interrupted" : "ended", e.verdict);
  }
  void operator()(const SnapshotBegan& e) const {
    log::info("looking for the snapshot of {} as {}", e.image, machine::slug_of(e.shape));
  }
  void operator()(const SnapshotEnded& e) const {
    const std::string slug = machine::slug_of(e.shape);
    if (e.status)
      log::info("the snapshot of {} as {} is ready", e.image, slug);
    else
      log::error("no snapshot of {} as {}: {}", e.image, slug, e.status.error().text());
  }
  void operator()(const CanariesBegan& e) const { log::info("canaries of {}", join(e.images, ", ")); }
  void operator()(const CanariesEnded& e) const {
    for (const auto& canary : e.canaries)
      if (canary.proved())
        log::info("the canary of {} proved every channel", canary.name());
      else
        log::warning("the canary of {} did not prove every channel: its cells are not run", canary.name());
  }
  void operator()(const CellsBegan& e) const { log::info("running the cells {}", join(e.cells, ", ")); }
  void operator()(const CellMoved& e) const {
    auto& last = where[e.progress.cell];
    if (last == e.progress.where) return;
    last = e.progress.where;
    log::info("cell {}: {}", e.progress.cell, last);
  }
  void operator()(const CellEnded& e) const {
    const auto ending = e.progress.outcome.ending;
    const std::string text = ending_of(e.progress.outcome);
    if (ending == outcome::Ending::lab_failed)
      log::error("cell {} ended {}", e.progress.cell, text);
    else
      log::info("cell {} ended {}", e.progress.cell, text);
  }
  void operator()(const CellsEnded&) const { log::info("no cell is running any more"); }
  void operator()(const ImageBegan& e) const { log::info("image {}: begun", e.name); }
  void operator()(const ImageEnded& e) const {
    if (e.image)
      log::info("image {}: ready, sha256 {}", e.name, e.image->sha256);
    else
      log::error("image {}: {}", e.name, e.image.error().text());
  }
  void operator()(const Warning& e) const { log::warning("{} ({})", e.text, e.fix); }
  void operator()(const Problem& e) const { log::error("{}", e.error.text()); }
  template <class Other>
  void operator()(const Other& e) const {
    if (const auto text = describe(e); !text.empty()) log::info("{}", text);
  }
};

}  // namespace

void LogObserver::on(const Event& event) { std::visit(Write{where_}, event); }

}  // namespace labctl::gate
