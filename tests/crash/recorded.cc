#include "recorded.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/catch.h"
#include "tests/source_tree.h"

namespace labctl::crash {
namespace {

std::string value(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ', line.find(':') + 1);
  return begin == std::string::npos ? std::string() : line.substr(begin);
}

void read_head_line(const std::string& line, Recording& recording) {
  if (line.starts_with("WRITTEN:")) return;
  if (line.starts_with("TITLE:")) {
    recording.expected.push_back({value(line), {}, {}, true});
    return;
  }
  if (recording.expected.empty())
    throw std::runtime_error(recording.name + ": '" + line + "' before a TITLE");
  Expected& expected = recording.expected.back();
  if (line.starts_with("KIND:")) {
    expected.kind = value(line);
  } else if (line.starts_with("MODULE:")) {
    expected.module = value(line);
  } else if (line.starts_with("UNCONFIRMED:")) {
    expected.confirmed = false;
  } else {
    throw std::runtime_error(recording.name + ": unknown head line '" + line + "'");
  }
}

Recording read(const std::filesystem::path& path) {
  Recording recording;
  recording.name = path.filename().string();
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line) && !line.empty();) read_head_line(line, recording);
  recording.log.assign(std::istreambuf_iterator<char>(file), {});
  return recording;
}

std::string line_of(const std::string& title, const std::string& kind, const std::string& module,
                    bool confirmed) {
  return title + " | " + kind + " | " + module + (confirmed ? "" : " | unconfirmed") + "\n";
}

}  // namespace

std::vector<Recording> read_recordings(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(source_tree::tests() / "crash" / folder)) {
    if (entry.path().extension() == ".log") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Recording> read_ones;
  for (const auto& path : paths) read_ones.push_back(read(path));
  return read_ones;
}

const std::vector<Recording>& recordings() {
  static const std::vector<Recording> all = read_recordings("linux");
  return all;
}

std::string told(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& each : findings)
    text += line_of(each.title, to_string(each.kind), each.module, each.confirmed);
  return text;
}

std::string told(const std::vector<Expected>& expected) {
  std::string text;
  for (const Expected& each : expected) text += line_of(each.title, each.kind, each.module, each.confirmed);
  return text;
}

std::vector<Finding> scan_in_pieces(const std::string& log, const std::vector<std::size_t>& sizes,
                                    std::optional<Os> os) {
  Scanner scanner(os);
  std::vector<Finding> findings;
  const auto keep = [&](std::vector<Finding> more) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  };
  std::size_t turn = 0;
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t size = std::max<std::size_t>(1, sizes[turn++ % sizes.size()]);
    keep(scanner.feed(std::string_view(log).substr(at, size)));
    at += size;
  }
  keep(scanner.flush());
  return findings;
}

TEST_CASE("every recording is told as its head says") {
  REQUIRE(recordings().size() > 40);
  for (const Recording& each : recordings()) {
    INFO(each.name);
    CHECK(told(scan(each.log)) == told(each.expected));
  }
}

// "105-oops-load-6.12.log" and "144-oops-load-6.1.log" are one crash.
TEST_CASE("one crash has one title on two kernels") {
  std::map<std::string, std::vector<std::string>> crashes;
  for (const Recording& each : recordings()) {
    const std::size_t kernel = each.name.rfind("-6.");
    if (kernel == std::string::npos || kernel < 4 || each.expected.empty()) continue;
    crashes[each.name.substr(4, kernel - 4)].push_back(told(scan(each.log)));
  }
  std::size_t pairs = 0;
  for (const auto& [name, titles] : crashes) {
    INFO(name);
    CHECK(std::count(titles.begin(), titles.end(), titles.front()) ==
          static_cast<std::ptrdiff_t>(titles.size()));
    pairs += titles.size() > 1;
  }
  CHECK(pairs >= 15);
}

TEST_CASE("a finding of a recording points into it") {
  for (const Recording& each : recordings()) {
    INFO(each.name);
    for (const Finding& finding : scan(each.log)) {
      REQUIRE(finding.offset < each.log.size());
      CHECK(finding.line == 1 + static_cast<std::uint64_t>(
                                    std::count(each.log.begin(), each.log.begin() + finding.offset, '\n')));
      const std::size_t end = each.log.find_first_of("\r\n", finding.offset);
      CHECK(finding.excerpt.starts_with(each.log.substr(finding.offset, end - finding.offset)));
      CHECK(finding.excerpt.size() <= 16384);
      CHECK(finding.suppressed.empty());
    }
  }
}

}  // namespace labctl::crash
