// Proofs of channels are made once, kept, and believed only while everything they stand on is the same.

#include "labctl/trust/canary.h"
#include "labctl/base/json.h"
#include "labctl/bundle/canary_record.h"

#include <unistd.h>

#include "labctl/base/digest.h"
#include "tests/bundle/canary_records.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

class Lab {
 public:
  Lab() {
    root = fs::temp_directory_path() /
           ("labctl-canary-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    order.cache = root / "cache";
    order.work = root / "work";
    order.tool = sha256("labctl");
    order.host = sha256("host");
    snapshot::BaseSnapshot base{.boot_time = Millis(3000)};
    base.image.name = "box";
    base.image.sha256 = sha256("box");
    base.image.facts.canary_module = true;
    order.bases = {base};
  }
  ~Lab() { fs::remove_all(root); }

  outcome::Canary prove() {
    order.records = root / ("bundle-" + std::to_string(++count));
    auto canaries = trust::prove_channels(
        order,
        [&](const std::vector<lab::CellJob>& jobs) {
          ++killings;
          for (const auto& job : jobs)
            REQUIRE(test::write_death(order.records, job.cell.id, *job.canary, job.canary == silent));
        },
        [](std::string_view) {}, {});
    REQUIRE(canaries);
    REQUIRE(canaries->size() == 1);
    return canaries->front();
  }

  fs::path journal(const std::string& crash) const {
    const Json summary = *parse_json(*read_file(order.records / "box.json"), {});
    return order.records / (text_at(summary, "records") + ".canary-" + crash) / "events.jsonl";
  }

  fs::path root;
  trust::CanaryOrder order;
  std::optional<guest::Crash> silent;
  int killings = 0;

 private:
  static inline int count = 0;
};

}  // namespace

TEST_CASE("a proof is made once and its records are in every bundle") {
  Lab lab;
  CHECK(lab.prove().proved());
  const auto again = lab.prove();
  CHECK(again.proved());
  CHECK(again.deaths.size() == 5);
  CHECK(lab.killings == 1);
  CHECK(bundle::read_canary(lab.order.records, "box").proved());
  CHECK(fs::exists(lab.journal("hang")));
}

TEST_CASE("the age of a proof is reckoned by the clock that the run is given") {
  Lab lab;
  lab.prove();
  lab.order.clock = [] { return std::time(nullptr) + 8 * 24 * 3600; };
  lab.prove();
  CHECK(lab.killings == 2);
  lab.prove();
  CHECK(lab.killings == 2);
}

TEST_CASE("another image, host, shape or labctl wants a proof of its own") {
  Lab lab;
  lab.prove();
  lab.order.tool = sha256("another labctl");
  lab.prove();
  CHECK(lab.killings == 2);
  lab.order.host = sha256("another host");
  lab.prove();
  CHECK(lab.killings == 3);
  lab.order.bases[0].image.sha256 = sha256("another image");
  lab.prove();
  CHECK(lab.killings == 4);
  lab.order.bases[0].shape.vcpus = 2;
  lab.prove();
  CHECK(lab.killings == 5);
  lab.order.again = true;
  lab.prove();
  CHECK(lab.killings == 6);
}

TEST_CASE("a channel that stayed silent is told and nothing of it is kept") {
  Lab lab;
  lab.silent = guest::Crash::reset;
  const auto blind = lab.prove();
  CHECK_FALSE(blind.proved());
  CHECK(blind.reason() == "reset: the clone survived, and no channel reported its crash");
  lab.silent.reset();
  CHECK(lab.prove().proved());
  CHECK(lab.killings == 2);
}

TEST_CASE("a proof that is too old, from the future or damaged is made again") {
  Lab lab;
  lab.prove();
  const auto kept = fs::directory_iterator(lab.order.cache / "canary");
  fs::path folder;
  for (const auto& entry : kept)
    if (entry.is_directory()) folder = entry.path();
  REQUIRE_FALSE(folder.empty());
  const auto made = [&](long long offset) {
    Json summary = *parse_json(*read_file(folder / "box.json"), {});
    summary["made_unix"] = std::time(nullptr) + offset;
    REQUIRE(write_file(folder / "box.json", dump_pretty(summary)));
  };
  made(-6 * 24 * 3600);
  lab.prove();
  CHECK(lab.killings == 1);
  made(-8 * 24 * 3600);
  lab.prove();
  CHECK(lab.killings == 2);
  made(3600);
  lab.prove();
  CHECK(lab.killings == 3);
  REQUIRE(write_file(folder / lab.journal("hang").parent_path().filename() / "events.jsonl", "{}\n"));
  lab.prove();
  CHECK(lab.killings == 4);
}

TEST_CASE("records that are missing, damaged or another's prove nothing") {
  Lab lab;
  REQUIRE(lab.prove().proved());
  const fs::path records = lab.order.records;
  CHECK_FALSE(bundle::read_canary(records, "other").proved());
  fs::rename(lab.journal("panic"), records / "aside");
  CHECK(bundle::read_canary(records, "box").reason().starts_with("panic: no record of it"));
  fs::copy(lab.journal("nmi"), lab.journal("panic"));
  CHECK_FALSE(bundle::read_canary(records, "box").proved());
  fs::rename(records / "aside", lab.journal("panic"));
  CHECK(bundle::read_canary(records, "box").proved());
  fs::remove(records / "box.json");
  CHECK_FALSE(bundle::read_canary(records, "box").proved());
}

TEST_CASE("an image without the module that oopses is proved by the other deaths") {
  Lab lab;
  lab.order.bases[0].image.facts = {};
  const auto canary = lab.prove();
  CHECK(canary.proved());
  CHECK(canary.deaths.size() == 4);
}

TEST_CASE("two images with one disk have a proof each") {
  Lab lab;
  lab.order.bases.push_back(lab.order.bases[0]);
  lab.order.bases[1].image.name = "twin";
  lab.order.bases[1].image.facts = {};
  int killings = 0;
  for (const char* bundle : {"bundle", "bundle-2"}) {
    lab.order.records = lab.root / bundle;
    const auto canaries = trust::prove_channels(
        lab.order,
        [&](const std::vector<lab::CellJob>& jobs) {
          ++killings;
          for (const auto& job : jobs)
            REQUIRE(test::write_death(lab.order.records, job.cell.id, *job.canary));
        },
        [](std::string_view) {}, {});
    REQUIRE(canaries);
    REQUIRE(canaries->size() == 2);
    for (const auto& canary : *canaries) {
      INFO(canary.name() << ": " << canary.reason());
      CHECK(canary.proved());
    }
    CHECK(canaries->at(0).deaths.size() == 5);
    CHECK(canaries->at(1).deaths.size() == 4);
  }
  CHECK(killings == 1);
}

TEST_CASE("every shape wants its own proof, and two names for one shape share it") {
  Lab lab;
  snapshot::BaseSnapshot smp = lab.order.bases[0], uefi = smp;
  smp.machine = "smp";  // the same shape: under TCG a second vCPU is not given
  uefi.machine = "uefi";
  uefi.shape.firmware = Firmware::uefi_secure;
  lab.order.bases.push_back(smp);
  lab.order.bases.push_back(uefi);
  lab.order.records = lab.root / "bundle";
  std::vector<std::string> killed;
  const auto prove = [&] {
    killed.clear();
    auto canaries = trust::prove_channels(
        lab.order,
        [&](const std::vector<lab::CellJob>& jobs) {
          for (const auto& job : jobs) {
            killed.push_back(job.cell.id);
            const bool silent = job.base.machine == "uefi" && lab.silent == job.canary;
            REQUIRE(test::write_death(lab.order.records, job.cell.id, *job.canary, silent));
          }
        },
        [](std::string_view) {}, {});
    REQUIRE(canaries);
    REQUIRE(canaries->size() == 3);
    return *canaries;
  };
  lab.silent = guest::Crash::hang;
  auto canaries = prove();
  CHECK(killed.size() == 9);  // nothing without a signature is loaded under Secure Boot, so no oops there
  CHECK(canaries[0].proved());
  CHECK(canaries[1].proved());
  CHECK(canaries[1].name() == "box on machine smp");
  CHECK_FALSE(canaries[2].proved());
  CHECK(bundle::read_canary(lab.order.records, "box", "smp").proved());
  CHECK_FALSE(bundle::read_canary(lab.order.records, "box", "uefi").proved());
  CHECK_FALSE(bundle::read_canary(lab.order.records, "box", "never").proved());
  lab.silent.reset();
  lab.order.records = lab.root / "bundle-2";
  canaries = prove();
  CHECK(killed.size() == 4);  // only what was not proved
  CHECK(canaries[2].proved());
  CHECK(canaries[1].proved());
}
