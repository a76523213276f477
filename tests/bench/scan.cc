// What reading a console costs in processor time, as ratios taken in one run on one host; grep -F, which only
// looks for the same heads and keeps nothing, is the yardstick.
//
//   scan_bench LOG...        healthy boot logs, one or more, as text for the first rows
//
//   healthy    the logs over and over, as one long uptime and as one boot after another
//   with form  the same as `labctl scan` reads it
//   crashes    the recorded crashes of tests/crash/linux over and over, each round a boot, so all are told
//   again memory     how much the peak grew between 10 MB and 1 GB of both sorts
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/log.h"
#include "tests/source_tree.h"

namespace fs = std::filesystem;
using labctl::crash::Scanner;

namespace {

constexpr std::size_t megabyte = 1000 * 1000;
constexpr std::size_t chunk = 64 * 1024;
constexpr int rounds = 5;

const std::string next_boot = "\n[    0.000000] Linux version 6.1.0-0-amd64 (bench)\n";

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "scan_bench: cannot read '%s'\n", path.c_str());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

// The recorded crashes, or the recorded healthy logs; a recording has a head, an empty line, the log.
std::string recordings(bool crashes) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(source_tree::tests() / "crash/linux"))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::string text;
  for (const fs::path& path : paths) {
    const std::string file = slurp(path);
    if (file.starts_with("TITLE:") != crashes || path.extension() != ".log") continue;
    text += crashes ? file.substr(file.find("\n\n") + 2) : file.substr(1);
  }
  return text;
}

std::string filled(const std::string& piece, std::size_t size) {
  std::string text;
  text.reserve(size + piece.size());
  while (text.size() < size) text += piece;
  return text;
}

// Of the processor, not of the clock on the wall: neighbours have little say then.
double seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

std::size_t read(Scanner& scanner, std::string_view text) {
  std::size_t findings = 0;
  for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size())))
    findings += scanner.feed(text.substr(0, chunk)).size();
  return findings;
}

// As `labctl scan` reads, which also watches for the form of the log.
std::size_t read_log(std::string_view text) {
  labctl::crash::LogScanner scanner;
  for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size()))) scanner.feed(text.substr(0, chunk));
  return scanner.finish().size();
}

// grep with its start, its file in the page cache: some milliseconds of hundreds. Behind a pipe, since it
// reads no further than the first match when it sees that it writes to /dev/null.
double grep(const fs::path& heads, const fs::path& log) {
  const std::string command =
      "LC_ALL=C grep -a -c -F -f " + heads.string() + " " + log.string() + " | cat >/dev/null";
  const double begin = seconds(RUSAGE_CHILDREN);
  if (std::system(command.c_str()) != 0) {
    std::fprintf(stderr, "scan_bench: grep failed\n");
    std::exit(3);
  }
  return seconds(RUSAGE_CHILDREN) - begin;
}

void write_heads(const fs::path& path) {
  using namespace labctl::crash;
  std::ofstream file(path, std::ios::binary);
  for (const auto rules : {firmware_rules(), recovery_rules(), linux_rules(), complaint_rules()})
    for (const Rule& rule : rules)
      if (!rule.head.empty()) file << rule.head << '\n';
}

void row(const char* name, const std::string& text, const fs::path& work, bool forms = false) {
  const fs::path heads = work / "heads", log = work / "log";
  write_heads(heads);
  std::ofstream(log, std::ios::binary) << text;
  double ours = 1e9, theirs = 1e9;
  std::size_t findings = 0;
  // In turns, the best of each: what a neighbour does to caches and clocks hits both or is left out.
  for (int round = 0; round < rounds; ++round) {
    Scanner scanner;
    const double begin = seconds(RUSAGE_SELF);
    findings = forms ? read_log(text) : read(scanner, text);
    ours = std::min(ours, seconds(RUSAGE_SELF) - begin);
    theirs = std::min(theirs, grep(heads, log));
  }
  const double size = static_cast<double>(text.size()) / megabyte;
  std::printf("%-28s %8.0f MB %10.0f MB/s %12.0f MB/s %8.2f %10zu\n", name, size, size / ours, size / theirs,
              theirs / ours, findings);
  std::fflush(stdout);
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void memory(const char* name, const std::string& piece) {
  const std::string text = filled(piece, 10 * megabyte);
  Scanner scanner;
  std::size_t fed = 0;
  long early = 0;
  while (fed < 1000 * megabyte) {
    read(scanner, text);
    fed += text.size();
    if (early == 0) early = peak_kib();
  }
  std::printf("%-28s peak after 10 MB %ld KiB, after 1 GB %ld KiB: %+ld KiB\n", name, early, peak_kib(),
              peak_kib() - early);
}

}  // namespace

int main(int count, char** arguments) {
  std::string healthy;
  for (int i = 1; i < count; ++i) healthy += slurp(arguments[i]);
  if (healthy.empty()) healthy = recordings(false);
  const std::string crashes = recordings(true) + next_boot;
  const fs::path work = fs::temp_directory_path() / ("scan_bench." + std::to_string(getpid()));
  fs::create_directories(work);

  memory("memory, healthy", healthy);
  memory("memory, all crashes", crashes);
  std::printf("\n%-28s %11s %15s %17s %8s %10s\n", "text", "size", "labctl scan", "grep -F heads", "ratio",
              "findings");
  row("healthy", filled(healthy, 200 * megabyte), work);
  row("healthy, one boot each", filled(healthy + next_boot, 200 * megabyte), work);
  row("healthy, with its form", filled(healthy, 100 * megabyte), work, true);
  row("all crashes", filled(crashes, 100 * megabyte), work);
  fs::remove_all(work);
  return 0;
}
