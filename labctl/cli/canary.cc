// labctl canary: sees every channel of an image speak, by killing clones of it.

#include <algorithm>

#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/verbs.h"
#include "labctl/lab/canary.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/housekeeping.h"
#include "labctl/lab/interrupt.h"
#include "labctl/report/report.h"

namespace labctl::cli {
namespace {

struct CanaryOptions {
  std::vector<std::string> images;
  std::string out;  // where the records go; empty: they are looked at and thrown away
  HostChoice host;
};

int canary(const CanaryOptions& options) {
  const auto found = lab::places();
  if (!found) return complain(found.error());
  const lab::Places& places = *found;
  const auto store = open_store(places);
  if (int code = refuse_bad_host(places); code != exit_code::passed) return code;
  lab::Interrupt interrupt([] { say("labctl: interrupted: ending the clones"); });
  auto work = lab::WorkFolder::create(places);
  if (!work) return complain(work.error());
  auto host = machine::open_host({.uri = options.host.connect,
                                  .accel = options.host.wish(),
                                  .runtime = places.runtime,
                                  .cache = places.cache});
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

}  // namespace

void add_canary(CommandLine& command_line) {
  const auto options = std::make_shared<CanaryOptions>();
  auto verb = command_line.verb(
      "canary",
      {.summary = "Crash image clones on purpose and check that every detection channel reports it",
       .group = group::images,
       .examples = "labctl canary debian-12-linux-6.12 --out canary",
       .exit_codes = "0    every detection channel reported the crash\n"
                     "2    no such image, not built, or bad usage\n"
                     "3    a channel did not report it, or the lab failed\n"
                     "130  interrupted"},
      options, canary);
  verb.option("IMAGE", options->images, "Images, as 'labctl image list' names them", {.required = true});
  verb.option("--out", options->out, "Keep journals and consoles here", {.value = "DIR"});
  options->host.add_to(verb);
}

}  // namespace labctl::cli
