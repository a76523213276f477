// The parts of a scenario, one function each. Internal to this room.
#pragma once

#include <string>
#include <vector>

#include "labctl/scenario/reader.h"

namespace labctl::scenario {

// candidate: -> drivers, contents. `root` is the whole file.
void read_candidate(const Node& root, Reader& reader, Scenario& scenario);
// machine:, machines: -> shapes. Which of them are used, the matrix says.
void read_machines(const Node& root, Reader& reader, Scenario& scenario);
// matrix: -> axes, include, exclude, with the defaults. After read_candidate and read_machines.
void read_matrix(const Node& root, Reader& reader, Scenario& scenario);
// guest: -> what each operating system needs. After read_candidate.
void read_guest(const Node& root, Reader& reader, Scenario& scenario);
// story: -> steps, or the default ones, and whether they make sense. After all of the above.
void read_story(const Node& root, Reader& reader, Scenario& scenario);

// expect: -> findings that single cells must show. Whether there are such cells, the plan knows.
void read_expect(const Node& root, Reader& reader, Scenario& scenario);
// Whether the file is of the version that is read; what another one means by a key is not known.
bool readable_version(const Node& root, Reader& reader);

// One step as text; the error has no place yet.
Result<Step> parse_step(const std::string& text);

// Whether `scenario` has an artefact of that label.
std::vector<std::string> labels(const std::vector<Artefact>& artefacts);
// Whether a key that the author chose is a label; records it when not.
bool check_label(const Key& key, const std::string& what, Reader& reader);

}  // namespace labctl::scenario
