// What is signed about rings: a promotion (this ring may have exactly these bytes, until a time), a halt
// (nobody may have them any more) and a list of withdrawn attestations. Values and objections; signatures
// have been checked before anything here is believed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/attest/result.h"
#include "labctl/base/result.h"
#include "labctl/rings/plan.h"

namespace labctl::rings {

struct Promotion {
  std::vector<attest::Resource> artifacts;
  std::string ring;
  std::int64_t created = 0, expires = 0;
  std::map<std::string, std::int64_t> opened;  // this ring and those before it: since when
  std::string plan, verdict;                   // SHA-256: of rings.yaml, of the gate's statement
  std::string reports, previous;               // the same of what it stands on; empty: nothing
};

struct Halt {
  std::vector<attest::Resource> artifacts;
  std::int64_t created = 0;
  std::string reason;

  // A halt of one file halts all that is delivered with it.
  bool is_about(const std::vector<attest::Resource>& delivered) const;
  std::string in_words() const;
};

struct Withdrawal {
  std::vector<attest::Resource> statements;  // SHA-256 of their payloads
  std::int64_t created = 0, expires = 0;
  std::string reason;
};

std::string to_payload(const Promotion& promotion);
std::string to_payload(const Halt& halt);
std::string to_payload(const Withdrawal& withdrawal);
Result<Promotion> read_promotion(std::string_view payload, const std::string& where);
Result<Halt> read_halt(std::string_view payload, const std::string& where);
Result<Withdrawal> read_withdrawal(std::string_view payload, const std::string& where);

// What a promotion is held against.
struct Wanted {
  std::int64_t now = 0;  // seconds since 1970
  std::string ring;
  const Plan& plan;
  std::string plan_sha256;
  std::vector<attest::Resource> artifacts;  // all that is delivered, and nothing else
};

// Why the promotion does not open the ring, in one sentence, or nothing.
std::optional<std::string> objection(const Promotion& promotion, const Wanted& wanted);

// A list that was signed later than now shows that a clock is wrong; one that has expired may lack what was
// withdrawn since.
std::optional<std::string> objection(const Withdrawal& withdrawal, std::int64_t now);

// The same for a halt, which never expires.
std::optional<std::string> objection(const Halt& halt, std::int64_t now);

}  // namespace labctl::rings
