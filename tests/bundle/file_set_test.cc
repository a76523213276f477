// Content that is a folder: its files, its manifest, its digest.
#include "labctl/bundle/file_set.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/labctl-set-XXXXXX";
    path = ::mkdtemp(name);
    fs::create_directories(path / "sub dir");
    REQUIRE(write_file(path / "b.bin", "second"));
    REQUIRE(write_file(path / "a.bin", "first"));
    REQUIRE(write_file(path / "B.bin", ""));
    REQUIRE(write_file(path / "sub dir" / "c", "third"));
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("a folder's digest is what a shell computes of it") {
  const Folder folder;
  const auto digest = bundle::set_sha256({folder.path});
  REQUIRE(digest);
  const auto by_shell = run_ok({.argv = {"sh", "-c",
                                         "cd \"$1\" && find . -type f -printf '%P\\0' | LC_ALL=C sort -z | "
                                         "xargs -0 sha256sum | sha256sum | cut -c1-64",
                                         "sh", folder.path.string()}});
  REQUIRE(by_shell);
  CHECK(trim(*by_shell) == *digest);
  REQUIRE(write_file(folder.path / "extra", "x"));
  CHECK(bundle::set_sha256({folder.path}).value() != *digest);
  fs::remove(folder.path / "extra");
  fs::rename(folder.path / "a.bin", folder.path / "z.bin");
  CHECK(bundle::set_sha256({folder.path}).value() != *digest);
}

TEST_CASE("what cannot be delivered under its name is refused") {
  const Folder folder;
  const auto refused = [&](const std::string& words) {
    const auto files = bundle::files_of_set({folder.path}, "gate.yaml:3:5");
    REQUIRE_FALSE(files);
    CHECK(files.error().where == "gate.yaml:3:5");
    CHECK_THAT(files.error().text(), ContainsSubstring(words));
  };
  SECTION("a line break") {
    REQUIRE(write_file(folder.path / "a\nb", "x"));
    refused("cannot be listed");
  }
  // Inside or out, to a file, a folder or nothing: it is named, and nothing is taken by way of it.
  for (const char* target : {"a.bin", "sub dir", "..", "/etc", "nowhere"})
    DYNAMIC_SECTION("a link to " << target) {
      fs::create_symlink(target, folder.path / "sub dir" / "link");
      refused("the content holds a symbolic link: " + (folder.path / "sub dir/link").string());
    }
  SECTION("a pipe") {
    REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    refused("is neither a file nor a folder: " + (folder.path / "pipe").string());
  }
  SECTION("nothing at all") {
    fs::remove_all(folder.path);
    fs::create_directories(folder.path);
    refused("is empty");
  }
  SECTION("no folder") {
    fs::remove_all(folder.path);
    refused("does not exist");
  }
}

TEST_CASE("a manifest lists its files, and nothing else is a manifest") {
  const Folder folder;
  auto files = bundle::files_of_set({folder.path}, {});
  REQUIRE(files);
  for (auto& file : *files) file.sha256 = sha256_file(file.source).value();
  const auto read = [&](const std::string& text) {
    REQUIRE(write_file(folder.path / "manifest", text));
    return bundle::files_of_manifest(folder.path / "manifest", "gate.yaml:3:5");
  };
  const std::string text = bundle::manifest_of(*files);
  const auto again = read(text);
  REQUIRE(again);
  CHECK(again->size() == 4);
  CHECK(again->back().name == "sub dir/c");
  CHECK(bundle::manifest_of(*again) == text);
  for (const std::string& wrong :
       {std::string(), text + "\n", text.substr(1), text.substr(0, text.size() - 1), "first\n" + text,
        text + std::string(64, 'a') + "  \n", std::string(64, 'a') + "  ../x\n",
        std::string(64, 'a') + "  /etc/x\n", std::string(64, 'a') + "  x/../../y\n",
        std::string(64, 'a') + "  x//y\n", std::string(64, 'a') + "  x\\y\n"})
    CHECK_FALSE(read(wrong));
}

TEST_CASE("a folder is made of files from anywhere, and holds no others") {
  const Folder folder;
  auto files = bundle::files_of_set({folder.path}, {});
  REQUIRE(files);
  REQUIRE(bundle::make_folder(folder.path / "made", *files));
  CHECK(bundle::set_sha256({folder.path / "made"}).value() != "");
  files->resize(2);
  REQUIRE(bundle::make_folder(folder.path / "two", *files));
  CHECK(bundle::files_of_set({folder.path / "two"}, {})->size() == 2);
  files->push_back({"a.bin/x", files->front().source, 0, {}});
  CHECK_FALSE(bundle::make_folder(folder.path / "three", *files));
}

TEST_CASE("a tar of the same files is the same, and holds them") {
  const Folder folder;
  auto files = bundle::files_of_set({folder.path}, {});
  REQUIRE(files);
  REQUIRE(bundle::write_tar(folder.path / "1.tar", *files));
  fs::last_write_time(folder.path / "a.bin", fs::file_time_type::clock::now() - std::chrono::hours(5));
  REQUIRE(bundle::write_tar(folder.path / "2.tar", *files));
  CHECK(sha256_file(folder.path / "1.tar").value() == sha256_file(folder.path / "2.tar").value());
  const auto listed = run_ok({.argv = {"tar", "-tf", (folder.path / "1.tar").string()}});
  REQUIRE(listed);
  CHECK(*listed == "B.bin\na.bin\nb.bin\nsub dir/c\n");
  files->front().size += 1;
  CHECK_FALSE(bundle::write_tar(folder.path / "3.tar", *files));
}
