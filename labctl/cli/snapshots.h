// The snapshots at which the cells of a run begin: one for each image and shape of machine.
#pragma once

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/lab/ground.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"

namespace labctl::cli {

using Grounds = std::map<std::string, lab::Ground>;  // by cell id

// Those that are missing are made side by side: a cold boot keeps one core busy. Errors (input): the scenario
// is not for an image's system.
Result<Grounds> prepare_grounds(const plan::Plan& plan, machine::Host& host, const image::Store& store,
                                const std::stop_token& stop);

// Every guest needs its own copy of the snapshot's disk and room to grow.
Status check_space(const std::filesystem::path& work, const Grounds& grounds, unsigned at_once);

// What the record of the run says of them.
std::vector<outcome::ImageRecord> image_records(const Grounds& grounds);

}  // namespace labctl::cli
