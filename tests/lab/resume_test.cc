// What a run that was cut off left of a cell, and what becomes of it: nothing that had failed is tried again.

#include "labctl/lab/resume.h"
#include "labctl/base/json.h"

#include <unistd.h>

#include "labctl/base/text.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/judge.h"
#include "labctl/lab/crew.h"
#include "tests/bundle/canary_records.h"
#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace labctl;
using namespace std::chrono_literals;
using lab::Left;

namespace {

const std::string oops =
    "[   12.345678] BUG: unable to handle page fault for address: ffffc90000aa1000\n"
    "[   12.345710] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[   12.345720] CPU: 0 PID: 312 Comm: sensorctl Tainted: G           OE      6.1.0-56-amd64 #1  Debian\n"
    "[   12.345730] RIP: 0010:sensor_match+0x41/0x90 [sensor]\n"
    "[   12.345790] Call Trace:\n"
    "[   12.345800]  <TASK>\n"
    "[   12.345810]  sensor_apply+0x22/0x50 [sensor]\n"
    "[   12.345820]  </TASK>\n"
    "[   12.345830] ---[ end trace 0000000000000000 ]---\n";

// One cell's folder in a bundle, with the journal of a story.
struct Cut {
  Cut() {
    root = fs::temp_directory_path() /
           ("labctl-resume-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    fs::create_directories(folder());
  }
  ~Cut() { fs::remove_all(root); }
  fs::path folder() const { return root / "cells" / cell.id; }
  fs::path journal() const { return folder() / "events.jsonl"; }
  std::string text() const { return read_file(journal()).value_or(""); }

  // The first `part` of the records of a cell that passes, after `events`.
  void write(const std::vector<event::Event>& events) {
    std::string lines;
    auto chain = event::begin_chain(cell.id);
    for (const auto& event : events) lines += event::to_line(event, chain) + "\n";
    REQUIRE(write_file(journal(), lines));
  }
  Left left() const {
    auto left = lab::what_is_left(cell, folder(), {});
    INFO((left ? "" : left.error().text()));
    REQUIRE(left);
    return *left;
  }
  outcome::Outcome outcome() const {
    auto read = bundle::read_cell_journal(cell, folder());
    REQUIRE(read);
    return cell::replay(cell, read->events);
  }

  plan::Cell cell = story::candidate();
  fs::path root;

 private:
  static inline int count = 0;
};

std::vector<event::Event> passing(const plan::Cell& cell) {
  story::Scene scene(cell);
  scene.play();
  return scene.journal;
}

// Up to the candidate's second boot, so that what is found is the candidate's.
std::vector<event::Event> half(const plan::Cell& cell) {
  auto events = passing(cell);
  events.resize(events.size() / 2);
  return events;
}

}  // namespace

TEST_CASE("a cell that was never started, that passed, and that was cut off") {
  Cut cut;
  CHECK(cut.left() == Left::cut_off);  // a folder without a journal
  fs::remove_all(cut.folder());
  CHECK(cut.left() == Left::nothing);
  fs::create_directories(cut.folder());
  cut.write(passing(cut.cell));
  CHECK(cut.left() == Left::finished);
  cut.write(half(cut.cell));
  CHECK(cut.left() == Left::cut_off);
  REQUIRE(write_file(cut.journal(), ""));
  CHECK(cut.left() == Left::cut_off);
}

TEST_CASE("a cell that was cut off at any place of its life begins again, and never counts as finished") {
  Cut cut;
  const auto events = passing(cut.cell);
  for (std::size_t kept = 1; kept < events.size(); kept += 7) {
    cut.write({events.begin(), events.begin() + static_cast<std::ptrdiff_t>(kept)});
    const std::string whole = cut.text();
    REQUIRE(write_file(cut.journal(), whole.substr(0, whole.size() - 1)));  // torn in its last record
    CHECK(cut.left() == Left::cut_off);
  }
}

TEST_CASE("a crash that the journal holds is the cell's end, torn or not") {
  for (const char* torn : {"", R"({"at":99)"}) {
    Cut cut;
    auto events = half(cut.cell);
    events.push_back({events.back().at, story::on_console(story::finding("oops in sensor_match"))});
    cut.write(events);
    REQUIRE(write_file(cut.journal(), cut.text() + torn));
    CHECK(cut.left() == Left::finished);
    CHECK(cut.outcome().ending == outcome::Ending::crashed);
    CHECK(cut.left() == Left::finished);  // and stays so
    CHECK(fs::exists(cut.folder() / "events.jsonl.cut-off-1"));
    CHECK_FALSE(fs::exists(cut.folder() / "events.jsonl.cut-off-2"));
  }
}

TEST_CASE("what the console had said and the journal not yet is not lost") {
  Cut cut;
  cut.write(half(cut.cell));
  REQUIRE(write_file(cut.folder() / "console.log", "[    1.0] all is well\n" + oops));
  CHECK(cut.left() == Left::finished);
  const auto outcome = cut.outcome();
  CHECK(outcome.ending == outcome::Ending::crashed);
  CHECK_THAT(outcome.reason, ContainsSubstring("sensor_match"));
}

TEST_CASE("a suspect that nobody cleared is not outlived") {
  Cut cut;
  auto suspect = story::finding("BUG: unable to handle page fault");
  suspect.confirmed = false;
  auto events = half(cut.cell);
  events.push_back({events.back().at, story::on_console(suspect)});
  cut.write(events);
  CHECK(cut.left() == Left::finished);
  CHECK(cut.outcome().ending == outcome::Ending::crashed);
}

TEST_CASE("a run that was stopped politely: what had failed has failed, the rest begins again") {
  Cut cut;
  auto events = half(cut.cell);
  const auto at = events.back().at;
  events.push_back({at, event::Interrupted{}});
  cut.write(events);
  CHECK(cut.left() == Left::cut_off);
  events.back() = {at, story::on_console(story::finding("oops in sensor_match"))};
  events.push_back({at, event::Interrupted{}});
  cut.write(events);
  CHECK(cut.left() == Left::finished);
}

TEST_CASE("the lab's failures are tried as often as in a run that nobody cut off") {
  Cut cut;
  cut.cell.policy.lab_retries = 1;
  auto events = half(cut.cell);
  const auto at = events.back().at;
  events.push_back({at, event::LabFault{"the guest's hypervisor is gone"}});
  events.push_back({at + 10s, event::Tick{}});
  cut.write(events);
  CHECK(cut.left() == Left::retrying);
  REQUIRE(lab::set_failed_aside(cut.folder()));
  CHECK(lab::failed_attempts(cut.folder()) == 1);
  CHECK(cut.left() == Left::nothing);
  fs::create_directories(cut.folder());
  cut.write(events);
  CHECK(cut.left() == Left::finished);
}

TEST_CASE("a cell that said more than could be heard is not tried again") {
  Cut cut;
  cut.cell.policy.lab_retries = 1;
  auto events = half(cut.cell);
  const auto at = events.back().at;
  events.push_back({at, event::LabFault{"the console was louder than it could be read", true}});
  events.push_back({at + 10s, event::Tick{}});
  cut.write(events);
  CHECK(cut.left() == Left::finished);
  CHECK(cut.outcome().ending == outcome::Ending::lab_failed);
}

TEST_CASE("a journal that no cut explains is not gone on with") {
  Cut cut;
  const auto events = passing(cut.cell);
  cut.write(events);
  std::string text = cut.text();
  const auto second = text.find('\n') + 1;
  text.erase(second, text.find('\n', second) + 1 - second);  // one record taken out
  REQUIRE(write_file(cut.journal(), text));
  auto left = lab::what_is_left(cut.cell, cut.folder(), {});
  REQUIRE_FALSE(left);
  CHECK(left.error().fault == Fault::input);
  CHECK_THAT(left.error().what, ContainsSubstring("edited, cut or reordered"));
}

TEST_CASE("jobs: what had ended is kept, what was cut off is put aside") {
  Cut cut;
  cut.write(half(cut.cell));
  lab::CellJob job{.cell = cut.cell, .folder = cut.folder()};
  auto missing = lab::still_missing({job});
  REQUIRE(missing);
  CHECK(missing->jobs.size() == 1);
  CHECK(missing->cut_off == 1);
  CHECK_FALSE(fs::exists(cut.folder()));
  CHECK(fs::exists(cut.folder().string() + ".cut-off-1/events.jsonl"));
  fs::create_directories(cut.folder());
  cut.write(passing(cut.cell));
  missing = lab::still_missing({job});
  REQUIRE(missing);
  CHECK(missing->jobs.empty());
  CHECK(missing->kept == 1);
}

TEST_CASE("a run that means something else is not the same run, and each difference is told") {
  outcome::RunRecord record{.tool = "labctl 1", .tool_sha256 = "aaaa"};
  record.scenario.text = "a: 1\nstory: [reboot x3]\n";
  record.plan.signatures = plan::SignatureFile{"crashes.yaml", "x"};
  record.artifacts = {{"driver.deb", "d1"}};
  record.images = {
      {.name = "debian", .machine = "uefi", .shape = "1x1024M-uefi", .sha256 = "i1", .boot_time = Millis(1)}};
  record.host = {.hypervisor = "QEMU 7", .accel = "tcg", .machine_type = "pc-7"};
  CHECK(lab::differences(record, record).empty());
  const auto differences = [&](const std::function<void(outcome::RunRecord&)>& change) {
    auto now = record;
    change(now);
    return join(lab::differences(record, now), "; ");
  };
  CHECK(differences([](auto& now) { now.images[0].boot_time = Millis(2); }).empty());
  CHECK(differences([](auto& now) { now.scenario.text = "a: 1\nstory: [reboot x1]\n"; }) ==
        "the scenario was changed: line 2: it was 'story: [reboot x3]', it is 'story: [reboot x1]'");
  CHECK(differences([](auto& now) { now.tool_sha256 = "bbbb"; }) ==
        "the program is another one: the run was begun by labctl 1 (sha256 aaaa), this is labctl 1 (sha256 "
        "bbbb)");
  CHECK(differences([](auto& now) { now.artifacts[0].sha256 = "d2"; }) ==
        "the artifact driver.deb is another one: its sha256 was 'd1', it is 'd2'");
  CHECK(differences([](auto& now) { now.images[0].sha256 = "i2"; }) ==
        "the image debian on machine uefi is another one: its sha256 was 'i1', it is 'i2'");
  CHECK(differences([](auto& now) { now.images[0].snapshot = true; }) ==
        "the image debian on machine uefi is another one: its snapshot was 'none', it is 'live'");
  CHECK(differences([](auto& now) { now.images[0].name = "other"; }) ==
        "the image debian on machine uefi is missing; the image other on machine uefi was not part of the "
        "run");
  CHECK(differences([](auto& now) { now.host.accel = "kvm"; }) ==
        "the host's accel is another one: it was 'tcg', it is 'kvm'");
  CHECK(differences([](auto& now) { now.plan.signatures->text = "y"; }) ==
        "the signature file was changed: line 1: it was 'x', it is 'y'");
  CHECK(differences([](auto& now) { now.plan.cells = {story::control()}; }) ==
        "the scenario means other cells now");
}

TEST_CASE("a bundle with a symbolic link in it is not gone on with") {
  const auto refused = [](const Cut& cut, const fs::path& link) {
    outcome::RunRecord run{.ended = "2026-11-22T02:35:09Z", .faults = std::vector<std::string>()};
    run.interrupted = true;
    run.plan.scenario = "fake";
    run.plan.cells = {cut.cell};
    REQUIRE(write_file(cut.root / "run.json", outcome::write_run_record(run)));
    REQUIRE(lab::read_unfinished(cut.root));
    const fs::path aside = cut.root.string() + "-elsewhere";
    fs::rename(link, aside);
    fs::create_symlink(aside, link);
    const auto unfinished = lab::read_unfinished(cut.root);
    fs::remove(link);
    fs::rename(aside, link);
    REQUIRE_FALSE(unfinished);
    CHECK_THAT(unfinished.error().what, ContainsSubstring("is a symbolic link"));
    CHECK(unfinished.error().fault == Fault::input);
  };
  Cut cut;
  cut.write(half(cut.cell));
  for (const fs::path& link : {cut.root / "cells", cut.folder(), cut.journal(), cut.root}) {
    INFO(link);
    refused(cut, link);
  }
}

TEST_CASE("a bundle that ended is told so, and one that somebody works on is not taken") {
  Cut cut;
  const auto missing = lab::read_unfinished(cut.root);
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().what, ContainsSubstring("is not a bundle"));
  outcome::RunRecord run{.ended = "2026-11-22T02:35:09Z", .faults = std::vector<std::string>()};
  run.plan.scenario = "fake";
  run.plan.cells = {cut.cell};
  REQUIRE(write_file(cut.root / "run.json", outcome::write_run_record(run)));
  const auto ended = lab::read_unfinished(cut.root);
  REQUIRE_FALSE(ended);
  CHECK_THAT(ended.error().what, ContainsSubstring("came to its end"));
  run.interrupted = true;
  REQUIRE(write_file(cut.root / "run.json", outcome::write_run_record(run)));
  REQUIRE(write_file(cut.root / "verdict.json", "{}"));
  const auto unfinished = lab::read_unfinished(cut.root / "");
  REQUIRE(unfinished);
  CHECK_FALSE(unfinished->record.interrupted);
  CHECK(unfinished->record.ended.empty());

  auto bundle = bundle::Bundle::reopen(unfinished->folder);
  REQUIRE(bundle);
  CHECK(bundle->folder() == cut.root.string() + ".partial");
  CHECK(fs::exists(bundle->folder() / "before-resume-1/verdict.json"));
  CHECK_FALSE(fs::exists(bundle->folder() / "verdict.json"));
  const auto again = lab::read_unfinished(cut.root);  // by the name it had
  REQUIRE(again);
  const auto twice = bundle::Bundle::reopen(again->folder);
  REQUIRE_FALSE(twice);
  CHECK_THAT(twice.error().what, ContainsSubstring("another labctl is at work"));
  CHECK(bundle->close() == cut.root);
}
