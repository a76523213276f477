#include "labctl/cli/scenario_file.h"

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "labctl/base/certificate.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/driver_folders.h"
#include "labctl/cli/output.h"
#include "labctl/scenario/signatures.h"

namespace labctl::cli {

void Settings::add_to(Verb& verb) {
  verb.option("--set", given, "Give the scenario's ${K} a value; may be repeated", {.value = "K=V"});
}

Result<scenario::Variables> Settings::variables() const {
  scenario::Variables all;
  for (const auto& setting : given) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return input_error(fmt::format("--set takes NAME=VALUE, not '{}'", setting), {},
                         "for ${image} in the scenario: --set image=debian-12-linux-6.12");
    const std::string name = setting.substr(0, equals);
    if (!all.emplace(name, setting.substr(equals + 1)).second)
      return input_error(fmt::format("--set gives '{}' twice", name));
  }
  return all;
}

std::optional<std::string> load_signatures(const std::string& file, const std::string& mark) {
  auto text = read_file(file, 1u << 20);
  if (!text) {
    report_error(Error{Fault::input,
                       fmt::format("the signature file '{}': {}", printable(file), text.error().what),
                       mark,
                       {}});
    return std::nullopt;
  }
  if (auto loaded = scenario::load_signatures(*text, file); !loaded.mistakes.empty()) {
    report_error(loaded.mistakes);
    return std::nullopt;
  }
  return std::move(*text);
}

std::optional<Waivers> take_waivers(std::string text, const std::string& where) {
  if (text.empty()) return Waivers{};
  auto loaded = scenario::load_waivers(text, where);
  if (!loaded.waivers) {
    report_error(loaded.mistakes);
    return std::nullopt;
  }
  return Waivers{std::move(text), std::move(*loaded.waivers)};
}

std::optional<Waivers> read_waivers(const std::string& file) {
  if (file.empty()) return Waivers{};
  auto text = read_file(file, 4u << 20);
  if (!text) {
    report_error(Error{Fault::input, text.error().what, file, {}});
    return std::nullopt;
  }
  if (text->empty()) {  // an empty file is a mistake, and not an empty list
    report_error(scenario::load_waivers(*text, file).mistakes);
    return std::nullopt;
  }
  return take_waivers(std::move(*text), file);
}

namespace {

// Into the machines; what is wrong with the files, each at its place.
std::vector<Error> read_keys(scenario::Scenario& scenario, const std::string& file) {
  std::vector<Error> mistakes;
  const auto read = [&](scenario::MachineKey& key) {
    const auto path = std::filesystem::path(file).parent_path() / key.path;
    auto bytes = read_file(path, 1u << 20);
    auto certificate = bytes ? read_certificate(*bytes) : Result<Certificate>(fail(bytes.error()));
    if (certificate)
      key.certificate = std::move(certificate->der);
    else
      mistakes.push_back(
          {Fault::input,
           fmt::format("the machine's key '{}' {}", printable(key.path),
                       bytes ? certificate.error().what : "cannot be read: " + bytes.error().what),
           scenario::at(file, key.mark), certificate.error().hint});
  };
  for (auto& key : scenario.machine.keys) read(key);
  for (auto& machine : scenario.machines)
    for (auto& key : machine.keys) read(key);
  return mistakes;
}

// Neither shim nor the kernel looks at the date; whoever signs with it should.
void note_expired_keys(plan::Plan& plan) {
  std::set<std::string> told;
  for (const auto* base : plan.bases())
    for (const auto& key : base->machine.keys) {
      const auto certificate = read_certificate(key.certificate);
      if (!certificate || std::chrono::sys_days(certificate->expires) >= std::chrono::sys_days(plan.date) ||
          !told.insert(key.path).second)
        continue;
      plan.notes.push_back(fmt::format(
          "the machine's key '{}' ({}) expired on {}, which neither shim nor Linux looks "
          "at: modules that it signed go on loading",
          printable(key.path), printable(certificate->subject, 80), show_date(certificate->expires)));
    }
}

}  // namespace

Date today() { return Date(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())); }

std::optional<std::pair<scenario::Scenario, plan::Plan>> load_plan(
    const std::string& file, const scenario::Variables& variables, const std::string& only,
    const std::vector<scenario::Acceptance>& waivers, Date day) {
  auto text = read_file(file, 4u << 20);
  if (!text) {
    report_error(Error{Fault::input, text.error().what, file,
                       "give the file of a scenario; 'labctl init DRIVER' writes a first one"});
    return std::nullopt;
  }
  auto loaded = scenario::load(*text, file, variables);
  if (!loaded.scenario) {
    report_error(loaded.mistakes);
    return std::nullopt;
  }
  if (const auto mistakes = read_keys(*loaded.scenario, file); !mistakes.empty()) {
    report_error(mistakes);
    return std::nullopt;
  }
  auto plan = plan::expand(*loaded.scenario, day, waivers);
  if (plan) note_expired_keys(*plan);
  if (plan) plan = open_driver_folders(std::move(*plan), file);
  if (plan && !only.empty()) plan = plan::only(std::move(*plan), only);
  if (!plan) {
    report_error(plan.error());
    return std::nullopt;
  }
  if (const auto& named = loaded.scenario->signatures) {
    const auto path = std::filesystem::path(file).parent_path() / named->path;
    auto signatures = load_signatures(path.string(), scenario::at(file, named->mark));
    if (!signatures) return std::nullopt;
    plan->signatures = plan::SignatureFile{named->path, std::move(*signatures)};
  }
  return std::pair{std::move(*loaded.scenario), std::move(*plan)};
}

void print_warnings(const std::string& file, const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings) say(fmt::format("{}: warning: {}", file, warning));
}

}  // namespace labctl::cli
