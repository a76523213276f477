// labctl bundle pack: a bundle as one file for another machine.
#include <fmt/core.h>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/archive.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/host/paths.h"
#include "labctl/reproduction/inventory.h"

namespace labctl::cli {
namespace {

struct PackOptions {
  std::string bundle, out;
  std::vector<std::string> artifacts;  // where else the artifacts may be
  bool bare = false;                   // without them
};

namespace fs = std::filesystem;

// The bytes that guests were given, by their path in the bundle. What is not to be had is said and left out:
// the record of the run is worth carrying without it.
Result<std::map<std::string, fs::path>> artifacts_of(const PackOptions& options) {
  auto run = bundle::read_run(options.bundle);
  if (!run) return fail(run.error());
  const auto paths = host::paths();
  if (!paths) return fail(paths.error());
  const reproduction::Seek seek{.bundle = options.bundle,
                                .store = bundle::ArtifactStore(paths->artifacts),
                                .given = {options.artifacts.begin(), options.artifacts.end()}};
  auto inventory = reproduction::find_artifacts(*run, seek);
  if (!inventory) return fail(inventory.error());
  std::map<std::string, fs::path> files;
  for (const auto& item : inventory->items) {
    const auto found = inventory->artifacts.find(item.name);
    if (item.standing == reproduction::Standing::same && !found->second.parts.empty())
      for (const auto& [digest, file] : found->second.parts) files["artefacts/" + digest] = file;
    else if (item.standing == reproduction::Standing::same && found->second.damage == scenario::Damage::none)
      files["artefacts/" + found->second.sha256] = found->second.file;
    else
      say(fmt::format("labctl: packed without the artifact '{}': {}", printable(item.name),
                      item.what.empty() ? "it is damaged on purpose, and kept undamaged only" : item.what));
  }
  return files;
}

int bundle_pack(const PackOptions& options) {
  std::map<std::string, fs::path> also;
  if (!options.bare) {
    auto found = artifacts_of(options);
    if (!found) return report_error(found.error());
    also = std::move(*found);
  }
  std::error_code problem;
  const fs::path file =
      options.out.empty()
          ? fs::path(fs::weakly_canonical(options.bundle, problem).filename().string() + ".tar.zst")
          : fs::path(options.out);
  auto packed = bundle::pack_bundle(options.bundle, also, file);
  if (!packed) return report_error(packed.error());
  answer("file", file.string());
  answer("files", packed->files);
  answer("bytes", packed->bytes);
  answer("size", packed->size);
  answer("sha256", packed->sha256);
  print(fmt::format("{}: {} files, {} in {}\nsha256 {}\n", file.string(), packed->files,
                    show_size(packed->bytes), show_size(packed->size), packed->sha256));
  return exit_code::passed;
}

}  // namespace

void add_bundle_pack(CommandLine& command_line) {
  const auto options = std::make_shared<PackOptions>();
  auto verb = command_line.verb(
      "bundle pack",
      {.summary = "Pack a bundle and its guests' artifacts into one file",
       .group = group::judging,
       .examples = "labctl bundle pack reports/runs/20261122T003338Z-quickstart --out quickstart.tar.zst",
       .exit_codes = "0    done\n"
                     "2    not a bundle, of another version, damaged, the target exists, or bad usage\n"
                     "3    a file cannot be written"},
      options, bundle_pack);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("--out", options->out, "The file (default: the bundle's name with .tar.zst, here)",
              {.value = "FILE"});
  verb.option("--artifact", options->artifacts, "Look for the artifacts here too: a file or a folder",
              {.value = "FILE|DIR"});
  verb.flag("--without-artifacts", options->bare, "Only what the run recorded",
            {.old_name = "--without-artefacts"});
  verb.json();
}

}  // namespace labctl::cli
