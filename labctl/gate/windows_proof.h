// Takes a Windows image through every channel and every kind of driver, and says what of it is as labctl
// assumed. For the first real image of a build, and for people: no verdict comes of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/gate/environment.h"
#include "labctl/outcome/windows_proof.h"

namespace labctl::gate {

struct WindowsProofOrder {
  std::string image;
  // Files of drivers, each taken in every way that its name allows: .sys as a service of each start and by a
  // script, .zip as an INF's package, .msi as an installer.
  std::vector<std::string> drivers;
  std::vector<std::string> crashing;  // .sys that stop the system when they are loaded
  std::string service;                // of all of them; empty: the file's name without its end
  std::string certificate;            // in the packages: a file that the guest is to trust first
  // Must be empty or missing. In it: fixtures/ with the raw bytes, the scenarios, and their runs in runs/.
  std::filesystem::path out;
  HostOrder host;
};

// Errors: the image is none of a Windows, a file is of no known kind, or the lab failed before anything was
// seen. What fails later stands in the proof.
Answer<outcome::WindowsProof> prove_windows(const WindowsProofOrder& order, const Environment& environment,
                                            Observer& observer);

// One way of taking a driver, and the scenario for it. A file that is empty has no scenario.
struct WindowsWay {
  std::string way, file;
  bool should_crash = false;
};
// Every way, also those for which no file was given. Errors (input): a file of no known kind.
Result<std::vector<WindowsWay>> windows_ways(const WindowsProofOrder& order);
// `file`: as the scenario is to name it.
std::string windows_scenario(const WindowsProofOrder& order, const WindowsWay& way, const std::string& file,
                             const machine::Shape& shape);

}  // namespace labctl::gate
