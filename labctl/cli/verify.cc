// labctl verify: may these very files be published? Says yes only when everything agrees, and in one line why
// not.

#include <fmt/core.h>

#include <ctime>

#include "labctl/attest/envelope.h"
#include "labctl/attest/policy.h"
#include "labctl/attest/weaker.h"
#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/candidate_files.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/trusted.h"
#include "labctl/cli/verify_drill.h"
#include "labctl/cli/verify_ring.h"
#include "labctl/cli/verify_vsa.h"

namespace labctl::cli {
namespace {

struct VerifyOptions {
  std::string attestation;
  TrustOptions trust;
  RingOptions ring;
  SummaryOptions summary;
  DrillOptions drill;
  std::vector<std::string> artifacts, images, require;
  std::string scenario, max_age, previous;
  int min_boots = 0;
  bool allow_waived = false, allow_warnings = false, allow_unproved = false;
  Settings settings;  // of the scenario; they must give the plan that was run

  bool asks_about_a_run() const {
    return !images.empty() || !require.empty() || !scenario.empty() || !max_age.empty() || min_boots != 0 ||
           allow_waived || allow_warnings || allow_unproved || !previous.empty() || !settings.given.empty() ||
           summary.given() || drill.given();
  }
};

Result<std::map<std::string, std::string>> wanted_images(const std::vector<std::string>& given) {
  std::map<std::string, std::string> images;
  for (const auto& one : given) {
    const auto equals = one.rfind('=');
    const std::string name = one.substr(0, equals);
    const std::string digest = equals == one.npos ? std::string() : one.substr(equals + 1);
    if (name.empty() || !is_sha256(digest))
      return input_error(fmt::format("--image takes NAME=SHA256, not '{}'", printable(one, 160)), {},
                         "'labctl image list --json' has the digests of the images that are built");
    if (const auto known = images.emplace(name, digest); !known.second && known.first->second != digest)
      return input_error(fmt::format("--image names two digests for '{}'", printable(name, 80)));
  }
  return images;
}

Result<attest::Policy> policy_of(const VerifyOptions& options) {
  attest::Policy policy{.now = std::time(nullptr),
                        .require = options.require,
                        .min_boots = options.min_boots,
                        .allow_waived = options.allow_waived,
                        .allow_unproved = options.allow_unproved,
                        .allow_warnings = options.allow_warnings};
  auto images = wanted_images(options.images);
  if (!images) return fail(images.error());
  policy.images = std::move(*images);
  if (!options.max_age.empty()) {
    auto age = parse_duration(options.max_age);
    if (!age) return because(age.error(), "--max-age");
    policy.max_age = *age;
  }
  if (options.scenario.empty() && !options.settings.given.empty())
    return input_error("--set without --scenario", {},
                       "name the scenario that has these values: --scenario FILE");
  if (!options.scenario.empty()) {
    auto text = read_file(options.scenario, 4u << 20);
    if (!text) return input_error(text.error().what, options.scenario);
    policy.scenario_sha256 = sha256(*text);
  }
  return policy;
}

// With --scenario: whether its text and the --set values give the plan that was run. Nothing when they do;
// else the exit code, and the reason is said.
std::optional<int> object_to_plan(const VerifyOptions& options, const attest::Statement& statement) {
  if (options.scenario.empty()) return {};
  const auto began = std::chrono::sys_seconds(std::chrono::seconds(statement.began));
  const auto variables = options.settings.variables();
  if (!variables) return report_error(variables.error());
  const auto given =
      load_plan(options.scenario, *variables, {}, {}, Date(std::chrono::floor<std::chrono::days>(began)));
  if (!given) return exit_code::bad_input;
  if (sha256(given->first.text) != statement.find("scenario")->sha256)
    return refuse("it was made with another scenario than the given one");
  if (attest::scenario_plan_sha256(given->second) != statement.scenario_plan)
    return refuse(
        "the scenario with these --set values is not what was run: the attested plan is another one");
  return {};
}

// With --not-weaker-than: an earlier attestation that the trusted keys have signed, whatever its age. Nothing
// when this one stands on as much; else the exit code, and what is less is said.
std::optional<int> object_to_less(const VerifyOptions& options, const attest::Statement& statement,
                                  const Trusted& trusted) {
  if (options.previous.empty()) return {};
  const auto envelope = read_envelope_file(options.previous);
  if (!envelope) return cannot_look(envelope.error());
  const auto payload = trusted.open(*envelope);
  if (!payload) return refuse(fmt::format("the attestation of --not-weaker-than: {}", payload.error().what));
  const auto before = attest::read_payload(*payload, {});
  if (!before) return refuse(fmt::format("the attestation of --not-weaker-than: {}", before.error().what));
  if (auto why = trusted.objection(*envelope, before->ended))
    return refuse(fmt::format("the attestation of --not-weaker-than: {}", *why));
  const auto weaker = attest::weaker_than(statement, *before);
  if (weaker.empty()) return {};
  for (const auto& line : weaker) say(fmt::format("labctl: weaker: {}", line));
  return refuse(
      fmt::format("the run asked less than that of {}: see the list above", show_moment(before->began)));
}

std::string what_passed(const attest::Statement& statement, std::size_t files) {
  int boots = 0;
  for (const auto& cell : statement.cells)
    if (!cell.control) boots += cell.boots_proved;
  const auto cells = statement.passed.size() + statement.warned.size();
  return fmt::format("{}: {}, {} files, {} cells, {} boots proved, run of {}\n",
                     attest::to_string(statement.result), printable(statement.scenario, 80), files, cells,
                     boots, show_moment(statement.began));
}

void answer_passed(const attest::Statement& statement, std::size_t files) {
  answer("publish", true);
  answer("verdict", attest::to_string(statement.result));
  answer("scenario", statement.scenario);
  answer("files", files);
  answer("cells", statement.passed.size() + statement.warned.size());
  answer("began", show_moment(statement.began));
}

// Everything but the files. Nothing when the statement holds; else the exit code, and the reason is said.
std::optional<int> object_to_statement(const VerifyOptions& options, const Trusted& trusted,
                                       const attest::Envelope& envelope, const std::string& payload,
                                       const attest::Statement& statement, const attest::Policy& policy) {
  if (auto why = trusted.objection(envelope, statement.ended)) return refuse(*why);
  const auto withdrawn = trusted.withdrawn({sha256(payload)}, policy.now);
  if (!withdrawn) return cannot_look(withdrawn.error());
  if (*withdrawn) return refuse(**withdrawn);
  if (auto why = attest::objection(statement, policy)) return refuse(*why);
  if (auto code = object_to_plan(options, statement)) return code;
  if (auto code = object_to_less(options, statement, trusted)) return code;
  const auto undrilled = objection_to_drill(options.drill, trusted, statement, policy.now);
  if (!undrilled) return cannot_look(undrilled.error());
  if (*undrilled) return refuse(**undrilled);
  return {};
}

int verify_run(const VerifyOptions& options) {
  auto policy = policy_of(options);
  if (!policy) return cannot_look(policy.error());
  auto trusted = Trusted::read(options.trust, rings::KeyUse::gate);
  if (!trusted) return cannot_look(trusted.error());
  const auto signer = summary_signer(options.summary, *trusted);
  if (!signer) return cannot_look(signer.error());
  auto envelope = read_envelope_file(options.attestation);
  if (!envelope) return cannot_look(envelope.error());

  auto payload = trusted->open(*envelope);
  if (!payload) return refuse(payload.error().what);
  // From here on nothing but these bytes is read of the attestation.
  auto statement = attest::read_payload(*payload, {});
  if (!statement) return refuse(statement.error().what);
  if (auto code = object_to_statement(options, *trusted, *envelope, *payload, *statement, *policy))
    return *code;

  CandidateFiles artifacts;
  if (auto opened = artifacts.open(options.artifacts); !opened) return cannot_look(opened.error());
  if (auto hashed = artifacts.hash(); !hashed) return refuse(hashed.error().text());
  if (auto why = attest::objection(*statement, artifacts.digests)) return refuse(*why);
  if (auto same = artifacts.unchanged(); !same) return refuse(same.error().text());
  if (*signer)
    if (auto written =
            write_summary(options.summary, **signer, *statement, *payload, artifacts.digests, policy->now);
        !written)
      return cannot_look(written.error());
  answer_passed(*statement, artifacts.files.size());
  print(what_passed(*statement, artifacts.files.size()));
  return exit_code::passed;
}

int verify(const VerifyOptions& options) {
  answer("publish", false);
  if (!options.ring.given()) return verify_run(options);
  if (options.asks_about_a_run())
    return cannot_look({Fault::input,
                        "--ring is about a promotion; the other options are about a run",
                        {},
                        "what the run must be stands in rings.yaml, under verdict"});
  return verify_promotion(options.attestation, options.ring, options.trust, options.artifacts);
}

}  // namespace

void add_verify(CommandLine& command_line) {
  const auto options = std::make_shared<VerifyOptions>();
  auto verb = command_line.verb(
      "verify",
      {.summary = "Check whether these files may be published",
       .group = group::judging,
       .examples =
           "labctl verify attestation.json --key release.key.pub --artifact sensor.deb content.bin\n"
           "labctl verify attestation.json --key release.key.pub --artifact sensor.deb --max-age 36h\n"
           "labctl verify early.json --ring early --rings rings.yaml --key ring.key.pub --artifact "
           "sensor.deb",
       .exit_codes = "0    these files may be published\n"
                     "1    they may not\n"
                     "2    bad input or usage: they may not either"},
      options, verify);
  verb.option("ATTESTATION", options->attestation, "attestation.json of a bundle, or a promotion",
              {.required = true});
  options->trust.add_to(verb, "Public key whose signature is required; repeat to require several");
  verb.option("--artifact", options->artifacts, "The files to publish: all that were tested, no other",
              {.value = "FILE...", .required = true, .many = true});
  options->ring.add_to(verb);
  verb.option("--scenario", options->scenario, "It must have been this scenario, byte for byte",
              {.value = "FILE"});
  options->settings.add_to(verb);
  verb.option("--max-age", options->max_age, "The run must have begun within this time (36h)",
              {.value = "DUR"});
  verb.option("--image", options->images,
              "The run must have used this golden disk of the image; may be repeated",
              {.value = "NAME=SHA256"});
  verb.option("--require", options->require, "A cell that matches must have passed; may be repeated",
              {.value = "GLOB"});
  verb.option("--not-weaker-than", options->previous,
              "The run must have asked as much as that of this attestation: images, boots, proofs, contents",
              {.value = "ATTESTATION"});
  verb.option("--min-boots", options->min_boots, "Every cell must have proved at least N boots",
              {.value = "N", .between = {1, 100000}});
  verb.flag("--allow-waived", options->allow_waived,
            "Take a verdict that passed only because findings were accepted");
  verb.flag("--allow-warnings", options->allow_warnings,
            "Take one that passed only because the scenario's policy allows warnings");
  verb.flag("--allow-unproved", options->allow_unproved,
            "Take content of which no proof shows that the driver uses it");
  options->drill.add_to(verb);
  options->summary.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
