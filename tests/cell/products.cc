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

void has_bpf(Scene& s, std::vector<std::string> programs = {"on_exec", "on_open"}) {
  s.cell.guest.driver.bpf = std::move(programs);
  has_modules(s, {});
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
      {"BPF programs, and a proof of the author's", passed, "", 3, [](Scene& s) { has_bpf(s); }},
      {"BPF programs beside a module", passed, "", 3,
       [](Scene& s) {
         has_bpf(s);
         has_modules(s, {"sensor"});
       }},
      {"BPF programs, and no proof: nothing ties them", not_loaded, "no proof was asked", 3,
       [](Scene& s) {
         has_bpf(s);
         no_proof(s);
       }},
      {"a BPF program that is loaded late", passed, "", 3,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("00112233445566aa", ""), 1);
       }},
      {"a BPF program that never comes", not_loaded, "the BPF program on_exec is not loaded", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("00112233445566aa", ""));
       }},
      {"a kernel that interprets BPF", not_loaded, "net.core.bpf_jit_enable is 0", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", prints("jit=0\ntags.on_exec=\ntags.on_open=\npackage=right\n"));
       }},
      {"a BPF program that is gone after a reboot", not_loaded, "the BPF program on_open is not loaded", 1,
       [](Scene& s) {
         has_bpf(s);
         later_says(s, "bpf", 2, "00112233445566bb 00112233445566cc", "");
       }},
      {"a BPF program of other instructions after a reboot", not_loaded,
       "another build of the BPF program on_open is loaded than after the installation: its tag is "
       "00112233445566bb, and was 00112233445566bb, 00112233445566cc",
       1,
       [](Scene& s) {
         has_bpf(s);
         later_says(s, "bpf", 2, " 00112233445566cc", "");
       }},
      {"tags in another order", passed, "", 3,
       [](Scene& s) {
         has_bpf(s);
         later_says(s, "bpf", 2, "00112233445566bb 00112233445566cc", "00112233445566cc 00112233445566bb");
       }},
      {"a BPF program that was there before and stayed", not_loaded,
       "the BPF program on_exec was loaded before", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf-before", says("tags.on_exec=", "tags.on_exec=00112233445566aa"));
       }},
      {"a BPF program that was there before and was replaced", passed, "", 3,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf-before", says("tags.on_exec=", "tags.on_exec=00112233445566ff"));
       }},
      {"no word of the BPF programs before", lab_failed, "does not report its BPF programs", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf-before", prints("jit=1\n"));
       }},
      {"no word of a BPF program", hung, "did not report the tag of the BPF program on_open", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("tags.on_open", "tags.on_0pen"));
       }},
      {"a tag that is none", hung, "did not report the tag of the BPF program on_exec", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("00112233445566aa", "true"));
       }},
      {"a tag that is told in two ways", hung, "did not report the tag of the BPF program on_exec", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("jit=1", "tags.on_exec=0011223344556600"));
       }},
      {"BPF programs of a package in the wrong state", not_loaded, "wrong state: sensor: unpacked", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("package=right", "package=sensor: unpacked"));
       }},
      {"BPF programs of a package, and no word of its state", not_loaded, "wrong state: nothing said", 0,
       [](Scene& s) {
         has_bpf(s);
         s.answers("bpf", says("package=right\n", ""));
       }},
      {"BPF programs of a script have no package", passed, "", 3,
       [](Scene& s) {
         has_bpf(s);
         s.cell.guest.driver.kind = scenario::DriverKind::script;
         s.opening = opened(s.cell);
         s.answers("bpf", says("package=right\n", ""));
       }},
      {"a BPF program is still there after its removal", not_loaded,
       "the BPF program on_open is still loaded after its removal", 3,
       [](Scene& s) {
         has_bpf(s);
         s.cell.story.push_back({.kind = scenario::StepKind::remove});
         s.answers("bpf", [&s](Answer& answer) {
           if (s.asked.count("remove") != 0)
             answer.output = "jit=1\ntags.on_exec=\ntags.on_open=00112233445566bb\n";
         });
       }},
      {"BPF programs are gone after their removal", passed, "", 3,
       [](Scene& s) {
         has_bpf(s);
         s.cell.story.push_back({.kind = scenario::StepKind::remove});
         s.answers("bpf", [&s](Answer& answer) {
           if (s.asked.count("remove") != 0) answer.output = "jit=1\ntags.on_exec=\ntags.on_open=\n";
         });
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
  const Scene scene = check(Story{"", Ending::passed, "", 3, [](Scene& s) { is_built(s); }});
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
