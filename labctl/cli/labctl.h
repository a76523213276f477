// The whole program.
#pragma once

#include "labctl/machine/machine.h"

namespace labctl::cli {

// Parses, calls one verb, maps what it returns. Tests run it on machines made of plain code.
int main(int argc, char** argv, const machine::HostOpener& open_host = machine::open_host);

}  // namespace labctl::cli
