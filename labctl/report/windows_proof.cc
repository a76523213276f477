#include "labctl/report/windows_proof.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/event/channel.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using outcome::Claim;
using outcome::TriedDriver;
using outcome::WindowsProof;

// Guests chose it: nothing of it may end a cell of a table or begin a link.
std::string cell(std::string_view untrusted) {
  std::string text = printable(untrusted, 200);
  for (char& c : text)
    if (c == '|' || c == '`') c = '\'';
  return text.find_first_not_of(' ') == std::string::npos ? "" : "`" + text + "`";
}

std::string names(const std::vector<event::Channel>& channels) {
  const auto all = event::names_of(channels);
  return all.empty() ? "none" : join(all, ", ");
}

std::size_t count(const WindowsProof& proof, Claim::State state) {
  return static_cast<std::size_t>(std::count_if(proof.claims.begin(), proof.claims.end(),
                                                [&](const Claim& claim) { return claim.state == state; }));
}

std::string claims_part(const WindowsProof& proof, Claim::State state, const char* heading) {
  if (count(proof, state) == 0) return {};
  std::string text =
      fmt::format("## {}\n\n| assumed | as | seen | bytes |\n| --- | --- | --- | --- |\n", heading);
  for (const Claim& claim : proof.claims)
    if (claim.state == state)
      text += fmt::format("| {} | {} | {} | {} |\n", claim.what, cell(claim.assumed), cell(claim.seen),
                          cell(claim.fixture));
  return text + "\n";
}

std::string channels_part(const outcome::Canary& canary) {
  std::string text =
      "## Channels\n\nClones crashed on purpose, and the channels that reported it.\n\n"
      "| killed by | reported as | by | not by, and should have | |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& death : canary.deaths) {
    std::vector<event::Channel> silent;
    for (const auto channel : death.due)
      if (std::find(death.spoke.begin(), death.spoke.end(), channel) == death.spoke.end())
        silent.push_back(channel);
    text += fmt::format("| {} | {} | {} | {} | {} |\n", death.crash, cell(death.title), names(death.spoke),
                        names(silent), death.proved() ? "proved" : cell(death.reason));
  }
  const std::string reason = canary.reason();
  return text + (reason.empty() ? "\n" : fmt::format("\nNot proved: {}\n\n", cell(reason)));
}

std::string tried_row(const TriedDriver& driver) {
  if (driver.file.empty())
    return fmt::format("| {} | | not tried: no file was given for it | | |\n", driver.way);
  if (!driver.problem.empty())
    return fmt::format("| {} | {} | {} | | |\n", driver.way, cell(driver.file), cell(driver.problem));
  std::string rows;
  for (const auto& outcome : driver.outcomes) {
    std::string found;
    for (const auto& seen : outcome.findings) {
      std::vector<event::Channel> told = seen.also;
      told.insert(told.begin(), seen.channel);
      found += fmt::format("{}{} by {}{}", found.empty() ? "" : "; ", cell(seen.finding.title), names(told),
                           seen.silent.empty() ? "" : ", not by " + names(seen.silent));
    }
    rows += fmt::format(
        "| {} | {} | {}{} | {} | {} |\n", driver.way, cell(driver.file), outcome::to_string(outcome.ending),
        outcome.reason.empty() ? "" : ": " + cell(outcome.reason), found, cell(driver.bundle));
  }
  return rows.empty()
             ? fmt::format("| {} | {} | no cell of it was run | | |\n", driver.way, cell(driver.file))
             : rows;
}

}  // namespace

std::string windows_proof(const WindowsProof& proof) {
  std::string text = fmt::format("# What {} proves\n\n", cell(proof.image));
  text += fmt::format("Build {}, disk {}, made {} by {} on {} ({}).\n\n",
                      proof.build.empty() ? "unknown" : cell(proof.build), cell(proof.sha256.substr(0, 16)),
                      cell(proof.made), cell(proof.tool), cell(proof.hypervisor), proof.accel);
  if (proof.stand_in)
    text +=
        "**This image is test equipment and no Windows.** Nothing on this page says anything of a Windows; "
        "it "
        "shows that the command works.\n\n";
  text += fmt::format("{} of {} assumptions hold, {} differ, {} could not be seen.\n\n",
                      count(proof, Claim::State::proved), proof.claims.size(),
                      count(proof, Claim::State::differs), count(proof, Claim::State::not_seen));
  text += claims_part(proof, Claim::State::differs, "Different from what labctl assumed");
  text += channels_part(proof.canary);
  text += "## Drivers\n\n| taken as | file | ended | reported | run |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& driver : proof.drivers) text += tried_row(driver);
  text += "\n" + claims_part(proof, Claim::State::not_seen, "Not seen");
  text += claims_part(proof, Claim::State::proved, "Proved on this build");
  text += "## Bytes\n\nAs they came, to become test data. Look through them before you give them away.\n\n";
  for (const auto& file : proof.fixtures) text += "- " + cell(file) + "\n";
  return text;
}

std::string windows_proof_summary(const WindowsProof& proof) {
  std::string text;
  for (const Claim& claim : proof.claims)
    if (claim.state == Claim::State::differs)
      text += fmt::format("  differs: {}: assumed '{}', seen '{}'\n", claim.what,
                          printable(claim.assumed, 80), printable(claim.seen, 80));
  for (const TriedDriver& driver : proof.drivers) {
    if (driver.as_assumed()) continue;
    std::string how = driver.problem;
    if (how.empty() && driver.outcomes.empty()) how = "no cell of it was run";
    for (const auto& outcome : driver.outcomes)
      how += (how.empty() ? "" : "; ") + std::string(outcome::to_string(outcome.ending)) +
             (outcome.reason.empty() ? "" : ": " + outcome.reason);
    text +=
        fmt::format("  differs: {} as {}: {}\n", printable(driver.file, 80), driver.way, printable(how, 200));
  }
  if (!proof.canary.proved())
    text += fmt::format("  differs: channels: {}\n", printable(proof.canary.reason(), 300));
  return text + fmt::format("{}: {} of {} assumptions hold, {} differ, {} not seen{}\n",
                            printable(proof.image, 80), count(proof, Claim::State::proved),
                            proof.claims.size(), count(proof, Claim::State::differs),
                            count(proof, Claim::State::not_seen),
                            proof.stand_in ? "; test equipment: nothing is proved of a Windows" : "");
}

}  // namespace labctl::report
