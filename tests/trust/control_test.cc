// Controls that passed are believed for a week, while everything they stand on is the same.

#include "labctl/trust/control.h"
#include "labctl/base/json.h"
#include "labctl/bundle/control_record.h"

#include <unistd.h>

#include <ctime>

#include "labctl/base/digest.h"
#include "labctl/trust/proof_cache.h"
#include "tests/bundle/canary_records.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

class Lab {
 public:
  Lab() {
    root = fs::temp_directory_path() /
           ("labctl-control-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    job.cell = story::control();
    job.base.image.name = "box";
    job.base.image.sha256 = sha256("box");
    job.folder = root / "bundle-1" / job.cell.id;
  }
  ~Lab() { fs::remove_all(root); }

  // As its run leaves it.
  void live(const std::function<void(story::Scene&)>& change = [](story::Scene&) {}) {
    story::Scene scene(job.cell);
    change(scene);
    scene.play();
    REQUIRE(test::write_journal(job.folder, scene));
  }
  void keep() { REQUIRE(kept().keep(job, "run-1")); }
  bool take() {
    job.folder = root / ("bundle-" + std::to_string(++count)) / job.cell.id;
    auto taken = kept().take(job);
    REQUIRE(taken);
    std::error_code ignored;
    CHECK(fs::exists(job.folder, ignored) == *taken);
    return *taken;
  }
  trust::ControlCache kept() const {
    return {root / "cache", tool, host, signatures, [this] { return std::time(nullptr) + later; }};
  }

  fs::path only_record() const {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(root / "cache" / "control", none))
      if (entry.is_directory()) return entry.path();
    return {};
  }
  void made(long long ago) const {
    const Json word{{"labctl", 1}, {"made_unix", std::time(nullptr) - ago}, {"run", "run-1"}};
    REQUIRE(write_file(only_record() / "control.json", dump_pretty(word)));
  }

  fs::path root;
  lab::CellJob job;
  std::string tool = "t", host = "h", signatures;
  std::time_t later = 0;  // the clock of the next run is ahead by so much

 private:
  static inline int count = 0;
};

std::string began(long long ago) { return show_moment(std::time(nullptr) - ago); }
constexpr long long day = 24 * 3600;

}  // namespace

TEST_CASE("a control that passed is believed, and says where it comes from") {
  Lab lab;
  CHECK_FALSE(lab.take());
  lab.job.folder = lab.root / "bundle" / lab.job.cell.id;
  lab.live();
  lab.keep();
  const auto fresh = bundle::read_kept(lab.job.folder, began(0));
  REQUIRE(fresh);
  CHECK_FALSE(*fresh);
  REQUIRE(lab.take());
  CHECK(fs::exists(lab.job.folder / "events.jsonl"));
  const auto kept = bundle::read_kept(lab.job.folder, began(-1));
  REQUIRE(kept);
  REQUIRE(*kept);
  CHECK((*kept)->run == "run-1");
  CHECK((*kept)->made.starts_with("20"));
  lab.job.files = {{"update.deb", sha256("another package")}};
  CHECK_FALSE(lab.take());
}

TEST_CASE("a control that did not pass is not kept") {
  Lab lab;
  lab.live([](story::Scene& scene) {
    scene.when("boot 2/3: settle", Millis(1000), [](story::Scene& s) { s.tell(event::Panicked{}); });
  });
  lab.keep();
  CHECK(lab.only_record().empty());
  CHECK_FALSE(lab.take());
  lab.live([](story::Scene& scene) {
    scene.when("boot 2/3: settle", Millis(1000), [](story::Scene& s) { s.tell(event::LabFault{"gone"}); });
  });
  lab.keep();
  CHECK(lab.only_record().empty());
  CHECK_FALSE(lab.take());
}

TEST_CASE("a control that failed takes with it what was kept before") {
  Lab lab;
  lab.live();
  lab.keep();
  REQUIRE(lab.take());
  lab.live([](story::Scene& scene) {
    scene.when("boot 2/3: settle", Millis(1000), [](story::Scene& s) { s.tell(event::Panicked{}); });
  });
  lab.keep();
  CHECK(lab.only_record().empty());
  CHECK_FALSE(lab.take());
}

TEST_CASE("another image, machine, story, signature file, host or labctl wants a control of its own") {
  const struct {
    const char* name;
    std::function<void(Lab&)> change;
  } rows[] = {
      {"image", [](Lab& lab) { lab.job.base.image.sha256 = sha256("other"); }},
      {"image's name", [](Lab& lab) { lab.job.base.image.name = "twin"; }},
      {"image's facts",
       [](Lab& lab) {
         lab.job.base.image.facts = image::facts_from({{"kernel", "6.12"}});
       }},
      {"machine", [](Lab& lab) { lab.job.base.shape.vcpus = 2; }},
      {"story", [](Lab& lab) { lab.job.cell.story.pop_back(); }},
      {"settling", [](Lab& lab) { lab.job.cell.settle += Millis(1000); }},
      {"policy", [](Lab& lab) { lab.job.cell.policy.warnings_fail = !lab.job.cell.policy.warnings_fail; }},
      {"signatures", [](Lab& lab) { lab.signatures = "labctl: 1"; }},
      {"host", [](Lab& lab) { lab.host = "h2"; }},
      {"labctl", [](Lab& lab) { lab.tool = "t2"; }},
  };
  for (const auto& row : rows) {
    DYNAMIC_SECTION(row.name) {
      Lab lab;
      lab.live();
      lab.keep();
      REQUIRE(lab.take());
      row.change(lab);
      CHECK_FALSE(lab.take());
    }
  }
}

TEST_CASE("a control that is too old, from the future or damaged is not believed") {
  Lab lab;
  lab.live();
  lab.keep();
  lab.made(6 * day);
  CHECK(lab.take());
  for (const long long ago : {8 * day, -day}) {
    lab.made(ago);
    CHECK_FALSE(lab.take());
  }
  lab.made(0);
  REQUIRE(lab.take());
  REQUIRE(write_file(lab.only_record() / "events.jsonl", "{}\n"));
  CHECK_FALSE(lab.take());
  REQUIRE(write_file(lab.only_record() / "control.json", "?"));
  CHECK_FALSE(lab.take());
}

TEST_CASE("a record that was kept is judged by the day of its run") {
  Lab lab;
  lab.live();
  lab.keep();
  lab.made(2 * day);
  REQUIRE(lab.take());
  CHECK(bundle::read_kept(lab.job.folder, began(0)));
  CHECK(bundle::read_kept(lab.job.folder, began(day)));
  CHECK_FALSE(bundle::read_kept(lab.job.folder, began(3 * day)));   // before it was made
  CHECK_FALSE(bundle::read_kept(lab.job.folder, began(-6 * day)));  // more than a week later
  CHECK_FALSE(bundle::read_kept(lab.job.folder, ""));
  REQUIRE(write_file(lab.job.folder / "control.json", "{}"));
  CHECK_FALSE(bundle::read_kept(lab.job.folder, began(0)));
}

TEST_CASE("the age of a control is reckoned by the clock that the run is given") {
  Lab lab;
  lab.live();
  lab.keep();
  CHECK(lab.take());
  lab.later = 8 * day;
  CHECK_FALSE(lab.take());
  lab.live();
  lab.keep();
  CHECK(lab.take());
  lab.later = 0;
  CHECK_FALSE(lab.take());  // made in the future
}

TEST_CASE("what is run again leaves its reused records beside") {
  Lab lab;
  lab.live();
  lab::CellJob other = lab.job;
  other.cell.id = "other";
  const auto wanted = trust::set_aside_for_rerun({other, lab.job}, {lab.job.cell.id});
  REQUIRE(wanted);
  REQUIRE(wanted->size() == 1);
  CHECK(wanted->front().cell.id == lab.job.cell.id);
  CHECK_FALSE(fs::exists(lab.job.folder));
  CHECK(fs::exists(lab.job.folder.string() + ".kept-1"));
}
