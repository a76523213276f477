// Machines that are kept at a moment of their story, so that it can be come back to in a second: the disk
// with the guest's state in it, and the journal until then. They are found by what they are made of, whoever
// made them. A cache: bounded by a quota, oldest first out, and anything that is wrong with one means that
// there is none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/lab/run_cell.h"

namespace labctl::reproduction {

// Equal exactly when a kept machine may stand in for a replay of the story: same cell, bytes, image, machine
// and hypervisor, and the same place to hold.
std::string key_of(const lab::CellJob& job, int left, const machine::HostFacts& host);

struct KeptMachine {
  std::filesystem::path folder, disk;
  std::string key, cell, image;
  lab::Checkpoint checkpoint;
  std::string made;         // in UTC
  std::uint64_t bytes = 0;  // on the disk
};

class KeptMachines {
 public:
  explicit KeptMachines(std::filesystem::path root) : root_(std::move(root)) {}

  std::optional<KeptMachine> find(const std::string& key) const;
  // Moves the disk, whose guest has ended, to its place; an earlier one of this key goes.
  Status put(const std::string& key, const lab::CellJob& job, lab::Checkpoint checkpoint) const;
  Status discard(const std::string& key) const;

  // The newest first.
  std::vector<KeptMachine> all() const;
  // Those that must go for the others to fit into `quota`, the oldest first.
  std::vector<KeptMachine> over(std::uint64_t quota) const;

 private:
  std::filesystem::path root_;
};

// Lives the job's cell up to where it holds and saves it there, for the job's at_end. Errors: it never came
// there, with how it ended instead; an interruption.
Status save_where_it_holds(lab::CellJob job, machine::Host& host, const std::stop_token& stop);

// Discards those that are over the quota; a line for each.
std::vector<std::string> keep_within_quota(const KeptMachines& kept, std::uint64_t quota);

// LABCTL_KEEP_QUOTA, else 10 GiB. An error (input) when it is no size.
Result<std::uint64_t> kept_quota();

// The journal of a cell that did not hold, as that of one that holds with so many operations left.
Result<std::string> holding(const std::string& journal, const std::string& cell, int left);

}  // namespace labctl::reproduction
