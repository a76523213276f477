#include "tests/history/year.h"

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/units.h"

namespace labctl::history {
namespace {

constexpr std::int64_t first_second = 1'764'547'200;  // 2025-12-01

// A small generator of its own: the standard's distributions differ between libraries.
class Chance {
 public:
  int below(int n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(n));
  }

 private:
  std::uint64_t state_ = 20;
};

std::string number(int n) { return (n < 10 ? "0" : "") + std::to_string(n); }

struct Place {
  int image, driver;
  std::string id() const { return "debian-" + number(image) + ".driver-v" + number(driver); }
  int index(const YearSize& size) const { return image * size.drivers + driver; }
};

class Maker {
 public:
  explicit Maker(const YearSize& size) : size_(size) {}

  Entry entry(int run) {
    Entry entry = small_entry(run);
    entry.cells.clear();
    entry.images.clear();
    entry.began = show_moment(moment(run));
    entry.ended = show_moment(moment(run) + 1800);
    entry.hypervisor = run < size_.runs / 2 ? "QEMU 7.2.20, libvirt 9.0.0" : "QEMU 7.2.22, libvirt 9.0.0";
    entry.cpu = run % 3 == 0 ? "EPYC 9354" : "Xeon Gold 6330";
    entry.fingerprint = sha256(entry.cpu + entry.hypervisor);
    bool failed = false, lab = false;
    for (int image = 0; image < size_.images; ++image) {
      entry.images.push_back({.name = "debian-" + number(image),
                              .sha256 = disk(image, run),
                              .kernel_release = "6.12." + std::to_string(100 + image) + "+deb12-amd64",
                              .suite = "bookworm",
                              .boot_ms = 14000 + chance_.below(2000)});
      for (int driver = 0; driver < size_.drivers; ++driver) {
        entry.cells.push_back(cell({image, driver}, run));
        failed |= entry.cells.back().answer == Answer::failed;
        lab |= entry.cells.back().answer == Answer::lab;
      }
    }
    entry.verdict = entry.recorded = failed ? "blocked" : lab ? "no-verdict" : "passed";
    return entry;
  }

  // Of each regression the place, the run that shows it first and what changed with that run.
  struct Regression {
    Place place;
    int run;
    const char* changed;
  };
  std::vector<Regression> regressions() const {
    std::vector<Regression> all;
    for (int i = 0; i < std::min(8, size_.images); ++i) {
      static constexpr const char* columns[] = {"driver", "content", "image"};
      all.push_back({{i, 0}, size_.runs / 10 * (i + 2) + 3, columns[i % 3]});
    }
    return all;
  }
  bool flaky(const Place& place) const { return place.driver == 1 && place.image % 3 == 0; }
  bool sick(const Place& place) const { return place.driver == 2 && place.image % 4 == 0; }

  std::int64_t moment(int run) const { return first_second + std::int64_t{run} * 365 * 86'400 / size_.runs; }

 private:
  // Bytes change with every week; those of a regression on its day besides.
  std::string version(const char* what, const Place& place, int run) const {
    std::string name = std::string(what) + std::to_string(run / std::max(1, size_.runs / 52));
    for (const auto& regression : regressions())
      if (regression.place.image == place.image && regression.place.driver == place.driver &&
          std::string(what) == regression.changed && run >= regression.run)
        name += " bad";
    return sha256(name + std::to_string(place.driver));
  }
  std::string disk(int image, int run) const {
    for (const auto& regression : regressions())
      if (regression.place.image == image && std::string("image") == regression.changed &&
          run >= regression.run)
        return sha256("disk bad" + std::to_string(image));
    return sha256("disk" + std::to_string(image));
  }
  bool broken(const Place& place, int run) const {
    for (const auto& regression : regressions())
      if (regression.place.image == place.image && regression.place.driver == place.driver &&
          run >= regression.run)
        return true;
    return false;
  }

  CellRow cell(const Place& place, int run) {
    CellRow row{.id = place.id(),
                .tested = {.image = "debian-" + number(place.image),
                           .machine = "1 vCPU, 1GiB",
                           .kernel_release = "6.12." + std::to_string(100 + place.image) + "+deb12-amd64",
                           .driver = "v" + number(place.driver),
                           .content = "candidate",
                           .image_sha256 = disk(place.image, run),
                           .driver_sha256 = version("driver", place, run),
                           .content_sha256 = version("content", place, run),
                           .story_sha256 = sha256("story")},
                .answer = Answer::passed,
                .outcome = "passed",
                .journal_sha256 = sha256(place.id() + " " + std::to_string(run)),
                .wanted = 3,
                .proved = 3,
                .took_ms = 150'000 + chance_.below(20'000),
                .events = 600};
    for (int n = 1; n <= 3; ++n)
      row.boots.push_back({n, 7000 + chance_.below(1000), 24'000 + chance_.below(3000),
                           50'000 + chance_.below(8000), chance_.below(500)});
    if (broken(place, run))
      fail(row, "BUG: unable to handle page fault in act_" + number(place.index(size_)));
    else if (flaky(place) && chance_.below(6) == 0)
      fail(row, "hung task: sensor_wait_" + number(place.index(size_)));
    if (sick(place) ? chance_.below(8) == 0 : chance_.below(100) == 0) by_the_lab(row);
    return row;
  }

  static void fail(CellRow& row, const std::string& title) {
    row.answer = Answer::failed;
    row.outcome = "crashed";
    row.reason = title;
    row.proved = 1;
    row.boots.resize(1);
    row.findings.push_back(
        {.title = title,
         .kind = "oops",
         .severity = "fatal",
         .channel = "console",
         .module = "sensor",
         .excerpt = "BUG: unable to handle page fault\nCall Trace:\n act+0x12/0x40 [sensor]\n",
         .candidate = true,
         .boot = 1});
  }
  static void by_the_lab(CellRow& row) {
    row.answer = Answer::lab;
    row.outcome = "lab-failed";
    row.reason = "the disk is full";
    row.proved = 0;
    row.boots.clear();
    row.findings.clear();
    row.attempts = {
        {.kind = "lab-failed", .outcome = "lab-failed", .reason = "the disk is full", .took_ms = 9000}};
  }

  YearSize size_;
  Chance chance_;
};

}  // namespace

Entry small_entry(int n) {
  Entry entry{.id = sha256("run " + std::to_string(n)),
              .run_sha256 = sha256("run.json " + std::to_string(n)),
              .name = "run-" + std::to_string(n),
              .scenario = "gate",
              .scenario_sha256 = sha256("scenario"),
              .plan_sha256 = sha256("plan"),
              .began = show_moment(first_second + n * 3600),
              .ended = show_moment(first_second + n * 3600 + 1800),
              .recorded = "passed",
              .verdict = "passed",
              .rules = 2,
              .tool = "labctl 0.1.0",
              .tool_sha256 = sha256("tool"),
              .hypervisor = "QEMU 7.2.22, libvirt 9.0.0",
              .accel = "kvm",
              .machine_type = "pc-q35-7.2",
              .cpu = "EPYC 9354",
              .fingerprint = sha256("host"),
              .bundle = "/srv/bundles/run-" + std::to_string(n)};
  entry.images = {
      {.name = "debian", .sha256 = sha256("disk"), .kernel_release = "6.12.1", .boot_ms = 14'000}};
  entry.canaries = {
      {.image = "debian", .crash = "panic", .due = "console", .spoke = "console", .made = entry.began}};
  entry.artifacts = {{"build/driver.ko", sha256("driver"), 6}};
  entry.cells = {{.id = "debian.driver-candidate",
                  .tested = {.image = "debian",
                             .kernel_release = "6.12.1",
                             .driver = "candidate",
                             .image_sha256 = sha256("disk"),
                             .driver_sha256 = sha256("driver"),
                             .story_sha256 = sha256("story")},
                  .answer = Answer::passed,
                  .outcome = "passed",
                  .journal_sha256 = sha256("journal " + std::to_string(n)),
                  .wanted = 1,
                  .proved = 1,
                  .took_ms = 60'000,
                  .events = 100,
                  .boots = {{1, 7000, 24'000, 50'000, 0}}}};
  return entry;
}

Result<Year> make_year(const YearSize& size, const std::function<Status(const Entry&)>& add) {
  Maker maker(size);
  Year year;
  const auto planted = maker.regressions();
  // When a cell was last seen passing before its regression; the lab may have failed it in between.
  std::vector<std::string> last_good(planted.size()), first_bad(planted.size());
  for (int run = 0; run < size.runs; ++run) {
    const Entry entry = maker.entry(run);
    for (std::size_t i = 0; i < planted.size(); ++i)
      for (const auto& cell : entry.cells)
        if (cell.id == planted[i].place.id()) {
          if (cell.answer == Answer::passed) last_good[i] = entry.began;
          if (cell.answer == Answer::failed && first_bad[i].empty()) first_bad[i] = entry.began;
        }
    if (auto added = add(entry); !added) return fail(added.error());
  }
  for (std::size_t i = 0; i < planted.size(); ++i)
    year.regressions.push_back({planted[i].place.id(), first_bad[i], last_good[i], planted[i].changed});
  for (int image = 0; image < size.images; ++image) {
    if (maker.flaky({image, 1})) year.flakes.push_back(Place{image, 1}.id());
    if (maker.sick({image, 2})) year.lab_sick.push_back(Place{image, 2}.id());
  }
  return year;
}

}  // namespace labctl::history
