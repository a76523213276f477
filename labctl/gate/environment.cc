#include "labctl/gate/environment.h"

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/units.h"
#include "labctl/host/capacity.h"
#include "labctl/host/doctor.h"
#include "labctl/machine/logged.h"
#include "labctl/scenario/signatures.h"

namespace labctl::gate {

namespace fs = std::filesystem;

std::string Environment::now() const { return show_moment(clock()); }

Answer<WorkFolder> begin_work(const Environment& environment, Observer& observer) {
  std::vector<Error> lacking;
  for (const auto& check : host::check_host(environment.paths))
    if (check.health == host::Health::error && !check.only_for_building)
      lacking.push_back({Fault::lab, check.name + " " + check.detail, {}, check.fix});
  if (!lacking.empty()) return wrong(std::move(lacking));
  for (const auto& line : collect_garbage(environment.paths, environment.store).done)
    observer.on(CleanedUp{line});
  auto work = WorkFolder::create(environment.paths);
  if (!work) return wrong(work.error());
  return std::move(*work);
}

Result<std::unique_ptr<machine::Host>> open_host(const Environment& environment, const HostOrder& order,
                                                 Observer& observer) {
  observer.on(HostBegan{order.uri});
  auto host = environment.open_host({.uri = order.uri,
                                     .accel = order.accel,
                                     .runtime = environment.paths.runtime,
                                     .cache = environment.paths.cache});
  if (host) host = machine::logged(std::move(*host));
  observer.on(HostEnded{host ? Result<machine::HostFacts>((*host)->facts()) : fail(host.error())});
  return host;
}

Result<std::string> own_digest() {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem);
  return sha256_file(problem ? fs::path("/proc/self/exe") : self);
}

std::vector<crash::Signature> signatures_of(const plan::Plan& plan) {
  if (!plan.signatures) return {};
  return scenario::load_signatures(plan.signatures->text, plan.signatures->file).all;
}

unsigned guests_at_once(unsigned asked, std::uint64_t memory, std::size_t jobs) {
  const unsigned wanted = asked != 0 ? asked : host::capacity(memory).jobs;
  return static_cast<unsigned>(std::min<std::size_t>(wanted, jobs));
}

void keep_machine(const reproduction::KeptMachines& kept, const std::string& key, const lab::CellJob& job,
                  const lab::Checkpoint& checkpoint, Observer& observer) {
  auto quota = reproduction::kept_quota();
  auto put = quota ? kept.put(key, job, checkpoint) : Status(fail(quota.error()));
  if (!put) return observer.on(Problem{put.error()});
  for (const auto& line : reproduction::keep_within_quota(kept, *quota)) observer.on(CleanedUp{line});
}

image::Progress progress_to(Observer& observer) {
  return [&observer](std::string_view line) { observer.on(Said{std::string(line)}); };
}

}  // namespace labctl::gate
