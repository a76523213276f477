#include "labctl/cli/trusted.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/signer.h"
#include "labctl/rings/promotion.h"

namespace labctl::cli {

void TrustOptions::add_to(Verb& verb, const char* help_of_key) {
  verb.option("--key", keys, help_of_key, {.value = "PUB"});
  verb.option("--keys", list, "Instead: a list of public keys with their uses and dates",
              {.value = "FILE", .excludes = {"--key"}});
  verb.option("--withdrawn", withdrawn, "Signed list of withdrawn attestations, which are refused",
              {.value = "FILE"});
}

Result<Trusted> Trusted::read(const TrustOptions& options, rings::KeyUse use) {
  Trusted trusted;
  trusted.withdrawn_ = options.withdrawn;
  trusted.all_must_sign_ = options.list.empty();
  if (options.keys.empty() && options.list.empty())
    return input_error("no public key was given", {}, "give --key PUB, or --keys FILE");
  std::vector<rings::KeyEntry> entries;
  for (const auto& file : options.keys) entries.push_back({.file = file, .use = use});
  if (!options.list.empty()) {
    auto text = read_file(options.list, 1u << 20);
    if (!text) return input_error(text.error().what, options.list);
    auto list = rings::load_keys(*text, options.list);
    if (!list.mistakes.empty()) return fail(list.mistakes.front());
    entries = std::move(list.keys);
  }
  const fs::path folder = fs::path(options.list).parent_path();
  for (auto& entry : entries) {
    auto key = read_public_key(options.list.empty() ? entry.file : (folder / entry.file).string());
    if (!key) return fail(key.error());
    for (const auto& other : trusted.keys_)
      if (other.key.id() == key->id())
        return input_error("the same key is given twice", entry.file,
                           "the gate's keys, the rings' and those that withdraw are different ones");
    const bool is_for_use = entry.use == use;
    const bool may_withdraw = options.list.empty() || entry.use == rings::KeyUse::withdrawal;
    trusted.keys_.push_back({std::move(*key), std::move(entry), may_withdraw, is_for_use});
  }
  return trusted;
}

Trusted Trusted::one(const attest::PublicKey& key) {
  Trusted trusted;
  trusted.keys_.push_back({key, {}, true, true});
  return trusted;
}

Result<std::string> Trusted::open_listed(const attest::Envelope& envelope, bool to_withdraw) const {
  std::vector<attest::PublicKey> signers;
  for (const auto& key : keys_)
    for (const auto& signature : envelope.signatures)
      if (signature.key_id == key.key.id() && (to_withdraw ? key.may_withdraw : key.is_for_use))
        signers.push_back(key.key);
  if (signers.empty()) return input_error("no key that is trusted for this has signed");
  return attest::open(envelope, attest::in_toto_type, signers);
}

Result<std::string> Trusted::open(const attest::Envelope& envelope) const {
  if (!all_must_sign_) return open_listed(envelope, false);
  std::vector<attest::PublicKey> all;
  for (const auto& key : keys_) all.push_back(key.key);
  return attest::open(envelope, attest::in_toto_type, all);
}

Result<std::string> Trusted::open_by_any(const attest::Envelope& envelope) const {
  return open_listed(envelope, false);
}

std::optional<std::string> Trusted::objection(const attest::Envelope& envelope, std::int64_t moment) const {
  for (const auto& signature : envelope.signatures)
    if (auto why = objection(signature.key_id, moment)) return why;
  return {};
}

std::optional<std::string> Trusted::objection(const std::string& key_id, std::int64_t moment) const {
  for (const auto& key : keys_)
    if (key_id == key.key.id())
      if (auto why = key.entry.objection(moment)) return why;
  return {};
}

bool Trusted::has(const std::string& key_id) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const Key& key) { return key.is_for_use && key.key.id() == key_id; });
}

Result<std::optional<std::string>> Trusted::withdrawn(const std::vector<std::string>& payload_digests,
                                                      std::int64_t now) const {
  std::optional<std::string> none;
  if (withdrawn_.empty()) return none;
  auto envelope = read_envelope_file(withdrawn_);
  if (!envelope) return fail(envelope.error());
  auto payload = open_listed(*envelope, true);
  if (!payload) return input_error(payload.error().what, withdrawn_);
  auto list = rings::read_withdrawal(*payload, withdrawn_);
  if (!list) return fail(list.error());
  if (auto why = rings::objection(*list, now))
    return input_error(fmt::format("the list: {}", *why), withdrawn_);
  if (auto why = objection(*envelope, list->created)) return input_error(*why, withdrawn_);
  for (const auto& one : list->statements)
    for (const auto& digest : payload_digests)
      if (one.sha256 == digest)
        return std::optional(fmt::format("it was withdrawn at {}: {}", show_moment(list->created),
                                         printable(list->reason, 300)));
  return none;
}

Result<attest::Envelope> read_envelope_file(const std::string& file) {
  auto text = read_file(file, attest::largest_envelope);
  if (!text) return input_error(text.error().what, file);
  return attest::read_envelope(*text, file);
}

}  // namespace labctl::cli
