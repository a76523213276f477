// labctl canary: sees every channel of an image speak, by killing clones of it.

#include <algorithm>

#include "labctl/cli/cli.h"
#include "labctl/lab/canary.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/housekeeping.h"
#include "labctl/lab/interrupt.h"
#include "labctl/report/report.h"

namespace labctl::cli {

int canary(const CanaryOptions& options) {
  const auto found = lab::places();
  if (!found) return complain(found.error());
  const lab::Places& places = *found;
  const auto store = open_store(places);
  if (int code = refuse_bad_host(places); code != exit_code::passed) return code;
  lab::Interrupt interrupt([] { say("labctl: interrupted: ending the clones"); });
  auto work = lab::WorkFolder::create(places);
  if (!work) return complain(work.error());
  auto host = machine::open_host(
      {.uri = options.connect, .accel = options.accel, .runtime = places.runtime, .cache = places.cache});
  if (!host) return complain(host.error());
  auto tool = own_digest();
  if (!tool) return complain(tool.error());

  lab::CanaryOrder order{.records = options.out.empty() ? work->path() / "canary" : fs::path(options.out),
                         .cache = places.cache,
                         .work = work->path(),
                         .tool = *tool,
                         .host = (*host)->facts().fingerprint,
                         .again = true};
  std::uint64_t memory = scenario::Machine{}.memory;
  for (const auto& image : options.images) {
    auto built = store.find(image);
    if (!built) return complain(built.error());
    const auto shape = lab::shape_on((*host)->facts(), lab::usual_shape(*built));
    memory = std::max(memory, shape.memory);
    auto ground = lab::prepare_ground(**host, store, image, shape, say, interrupt.token());
    if (!ground) return complain(ground.error());
    order.grounds.push_back(*ground);
  }
  const lab::Crew crew = [&](const auto& jobs) {
    lab::run_crew(
        jobs, **host, lab::capacity(memory).jobs, [](const auto&) {}, interrupt.token());
  };
  auto canaries = lab::prove_channels(order, crew, say, interrupt.token());
  if (!canaries) return complain(canaries.error());
  for (const auto& canary : *canaries) print(report::canary_table(canary));
  const bool proved =
      std::all_of(canaries->begin(), canaries->end(), [](const auto& canary) { return canary.proved(); });
  return proved ? exit_code::passed : exit_code::no_verdict;
}

}  // namespace labctl::cli
