#include "labctl/cli/help.h"

#include "labctl/base/text.h"

namespace labctl::cli {
namespace {

constexpr const char *judging = "Run and judge", *images = "Images", *crashes = "Crashes", *upkeep = "Upkeep";

constexpr const char* run_codes =
    "0    passed: every cell and every boot was proved\n"
    "1    blocked: a guest crashed, hung, did not load the driver or changed its bytes\n"
    "2    bad input or usage: nothing was started\n"
    "3    no verdict: the lab failed; this blocks publishing too\n"
    "4    nothing ran: not one cell was started\n"
    "130  interrupted";

constexpr const char* judge_codes =
    "0    passed: every cell and every boot was proved\n"
    "1    blocked: a guest crashed, hung, did not load the driver or changed its bytes\n"
    "2    not a bundle, or bad usage\n"
    "3    no verdict: the lab failed; this blocks publishing too\n"
    "4    nothing ran: not one cell was started\n"
    "130  the run was interrupted";

constexpr const char* plan_codes =
    "0    the scenario has no mistake\n"
    "2    the scenario has a mistake, or bad usage";

constexpr const char* image_codes =
    "0    done\n"
    "2    no such image, not built, or bad usage\n"
    "3    the host or the build failed, or the disk is damaged\n"
    "130  interrupted";

constexpr const char* bundle_codes =
    "0    done\n"
    "2    not a bundle, of another version, damaged, the target exists, or bad usage\n"
    "3    a file cannot be written";

constexpr VerbHelp verbs[] = {
    {"run", judging,
     "labctl run scenarios/quickstart.yaml\n"
     "labctl run scenarios/quickstart.yaml --only '*candidate*' --keep failed\n"
     "labctl run --resume reports/runs/20261122T003338Z-quickstart",
     run_codes},
    {"plan", judging,
     "labctl plan scenarios/quickstart.yaml\n"
     "labctl plan scenarios/quickstart.yaml --json",
     plan_codes},
    {"validate", judging, "labctl validate scenarios/quickstart.yaml scenarios/quickstart-blocked.yaml",
     plan_codes},
    {"judge", judging,
     "labctl judge reports/runs/20261122T003338Z-quickstart\n"
     "labctl judge reports/runs/20261122T003338Z-quickstart --json",
     judge_codes},
    {"report", judging,
     "labctl report reports/runs/20261122T003338Z-quickstart --format md\n"
     "labctl report reports/runs/20261122T003338Z-quickstart --format html --out report.html",
     "0    the report was made, whatever the verdict\n"
     "2    not a bundle, or bad usage\n"
     "3    the file of --out cannot be written"},
    {"attest", judging, "labctl attest reports/runs/20261122T003338Z-quickstart --sign release.key",
     "0    signed, whatever the verdict\n"
     "2    bad input, no usable key, or bad usage\n"
     "3    the bundle contradicts itself, or it could not be signed"},
    {"verify", judging,
     "labctl verify attestation.json --key release.key.pub --artifact sensor.deb content.bin\n"
     "labctl verify attestation.json --key release.key.pub --artifact sensor.deb --max-age 36h",
     "0    these files may be published\n"
     "1    they may not\n"
     "2    bad input or usage: they may not either"},
    {"keygen", judging, "labctl keygen release.key\nlabctl keygen release.key --type p256",
     "0    both files were written\n"
     "2    one of the files exists, or bad usage\n"
     "3    a file cannot be written"},
    {"bundle pack", judging,
     "labctl bundle pack reports/runs/20261122T003338Z-quickstart --out quickstart.tar.zst", bundle_codes},
    {"bundle unpack", judging, "labctl bundle unpack quickstart.tar.zst --into reports/runs", bundle_codes},
    {"image list", images, "labctl image list\nlabctl image list --json",
     "0    done\n"
     "2    a recipe has a mistake, or bad usage\n"
     "3    the images cannot be read"},
    {"image build", images,
     "labctl image build debian-12-linux-6.12\n"
     "labctl image build --needed-by scenarios/quickstart.yaml",
     image_codes},
    {"image import", images, "labctl image import windows-server-2022 server-2022.qcow2", image_codes},
    {"image verify", images, "labctl image verify debian-12-linux-6.12", image_codes},
    {"image rm", images, "labctl image rm debian-12-linux-6.12", image_codes},
    {"canary", images, "labctl canary debian-12-linux-6.12 --out canary",
     "0    every detection channel reported the crash\n"
     "2    no such image, not built, or bad usage\n"
     "3    a channel did not report it, or the lab failed\n"
     "130  interrupted"},
    {"reproduce", crashes,
     "labctl reproduce reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' --before-crash\n"
     "labctl reproduce reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' --times 20 --json",
     "0    stopped at that moment and left; with --times: it failed in the same way at least once\n"
     "1    with --times: it never failed in the same way\n"
     "2    bad input or usage, or something differs from the run\n"
     "3    the lab failed, or that moment was never reached\n"
     "130  interrupted"},
    {"bisect", crashes,
     "labctl bisect reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*'\n"
     "labctl bisect reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' "
     "--scenario quickstart.yaml --json",
     "0    a cause was found, as sure as --sure asks\n"
     "1    no cause is that sure\n"
     "2    bad input or usage: no such cell, it did not fail, an artifact is missing or differs\n"
     "3    the lab failed a run\n"
     "130  interrupted"},
    {"scan", crashes,
     "labctl scan console.log\n"
     "journalctl -k | labctl scan - --os linux --json\n"
     "labctl scan MEMORY.DMP",
     "0    no crash was found\n"
     "1    a crash was found\n"
     "2    the file cannot be read, or bad usage"},
    {"doctor", upkeep, "labctl doctor\nlabctl doctor scenarios/quickstart.yaml",
     "0    nothing is missing; warnings do not count\n"
     "2    bad scenario or usage\n"
     "3    a prerequisite is missing"},
    {"gc", upkeep, "labctl gc\nlabctl gc --kept",
     "0    done, or nothing to do\n"
     "2    bad usage\n"
     "3    something could not be removed"},
};

std::string section(const std::string& heading, std::string_view lines) {
  std::string text = heading + ":\n";
  for (const auto& line : split(lines, '\n')) text += "  " + line + "\n";
  return text;
}

}  // namespace

std::string general_footer() {
  return section("First steps",
                 "labctl doctor                                  check this host for missing prerequisites\n"
                 "labctl image build debian-12-linux-6.12        build a guest image, once\n"
                 "labctl plan scenarios/quickstart.yaml          show what would be run\n"
                 "labctl run scenarios/quickstart.yaml           run it") +
         "\n'labctl VERB --help' lists the options, examples and exit codes of a verb.\n"
         "Results go to stdout, everything else to stderr. NO_COLOR is respected.";
}

const VerbHelp* help_of(const std::string& verb) {
  for (const auto& help : verbs)
    if (verb == help.verb) return &help;
  return nullptr;
}

std::string footer_of(const VerbHelp& help) {
  std::string text = section("Examples", help.examples) + "\n" + section("Exit codes", help.exit_codes);
  text.pop_back();  // the formatter ends the line
  return text;
}

}  // namespace labctl::cli
