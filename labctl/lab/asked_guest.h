// A guest that is only asked: a clone of what cells start from, with no candidate in it and no journal. What
// it answers is for people; no verdict rests on it.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>

#include "labctl/base/queue.h"
#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/guest/guest.h"
#include "labctl/machine/machine.h"
#include "labctl/observe/observe.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::lab {

struct GuestAnswer {
  int exit_code = 0;
  std::string output;  // whole, up to observe::longest_output for each stream
};

class AskedGuest {
 public:
  // Its disk is `work`/asked.qcow2, made by start() and removed in the end.
  AskedGuest(machine::Host& host, snapshot::BaseSnapshot base, std::filesystem::path work,
             std::stop_token stop);
  ~AskedGuest();

  // Up to its agent's first word. Errors: the lab's, an interruption.
  Status start();
  // Errors: the lab's when it did not answer within `limit`; an interruption.
  Result<GuestAnswer> ask(const guest::Question& question, Millis limit);
  Status picture(const std::filesystem::path& png);
  const std::string& console() const { return console_; }  // its beginning, at most 16 MiB

 private:
  struct FromAgent {
    event::What what;
    std::string full_output;
  };
  using Input = std::variant<machine::Notification, FromAgent>;
  Result<FromAgent> wait_for(const std::string& question, Millis limit);

  machine::Host& host_;
  snapshot::BaseSnapshot base_;
  std::filesystem::path disk_, nvram_;
  std::stop_token stop_;
  Queue<Input> inputs_;
  std::string console_, lost_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<observe::Agent> agent_;
};

}  // namespace labctl::lab
