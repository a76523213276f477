// labctl halt and labctl withdraw: nobody may have these bytes any more; these attestations are no longer
// valid.

#include <fmt/core.h>

#include <ctime>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/candidate_files.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/signer.h"
#include "labctl/cli/trusted.h"
#include "labctl/rings/promotion.h"

namespace labctl::cli {
namespace {

struct HaltOptions {
  std::string reason, out = "halt.json";
  std::vector<std::string> artifacts;
  SigningOptions signing;
};

struct WithdrawOptions {
  std::vector<std::string> attestations;
  std::string reason, valid = "7d", out = "withdrawn.json", list;
  SigningOptions signing;
};

int write(const std::string& file, const Result<std::string>& sealed, const std::string& words) {
  if (!sealed) return report_error(sealed.error());
  if (auto written = write_file(file, *sealed); !written) return report_error(written.error());
  answer("file", file);
  print(words + "\n  " + file + "\n");
  return exit_code::passed;
}

int halt(const HaltOptions& options) {
  if (trim(options.reason).empty()) return cannot_look({Fault::input, "--reason is empty", {}, {}});
  auto signer = Signer::open(options.signing);
  if (!signer) return report_error(signer.error());
  CandidateFiles artifacts;
  if (auto opened = artifacts.open(options.artifacts); !opened) return cannot_look(opened.error());
  if (auto hashed = artifacts.hash(); !hashed) return cannot_look(hashed.error());
  std::vector<std::string> names;
  for (auto& artifact : artifacts.digests)
    names.push_back(artifact.name = fs::path(artifact.name).filename().string());
  answer("artifacts", names);
  const rings::Halt halt{artifacts.digests, std::time(nullptr), options.reason};
  return write(options.out, signer->seal(rings::to_payload(halt)),
               fmt::format("HALTED in every ring: {}", join_some(names)));
}

// What an earlier list has, so that nothing that was withdrawn comes back.
Status take_over(const WithdrawOptions& options, const Signer& signer, rings::Withdrawal& list) {
  if (options.list.empty()) return {};
  auto envelope = read_envelope_file(options.list);
  if (!envelope) return fail(envelope.error());
  auto payload = attest::open(*envelope, attest::in_toto_type, {signer.public_key()});
  if (!payload) return input_error(payload.error().what, options.list);
  auto before = rings::read_withdrawal(*payload, options.list);
  if (!before) return fail(before.error());
  list.statements = std::move(before->statements);
  if (list.reason.empty()) list.reason = before->reason;
  return {};
}

int withdraw(const WithdrawOptions& options) {
  auto signer = Signer::open(options.signing);
  if (!signer) return report_error(signer.error());
  auto valid = parse_duration(options.valid);
  if (!valid) return cannot_look({Fault::input, fmt::format("--valid: {}", valid.error().what), {}, {}});
  rings::Withdrawal list{.created = std::time(nullptr), .reason = options.reason};
  list.expires = list.created + std::chrono::duration_cast<std::chrono::seconds>(*valid).count();
  if (auto taken = take_over(options, *signer, list); !taken) return cannot_look(taken.error());
  if (options.attestations.empty() && options.list.empty())
    return cannot_look(
        {Fault::input, "nothing is to be withdrawn", {}, "name attestations, or a list with --list"});
  if (trim(list.reason).empty()) return cannot_look({Fault::input, "--reason is missing", {}, {}});
  for (const auto& file : options.attestations) {
    auto envelope = read_envelope_file(file);
    if (!envelope) return cannot_look(envelope.error());
    list.statements.push_back({fs::path(file).filename().string(), sha256(envelope->payload)});
  }
  answer("statements", list.statements.size());
  answer("until", show_moment(list.expires));
  return write(
      options.out, signer->seal(rings::to_payload(list)),
      fmt::format("WITHDRAWN: {} statements, until {}", list.statements.size(), show_moment(list.expires)));
}

}  // namespace

void add_halt(CommandLine& command_line) {
  const auto options = std::make_shared<HaltOptions>();
  auto verb = command_line.verb("halt",
                                {.summary = "Stop a rollout: outranks every promotion of these bytes",
                                 .group = group::judging,
                                 .examples = "labctl halt --artifact content.bin --reason \"crashes in ring "
                                             "early\" --sign ring.key --out halts/291.json",
                                 .exit_codes = "0    the signed halt was written\n"
                                               "2    bad input or usage\n"
                                               "3    it could not be signed or written"},
                                options, halt);
  verb.option("--artifact", options->artifacts,
              "The files that no ring may have; all that are named together",
              {.value = "FILE...", .required = true, .many = true});
  verb.option("--reason", options->reason, "Why, in words", {.value = "TEXT", .required = true});
  verb.option("--out", options->out, "Where the halt goes", {.value = "FILE", .show_default = true});
  options->signing.add_to(verb);
  verb.json();
}

void add_withdraw(CommandLine& command_line) {
  const auto options = std::make_shared<WithdrawOptions>();
  auto verb = command_line.verb(
      "withdraw",
      {.summary = "Make or renew the signed list of attestations that are no longer valid",
       .group = group::judging,
       .examples =
           "labctl withdraw attestation.json --reason \"the lab's clock was wrong\" --sign withdrawal.key\n"
           "labctl withdraw --list withdrawn.json --sign withdrawal.key",
       .exit_codes = "0    the list was written\n"
                     "2    bad input or usage\n"
                     "3    it could not be signed or written"},
      options, withdraw);
  verb.option("ATTESTATION", options->attestations, "Attestations or promotions to withdraw");
  verb.option("--list", options->list, "An earlier list, whose entries are kept", {.value = "FILE"});
  verb.option("--reason", options->reason, "Why, in words", {.value = "TEXT"});
  verb.option("--valid", options->valid, "How long the list is valid; renew it before it expires",
              {.value = "DUR", .show_default = true});
  verb.option("--out", options->out, "Where the list goes", {.value = "FILE", .show_default = true});
  options->signing.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
