// What the gate finds where it is called: paths, images, a door to the hypervisor, a clock, a token that
// asks it to stop. Made once by the caller; tests make one of plain code.
#pragma once

#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/crash/crash.h"
#include "labctl/gate/housekeeping.h"
#include "labctl/gate/observer.h"
#include "labctl/host/paths.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"
#include "labctl/plan/plan.h"
#include "labctl/reproduction/kept_machines.h"

namespace labctl::gate {

// What the use cases give: a value, or all that is wrong at once.
template <class T>
using Answer = tl::expected<T, std::vector<Error>>;
inline tl::unexpected<std::vector<Error>> wrong(std::vector<Error> errors) {
  return tl::unexpected<std::vector<Error>>(std::move(errors));
}
inline tl::unexpected<std::vector<Error>> wrong(Error error) { return wrong(std::vector{std::move(error)}); }

struct Environment {
  host::Paths paths;
  image::Store store;
  machine::HostOpener open_host = machine::open_host;
  std::function<std::time_t()> clock = [] { return std::time(nullptr); };
  std::stop_token stop = {};
  std::string tool;  // name and version of the program: "labctl 0.1.0"

  std::string now() const;  // of the clock, in UTC, as records say it
};

// Which hypervisor, and how its guests are to be accelerated.
struct HostOrder {
  std::string uri = "qemu:///embed";
  machine::AccelMode accel = machine::AccelMode::automatic;
};

// ---- what orders that start guests begin with ----

// The host is fit for guests, what killed runs left is gone, and there is a folder for disks and CDs that
// lives as long as the object. Errors: everything that this host lacks.
Answer<WorkFolder> begin_work(const Environment& environment, Observer& observer);

Result<std::unique_ptr<machine::Host>> open_host(const Environment& environment, const HostOrder& order,
                                                 Observer& observer);

// The digest of the running program.
Result<std::string> own_digest();

// What the scenario's own signature file says; it was read without a mistake once.
std::vector<crash::Signature> signatures_of(const plan::Plan& plan);

// How many guests at once: what was asked for, else what the host carries of guests with so much memory.
unsigned guests_at_once(unsigned asked, std::uint64_t memory, std::size_t jobs);

// Puts what the cell left where a reproduction finds it. What goes wrong is a Problem and ends nothing.
void keep_machine(const reproduction::KeptMachines& kept, const std::string& key, const lab::CellJob& job,
                  const lab::Checkpoint& checkpoint, Observer& observer);

// The lines that a part of the lab says, for the observer.
image::Progress progress_to(Observer& observer);

}  // namespace labctl::gate
