#include "labctl/logs/log_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "labctl/base/owned.h"
#include "labctl/logs/utf16.h"

namespace labctl::logs {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 4096;
constexpr std::uint64_t most_bytes = 1ull << 30;
constexpr std::size_t block_size = 1u << 18;

using Reader = Owned<archive, archive_read_free>;

// A compressed stream on its way into libarchive.
struct Source {
  std::FILE* input;
  std::string_view head;  // was read already
  const std::function<void(std::string_view)>& raw;
  std::string block = std::string(block_size, '\0');

  std::string_view next() {
    if (!head.empty()) {
      const std::string_view first = head;
      head = {};
      return first;
    }
    const std::string_view bytes(block.data(), std::fread(block.data(), 1, block.size(), input));
    if (!bytes.empty()) raw(bytes);
    return bytes;
  }
};

la_ssize_t read_source(archive*, void* client, const void** buffer) {
  const std::string_view bytes = static_cast<Source*>(client)->next();
  *buffer = bytes.data();
  return static_cast<la_ssize_t>(bytes.size());
}

// A folder of pstore: "dmesg-efi_pstore-170000000001001"; each file begins with "Panic#2 Part1", and part 1
// is the end of the log.
struct Part {
  std::string crash;  // "Panic#2"
  unsigned number = 0;
};

bool read_part(const fs::path& file, Part& part) {
  static const re2::RE2 head(
      R"(((?:Panic|Oops|Emergency|Shutdown|Restart|Halt|Poweroff|Unknown)#\d{1,9}) Part(\d{1,6})\s*)",
      re2::RE2::Latin1);
  if (!file.filename().string().starts_with("dmesg-")) return false;
  std::ifstream stream(file, std::ios::binary);
  std::string line(64, '\0');
  stream.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(stream.gcount()));
  line = line.substr(0, line.find('\n'));
  return re2::RE2::FullMatch(line, head, &part.crash, &part.number);
}

Result<std::vector<fs::path>> files_below(const std::string& path) {
  std::error_code problem;
  std::vector<fs::path> files;
  auto at = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, problem);
  for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
    if (!at->is_symlink() && at->is_regular_file()) files.push_back(at->path());
    if (files.size() > most_files)
      return input_error(fmt::format("holds more than {} files", most_files), path, "name a folder below it");
  }
  if (problem) return input_error(fmt::format("cannot be read: {}", problem.message()), path);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<std::vector<LogFile>> log_files(const std::string& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return std::vector<LogFile>{{path, {path}}};
  const auto files = files_below(path);
  if (!files) return fail(files.error());
  std::vector<LogFile> logs;
  std::map<std::string, std::map<unsigned, std::string, std::greater<>>> crashes;
  for (const fs::path& file : *files) {
    Part part;
    if (read_part(file, part))
      crashes[(file.parent_path() / part.crash).string()].emplace(part.number, file.string());
    else
      logs.push_back({file.string(), {file.string()}});
  }
  for (const auto& [name, parts] : crashes) {
    LogFile log{name, {}};
    for (const auto& [number, file] : parts) log.parts.push_back(file);
    logs.push_back(std::move(log));
  }
  return logs;
}

namespace {

// UTF-16 is always twice the size of its text, so that needs no bound.
void read_utf16(Source& source, Utf16 coding, const std::function<void(std::string_view)>& text) {
  for (auto bytes = source.next(); !bytes.empty(); bytes = source.next()) text(coding.decode(bytes));
}

}  // namespace

Unpacked read_log(std::FILE* input, std::string_view head, const std::function<void(std::string_view)>& raw,
                  const std::function<void(std::string_view)>& text) {
  Unpacked result;
  Source source{input, head, raw};
  if (!head.empty()) raw(head);
  if (const auto coding = Utf16::of(head)) {
    read_utf16(source, *coding, text);
    result.decoded = true;
    return result;
  }
  const Reader reader(archive_read_new());
  archive* in = reader.get();
  archive_read_support_filter_all(in);
  archive_read_support_format_raw(in);
  archive_entry* entry = nullptr;
  if (archive_read_open(in, &source, nullptr, read_source, nullptr) == ARCHIVE_OK &&
      archive_read_next_header(in, &entry) == ARCHIVE_OK && archive_filter_count(in) > 1) {
    std::string block(block_size, '\0');
    for (std::uint64_t total = 0; !result.too_long;) {
      const la_ssize_t got = archive_read_data(in, block.data(), block.size());
      if (got <= 0) break;  // its end, or where it is broken
      result.decoded = true;
      text({block.data(), static_cast<std::size_t>(got)});
      total += static_cast<std::uint64_t>(got);
      result.too_long = total > most_bytes;
    }
  }
  while (!source.next().empty()) {
  }
  return result;
}

}  // namespace labctl::logs
