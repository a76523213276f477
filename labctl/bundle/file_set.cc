#include "labctl/bundle/file_set.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include <algorithm>
#include <fstream>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::bundle {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 100'000;
constexpr std::uint64_t largest_set = 4ull << 30;  // bytes

using Writer = Owned<archive, archive_write_free>;
using Entry = Owned<archive_entry, archive_entry_free>;

// What sha256sum would write in another form is not a name here.
bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= 1000 && std::none_of(name.begin(), name.end(), [](unsigned char c) {
    return c < 0x20 || c == 0x7f || c == '\\';
  });
}

// Never out of the folder that the set is put into.
bool stays_below(const std::string& name) {
  const auto parts = split(name, '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](const std::string& part) { return part.empty() || part == "." || part == ".."; });
}

Status add(const fs::path& file, const std::string& name, const std::string& where,
           std::vector<SetFile>& files) {
  std::error_code problem;
  if (!is_plain(name))
    return input_error(
        fmt::format("a file of the content has a name that cannot be listed: '{}'", printable(name, 200)),
        where, "names without line breaks, backslashes and control characters");
  if (fs::is_symlink(file, problem))
    return input_error(fmt::format("the content holds a symbolic link: {}", printable(file.string(), 300)),
                       where,
                       "its digest would say nothing of what the link leads to; put the file itself there");
  if (!fs::is_regular_file(file, problem))
    return input_error(fmt::format("is neither a file nor a folder: {}", printable(file.string(), 300)),
                       where, "content is made of files");
  const auto size = fs::file_size(file, problem);
  if (problem) return input_error(fmt::format("cannot be read: {}", file.string()), where);
  files.push_back({name, file, size, {}});
  if (files.size() > most_files)
    return input_error(fmt::format("content of more than {} files", most_files), where);
  return {};
}

Status add_below(const fs::path& folder, const std::string& where, std::vector<SetFile>& files) {
  std::error_code problem;
  for (fs::recursive_directory_iterator at(folder, problem), end; !problem && at != end;
       at.increment(problem)) {
    if (!at->is_symlink() && at->is_directory()) continue;
    if (auto added = add(at->path(), at->path().lexically_relative(folder).generic_string(), where, files);
        !added)
      return added;
  }
  if (problem)
    return input_error(fmt::format("cannot be read: {}: {}", problem.message(), folder.string()), where);
  return {};
}

}  // namespace

Result<std::vector<SetFile>> files_of_set(const std::vector<fs::path>& paths, const std::string& where) {
  std::vector<SetFile> files;
  std::error_code none;
  for (const auto& path : paths) {
    if (!fs::exists(path, none))
      return input_error(fmt::format("the artifact does not exist: {}", path.lexically_normal().string()),
                         where, "build it, or correct the path, which is relative to the scenario's folder");
    const fs::path target = fs::canonical(path, none);  // what is named itself may be a link
    auto added = fs::is_directory(target, none) ? add_below(target, where, files)
                                                : add(target, path.filename().string(), where, files);
    if (!added) return fail(added.error());
  }
  if (files.empty()) return input_error("the content's folder is empty", where);
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    bytes += files[i].size;
    if (i > 0 && files[i].name == files[i - 1].name)
      return input_error(
          fmt::format("two files of the content are called '{}'", printable(files[i].name, 200)), where);
  }
  if (bytes > largest_set)
    return input_error(fmt::format("the content is larger than {}", show_size(largest_set)), where);
  return files;
}

bool is_name_in_set(const std::string& name) { return is_plain(name) && stays_below(name); }

std::string manifest_of(const std::vector<SetFile>& files) {
  std::string text;
  for (const auto& file : files) text.append(file.sha256).append("  ").append(file.name).append("\n");
  return text;
}

Result<std::vector<SetFile>> files_of_manifest(const fs::path& manifest, const std::string& where) {
  constexpr std::size_t largest = 256u << 20, digest = 64;
  auto text = read_file(manifest, largest);
  if (!text) return fail(text.error());
  std::vector<SetFile> files;
  for (const std::string& line : split(*text, '\n')) {
    if (line.empty()) continue;
    if (line.size() < digest + 3 || !is_sha256(line.substr(0, digest))) break;
    files.push_back({line.substr(digest + 2), {}, 0, line.substr(0, digest)});
  }
  const bool good =
      std::all_of(files.begin(), files.end(), [](const SetFile& file) { return is_name_in_set(file.name); });
  if (files.empty() || !good || manifest_of(files) != *text)
    return input_error(fmt::format("is not a manifest of content: {}", manifest.string()), where);
  return files;
}

Result<std::string> set_sha256(const std::vector<fs::path>& paths) {
  auto files = files_of_set(paths, {});
  if (!files) return fail(files.error());
  for (auto& file : *files) {
    auto digest = sha256_file(file.source);
    if (!digest) return digest;
    file.sha256 = *digest;
  }
  return sha256(manifest_of(*files));
}

Status make_folder(const fs::path& folder, const std::vector<SetFile>& files) {
  for (const auto& file : files) {
    const fs::path target = folder / file.name;
    std::error_code problem;
    if (auto made = make_dirs(target.parent_path()); !made) return made;
    fs::create_hard_link(file.source, target, problem);
    if (problem) fs::copy_file(file.source, target, problem);
    if (problem)
      return lab_error(fmt::format("cannot be put into a folder with the others: {}", problem.message()),
                       file.source.string());
  }
  return {};
}

Status write_tar(const fs::path& tar, const std::vector<SetFile>& files) {
  Writer writer(archive_write_new());
  archive* out = writer.get();
  const auto failed = [&] {
    const char* text = archive_error_string(out);
    return lab_error(fmt::format("cannot be packed: {}", text ? text : "unknown reason"), tar.string());
  };
  if (archive_write_set_format_pax_restricted(out) != ARCHIVE_OK ||
      archive_write_open_filename(out, tar.c_str()) != ARCHIVE_OK)
    return failed();
  std::string room(1u << 18, '\0');
  for (const auto& file : files) {
    const Entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), file.name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.size));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (archive_write_header(out, entry.get()) != ARCHIVE_OK) return failed();
    std::ifstream in(file.source, std::ios::binary);
    std::uint64_t written = 0;
    while (in.read(room.data(), static_cast<std::streamsize>(room.size())), in.gcount() > 0) {
      const auto got = static_cast<std::size_t>(in.gcount());
      if (archive_write_data(out, room.data(), got) != static_cast<la_ssize_t>(got)) return failed();
      written += got;
    }
    if (written != file.size) return lab_error("was changed while it was packed", file.source.string());
  }
  return archive_write_close(out) == ARCHIVE_OK ? Status() : failed();
}

}  // namespace labctl::bundle
