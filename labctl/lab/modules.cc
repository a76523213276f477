#include "labctl/lab/modules.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <gelf.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::lab {
namespace {

namespace fs = std::filesystem;

using Reader = Owned<archive, archive_read_free>;
using Elf = Owned<::Elf, elf_end>;

constexpr std::string_view gnu{"GNU\0", 4};  // a note's owner, with its end
constexpr std::size_t block_size = 1u << 18;
constexpr std::uint64_t largest_module = 256u << 20;  // with debug information; bytes
constexpr std::uint64_t most_bytes = 8ull << 30;      // unpacked, of everything in an artifact
constexpr std::size_t most_entries = 200'000, most_modules = 4096, most_programs = 4096;
constexpr std::size_t longest_id = 64;  // bytes of a build id; SHA-1 has 20
constexpr std::size_t longest_word = 100;

// ---- an ELF file ----

std::string hexadecimal(std::string_view bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text += digits[byte >> 4], text += digits[byte & 15];
  return text;
}

std::string_view bytes_of(const Elf_Data* data) {
  if (data == nullptr || data->d_buf == nullptr) return {};
  return {static_cast<const char*>(data->d_buf), data->d_size};
}

std::string build_id_of(Elf_Data* data) {
  const std::string_view bytes = bytes_of(data);
  GElf_Nhdr note;
  std::size_t name = 0, text = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t next = gelf_getnote(data, at, &note, &name, &text);
    if (next <= at) break;
    at = next;
    const bool whole = name + note.n_namesz <= bytes.size() && text + note.n_descsz <= bytes.size();
    if (whole && note.n_type == NT_GNU_BUILD_ID && note.n_descsz > 0 && note.n_descsz <= longest_id &&
        bytes.substr(name, note.n_namesz) == gnu)
      return hexadecimal(bytes.substr(text, note.n_descsz));
  }
  return {};
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= longest_word && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

// "6.1.0-57-amd64 SMP preempt mod_unload": what stands before the first space; empty where it is no release.
std::string release_of(std::string_view vermagic) {
  const auto release = vermagic.substr(0, vermagic.find(' '));
  const bool plain =
      release.size() <= longest_word && std::all_of(release.begin(), release.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view(".-+_~").find(char(c)) != std::string_view::npos;
      });
  return plain ? std::string(release) : std::string();
}

// "key=value" between zeros; what is no word is left out.
void read_modinfo(std::string_view bytes, ModuleFile& module) {
  while (!bytes.empty()) {
    const std::string_view entry = bytes.substr(0, bytes.find('\0'));
    bytes.remove_prefix(std::min(bytes.size(), entry.size() + 1));
    const auto value_of = [entry](std::string_view key) {
      return entry.starts_with(key) && is_word(entry.substr(key.size())) ? entry.substr(key.size())
                                                                         : std::string_view();
    };
    if (const auto name = value_of("name="); !name.empty()) module.name = name;
    if (const auto digest = value_of("srcversion="); !digest.empty()) module.source_version = digest;
    constexpr std::string_view vermagic = "vermagic=";
    if (entry.starts_with(vermagic)) module.kernel = release_of(entry.substr(vermagic.size()));
  }
}

// "foo-bar.ko.xz": foo_bar, when the module itself does not say.
std::string name_of_file(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  name = name.substr(0, name.find(".ko"));
  std::replace(name.begin(), name.end(), '-', '_');
  return is_word(name) ? name : std::string();
}

// ---- archives ----

// Blocks of a file, or of an entry of another archive; an empty one is the end.
using Blocks = std::function<Result<std::string_view>()>;

la_ssize_t give_block(archive* handle, void* client, const void** buffer) {
  const auto block = (*static_cast<const Blocks*>(client))();
  if (!block) {
    archive_set_error(handle, EIO, "%s", block.error().what.c_str());
    return -1;
  }
  *buffer = block->data();
  return static_cast<la_ssize_t>(block->size());
}

Error damaged(archive* handle) {
  const char* text = archive_error_string(handle);
  return {Fault::input,
          fmt::format("cannot be read: {}", text ? printable(text) : std::string("unknown reason")),
          {},
          {}};
}

// The compressions that libarchive knows by itself: it starts no program.
Result<Reader> open_archive(const Blocks& blocks) {
  Reader reader(archive_read_new());
  archive* in = reader.get();
  for (const auto support :
       {archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz,
        archive_read_support_filter_lzma, archive_read_support_filter_zstd, archive_read_support_filter_rpm,
        archive_read_support_format_ar, archive_read_support_format_tar, archive_read_support_format_cpio,
        archive_read_support_format_empty, archive_read_support_format_raw})
    support(in);
  if (archive_read_open(in, const_cast<Blocks*>(&blocks), nullptr, give_block, nullptr) < ARCHIVE_WARN)
    return fail(damaged(in));
  return reader;
}

Blocks data_of(archive* in, std::string& room) {
  room.resize(block_size);
  return [in, &room]() -> Result<std::string_view> {
    const auto got = archive_read_data(in, room.data(), room.size());
    if (got < 0) return fail(damaged(in));
    return std::string_view(room.data(), static_cast<std::size_t>(got));
  };
}

bool is_module(std::string_view path) {
  constexpr std::string_view ends[] = {".ko", ".ko.xz", ".ko.zst", ".ko.gz"};
  return std::any_of(std::begin(ends), std::end(ends), [&](auto end) { return path.ends_with(end); });
}

// "sensord.service", of a file in one of the folders where packages put units.
std::string unit_at(std::string_view path) {
  constexpr std::string_view folder = "lib/systemd/system/";
  constexpr std::string_view types[] = {".service", ".socket", ".timer", ".path", ".mount", ".target"};
  const auto at = path.rfind(folder);
  if (at == path.npos || (at != 0 && path[at - 1] != '/')) return {};
  const auto name = path.substr(at + folder.size());
  const bool unit =
      std::any_of(std::begin(types), std::end(types), [&](auto type) { return name.ends_with(type); });
  if (!unit || name.size() > longest_word || name.find_first_of("@/") != name.npos) return {};
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
  return plain ? std::string(name) : std::string();
}

// "usr/src/sensor-7.16/dkms.conf", in the folder where DKMS looks for sources.
bool is_dkms_conf(std::string_view path) {
  constexpr std::string_view folder = "usr/src/", file = "/dkms.conf";
  const auto at = path.find(folder);
  if (at == path.npos || (at != 0 && path[at - 1] != '/') || !path.ends_with(file)) return false;
  const auto between = path.substr(at + folder.size());
  return between.find('/') == between.size() - file.size();
}

// The modules that it names, else the one that is called as the package is. It is a shell's text: what is no
// plain word is left out.
std::set<std::string> modules_of_dkms_conf(const std::string& text) {
  std::set<std::string> names;
  std::string package;
  for (const auto& raw : split(text, '\n')) {
    const auto line = trim(raw);
    const auto equals = line.find('=');
    if (equals == line.npos) continue;
    auto value = std::string(trim(line.substr(equals + 1)));
    std::erase_if(value, [](char c) { return c == '"' || c == '\''; });
    if (value == "$PACKAGE_NAME" || value == "${PACKAGE_NAME}") value = package;
    const bool plain = !value.empty() && value.size() <= longest_word &&
                       std::all_of(value.begin(), value.end(), [](unsigned char c) {
                         return std::isalnum(c) != 0 || c == '-' || c == '_';
                       });
    if (!plain) continue;
    if (line.starts_with("PACKAGE_NAME=")) package = value;
    if (line.starts_with("BUILT_MODULE_NAME")) names.insert(name_of_file(value));
  }
  if (names.empty() && !package.empty()) names.insert(name_of_file(package));
  return names;
}

// What blocks are of: the artifact, the files of a deb, or one module. None holds more of its own kind.
enum class Holds { artifact, package, module };

class Walk {
 public:
  Status through(const Blocks& blocks, const std::string& path, Holds holds) {
    const auto reader = open_archive(blocks);
    if (!reader) return fail(reader.error());
    archive* in = reader->get();
    archive_entry* entry = nullptr;
    for (int got = 0; (got = archive_read_next_header(in, &entry)) != ARCHIVE_EOF;) {
      if (got < ARCHIVE_WARN) return fail(damaged(in));
      if (archive_format(in) == ARCHIVE_FORMAT_RAW) return alone(in, path);
      if (holds == Holds::module) return {};
      const la_int64_t size = archive_entry_size(entry);
      if (size < 0 || (bytes_ += static_cast<std::uint64_t>(size)) > most_bytes || ++entries_ > most_entries)
        return input_error(fmt::format("holds more than is read of an artifact: {}, {} files",
                                       show_size(most_bytes), most_entries));
      const char* name = archive_entry_pathname(entry);
      if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
      const bool runs = (archive_entry_perm(entry) & 0111) != 0;
      if (auto seen = of_archive(in, name, holds, runs); !seen) return seen;
    }
    return {};
  }

  Inside found;
  std::set<std::string> units, built;

 private:
  // A deb is an archive whose member data.tar.* is another one.
  Status of_archive(archive* in, const std::string& name, Holds holds, bool runs) {
    const bool packed = holds == Holds::artifact &&
                        (archive_format(in) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_AR &&
                        name.starts_with("data.tar");
    if (auto unit = unit_at(name); !unit.empty() && units.size() < most_modules)
      units.insert(std::move(unit));
    if (is_dkms_conf(name)) return dkms_conf(in);
    if (!packed && !is_module(name)) return runs ? program(in, name) : Status();
    std::string room;
    return through(data_of(in, room), name, packed ? Holds::package : Holds::module);
  }

  // Its beginning: nobody writes a longer one.
  Status dkms_conf(archive* in) {
    constexpr std::size_t longest_conf = 1u << 16;
    std::string room, text;
    for (const auto blocks = data_of(in, room); text.size() < longest_conf;) {
      const auto block = blocks();
      if (!block) return fail(block.error());
      if (block->empty()) break;
      text += *block;
    }
    for (auto& name : modules_of_dkms_conf(text))
      if (built.size() < most_modules) built.insert(name);
    return {};
  }

  Status program(archive* in, const std::string& name) {
    auto bytes = whole(in, name);
    if (!bytes) return fail(bytes.error());
    if (found.programs.size() >= most_programs)
      return input_error(fmt::format("holds more than {} programs", most_programs));
    found.programs.push_back("sha256:" + sha256(*bytes));
    return {};
  }

  Result<std::string> whole(archive* in, const std::string& path) {
    std::string room, bytes;
    for (const auto blocks = data_of(in, room);;) {
      const auto block = blocks();
      if (!block) return fail(block.error());
      if (block->empty()) return bytes;
      bytes += *block;
      if (bytes.size() > largest_module)
        return input_error(fmt::format("the program is larger than {}", show_size(largest_module)),
                           printable(path, 200));
    }
  }

  // What is no archive: a module, or nothing that could be one.
  Status alone(archive* in, const std::string& path) {
    std::string room, bytes;
    for (const auto blocks = data_of(in, room);;) {
      const auto block = blocks();
      if (!block) return fail(block.error());
      bytes += *block;
      if (bytes.size() >= SELFMAG && !bytes.starts_with(ELFMAG)) return {};
      if (block->empty()) break;
      if (bytes.size() > largest_module || (bytes_ += block->size()) > most_bytes)
        return input_error(fmt::format("the module is larger than {}", show_size(largest_module)),
                           printable(path, 200));
    }
    if (found.modules.size() >= most_modules)
      return input_error(fmt::format("holds more than {} modules", most_modules));
    if (bytes.starts_with(ELFMAG)) found.modules.push_back(read_module(path, bytes));
    return {};
  }

  std::uint64_t bytes_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace

ModuleFile read_module(std::string path, std::string_view file) {
  ModuleFile module{.path = std::move(path)};
  module.name = name_of_file(module.path);
  std::string bytes(file);  // libelf may turn its numbers round in place
  if (elf_version(EV_CURRENT) == EV_NONE || bytes.empty()) return module;
  const Elf elf(elf_memory(bytes.data(), bytes.size()));
  std::size_t names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || elf_getshdrstrndx(elf.get(), &names) != 0) return module;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* name = elf_strptr(elf.get(), names, header.sh_name);
    if (name == nullptr || header.sh_type == SHT_NOBITS) continue;
    if (header.sh_type == SHT_NOTE && std::string_view(name) == ".note.gnu.build-id")
      module.build_id = build_id_of(elf_getdata(section, nullptr));
    if (std::string_view(name) == ".modinfo") read_modinfo(bytes_of(elf_rawdata(section, nullptr)), module);
  }
  return module;
}

Result<Inside> inside(const fs::path& artifact) {
  const Owned<std::FILE, std::fclose> file(std::fopen(artifact.c_str(), "rbe"));
  if (!file) return input_error(fmt::format("cannot open: {}", std::strerror(errno)), artifact.string());
  std::string room(block_size, '\0');
  const Blocks blocks = [&]() -> Result<std::string_view> {
    const std::size_t got = std::fread(room.data(), 1, room.size(), file.get());
    if (std::ferror(file.get()) != 0) return input_error("cannot be read");
    return std::string_view(room.data(), got);
  };
  Walk walk;
  if (auto walked = walk.through(blocks, artifact.filename().string(), Holds::artifact); !walked) {
    Error error = walked.error();
    if (error.where.empty()) error.where = artifact.string();
    return fail(std::move(error));
  }
  walk.found.units.assign(walk.units.begin(), walk.units.end());
  walk.found.built.assign(walk.built.begin(), walk.built.end());
  return std::move(walk.found);
}

std::vector<std::string> builds_of(const std::vector<ModuleFile>& modules, const std::string& name) {
  std::vector<std::string> builds;
  for (const auto& module : modules) {
    if (module.name != name) continue;
    if (module.build_id.empty() && module.source_version.empty()) return {};
    builds.push_back(module.build_id.empty() ? "srcversion:" + module.source_version
                                             : "build-id:" + module.build_id);
  }
  std::sort(builds.begin(), builds.end());
  builds.erase(std::unique(builds.begin(), builds.end()), builds.end());
  return builds;
}

}  // namespace labctl::lab
