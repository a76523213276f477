#include "labctl/attest/summary.h"

#include "labctl/base/json.h"
#include "labctl/base/units.h"

namespace labctl::attest {
namespace {

Json digest_of(const Resource& resource) { return {{"sha256", resource.sha256}}; }

}  // namespace

std::string to_payload(const Summary& summary) {
  Json subjects = Json::array();
  for (const auto& subject : summary.subjects)
    subjects.push_back({{"name", subject.name}, {"digest", digest_of(subject)}});
  return dump_line({{"_type", "https://in-toto.io/Statement/v1"},
                    {"subject", subjects},
                    {"predicateType", "https://slsa.dev/verification_summary/v1"},
                    {"predicate",
                     {{"verifier", {{"id", "labctl:verify"}, {"version", {{"labctl", summary.tool}}}}},
                      {"timeVerified", show_moment(summary.verified)},
                      {"resourceUri", summary.resource},
                      {"policy", {{"uri", summary.policy.name}, {"digest", digest_of(summary.policy)}}},
                      {"inputAttestations",
                       Json::array({{{"uri", summary.input.name}, {"digest", digest_of(summary.input)}}})},
                      {"verificationResult", "PASSED"},
                      {"verifiedLevels", Json::array({"LABCTL_GATE_PASSED"})},
                      {"slsaVersion", "1.0"}}}});
}

}  // namespace labctl::attest
