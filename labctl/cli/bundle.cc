// labctl bundle pack | unpack: a bundle as one file for another machine.
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/archive.h"
#include "labctl/cli/cli.h"
#include "labctl/lab/inventory.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

// The bytes that guests were given, by their path in the bundle. What is not to be had is said and left out:
// the record of the run is worth carrying without it.
Result<std::map<std::string, fs::path>> artefacts_of(const PackOptions& options) {
  auto run = bundle::read_run(options.bundle);
  if (!run) return fail(run.error());
  const auto places = lab::places();
  if (!places) return fail(places.error());
  const lab::Seek seek{.bundle = options.bundle,
                       .store = bundle::ArtefactStore(places->artefacts),
                       .given = {options.artifacts.begin(), options.artifacts.end()}};
  auto inventory = lab::find_artefacts(*run, seek);
  if (!inventory) return fail(inventory.error());
  std::map<std::string, fs::path> files;
  for (const auto& item : inventory->items) {
    const auto found = inventory->artefacts.find(item.name);
    if (item.standing == lab::Standing::same && found->second.damage == scenario::Damage::none)
      files["artefacts/" + found->second.sha256] = found->second.file;
    else
      say("labctl: packed without the artefact '" + printable(item.name) +
          "': " + (item.what.empty() ? "it is damaged on purpose, and kept undamaged only" : item.what));
  }
  return files;
}

}  // namespace

int bundle_pack(const PackOptions& options) {
  std::map<std::string, fs::path> also;
  if (!options.bare) {
    auto found = artefacts_of(options);
    if (!found) return complain(found.error());
    also = std::move(*found);
  }
  std::error_code problem;
  const fs::path file =
      options.out.empty()
          ? fs::path(fs::weakly_canonical(options.bundle, problem).filename().string() + ".tar.zst")
          : fs::path(options.out);
  auto packed = bundle::pack_bundle(options.bundle, also, file);
  if (!packed) return complain(packed.error());
  print(file.string() + ": " + std::to_string(packed->files) + " files, " + show_size(packed->bytes) +
        " in " + show_size(packed->size) + "\nsha256 " + packed->sha256 + "\n");
  return exit_code::passed;
}

int bundle_unpack(const std::string& file, const std::string& into) {
  auto folder = bundle::unpack_bundle(file, into);
  if (!folder) return complain(folder.error());
  print("bundle: " + folder->string() + "\n");
  return exit_code::passed;
}

}  // namespace labctl::cli
