// A vendor's cloud image, taken as a recipe of its own: the disk proved by the vendor's signed list, copied,
// and an image.yaml beside the copy, which images/cloud-image builds like every other recipe that imports a
// disk.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/image/image.h"
#include "labctl/image/package_set.h"
#include "labctl/image/signed_list.h"

namespace labctl::image {

struct CloudImageOrder {
  std::string name;                            // the image that it becomes
  std::filesystem::path disk;                  // qcow2 or raw, with the name that its vendor gave it
  SignedListOrder sums;                        // names the disk with its digest
  std::vector<std::filesystem::path> install;  // .deb or .rpm files that the guest lacks, in their order
  PackageSet packages;                         // instead of files: their names
};

// Puts the recipe into `folder`/NAME, whole or not at all: image.yaml is written last. What an interrupted
// call left in `folder` is removed first. Errors (input): the list or its signature, as read_signed_list()
// says; the list does not name the disk, or with another digest; the disk is compressed or needs another
// file; a package has no name that can be handed on; the packages cannot be had, as
// fetch_packages() says. Nothing is left of a disk that is refused.
Status take_cloud_image(const CloudImageOrder& order, const std::filesystem::path& folder,
                        const Progress& progress, const std::stop_token& stop);

// Whether `folder` holds such a recipe of this name.
bool is_taken(const std::filesystem::path& folder, const std::string& name);

// Removes it with the vendor's disk. Nothing is there: fine.
Status remove_cloud_image(const std::filesystem::path& folder, const std::string& name);

}  // namespace labctl::image
