// Reports in the forms of other tools, made of the same values as labctl's own. Pure, like report.h.
#pragma once

#include <string>

#include "labctl/report/report.h"

namespace labctl::report {

// CTRF (Common Test Report Format), JSON: one test per cell. Whenever the verdict is not passed, a test
// failed.
std::string ctrf(const Record& record);

// Workflow commands of GitHub Actions, one a line: at most ten errors and ten warnings, the worst first; a
// step shows no more. What guests said is escaped and cannot begin a command of its own.
std::string github(const Record& record);

// SARIF 2.1.0: the problems whose place in the source is known.
std::string sarif(const Record& record);

// KCIDB's I/O format, JSON: one test per cell and one for the verdict. A lab that failed is ERROR, what did
// not run is MISS.
std::string kcidb(const Record& record);

// OTLP/JSON: one trace with a span for the run, each cell that ran and each of its steps. Deterministic, ids
// too.
std::string otlp(const Record& record);

}  // namespace labctl::report
