// Who signed the Windows drivers of a run, looked at on this host before anything boots: a Windows with
// Secure Boot loads no driver that Microsoft has not signed, and a boot that finds that out takes long and
// says little. osslsigncode reads the signatures. A name is what a signature says of itself, and only a
// Windows decides whom it trusts: a good name proves nothing here, and only what surely is not loaded is an
// error. A catalog counts for the files whose digests it has (catalog.h).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::lab {

struct Signature {
  std::string name;           // the signer's common name; empty: there is no signature
  bool altered = false;       // the bytes are no longer those that were signed
  bool cross_signed = false;  // by a certificate of the vendor's that Microsoft's old root vouches for
  bool by_microsoft() const;  // by a name under which Microsoft signs what others made
};

// What `osslsigncode verify` says of a driver or of a catalog.
Signature read_signature(std::string_view output);

struct CatalogSignature {
  Signature signature;
  bool lists_driver = false;  // has a digest of the driver's bytes
};

struct DriverSignature {
  std::string driver;                      // "sensor.sys"
  Signature own;                           // in the file itself
  std::vector<CatalogSignature> catalogs;  // of the package
  std::vector<std::string>
      unlisted;                 // the package's other files that no catalog lists; none without a catalog
  bool surely_refused() const;  // by any Windows with Secure Boot
  std::string text() const;     // "sensor.sys is signed by 'labctl test'; its catalog is not signed"
};

// Of every .sys in a package (zip), or of a driver that comes alone and is called `name`; nothing of what is
// neither. `work`: a folder for what is unpacked, which is made and removed. Errors (lab): osslsigncode is
// not installed; the artifact cannot be read.
Result<std::vector<DriverSignature>> driver_signatures(const std::filesystem::path& artifact,
                                                       const std::string& name,
                                                       const std::filesystem::path& work);

}  // namespace labctl::lab
