// Everything a run needs from outside, looked at before anything starts: artifacts hashed and copied, images
// found, payload CDs made. Whatever is missing is reported at once and all together, each with the command
// that fixes it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/artifact_store.h"
#include "labctl/bundle/file_set.h"
#include "labctl/host/doctor.h"
#include "labctl/image/image.h"
#include "labctl/lab/copies.h"
#include "labctl/lab/driver_signatures.h"
#include "labctl/lab/modules.h"
#include "labctl/outcome/run_record.h"
#include "labctl/outcome/split.h"
#include "labctl/plan/plan.h"

namespace labctl::lab {

// Whether a run would find what it needs, without copying anything: images that are built, artifacts that are
// there and can be given to a guest, room for them on the image's disk; a warning where two are the same
// bytes. What is wrong comes back, and how many files each set of content has.
std::vector<host::Check> check_artifacts(const plan::Plan& plan, const std::string& scenario_file,
                                         const image::Store& store);

struct CellArtifacts {
  std::filesystem::path payload;                           // the CD, empty in a control without updates
  std::map<std::string, std::string> files;                // name on it -> sha256
  std::map<std::string, std::vector<std::string>> builds;  // as event::Opened says
};

// Content that is several files, as one cell's guest is given it.
struct SetOrder {
  std::filesystem::path source;  // a folder, an archive, a file or, out of a store, a manifest
  std::string path;              // the artifact's name
  std::string where;             // in the scenario, for errors
  std::filesystem::path copies;  // of all artifacts
  bool archive = false;          // as the scenario names it
  scenario::Damage damage = scenario::Damage::none;
  std::string damaged_file;
};

// Whether a set has the file that is to be damaged; `damaged` may be empty.
Status knows_damaged_file(const std::vector<bundle::SetFile>& files, const std::string& damaged,
                          const std::string& where);

class StagedArtifacts {
 public:
  using Sources = std::map<std::string, std::filesystem::path>;

  // `scenario_file` is how errors call the scenario; artifact paths are relative to its folder. Copies and
  // CDs go to `work`. `sources` has files that are taken instead of those that the scenario names, by the
  // artifact's path. On mistakes all of them come back.
  static tl::expected<StagedArtifacts, std::vector<Error>> gather(const plan::Plan& plan,
                                                                  const std::string& scenario_file,
                                                                  const image::Store& store,
                                                                  const std::filesystem::path& work,
                                                                  const Sources& sources = {});

  const CellArtifacts& of(const plan::Cell& cell) const { return cells_.at(cell.id); }

  // Artifacts whose path is a symbolic link: one sentence each, with the file that was taken.
  std::vector<std::string> links() const;

  // Drivers that nothing but a proof of the author's can show to be loaded, in cells that have none: one
  // error each. Those with a proof are listed by untied().
  std::vector<Error> unproved() const;
  std::vector<std::string> untied() const;

  // Windows drivers that surely are not loaded in their cells, because those have Secure Boot: one error
  // each.
  std::vector<Error> refused() const;
  // Who signed the Windows drivers, one sentence each.
  std::vector<std::string> signatures() const;

  // The bundle's record: every artifact with its digest.
  std::vector<outcome::ArtifactRecord> artifacts() const;

  // The same with each file as it is before content is damaged on purpose, and each archive: what another
  // host needs to stage this run again goes to `store`. `work` is a folder for copies. Errors: a file is no
  // longer what was staged, or cannot be kept.
  Result<std::vector<outcome::SplitArtifact>> keep_sources(const bundle::ArtifactStore& store,
                                                           const std::filesystem::path& work) const;

  // What the guests get, for those who want to bring a cell back one day. What could not be kept comes back.
  std::vector<Error> keep(const bundle::ArtifactStore& store) const;

  // Artifacts whose file on disk is no longer what was tested: one sentence each.
  std::vector<std::string> changed() const;

 private:
  std::map<std::string, Artifact> artifacts_;  // by the path as the scenario says it
  void tie(const plan::Cell& cell, const std::string& scenario_file, CellArtifacts& mine);
  Result<Artifact> take_set(const SetOrder& order, const Sources& sources);
  void look_who_signed(const plan::Cell& cell, const std::string& scenario_file,
                       const std::filesystem::path& work);
  Result<Inside> inside_of(const std::vector<plan::Given>& files);
  Result<std::vector<std::string>> builds_of_subject(const scenario::Driver& driver,
                                                     const std::string& subject,
                                                     const std::vector<plan::Given>& files);

  std::map<std::string, CellArtifacts> cells_;
  std::map<std::string, std::string> tars_;  // of content that is several files: its path -> its tar's digest
  std::map<std::string, Result<Inside>> insides_;         // by the artifact's path
  std::map<std::string, std::string> untied_, unproved_;  // the artifact's path -> why, where
  std::map<std::string, Result<std::vector<DriverSignature>>> signatures_;
  std::map<std::string, std::string> secure_boot_;  // the artifact's path -> where, in cells with Secure Boot
};

}  // namespace labctl::lab
