// What the history keeps of one run, as a value: the rows of its tables. Made of a judged bundle, pure; equal
// bundles give equal entries. Text that a guest said is bounded here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "labctl/bundle/judge.h"
#include "labctl/event/event.h"
#include "labctl/verdict/verdict.h"

namespace labctl::history {

// What a cell says about the candidate, which is less than its outcome: what the lab failed says nothing, and
// neither does what was never lived.
enum class Answer {
  passed,
  failed,  // by the guest
  lab,     // lab-failed, or its control did not pass
  kept,    // a control's pass of another run, counted there
  none,    // interrupted, or never started
};
const char* to_string(Answer answer);
Answer answer_of(const outcome::Outcome& outcome);

// The bytes that a cell was about. Equal digests: the same was tested, so another result is a change of mind.
// Neither host nor hypervisor nor labctl belong to it.
struct Tested {
  std::string image, machine, kernel_release, driver, content;  // for people
  std::string image_sha256, driver_sha256, content_sha256;      // empty: it has none
  std::string extras_sha256;  // of the other artefacts that its story names; empty: it names none
  std::string story_sha256;   // of the story with its commands and proofs, the policy and the machine
  std::string sha256() const;
};

struct FindingRow {
  std::string title, kind, severity, channel, module, suppressed, corrupted, excerpt;
  bool candidate = false, accepted = false;
  int boot = 0;
};

struct AttemptRow {
  std::string kind, outcome, reason, journal_sha256;  // kind: lab-failed, cut-off
  int proved = 0;
  std::int64_t took_ms = 0;
};

// One boot that the story asked for; milliseconds since it was asked for. 0: that did not happen.
struct BootRow {
  int n = 0;
  std::int64_t kernel_ms = 0, agent_ms = 0, proved_ms = 0;
  std::int64_t starved_ms = 0;  // of it, the guest had to wait for a CPU
};

struct CellRow {
  std::string id;
  Tested tested;
  bool control = false, expected = false;
  Answer answer = Answer::none;
  std::string outcome, step, reason, journal_sha256;
  int wanted = 0, proved = 0;
  std::int64_t took_ms = 0, events = 0;
  std::vector<FindingRow> findings;
  std::vector<AttemptRow> attempts;
  std::vector<BootRow> boots;
};

struct ImageRow {
  std::string name, machine, sha256, kernel_release, kernel_version, suite;
  std::int64_t boot_ms = 0;
};

struct CanaryRow {
  std::string image, machine, crash, due, spoke, made,
      reason;  // reason: why it proves nothing; empty: it does
};

struct ArtifactRow {
  std::string path, sha256;
  std::int64_t size = 0;
};

struct Entry {
  std::string id;          // see entry_id()
  std::string run_sha256;  // of run.json
  std::string name;        // of the bundle's folder
  std::string scenario, scenario_sha256, plan_sha256, began, ended;
  std::string recorded, verdict;  // what verdict.json says, and what the journals give today
  std::vector<std::string> reasons;
  bool waived = false, warned = false, interrupted = false, partial = false;  // partial: --only
  int rules = 1;
  std::string tool, tool_sha256, signed_by;  // ids of keys, with blanks between; not verified
  std::string hypervisor, accel, machine_type, cpu, fingerprint;
  std::string bundle;  // where it was when it was added, absolute
  std::vector<ImageRow> images;
  std::vector<CanaryRow> canaries;
  std::vector<ArtifactRow> artifacts;
  std::vector<CellRow> cells;
};

// All but what stands in other files than run.json and the cells' journals: id, name, recorded, signed_by,
// bundle and the boots of its cells.
Entry entry_of(const bundle::Judged& judged);

// The boots in a journal; `proved` is how many of them its outcome says were proved.
std::vector<BootRow> boots_of(const plan::Cell& cell, const std::vector<event::Event>& journal, int proved);

}  // namespace labctl::history
