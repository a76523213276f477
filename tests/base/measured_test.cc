// A digest that is kept is the file's own, or it is not used.
#include "labctl/base/measured.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Scratch {
  fs::path file;
  Scratch() {
    const auto folder = fs::temp_directory_path() / ("labctl-measured-test-" + std::to_string(::getpid()));
    fs::remove_all(folder);
    fs::create_directories(folder);
    file = folder / "disk";
    std::ofstream(file) << "bytes";
  }
  ~Scratch() { fs::remove_all(file.parent_path()); }
  std::time_t later() const { return std::time(nullptr) + 60; }
  // What measured_sha256() says when it reads nothing but its record.
  void plant(const std::string& digest) const {
    Json record = *parse_json(*read_file(measured_record(file)), {});
    record["sha256"] = digest;
    REQUIRE(write_file(measured_record(file), dump_line(record)));
  }
};

}  // namespace

TEST_CASE("a file is read once, and again when anything of it has changed") {
  const Scratch scratch;
  CHECK(measured_sha256(scratch.file, scratch.later()).value() == sha256("bytes"));
  REQUIRE(fs::exists(measured_record(scratch.file)));
  scratch.plant(sha256("kept"));
  CHECK(measured_sha256(scratch.file, scratch.later()).value() == sha256("kept"));

  std::ofstream(scratch.file, std::ios::in | std::ios::out) << "BYTES";  // in place, of the same size
  CHECK(measured_sha256(scratch.file, scratch.later()).value() == sha256("BYTES"));

  scratch.plant(sha256("kept"));
  const auto old = fs::last_write_time(scratch.file);
  std::ofstream(scratch.file, std::ios::in | std::ios::out) << "other";
  fs::last_write_time(scratch.file, old);  // which nobody can do with the time of the change itself
  CHECK(measured_sha256(scratch.file, scratch.later()).value() == sha256("other"));

  scratch.plant(sha256("kept"));
  const fs::path beside = scratch.file.string() + ".new";
  std::ofstream(beside) << "third";
  fs::rename(beside, scratch.file);  // another file under its name
  CHECK(measured_sha256(scratch.file, scratch.later()).value() == sha256("third"));
}

TEST_CASE("a file that was changed just now is not remembered, and a damaged record is not used") {
  const Scratch scratch;
  CHECK(measured_sha256(scratch.file).value() == sha256("bytes"));
  CHECK_FALSE(fs::exists(measured_record(scratch.file)));
  for (const char* text : {"", "{}", "[]", "{\"sha256\": 3}", "?"}) {
    REQUIRE(write_file(measured_record(scratch.file), text));
    CHECK(measured_sha256(scratch.file).value() == sha256("bytes"));
  }
}

TEST_CASE("what is no file of its own has no digest") {
  const Scratch scratch;
  fs::create_symlink("disk", scratch.file.string() + ".link");
  CHECK_FALSE(measured_sha256(scratch.file.string() + ".link"));
  CHECK_FALSE(measured_sha256(scratch.file.parent_path()));
  CHECK_FALSE(measured_sha256(scratch.file.string() + ".none"));
}
