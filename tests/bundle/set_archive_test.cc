// Content that is an archive: what its files are, and what is no such archive.
#include "labctl/bundle/set_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Member {
  std::string name, bytes = {};
  unsigned type = AE_IFREG;
  std::string hardlink = {};
};

struct Place {
  fs::path path;
  Place() {
    char name[] = "/tmp/labctl-archive-XXXXXX";
    path = ::mkdtemp(name);
    fs::create_directories(path / "out");
  }
  ~Place() { fs::remove_all(path); }

  fs::path packed(const std::vector<Member>& members, const std::string& name = "channels.tar",
                  const char* filter = "none") const {
    const fs::path file = path / name;
    const Owned<struct archive, archive_write_free> out(archive_write_new());
    if (name.ends_with(".zip"))
      archive_write_set_format_zip(out.get());
    else
      archive_write_set_format_pax_restricted(out.get());
    if (std::string(filter) != "none") archive_write_add_filter_by_name(out.get(), filter);
    REQUIRE(archive_write_open_filename(out.get(), file.c_str()) == ARCHIVE_OK);
    for (const auto& member : members) {
      const Owned<archive_entry, archive_entry_free> header(archive_entry_new());
      archive_entry_set_pathname(header.get(), member.name.c_str());
      archive_entry_set_filetype(header.get(), member.type);
      archive_entry_set_perm(header.get(), member.type == AE_IFDIR ? 0755 : 0644);
      if (member.type == AE_IFLNK) archive_entry_set_symlink(header.get(), "/etc/passwd");
      if (!member.hardlink.empty()) archive_entry_set_hardlink(header.get(), member.hardlink.c_str());
      archive_entry_set_size(header.get(), static_cast<la_int64_t>(member.bytes.size()));
      archive_write_header(out.get(), header.get());
      archive_write_data(out.get(), member.bytes.data(), member.bytes.size());
    }
    archive_write_close(out.get());
    return file;
  }

  std::string refused(const std::vector<Member>& members, const bundle::ArchiveBounds& bounds = {}) const {
    const auto files = bundle::files_of_archive(packed(members), "gate.yaml:3:5", path / "out", {}, bounds);
    REQUIRE_FALSE(files);
    CHECK(files.error().fault == Fault::input);
    CHECK(files.error().where == "gate.yaml:3:5");
    return files.error().text();
  }
};

const std::vector<Member> sound = {
    {"sub/", "", AE_IFDIR}, {"./sub/b\u00e9", "second"}, {"a.bin", "first"}, {"empty", ""}};

}  // namespace

TEST_CASE("an archive is the set that a folder with the same files is, however it is packed") {
  const Place place;
  fs::create_directories(place.path / "folder/sub");
  REQUIRE(write_file(place.path / "folder/sub/b\u00e9", "second"));
  REQUIRE(write_file(place.path / "folder/a.bin", "first"));
  REQUIRE(write_file(place.path / "folder/empty", ""));
  const auto wanted = bundle::set_sha256({place.path / "folder"});
  REQUIRE(wanted);
  const std::pair<const char*, const char*> kinds[] = {{"x.tar", "none"},     {"x.tar.gz", "gzip"},
                                                       {"x.tgz", "gzip"},     {"x.tar.xz", "xz"},
                                                       {"x.tar.zst", "zstd"}, {"x.zip", "none"}};
  for (const auto& [name, filter] : kinds) {
    INFO(name);
    CHECK(bundle::is_archive_name(name));
    const fs::path file = place.packed(sound, name, filter);
    auto files = bundle::files_of_archive(file, {}, place.path / "out");
    REQUIRE(files);
    REQUIRE(files->size() == 3);
    for (auto& one : *files) {
      CHECK(one.source.parent_path() == place.path / "out");
      CHECK(fs::file_size(one.source) == one.size);
      one.sha256 = sha256_file(one.source).value();
    }
    CHECK(sha256(bundle::manifest_of(*files)) == *wanted);
    const auto listed = bundle::files_of_archive(file, {});  // without a byte on the disk
    REQUIRE(listed);
    CHECK(listed->size() == 3);
    CHECK(listed->front().source.empty());
    CHECK(bundle::files_of_content(file, {}, place.path)->size() == 3);
  }
  for (const char* name : {"channels", "channels/", "x.tar/", "tar", ".tar", "x.gz", "x.deb"})
    CHECK_FALSE(bundle::is_archive_name(name));
}

TEST_CASE(
    "what is not a plain file below the archive's top is a mistake that names it, and nothing is let out") {
  const Place place;
  const Member good{"a.bin", "first"};
  for (const char* name : {"/etc/x", "../x", "x/../../y", "x//y", "x\\y", "x\ny", "x/./y", ".."}) {
    INFO(name);
    CHECK_THAT(place.refused({good, {name, "bad"}}), ContainsSubstring(printable(name)));
  }
  CHECK_THAT(place.refused({good, {"link", "", AE_IFLNK}}), ContainsSubstring("holds a link: 'link'"));
  CHECK_THAT(place.refused({good, {"hard", "", AE_IFREG, "a.bin"}}),
             ContainsSubstring("holds a link: 'hard'"));
  CHECK_THAT(place.refused({good, {"pipe", "", AE_IFIFO}}), ContainsSubstring("not a plain file: 'pipe'"));
  CHECK_THAT(place.refused({good, {"tty", "", AE_IFCHR}}), ContainsSubstring("not a plain file: 'tty'"));
  CHECK_THAT(place.refused({good, good}), ContainsSubstring("holds 'a.bin' twice"));
  CHECK_THAT(place.refused({good, {"./a.bin", "x"}}), ContainsSubstring("holds 'a.bin' twice"));
  CHECK_THAT(place.refused({good, {"a.bin/x", "x"}}), ContainsSubstring("'a.bin/x' below what is a file"));
  CHECK_THAT(place.refused({{"d/x", "x"}, {"d", "x"}}), ContainsSubstring("'d' as a file and as a folder"));
  CHECK_THAT(place.refused({{"d", "x"}, {"d/", "", AE_IFDIR}}), ContainsSubstring("'d' twice"));
  CHECK_THAT(place.refused({{"d/", "", AE_IFDIR}}), ContainsSubstring("holds no file"));
  for (const auto& entry : fs::recursive_directory_iterator(place.path / "out"))
    CHECK(entry.path().parent_path() == place.path / "out");
}

TEST_CASE("an archive is bounded by what is in it, whatever its headers say") {
  const Place place;
  const std::vector<Member> three = {{"a", std::string(60, 'x')}, {"b", std::string(60, 'x')}, {"c", "x"}};
  CHECK_THAT(place.refused(three, {.entries = 2}), ContainsSubstring("more than 2 entries"));
  CHECK_THAT(place.refused(three, {.bytes = 100}), ContainsSubstring("'b'"));
  CHECK(bundle::files_of_archive(place.packed(three), {}, {}, {}, {.entries = 3, .bytes = 121}));
}

TEST_CASE("what is no archive, or half of one, is a mistake that says where") {
  const Place place;
  const auto why = [&](const fs::path& file) {
    const auto files = bundle::files_of_archive(file, {}, place.path / "out", "channels.tar");
    REQUIRE_FALSE(files);
    return files.error().text();
  };
  REQUIRE(write_file(place.path / "x.tar", "no archive, but a text"));
  CHECK_THAT(why(place.path / "x.tar"), ContainsSubstring("the archive channels.tar cannot be read"));
  CHECK_THAT(why(place.path / "none.tar"), ContainsSubstring("is not a file"));
  const fs::path whole = place.packed({{"a", std::string(100'000, 'x')}, {"b", std::string(100'000, 'y')}});
  fs::resize_file(whole, 120'000);
  CHECK_THAT(why(whole), ContainsSubstring("cannot be read at 'b'"));
  fs::resize_file(whole, 100);
  why(whole);
}
