// Writes the seeds of every door into a folder of its name, for libFuzzer.
#include <filesystem>
#include <fstream>

#include "tests/fuzz/doors.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (const auto& door : labctl::fuzz::doors()) {
    const auto folder = std::filesystem::path(argv[1]) / door.name;
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const auto& seed : door.seeds()) std::ofstream(folder / std::to_string(++number)) << seed;
  }
}
