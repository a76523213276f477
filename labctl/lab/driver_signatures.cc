#include "labctl/lab/driver_signatures.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "labctl/base/files.h"
#include "labctl/base/owned.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/lab/catalog.h"

namespace labctl::lab {
namespace {

constexpr std::size_t most_files = 512, most_unlisted = 3;
constexpr std::uint64_t largest_signed_file = 256u << 20;

// Under which Microsoft signs drivers that it has tested or attested, and its own.
constexpr std::array<std::string_view, 4> signers_of_microsoft{
    "Microsoft Windows Hardware Compatibility Publisher",
    "Microsoft Windows Early Launch Anti-malware Publisher", "Microsoft Windows",
    "Microsoft Windows Publisher"};

struct Unpacked {
  std::string name;  // in the package, without its folder
  fs::path file;
};

bool has_ending(std::string_view name, std::string_view ending) {
  return name.size() > ending.size() &&
         std::equal(ending.rbegin(), ending.rend(), name.rbegin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::optional<std::string> bytes_of(archive* in, archive_entry* entry) {
  const la_int64_t size = archive_entry_size(entry);
  if (size < 0 || static_cast<std::uint64_t>(size) > largest_signed_file) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (archive_read_data(in, bytes.data(), bytes.size()) != size) return std::nullopt;
  return bytes;
}

// The files of a zip; what they are called here is ours to say.
Result<std::vector<Unpacked>> unpack(const fs::path& package, const fs::path& work) {
  const Owned<archive, archive_read_free> reader(archive_read_new());
  archive* in = reader.get();
  archive_read_support_format_zip(in);
  if (archive_read_open_filename(in, package.c_str(), 1u << 16) != ARCHIVE_OK)
    return lab_error("the package cannot be read", package.string());
  std::vector<Unpacked> files;
  archive_entry* entry = nullptr;
  while (files.size() < most_files && archive_read_next_header(in, &entry) == ARCHIVE_OK) {
    const char* path = archive_entry_pathname(entry);
    if (path == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string name = std::string(path).substr(std::string_view(path).find_last_of("/\\") + 1);
    const auto bytes = bytes_of(in, entry);
    if (!bytes)
      return lab_error(fmt::format("a file of the package cannot be read: {}", printable(name, 60)),
                       package.string());
    files.push_back({name, work / std::to_string(files.size())});
    if (auto written = write_file(files.back().file, *bytes); !written) return fail(written.error());
  }
  return files;
}

Result<Signature> signature_of(const fs::path& file) {
  auto read = run({.argv = {"osslsigncode", "verify", "-in", file.string()},
                   .environment = {{"LC_ALL", "C"}},
                   .deadline = std::chrono::seconds(30)});
  if (!read) return fail(read.error());
  return read_signature(read->output);
}

std::string how_signed(const Signature& signature) {
  // Of changed bytes, osslsigncode does not say who signed them.
  std::string words = signature.altered        ? " was changed after it was signed"
                      : signature.name.empty() ? " is not signed"
                                               : " is signed";
  if (!signature.name.empty()) words.append(" by '").append(printable(signature.name, 80)).append("'");
  if (signature.cross_signed)
    words.append(", cross-signed, which Windows 24H2 and later refuse since April 2026");
  return words;
}

struct Catalog {
  Signature signature;
  std::string bytes;
};

Result<std::vector<Catalog>> catalogs_of(const std::vector<Unpacked>& files) {
  std::vector<Catalog> catalogs;
  for (const auto& [name, file] : files) {
    if (!has_ending(name, ".cat")) continue;
    auto signature = signature_of(file);
    if (!signature) return fail(signature.error());
    auto bytes = read_file(file, largest_signed_file);
    if (!bytes) return fail(bytes.error());
    catalogs.push_back({std::move(*signature), std::move(*bytes)});
  }
  return catalogs;
}

Result<DriverSignature> signature_of_driver(const Unpacked& driver, const std::vector<Catalog>& catalogs) {
  auto own = signature_of(driver.file);
  if (!own) return fail(own.error());
  DriverSignature all{driver.name, std::move(*own), {}, {}};
  const auto bytes = read_file(driver.file, largest_signed_file);
  if (!bytes) return fail(bytes.error());
  for (const auto& catalog : catalogs)
    all.catalogs.push_back({catalog.signature, catalog_lists(catalog.bytes, *bytes)});
  return all;
}

Result<std::vector<DriverSignature>> read_signatures(const std::vector<Unpacked>& files) {
  const auto catalogs = catalogs_of(files);
  if (!catalogs) return fail(catalogs.error());
  std::vector<DriverSignature> drivers;
  std::vector<std::string> unlisted;
  for (const auto& each : files) {
    if (has_ending(each.name, ".cat")) continue;
    if (has_ending(each.name, ".sys")) {
      auto signature = signature_of_driver(each, *catalogs);
      if (!signature) return fail(signature.error());
      drivers.push_back(std::move(*signature));
      continue;
    }
    const auto bytes = read_file(each.file, largest_signed_file);
    if (!bytes) return fail(bytes.error());
    if (std::none_of(catalogs->begin(), catalogs->end(),
                     [&](const Catalog& catalog) { return catalog_lists(catalog.bytes, *bytes); }))
      unlisted.push_back(each.name);
  }
  if (!catalogs->empty())
    for (auto& driver : drivers) driver.unlisted = unlisted;
  return drivers;
}

}  // namespace

bool Signature::by_microsoft() const {
  return !altered && std::find(signers_of_microsoft.begin(), signers_of_microsoft.end(), name) !=
                         signers_of_microsoft.end();
}

// The first subject is the signer's; those behind it may be of the chain or of a time stamp.
Signature read_signature(std::string_view output) {
  Signature signature;
  bool subject = false;
  for (const auto& line : split(output, '\n')) {
    const std::string_view text = trim(line);
    if (text.find("/CN=Microsoft Code Verification Root") != std::string_view::npos)
      signature.cross_signed = true;
    if (text.ends_with("MISMATCH!!!") && text.starts_with("Calculated message digest"))
      signature.altered = true;
    if (!text.starts_with("Subject") || subject) continue;
    subject = true;
    const auto name = text.find("/CN=");
    if (name == std::string_view::npos) continue;
    const std::string_view rest = text.substr(name + 4);
    signature.name = std::string(rest.substr(0, rest.find('/')));
  }
  return signature;
}

bool DriverSignature::surely_refused() const {
  return !own.by_microsoft() && std::none_of(catalogs.begin(), catalogs.end(), [](const auto& each) {
    return each.lists_driver && each.signature.by_microsoft();
  });
}

std::string DriverSignature::text() const {
  std::string sentence = printable(driver, 60).append(how_signed(own));
  for (const auto& catalog : catalogs)
    sentence.append("; its catalog")
        .append(how_signed(catalog.signature))
        .append(catalog.lists_driver ? "" : " and does not list these bytes of it");
  for (std::size_t i = 0; i < std::min(unlisted.size(), most_unlisted); ++i)
    sentence.append(i == 0 ? "; no catalog lists " : ", ").append(printable(unlisted[i], 60));
  if (unlisted.size() > most_unlisted)
    sentence.append(fmt::format(" and {} more", unlisted.size() - most_unlisted));
  return sentence;
}

Result<std::vector<DriverSignature>> driver_signatures(const fs::path& artifact, const std::string& name,
                                                       const fs::path& work) {
  if (find_program("osslsigncode").empty())
    return lab_error("osslsigncode is not installed", {}, "apt-get install osslsigncode");
  const auto head = read_file(artifact, largest_signed_file);
  if (!head) return fail(head.error());
  if (head->starts_with("MZ")) {  // a driver, whatever it is called
    auto signature = signature_of_driver({name, artifact}, {});
    if (!signature) return fail(signature.error());
    return std::vector{std::move(*signature)};
  }
  if (!head->starts_with("PK")) return std::vector<DriverSignature>{};
  if (auto made = make_dirs(work); !made) return fail(made.error());
  const auto files = unpack(artifact, work);
  auto signatures =
      files ? read_signatures(*files) : Result<std::vector<DriverSignature>>(fail(files.error()));
  std::error_code ignored;
  fs::remove_all(work, ignored);
  return signatures;
}

}  // namespace labctl::lab
