// Pages about a rollout, self-contained: no script, nothing from elsewhere. rollout.html is for those who run
// it, the other for a customer, in plain words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/attest/statement.h"
#include "labctl/rings/rings.h"

namespace labctl::rings {

extern const std::string_view rollout_template, customer_template;

struct About {
  std::string ring;                         // that was to be opened
  std::int64_t now = 0;                     // seconds since 1970
  std::vector<attest::Resource> artifacts;  // what is delivered
  std::string plan, verdict;                // SHA-256, as in the promotion
};

std::string rollout_page(const Plan& plan, const Decision& decision, const About& about);

// Of a verdict that holds, in which the statement is believed.
std::string customer_page(const Decision& decision, const attest::Statement& statement, const About& about);

}  // namespace labctl::rings
