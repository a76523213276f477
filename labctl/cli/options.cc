// The command line: every verb with its options and a help text that teaches. The only file that knows CLI11;
// its own exit codes (105 for a failed check) end here and become ours.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>

#include "labctl/base/text.h"
#include "labctl/cli/cli.h"
#include "labctl/cli/help.h"
#include "labctl/cli/signer.h"

namespace labctl::cli {
namespace {

constexpr const char* about =
    "labctl boots a matrix of virtual machines from snapshots, installs a candidate kernel driver\n"
    "with its content, reboots each several times while it watches every sign of life, and says\n"
    "whether it may be published.";

struct Program {
  CLI::App app{about, "labctl"};
  std::function<int()> verb;

  RunOptions run;
  PlanOptions plan;
  ScanOptions scan;
  VerifyOptions verification;
  CanaryOptions canary;
  ReproduceOptions again;
  BuildOptions build;
  PackOptions pack;
  BisectOptions cause;
  std::vector<std::string> settings, files;
  std::string accel = "auto", key_type = "ed25519", bundle, out;
  ReportOptions asked_report;
  bool json = false, kept = false;
  std::string mistake;

  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& help,
                std::function<int()> action) {
    CLI::App* sub = parent.add_subcommand(name, help);
    sub->callback([this, action = std::move(action)] { verb = action; });
    return sub;
  }

  scenario::Variables variables() {
    scenario::Variables all;
    for (const auto& setting : settings) {
      const auto equals = setting.find('=');
      const std::string name = setting.substr(0, equals);
      if (equals == std::string::npos || equals == 0)
        mistake = "--set wants NAME=VALUE, not '" + setting + "'";
      else if (!all.emplace(name, setting.substr(equals + 1)).second)
        mistake = "--set gives '" + name + "' twice";
    }
    return all;
  }

  void add_set(CLI::App* sub) {
    sub->add_option("--set", settings, "Give the scenario's ${K} a value; may be repeated")
        ->type_name("K=V")
        ->allow_extra_args(false);
  }

  void add_signing(CLI::App* sub, SigningOptions& signing) {
    sub->add_option("--sign", signing.key, "Sign the verdict with this key (PEM, Ed25519 or P-256)")
        ->type_name("KEY");
    sub->add_option("--passphrase-file", signing.passphrase_file,
                    "The passphrase of an encrypted key (else LABCTL_KEY_PASSPHRASE)")
        ->type_name("FILE");
    sub->add_option("--sign-command", signing.command,
                    "Instead: bytes on its standard input, the raw signature on its standard output")
        ->type_name("CMD");
    sub->add_option("--sign-public", signing.public_key, "The public key of --sign-command")
        ->type_name("PUB");
  }

  machine::Wish wish() const {
    return accel == "kvm"   ? machine::Wish::kvm
           : accel == "tcg" ? machine::Wish::tcg
                            : machine::Wish::automatic;
  }

  void add_host(CLI::App* sub, std::string& connect) {
    sub->add_option("--connect", connect, "A libvirt URI instead of the private one")
        ->type_name("URI")
        ->capture_default_str();
    sub->add_option("--accel", accel, "auto proves KVM by running guest code; kvm and tcg insist")
        ->check(CLI::IsMember({"auto", "kvm", "tcg"}))
        ->capture_default_str();
  }

  void add_debug(CLI::App* sub, std::vector<std::string>& modules) {
    sub->add_option("--debug", modules,
                    "The module that crashed, with debug information: places become lines")
        ->type_name("FILE")
        ->allow_extra_args(false);
  }

  void add_run();
  void add_reproduce();
  void add_trust();
  void add_looking();
  void add_scan();
  void add_canary();
  void add_upkeep();
  void add_images();
  void add_bundles();
  void add_bisect();
};

void Program::add_run() {
  auto* sub = add(app, "run", "Run a scenario and give a verdict", [this] {
    run.variables = variables();
    run.accel = wish();
    if (run.scenario.empty() && run.resume.empty())
      mistake = "run wants a SCENARIO, or --resume with the BUNDLE of a run that was cut off";
    if (!mistake.empty()) return complain(Error{Fault::input, mistake, {}, {}});
    return cli::run(run);
  });
  sub->add_option("SCENARIO", run.scenario, "The scenario file; with --resume, where it is now");
  add_set(sub);
  sub->add_option("--only", run.only, "Run only cells whose id matches; a part never gives passed")
      ->type_name("GLOB");
  sub->add_option("--waivers", run.waivers, "Findings that people have accepted until a day")
      ->type_name("FILE");
  sub->add_option("--jobs", run.jobs, "Guests at once (default: what the host's cores and memory carry)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  sub->add_option("--out", run.out, "Where the bundle goes")->type_name("DIR")->capture_default_str();
  sub->add_option("--keep", run.keep, "Keep machines as they were before their last step, for 'reproduce'")
      ->check(CLI::IsMember({"failed", "all", "none"}))
      ->capture_default_str();
  sub->add_flag("--fresh-controls", run.fresh_controls, "Live every control now, whatever is believed");
  sub->add_option("--dumps", run.dumps, "How many guests that fail leave a memory dump (kdump) in the bundle")
      ->type_name("N")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  add_debug(sub, run.debug);
  auto* resume = sub->add_option("--resume", run.resume, "Go on with a run that was killed or interrupted")
                     ->type_name("BUNDLE");
  // Its record says them.
  for (const char* recorded : {"--set", "--only", "--waivers", "--out"})
    resume->excludes(sub->get_option(recorded));
  add_host(sub, run.connect);
  add_signing(sub, run.signing);
}

void Program::add_reproduce() {
  auto* sub = add(app, "reproduce", "Bring a cell of a bundle back, to the moment before it failed", [this] {
    again.accel = wish();
    return cli::reproduce(again);
  });
  sub->add_option("BUNDLE", again.bundle, "The folder that 'labctl run' printed")->required();
  sub->add_option("CELL", again.cell, "A cell's id, or a pattern that only one matches")->required();
  auto* until = sub->add_option("--until", again.until, "Stop before this step, as the report calls it")
                    ->type_name("STEP");
  sub->add_flag("--before-crash", again.before_crash,
                "Stop before the very command, boot or wait in which it failed")
      ->excludes(until);
  sub->add_option("--run", again.lines, "A line to obey instead of standard input; may be repeated")
      ->type_name("LINE")
      ->allow_extra_args(false);
  sub->add_option("--times", again.times, "How often does it fail? So many attempts from that moment")
      ->type_name("N")
      ->check(CLI::Range(1, 10000));
  sub->add_option("--jobs", again.jobs, "Attempts at once (default: what the host carries)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  sub->add_flag("--json", again.json, "What --times found, for programs");
  sub->add_flag("--vnc", again.vnc, "Show its screen on the loopback");
  sub->add_option("--gdb", again.gdb, "Wait for a debugger on this port of the loopback")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535));
  auto* keep = sub->add_flag("--keep", again.keep, "On leaving, keep the machine for the next attempt");
  sub->add_flag("--discard", again.discard, "On leaving, keep nothing")->excludes(keep);
  sub->add_flag("--afresh", again.afresh, "Replay the steps, although a machine is kept");
  sub->add_flag("--anyway", again.anyway, "Go on although something is not as it was; the result says so");
  sub->add_option("--artifact", again.artefacts, "Look for the candidate's files here too; may be repeated")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  sub->add_option("--out", again.out, "Keep journals and consoles here")->type_name("DIR");
  add_host(sub, again.connect);
}

void Program::add_trust() {
  auto* attest_verb = add(app, "attest", "Judge a bundle again and sign what came out",
                          [this] { return cli::attest(bundle, run.signing); });
  attest_verb->add_option("BUNDLE", bundle, "The folder that 'labctl run' printed")->required();
  add_signing(attest_verb, run.signing);

  auto* keygen_verb = add(app, "keygen", "Make a signing key: FILE and FILE.pub; overwrites nothing",
                          [this] { return cli::keygen(key_type, bundle); });
  keygen_verb->add_option("FILE", bundle, "Where the private key goes")->required();
  keygen_verb->add_option("--type", key_type, "Which kind")
      ->check(CLI::IsMember({"ed25519", "p256"}))
      ->capture_default_str();

  auto* sub = add(app, "verify", "Check whether these files may be published",
                  [this] { return verification.variables = variables(), cli::verify(verification); });
  sub->add_option("ATTESTATION", verification.attestation, "attestation.json of a bundle")->required();
  sub->add_option("--key", verification.keys, "A public key that must have signed; repeated: all of them")
      ->type_name("PUB")
      ->required()
      ->allow_extra_args(false);
  sub->add_option("--artifact", verification.artifacts,
                  "The files to publish: all that were tested, no other")
      ->type_name("FILE...")
      ->required();
  sub->add_option("--scenario", verification.scenario, "It must have been this scenario, byte for byte")
      ->type_name("FILE");
  add_set(sub);
  sub->add_option("--max-age", verification.max_age, "The run must have begun within this time (36h)")
      ->type_name("DUR");
  sub->add_option("--require", verification.require, "A cell that matches must have passed; may be repeated")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  sub->add_option("--min-boots", verification.min_boots, "Every cell must have proved as many boots")
      ->type_name("N")
      ->check(CLI::Range(1, 100000));
  sub->add_flag("--allow-waived", verification.allow_waived,
                "Take a verdict that passed only because findings were accepted");
  sub->add_flag("--allow-warnings", verification.allow_warnings,
                "Take one that passed only because the scenario's policy allows warnings");
}

void Program::add_looking() {
  auto* plan_verb = add(app, "plan", "Show the matrix; nothing is run", [this] {
    plan.variables = variables();
    if (!mistake.empty()) return complain(Error{Fault::input, mistake, {}, {}});
    return cli::plan(plan);
  });
  plan_verb->add_option("SCENARIO", plan.scenario, "The scenario file")->required();
  add_set(plan_verb);
  plan_verb->add_option("--only", plan.only, "Only cells whose id matches")->type_name("GLOB");
  plan_verb->add_flag("--json", plan.json, "For programs");

  auto* validate_verb = add(app, "validate", "Check scenarios: every mistake with line and column", [this] {
    auto all = variables();
    if (!mistake.empty()) return complain(Error{Fault::input, mistake, {}, {}});
    return cli::validate(files, all);
  });
  validate_verb->add_option("SCENARIO", files, "Scenario files")->required();
  add_set(validate_verb);

  auto* judge_verb = add(app, "judge", "Derive the verdict of a bundle again from its recorded events",
                         [this] { return cli::judge(bundle, json); });
  judge_verb->add_option("BUNDLE", bundle, "The folder that 'labctl run' printed")->required();
  judge_verb->add_flag("--json", json, "Print verdict.json");

  auto* report_verb = add(app, "report", "Make a report of a bundle again from its recorded events",
                          [this] { return cli::report(asked_report); });
  report_verb->add_option("BUNDLE", asked_report.bundle, "The folder that 'labctl run' printed")->required();
  report_verb
      ->add_option("--format", asked_report.format,
                   "For a browser, for Jenkins and GitLab, for a job's page, for programs")
      ->required()
      ->check(CLI::IsMember({"html", "junit", "md", "json"}));
  report_verb->add_option("--out", asked_report.out, "Write it here instead of to standard output")
      ->type_name("FILE");
  add_debug(report_verb, asked_report.debug);
}

void Program::add_scan() {
  auto* scan_verb = add(app, "scan", "Name the crashes in a console log or a dump", [this] {
    scan.json = json;
    return cli::scan(scan);
  });
  scan_verb->add_option("FILE", scan.file, "A log or a Windows crash dump, or - for standard input")
      ->required();
  scan_verb->add_option("--signatures", scan.signatures, "Also look for the patterns of this file")
      ->type_name("FILE");
  add_debug(scan_verb, scan.debug);
  scan_verb->add_option("--os", scan.os, "Whose log it is")
      ->check(CLI::IsMember({"linux", "windows", "auto"}))
      ->capture_default_str();
  scan_verb->add_flag("--json", json, "For programs");
}

void Program::add_canary() {
  auto* canary_verb =
      add(app, "canary", "Crash image clones on purpose and check that every detection channel reports it",
          [this] {
            canary.accel = wish();
            return cli::canary(canary);
          });
  canary_verb->add_option("IMAGE", canary.images, "Images, as 'labctl image list' names them")->required();
  canary_verb->add_option("--out", canary.out, "Keep journals and consoles here")->type_name("DIR");
  add_host(canary_verb, canary.connect);
}

void Program::add_upkeep() {
  auto* doctor_verb =
      add(app, "doctor", "Check this host for missing prerequisites and print the command that fixes each",
          [this] {
            plan.variables = variables();
            if (!mistake.empty()) return complain(Error{Fault::input, mistake, {}, {}});
            return cli::doctor(plan);
          });
  doctor_verb->add_option("SCENARIO", plan.scenario,
                          "Also check its images, and its matrix's disk and memory");
  add_set(doctor_verb);
  doctor_verb->add_flag("--json", plan.json, "For programs");
  auto* gc_verb =
      add(app, "gc", "Clean up after killed runs: stop orphaned guests, free disk space, list kept machines",
          [this] { return cli::gc(kept); });
  gc_verb->add_flag("--kept", kept, "Remove the kept machines too");
}

void Program::add_images() {
  CLI::App* group = app.add_subcommand("image", "Guests at rest: list, build, import, verify, rm");
  group->require_subcommand(1);
  add(*group, "list", "Recipes and what is built of them", [this] {
    return cli::image_list(json);
  })->add_flag("--json", json, "For programs, with every fact of each image");
  auto* sub = add(*group, "build", "Build images that are missing, and see them boot", [this] {
    build.variables = variables();
    build.accel = wish();
    if (!mistake.empty()) return complain(Error{Fault::input, mistake, {}, {}});
    return cli::image_build(build);
  });
  sub->add_option("NAME", build.names, "Images, as 'labctl image list' names them");
  sub->add_option("--needed-by", build.needed_by, "All that this scenario needs, with its live snapshots")
      ->type_name("SCENARIO");
  add_set(sub);
  sub->add_option("--jobs", build.jobs, "Builds at once (default: what the host's cores and memory carry)")
      ->type_name("N")
      ->check(CLI::Range(1, 100));
  sub->add_option("--iso", build.iso, "Windows: Microsoft's installation medium")->type_name("FILE");
  sub->add_option("--virtio-iso", build.virtio_iso, "Windows: the virtio drivers' medium")->type_name("FILE");
  sub->add_option("--key-file,--key", build.key_file,
                  "Windows: holds a product key (default: as an evaluation)")
      ->type_name("FILE");
  sub->add_flag("--disks-only", build.disks, "Do not boot what was built; the first run does");
  add_host(sub, build.connect);
  sub = add(*group, "import", "Take a Windows disk of yours as an image, and see it boot", [this] {
    build.accel = wish();
    return cli::image_import(build);
  });
  // One word: a list would swallow the disk as well.
  sub->add_option_function<std::string>(
         "NAME", [this](const std::string& name) { build.names = {name}; },
         "The image that it becomes, as 'labctl image list' names it")
      ->required();
  sub->add_option("DISK", build.disk,
                  "A disk of a Windows that images/windows/make-fit.ps1 has made fit; it is copied")
      ->required();
  sub->add_flag("--disks-only", build.disks, "Do not boot it; the first run does");
  add_host(sub, build.connect);
  add(*group, "verify", "Hash disks again and compare", [this] { return cli::image_verify(files); })
      ->add_option("NAME", files, "Images")
      ->required();
  add(*group, "rm", "Remove images with their snapshots", [this] { return cli::image_remove(files); })
      ->add_option("NAME", files, "Images")
      ->required();
}

void Program::add_bundles() {
  CLI::App* group = app.add_subcommand("bundle", "Carry a bundle to another machine: pack, unpack");
  group->require_subcommand(1);
  auto* sub = add(*group, "pack", "Make one file of a bundle and the artefacts that its guests were given",
                  [this] { return cli::bundle_pack(pack); });
  sub->add_option("BUNDLE", pack.bundle, "The folder that 'labctl run' printed")->required();
  sub->add_option("--out", pack.out, "The file (default: the bundle's name with .tar.zst, here)")
      ->type_name("FILE");
  sub->add_option("--artifact", pack.artifacts, "Where artefacts may be, too: a file or a folder")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  sub->add_flag("--without-artefacts", pack.bare, "Only what the run recorded");
  sub = add(*group, "unpack", "Check such a file, and make the bundle's folder of it",
            [this] { return cli::bundle_unpack(bundle, out.empty() ? "." : out); });
  sub->add_option("FILE", bundle, "What 'labctl bundle pack' made")->required();
  sub->add_option("--into", out, "Where the folder goes (default: here)")->type_name("DIR");
}

void Program::add_bisect() {
  auto* sub = add(app, "bisect", "Find the smallest cause of a cell's crash", [this] {
    cause.accel = wish();
    cause.json = json;
    return cli::bisect(cause);
  });
  sub->add_option("BUNDLE", cause.bundle, "The folder that 'labctl run' printed")->required();
  sub->add_option("CELL", cause.cell, "A cell of it that failed")->required();
  sub->add_flag("--afresh", cause.afresh, "Each probe lives the story from its beginning");
  sub->add_option("--scenario", cause.scenario,
                  "Take the content apart as this file says (default: the run's)")
      ->type_name("FILE");
  sub->add_option("--driver", cause.driver, "An earlier driver (default: another one of the scenario's)")
      ->type_name("FILE");
  sub->add_option("--content", cause.content, "An earlier content (default: another one of the scenario's)")
      ->type_name("FILE");
  sub->add_option("--artifact", cause.artifacts, "Where artefacts may be, too: a file or a folder")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  add_debug(sub, cause.debug);
  sub->add_option("--sure", cause.sure, "Repeat until the answer is as sure as this")
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str();
  sub->add_option("--out", cause.out, "Keep the journals and consoles of all runs here")->type_name("DIR");
  sub->add_flag("--json", json, "For programs");
  add_host(sub, cause.connect);
}

// Each verb says its own; CLI11 would hand the general footer down to all of them.
void set_help(CLI::App& app, const std::string& above = {}) {
  for (auto* sub : app.get_subcommands({})) {
    const std::string name = above + sub->get_name();
    set_help(*sub, name + " ");
    if (const auto* help = help_of(name)) {
      sub->footer(footer_of(*help));
      if (above.empty()) sub->group(help->group);
    } else if (above.empty()) {  // "image" and "bundle", which only have verbs
      sub->group(help_of(name + " " + sub->get_subcommands({}).front()->get_name())->group);
      sub->footer("'labctl " + name + " VERB --help' lists the options, examples and exit codes of a verb.");
    }
  }
}

// "labctl rum", "labctl image biuld": the first word that names no verb, with the nearest one. Asked before
// CLI11 parses, which would answer a --help that follows and exit with 0.
std::optional<std::string> unknown_verb(const CLI::App& app, int argc, char** argv) {
  const CLI::App* above = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with('-')) continue;
    std::vector<std::string> verbs;
    const CLI::App* found = nullptr;
    for (const auto* sub : above->get_subcommands({})) {
      verbs.push_back(sub->get_name());
      if (sub->get_name() == word) found = sub;
    }
    if (verbs.empty()) break;
    if (found == nullptr) {
      std::string message = "there is no verb '" + printable(word, 60) + "'";
      if (above != &app) message += " of 'labctl " + above->get_name() + "'";
      if (auto meant = did_you_mean(word, verbs)) message += "\n  hint: did you mean '" + *meant + "'?";
      return message;
    }
    above = found;
  }
  return std::nullopt;
}

int refuse(const std::string& message) {
  say("labctl: " + message);
  say("labctl: run 'labctl --help' for the verbs, 'labctl VERB --help' for the options of one");
  return exit_code::bad_input;
}

int parse_and_call(int argc, char** argv, const machine::HostOpener& open_host) {
  Program program;
  program.run.open_host = open_host;
  program.app.set_version_flag("--version", std::string("labctl ") + LABCTL_VERSION);
  program.app.require_subcommand(1);
  program.app.get_formatter()->column_width(28);
  // In the order of the groups, as the general help shows them.
  program.add_run();
  program.add_looking();
  program.add_trust();
  program.add_bundles();
  program.add_images();
  program.add_canary();
  program.add_reproduce();
  program.add_bisect();
  program.add_scan();
  program.add_upkeep();
  program.app.footer(general_footer());
  set_help(program.app);
  if (const auto mistake = unknown_verb(program.app, argc, argv)) return refuse(*mistake);
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help and --version
    return program.app.exit(asked);
  } catch (const CLI::ParseError& problem) {
    return refuse(problem.what());
  }
  return program.verb();
}

}  // namespace

int main(int argc, char** argv, const machine::HostOpener& open_host) {
  take_passphrase();
  try {
    const int code = parse_and_call(argc, argv, open_host);
    // A verdict that could not be printed was not given.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      say("labctl: cannot write to standard output");
      return code == exit_code::passed ? exit_code::no_verdict : code;
    }
    return code;
  } catch (const std::exception& problem) {
    say(std::string("labctl: internal error: ") + problem.what());
    return exit_code::no_verdict;
  }
}

}  // namespace labctl::cli
