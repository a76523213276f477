// What a recorded run stood on, looked for on this host: is every artifact, image and machine still the same
// bytes, what differs and how, what is missing and how to get it. Changes nothing and starts nothing.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/artifact_store.h"
#include "labctl/bundle/judge.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"
#include "labctl/plan/plan.h"

namespace labctl::reproduction {

// `missing`: without it nothing can be started. `differs`: something could, but it would not be the same.
enum class Standing { same, differs, missing };
enum class Thing { artifact, image, machine, host, tool };

const char* to_string(Standing standing);
const char* to_string(Thing thing);

struct Item {
  Thing thing = Thing::artifact;
  std::string name;  // as the run calls it
  Standing standing = Standing::same;
  std::string what;  // exactly how it differs; empty when it is the same
  std::string hint;  // how to get it, when that is known
};

// An artifact of the run: the file to take, with the damage that is still to be done to it. Its bytes are to
// be hashed again when they are copied: files can change. One with other bytes than the run's is never the
// file that the run names, only one that the user gave: a foreign bundle could name any file of this host.
struct FoundArtifact {
  std::filesystem::path file;
  scenario::Damage damage = scenario::Damage::none;
  std::string sha256;             // as recorded, of what the guests were given
  std::string damaged_file = {};  // of content that is several files: the one that damage is to be done to
  // Of such content where it was found file by file: the manifest and each file, by digest. `file` is then
  // the folder made of them, or the manifest where nobody said where to make one.
  std::map<std::string, std::filesystem::path> parts = {};
};

struct Inventory {
  std::vector<Item> items;
  std::map<std::string, FoundArtifact> artifacts;  // by the path as the scenario says it

  bool same() const;
  // Whatever is missing, each as an error of the input with its hint; none when all could be started.
  std::vector<Error> missing() const;
  // The cell with its artifacts' paths replaced by the files that were found.
  plan::Cell at_hand(plan::Cell cell) const;
};

// Where an artifact's bytes may be, besides the path that the run took them from: in the bundle's folder
// artifacts/, in the store, and in files and folders that somebody names.
struct Seek {
  std::filesystem::path bundle;
  bundle::ArtifactStore store;
  std::vector<std::filesystem::path> given;  // folders with all that is below them
  std::filesystem::path work = {};  // where archives are unpacked and contents of several files are put
                                    // together; empty: such contents are found file by file alone
};

// Every artifact of the plan with its digest, found or not. Errors (input): what is given does not exist; a
// record that is not one.
Result<Inventory> find_artifacts(const bundle::RecordedRun& run, const Seek& seek);

// The same for what one cell stands on: its artifacts, its image, its machine, the host and labctl itself.
// `tool` is this labctl as run.json would call it. `work` is for files that a definition wants.
Result<Inventory> take_inventory(const bundle::RecordedRun& run, const plan::Cell& cell, const Seek& seek,
                                 const image::Store& images, machine::Host& host, const std::string& tool,
                                 const std::filesystem::path& work);

}  // namespace labctl::reproduction
