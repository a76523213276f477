// Stories of candidates that are more than one module: several modules, services, services alone.

#include "tests/cell/told.h"

using namespace story;
namespace {

const std::string sensord = "service-sensord.service", before = "service-before-sensord.service";

void has_modules(Scene& s, std::vector<std::string> modules) {
  s.cell.guest.driver.modules = std::move(modules);
  s.opening = opened(s.cell);
}

void has_bare_modules(Scene& s) {
  s = Scene(bare_module());
  s.cell.driver_path = "core.ko";
  s.cell.driver_with = {"net.ko"};
  has_modules(s, {"core", "net"});
}

void has_services(Scene& s, std::vector<std::string> services, std::vector<std::string> modules = {}) {
  s.cell.guest.driver.services = std::move(services);
  has_modules(s, std::move(modules));
}

void is_built(Scene& s) {
  s.cell.guest.driver.kind = scenario::DriverKind::dkms;
  has_modules(s, {"core", "net"});
}

void has_folder(Scene& s) {
  s.cell.guest.content->path = "/var/lib/sensor/";
  s.opening = opened(s.cell);
}

void has_options(Scene& s) {
  s.cell.machine.cmdline = {"slub_debug=FZPU", "page_poison=1"};
  s.cmdline = "slub_debug=FZPU page_poison=1";
}

void no_proof(Scene& s) {
  s.cell.guest.proof.clear();
  s.cell.guest.content->unproved = "this is about other things";
}

// Of every answer of that name from the boot `from` on.
void later_says(Scene& s, const std::string& name, int from, const std::string& what,
                const std::string& instead) {
  s.answers(name, [&s, from, what, instead](Answer& answer) {
    if (s.boots >= from) answer.output = replace(answer.output, what, instead);
  });
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
      {"two modules of one package", passed, "", 3,
       [](Scene& s) {
         has_modules(s, {"core", "net"});
       }},
      {"two bare modules, each a file of its own", passed, "", 3, has_bare_modules},
      {"the second module is not loaded after a reboot", not_loaded,
       "the module net was loaded and has gone away", 1,
       [](Scene& s) {
         has_modules(s, {"core", "net"});
         later_says(s, "loaded-net", 2, "state=live", "state=absent");
       }},
      {"the second module is another build", not_loaded, "the module net in memory is not the delivered one",
       0,
       [](Scene& s) {
         has_modules(s, {"core", "net"});
         s.answers("loaded-net", says("build_id=b1", "build_id=b9"));
       }},
      {"the second module was there before and stayed", not_loaded, "the module net was loaded before", 0,
       [](Scene& s) {
         has_modules(s, {"core", "net"});
         s.answers("loaded-before-net", prints("state=live\nbuild_id=b1\nsrcversion=5F1\n"));
       }},
      {"the second module's file is another one", altered, "", 0,
       [](Scene& s) {
         has_bare_modules(s);
         s.answers("loaded-net", says("file_sha256=" + driver_digest, "file_sha256=" + sha256("other")));
       }},
      {"the artifact names no build of the second module, and no proof", not_loaded,
       "no proof of the scenario", 0,
       [](Scene& s) {
         has_modules(s, {"core", "net"});
         no_proof(s);
         s.opening.builds["driver.deb:net"].clear();
       }},
      {"a module is still there after its removal", not_loaded, "the module net is still there", 3,
       [](Scene& s) {
         has_modules(s, {"core", "net"});
         s.cell.story.push_back({.kind = scenario::StepKind::remove});
         s.answers("loaded-core", [&s](Answer& answer) {
           if (s.asked.count("remove") != 0) answer.output = "state=absent\n";
         });
       }},
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
      {"a service alone", passed, "", 3, [](Scene& s) { has_services(s, {"sensord.service"}); }},
      {"a service and a module", passed, "", 3,
       [](Scene& s) { has_services(s, {"sensord.service"}, {"sensor"}); }},
      {"a service alone, and no proof of the author's", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         no_proof(s);
       }},
      {"a service that starts late", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(sensord, says("ActiveState=active", "ActiveState=activating"), 1);
       }},
      {"a service that is down after a reboot", not_loaded, "the service sensord.service is failed (running)",
       1,
       [](Scene& s) {
         has_services(s, {"sensord.service"}, {"sensor"});
         later_says(s, sensord, 2, "ActiveState=active", "ActiveState=failed");
       }},
      {"a service that is not there", not_loaded, "the service sensord.service is not there", 0,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(sensord, prints("LoadState=not-found\nActiveState=inactive\nSubState=dead\n"));
       }},
      {"a service that crashes and is restarted while nothing is done", crashed, "was restarted by itself", 1,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         const auto fell = std::make_shared<bool>(false);
         s.when(settle2, 2s, [fell](Scene&) { *fell = true; });
         s.answers(sensord, [fell](Answer& answer) {
           if (*fell) answer.output = replace(answer.output, "NRestarts=0", "NRestarts=1");
         });
       }},
      {"a service that somebody else started again meanwhile", crashed, "was restarted by itself", 1,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         const auto fell = std::make_shared<bool>(false);
         s.when(settle2, 2s, [fell](Scene&) { *fell = true; });
         s.answers(sensord, [fell](Answer& answer) {
           if (*fell) answer.output = replace(answer.output, "InvocationID=c", "InvocationID=d");
         });
       }},
      {"a service that a step of the author's restarts", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(sensord, [&s](Answer& answer) {
           if (s.asked.count("exercise-1") != 0 && s.boots == 0)
             answer.output = replace(answer.output, "InvocationID=c", "InvocationID=d");
         });
       }},
      {"a service that was active before and stayed", not_loaded, "was active before anything was delivered",
       0,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(before, prints("ActiveState=active\nInvocationID=c0ffee0\n"));
       }},
      {"a service that was active before and was replaced", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(before, prints("ActiveState=active\nInvocationID=abad1dea\n"));
       }},
      {"no word of what was active before", lab_failed, "no answer", 0,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(before, prints(""));
       }},
      {"another program under the service's name, and no proof", not_loaded,
       "runs /usr/sbin/sensord, which is none", 0,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         no_proof(s);
         s.answers(sensord, says(program_digest, sha256("other")));
       }},
      {"an interpreter with a delivered script", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         no_proof(s);
         s.answers(sensord,
                   says(program_digest,
                        sha256("python") + "\nscript=/usr/lib/sensord.py\nscript_sha256=" + program_digest));
       }},
      {"a service without a main program, with a proof", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.answers(sensord, prints("ActiveState=active\nInvocationID=c0ffee\nNRestarts=0\n"));
       }},
      {"a socket runs no program", passed, "", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service", "sensord.socket"});
         no_proof(s);
         s.answers("service-sensord.socket", prints("ActiveState=active\nInvocationID=c0ffee\n"));
       }},
      {"a service is still active after its removal", not_loaded, "is still active", 3,
       [](Scene& s) {
         has_services(s, {"sensord.service"});
         s.cell.story.push_back({.kind = scenario::StepKind::remove});
       }},
      {"modules that the guest built", passed, "", 3, [](Scene& s) { is_built(s); }},
      {"modules that the guest built, and no proof of the author's", passed, "", 3,
       [](Scene& s) {
         no_proof(s);
         is_built(s);
       }},
      {"another module than the one that was built", not_loaded,
       "the module net in memory is not what was built of the package: another build", 1,
       [](Scene& s) {
         is_built(s);
         later_says(s, "loaded-net", 2, "built=yes", "built=another build is in memory");
       }},
      {"no word of what was built", not_loaded, "nothing said", 0,
       [](Scene& s) {
         is_built(s);
         s.answers("loaded-core", says("built=yes\n", ""));
       }},
      {"a build that fails, with the compiler's words", not_loaded, "error: too few arguments to function", 0,
       [](Scene& s) {
         is_built(s);
         s.answers("install", exits(1,
                                    "dkms status\nnot built for 6.12: x/1, added\nscap.c:12: error: too few "
                                    "arguments to function 'class_create'\n"));
       }},
      {"content that is a folder", passed, "", 3, has_folder},
      {"a file of the folder is another one after a reboot", altered,
       "the content (channels/a.bin) in the guest is not", 1,
       [](Scene& s) {
         has_folder(s);
         later_says(s, "content-digest", 2, "content_sha256=" + content_digest,
                    "content_sha256=" + sha256("other") + "\ndiffers=channels/a.bin|");
       }},
      {"the folder is gone", altered, "the content is gone", 0,
       [](Scene& s) {
         has_folder(s);
         s.answers("content-digest", prints("content_sha256=absent\n"));
       }},
      {"a kernel with the options that were asked for", passed, "", 3, has_options},
      {"an option is gone after a reboot", not_loaded,
       "was started without 'slub_debug=FZPU': its boot loader", 0,
       [](Scene& s) {
         has_options(s);
         later_says(s, "evidence", 1, "slub_debug=FZPU", "slub_debug=F");
       }},
      {"an option that the image's kernel never got", lab_failed, "was started without 'page_poison=1'", 0,
       [](Scene& s) {
         has_options(s);
         s.cmdline = "slub_debug=FZPU";
       }},
      {"a bare module's service is only blamed", passed, "", 3,
       [](Scene& s) {
         s = Scene(bare_module());
         s.cell.guest.driver.services = {"sensord.service"};
         s.opening = opened(s.cell);
         s.answers(sensord, prints("ActiveState=failed\n"));
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a product is more than one module") {
  for (const Story& story : stories()) {
    INFO(story.name);
    check(story);
  }
}

TEST_CASE("a journal of the first rules asks no service") {
  Scene scene;
  scene.cell.guest.driver.services = {"sensord.service"};
  scene.opening = opened(scene.cell);
  scene.opening.rules = 1;
  CHECK(scene.play().ending == Ending::passed);
  CHECK(scene.asked.count(sensord) == 0);
  CHECK(scene.asked.count(before) == 0);
}

TEST_CASE("what the guest builds is tied there, and not told as untied") {
  const Scene scene = check({"", Ending::passed, "", 3, [](Scene& s) { is_built(s); }});
  for (const auto& seen : scene.state.findings)
    CHECK(seen.finding.title != "driver not tied to the delivered bytes");
  CHECK(scene.opening.builds.empty());
}

TEST_CASE("files that are installed together are named together, in their order") {
  plan::Cell cell = bare_module();
  cell.driver_path = "core.ko";
  cell.driver_with = {"net.ko", "log.ko"};
  cell.guest.driver.modules = {"core", "net", "log"};
  const auto opening = opened(cell);
  CHECK(guest::driver_files(opening.payload, cell.guest.driver, "driver.ko") ==
        guest::Files{"driver.ko", "driver+1.ko", "driver+2.ko"});
  int installs = 0;
  for (const auto& op : cell::operations(cell, opening))
    if (op.question.name == "install") {
      ++installs;
      for (const char* file :
           {"'core' '/var/lib/labctl/payload/driver.ko'", "'net' '/var/lib/labctl/payload/driver+1.ko'",
            "'log' '/var/lib/labctl/payload/driver+2.ko'"})
        CHECK_THAT(op.question.command, ContainsSubstring(file));
    }
  CHECK(installs == 1);
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
  const Scene scene = check({"", Ending::passed, "", 3, [](Scene& s) {
                               has_load(s);
                               s.answers("load-state-1", prints("running=no\nstatus=0\n"));
                             }});
  REQUIRE(!scene.state.findings.empty());
  CHECK(scene.state.findings.front().finding.title == "background ended: stress");
  CHECK_THAT(scene.state.findings.front().finding.suppressed, ContainsSubstring("with status 0"));
}
