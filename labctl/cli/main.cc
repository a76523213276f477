#include "labctl/cli/cli.h"

int main(int argc, char** argv) { return labctl::cli::main(argc, argv); }
