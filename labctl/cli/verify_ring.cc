#include "labctl/cli/verify_ring.h"

#include <fmt/core.h>

#include <ctime>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/candidate_files.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/ring_files.h"

namespace labctl::cli {
namespace {

// Everything but the files' bytes is known: holds the promotion against it.
int decide(const rings::Promotion& promotion, const PlanFile& plan, const CandidateFiles& artifacts,
           const std::vector<std::string>& halts, std::int64_t now) {
  const std::string& ring = plan.plan.rings[plan.ring].name;
  if (auto why = rings::objection(promotion, {.now = now,
                                              .ring = ring,
                                              .plan = plan.plan,
                                              .plan_sha256 = plan.sha256,
                                              .artifacts = artifacts.digests}))
    return refuse(*why);
  if (!halts.empty()) return refuse(halts.front());
  if (auto same = artifacts.unchanged(); !same) return refuse(same.error().text());
  answer("publish", true);
  answer("ring", ring);
  answer("files", artifacts.digests.size());
  answer("until", show_moment(promotion.expires));
  print(fmt::format("OPEN: ring {}, {} files, until {}\n", ring, artifacts.digests.size(),
                    show_moment(promotion.expires)));
  return exit_code::passed;
}

}  // namespace

void RingOptions::add_to(Verb& verb) {
  verb.option("--ring", ring, "What is given is a promotion: it must open this ring, now", {.value = "RING"});
  verb.option("--rings", rings, "The plan of rings that it must have been made with", {.value = "FILE"});
  verb.option("--halts", halts, "Folder in which signed halts are looked for", {.value = "DIR"});
}

int verify_promotion(const std::string& file, const RingOptions& options, const TrustOptions& trust,
                     const std::vector<std::string>& names) {
  if (options.ring.empty() || options.rings.empty())
    return cannot_look({Fault::input, "a promotion is verified with both --ring and --rings", {}, {}});
  const std::int64_t now = std::time(nullptr);
  const auto plan = load_rings(options.rings, options.ring);
  if (!plan) return exit_code::bad_input;
  auto trusted = Trusted::read(trust, rings::KeyUse::ring);
  if (!trusted) return cannot_look(trusted.error());
  auto envelope = read_envelope_file(file);
  if (!envelope) return cannot_look(envelope.error());
  auto payload = trusted->open(*envelope);
  if (!payload) return refuse(payload.error().what);
  auto promotion = rings::read_promotion(*payload, {});
  if (!promotion) return refuse(promotion.error().what);
  if (auto why = trusted->objection(*envelope, promotion->created)) return refuse(*why);
  const auto withdrawn = trusted->withdrawn({promotion->verdict, sha256(*payload)}, now);
  if (!withdrawn) return cannot_look(withdrawn.error());
  if (*withdrawn) return refuse(**withdrawn);

  CandidateFiles artifacts;
  if (auto opened = artifacts.open(names); !opened) return cannot_look(opened.error());
  if (auto hashed = artifacts.hash(); !hashed) return refuse(hashed.error().text());
  const auto halts = halts_in(options.halts, *trusted, artifacts.digests, now);
  if (!halts) return cannot_look(halts.error());
  return decide(*promotion, *plan, artifacts, *halts, now);
}

}  // namespace labctl::cli
