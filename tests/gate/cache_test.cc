// Whose folder a cache is, and that nothing but labctl's own is removed from it.
#include "labctl/host/cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "labctl/base/files.h"
#include "labctl/bundle/artifact_store.h"
#include "labctl/gate/housekeeping.h"
#include "labctl/trust/proof_cache.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/labctl-cache-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
};

unsigned mode_of(const fs::path& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
}

void chmod_to(const fs::path& path, unsigned mode) { REQUIRE(::chmod(path.c_str(), mode) == 0); }

host::Paths paths_in(const fs::path& root, const fs::path& runtime) {
  return {.root = root,
          .store = root / "images",
          .artifacts = root / "artefacts",
          .kept = root / "kept",
          .cache = root / "host",
          .runtime = runtime};
}

void put(const fs::path& file) {
  REQUIRE(make_dirs(file.parent_path()));
  REQUIRE(write_file(file, "somebody's"));
}

void age(const fs::path& path) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(24 * 365));
}

// Everything below `root`, sorted.
std::vector<std::string> files_below(const fs::path& root) {
  std::vector<std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) all.push_back(entry.path().lexically_relative(root).string());
  std::sort(all.begin(), all.end());
  return all;
}

const std::string digest(64, 'a');

}  // namespace

TEST_CASE("a new cache is marked as the standard says, and closed to others") {
  const Folder folder;
  for (const char* name : {"new", "below/another", "empty/"}) {
    const fs::path root = folder.path / name;
    if (root.parent_path().filename() == "empty") REQUIRE(make_dirs(root));
    REQUIRE(host::claim_cache(root));
    CHECK(mode_of(root) == 0700);
    const auto text = read_file(root / "CACHEDIR.TAG");
    REQUIRE(text);
    CHECK(text->starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    CHECK_THAT(*text, ContainsSubstring("labctl"));
    CHECK(host::claim_cache(root));
  }
  CHECK(host::check_cache(folder.path / "none yet"));
  CHECK_FALSE(fs::exists(folder.path / "none yet"));
}

TEST_CASE("the cache of an earlier labctl is adopted, and closed to others") {
  const Folder folder;
  for (const char* file : {"images/debian-12/0123456789abcdef/facts.json", "host/accel.json", "work/1.lock",
                           "kept/.lock", "artefacts/x", "headers/y"})
    put(folder.path / file);
  chmod_to(folder.path, 0755);
  REQUIRE(host::claim_cache(folder.path));
  CHECK(mode_of(folder.path) == 0700);
  put(folder.path / "notes.txt");  // its owner's business from now on
  CHECK(host::claim_cache(folder.path));
}

TEST_CASE("a folder in use is no cache, and the message has the command that settles it") {
  const Folder folder;
  for (const char* file : {"notes.txt", ".git/config", "images/a", "CACHEDIR.TAG"}) {
    const fs::path root = folder.path / "used";
    put(root / "work/old.txt");
    put(root / file);
    if (file == std::string("images/a")) put(root / "src/x");
    chmod_to(root, 0700);
    const auto refused = host::claim_cache(root);
    INFO(file);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().text(), ContainsSubstring("which labctl did not make"));
    CHECK(refused.error().hint == "export LABCTL_CACHE='" + (root / "labctl").string() + "'");
    CHECK(host::claim_cache(root / "labctl"));
    fs::remove_all(root);
  }
}

TEST_CASE("a cache that others may have prepared is refused") {
  const Folder folder;
  const fs::path root = folder.path / "cache";
  put(root / "images/debian-12/x");
  chmod_to(root, 0777);
  const auto open = host::claim_cache(root);
  REQUIRE_FALSE(open);
  CHECK_THAT(open.error().hint, ContainsSubstring("chmod 700 '" + root.string() + "'"));
  chmod_to(root, 0700);
  REQUIRE(host::claim_cache(root));
  chmod_to(root, 0770);  // its marker too may be somebody else's
  CHECK_FALSE(host::claim_cache(root));

  chmod_to(root, 0700);
  fs::create_directory_symlink(root, folder.path / "link");
  for (const fs::path& link : {folder.path / "link", folder.path / "link/"}) {
    const auto linked = host::claim_cache(link);
    REQUIRE_FALSE(linked);
    CHECK(linked.error().hint == "export LABCTL_CACHE='" + root.string() + "'");
  }
  CHECK_FALSE(host::claim_cache(root / "images/debian-12/x"));
  if (::geteuid() != 0) return;
  REQUIRE(::chown(root.c_str(), 12345, 12345) == 0);
  const auto foreign = host::claim_cache(root);
  REQUIRE_FALSE(foreign);
  CHECK_THAT(foreign.error().text(), ContainsSubstring("belongs to another user"));
  ::setenv("SUDO_UID", "12345", 1);
  CHECK(host::claim_cache(root));
  ::unsetenv("SUDO_UID");
}

TEST_CASE("a cache of another format is refused") {
  const Folder folder;
  REQUIRE(write_file(folder.path / "CACHEDIR.TAG",
                     "Signature: 8a477f597d28d172789f06886806bc55\n# labctl cache, format 2\n"));
  CHECK_FALSE(host::claim_cache(folder.path));
}

TEST_CASE("nothing is collected in a folder that is no cache of labctl's") {
  const Folder folder;
  const fs::path root = folder.path / "used";
  for (const char* file : {"work/77/x", "work/77.lock", "images/a/0123456789abcdef/x", "notes.txt"})
    put(root / file);
  put(root / "artefacts" / digest);
  age(root / "artefacts" / digest);
  const auto before = files_below(root);
  const auto paths = paths_in(root, folder.path / "r");
  const auto collected = gate::collect_garbage(paths, {{}, paths.store});
  CHECK(collected.problems.size() == 1);
  CHECK(collected.done.empty());
  CHECK(files_below(root) == before);
  CHECK_FALSE(gate::WorkFolder::create(paths));
  CHECK(files_below(root) == before);
}

TEST_CASE("in a cache only what is called and built as labctl does it is collected") {
  const Folder folder;
  const fs::path root = folder.path / "cache";
  REQUIRE(host::claim_cache(root));
  // Somebody's, in a cache: no run and no gc touches it.
  for (const char* file :
       {"work/thesis/x", "work/2024/x", "work/notes", "images/holiday/beach/x", "images/b/x.jpg",
        "artefacts/thesis.pdf", "artefacts/.newest", "host/control/notes/x", "kept/a.partial/x"}) {
    put(root / file);
    age(root / file);
    age((root / file).parent_path());
  }
  const auto others = files_below(root);
  // What killed runs, builds and time left.
  const std::vector<std::string> old = {
      "work/77/disk.qcow2",          "work/77.lock",        "images/b/0123456789abcdef.partial/disk",
      "artefacts/" + digest,         "artefacts/.new.77.0", "host/control/" + digest + "/x",
      "host/canary/" + digest + "/x"};
  for (const auto& file : old) {
    put(root / file);
    age(root / file);
    if ((root / file).parent_path().filename() == digest) age((root / file).parent_path());
  }
  const auto paths = paths_in(root, folder.path / "r");
  const auto collected = gate::collect_garbage(paths, {{}, paths.store});
  CHECK(collected.problems.empty());
  auto left = files_below(root);
  std::erase(left, "images/b/.lock");  // of the collection itself
  CHECK(left == others);
}

TEST_CASE("a cache below a folder that other users can write to is refused, whatever lies between") {
  const Folder folder;
  const fs::path shared = folder.path / "shared", root = shared / "mine/cache";
  REQUIRE(host::claim_cache(root));
  for (const unsigned mode : {0777u, 0757u}) {
    chmod_to(shared, mode);
    INFO(mode);
    for (const fs::path& path : {root, shared / "mine/none yet", shared / "none yet"}) {
      const auto refused = host::claim_cache(path);
      REQUIRE_FALSE(refused);
      CHECK_THAT(refused.error().what, ContainsSubstring("'" + shared.string() + "', which other users"));
      CHECK_THAT(refused.error().hint, ContainsSubstring("chmod o-w '" + shared.string() + "'"));
    }
  }
  // Through a link as well: what counts is where it really is.
  fs::create_directory_symlink(shared / "mine", folder.path / "link");
  CHECK_FALSE(host::check_cache(folder.path / "link/cache"));
  chmod_to(shared, 01777);
  CHECK(host::claim_cache(root));
  chmod_to(shared, 0755);
  CHECK(host::claim_cache(root));
}

TEST_CASE("a group that may write to a folder above a cache is others, but for the user's own") {
  const Folder folder;
  const fs::path shared = folder.path / "shared", root = shared / "cache";
  REQUIRE(host::claim_cache(root));
  chmod_to(shared, 0775);
  if (::getegid() == ::geteuid()) CHECK(host::check_cache(root));
  if (::geteuid() != 0) return;  // only root can give a folder to another group
  REQUIRE(::chown(shared.c_str(), static_cast<uid_t>(-1), 65534) == 0);
  const auto refused = host::check_cache(root);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().hint, ContainsSubstring("chmod g-w"));
}
