#include <unistd.h>

#include <filesystem>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/history/analysis.h"
#include "labctl/history/database.h"
#include "labctl/history/fleet.h"
#include "labctl/history/questions.h"
#include "labctl/history/read.h"
#include "labctl/history/schema.h"
#include "tests/catch.h"
#include "tests/history/year.h"

using namespace labctl;
using namespace labctl::history;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("labctl-history-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path file(const char* name = "history.db") const { return path / name; }
};

Database opened(const fs::path& file) {
  auto database = Database::open_to_write(file);
  if (!database) FAIL(database.error().text());
  // What a power failure leaves is not the subject here, and waiting for the disk is most of the time.
  REQUIRE(database->connection().run("PRAGMA synchronous = OFF"));
  return std::move(*database);
}

void add(Database& database, const Entry& entry, Added wanted = Added::added) {
  const auto added = database.add(entry);
  if (!added) FAIL(added.error().text());
  CHECK(*added == wanted);
}

std::int64_t count(const Database& database, const std::string& table) {
  return *database.connection().number("SELECT count(*) FROM " + table);
}

// The entry `n` with the one cell's answer and driver.
Entry lived(int n, Answer answer, const std::string& driver = "driver") {
  Entry entry = small_entry(n);
  auto& cell = entry.cells.front();
  cell.answer = answer;
  cell.outcome = answer == Answer::failed ? "crashed" : answer == Answer::lab ? "lab-failed" : "passed";
  cell.tested.driver_sha256 = driver;
  if (answer == Answer::failed)
    cell.findings = {{.title = "oops in sensor", .kind = "oops", .severity = "fatal"}};
  return entry;
}

Json must(Result<Json> answer) {
  if (!answer) FAIL(answer.error().text());
  return std::move(*answer);
}

}  // namespace

TEST_CASE("what is added twice is there once") {
  Folder folder;
  auto database = opened(folder.file());
  add(database, small_entry(1));
  add(database, small_entry(1), Added::known);
  add(database, small_entry(2));
  CHECK(count(database, "run") == 2);
  CHECK(count(database, "cell") == 2);
  CHECK(count(database, "tested") == 1);
}

TEST_CASE("a run that was resumed takes the place of what it was before") {
  Folder folder;
  auto database = opened(folder.file());
  Entry before = small_entry(1);
  before.interrupted = true;
  add(database, before);
  Entry after = small_entry(1);
  after.id = sha256("resumed");
  add(database, after, Added::replaced);
  CHECK(count(database, "run") == 1);
  CHECK(count(database, "cell") == 1);
  Entry other = small_entry(1);  // its like, which was never interrupted, is another run
  other.id = sha256("other");
  add(database, other);
  CHECK(count(database, "run") == 2);
}

TEST_CASE("a cell is red since the first failure behind its last pass, whatever the lab did in between") {
  Folder folder;
  auto database = opened(folder.file());
  using enum Answer;
  int n = 0;
  for (const auto answer : {failed, passed, lab, passed, lab, failed, lab, failed, none}) {
    ++n;
    add(database, lived(n, answer, n >= 5 ? "bad" : "good"));
  }
  const auto answer = must(ask_first_bad(database, "debian.driver-candidate"));
  const auto& one = answer.at("scenarios").at(0);
  CHECK(one.at("standing") == "red");
  CHECK(one.at("since").at("run") == "run-6");
  CHECK(one.at("last_good").at("run") == "run-4");
  CHECK(one.at("same_bytes") == false);
  REQUIRE(one.at("differs").size() == 1);
  CHECK(one.at("differs").at(0).at("what") == "driver");
  CHECK(must(ask_unstable(database)).at("cells").empty() == false);  // run 1 failed and 2 passed on "good"
}

TEST_CASE("unstable is what gave both results on the same bytes, and the lab's failures are no result") {
  using enum Answer;
  struct Case {
    std::vector<std::pair<Answer, std::string>> lives;
    int failed, n;  // n: 0: stable
  };
  const Case cases[] = {
      {{{passed, "a"}, {failed, "a"}, {passed, "a"}}, 1, 3},
      {{{passed, "a"}, {lab, "a"}, {passed, "a"}}, 0, 0},
      {{{passed, "a"}, {failed, "b"}, {failed, "b"}}, 0, 0},
      {{{passed, "a"}, {none, "a"}, {kept, "a"}}, 0, 0},
      {{{failed, "a"}, {lab, "a"}, {passed, "a"}, {passed, "b"}}, 1, 2},
  };
  for (const auto& one : cases) {
    Folder folder;
    auto database = opened(folder.file());
    int n = 0;
    for (const auto& [answer, driver] : one.lives) add(database, lived(++n, answer, driver));
    const auto cells = must(ask_unstable(database)).at("cells");
    CHECK(cells.size() == (one.n == 0 ? 0 : 1));
    if (one.n == 0 || cells.empty()) continue;
    CHECK(cells.at(0).at("failed") == one.failed);
    CHECK(cells.at(0).at("n") == one.n);
    CHECK(cells.at(0).at("low").get<double>() > 0.0);
    CHECK(cells.at(0).at("high").get<double>() < 1.0);
  }
}

TEST_CASE("a journal that is in two bundles counts once") {
  Folder folder;
  auto database = opened(folder.file());
  add(database, lived(1, Answer::passed));
  for (int n = 2; n <= 3; ++n) {
    Entry entry = lived(n, Answer::failed);
    entry.cells.front().journal_sha256 = sha256("one journal");
    add(database, entry);
  }
  CHECK(must(ask_unstable(database)).at("cells").at(0).at("failed") == 1);
}

TEST_CASE("a year: every regression on its day, every flake by its name, and the lab is nobody's flake") {
  Folder folder;
  auto database = opened(folder.file());
  const YearSize size{.runs = 200, .images = 8, .drivers = 3};
  const auto year = make_year(size, [&](const Entry& entry) -> Status {
    if (auto added = database.add(entry); !added) return fail(added.error());
    return {};
  });
  if (!year) FAIL(year.error().text());
  REQUIRE(year->regressions.size() == 8);
  for (const auto& planted : year->regressions) {
    const auto answer = must(ask_first_bad(database, planted.cell));
    const auto& one = answer.at("scenarios").at(0);
    INFO(planted.cell);
    CHECK(one.at("standing") == "red");
    CHECK(one.at("since").at("began") == planted.began);
    CHECK(one.at("last_good").at("began") == planted.last_good);
    CHECK(one.at("same_bytes") == false);
    std::set<std::string> differs;
    for (const auto& difference : one.at("differs")) differs.insert(difference.at("what"));
    CHECK(differs.count(planted.changed) == 1);
  }
  std::set<std::string> unstable;
  const auto found = must(ask_unstable(database));
  for (const auto& cell : found.at("cells")) unstable.insert(cell.at("cell"));
  CHECK(unstable == std::set<std::string>(year->flakes.begin(), year->flakes.end()));
  for (const auto& sick : year->lab_sick) CHECK(unstable.count(sick) == 0);
}

TEST_CASE("other files are refused and stay as they are") {
  Folder folder;
  REQUIRE(write_file(folder.file("torn.db"), "this is no database"));
  CHECK(Database::open_to_write(folder.file("torn.db")).error().fault == Fault::input);
  CHECK(*read_file(folder.file("torn.db")) == "this is no database");
  {
    auto other = Connection::open(folder.file("other.db"), Connection::Access::write);
    REQUIRE((*other)->run("CREATE TABLE theirs(a)"));
  }
  CHECK(Database::open_to_write(folder.file("other.db")).error().what.find("another program") !=
        std::string::npos);
  opened(folder.file());
  {
    auto newer = Connection::open(folder.file(), Connection::Access::write);
    REQUIRE((*newer)->run("PRAGMA user_version = 99"));
  }
  CHECK(Database::open_to_write(folder.file()).error().what.find("format 99") != std::string::npos);
  CHECK(Database::open(folder.file()).error().what.find("format 99") != std::string::npos);
  CHECK(Database::open(folder.file("none.db")).error().what == "there is no history");
}

TEST_CASE("a database cut anywhere is refused or gives errors, never an abort") {
  Folder folder;
  {
    auto database = opened(folder.file());
    for (int n = 1; n <= 20; ++n) add(database, small_entry(n));
  }
  const auto whole = *read_file(folder.file());
  for (std::size_t size = 0; size < whole.size(); size += whole.size() / 40 + 1) {
    REQUIRE(write_file(folder.file("cut.db"), std::string_view(whole).substr(0, size)));
    const auto database = Database::open(folder.file("cut.db"));
    if (!database) continue;
    for (const auto& answer : {ask_runs(*database, 30), ask_unstable(*database), ask_lab(*database)})
      if (answer) CHECK(answer->is_object());
  }
}

TEST_CASE("a fleet's share is what runs kernels that passed") {
  Folder folder;
  auto database = opened(folder.file());
  add(database, lived(1, Answer::passed));
  const auto fleet = read_fleet(
      "kernel_release,machines,distro\n6.12.1,60,debian\n6.1.0-35-amd64,30,debian\n"
      "5.14.0-503.el9.x86_64,10,alma\n6.1.0-35-amd64,10,debian\n",
      "fleet.csv");
  REQUIRE(fleet);
  const auto answer = must(ask_coverage(database, *fleet, {}));
  CHECK(answer.at("fleet").at("machines") == 110);
  CHECK(answer.at("fleet").at("covered") == 60);
  REQUIRE(answer.at("fleet").at("gaps").size() == 2);
  CHECK(answer.at("fleet").at("gaps").at(0).at("machines") == 40);
  CHECK(answer.at("fleet").at("gaps").at(0).at("recipe").get<std::string>().find(
            "kernel: linux-image-6.1.0-35-amd64") != std::string::npos);
  add(database, lived(2, Answer::failed));  // the same kernel fails now
  CHECK(must(ask_coverage(database, *fleet, {})).at("fleet").at("covered") == 0);
}

TEST_CASE("a fleet's file is read strictly") {
  for (const char* bad :
       {"", "kernel,count\n", "kernel_release,machines\n6.1,x\n", "kernel_release,machines\n6.1\n",
        "kernel_release,machines\n6.1,-1\n", "kernel_release,machines\n../x,1\n",
        "kernel_release,machines\n6.1,1,a,b\n", "kernel_release,machines\n"})
    CHECK_FALSE(read_fleet(bad, "fleet.csv"));
}

TEST_CASE("quantiles are values that were there") {
  CHECK(quantile({}, 0.5) == 0);
  CHECK(quantile({7}, 0.9) == 7);
  CHECK(quantile({4, 1, 3, 2}, 0.5) == 2);
  CHECK(quantile({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 0.9) == 9);
}
