// labctl attest and labctl keygen: a signature over a bundle that is there already, and the key for it.

#include <fmt/core.h>

#include "labctl/attest/sigstore.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/bundle/judge.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/signer.h"

namespace labctl::cli {
namespace {

struct AttestOptions {
  std::string bundle, format = "dsse";
  SigningOptions signing;
};

struct KeygenOptions {
  std::string file, type = "ed25519";
};

Result<std::string> as_sigstore(const std::string& envelope_text) {
  auto envelope = attest::read_envelope(envelope_text, "attestation.json");
  return envelope ? attest::to_sigstore(*envelope) : fail(envelope.error());
}

int attest(const AttestOptions& options) {
  const auto& [bundle, format, signing] = options;
  const bool sigstore = format == "sigstore";
  auto signer = Signer::open(signing);
  if (!signer) return report_error(signer.error());
  const fs::path file = fs::path(bundle) / (sigstore ? "attestation.sigstore.json" : "attestation.json");
  std::error_code problem;
  if (fs::exists(file, problem))
    return report_error(Error{Fault::input, "there is an attestation already", file.string(),
                              "move it away when it is to be replaced"});
  auto judged = bundle::judge_bundle(bundle);
  if (!judged) return report_error(judged.error());
  // Only what the events give is signed, and only when the bundle says the same.
  if (auto same = bundle::check_verdict_json(bundle, *judged); !same) return report_error(same.error());
  auto text = signer->attest(*judged);
  if (text && sigstore) text = as_sigstore(*text);
  if (!text) return report_error(text.error());
  if (auto written = write_file(file, *text); !written) return report_error(written.error());
  answer("verdict", verdict::to_string(judged->verdict.decision));
  answer("file", file.string());
  answer("key", signer->public_key().id());
  print(fmt::format("{}, signed with key {}\n{}\n", verdict::to_string(judged->verdict.decision),
                    signer->public_key().id(), file.string()));
  return exit_code::passed;
}

int keygen(const KeygenOptions& options) {
  const auto& [file, type] = options;
  auto key = attest::PrivateKey::make(type == "p256" ? attest::KeyType::p256 : attest::KeyType::ed25519);
  if (!key) return report_error(key.error());
  const std::string public_file = file + ".pub";
  std::error_code problem;
  for (const auto& name : {file, public_file})
    if (fs::exists(fs::symlink_status(name, problem)))
      return report_error(
          Error{Fault::input, "already exists; keys are never overwritten", name, "give another file name"});
  if (auto made = create_file(file, key->pem(), 0600); !made) return report_error(made.error());
  if (auto made = create_file(public_file, key->public_key().pem(), 0644); !made)
    return report_error(made.error());
  answer("private_key", file);
  answer("public_key", public_file);
  answer("key", key->public_key().id());
  print(fmt::format("private key: {}\npublic key:  {}\nkey id:      {}\n", file, public_file,
                    key->public_key().id()));
  return exit_code::passed;
}

}  // namespace

void add_attest(CommandLine& command_line) {
  const auto options = std::make_shared<AttestOptions>();
  auto verb = command_line.verb(
      "attest",
      {.summary = "Judge a bundle again and sign what came out",
       .group = group::judging,
       .examples =
           "labctl attest reports/runs/20261122T003338Z-quickstart --sign release.key\n"
           "labctl attest reports/runs/20261122T003338Z-quickstart --format sigstore --sign release.key",
       .exit_codes = "0    signed, whatever the verdict\n"
                     "2    bad input, no usable key, or bad usage\n"
                     "3    the bundle contradicts itself, or it could not be signed"},
      options, attest);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("--format", options->format,
              "attestation.json, or attestation.sigstore.json: a Sigstore bundle v0.3",
              {.show_default = true, .one_of = {"dsse", "sigstore"}});
  options->signing.add_to(verb);
  verb.json();
}

void add_keygen(CommandLine& command_line) {
  const auto options = std::make_shared<KeygenOptions>();
  auto verb =
      command_line.verb("keygen",
                        {.summary = "Make a signing key: FILE and FILE.pub; overwrites nothing",
                         .group = group::judging,
                         .examples = "labctl keygen release.key\nlabctl keygen release.key --type p256",
                         .exit_codes = "0    both files were written\n"
                                       "2    one of the files exists, or bad usage\n"
                                       "3    a file cannot be written"},
                        options, keygen);
  verb.option("FILE", options->file, "Where the private key goes", {.required = true});
  verb.option("--type", options->type, "Signature algorithm",
              {.show_default = true, .one_of = {"ed25519", "p256"}});
  verb.json();
}

}  // namespace labctl::cli
