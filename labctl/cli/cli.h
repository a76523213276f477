// What the user types: one function per verb, in a file of its own. Results go to stdout, everything else to
// stderr; the returned number is the process's exit code. Options are parsed in options.cc and nowhere else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/image/image.h"
#include "labctl/lab/kept.h"
#include "labctl/lab/places.h"
#include "labctl/machine/machine.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/scenario.h"

namespace labctl::cli {

namespace exit_code {
constexpr int passed = 0, blocked = 1, bad_input = 2, no_verdict = 3, nothing_ran = 4, interrupted = 130;
}

// Where signatures come from: a key file, or a command that has the key. None: nothing is signed.
struct SigningOptions {
  std::string key;              // PEM, of the user alone
  std::string passphrase_file;  // for an encrypted key; else LABCTL_KEY_PASSPHRASE
  std::string command;     // for /bin/sh: the bytes to sign on its stdin, the raw signature on its stdout
  std::string public_key;  // what the command's signatures are checked with
};

struct RunOptions {
  std::string scenario;
  scenario::Variables variables;
  std::string only;
  std::string waivers;  // a file, or none
  unsigned jobs = 0;    // 0: as many as the host carries
  std::string out = "reports/runs";
  std::string resume;  // a bundle to go on with: what is run is in its record
  std::string connect = "qemu:///embed";
  machine::Wish accel = machine::Wish::automatic;
  SigningOptions signing;
  std::string keep = "none";       // machines to come back to: failed, all or none
  bool fresh_controls = false;     // although there are some that are believed
  int dumps = 0;                   // how many failed guests may leave their memory behind
  std::vector<std::string> debug;  // modules with their debug information, for the reports
  machine::HostOpener open_host = machine::open_host;
};
int run(const RunOptions& options);

struct ReproduceOptions {
  std::string bundle, cell;
  std::string until;          // a step; empty: before the one in which the cell failed
  bool before_crash = false;  // as near as can be
  bool anyway = false;        // although bytes differ
  bool afresh = false;        // although a machine is kept
  int times = 0;              // 0: once, for somebody at a desk
  unsigned jobs = 0;
  bool json = false;
  std::vector<std::string> lines;      // instead of standard input
  std::vector<std::string> artefacts;  // files and folders to look for them in
  int gdb = 0;
  bool vnc = false;
  bool keep = false, discard = false;
  std::string out;  // where the records go; empty: they are thrown away
  std::string connect = "qemu:///embed";
  machine::Wish accel = machine::Wish::automatic;
};
int reproduce(const ReproduceOptions& options);

struct CanaryOptions {
  std::vector<std::string> images;
  std::string out;  // where the records go; empty: they are looked at and thrown away
  std::string connect = "qemu:///embed";
  machine::Wish accel = machine::Wish::automatic;
};
int canary(const CanaryOptions& options);

struct PlanOptions {
  std::string scenario;
  scenario::Variables variables;
  std::string only;
  bool json = false;
};
int plan(const PlanOptions& options);

int validate(const std::vector<std::string>& scenarios, const scenario::Variables& variables);
int judge(const std::string& bundle, bool json);
struct ReportOptions {
  std::string bundle, format, out;
  std::vector<std::string> debug;  // modules with their debug information
};
int report(const ReportOptions& options);

struct PackOptions {
  std::string bundle, out;
  std::vector<std::string> artifacts;  // where else the artefacts may be
  bool bare = false;                   // without them
};
int bundle_pack(const PackOptions& options);
int bundle_unpack(const std::string& file, const std::string& into);

struct BisectOptions {
  std::string bundle, cell;
  std::string scenario;         // whose commands take the content apart; empty: the run's own, on this host
  std::string driver, content;  // earlier versions; empty: the scenario's
  std::vector<std::string> artifacts;
  std::vector<std::string> debug;  // modules with their debug information
  double sure = 0.95;
  bool afresh = false;  // each probe lives the story from its beginning
  std::string out;      // where the probes' records go; empty: they are looked at and thrown away
  bool json = false;
  std::string connect = "qemu:///embed";
  machine::Wish accel = machine::Wish::automatic;
};
int bisect(const BisectOptions& options);  // 0 a cause is sure, 1 none is

int attest(const std::string& bundle, const SigningOptions& signing);
int keygen(const std::string& type, const std::string& file);

struct VerifyOptions {
  std::string attestation;
  std::vector<std::string> keys, artifacts, require;
  std::string scenario, max_age;
  scenario::Variables variables;  // of the scenario; they must give the plan that was run
  int min_boots = 0;
  bool allow_waived = false, allow_warnings = false;
};
int verify(const VerifyOptions& options);  // 0 publish, 1 do not, 2 bad input

struct ScanOptions {
  std::string file;
  std::string os = "auto";
  std::string signatures;  // a signature file; empty when there is none
  bool json = false;
  std::vector<std::string> debug;  // modules with their debug information
};
int scan(const ScanOptions& options);
int doctor(const PlanOptions& options);  // with a scenario also what its matrix needs
int gc(bool kept);

int image_list(bool json);

struct BuildOptions {
  std::vector<std::string> names;
  std::string needed_by;  // a scenario, instead of names
  scenario::Variables variables;
  unsigned jobs = 0;   // 0: as many as pay
  bool disks = false;  // without booting what was built
  std::string connect = "qemu:///embed";
  machine::Wish accel = machine::Wish::automatic;
  // Of Windows: Microsoft's installation medium, the virtio drivers' one, a file with a product key.
  std::string iso, virtio_iso, key_file;
  std::string disk;  // of a Windows that somebody has prepared: what is imported
};
int image_build(const BuildOptions& options);
// The disk instead of a medium, as the one image that is named.
int image_import(const BuildOptions& options);
int image_verify(const std::vector<std::string>& names);
int image_remove(const std::vector<std::string>& names);

// The whole program: parses, calls one verb, maps what it returns. Tests run it on machines made of plain
// code.
int main(int argc, char** argv, const machine::HostOpener& open_host = machine::open_host);

// ---- shared by the verbs ----
int complain(const Error& error);  // prints it; the exit code its fault asks for
int complain(const std::vector<Error>& errors);
// The doors to the terminal: whatever guests and bundles put into a text does nothing there
// (base/terminal_text.h). A closed or full stdout is an error at exit.
void say(std::string_view line);         // one line on stderr
void print(std::string_view text);       // stdout
void print_json(std::string_view json);  // the same for JSON, which keeps its meaning
// For what has been through the door already and has colours of labctl's own, and for a guest's console that
// somebody has asked for.
void print_as_is(std::string_view text);
bool stderr_is_terminal();
bool use_colour(int fd);
image::Store open_store(const lab::Places& places);
int refuse_bad_host(const lab::Places& places);  // what would only fail later is said now
Result<std::string> own_digest();                // of the running program

// A signature file: its text, which has no mistake; complains by itself and gives nothing when there is one.
// `mark` says where the file is named, if anywhere.
std::optional<std::string> load_signatures(const std::string& file, const std::string& mark = {});

// The author's own patterns; they were read once already, so there is no mistake in them.
std::vector<crash::Signature> signatures_of(const plan::Plan& plan);

// Puts what the cell left where 'reproduce' finds it; what goes wrong is only said.
void keep_machine(const lab::Kept& kept, const std::string& key, const lab::CellJob& job,
                  const lab::Checkpoint& checkpoint);

Date today();  // of UTC; the head has no clock and is told

// File -> Scenario -> Plan; complains by itself and gives nothing when there is a mistake.
std::optional<std::pair<scenario::Scenario, plan::Plan>> load_plan(
    const std::string& file, const scenario::Variables& variables, const std::string& only,
    const std::vector<scenario::Acceptance>& waivers = {}, Date day = today());

}  // namespace labctl::cli
