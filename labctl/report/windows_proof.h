// The page of a proof on a Windows image. Pure, as report.h.
#pragma once

#include <string>

#include "labctl/outcome/windows_proof.h"

namespace labctl::report {

// Markdown: what was proved on this build, what differs from what was assumed, what was not seen, and where
// the raw bytes of each are.
std::string windows_proof(const outcome::WindowsProof& proof);

// For a terminal: what differs, each on a line, and the count of the rest.
std::string windows_proof_summary(const outcome::WindowsProof& proof);

}  // namespace labctl::report
