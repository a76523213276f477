// Where accepted findings find their cells. Only for this room.
#pragma once

#include "labctl/plan/plan.h"

namespace labctl::plan {

// Gives each cell what the scenario expects of it. Errors: an id that is no cell's, a cell whose findings may
// only be waived, an expectation that has expired.
Status place_expectations(Plan& plan, const scenario::Scenario& scenario);

// Gives each cell, controls too, the waivers that match it and have not expired on the plan's day. When a
// plan is read back this is done again, so that a cell cannot have a waiver which the plan has not.
void place_waivers(Plan& plan);

void note_expired_waivers(Plan& plan);

}  // namespace labctl::plan
