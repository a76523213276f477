// The tables made ready: patterns compiled, rules sorted by the first byte of what they look for. Internal to
// the room.
#pragma once

#include <optional>
#include <string_view>

#include "labctl/crash/engine/message.h"
#include "labctl/crash/engine/report.h"

namespace labctl::crash {

class Rules {
 public:
  // The dialects that this sort of guest can speak. Compiled once and shared.
  static const Rules& of(std::optional<Os> os);

  std::optional<Heading> header(const Message& message) const;
  const Prelude* prelude(std::string_view text) const;
  const BodyLine* body(std::string_view text) const;

  // The panic in this message only says that something died before.
  bool consequence(std::string_view text) const;

 private:
  struct Tables;
  explicit Rules(const Tables& tables) : tables_(&tables) {}
  std::optional<Heading> behind_name_header(const Message& message) const;

  const Tables* tables_;
};

}  // namespace labctl::crash
