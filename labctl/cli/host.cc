#include "labctl/cli/host.h"

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/lab/doctor.h"
#include "labctl/lab/places.h"

namespace labctl::cli {

void HostChoice::add_to(Verb& verb) {
  verb.option("--connect", connect, "A libvirt URI instead of the private one",
              {.value = "URI", .show_default = true});
  verb.option("--accel", accel,
              "auto uses KVM only if a test guest runs under it; kvm or tcg forces the choice",
              {.show_default = true, .one_of = {"auto", "kvm", "tcg"}});
}

machine::Wish HostChoice::wish() const {
  return accel == "kvm" ? machine::Wish::kvm : accel == "tcg" ? machine::Wish::tcg : machine::Wish::automatic;
}

void keep_machine(const lab::Kept& kept, const std::string& key, const lab::CellJob& job,
                  const lab::Checkpoint& checkpoint) {
  auto quota = lab::kept_quota();
  auto put = quota ? kept.put(key, job, checkpoint) : Status(fail(quota.error()));
  if (!put) complain(put.error());
  if (put)
    for (const auto& line : lab::keep_within_quota(kept, *quota)) say("labctl: " + line);
}

int refuse_bad_host(const lab::Places& places) {
  int code = exit_code::passed;
  for (const auto& check : lab::check_host(places))
    if (check.health == lab::Health::error && !check.only_for_building)
      code = complain(Error{Fault::lab, check.name + " " + check.detail, {}, check.fix});
  return code;
}

Result<std::string> own_digest() {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem);
  return sha256_file(problem ? fs::path("/proc/self/exe") : self);
}

}  // namespace labctl::cli
