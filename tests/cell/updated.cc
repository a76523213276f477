// Stories of a guest whose operating system is updated in the middle of them.

#include "tests/cell/told.h"

using namespace story;
namespace {

const std::string newer = "6.1.0-41-amd64";

// Behind the exercise, by a package that holds this kernel, or none.
void is_updated(Scene& s, const std::string& kernel = newer) {
  s.cell.story.insert(s.cell.story.begin() + (s.cell.control ? 0 : 3),
                      {.kind = scenario::StepKind::update, .text = "out/linux.deb"});
  s.opening = opened(s.cell);
  s.updates_to = kernel;
}

// The driver has a build for each kernel.
void has_builds(Scene& s, const std::vector<std::string>& builds = {"build-id:b1", "build-id:b2"}) {
  is_updated(s);
  s.opening.builds["driver.deb"] = builds;
  s.build_under[newer] = "b2";
}

// Its tag under the other kernel changes again in that boot.
void has_bpf(Scene& s, int again = 9) {
  s.cell.guest.driver.modules = {};
  s.cell.guest.driver.bpf = {"on_exec"};
  is_updated(s);
  s.answers("bpf", [&s, again](Answer& answer) {
    const std::string tag = s.boots < again ? "ffff2233445566aa" : "eeee2233445566aa";
    if (s.kernel == newer) answer.output = "jit=1\ntags.on_exec=" + tag + " \npackage=right\n";
  });
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"a package without a kernel", passed, "", 3, [](Scene& s) { is_updated(s, ""); }},
      {"a kernel that the next boot shows", passed, "", 3, [](Scene& s) { is_updated(s); }},
      {"the kernel that is there already", passed, "", 3, [](Scene& s) { is_updated(s, "6.1.0"); }},
      {"a control that is updated", passed, "", 3, [](Scene& s) { s = Scene(control()), is_updated(s); }},
      {"two kernels one after the other", passed, "", 3,
       [](Scene& s) {
         is_updated(s, "6.1.0-40-amd64"), is_updated(s);
         s.answers("update", prints("kernels=6.1.0-40-amd64 \n"));
       }},
      {"a driver's build for the other kernel", passed, "", 3, [](Scene& s) { has_builds(s); }},
      {"a build for the other kernel that was not delivered", not_loaded, "is not the delivered one", 0,
       [](Scene& s) { has_builds(s, {"build-id:b1"}); }},
      {"two builds under the other kernel", not_loaded, "another build of sensor is loaded", 1,
       [](Scene& s) {
         has_builds(s, {"build-id:b1", "build-id:b2", "build-id:b3"});
         s.when("boot 2/3", 1s, [](Scene& g) { g.build_under[newer] = "b3"; });
       }},
      {"another build without another kernel", not_loaded, "another build of sensor is loaded", 0,
       [](Scene& s) {
         has_builds(s), s.updates_to.clear();
         s.build_under.clear();
         s.when("boot 1/3", 1s, [](Scene& g) { g.build_id = "b2"; });
       }},
      {"another build behind an update to the kernel that runs", not_loaded,
       "another build of sensor is loaded", 0,
       [](Scene& s) {
         is_updated(s, "6.1.0");
         s.opening.builds["driver.deb"] = {"build-id:b1", "build-id:b2"};
         s.when("boot 1/3", 1s, [](Scene& g) { g.build_id = "b2"; });
       }},
      {"another version under the other kernel", not_loaded, "another build of sensor is loaded", 0,
       [](Scene& s) {
         has_builds(s);
         s.when("boot 1/3", 1s, [](Scene& g) { g.version = "7.15"; });
       }},
      {"a module that the guest builds for the other kernel", passed, "", 3,
       [](Scene& s) {
         s.cell.guest.driver.kind = scenario::DriverKind::dkms;
         is_updated(s), s.build_under[newer] = "b2";
       }},
      {"a build for the other kernel that is not the one in memory", not_loaded, "is not what was built", 0,
       [](Scene& s) {
         s.cell.guest.driver.kind = scenario::DriverKind::dkms;
         is_updated(s), s.build_under[newer] = "b2";
         s.answers("loaded", [&s](Answer& answer) {
           if (s.kernel == newer) answer.output = replace(answer.output, "built=yes", "built=no");
         });
       }},
      {"no module for the other kernel", not_loaded,
       "has gone away since: it is absent under the kernel that an update installed, 6.1.0-41-amd64", 0,
       [](Scene& s) {
         is_updated(s);
         s.answers("loaded", [&s](Answer& answer) {
           if (s.kernel == newer) answer.output = "state=absent\n";
         });
       }},
      {"BPF programs, whose tags are the kernel's", passed, "", 3, [](Scene& s) { has_bpf(s); }},
      {"BPF programs of two builds under one kernel", not_loaded, "another build of the BPF program", 1,
       [](Scene& s) { has_bpf(s, 2); }},
      {"a boot loader that starts the old kernel", not_loaded,
       "runs kernel 6.1.0 and not the one that its update installed, 6.1.0-41-amd64", 0,
       [](Scene& s) { is_updated(s), s.boots_into_update = false; }},
      {"a boot loader that starts the old kernel without the candidate", lab_failed,
       "not the one that its update installed", 0,
       [](Scene& s) { s = Scene(control()), is_updated(s), s.boots_into_update = false; }},
      {"a boot that goes back to the old kernel", not_loaded, "not the one that its update installed", 1,
       [](Scene& s) {
         is_updated(s);
         s.when("boot 2/3", 1s, [](Scene& g) { g.kernel = "6.1.0"; });
       }},
      {"another kernel before the boot", not_loaded, "runs kernel 6.1.0-41-amd64 and not its image's", 0,
       [](Scene& s) {
         is_updated(s);
         s.when("update package: proof", 100ms, [](Scene& g) { g.kernel = newer; });
       }},
      {"a package that is not installed", not_loaded,
       "the update was not installed: 'update' ended with status 1: dpkg: error; x depends on y", 0,
       [](Scene& s) { is_updated(s), s.answers("update", exits(1, "dpkg: error\n x depends on y\n")); }},
      {"a package that is not installed in the control", lab_failed, "the update was not installed", 0,
       [](Scene& s) { s = Scene(control()), is_updated(s), s.answers("update", exits(1)); }},
      {"a package that is not installed before the candidate is there", lab_failed,
       "the update was not installed", 0,
       [](Scene& s) {
         is_updated(s);
         std::rotate(s.cell.story.begin(), s.cell.story.begin() + 3, s.cell.story.begin() + 4);
         s.answers("update", exits(1));
       }},
      {"a kernel before the candidate is there", passed, "", 3,
       [](Scene& s) {
         using enum scenario::StepKind;
         s.cell.story = {{.kind = update, .text = "linux.rpm"},
                         {.kind = reboot},
                         {.kind = install},
                         {.kind = apply},
                         {.kind = exercise},
                         {.kind = reboot},
                         {.kind = reboot}};
         s.opening = opened(s.cell), s.updates_to = newer;
         s.opening.builds["driver.deb"] = {"build-id:b2"}, s.build_under[newer] = "b2";
       }},
      {"a guest that does not say which kernel", hung, "did not report which kernel", 0,
       [](Scene& s) { is_updated(s), s.answers("update", prints("ok\n")); }},
      {"a guest that names no kernel as one", hung, "reports '../x' as the kernel", 0,
       [](Scene& s) { is_updated(s), s.answers("update", prints("kernels=../x \n")); }},
      {"a package of several kernels", lab_failed, "holds several kernels (6.1.0-40, 6.1.0-41)", 0,
       [](Scene& s) { is_updated(s), s.answers("update", prints("kernels=6.1.0-40 6.1.0-41 \n")); }},
      {"a kernel that dies while it is updated", crashed, "oops", 0,
       [](Scene& s) {
         is_updated(s), s.works_at["update"] = 20s;
         s.hears("update package", 2s, on_console(finding("oops")));
       }},
      {"a package that takes its time", passed, "", 3,
       [](Scene& s) { is_updated(s), s.works_at["update"] = 14min; }},
      {"a package that takes too long", hung, "'update' did not end within 15m00s", 0,
       [](Scene& s) { is_updated(s), s.never_answers("update"); }},
      {"a package that builds modules", passed, "", 3,
       [](Scene& s) {
         s.cell.guest.driver.kind = scenario::DriverKind::dkms;
         is_updated(s), s.works_at["update"] = 50min;
       }},
      {"a package with a limit of its own", hung, "'update' did not end within 1m00s", 0,
       [](Scene& s) {
         is_updated(s), s.cell.story[3].within = 60s;
         s.never_answers("update");
       }},
      {"a service that is started again by it", passed, "", 3,
       [](Scene& s) {
         s.cell.guest.driver.services = {"sensord.service"};
         is_updated(s);
         s.answers("service-sensord.service", [&s](Answer& answer) {
           if (s.asked["update"] == 1 && s.boots == 0)
             answer.output = replace(answer.output, "c0ffee0", "c0ffee9");
         });
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("every story of a guest that is updated ends as it should") {
  for (const Story& story : stories()) {
    INFO(story.name);
    check(story);
  }
}
