// What cells start from: an image's live snapshot on this host, made once from the settled machine, with the
// boot time measured while it was made.
#pragma once

#include <fmt/core.h>

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"
#include "labctl/snapshot/os.h"

namespace labctl::snapshot {

struct BaseSnapshot {
  image::Image image;
  machine::Shape shape;
  std::string machine = {};  // what the scenario calls this shape, if it does
  // To be copied, never written: an overlay that also holds the booted memory state, or an empty one for a
  // shape that is booted.
  std::filesystem::path disk = {};
  // UEFI: the variables as the image's first boot on this host left them. To be copied too.
  std::filesystem::path nvram = {};
  // Of the two as they were when the snapshot was made and are now; empty: there is no such file.
  std::string disk_sha256 = {}, nvram_sha256 = {};
  Millis boot_time{0};  // power-on to an agent that answers, on the guest's own clock, on this host

  // The variables of a guest that is to be booted; nothing for a BIOS.
  Status copy_nvram(const std::filesystem::path& to) const;
  bool live() const { return machine::why_no_snapshot(shape).empty(); }
  std::string name() const {
    return machine.empty() ? image.name : fmt::format("{} on machine {}", image.name, machine);
  }
};

// The shape a guest really gets: under TCG one vCPU, because the translator's threads race with kernel text
// patching and a healthy guest with two vCPUs dies of "Oops: int3" in one boot of six.
machine::Shape shape_on(const machine::HostFacts& host, machine::Shape asked);

// What an image is booted in where no scenario says it: what its build says it wants, else a small machine.
machine::Shape usual_shape(const image::Image& image);

// As the scenario says it.
machine::Shape shape_of(const scenario::Machine& machine);

// Makes the live snapshot, or where the shape cannot have one sees it boot and measures that, when there is
// none for this image, host and shape yet. A half-made one is never used, nor one that has changed since it
// was made. Errors (lab): the golden disk is not what was built; the guest is not fit for cells.
Result<BaseSnapshot> prepare_base(machine::Host& host, const image::Store& store, const std::string& image,
                                  machine::Shape shape, const image::Progress& progress,
                                  const std::stop_token& stop);

// What of the files that the base snapshot's cells start from has changed since prepare_base() looked at
// them: one sentence each.
std::vector<std::string> changed_since(const BaseSnapshot& base);

// As run.json records it.
outcome::ImageRecord record_of(const BaseSnapshot& base);

// What was measured already of this shape, for estimates; zero when nothing was.
Millis known_boot_time(const image::Store& store, const image::Image& image, const machine::Shape& shape);

// A private copy of a snapshot's disk: a clone where the file system can, bytes where not.
Status copy_disk(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace labctl::snapshot
