// What will be run: axes x include/exclude -> cells in a deterministic order. Pure: the same scenario gives
// the same plan, on any host. Files and images are named here, not opened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"
#include "labctl/scenario/scenario.h"

namespace labctl::plan {

// One machine's story.
struct Cell {
  std::string id;  // a stable, readable slug, unique in the plan
  bool control =
      false;  // the same story without the candidate: it must pass, or its image's cells are lab-failed
  std::string image;
  std::string driver;       // the label, empty in a control
  std::string content;      // the label, empty when the cell has none
  std::string driver_path;  // as the scenario says it, relative to its file; ${image} and ${kernel} replaced
  std::vector<std::string> driver_with;  // the driver's other files, installed together with it
  std::string content_path;              // of damaged content: scenario::damaged_name()
  scenario::Damage content_damage = scenario::Damage::none;
  std::string content_damaged_file;  // of content that is a folder: the one that it is done to
  bool content_may_be_refused = false;
  std::string kernel;  // the release that stands for ${kernel} in its drivers' paths; empty where none does
  scenario::Mark driver_mark, content_mark;
  scenario::Axes axes;
  scenario::Machine machine;
  scenario::Guest guest;
  std::vector<scenario::Step> story;  // flattened: reboot x3 is three steps
  Millis settle{20000};
  scenario::Policy policy;
  int boots_wanted() const;  // reboots and power cuts in the story

  // An artifact that the story names by label ("install driver previous").
  struct Extra {
    std::string label, path;
    scenario::Mark mark;
    scenario::Damage damage = scenario::Damage::none;
    bool may_be_refused = false;
    std::vector<std::string> with = {};  // of a driver, as driver_with
    std::string damaged_file = {};       // of a content, as content_damaged_file
  };
  std::vector<Extra> extra_drivers, extra_contents;

  // The findings that somebody has accepted in this cell: what the scenario expects of it, then the waivers
  // that match it and have not expired.
  std::vector<scenario::Acceptance> accepted;
};

// One file that a cell's guest is given.
struct Given {
  enum class Of {
    driver,
    content,
    update,  // a package of the operating system's: no candidate
  };
  Of of = Of::driver;
  std::string label;      // of the artifact; empty for the cell's own
  std::size_t place = 0;  // in the artifact: its first file, or one that is installed with it; of an update
                          // how many came before it
  std::string path;
  scenario::Mark mark;
  scenario::Damage damage = scenario::Damage::none;
  std::string damaged_file = {};  // of content that is a folder: the one that it is done to
};
// All of them: the cell's own driver and content first, then those that its story names. A control has the
// updates alone.
std::vector<Given> given_to(const Cell& cell);

// Whether two cells run the same image on the same machine: they start from the same snapshot, and one canary
// serves both.
bool same_machine(const Cell& a, const Cell& b);
// Whether they live the same story on it: they can be compared, and one control serves both.
bool same_base(const Cell& a, const Cell& b);

// "1 vCPU, 1GiB", "uefi: 1 vCPU, 1GiB, uefi, nvme disk": what is not said is as usual.
std::string shape_in_words(const scenario::Machine& machine);

// What each boot must show of the candidate, after "proved in every boot: ": "2 modules (a, b) by build id,
// service sensord.service by program, content file by digest".
std::string proved_in_words(const Cell& cell);

// The author's signature file, kept whole so that a bundle says by what its consoles were read.
struct SignatureFile {
  std::string file;
  std::string text;
};

struct Plan {
  std::string scenario;
  std::optional<SignatureFile> signatures;
  // The day of the run: what has expired is told by it, whenever the plan is judged.
  Date date{std::chrono::year(1970), std::chrono::month(1), std::chrono::day(1)};
  std::vector<scenario::Acceptance> waivers;  // all that were given, expired ones too
  std::vector<Cell> cells;                    // candidates first, then one control for each base snapshot
  std::vector<std::string>
      notes;  // what a reader should know: a cell named twice, an artifact in no cell ...
  std::vector<std::string> left_out;  // ids that only() took away; a plan that has some is not the whole gate
  std::vector<std::string> images() const;
  // One cell of each image and machine: what has a canary of its own.
  std::vector<const Cell*> bases() const;
  // Of one guest, in bytes.
  std::uint64_t largest_memory() const;
};

// Errors: an empty matrix, no cell with a candidate, an artifact or guest that is missing, colliding ids,
// more than 1000 cells, an expectation that has expired or cannot be one. Includes add cells after the
// excludes have taken some away, as in GitHub Actions. `today` is a value: nothing here knows the time.
Result<Plan> expand(const scenario::Scenario& scenario, Date today,
                    const std::vector<scenario::Acceptance>& waivers = {});

// What an exclude took away: cells that would be there without it, an earlier exclude's aside. None: it does
// nothing.
struct Excluded {
  scenario::Axes axes;
  scenario::Mark mark;
  std::vector<std::string> cells;
};
std::vector<Excluded> excluded(const scenario::Scenario& scenario);

// What a reviewer would ask about a plan that is valid: one sentence each, with what would answer it. Advice;
// nothing is decided by it.
std::vector<std::string> review(const scenario::Scenario& scenario, const Plan& plan);

// Keeps the cells whose id matches the glob, and the controls that they need. Errors: nothing matches.
Result<Plan> only(Plan plan, const std::string& glob);

// The plan in run.json, read back by judge. from_json trusts nothing: every field is there, has its type and
// is in its bounds, and ids are safe as file names.
Json to_json(const Plan& plan);
Result<Plan> from_json(const Json& json, const std::string& where);

}  // namespace labctl::plan
