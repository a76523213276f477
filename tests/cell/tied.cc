// Stories of drivers that are loaded and are not the delivered ones.

#include "tests/cell/told.h"

using namespace story;
namespace {

std::string before(const std::string& id, const std::string& source = "0") {
  return "state=live\nbuild_id=" + id + "\nsrcversion=" + source + "\nfresh=yes\n";
}

// A driver whose artifact names no build, and what the author proves of it.
void untied(Scene& s, std::vector<scenario::Proof> proofs) {
  s.opening.builds.begin()->second.clear();
  s.cell.guest.proof = std::move(proofs);
}

const std::vector<scenario::Proof> proofs_of_content = {
    {.run = "sensorctl digest", .prints = "${content.sha256}"}};

// Of every answer to `loaded` from the boot `from` on.
void later_says(Scene& s, int from, const std::string& what, const std::string& instead) {
  s.answers("loaded", [&s, from, what, instead](Answer& answer) {
    if (s.boots >= from) answer.output = replace(answer.output, what, instead);
  });
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"a module by its source version", passed, "", 3,
       [](Scene& s) { s.opening.builds.begin()->second = {"srcversion:5F1"}; }},
      {"a module of one of the package's kernels", passed, "", 3,
       [](Scene& s) {
         s.opening.builds.begin()->second = {"build-id:b0", "build-id:b1"};
       }},
      {"a compressed module cannot be compared on its disk, and is tied all the same", passed, "", 3,
       [](Scene& s) { s.answers("loaded", says("fresh=yes", "fresh=unknown")); }},
      {"a module outside modules.dep, with another build id", not_loaded,
       "is not the delivered one: its build id is b2", 0,
       [](Scene& s) {
         s.build_id = "b2";
         s.answers("loaded", says("fresh=yes", "fresh=unknown"));
       }},
      {"the kernel's own module of the same name", not_loaded, "its build id is twin, its srcversion 5F1", 0,
       [](Scene& s) { s.build_id = "twin"; }},
      {"a module without a build id where one was delivered", not_loaded, "its build id is none", 0,
       [](Scene& s) { s.build_id = ""; }},
      {"a build id is no source version", not_loaded, "is not the delivered one", 0,
       [](Scene& s) {
         s.opening.builds.begin()->second = {"srcversion:b1", "build-id:5F1"};
       }},
      {"the old version from the initramfs after a reboot", not_loaded, "another build", 0,
       [](Scene& s) { later_says(s, 1, "build_id=b1", "build_id=b0"); }},
      {"a module that was there before and stayed", not_loaded, "was loaded before anything was delivered", 0,
       [](Scene& s) { s.answers("loaded-before", prints(before("b1", "5F1"))); }},
      {"a module that was there before and was replaced", passed, "", 3,
       [](Scene& s) { s.answers("loaded-before", prints(before("b0"))); }},
      {"two modules that tell nothing of themselves are the same", not_loaded, "was loaded before", 0,
       [](Scene& s) {
         s.build_id = s.source_version = "";
         untied(s, proofs_of_content);
         s.answers("loaded-before", prints(before("", "")));
       }},
      {"no word of what was there before", lab_failed, "inconsistent answers", 0,
       [](Scene& s) { s.answers("loaded-before", prints("")); }},
      {"a driver that names no build, with a proof", passed, "", 3,
       [](Scene& s) { untied(s, proofs_of_content); }},
      {"a driver that names no build, and no proof", not_loaded, "no proof of the scenario", 0,
       [](Scene& s) {
         untied(s, {});
         s.cell.guest.content->unproved = "this is about other things";
       }},
      {"a driver without a module's name, and a proof that is never asked", not_loaded, "no proof was asked",
       3,
       [](Scene& s) {
         untied(s, proofs_of_content);
         s.cell.guest.driver.modules.clear();
         std::erase_if(s.cell.story, [](const auto& step) { return step.kind == scenario::StepKind::apply; });
       }},
      {"an rpm in the wrong state", not_loaded, "wrong state: nothing said", 0,
       [](Scene& s) {
         s.cell.guest.driver.kind = scenario::DriverKind::rpm;
         s.opening = opened(s.cell);
         s.answers("loaded", says("package=right\n", ""));
       }},
      {"an rpm in the right state", passed, "", 3,
       [](Scene& s) {
         s.cell.guest.driver.kind = scenario::DriverKind::rpm;
         s.opening = opened(s.cell);
       }},
      {"a driver that was chosen for the image's kernel", passed, "", 3,
       [](Scene& s) { s.cell.kernel = "6.1.0"; }},
      {"a driver that was chosen for another kernel than the guest's", lab_failed,
       "the guest runs kernel 6.1.0, and the driver was chosen for 6.12.0", 0,
       [](Scene& s) { s.cell.kernel = "6.12.0"; }},
      {"another kernel after a reboot", not_loaded, "runs kernel 6.12.0 and not its image's, 6.1.0", 0,
       [](Scene& s) {
         s.answers("evidence", [&s](Answer& a) {
           if (s.boots == 1) a.output = replace(a.output, "kernel=6.1.0", "kernel=6.12.0");
         });
       }},
      {"no word of the kernel", hung, "did not report its kernel's release", 0,
       [](Scene& s) { s.answers("evidence", says("kernel=6.1.0\n", ""), 2); }},
      {"a module that was loaded by force", not_loaded, "by force: the kernel is tainted F", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.taint |= 1u << 1; }); }},
      {"a module that was unloaded by force", not_loaded, "tainted R", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.taint |= 1u << 3; }); }},
      {"an oops is worse than force", crashed, "tainted FD", 1,
       [](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.taint |= 1u << 1 | 1u << 7; }); }},
  };
  return all;
}

bool says_untied(const Scene& scene) {
  int times = 0;
  for (const auto& seen : scene.state.findings)
    if (seen.finding.title == "driver not tied to the delivered bytes") {
      ++times;
      CHECK_THAT(seen.finding.suppressed, ContainsSubstring("author's proof only"));
    }
  CHECK(times <= 1);
  return times == 1;
}

}  // namespace

TEST_CASE("what is loaded must be what was delivered") {
  for (const Story& story : stories()) {
    INFO(story.name);
    check(story);
  }
}

TEST_CASE("a driver that names no build is told as such, and one that is tied is not") {
  CHECK(says_untied(check(Story{"", Ending::passed, "", 3, [](Scene& s) { untied(s, proofs_of_content); }})));
  CHECK(says_untied(check(Story{"", Ending::passed, "", 3, [](Scene& s) {
                                  untied(s, proofs_of_content);
                                  s.opening.builds.clear();
                                }})));
  CHECK_FALSE(says_untied(check(Story{"", Ending::passed, "", 3, [](Scene&) {}})));
  CHECK_FALSE(says_untied(check(Story{"", Ending::passed, "", 3, [](Scene& s) { s = Scene(control()); }})));
}

TEST_CASE("a journal of the first rules is judged without what was not asked then") {
  const auto older = [](const std::function<void(Scene&)>& change) {
    Scene scene;
    scene.opening.rules = 1;
    scene.opening.builds.clear();
    change(scene);
    const auto outcome = scene.play();
    CHECK(scene.asked.count("loaded-before") == 0);
    CHECK(outcome.findings.empty());
    return outcome.ending;
  };
  CHECK(older([](Scene&) {}) == Ending::passed);
  CHECK(older([](Scene& s) { s.build_id = "b2"; }) == Ending::passed);
  CHECK(older([](Scene& s) { s.answers("evidence", says("kernel=6.1.0\n", "")); }) == Ending::passed);
  CHECK(older([](Scene& s) { s.when(settle2, 2s, [](Scene& g) { g.taint |= 1u << 1; }); }) == Ending::passed);
  CHECK(older([](Scene& s) {
          s.cell.guest.driver.kind = scenario::DriverKind::rpm;
          s.opening.payload = opened(s.cell).payload;
          s.answers("loaded", says("package=right\n", ""));
        }) == Ending::passed);
}
