#include "labctl/symbolize/windows_image.h"

#include <fmt/core.h>
#include <stdlib.h>

#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"

namespace labctl::symbolize {
namespace {

constexpr std::size_t largest_image = 256u << 20, largest_pdb = 1u << 30, longest_path = 1024;
constexpr auto most_time = std::chrono::minutes(2);

// What a linker writes into an image of its PDB: "RSDS", a GUID, a count, a path.
struct DebugRecord {
  std::string guid, path;
  std::size_t path_at = 0;
};

std::optional<DebugRecord> debug_record(std::string_view image) {
  constexpr std::size_t guid_at = 4, guid_size = 16, path_at = 24;
  for (std::size_t at = 0; (at = image.find("RSDS", at)) != std::string_view::npos; at += guid_at) {
    const std::string_view path = image.substr(std::min(image.size(), at + path_at), longest_path);
    const std::size_t end = path.find('\0');
    if (end != std::string_view::npos && path.substr(0, end).ends_with(".pdb"))
      return DebugRecord{std::string(image.substr(at + guid_at, guid_size)), std::string(path.substr(0, end)),
                         at + path_at};
  }
  return std::nullopt;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = fs::temp_directory_path() / "labctl-image-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path path;  // empty when it could not be made
};

std::string hex(std::uint64_t number) { return fmt::format("{:#x}", number); }

// llvm-symbolizer looks first where the linker put the PDB and does not compare its GUID: a later build's may
// lie there. It is given a copy of the image that names the one that was compared, in a folder of its own.
Result<fs::path> with_its_pdb(const WindowsImage& image, const fs::path& folder) {
  auto bytes = read_file(image.file, largest_image);
  if (!bytes) return fail(bytes.error());
  constexpr std::string_view name = "i.pdb";
  const auto record = debug_record(*bytes);
  if (!record) return image.file;
  if (record->path.size() < name.size()) return lab_error("names its PDB too briefly", image.file.string());
  bytes->replace(record->path_at, record->path.size(),
                 std::string(name) + std::string(record->path.size() - name.size(), '\0'));
  std::error_code problem;
  if (!image.pdb.empty()) fs::create_symlink(image.pdb, folder / name, problem);
  if (problem) return lab_error("cannot be linked to", image.pdb.string());
  if (auto written = write_file(folder / "i.sys", *bytes); !written) return fail(written.error());
  return folder / "i.sys";
}

// "sensor_equal\na.c:255\nsensor_match\na.c:280": pairs of lines, the innermost first; empty where nothing is
// known.
std::string told(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2) {
    if (lines[i].empty() || lines[i + 1].empty()) break;
    if (lines[i].starts_with("?") || lines[i + 1].starts_with("?")) return {};
    text += fmt::format("{}{} at {}", i == 0 ? "" : ", in ", printable(lines[i], 256),
                        printable(lines[i + 1].substr(0, lines[i + 1].find(" (disc")), longest_path));
  }
  return text;
}

Result<std::string> nearest_export(const fs::path& file, std::uint64_t offset) {
  std::string name, nearest;
  std::uint64_t best = 0;
  const auto read = [&](std::string_view line) {
    const std::string text(trim(line));
    if (text.starts_with("Name:")) name = trim(std::string_view(text).substr(5));
    if (!text.starts_with("RVA: 0x") || name.empty()) return;
    std::uint64_t at = 0;
    std::from_chars(text.data() + 7, text.data() + text.size(), at, 16);
    if (at > offset || at < best) return;
    best = at;
    nearest = name;
  };
  auto ended = run_ok({.argv = {"llvm-readobj", "--coff-exports", file.string()},
                       .directory = file.parent_path(),
                       .deadline = most_time,
                       .on_line = read});
  if (!ended) return fail(ended.error());
  return nearest.empty() ? std::string()
                         : fmt::format("{}+{}, by its exports", printable(nearest, 256), hex(offset - best));
}

}  // namespace

bool is_windows_image(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  char head[2] = {};
  return in.read(head, 2) && head[0] == 'M' && head[1] == 'Z';
}

Result<WindowsImage> read_windows_image(const fs::path& file) {
  if (find_program("llvm-symbolizer").empty() || find_program("llvm-readobj").empty())
    return lab_error("places in a Windows driver are read by llvm-symbolizer, which is not installed", {},
                     "apt-get install llvm");
  std::error_code problem;
  WindowsImage image{fs::absolute(file, problem), {}};
  const auto bytes = read_file(image.file, largest_image);
  if (!bytes) return fail(bytes.error());
  const auto record = debug_record(*bytes);
  if (!record) return image;
  const fs::path folder = image.file.parent_path();
  const std::string said = record->path.substr(record->path.find_last_of("/\\") + 1);
  for (const fs::path& pdb : {fs::path(image.file).replace_extension(".pdb"), folder / said}) {
    if (!fs::is_regular_file(pdb, problem)) continue;
    const auto symbols = read_file(pdb, largest_pdb);
    if (!symbols) return fail(symbols.error());
    if (symbols->find(record->guid) == std::string::npos)
      return input_error(fmt::format("is of another build than {}", file.filename().string()), pdb.string(),
                         "give the driver and the PDB that one build made");
    image.pdb = pdb;
    break;
  }
  return image;
}

Result<std::string> place_in(const WindowsImage& image, std::uint64_t offset) {
  const TemporaryFolder work;
  if (work.path.empty())
    return lab_error("no temporary folder could be made", fs::temp_directory_path().string());
  const auto file = with_its_pdb(image, work.path);
  if (!file) return fail(file.error());
  std::vector<std::string> lines;
  auto ended = run_ok({.argv = {"llvm-symbolizer", "--relative-address", "--output-style=GNU",
                                "--obj=" + file->string(), hex(offset)},
                       .directory = work.path,
                       .deadline = most_time,
                       .on_line = [&](std::string_view line) {
                         if (!line.starts_with("LLVMSymbolizer:")) lines.emplace_back(line);
                       }});
  if (!ended) return fail(ended.error());
  if (auto text = told(lines); !text.empty()) return text;
  return nearest_export(image.file, offset);
}

}  // namespace labctl::symbolize
