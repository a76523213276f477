// labctl promote: may the next ring have these bytes? Opens it with a signed promotion, or says why it waits
// or halts. Everything is read here; labctl/rings decides.

#include <fmt/core.h>

#include <ctime>

#include "labctl/attest/policy.h"
#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/candidate_files.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/ring_files.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/signer.h"
#include "labctl/plan/tuple.h"
#include "labctl/rings/page.h"
#include "labctl/rings/rings.h"

namespace labctl::cli {
namespace {

struct PromoteOptions {
  std::string to, rings, verdict, previous, reports, halts, out, page, customer_page;
  std::vector<std::string> artifacts;
  TrustOptions trust;
  SigningOptions signing;
};

// Whoever signs what the gate says must not be the one who opens rings: a stolen key opens one door.
Result<Trusted> ring_keys_of(const PromoteOptions& options, const Signer& signer, const Trusted& gate_keys,
                             std::int64_t now) {
  const std::string& id = signer.public_key().id();
  if (gate_keys.has(id))
    return input_error("the key that signs promotions is one of the gate's", {},
                       "'labctl keygen ring.key' makes one for the rings alone");
  if (options.trust.list.empty()) return Trusted::one(signer.public_key());
  auto listed = Trusted::read(options.trust, rings::KeyUse::ring);
  if (!listed) return listed;
  if (!listed->has(id))
    return input_error("the key that signs promotions is not listed for rings", options.trust.list,
                       fmt::format("its id is {}", id));
  if (auto why = listed->objection(id, now)) return input_error(*why, options.trust.list);
  return listed;
}

// What the files say, before anything is decided.
struct Known {
  PlanFile plan;
  std::int64_t now = 0;
  CandidateFiles artifacts;
  rings::Verdict verdict;
  std::string verdict_sha256, previous_sha256, reports_sha256;
  std::int64_t verdict_ends = 0;  // when the run is too old
  std::optional<attest::Statement> statement;
  std::vector<rings::Report> reports;
  rings::Time time;
};

// As `labctl verify --scenario` asks it.
Result<std::string> object_to_plan(const PromoteOptions& options, const rings::Gate& gate,
                                   const attest::Statement& statement, const std::string& scenario_sha256) {
  if (statement.find("scenario")->sha256 != scenario_sha256)
    return std::string("it was made with another scenario than the plan of rings names");
  const auto began = std::chrono::sys_seconds(std::chrono::seconds(statement.began));
  const auto file = (fs::path(options.rings).parent_path() / gate.scenario).string();
  const auto given = load_plan(file, gate.set, {}, {}, Date(std::chrono::floor<std::chrono::days>(began)));
  if (!given) return input_error("the scenario of the plan of rings cannot be read", file);
  if (attest::scenario_plan_sha256(given->second) != statement.scenario_plan)
    return std::string("the scenario with the values of verdict.set is not what was run");
  return std::string();
}

Result<std::string> scenario_digest(const PromoteOptions& options, const rings::Gate& gate) {
  const auto file = fs::path(options.rings).parent_path() / gate.scenario;
  auto text = read_file(file, 4u << 20);
  if (!text)
    return input_error(fmt::format("the scenario '{}': {}", printable(gate.scenario, 120), text.error().what),
                       yaml::at(options.rings, gate.scenario_mark));
  return sha256(*text);
}

rings::Candidate candidate_of(const attest::Statement& statement) {
  std::vector<plan::Holding> holdings;
  for (const auto& cell : statement.cells)
    if (!cell.control) holdings.push_back(cell.held);
  const auto tuple = plan::tuple_of(holdings);
  rings::Candidate candidate{{}, tuple.driver, tuple.content};
  for (const auto& subject : statement.subjects) candidate.digests.insert(subject.sha256);
  return candidate;
}

// Fills in why the gate's attestation does not hold. Errors (input): it cannot be looked at.
Status read_gate(const PromoteOptions& options, const Trusted& gate_keys, Known& known) {
  const rings::Gate& gate = known.plan.plan.gate;
  auto scenario = scenario_digest(options, gate);
  if (!scenario) return fail(scenario.error());
  auto envelope = read_envelope_file(options.verdict);
  if (!envelope) return fail(envelope.error());
  std::string& objection = known.verdict.objection;
  const auto object = [&](const std::optional<std::string>& why) {
    if (why && objection.empty()) objection = *why;
  };
  auto payload = gate_keys.open(*envelope);
  if (!payload) return object(payload.error().what), Status();
  known.verdict_sha256 = sha256(*payload);
  auto statement = attest::read_payload(*payload, {});
  if (!statement) return object(statement.error().what), Status();
  known.verdict.candidate = candidate_of(*statement);
  known.statement = *statement;
  known.verdict_ends =
      statement->began + std::chrono::duration_cast<std::chrono::seconds>(*gate.max_age).count();
  object(gate_keys.objection(*envelope, statement->ended));
  auto withdrawn = gate_keys.withdrawn({known.verdict_sha256}, known.now);
  if (!withdrawn) return fail(withdrawn.error());
  object(*withdrawn);
  object(attest::objection(*statement, attest::Policy{.now = known.now,
                                                      .max_age = gate.max_age,
                                                      .scenario_sha256 = *scenario,
                                                      .require = gate.require,
                                                      .min_boots = gate.min_boots,
                                                      .allow_waived = gate.allow_waived,
                                                      .allow_unproved = gate.allow_unproved,
                                                      .allow_warnings = gate.allow_warnings}));
  object(attest::objection(*statement, known.artifacts.digests));
  if (!objection.empty()) return {};
  auto plan = object_to_plan(options, gate, *statement, *scenario);
  if (!plan) return fail(plan.error());
  if (!plan->empty()) object(*plan);
  return {};
}

// The promotion that this one stands on: of the ring before, or an earlier one of the same ring.
Status read_previous(const PromoteOptions& options, const Trusted& ring_keys, Known& known) {
  const auto& all = known.plan.plan.rings;
  const std::string before = known.plan.ring == 0 ? "" : all[known.plan.ring - 1].name;
  if (options.previous.empty())
    return before.empty()
               ? Status()
               : Status(input_error(fmt::format("ring {} follows ring {}", options.to, before), {},
                                    fmt::format("give the promotion of ring {} with --previous", before)));
  auto envelope = read_envelope_file(options.previous);
  if (!envelope) return fail(envelope.error());
  auto payload = ring_keys.open(*envelope);
  if (!payload) return input_error(payload.error().what, options.previous);
  auto previous = rings::read_promotion(*payload, options.previous);
  if (!previous) return fail(previous.error());
  if (previous->ring != options.to && previous->ring != before)
    return input_error(
        fmt::format("it opened the ring '{}'", printable(previous->ring, 60)), options.previous,
        before.empty() ? "" : fmt::format("give that of ring {} or of ring {}", before, options.to));
  if (auto why = ring_keys.objection(*envelope, previous->created))
    return input_error(*why, options.previous);
  if (auto why = rings::objection(*previous, {.now = known.now,
                                              .ring = previous->ring,
                                              .plan = known.plan.plan,
                                              .plan_sha256 = known.plan.sha256,
                                              .artifacts = known.artifacts.digests}))
    return input_error(*why, options.previous,
                       "a promotion that has ended closes its ring: open the first ring again");
  known.previous_sha256 = sha256(*payload);
  known.time.opened = previous->opened;
  return {};
}

Status read_field(const PromoteOptions& options, Known& known) {
  if (options.reports.empty())
    return known.time.opened.empty() ? Status()
                                     : Status(input_error("rings are open, and no reports of them were given",
                                                          {}, "give them with --reports FILE"));
  auto text = read_file(options.reports, rings::largest_reports);
  if (!text) return input_error(text.error().what, options.reports);
  auto reports = rings::read_reports(*text, options.reports);
  if (!reports.mistakes.empty()) {
    for (std::size_t i = 1; i < reports.mistakes.size(); ++i) report_error(reports.mistakes[i]);
    return fail(reports.mistakes.front());
  }
  known.reports = std::move(reports.all);
  known.reports_sha256 = sha256(*text);
  return {};
}

std::string in_words(const rings::Decision& decision, const std::string& ring) {
  const bool open = decision.answer == rings::Answer::open;
  std::string text = (open                                     ? "OPEN: ring "
                      : decision.answer == rings::Answer::wait ? "WAIT: ring "
                                                               : "HALT: ring ") +
                     ring + "\n";
  for (const auto& reason : decision.reasons) text += "  " + reason + "\n";
  for (const auto& watched : decision.rings)
    for (const auto& words : watched.words) text += fmt::format("  ring {}: {}\n", watched.ring.name, words);
  return text;
}

rings::Promotion promotion_of(const PromoteOptions& options, const Known& known) {
  const auto valid = std::chrono::duration_cast<std::chrono::seconds>(known.plan.plan.valid).count();
  rings::Promotion promotion{.artifacts = known.artifacts.digests,
                             .ring = options.to,
                             .created = known.now,
                             .expires = std::min(known.now + valid, known.verdict_ends),
                             .opened = known.time.opened,
                             .plan = known.plan.sha256,
                             .verdict = known.verdict_sha256,
                             .reports = known.reports_sha256,
                             .previous = known.previous_sha256};
  for (auto& artifact : promotion.artifacts) artifact.name = fs::path(artifact.name).filename().string();
  promotion.opened.emplace(options.to, known.now);
  return promotion;
}

// What the field has said holds at once, and not only when the last promotion has expired.
Status write_halt(const PromoteOptions& options, const Signer& signer, const Known& known,
                  const rings::Decision& decision) {
  const bool by_the_field = std::any_of(decision.rings.begin(), decision.rings.end(),
                                        [](const auto& ring) { return ring.answer == rings::Answer::halt; });
  if (options.halts.empty() || !by_the_field || !known.verdict.halts.empty()) return {};
  const rings::Halt halt{known.artifacts.digests, known.now, decision.reasons.front()};
  auto sealed = signer.seal(rings::to_payload(halt));
  if (!sealed) return fail(sealed.error());
  const auto file = fs::path(options.halts) / ("halt-" + sha256(*sealed).substr(0, 16) + ".json");
  if (auto written = write_file(file, *sealed); !written) return written;
  answer("halt", file.string());
  print(fmt::format("  halt: {}\n", file.string()));
  return {};
}

// For people; the promotion decides. A customer is informed of a verdict only while it holds.
Status write_pages(const PromoteOptions& options, const Known& known, const rings::Decision& decision) {
  rings::About about{.ring = options.to,
                     .now = known.now,
                     .artifacts = known.artifacts.digests,
                     .plan = known.plan.sha256,
                     .verdict = known.verdict_sha256};
  for (auto& artifact : about.artifacts) artifact.name = fs::path(artifact.name).filename().string();
  if (!options.page.empty())
    if (auto written = write_file(options.page, rings::rollout_page(known.plan.plan, decision, about));
        !written)
      return written;
  if (options.customer_page.empty()) return {};
  if (!known.statement || !known.verdict.objection.empty())
    return input_error("no page for customers: the gate's verdict does not hold", options.customer_page);
  return write_file(options.customer_page, rings::customer_page(decision, *known.statement, about));
}

int act(const PromoteOptions& options, const Signer& signer, const Known& known) {
  const auto decision = rings::on(known.plan.plan, known.plan.ring, known.verdict, known.reports, known.time);
  answer("ring", options.to);
  answer("answer", decision.answer == rings::Answer::open   ? "open"
                   : decision.answer == rings::Answer::wait ? "wait"
                                                            : "halt");
  answer("reasons", decision.reasons);
  print(in_words(decision, options.to));
  if (auto written = write_pages(options, known, decision); !written) report_error(written.error());
  if (decision.answer == rings::Answer::halt) {
    if (auto written = write_halt(options, signer, known, decision); !written) report_error(written.error());
    return exit_code::blocked;
  }
  if (decision.answer == rings::Answer::wait) return exit_code::no_verdict;
  if (auto same = known.artifacts.unchanged(); !same) return cannot_look(same.error());
  const auto promotion = promotion_of(options, known);
  auto sealed = signer.seal(rings::to_payload(promotion));
  if (!sealed) return cannot_look(sealed.error());
  const std::string out = options.out.empty() ? options.to + ".json" : options.out;
  if (auto written = write_file(out, *sealed); !written) return cannot_look(written.error());
  answer("file", out);
  answer("until", show_moment(promotion.expires));
  print(fmt::format("  until {}\n  {}\n", show_moment(promotion.expires), out));
  return exit_code::passed;
}

int promote(const PromoteOptions& options) {
  Known known;
  known.time.now = known.now = std::time(nullptr);
  auto plan = load_rings(options.rings, options.to);
  if (!plan) return exit_code::bad_input;
  known.plan = std::move(*plan);
  auto signer = Signer::open(options.signing);
  if (!signer) return cannot_look(signer.error());
  auto gate_keys = Trusted::read(options.trust, rings::KeyUse::gate);
  if (!gate_keys) return cannot_look(gate_keys.error());
  auto ring_keys = ring_keys_of(options, *signer, *gate_keys, known.now);
  if (!ring_keys) return cannot_look(ring_keys.error());
  if (auto opened = known.artifacts.open(options.artifacts); !opened) return cannot_look(opened.error());
  if (auto hashed = known.artifacts.hash(); !hashed) return cannot_look(hashed.error());
  if (auto read = read_gate(options, *gate_keys, known); !read) return cannot_look(read.error());
  if (auto read = read_previous(options, *ring_keys, known); !read) return cannot_look(read.error());
  if (auto read = read_field(options, known); !read) return cannot_look(read.error());
  auto halts = halts_in(options.halts, *ring_keys, known.artifacts.digests, known.now);
  if (!halts) return cannot_look(halts.error());
  known.verdict.halts = std::move(*halts);
  return act(options, *signer, known);
}

}  // namespace

void add_promote(CommandLine& command_line) {
  const auto options = std::make_shared<PromoteOptions>();
  auto verb = command_line.verb(
      "promote",
      {.summary = "Open the next ring of a rollout, or say why it waits or halts",
       .group = group::judging,
       .examples =
           "labctl promote --to internal --rings rings.yaml --verdict attestation.json --artifact a.deb "
           "--key gate.key.pub --sign ring.key\n"
           "labctl promote --to early --rings rings.yaml --verdict attestation.json --previous internal.json "
           "--reports reports.jsonl --artifact a.deb --key gate.key.pub --sign ring.key",
       .exit_codes = "0    open: the promotion was written\n"
                     "1    halt: something speaks against the release\n"
                     "2    bad input or usage: the ring stays closed\n"
                     "3    wait: not enough is known yet"},
      options, promote);
  verb.option("--to", options->to, "The ring to open, or to keep open", {.value = "RING", .required = true});
  verb.option("--rings", options->rings, "The plan of rings", {.value = "FILE", .required = true});
  verb.option("--verdict", options->verdict, "The gate's attestation.json",
              {.value = "ATTESTATION", .required = true});
  verb.option("--artifact", options->artifacts, "The files to deliver: all that were tested, no other",
              {.value = "FILE...", .required = true, .many = true});
  options->trust.add_to(verb, "The gate's public key; repeat to require several signatures");
  verb.option("--previous", options->previous,
              "The promotion of the ring before, or the last one of this ring to renew it",
              {.value = "PROMOTION"});
  verb.option("--reports", options->reports, "What the machines of the open rings reported (JSON lines)",
              {.value = "FILE"});
  verb.option("--halts", options->halts, "Folder in which signed halts are looked for, and written to",
              {.value = "DIR"});
  verb.option("--page", options->page, "Write rollout.html there, whatever the answer", {.value = "FILE"});
  verb.option("--customer-page", options->customer_page,
              "Write there, in plain words, how the release was tested", {.value = "FILE"});
  verb.option("--out", options->out, "Where the promotion goes (RING.json)", {.value = "FILE"});
  options->signing.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
