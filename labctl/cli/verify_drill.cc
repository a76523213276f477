#include "labctl/cli/verify_drill.h"

#include <fmt/core.h>

#include "labctl/attest/drill.h"
#include "labctl/cli/command_line.h"

namespace labctl::cli {

void DrillOptions::add_to(Verb& verb) {
  verb.option("--drilled", drilled, "The gate must have blocked a fire drill within this time (7d)",
              {.value = "DUR"});
  verb.option("--drill", attestation, "The attestation of that drill", {.value = "ATTESTATION"});
}

Result<std::optional<std::string>> objection_to_drill(const DrillOptions& options, const Trusted& gate_keys,
                                                      const attest::Statement& release, std::int64_t now) {
  using Objection = std::optional<std::string>;
  if (!options.given()) return Objection();
  if (options.drilled.empty() || options.attestation.empty())
    return input_error("--drilled and --drill belong together", {},
                       "'labctl drill' makes the attestation of a drill");
  auto age = parse_duration(options.drilled);
  if (!age) return because(age.error(), "--drilled");
  auto envelope = read_envelope_file(options.attestation);
  if (!envelope) return fail(envelope.error());
  auto payload = gate_keys.open(*envelope);
  if (!payload) return Objection(fmt::format("the drill: {}", payload.error().what));
  auto drill = attest::read_payload(*payload, {});
  if (!drill) return Objection(fmt::format("the drill: {}", drill.error().what));
  Objection why = gate_keys.objection(*envelope, drill->ended);
  if (!why) why = attest::objection_to_drill(*drill, release, now, *age);
  return why ? Objection(fmt::format("the drill: {}", *why)) : why;
}

}  // namespace labctl::cli
