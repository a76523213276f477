#include "labctl/bundle/set_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::bundle {
namespace {

constexpr const char* make_it_again =
    "make the archive of plain files, named from its top: tar -C FOLDER -cf FILE .";

// libarchive turns names into this thread's locale: with this one they stay the bytes that stand there.
class Utf8Names {
 public:
  Utf8Names() : own_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr))) {
    if (own_) before_ = ::uselocale(own_);
  }
  ~Utf8Names() {
    if (!own_) return;
    ::uselocale(before_);
    ::freelocale(own_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t own_, before_ = {};
};

class SetArchive {
 public:
  SetArchive(const fs::path& file, const std::string& where, const fs::path& into, const std::string& called,
             const ArchiveBounds& bounds)
      : file_(file),
        called_(called.empty() ? file.filename().string() : called),
        where_(where),
        into_(into),
        bounds_(bounds),
        reader_(archive_read_new()) {}

  Result<std::vector<SetFile>> read() {
    const Utf8Names names;
    if (auto opened = open(); !opened) return fail(opened.error());
    for (;;) {
      archive_entry* entry = nullptr;
      const int code = archive_read_next_header(in(), &entry);
      if (code == ARCHIVE_EOF) break;
      if (code < ARCHIVE_WARN)
        return broken(last_.empty() ? "its beginning" : "what follows " + shown(last_));
      if (++entries_ > bounds_.entries)
        return wrong(fmt::format("holds more than {} entries", bounds_.entries));
      if (auto taken = take(entry, code == ARCHIVE_WARN); !taken) return fail(taken.error());
    }
    if (files_.empty()) return wrong("holds no file");
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return std::move(files_);
  }

 private:
  archive* in() { return reader_.get(); }
  static std::string shown(const std::string& name) { return fmt::format("'{}'", printable(name, 200)); }
  tl::unexpected<Error> wrong(const std::string& what) const {
    return input_error(fmt::format("the archive {} {}", called_, what), where_, make_it_again);
  }
  tl::unexpected<Error> broken(const std::string& at) {
    const char* why = archive_error_string(in());
    return wrong(fmt::format("cannot be read at {}: {}", at, printable(why ? why : "unknown reason", 200)));
  }

  Status open() {
    std::error_code problem;
    if (!fs::is_regular_file(file_, problem)) return wrong("is not a file");
    if (archive_read_support_filter_gzip(in()) < ARCHIVE_WARN ||
        archive_read_support_filter_xz(in()) < ARCHIVE_WARN ||
        archive_read_support_filter_zstd(in()) < ARCHIVE_WARN ||
        archive_read_support_format_tar(in()) != ARCHIVE_OK ||
        archive_read_support_format_zip(in()) != ARCHIVE_OK)
      return lab_error("libarchive cannot read tar and zip here");
    if (archive_read_open_filename(in(), file_.c_str(), block_.size()) != ARCHIVE_OK)
      return broken("its beginning");
    return {};
  }

  Status take(archive_entry* entry, bool warned) {
    const char* given = archive_entry_pathname(entry);
    if (!given)
      return wrong(fmt::format("has an entry whose name cannot be read, behind {}",
                               last_.empty() ? "its beginning" : shown(last_)));
    last_ = given;
    std::string name = last_;
    while (name.starts_with("./")) name.erase(0, 2);
    if (archive_entry_is_encrypted(entry)) return wrong(fmt::format("is encrypted, as {} is", shown(last_)));
    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
      return wrong(fmt::format("holds a link: {}", shown(last_)));
    const auto type = archive_entry_filetype(entry);
    const bool folder = type == AE_IFDIR;
    while (folder && name.ends_with('/')) name.pop_back();
    if (folder && (name.empty() || name == ".")) return {};
    if (type != AE_IFREG && !folder)
      return wrong(fmt::format("holds what is not a plain file: {}", shown(last_)));
    if (!is_name_in_set(name))
      return wrong(fmt::format("has an entry whose name is absolute, leads out of it or cannot be listed: {}",
                               shown(last_)));
    if (warned) return broken(shown(last_));
    if (auto fits = claim(name, folder); !fits || folder) return fits;
    SetFile file{.name = name, .source = {}, .size = 0, .sha256 = {}};
    if (!into_.empty()) file.source = into_ / std::to_string(files_.size());
    if (auto read = copy(file); !read) return read;
    files_.push_back(std::move(file));
    return {};
  }

  // Each name once, and none that is a file and a folder at a time: what is unpacked over another is not
  // what everybody gets.
  Status claim(const std::string& name, bool folder) {
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      const std::string above = name.substr(0, slash);
      if (names_.count(above) != 0)
        return wrong(fmt::format("holds {} below what is a file in it", shown(name)));
      folders_.insert(above);
    }
    if (names_.count(name) != 0) return wrong(fmt::format("holds {} twice", shown(name)));
    if (folder) {
      folders_.insert(name);
      return {};
    }
    if (folders_.count(name) != 0)
      return wrong(fmt::format("holds {} as a file and as a folder", shown(name)));
    names_.insert(name);
    return {};
  }

  // What its header says of the size counts for nothing; holes of a sparse file are zeros, and count.
  Status copy(SetFile& file) {
    std::ofstream out;
    if (!file.source.empty()) {
      out.open(file.source, std::ios::binary | std::ios::trunc);
      if (!out) return lab_error("cannot be written", file.source.string());
    }
    for (;;) {
      const auto got = archive_read_data(in(), block_.data(), block_.size());
      if (got < 0) return broken(shown(file.name));
      if (got == 0) break;
      file.size += static_cast<std::uint64_t>(got);
      bytes_ += static_cast<std::uint64_t>(got);
      if (bytes_ > bounds_.bytes)
        return wrong(fmt::format("is larger than {} when it is unpacked, at {}", show_size(bounds_.bytes),
                                 shown(file.name)));
      if (out.is_open()) out.write(block_.data(), got);
    }
    if (!out.is_open()) return {};
    out.close();
    return out ? Status() : lab_error("cannot be written: is the disk full?", file.source.string());
  }

  fs::path file_;
  std::string called_, where_;
  fs::path into_;
  ArchiveBounds bounds_;
  Owned<archive, archive_read_free> reader_;
  std::array<char, 1u << 16> block_{};
  std::string last_;
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<SetFile> files_;
  std::set<std::string> names_, folders_;
};

}  // namespace

bool is_archive_name(std::string_view path) {
  constexpr std::string_view ends[] = {".tar", ".tar.gz",  ".tgz",  ".tar.xz",
                                       ".txz", ".tar.zst", ".tzst", ".zip"};
  return std::any_of(std::begin(ends), std::end(ends),
                     [&](std::string_view end) { return path.size() > end.size() && path.ends_with(end); });
}

Result<std::vector<SetFile>> files_of_archive(const fs::path& archive, const std::string& where,
                                              const fs::path& into, const std::string& called,
                                              const ArchiveBounds& bounds) {
  return SetArchive(archive, where, into, called, bounds).read();
}

Result<std::vector<SetFile>> files_of_content(const fs::path& path, const std::string& where,
                                              const fs::path& work) {
  if (!is_archive_name(path.string())) return files_of_set({path}, where);
  const fs::path into = work / ("unpacked-" + sha256(path.string()).substr(0, 16));
  if (auto made = make_dirs(into); !made) return fail(made.error());
  return files_of_archive(path, where, into);
}

}  // namespace labctl::bundle
