#include "labctl/gate/canary.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "labctl/gate/snapshots.h"
#include "labctl/host/capacity.h"
#include "labctl/lab/scheduler.h"
#include "labctl/trust/canary.h"

namespace labctl::gate {

namespace fs = std::filesystem;

Answer<std::vector<outcome::Canary>> prove_channels(const CanaryOrder& order, const Environment& environment,
                                                    Observer& observer) {
  for (const auto& image : order.images)  // an unknown name needs no host
    if (auto built = environment.store.find(image); !built) return wrong(built.error());
  auto work = begin_work(environment, observer);
  if (!work) return wrong(work.error());
  auto host = open_host(environment, order.host, observer);
  if (!host) return wrong(host.error());
  auto tool = own_digest();
  if (!tool) return wrong(tool.error());
  trust::CanaryOrder clones{.records = order.out.empty() ? work->path() / "canary" : order.out,
                            .cache = environment.paths.cache,
                            .work = work->path(),
                            .tool = *tool,
                            .host = (*host)->facts().fingerprint,
                            .again = true,
                            .clock = environment.clock};
  std::uint64_t memory = scenario::Machine{}.memory;
  for (const auto& image : order.images) {
    auto built = environment.store.find(image);
    if (!built) return wrong(built.error());
    const auto shape = snapshot::shape_on((*host)->facts(), snapshot::usual_shape(*built));
    memory = std::max(memory, shape.memory);
    auto base = prepare_base(image, shape, **host, environment, observer);
    if (!base) return wrong(base.error());
    clones.bases.push_back(*base);
  }
  const trust::Scheduler scheduler = [&](const auto& jobs) {
    lab::run_scheduled(jobs, **host, host::capacity(memory).jobs, canary_watch(jobs.size(), observer),
                       environment.stop);
  };
  observer.on(CanariesBegan{order.images});
  auto canaries = trust::prove_channels(clones, scheduler, progress_to(observer), environment.stop);
  observer.on(CanariesEnded{canaries ? *canaries : std::vector<outcome::Canary>{}});
  if (!canaries) return wrong(canaries.error());
  return std::move(*canaries);
}

lab::Watch canary_watch(std::size_t clones, Observer& observer, Millis every) {
  using Clock = std::chrono::steady_clock;
  struct Heard {
    Clock::time_point began = Clock::now(), said = began;
    std::size_t ended = 0;
  };
  return [=, &observer, heard = std::make_shared<Heard>()](const lab::Progress& progress) {
    heard->ended += progress.ended;
    const auto now = Clock::now();
    if (progress.ended || now - heard->said < every) return;
    heard->said = now;
    observer.on(Said{fmt::format("canary: {} of {} clones have ended after {}; {}: {}", heard->ended, clones,
                                 show_duration(std::chrono::duration_cast<Millis>(now - heard->began)),
                                 progress.cell, progress.where)});
  };
}

}  // namespace labctl::gate
