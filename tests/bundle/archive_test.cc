// A bundle as one file, and every way in which such a file can lie.

#include "labctl/bundle/archive.h"
#include "labctl/outcome/run_record.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <functional>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/owned.h"
#include "labctl/plan/plan.h"
#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace labctl;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("labctl-portable-" + std::to_string(::getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  void put(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path / name).parent_path());
    REQUIRE(write_file(path / name, bytes));
  }
  fs::path bundle() const {
    outcome::RunRecord run{.plan = {.scenario = "gate"}};
    run.plan.cells = {story::candidate()};
    put("out/20260101T000000Z-gate/run.json", outcome::write_run_record(run));
    put("out/20260101T000000Z-gate/cells/debian.candidate/console.log", std::string(300000, 'x') + "\x1b[0m");
    put("out/20260101T000000Z-gate/cells/debian.candidate/events.jsonl", "");
    return path / "out/20260101T000000Z-gate";
  }
};

// An archive written by somebody else. The first entry is the list of what `listed` has, unless told.
struct Item {
  std::string name, bytes = {};
  unsigned type = AE_IFREG;
  std::string hardlink = {};
  std::int64_t size = -1;  // as the header says it
};

Json entry(const std::string& path, const std::string& bytes) {
  return {{"path", path}, {"size", bytes.size()}, {"sha256", sha256(bytes)}};
}

void forge(const fs::path& file, const Json& list, std::vector<Item> items, const char* filter = "zstd") {
  items.insert(items.begin(), {"labctl-bundle.json", dump_line(list)});
  const Owned<archive, archive_write_free> out(archive_write_new());
  archive_write_set_format_pax_restricted(out.get());
  archive_write_add_filter_by_name(out.get(), filter);
  REQUIRE(archive_write_open_filename(out.get(), file.c_str()) == ARCHIVE_OK);
  for (const auto& item : items) {
    const Owned<archive_entry, archive_entry_free> header(archive_entry_new());
    archive_entry_set_pathname(header.get(), item.name.c_str());
    archive_entry_set_filetype(header.get(), item.type);
    archive_entry_set_perm(header.get(), 0644);
    if (item.type == AE_IFLNK) archive_entry_set_symlink(header.get(), "/etc/passwd");
    if (!item.hardlink.empty()) archive_entry_set_hardlink(header.get(), item.hardlink.c_str());
    if (item.type == AE_IFREG && item.hardlink.empty())
      archive_entry_set_size(header.get(),
                             item.size < 0 ? static_cast<la_int64_t>(item.bytes.size()) : item.size);
    archive_write_header(out.get(), header.get());
    archive_write_data(out.get(), item.bytes.data(), item.bytes.size());
  }
}

}  // namespace

TEST_CASE("a bundle comes back byte for byte, with what was packed beside it") {
  Folder folder;
  const auto bundle = folder.bundle();
  folder.put("driver.deb", "driver");
  const auto packed = bundle::pack_bundle(
      bundle, {{"artefacts/" + sha256("driver"), folder.path / "driver.deb"}}, folder.path / "x.tar.zst");
  REQUIRE(packed);
  CHECK(packed->files == 4);
  const auto back = bundle::unpack_bundle(folder.path / "x.tar.zst", folder.path / "desk");
  REQUIRE(back);
  CHECK(*back == folder.path / "desk/20260101T000000Z-gate");
  CHECK(read_file(*back / "artefacts" / sha256("driver")).value() == "driver");
  for (const char* name :
       {"run.json", "cells/debian.candidate/console.log", "cells/debian.candidate/events.jsonl"})
    CHECK(read_file(*back / name).value() == read_file(bundle / name).value());

  for (const auto& entry : fs::recursive_directory_iterator(folder.path / "desk")) {  // and of its user alone
    INFO(entry.path());
    CHECK((entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
  }

  const auto twice = bundle::unpack_bundle(folder.path / "x.tar.zst", folder.path / "desk");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().fault == Fault::input);
}

TEST_CASE("the same bundle gives the same bytes, whoever packs it and when") {
  Folder folder;
  const auto bundle = folder.bundle();
  const auto first = bundle::pack_bundle(bundle, {}, folder.path / "1");
  fs::last_write_time(bundle / "run.json", fs::file_time_type::clock::now() + std::chrono::hours(5));
  fs::permissions(bundle / "run.json", fs::perms::owner_read);
  const auto second = bundle::pack_bundle(bundle.string() + "/", {}, folder.path / "2");
  REQUIRE((first && second));
  CHECK(first->sha256 == second->sha256);
}

TEST_CASE("what is no bundle, or holds what no bundle holds, is not packed") {
  Folder folder;
  CHECK(bundle::pack_bundle(folder.path, {}, folder.path / "x").error().fault == Fault::input);
  const auto bundle = folder.bundle();
  fs::create_symlink("/etc/passwd", bundle / "link");
  const auto packed = bundle::pack_bundle(bundle, {}, folder.path / "x");
  REQUIRE_FALSE(packed);
  CHECK(packed.error().fault == Fault::input);
  CHECK_FALSE(fs::exists(folder.path / "x"));
}

TEST_CASE("an archive that is damaged anywhere is refused and leaves nothing, or no file in it is damaged") {
  Folder folder;
  const fs::path file = folder.path / "x.tar.zst", original = folder.bundle();
  REQUIRE(bundle::pack_bundle(original, {}, file));
  const std::string whole = read_file(file).value();
  const auto refused = [&](const std::string& bytes) {
    REQUIRE(write_file(file, bytes));
    const auto back = bundle::unpack_bundle(file, folder.path / "desk");
    if (back) return false;
    CHECK(fs::is_empty(folder.path / "desk"));
    return back.error().fault == Fault::input;
  };
  // Between the files of a tar there are bytes that mean nothing.
  const auto same_files = [&] {
    for (const char* name : {"run.json", "cells/debian.candidate/console.log"})
      if (read_file(folder.path / "desk" / original.filename() / name).value_or("") !=
          read_file(original / name).value())
        return false;
    return true;
  };
  fs::create_directories(folder.path / "desk");
  CHECK(refused(""));
  CHECK(refused("no archive at all"));
  int cut = 0, flipped = 0;
  for (std::size_t at = 1; at + 64 < whole.size(); at += 37) {
    cut += refused(whole.substr(0, at)) ? 0 : 1;
    std::string other = whole;
    other[at] = static_cast<char>(other[at] ^ 0x10);
    flipped += refused(other) || same_files() ? 0 : 1;
    fs::remove_all(folder.path / "desk/20260101T000000Z-gate");
  }
  CHECK(cut == 0);
  CHECK(flipped == 0);
}

TEST_CASE("no way leads out of the folder, and nothing but listed plain files into it") {
  Folder folder;
  const std::string run = read_file(folder.bundle() / "run.json").value();
  const fs::path file = folder.path / "x.tar.zst", desk = folder.path / "desk";
  const auto list = [&](std::vector<Json> files, const std::string& name = "gate") {
    return Json{{"labctl", 1}, {"bundle", name}, {"files", files}};
  };
  const Json good = entry("run.json", run);
  const Item run_item{"gate/run.json", run};
  struct Lie {
    const char* about;
    Json list;
    std::vector<Item> items;
  };
  const std::vector<Lie> lies{
      {"not a path inside", list({entry("/etc/x", "x")}), {{"gate//etc/x", "x"}}},
      {"not a path inside", list({entry("../x", "x")}), {{"gate/../x", "x"}}},
      {"not a path inside", list({entry("a/../../x", "x")}), {{"gate/a/../../x", "x"}}},
      {"not a path inside", list({entry("a\nb", "x")}), {{"gate/a\nb", "x"}}},
      {"not a path inside", list({entry("-rf", "x")}), {{"gate/-rf", "x"}}},
      {"not a path inside", list({entry("cells/--x/y", "x")}), {{"gate/cells/--x/y", "x"}}},
      {"a name that is not valid", list({good}, "-rf"), {{"-rf/run.json", run}}},
      {"not a path inside", list({entry(std::string(2000, 'a'), "x")}), {{"gate/a", "x"}}},
      {"a name that is not valid", list({good}, "../gate"), {{"../gate/run.json", run}}},
      {"a name that is not valid", list({good}, ".ssh"), {{".ssh/run.json", run}}},
      {"where its list has", list({good}), {{"/gate/run.json", run}}},
      {"where its list has", list({good}), {{"gate/../gate/run.json", run}}},
      {"twice or out of order", list({good, good}), {run_item, run_item}},
      {"twice or out of order", list({good, entry("a", "x")}), {run_item, {"gate/a", "x"}}},
      {"does not name", list({good}), {run_item, run_item}},
      {"does not name", list({good}), {run_item, {"/etc/cron.d/x", "x"}}},
      {"ends before", list({good, entry("z", "x")}), {run_item}},
      {"not a plain file", list({good}), {{"gate/run.json", "", AE_IFLNK}}},
      {"not a plain file", list({good}), {{"gate/run.json", "", AE_IFREG, "/etc/passwd"}}},
      {"not a plain file", list({good}), {{"gate/run.json", "", AE_IFBLK}}},
      {"not a plain file", list({good}), {{"gate/run.json", "", AE_IFIFO}}},
      {"not a plain file", list({good}), {{"gate", "", AE_IFDIR}}},
      {"digest", list({entry("run.json", "other")}), {run_item}},
      {"digest", list({entry("run.json", run + "x")}), {run_item}},
      {"lists no digest", list({{{"path", "run.json"}, {"size", 3}}}), {run_item}},
      {"larger than",
       list({{{"path", "run.json"}, {"size", 1ll << 60}, {"sha256", sha256(run)}}}),
       {run_item}},
      {"larger than", list({{{"path", "run.json"}, {"size", -1}, {"sha256", sha256(run)}}}), {run_item}},
      {"another version", {{"labctl", 2}, {"bundle", "gate"}, {"files", {good}}}, {run_item}},
      {"lists no files", {{"labctl", 1}, {"bundle", "gate"}}, {run_item}},
      {"is not a bundle", list({entry("other", "x")}), {{"gate/other", "x"}}},
      {"another version of labctl",
       list({entry("run.json", "{\"labctl\":2}")}),
       {{"gate/run.json", "{\"labctl\":2}"}}},
  };
  fs::create_directories(desk);
  for (const auto& lie : lies) {
    INFO(lie.about << ": " << dump_line(lie.list).substr(0, 200));
    forge(file, lie.list, lie.items);
    const auto back = bundle::unpack_bundle(file, desk);
    REQUIRE_FALSE(back);
    CHECK(back.error().fault == Fault::input);
    CHECK_THAT(back.error().text(), ContainsSubstring(lie.about));
    CHECK(fs::is_empty(desk));
    CHECK_FALSE(fs::exists(folder.path / "x"));
  }
  forge(file, list({good}), {run_item});
  CHECK(bundle::unpack_bundle(file, desk));  // the truth, by the same hand
}

TEST_CASE("what somebody has prepared where a bundle is unpacked is not written into") {
  Folder folder;
  REQUIRE(bundle::pack_bundle(folder.bundle(), {}, folder.path / "x"));
  const fs::path desk = folder.path / "desk", photos = folder.path / "photos";
  fs::create_directories(desk);
  fs::create_directories(photos);
  const std::string half = ".20260101T000000Z-gate.unpacking." + std::to_string(::getpid());
  fs::create_directory_symlink(photos, desk / half);  // a name that could be foreseen
  REQUIRE(bundle::unpack_bundle(folder.path / "x", desk));
  CHECK(fs::is_empty(photos));
  CHECK(fs::is_symlink(desk / half));
}

TEST_CASE("an archive may hold no more than its reader allows") {
  Folder folder;
  REQUIRE(bundle::pack_bundle(folder.bundle(), {}, folder.path / "x"));
  CHECK_THAT(bundle::unpack_bundle(folder.path / "x", folder.path, {.files = 2}).error().what,
             ContainsSubstring("more than 2 files"));
  CHECK_THAT(bundle::unpack_bundle(folder.path / "x", folder.path, {.bytes = 1000}).error().what,
             ContainsSubstring("larger than 1000 B"));
  forge(folder.path / "gz", Json::object(), {}, "gzip");
  CHECK_THAT(bundle::unpack_bundle(folder.path / "gz", folder.path).error().what,
             ContainsSubstring("not a packed bundle"));
}
