// Images carried from host to host: golden disks with the facts of their build. What is fetched is proved by
// its digest and stands in the store whole or not at all; live snapshots are never carried, each host makes
// its own.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "labctl/image/image.h"

namespace labctl::image {

// To a folder, as NAME/SHA256/{disk.qcow2, image.json}, which any file server can serve; or to "oci:DIR", an
// OCI image layout whose one layer holds disk/disk.qcow2 and image.json: what KubeVirt calls a containerDisk.
// An image that is there already is left as it is. Errors (lab): it cannot be written, or the disk is not
// what was built.
Status push(const Image& image, const std::string& destination, const Progress& say);

struct PullOrder {
  std::string name;
  std::string source;  // a folder, http:// or https:// of one, or oci:DIR, as push() filled them
  std::string sha256;  // that the disk must have
};

// Puts such a disk into `folder` as disk.qcow2 and image.json; what an interrupted call left there is
// continued. It is not proved: Store::adopt() does that.
Status fetch(const PullOrder& order, const std::filesystem::path& folder, const Progress& say,
             const std::stop_token& stop);

// Why a disk is not one that stands by itself: no qcow2, or one that needs a backing file or an external data
// file, whose bytes no digest of it covers. Errors (input).
Status check_self_contained(const std::filesystem::path& disk);

// Copies, and goes on where an earlier copy ended; says how far it is.
Status copy_on(const std::filesystem::path& from, const std::filesystem::path& to, const Progress& say,
               const std::stop_token& stop);

// ---- an OCI image layout ----
Status push_oci(const Image& image, const std::filesystem::path& layout, const Progress& say);
Status fetch_oci(const PullOrder& order, const std::filesystem::path& layout,
                 const std::filesystem::path& folder);

}  // namespace labctl::image
