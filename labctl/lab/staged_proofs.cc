// What shows in a guest that it has the delivered drivers: the builds that they hold, and who signed them.

#include <fmt/core.h>

#include "labctl/base/files.h"
#include "labctl/guest/guest.h"
#include "labctl/lab/staged_artifacts.h"

namespace labctl::lab {

// What a guest's memory must show when these drivers have been installed, where that can be seen.
void StagedArtifacts::tie(const plan::Cell& cell, const std::string& scenario_file, CellArtifacts& mine) {
  if (!guest::system_of(cell.guest.os).traits().shows_build) return;
  std::map<std::string, std::vector<plan::Given>> drivers;  // by the first file's name on the CD
  for (const auto& given : plan::given_to(cell))
    if (given.of == plan::Given::Of::driver)
      drivers[guest::driver_file(cell.guest.driver, given.label)].push_back(given);
  for (const auto& [name, files] : drivers) {
    const std::string& path = files.front().path;
    std::string why;
    for (const auto& subject : guest::subjects_of(cell.guest.driver)) {
      auto builds = builds_of_subject(cell.guest.driver, subject, files);
      if (!builds) why = builds.error().what;
      mine.builds[guest::builds_key(cell.guest.driver, name, subject)] =
          builds ? std::move(*builds) : std::vector<std::string>{};
    }
    if (why.empty()) continue;
    untied_[path] = std::move(why);
    if (cell.guest.proof.empty()) unproved_[path] = scenario::at(scenario_file, files.front().mark);
  }
}

// Errors: why nothing can be tied.
Result<std::vector<std::string>> StagedArtifacts::builds_of_subject(const scenario::Driver& driver,
                                                                    const std::string& subject,
                                                                    const std::vector<plan::Given>& files) {
  auto all = inside_of(files);
  if (!all) return fail(all.error());
  if (subject.empty())
    return input_error(driver.bpf.empty() ? "the scenario names no module"
                                          : "the tag of a BPF program is not known before a kernel loads it");
  if (!driver.has(subject)) {
    if (driver.kind == scenario::DriverKind::script)  // it may be the program itself
      for (const auto& file : files) all->programs.push_back("sha256:" + artifacts_[file.path].sha256);
    if (all->programs.empty())
      return input_error(fmt::format("it holds no program that the service {} could run", subject));
    return std::move(all->programs);
  }
  auto builds = builds_of(all->modules, subject);
  if (builds.empty()) return input_error(fmt::format("it names no build of a module {}", subject));
  return builds;
}

// Of all its files.
Result<Inside> StagedArtifacts::inside_of(const std::vector<plan::Given>& files) {
  Inside all;
  for (const auto& file : files) {
    const Artifact& artifact = artifacts_[file.path];
    auto known = insides_.find(file.path);
    if (known == insides_.end()) known = insides_.emplace(file.path, inside(artifact.copy)).first;
    if (!known->second) return fail(known->second.error());
    const Inside& one = *known->second;
    all.modules.insert(all.modules.end(), one.modules.begin(), one.modules.end());
    all.programs.insert(all.programs.end(), one.programs.begin(), one.programs.end());
  }
  return all;
}

void StagedArtifacts::look_who_signed(const plan::Cell& cell, const std::string& scenario_file,
                                      const fs::path& work) {
  if (cell.guest.os != scenario::Os::windows) return;
  for (const auto& given : plan::given_to(cell)) {
    if (given.of != plan::Given::Of::driver) continue;
    const std::string& path = given.path;
    if (signatures_.count(path) == 0)
      signatures_.emplace(path,
                          driver_signatures(artifacts_[path].copy, fs::path(path).filename().string(), work));
    if (cell.machine.firmware == Firmware::uefi_secure)
      secure_boot_.emplace(path, scenario::at(scenario_file, given.mark));
  }
}

std::vector<Error> StagedArtifacts::refused() const {
  std::vector<Error> errors;
  for (const auto& [path, where] : secure_boot_) {
    const auto& signatures = signatures_.at(path);
    if (!signatures) continue;
    for (const auto& driver : *signatures)
      if (driver.surely_refused())
        errors.push_back(
            {Fault::input,
             fmt::format("no Windows with Secure Boot loads the driver {}: {}", path, driver.text()), where,
             "have it signed by Microsoft, or test it on a machine without firmware: uefi-secure"});
  }
  return errors;
}

std::vector<std::string> StagedArtifacts::signatures() const {
  std::vector<std::string> sentences;
  for (const auto& [path, signatures] : signatures_) {
    if (!signatures)
      sentences.push_back(
          fmt::format("who signed the driver {} is unknown: {}", path, signatures.error().text()));
    for (const auto& driver : signatures ? *signatures : std::vector<DriverSignature>{})
      sentences.push_back(fmt::format("the driver {}: {}", path, driver.text()));
  }
  return sentences;
}

std::vector<std::string> StagedArtifacts::untied() const {
  std::vector<std::string> sentences;
  for (const auto& [path, why] : untied_)
    sentences.push_back(
        fmt::format("the driver {} cannot be tied to what a guest loads ({}): only the scenario's own proof "
                    "shows that it is the delivered one",
                    path, why));
  return sentences;
}

std::vector<Error> StagedArtifacts::unproved() const {
  std::vector<Error> errors;
  for (const auto& [path, where] : unproved_)
    errors.push_back(
        {Fault::input,
         fmt::format("nothing would show that a guest loads the driver {}: {}", path, untied_.at(path)),
         where, "write a guest.linux.proof that only this driver can give"});
  return errors;
}

}  // namespace labctl::lab
