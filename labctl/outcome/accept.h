// What becomes of a finding once it is known what a person has accepted. The cell asks it while it lives, the
// verdict asks it again afterwards: one answer, in one place.
//
// A finding is accepted by its exact title alone, and only when its report was read: a torn one, or a line
// with nothing behind it, is not known to be the one that was named.
#pragma once

#include <vector>

#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"

namespace labctl::outcome {

// Whether it counts against a cell at all. Known noise and allowed warnings do not, and need no acceptance.
bool counts(const plan::Cell& cell, const crash::Finding& finding);

// Whether only the scenario's policy keeps it from counting: by default it would block. A line with no report
// behind it is not enough for that.
bool let_through(const plan::Cell& cell, const crash::Finding& finding);

// Whether it ends no cell and is weighed when all have ended (weigh.h).
bool is_weighed(const crash::Finding& finding);

// A sign shows that something happened and not what: a reset, the panic device, a taint. The cell makes it
// itself; there is no text.
bool is_sign(const crash::Finding& finding);

// Which entry accepts a finding that counts, if any. No waiver accepts a sign: behind it may be
// anything.
const scenario::Acceptance* accepted(const plan::Cell& cell, const crash::Finding& finding);

// Whether the story goes on behind an accepted finding: a waived one, and an expected warning. An expected
// crash ends its cell as any crash does.
bool tolerated(const plan::Cell& cell, const crash::Finding& finding);

// Whether it ends its cell and excludes passed: it counts, no entry accepts it, and it is not weighed.
bool blocks(const plan::Cell& cell, const crash::Finding& finding);

// What the scenario expects of the cell and nothing of it was found; nothing when all came.
const scenario::Acceptance* missing(const plan::Cell& cell, const std::vector<Observation>& findings);

// A negative test that fired: the cell ended by a crash that was expected, all that was expected came, and
// nothing else that counts.
bool ended_as_expected(const plan::Cell& cell, const Outcome& outcome);

// Whether it would not have passed, or not have got so far, without a waiver.
bool took_waiver(const plan::Cell& cell, const Outcome& outcome);

// Whether the scenario says why nothing proves that the driver uses the cell's content.
bool uses_unproved(const plan::Cell& cell);

// Whether the cell's policy let something pass in it, or its content is unproved.
bool took_weaker(const plan::Cell& cell, const Outcome& outcome);

}  // namespace labctl::outcome
