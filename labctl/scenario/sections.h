// The parts of a scenario, one function each. Internal to this room.
#pragma once

#include <string>
#include <vector>

#include "labctl/scenario/names.h"
#include "labctl/scenario/scenario.h"
#include "labctl/yaml/reader.h"

namespace labctl::scenario {

using yaml::bounded_duration;
using yaml::describe;
using yaml::Field;
using yaml::Key;
using yaml::Mistake;
using yaml::Need;
using yaml::Node;
using yaml::nothing_later;
using yaml::Parsed;
using yaml::quoted;
using yaml::Reader;
using yaml::suggest;

// Where the names that ${} keeps for later stages mean something.
inline constexpr unsigned image_later = 1;    // ${image}: in artifact paths, filled in by the plan
inline constexpr unsigned content_later = 2;  // ${content.sha256}, ${content.path}: in commands and proofs,
                                              // filled in before they run
inline constexpr unsigned driver_later = 4;   // ${driver.sha256}
inline constexpr unsigned kernel_later = 8;  // ${kernel}: in drivers' paths, filled in where images are known

// `within: 10m`, said of `what`: how long that may take. 0 after a mistake.
Millis read_within(const Node& node, const std::string& what, Reader& reader);

// The file as a tree, and what reads it; waivers and signatures as well.
Parsed parse(std::string_view text, const std::string& name);
Reader reader_of(const std::string& name, const Variables& variables, Parsed& parsed);

// [a-z0-9] with single '.' or '-' between: safe as a file name and in a cell's id.
std::optional<std::string> slug_name(const Node& node, const std::string& what, Reader& reader);

// candidate: -> drivers, contents. `root` is the whole file.
void read_candidate(const Node& root, Reader& reader, Scenario& scenario);
// machine:, machines: -> shapes. Which of them are used, the matrix says.
void read_machines(const Node& root, Reader& reader, Scenario& scenario);
// stories: -> their labels. Their steps are read last, because they are checked against the matrix.
void read_story_names(const Node& root, Reader& reader, Scenario& scenario);
// matrix: -> axes, include, exclude, with the defaults. After read_candidate, read_machines and
// read_story_names.
void read_matrix(const Node& root, Reader& reader, Scenario& scenario);
// background: of a guest's section, the commands that run beside the story.
std::vector<Background> read_background(const Node& node, const std::string& what, Reader& reader);
// guest: -> what each operating system needs. After read_candidate.
void read_guest(const Node& root, Reader& reader, Scenario& scenario);
// The kernel knows a module by '_' whatever the author writes, and keeps 55 bytes of its name. Nothing: it is
// no module's name.
std::optional<std::string> module_name(std::string text);
// Of bare modules, where all drivers have files of the same names; else none, and each cell's files name
// them.
std::vector<std::string> modules_of_files(const Scenario& scenario, Mark mark, const std::string& what,
                                          Reader& reader);
// A bare module is a file of its own; what Windows installs is one file. `node` is the driver's section.
void check_files(const Scenario& scenario, const Node& node, const std::string& what, const Guest& guest,
                 Reader& reader);
// The candidate's BPF programs: one name, or a list.
std::vector<std::string> read_bpf(const Node& node, const std::string& what, Reader& reader);
// filter: of a Windows driver, a minifilter's instance.
std::optional<Filter> read_filter(const Node& node, const std::string& what, Reader& reader);
// Memory integrity is Windows'. After read_machines and read_guest; `root` is the whole file.
void check_memory_integrity(const Node& root, Reader& reader, const Scenario& scenario);
// keys: of a machine are for Linux. After read_machines and read_guest; `root` is the whole file.
void check_machine_keys(Reader& reader, const Scenario& scenario);
// Of several modules each parameter says whose it is, as on the kernel's command line.
void check_options(const Node& node, const std::string& what, const Driver& driver, Reader& reader);
// story:, stories: -> steps, or the default ones, and whether they make sense. After all of the above.
void read_story(const Node& root, Reader& reader, Scenario& scenario);

// expect: -> findings that single cells must show. Whether there are such cells, the plan knows.
void read_expect(const Node& root, Reader& reader, Scenario& scenario);
// Whether the file is of the version that is read; what another one means by a key is not known.
bool readable_version(const Node& root, Reader& reader);

inline constexpr int most_boots = 1000;  // of one story

// One step as text; the error has no place yet.
Result<Step> parse_step(const std::string& text);

// One step as it stands in the file. `what` is how mistakes call the story, `later` what its ${} may name.
class StepReader {
 public:
  StepReader(Reader& reader, std::string what, unsigned later)
      : reader_(reader), what_(std::move(what)), later_(later) {}
  std::optional<Step> read(const Node& node);

 private:
  std::optional<Step> read_map(const Node& node);
  std::optional<Step> read_words(const Node& node);
  std::optional<Step> read_run(const Node& node);
  std::optional<Step> read_wait_for(const Node& node);
  std::optional<Step> read_power_cut(const Node& node);
  std::optional<Step> finish(Result<Step> step, Mark mark);
  unsigned later_of(const Node& words) const;

  Reader& reader_;
  std::string what_;
  unsigned later_;
};

// Whether `scenario` has an artifact of that label.
std::vector<std::string> labels(const std::vector<Artifact>& artifacts);
// Whether a key that the author chose is a label; records it when not.
bool check_label(const Key& key, const std::string& what, Reader& reader);

}  // namespace labctl::scenario
