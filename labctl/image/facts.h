// What the build of an image recorded about it (facts.json beside its disk): what labctl asks of it, and the
// whole of it as text.
#pragma once

#include <cstdint>
#include <string>

#include "labctl/base/json_fwd.h"

namespace labctl::image {

struct Facts {
  std::string json = "{}";  // the whole object, in one line
  std::string sha256;       // of the disk when it was built
  std::string key;          // of the recipe that it was built from
  std::string kernel_release, kernel_package, kernel_version;
  std::int64_t disk_size = 0;    // bytes the guest sees; 0: not recorded
  std::int64_t disk_bytes = -1;  // bytes of the file; -1: not recorded
  bool canary_module = false;    // has the module that oopses when it is loaded
  bool notmyfault = false;       // has the tool that stops a Windows
  bool stand_in = false;         // stands in for a Windows that cannot be had

  // The machine that its recipe asks for; zeros and nothing: the usual one.
  struct Machine {
    int vcpus = 0;
    std::int64_t memory_mib = 0;
    std::string firmware;
  } machine;
};

// Of a JSON object. What is missing or of another type stays as above.
Facts facts_from(const Json& object);

// The object again, its keys in their order.
Json document_of(const Facts& facts);

}  // namespace labctl::image
