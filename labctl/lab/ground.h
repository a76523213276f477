// What cells start from: an image's live snapshot on this host, made once from the settled machine, with the
// boot time measured while it was made.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"

namespace labctl::lab {

struct Ground {
  image::Image image;
  machine::Shape shape;
  std::filesystem::path disk;  // overlay that also holds the booted memory state; to be copied, never written
  Millis boot_time{0};         // power-on to an agent that answers, on the guest's own clock, on this host
};

// The shape a guest really gets: under TCG one vCPU, because the translator's threads race with kernel text
// patching and a healthy guest with two vCPUs dies of "Oops: int3" in one boot of six.
machine::Shape shape_on(const machine::HostFacts& host, machine::Shape asked);

// Makes the live snapshot when there is none for this image, host and shape yet. A half-made one is never
// used.
Result<Ground> prepare_ground(machine::Host& host, const image::Store& store, const std::string& image,
                              machine::Shape shape, const image::Say& say, const std::stop_token& stop);

// The boot time of a snapshot that exists already, for estimates; zero when there is none.
Millis known_boot_time(const image::Store& store, const image::Image& image);

// A private copy of a snapshot's disk: a clone where the file system can, bytes where not.
Status copy_disk(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace labctl::lab
