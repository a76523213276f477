#include "labctl/bundle/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/owned.h"
#include "labctl/base/slow_work.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/judge.h"

namespace labctl::bundle {
namespace {

using Reader = Owned<archive, archive_read_free>;
using Writer = Owned<archive, archive_write_free>;
using Entry = Owned<archive_entry, archive_entry_free>;

constexpr const char* list_name = "labctl-bundle.json";
constexpr std::uint64_t largest_list = 64u << 20;
constexpr std::size_t longest_path = 1000;

struct Listed {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;
};

std::string why(archive* handle) {
  const char* text = archive_error_string(handle);
  return text ? printable(text) : "unknown reason";
}

// One folder's or file's name that means the same everywhere and nothing special anywhere: no option of a
// program that is given it.
bool is_plain_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.front() == '-') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@=,") ==
         std::string::npos;
}

bool is_plain_path(const std::string& path) {
  if (path.size() > longest_path) return false;
  for (const auto& name : split(path, '/'))
    if (!is_plain_name(name)) return false;
  return true;
}

// ---- packing ----

struct Source {
  fs::path file;
  Listed listed;
};

Result<std::map<std::string, Source>> files_of(const fs::path& folder,
                                               const std::map<std::string, fs::path>& also) {
  std::map<std::string, Source> files;  // sorted by the path, which is the order in the archive
  std::error_code problem;
  auto entry = fs::recursive_directory_iterator(folder, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    const auto type = entry->symlink_status(problem).type();
    if (problem || type == fs::file_type::directory) continue;
    const std::string path = entry->path().lexically_relative(folder).generic_string();
    if (type != fs::file_type::regular)
      return input_error("is neither a file nor a folder, as all of a bundle is", entry->path().string());
    if (!is_plain_path(path) || path == list_name)
      return input_error("has a name that is not valid in a bundle", entry->path().string());
    files[path].file = entry->path();
  }
  if (problem) return lab_error(fmt::format("cannot be read: {}", problem.message()), folder.string());
  for (const auto& [path, file] : also) files[path].file = file;
  SlowWork work("hashing the files of the bundle", files.size(), SlowWork::Unit::things);
  for (auto& [path, source] : files) {
    auto digest = sha256_file(source.file);
    if (!digest) return fail(digest.error());
    source.listed = {path, fs::file_size(source.file, problem), *digest};
    work.done(1);
  }
  return files;
}

std::string list_of(const std::string& name, const std::map<std::string, Source>& files) {
  Json list = Json::array();
  for (const auto& [path, source] : files)
    list.push_back({{"path", path}, {"size", source.listed.size}, {"sha256", source.listed.sha256}});
  return dump_pretty({{"labctl", 1}, {"bundle", name}, {"files", list}});
}

// Nothing of this host or this hour: no owner, no time, one set of permissions.
Status begin_entry(archive* writer, const std::string& path, std::uint64_t size) {
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  if (archive_write_header(writer, entry.get()) == ARCHIVE_OK) return {};
  return lab_error(fmt::format("cannot be packed: {}", why(writer)), path);
}

Status put(archive* writer, std::string_view bytes) {
  const auto written = archive_write_data(writer, bytes.data(), bytes.size());
  if (written == static_cast<la_ssize_t>(bytes.size())) return {};
  return lab_error(fmt::format("cannot write the archive: {}", why(writer)));
}

// What was hashed for the list must be what goes in.
Status put_file(archive* writer, const std::string& name, const Source& source, SlowWork& work) {
  if (auto begun = begin_entry(writer, name + "/" + source.listed.path, source.listed.size); !begun)
    return begun;
  const Fd fd(::open(source.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return lab_error(fmt::format("cannot open: {}", std::strerror(errno)), source.file.string());
  std::uint64_t size = 0;
  std::string block(1u << 18, '\0');
  for (;;) {
    const ssize_t got = ::read(fd.get(), block.data(), block.size());
    if (got < 0) return lab_error(fmt::format("cannot read: {}", std::strerror(errno)), source.file.string());
    if (got == 0) break;
    const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
    if ((size += bytes.size()) > source.listed.size) break;
    if (auto written = put(writer, bytes); !written) return written;
    work.done(bytes.size());
  }
  if (size != source.listed.size || ::lseek(fd.get(), 0, SEEK_SET) != 0 ||
      sha256_rest(fd.get(), source.file).value_or(std::string()) != source.listed.sha256)
    return input_error("is being changed", source.file.string(), "pack the bundle when nothing writes to it");
  return {};
}

Status write_archive(const fs::path& file, const std::string& name,
                     const std::map<std::string, Source>& files) {
  const Writer writer(archive_write_new());
  archive* out = writer.get();
  const auto bad = [&] {
    return lab_error(fmt::format("cannot write the archive: {}", why(out)), file.string());
  };
  if (archive_write_set_format_pax_restricted(out) != ARCHIVE_OK ||
      archive_write_add_filter_zstd(out) != ARCHIVE_OK ||
      archive_write_set_filter_option(out, "zstd", "compression-level", "9") != ARCHIVE_OK ||
      archive_write_open_filename(out, file.c_str()) != ARCHIVE_OK)
    return bad();
  const std::string list = list_of(name, files);
  if (auto begun = begin_entry(out, list_name, list.size()); !begun) return begun;
  if (auto written = put(out, list); !written) return written;
  std::uint64_t all = 0;
  for (const auto& [path, source] : files) all += source.listed.size;
  SlowWork work(fmt::format("packing {}", name), all);
  for (const auto& [path, source] : files)
    if (auto written = put_file(out, name, source, work); !written) return written;
  return archive_write_close(out) == ARCHIVE_OK ? Status() : Status(bad());
}

// ---- unpacking ----

Status put_bytes(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return lab_error(fmt::format("cannot write: {}", std::strerror(errno)), path.string());
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// A bundle is of its user alone, as when it was made.
Status make_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return lab_error(fmt::format("cannot create: {}", std::strerror(errno)), path.string());
}

Status make_folders(const fs::path& root, const fs::path& below) {
  fs::path path = root;
  for (const auto& name : below) {
    path /= name;
    if (auto made = make_folder(path); !made) return made;
  }
  return {};
}

// Beside where the bundle is to be, under a name that nobody can have prepared.
Result<fs::path> make_unpacking_folder(const fs::path& into) {
  std::error_code problem;
  if (const fs::path above = into.parent_path(); !above.empty())
    if (auto made = make_dirs(above); !made) return fail(made.error());
  if (auto made = make_folder(into); !made) return fail(made.error());
  std::string name = (into / ".labctl-unpacking-XXXXXX").string();
  if (!::mkdtemp(name.data())) return lab_error(fmt::format("cannot create: {}", std::strerror(errno)), name);
  return fs::path(name);
}

class Unpacking {
 public:
  Unpacking(fs::path file, const PortableBounds& bounds)
      : file_(std::move(file)), bounds_(bounds), reader_(archive_read_new()) {}

  Status open() {
    if (archive_read_support_filter_zstd(in()) != ARCHIVE_OK ||
        archive_read_support_format_tar(in()) != ARCHIVE_OK)
      return lab_error("libarchive cannot read zstd and tar here");
    std::error_code problem;
    if (!fs::is_regular_file(file_, problem))
      return input_error("there is no such file", file_.string(),
                         "give the file that 'labctl bundle pack' wrote");
    if (archive_read_open_filename(in(), file_.c_str(), 1u << 18) != ARCHIVE_OK)
      return damaged(fmt::format("is not a packed bundle ({})", why(in())));
    return {};
  }

  Status read_list() {
    auto entry = next("the list of its files");
    if (!entry) return fail(entry.error());
    if (name_of(*entry) != list_name)
      return damaged("is not a packed bundle: it does not begin with its list");
    const auto size = static_cast<std::uint64_t>(archive_entry_size(*entry));
    if (size > largest_list) return damaged("its list of files is too long");
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size;) {
      const auto got = archive_read_data(in(), text.data() + at, size - at);
      if (got <= 0) return damaged(fmt::format("is damaged in its list of files ({})", why(in())));
      at += static_cast<std::size_t>(got);
    }
    auto list = parse_json(text, file_.string());
    if (!list) return damaged(fmt::format("is damaged in its list of files: {}", list.error().what));
    if (number_at(*list, "labctl") != 1)
      return damaged("was packed by another version of labctl, which this one cannot read");
    name_ = text_at(*list, "bundle");
    if (!is_plain_name(name_) || name_.front() == '.' || name_.size() > 200)
      return damaged(fmt::format("gives its bundle a name that is not valid: '{}'", printable(name_, 60)));
    return check_files(*list);
  }

  Status unpack_to(const fs::path& folder) {
    if (auto free = free_space(folder); free && *free < total_)
      return lab_error(
          fmt::format("not enough disk space: {} free, {} needed", show_size(*free), show_size(total_)),
          folder.string());
    SlowWork work(fmt::format("unpacking {}", file_.string()), total_);
    for (const auto& listed : files_)
      if (auto done = unpack_file(listed, folder, work); !done) return done;
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(in(), &entry);
    if (code == ARCHIVE_EOF) return {};
    if (code < ARCHIVE_WARN) return damaged(fmt::format("is damaged behind its last file ({})", why(in())));
    return damaged(fmt::format("holds '{}', which its list does not name", printable(name_of(entry))));
  }

  const std::string& name() const { return name_; }

 private:
  archive* in() { return reader_.get(); }
  tl::unexpected<Error> damaged(const std::string& what) const {
    return input_error(what, file_.string(), "nothing was unpacked; pack and copy the bundle again");
  }
  static std::string name_of(archive_entry* entry) {
    const char* name = archive_entry_pathname(entry);
    return name ? name : "";
  }

  // The next entry, which must be a plain file.
  Result<archive_entry*> next(const std::string& wanted) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(in(), &entry);
    if (code == ARCHIVE_EOF) return damaged(fmt::format("ends before {}", wanted));
    if (code < ARCHIVE_WARN)
      return damaged(fmt::format("is damaged where it should have {} ({})", wanted, why(in())));
    if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFREG)
      return damaged(fmt::format("holds '{}', which is not a plain file", printable(name_of(entry))));
    return entry;
  }

  Status check_files(const Json& list) {
    if (!list.contains("files") || !list.at("files").is_array()) return damaged("lists no files");
    if (list.at("files").size() > bounds_.files)
      return damaged(fmt::format("lists more than {} files", bounds_.files));
    for (const auto& item : list.at("files")) {
      const Listed listed{text_at(item, "path"), static_cast<std::uint64_t>(number_at(item, "size", -1)),
                          text_at(item, "sha256")};
      const std::string shown = "'" + printable(listed.path) + "'";
      if (!is_plain_path(listed.path))
        return damaged(fmt::format("lists {}, which is not a path inside a bundle", shown));
      if (!is_sha256(listed.sha256)) return damaged(fmt::format("lists no digest of {}", shown));
      if (!files_.empty() && files_.back().path >= listed.path)
        return damaged(fmt::format("lists {} twice or out of order", shown));
      if (listed.size > bounds_.bytes || (total_ += listed.size) > bounds_.bytes)
        return damaged(fmt::format("would be larger than {} when unpacked", show_size(bounds_.bytes)));
      files_.push_back(listed);
    }
    return {};
  }

  Status unpack_file(const Listed& listed, const fs::path& folder, SlowWork& work) {
    const fs::path to = folder / listed.path;
    auto entry = next(listed.path);
    if (!entry) return fail(entry.error());
    if (name_of(*entry) != name_ + "/" + listed.path)
      return damaged(
          fmt::format("holds '{}' where its list has '{}'", printable(name_of(*entry)), listed.path));
    if (auto made = make_folders(folder, fs::path(listed.path).parent_path()); !made) return made;
    // Only names of this program's own making lead here: the folder is new.
    const Fd fd(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return lab_error(fmt::format("cannot create: {}", std::strerror(errno)), to.string());
    std::uint64_t size = 0;
    for (;;) {
      const auto got = archive_read_data(in(), block_.data(), block_.size());
      if (got < 0) return damaged(fmt::format("is damaged in '{}' ({})", listed.path, why(in())));
      if (got == 0) break;
      const std::string_view bytes(block_.data(), static_cast<std::size_t>(got));
      if ((size += bytes.size()) > listed.size) break;
      if (auto written = put_bytes(fd.get(), bytes, to); !written) return written;
      work.done(bytes.size());
    }
    if (size != listed.size || sha256_file(to).value_or(std::string()) != listed.sha256)
      return damaged(
          fmt::format("is damaged in '{}': it does not have the digest that was packed", listed.path));
    return {};
  }

  fs::path file_;
  PortableBounds bounds_;
  Reader reader_;
  std::string name_;
  std::vector<Listed> files_;
  std::uint64_t total_ = 0;
  std::string block_ = std::string(1u << 18, '\0');
};

}  // namespace

Result<Packed> pack_bundle(const fs::path& folder, const std::map<std::string, fs::path>& also,
                           const fs::path& file) {
  if (auto run = read_run(folder); !run) return fail(run.error());
  auto files = files_of(folder, also);
  if (!files) return fail(files.error());
  std::error_code problem;
  const std::string name = fs::weakly_canonical(folder, problem).filename().string();
  if (!is_plain_name(name)) return input_error("has a name that is not valid in a bundle", folder.string());
  const fs::path beside = file.string() + ".new." + std::to_string(::getpid());
  if (auto written = write_archive(beside, name, *files); !written) {
    fs::remove(beside, problem);
    return fail(written.error());
  }
  Packed packed{.files = files->size(), .size = fs::file_size(beside, problem)};
  for (const auto& [path, source] : *files) packed.bytes += source.listed.size;
  auto digest = sha256_file(beside);
  if (!digest) return fail(digest.error());
  packed.sha256 = *digest;
  if (auto renamed = rename_synced(beside, file); !renamed) return fail(renamed.error());
  return packed;
}

Result<fs::path> unpack_bundle(const fs::path& file, const fs::path& into, const PortableBounds& bounds) {
  Unpacking unpacking(file, bounds);
  if (auto opened = unpacking.open(); !opened) return fail(opened.error());
  if (auto read = unpacking.read_list(); !read) return fail(read.error());
  const fs::path folder = into / unpacking.name();
  std::error_code problem;
  if (fs::exists(fs::symlink_status(folder, problem)))
    return input_error("already exists", folder.string(),
                       "move it away, or unpack somewhere else: --into DIR");
  const auto half = make_unpacking_folder(into);
  if (!half) return fail(half.error());
  Status done = unpacking.unpack_to(*half);
  if (done)
    if (auto run = read_run(*half); !run) done = fail(run.error());
  if (done) done = rename_synced(*half, folder);
  if (!done) {
    static_cast<void>(remove_below(into, *half));
    return fail(done.error());
  }
  return folder;
}

}  // namespace labctl::bundle
