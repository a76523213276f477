// The snapshots at which the cells of a run begin: one for each image and shape of machine.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/gate/environment.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::gate {

using Bases = std::map<std::string, snapshot::BaseSnapshot>;  // by cell id

// Those that are missing are made side by side: a cold boot keeps one core busy. Errors (input): the scenario
// is not for an image's system.
Result<Bases> prepare_bases(const plan::Plan& plan, machine::Host& host, const Environment& environment,
                            Observer& observer);

// The one of an image in a shape, which may have to be made.
Result<snapshot::BaseSnapshot> prepare_base(const std::string& image, const machine::Shape& shape,
                                            machine::Host& host, const Environment& environment,
                                            Observer& observer);

// Every guest needs its own copy of the snapshot's disk and room to grow.
Status check_space(const std::filesystem::path& work, const Bases& bases, unsigned at_once);

// What the record of the run says of them.
std::vector<outcome::ImageRecord> image_records(const Bases& bases);

}  // namespace labctl::gate
