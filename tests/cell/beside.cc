// Stories of what is done to a driver within one boot, and beside it: loaded again, and load of the author's.

#include "tests/cell/told.h"

using namespace story;
namespace {

const std::string sensord = "service-sensord.service";

void has_modules(Scene& s, std::vector<std::string> modules) {
  s.cell.guest.driver.modules = std::move(modules);
  s.opening = opened(s.cell);
}

// Behind the installation, twice; what is in the kernel meanwhile is what the guest does.
void is_reloaded(Scene& s, std::vector<std::string> services = {}) {
  s.cell.guest.driver.services = std::move(services);
  s.cell.story.insert(s.cell.story.begin() + 1, 2, {.kind = scenario::StepKind::reload});
  has_modules(s, {"core", "net"});
  for (const char* name : {"loaded-core", "loaded-net"})
    s.answers(name, [&s](Answer& answer) {
      if (s.asked["unload"] > s.asked["load"]) answer.output = "state=absent\n";
    });
  s.answers(sensord, [&s](Answer& answer) {
    if (s.asked["unload"] > s.asked["load"]) answer.output = "ActiveState=inactive\n";
  });
}

void has_load(Scene& s, bool must_last = false) {
  s.cell.guest.background = {{"stress"}, {"neighbour", must_last}};
}

const std::vector<Story>& stories() {
  using enum Ending;
  static const std::vector<Story> all = {
      {"a driver that is loaded again, twice", passed, "", 3, [](Scene& s) { is_reloaded(s); }},
      {"a driver that is loaded again, with its service", passed, "", 3,
       [](Scene& s) { is_reloaded(s, {"sensord.service"}); }},
      {"a module that cannot be unloaded", not_loaded, "'unload' ended with status 1: rmmod: ERROR: Module",
       0,
       [](Scene& s) {
         is_reloaded(s);
         s.answers("unload", exits(1, "rmmod: ERROR: Module net is in use\n"));
       }},
      {"a module that only seems to be unloaded", not_loaded, "the module net is still there", 0,
       [](Scene& s) {
         s.answers("loaded-net", [](Answer& answer) {
           if (answer.output == "state=absent\n") answer.output = "state=live\n";
         });
         is_reloaded(s);
       }},
      {"a service that stays active", not_loaded, "the service sensord.service is still active", 0,
       [](Scene& s) {
         s.answers(sensord, [](Answer& answer) {
           if (answer.output == "ActiveState=inactive\n") answer.output = "ActiveState=active\n";
         });
         is_reloaded(s, {"sensord.service"});
       }},
      {"a driver that cannot be loaded a third time", not_loaded, "'load' ended with status 1: ", 0,
       [](Scene& s) {
         is_reloaded(s);
         s.answers("load", exits(1, "modprobe: ERROR: could not insert 'net'\n"), 2);
       }},
      {"a module that goes away again at once", not_loaded, "the module net was loaded and has gone away", 0,
       [](Scene& s) {
         is_reloaded(s);
         s.answers("loaded-net", [&s](Answer& answer) {
           if (s.asked["load"] == 2) answer.output = "state=absent\n";
         });
       }},
      {"another build is loaded the second time", not_loaded, "another build of net is loaded", 0,
       [](Scene& s) {
         is_reloaded(s);
         s.answers("loaded-net", [&s](Answer& answer) {
           if (s.asked["load"] == 1 && s.asked["unload"] == 1)
             answer.output = replace(answer.output, "build_id=b1", "build_id=b2");
         });
       }},
      {"load beside the story", passed, "", 3, [](Scene& s) { has_load(s, true); }},
      {"load that ends early, as it may", passed, "", 3,
       [](Scene& s) {
         has_load(s);
         s.answers("load-state-2", prints("running=no\nstatus=1\n"));
       }},
      {"load that ends in the second boot and must not", not_loaded,
       "the background command 'neighbour' has ended with status 137", 1,
       [](Scene& s) {
         has_load(s, true);
         s.answers("load-state-2", [&s](Answer& answer) {
           if (s.boots == 2) answer.output = "running=no\nstatus=137\n";
         });
       }},
      {"load that ended without a word", not_loaded, "has ended without a status", 0,
       [](Scene& s) {
         has_load(s, true);
         s.answers("load-state-2", prints("running=no\nstatus=\n"));
       }},
      {"load of which the guest does not say whether it runs", hung, "whether 'stress' still runs", 0,
       [](Scene& s) {
         has_load(s);
         s.answers("load-state-1", prints(""));
       }},
      {"load that cannot be begun", lab_failed, "could not be begun: status 1: no systemd", 0,
       [](Scene& s) {
         has_load(s);
         s.answers("begin-load-2", exits(1, "no systemd"));
       }},
      {"load in a control", passed, "", 3,
       [](Scene& s) {
         s = Scene(control());
         has_load(s, true);
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("every story of a driver that is loaded again, and of load beside it, ends as it should") {
  for (const Story& story : stories()) {
    INFO(story.name);
    check(story);
  }
}

TEST_CASE("load is begun once in each boot, behind the first proof of the driver; in a control at once") {
  const auto begun = [](plan::Cell cell) {
    cell.guest.background = {{"stress"}};
    std::vector<std::string> steps;
    for (const auto& op : cell::operations(cell, opened(cell)))
      if (op.question.name == "begin-load-1") steps.push_back(op.step.text());
    return steps;
  };
  CHECK(begun(candidate()) == std::vector<std::string>{"install driver: background", "boot 1/3: background",
                                                       "boot 2/3: background", "boot 3/3: background"});
  CHECK(begun(control()).size() == 4);
  CHECK(begun(control()).front() == "baseline: background");
}

TEST_CASE("load that has ended is told, and blocks nothing") {
  const Scene scene = check(Story{"", Ending::passed, "", 3, [](Scene& s) {
                                    has_load(s);
                                    s.answers("load-state-1", prints("running=no\nstatus=0\n"));
                                  }});
  REQUIRE(!scene.state.findings.empty());
  CHECK(scene.state.findings.front().finding.title == "background ended: stress");
  CHECK_THAT(scene.state.findings.front().finding.suppressed, ContainsSubstring("with status 0"));
}
