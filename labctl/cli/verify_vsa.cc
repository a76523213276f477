#include "labctl/cli/verify_vsa.h"

#include "labctl/attest/summary.h"
#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/cli/command_line.h"

namespace labctl::cli {

void SummaryOptions::add_to(Verb& verb) {
  verb.option("--vsa", out, "Write a SLSA verification summary there when the files may be published",
              {.value = "OUT"});
  verb.option("--resource", resource, "What the summary is about, as an admission controller knows it",
              {.value = "URI"});
  signing.add_to(verb);
}

Result<std::optional<Signer>> summary_signer(const SummaryOptions& options, const Trusted& gate_keys) {
  if (!options.given()) return std::optional<Signer>();
  if (options.out.empty()) return input_error("--sign and --resource belong to --vsa OUT");
  if (options.resource.empty())
    return input_error("--vsa wants --resource", {}, "a URI such as pkg:deb/debian/sensor@7.16");
  auto signer = Signer::open(options.signing);
  if (!signer) return fail(signer.error());
  if (gate_keys.has(signer->public_key().id()))
    return input_error(
        "the key that signs summaries is one of the gate's", {},
        "whoever may verify must not be able to attest; 'labctl keygen vsa.key' makes another");
  return std::optional(std::move(*signer));
}

Status write_summary(const SummaryOptions& options, const Signer& signer, const attest::Statement& statement,
                     const std::string& payload, const std::vector<attest::Resource>& files,
                     std::int64_t now) {
  attest::Summary summary{.subjects = files,
                          .resource = options.resource,
                          .verified = now,
                          .tool = LABCTL_VERSION,
                          .input = {"attestation.json", sha256(payload)},
                          .policy = {"scenario", statement.find("scenario")->sha256}};
  for (auto& subject : summary.subjects) subject.name = fs::path(subject.name).filename().string();
  auto sealed = signer.seal(attest::to_payload(summary));
  if (!sealed) return fail(sealed.error());
  return write_file(options.out, *sealed);
}

}  // namespace labctl::cli
