// Modules as artifacts hold them, and artifacts that lie.
#include "labctl/lab/modules.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <stdlib.h>

#include <cstring>

#include "labctl/base/files.h"
#include "labctl/base/owned.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::string_literals;

namespace {

const std::string id = "0123456789abcdef0123456789abcdef01234567";

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// A kernel module as far as anybody here reads it.
std::string module_file(const std::string& name, const std::string& build_id, const std::string& more = {}) {
  std::string id_bytes;
  for (std::size_t i = 0; i + 1 < build_id.size(); i += 2)
    id_bytes += static_cast<char>(std::stoi(build_id.substr(i, 2), nullptr, 16));
  const Elf64_Nhdr note{4, static_cast<Elf64_Word>(id_bytes.size()), NT_GNU_BUILD_ID};
  const std::string names = "\0.note.gnu.build-id\0.modinfo\0.shstrtab\0"s;
  struct Part {
    std::uint32_t name, type;
    std::string bytes;
  };
  std::vector<Part> parts{{20, SHT_PROGBITS, "license=GPL\0name="s + name + "\0"s + more + "\0"s},
                          {29, SHT_STRTAB, names}};
  if (!build_id.empty()) parts.insert(parts.begin(), {1, SHT_NOTE, bytes_of(note) + "GNU\0"s + id_bytes});
  std::string body, table(sizeof(Elf64_Shdr), '\0');
  for (auto& part : parts) {
    Elf64_Shdr header{};
    header.sh_name = part.name, header.sh_type = part.type, header.sh_size = part.bytes.size();
    header.sh_offset = sizeof(Elf64_Ehdr) + body.size(), header.sh_addralign = 4;
    body += part.bytes + std::string((8 - part.bytes.size() % 8) % 8, '\0');
    table += bytes_of(header);
  }
  Elf64_Ehdr head{};
  std::memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64, head.e_ident[EI_DATA] = ELFDATA2LSB,
  head.e_ident[EI_VERSION] = EV_CURRENT;
  head.e_type = ET_REL, head.e_machine = EM_X86_64, head.e_version = EV_CURRENT, head.e_ehsize = sizeof head;
  head.e_shoff = sizeof head + body.size(), head.e_shentsize = sizeof(Elf64_Shdr);
  head.e_shnum = static_cast<Elf64_Half>(parts.size() + 1),
  head.e_shstrndx = static_cast<Elf64_Half>(parts.size());
  return bytes_of(head) + body + table;
}

using Files = std::vector<std::pair<std::string, std::string>>;
using Setup = int (*)(archive*);

std::string packed(std::initializer_list<Setup> setup, const Files& files) {
  const Owned<archive, archive_write_free> writer(archive_write_new());
  archive* out = writer.get();
  for (const auto step : setup) REQUIRE(step(out) == ARCHIVE_OK);
  std::string bytes(8u << 20, '\0');
  std::size_t used = 0;
  archive_write_set_bytes_in_last_block(out, 1);
  REQUIRE(archive_write_open_memory(out, bytes.data(), bytes.size(), &used) == ARCHIVE_OK);
  for (const auto& [name, content] : files) {
    const Owned<archive_entry, archive_entry_free> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    REQUIRE(archive_write_header(out, entry.get()) == ARCHIVE_OK);
    REQUIRE(archive_write_data(out, content.data(), content.size()) ==
            static_cast<la_ssize_t>(content.size()));
  }
  REQUIRE(archive_write_close(out) == ARCHIVE_OK);
  return bytes.substr(0, used);
}

std::string compressed(Setup filter, const std::string& content) {
  return packed({filter, archive_write_set_format_raw}, {{"data", content}});
}
std::string tar(Setup filter, const Files& files) {
  return packed({filter, archive_write_set_format_gnutar}, files);
}
std::string deb(Setup filter, const Files& files) {
  return packed({archive_write_set_format_ar_svr4},
                {{"debian-binary", "2.0\n"},
                 {"control.tar.xz", tar(archive_write_add_filter_xz, {{"./control", "Package: x\n"}})},
                 {"data.tar.xz", tar(filter, files)}});
}
// A lead and two empty headers before the payload.
std::string rpm(const Files& files) {
  const std::string lead = "\xed\xab\xee\xdb\x03"s, header = "\x8e\xad\xe8\x01\0\0\0\0\0\0\0\0\0\0\0\0"s;
  return lead + std::string(96 - lead.size(), '\0') + header + header +
         packed({archive_write_add_filter_gzip, archive_write_set_format_cpio_newc}, files);
}

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/labctl-modules-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  Result<std::vector<lab::ModuleFile>> modules(const std::string& name, const std::string& bytes) const {
    REQUIRE(write_file(path_ / name, bytes));
    auto found = lab::inside(path_ / name);
    if (!found) return fail(found.error());
    return std::move(found->modules);
  }
  std::vector<std::string> builds(const std::string& name, const std::string& bytes) const {
    const auto modules = this->modules(name, bytes);
    INFO((modules ? name : modules.error().text()));
    REQUIRE(modules);
    return lab::builds_of(*modules, "sensor");
  }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("the builds of a driver are read out of every kind of artifact") {
  const Folder folder;
  const std::string ko = module_file("sensor", id), path = "./lib/modules/6.1.0-9-amd64/updates/sensor.ko";
  const std::string xz = compressed(archive_write_add_filter_xz, ko),
                    zst = compressed(archive_write_add_filter_zstd, ko),
                    gz = compressed(archive_write_add_filter_gzip, ko);
  const std::vector<std::string> one{"build-id:" + id};
  CHECK(folder.builds("sensor.ko", ko) == one);
  CHECK(folder.builds("sensor.ko.xz", xz) == one);
  CHECK(folder.builds("sensor.ko.zst", zst) == one);
  CHECK(folder.builds("sensor.ko.gz", gz) == one);
  CHECK(folder.builds("a.deb",
                      deb(archive_write_add_filter_xz, {{"./usr/share/doc/x", "text"}, {path, ko}})) == one);
  CHECK(folder.builds("b.deb", deb(archive_write_add_filter_zstd, {{path + ".xz", xz}})) == one);
  CHECK(folder.builds("c.deb", deb(archive_write_add_filter_none, {{path + ".zst", zst}})) == one);
  CHECK(folder.builds("a.rpm", rpm({{path + ".gz", gz}})) == one);
  CHECK(folder.builds("a.tar.gz", tar(archive_write_add_filter_gzip, {{path, ko}})) == one);
}

TEST_CASE("a package for several kernels has a build for each, and another module's do not count") {
  const Folder folder;
  const std::string other(40, 'b');
  CHECK(folder.builds("a.tar", tar(archive_write_add_filter_none,
                                   {{"6.1/sensor.ko", module_file("sensor", id)},
                                    {"6.12/sensor.ko", module_file("sensor", other)},
                                    {"6.12/core.ko", module_file("core", std::string(40, 'c'))}})) ==
        std::vector<std::string>{"build-id:" + id, "build-id:" + other});
}

TEST_CASE("a module goes by the name that the kernel gives it, or by its file's") {
  const Folder folder;
  CHECK(folder.builds("build-4711.ko", module_file("sensor", id)).size() == 1);
  CHECK(folder.modules("my-sensor.ko", module_file("", id)).value().front().name == "my_sensor");
}

TEST_CASE("a module says for which kernel it was built, in words that are a release") {
  const auto kernel = [](const std::string& magic) {
    return lab::read_module("sensor.ko", module_file("sensor", id, "vermagic=" + magic)).kernel;
  };
  CHECK(kernel("6.1.0-57-amd64 SMP preempt mod_unload modversions ") == "6.1.0-57-amd64");
  CHECK(kernel("6.12.117+deb12-amd64") == "6.12.117+deb12-amd64");
  for (const char* odd : {"", " SMP", "6.1;reboot SMP", "6.1\n# x"}) CHECK(kernel(odd).empty());
  CHECK(kernel(std::string(200, '6')).empty());
  CHECK(lab::read_module("sensor.ko", module_file("sensor", id)).kernel.empty());
}

TEST_CASE("without a build id its source version tells a build, and without both nothing does") {
  const Folder folder;
  CHECK(folder.builds("sensor.ko", module_file("sensor", "", "srcversion=0A1B2C")) ==
        std::vector<std::string>{"srcversion:0A1B2C"});
  CHECK(folder.builds("sensor.ko", module_file("sensor", "", "srcversion=x\ny")).empty());
  CHECK(folder.builds("sensor.ko", module_file("sensor", "")).empty());
  CHECK(folder
            .builds("a.tar", tar(archive_write_add_filter_none, {{"sensor.ko", module_file("sensor", id)},
                                                                 {"b/sensor.ko", module_file("sensor", "")}}))
            .empty());
}

TEST_CASE("what holds no module has none, and what is damaged is said to be") {
  const Folder folder;
  CHECK(folder.builds("install.run", "#!/bin/sh\nexit 0\n").empty());
  CHECK(
      folder
          .builds("source.deb", deb(archive_write_add_filter_xz, {{"./usr/src/sensor-1/sensor.c", "int x;"}}))
          .empty());
  CHECK(folder.builds("empty", "").empty());
  const std::string whole = deb(archive_write_add_filter_xz, {{"sensor.ko", module_file("sensor", id)}});
  CHECK_FALSE(folder.modules("cut.deb", whole.substr(0, whole.size() - 60)));
  // A module is no archive of others, however it calls itself.
  const std::string nested = tar(archive_write_add_filter_none, {{"sensor.ko", module_file("sensor", id)}});
  CHECK(folder.builds("nested.tar", tar(archive_write_add_filter_none, {{"sensor.ko", nested}})).empty());
}

TEST_CASE("no cut and no changed byte of a module or an artifact does harm") {
  const Folder folder;
  const std::string ko = module_file("sensor", id, "srcversion=0A1B2C");
  for (std::size_t at = 0; at < ko.size(); ++at) {
    static_cast<void>(lab::read_module("sensor.ko", std::string_view(ko).substr(0, at)));
    for (const char changed : {'\x00', '\x7f', '\x80', '\xff'}) {
      std::string bytes = ko;
      bytes[at] = changed;
      const auto module = lab::read_module("sensor.ko", bytes);
      CHECK(module.build_id.size() <= 128);
    }
  }
  const std::string whole = deb(archive_write_add_filter_xz, {{"sensor.ko", ko}});
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ 0x55u);
    static_cast<void>(folder.modules("changed.deb", bytes));
    static_cast<void>(folder.modules("cut.deb", whole.substr(0, at)));
  }
}
