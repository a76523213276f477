#include "labctl/rings/promotion.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/strict_json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/rings/tally.h"

namespace labctl::rings {
namespace {

using attest::Resource;
using attest::VerificationResult;
using Objection = std::optional<std::string>;

constexpr const char *halted = "LABCTL_HALTED", *withdrawn = "LABCTL_WITHDRAWN";

std::string property(const std::string& ring, const char* what) {
  std::string word = "LABCTL_RING_";
  for (const char c : ring)
    word += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return word + what;
}

bool has(const std::vector<Resource>& list, const Resource& wanted) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Resource& one) { return one.sha256 == wanted.sha256; });
}

std::int64_t moment(JsonObject& json, const char* key) {
  const auto value = parse_moment(json.text(key));
  if (!value) json.wrong(fmt::format("{}: expected a time", key));
  return value.value_or(0);
}

std::string digest(JsonObject& json, const char* key) {
  std::string value = json.text(key);
  if (!is_sha256(value)) json.wrong(fmt::format("{}: expected a SHA-256", key));
  return value;
}

tl::unexpected<Error> not_one(const char* what, const std::string& where) {
  return input_error(fmt::format("it is not a {}", what), where);
}

Objection to_future(std::int64_t created) {
  return fmt::format("it was signed at {}, which is in the future: is the clock of this host right?",
                     show_moment(created));
}

}  // namespace

bool Halt::is_about(const std::vector<Resource>& delivered) const {
  return !artifacts.empty() && std::all_of(artifacts.begin(), artifacts.end(),
                                           [&](const auto& one) { return has(delivered, one); });
}

std::string Halt::in_words() const {
  return fmt::format("halted at {}: {}", show_moment(created), printable(reason, 300));
}

std::string to_payload(const Promotion& promotion) {
  VerificationResult result{.subjects = promotion.artifacts,
                            .verifier = "labctl:promote",
                            .created = promotion.created,
                            .properties = {"LABCTL_GATE_PASSED"}};
  Json opened = Json::object();
  for (const auto& [ring, since] : promotion.opened) {
    opened[ring] = show_moment(since);
    if (ring != promotion.ring) result.properties.push_back(property(ring, "_HELD"));
  }
  result.properties.push_back(property(promotion.ring, "_OPEN"));
  result.notes = {{"ring", promotion.ring},
                  {"expires", show_moment(promotion.expires)},
                  {"opened", opened},
                  {"rings", {{"sha256", promotion.plan}}},
                  {"verdict", {{"sha256", promotion.verdict}}}};
  if (!promotion.reports.empty()) result.notes["reports"] = {{"sha256", promotion.reports}};
  if (!promotion.previous.empty()) result.notes["previous"] = {{"sha256", promotion.previous}};
  return attest::to_payload(result);
}

std::string to_payload(const Halt& halt) {
  return attest::to_payload(VerificationResult{.subjects = halt.artifacts,
                                               .verifier = "labctl:halt",
                                               .created = halt.created,
                                               .properties = {halted},
                                               .notes = {{"reason", halt.reason}}});
}

std::string to_payload(const Withdrawal& withdrawal) {
  return attest::to_payload(VerificationResult{
      .subjects = withdrawal.statements,
      .verifier = "labctl:withdraw",
      .created = withdrawal.created,
      .properties = {withdrawn},
      .notes = {{"expires", show_moment(withdrawal.expires)}, {"reason", withdrawal.reason}}});
}

Result<Promotion> read_promotion(std::string_view payload, const std::string& where) {
  auto result = attest::read_result(payload, where);
  if (!result) return fail(result.error());
  std::string fault;
  JsonObject notes(result->notes, "labctl", fault);
  Promotion promotion{.artifacts = result->subjects, .ring = notes.text("ring"), .created = result->created};
  if (!result->has(property(promotion.ring, "_OPEN")) || !result->has("LABCTL_GATE_PASSED"))
    return not_one("promotion", where);
  promotion.expires = moment(notes, "expires");
  notes.each_text("opened", [&](const std::string& ring, const std::string& text) {
    const auto since = parse_moment(text);
    if (!since) notes.wrong("opened: expected times");
    promotion.opened[ring] = since.value_or(0);
  });
  JsonObject rings = notes.object("rings"), verdict = notes.object("verdict");
  promotion.plan = digest(rings, "sha256");
  promotion.verdict = digest(verdict, "sha256");
  if (promotion.opened.count(promotion.ring) == 0) notes.wrong("opened: does not name the ring");
  if (!fault.empty()) return input_error(fmt::format("the promotion cannot be used: {}", fault), where);
  return promotion;
}

Result<Halt> read_halt(std::string_view payload, const std::string& where) {
  auto result = attest::read_result(payload, where);
  if (!result) return fail(result.error());
  if (!result->has(halted)) return not_one("halt", where);
  std::string fault;
  Halt halt{result->subjects, result->created, JsonObject(result->notes, "labctl", fault).text("reason")};
  if (!fault.empty()) return input_error(fmt::format("the halt cannot be used: {}", fault), where);
  return halt;
}

Result<Withdrawal> read_withdrawal(std::string_view payload, const std::string& where) {
  auto result = attest::read_result(payload, where);
  if (!result) return fail(result.error());
  if (!result->has(withdrawn)) return not_one("list of withdrawn attestations", where);
  std::string fault;
  JsonObject notes(result->notes, "labctl", fault);
  Withdrawal list{result->subjects, result->created, moment(notes, "expires"), notes.text("reason")};
  if (!fault.empty()) return input_error(fmt::format("the list cannot be used: {}", fault), where);
  return list;
}

Objection objection(const Promotion& promotion, const Wanted& wanted) {
  if (promotion.ring != wanted.ring)
    return fmt::format("it opens the ring '{}', not '{}'", printable(promotion.ring, 60), wanted.ring);
  if (promotion.plan != wanted.plan_sha256)
    return fmt::format("it was made with another rings.yaml, of sha256 {}", promotion.plan);
  if (promotion.created > wanted.now + allowed_clock_skew_seconds) return to_future(promotion.created);
  if (promotion.expires <= promotion.created ||
      std::chrono::seconds(promotion.expires - promotion.created) > wanted.plan.valid)
    return fmt::format("it is good until {}, longer than the plan allows", show_moment(promotion.expires));
  if (promotion.expires <= wanted.now) return fmt::format("it expired at {}", show_moment(promotion.expires));
  if (promotion.artifacts.empty()) return "it is about no artifact";
  for (const auto& file : wanted.artifacts)
    if (!has(promotion.artifacts, file))
      return fmt::format("it is not about the file '{}', whose sha256 is {}", printable(file.name, 120),
                         file.sha256);
  for (const auto& artifact : promotion.artifacts)
    if (!has(wanted.artifacts, artifact))
      return fmt::format("it is also about '{}', and no given file has its bytes",
                         printable(artifact.name, 120));
  return {};
}

Objection objection(const Withdrawal& withdrawal, std::int64_t now) {
  if (withdrawal.created > now + allowed_clock_skew_seconds) return to_future(withdrawal.created);
  if (withdrawal.expires <= now)
    return fmt::format("it expired at {}; 'labctl withdraw' makes a new one",
                       show_moment(withdrawal.expires));
  return {};
}

Objection objection(const Halt& halt, std::int64_t now) {
  if (halt.created > now + allowed_clock_skew_seconds) return to_future(halt.created);
  return {};
}

}  // namespace labctl::rings
