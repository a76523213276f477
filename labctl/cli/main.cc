#include "labctl/cli/labctl.h"

int main(int argc, char** argv) { return labctl::cli::main(argc, argv); }
