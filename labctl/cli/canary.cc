// labctl canary: sees every channel of an image speak, by killing clones of it.

#include "labctl/gate/canary.h"
#include "labctl/base/json.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/report/report.h"

namespace labctl::cli {
namespace {

struct CanaryOptions {
  std::vector<std::string> images;
  std::string out;  // where the records go; empty: they are looked at and thrown away
  HostChoice host;
};

int canary(const CanaryOptions& options) {
  return on_this_host(options.host, "ending the clones", [&](const auto& environment, auto& observer) {
    auto canaries =
        gate::prove_channels({options.images, options.out, options.host.order()}, environment, observer);
    if (!canaries) return report_error(canaries.error());
    bool proved = true;
    for (const auto& canary : *canaries) {
      answer_more("canaries",
                  {{"name", canary.name()}, {"proved", canary.proved()}, {"reason", canary.reason()}});
      print(report::canary_table(canary));
      proved = proved && canary.proved();
    }
    return proved ? exit_code::passed : exit_code::no_verdict;
  });
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
  verb.json();
}

}  // namespace labctl::cli
