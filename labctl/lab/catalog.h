// Whether a Windows catalog (.cat) lists a file: Windows trusts an unsigned file by the digest that a signed
// catalog has of it. Says nothing of who signed the catalog (driver_signatures.h), nor whether its signature
// holds.
#pragma once

#include <string_view>

namespace labctl::lab {

// By the file's Authenticode digest where it is a PE image, else the digest of its bytes; SHA-256 or SHA-1,
// which catalogs for older systems have. False is certain; true says that the digest stands in the catalog,
// wherever.
bool catalog_lists(std::string_view catalog, std::string_view file);

}  // namespace labctl::lab
