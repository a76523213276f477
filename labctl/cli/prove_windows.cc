// labctl prove-windows: a Windows image through every channel and kind of driver, and one page of what it
// showed.

#include <fmt/core.h>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/gate/windows_proof.h"
#include "labctl/report/windows_proof.h"

namespace labctl::cli {
namespace {

struct ProveOptions {
  gate::WindowsProofOrder order;
  std::string out;
  HostChoice host;
};

int prove(const ProveOptions& options) {
  gate::WindowsProofOrder order = options.order;
  order.out = options.out.empty() ? "reports/proofs/" + order.image : options.out;
  order.host = options.host.order();
  return on_this_host(options.host, "ending the guests", [&](const auto& environment, auto& observer) {
    auto proof = gate::prove_windows(order, environment, observer);
    if (!proof) return report_error(proof.error());
    const auto page = order.out / "proof.md";
    if (auto written = write_file(page, report::windows_proof(*proof)); !written)
      return report_error(written.error());
    answer("page", page.string());
    answer("as_assumed", proof->as_assumed());
    print(report::windows_proof_summary(*proof));
    print(fmt::format("proof: {}\n", page.string()));
    return proof->as_assumed() ? exit_code::passed : exit_code::blocked;
  });
}

}  // namespace

void add_prove_windows(CommandLine& command_line) {
  const auto options = std::make_shared<ProveOptions>();
  auto verb = command_line.verb(
      "prove-windows",
      {.summary = "Take a Windows image through every channel and kind of driver, and say what differs",
       .group = group::images,
       .examples =
           "labctl prove-windows windows-server-2022 --driver sensor.sys --driver sensor.zip --crash bad.sys",
       .exit_codes = "0    nothing that was seen differs from what labctl assumed\n"
                     "1    something differs: proof.md says what, with the bytes that show it\n"
                     "2    no such image, not built, no Windows, or bad usage\n"
                     "3    the lab failed\n"
                     "130  interrupted"},
      options, prove);
  verb.option("IMAGE", options->order.image, "A Windows image, as 'labctl image list' names it",
              {.required = true});
  verb.option("--driver", options->order.drivers,
              "A driver that works: .sys, .zip with an INF's package, or .msi; may be repeated",
              {.value = "FILE"});
  verb.option("--crash", options->order.crashing, "A .sys that stops the system; may be repeated",
              {.value = "FILE"});
  verb.option("--service", options->order.service,
              "The service of all drivers (default: the file's name without its end)", {.value = "NAME"});
  verb.option("--certificate", options->order.certificate,
              "In the .zip: the certificate that the guest is to trust first", {.value = "FILE"});
  verb.option("--out", options->out, "Where page, bytes and runs go (default: reports/proofs/IMAGE)",
              {.value = "DIR"});
  options->host.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
