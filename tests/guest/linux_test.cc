// The commands are text for a shell that we do not see. So each is parsed by a real shell here, and those
// that can do no harm are run by one.

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/guest/guest.h"
#include "labctl/guest/script.h"
#include "tests/catch.h"
#include "tests/guest/shell.h"

using namespace labctl;
using namespace labctl::test;

namespace {

Driver driver(DriverKind kind) {
  Driver driver{.kind = kind, .modules = {"sensor"}};
  if (kind == DriverKind::kmod) driver.options = {"level=3", "name=it's"};
  if (kind == DriverKind::script)
    driver.install = "sh \"$LABCTL_DRIVER\" # a comment", driver.remove = "rm -f /x";
  return driver;
}

const char* const hostile_paths[] = {
    "/var/lib/sensor/content.bin",
    "/with space/and  two",
    "/it's/'quoted'",
    "/a\"b\"/$HOME/$(reboot)/`reboot`",
    "/semi;colon&&and|pipe",
    "/star*/que?tion/[x]",
    "/back\\slash\\n",
    "/-n/-rf",
    "/tab\there",
    "/line\nbreak/x",
    "/\xc3\xbcml\xc3\xa4ut",
    "/#hash/!bang/~",
};

std::vector<std::pair<std::string, Question>> every_question() {
  std::vector<std::pair<std::string, Question>> all = {
      {"identify", linux_.identify()},
      {"booted", linux_.booted()},
      {"evidence", linux_.evidence()},
      {"console_check", linux_.console_check("0123abc", "6")},
      {"begin_load", linux_.begin_load(1, "it's; \"$(x)\" &")},
      {"load_state", linux_.load_state(1)},
      {"kernel_log", linux_.kernel_log()},
      {"whole_log", linux_.whole_log()},
      {"reboot", linux_.reboot()},
      {"set_clock", linux_.set_clock(1700000000)},
      {"deliver", linux_.deliver({"driver.deb", "content.bin", "it's.bin"})},
      {"deliver nothing", linux_.deliver({})}};
  for (auto kind : {DriverKind::deb, DriverKind::rpm, DriverKind::kmod, DriverKind::script}) {
    const std::string name = std::string(" ") + scenario::to_string(kind);
    const Driver d = driver(kind);
    all.push_back({"unload" + name, linux_.unload(of(d))});
    all.push_back({"load" + name, linux_.load(of(d))});
    for (const std::string& file : {driver_file(d), driver_file(d, "it's; \"$(x)\"")}) {
      all.push_back({"install" + name, linux_.install(of(d), {file})});
      all.push_back({"remove" + name, linux_.remove(of(d), {file})});
      all.push_back({"loaded" + name, linux_.loaded(of(d), "sensor", {file})});
    }
  }
  for (const char* path : hostile_paths)
    for (const char* command : {"", "systemctl reload sensor", "true # a comment", "cat <<X\nhere\nX"}) {
      all.push_back(
          {std::string("apply ") + path, linux_.apply({.path = path, .apply = command}, content_file())});
      all.push_back(
          {std::string("content_digest ") + path, linux_.content_digest({.path = path}, content_file())});
    }
  return all;
}

}  // namespace

TEST_CASE("every command is one that a shell can read") {
  const Folder folder;
  for (const auto& [name, question] : every_question()) {
    INFO(name << ": " << question.command);
    CHECK_FALSE(question.name.empty());
    CHECK_FALSE(question.command.empty());
    const auto said = shell(question.command, folder.path, "-n");
    CHECK(said.code == 0);
    CHECK(said.output == "");
  }
}

TEST_CASE("a value reaches a script as it is, whatever is in it, and so does an argument") {
  const Folder folder;
  const std::string values[] = {"",     "it's",     "a\"b",     "$HOME $(exit 3) `exit 4`",
                                "a\nb", "-n",       "*",        "a\\nb",
                                "'",    "\xc3\xbc", "x; exit 5"};
  for (const auto& value : values) {
    INFO(value);
    const auto said =
        shell(shell_script({{"first", value}, {"second", "2"}},
                           "printf '%s|%s|%s|%s.' \"$first\" \"$second\" \"$1\" \"$2\"\n", {value, "last"}),
              folder.path);
    CHECK(said.code == 0);
    CHECK(said.output == value + "|2|" + value + "|last.");
  }
}

TEST_CASE("a bare module's options are words of its loader, each one") {
  const Folder folder;
  fs::create_directories(folder.path / "bin");
  for (const char* tool : {"modinfo", "modprobe", "insmod"}) {
    const fs::path program = folder.path / "bin" / tool;
    write(program, std::string("#!/bin/sh\nprintf '<%s>' \"$@\" >>") + (folder.path / tool).string() +
                       "\n[ $0 != " + (folder.path / "bin/modinfo").string() + " ] || echo usbcore,hid\n");
    fs::permissions(program, fs::perms::owner_all);
  }
  auto command = linux_.install(of(driver(DriverKind::kmod)), {"driver.ko"}).command;
  for (const char* place :
       {"/usr/lib/labctl-candidate", "/etc/systemd/system", "/var/lib/labctl/payload", "/sys/module/"})
    command = replace(command, place, folder.path.string() + place);
  fs::create_directories(folder.path.string() + "/var/lib/labctl/payload");
  write(folder.path.string() + "/var/lib/labctl/payload/driver.ko", "ELF");
  const auto said = shell("PATH=" + (folder.path / "bin").string() + ":$PATH\n" + command, folder.path);
  INFO(said.output);
  CHECK(said.code == 0);
  CHECK(text_of(folder.path / "modprobe") == "<usbcore><hid>");
  const std::string module = folder.path.string() + "/usr/lib/labctl-candidate/sensor.ko";
  CHECK(text_of(folder.path / "insmod") == "<" + module + "><level=3><name=it's>");
  CHECK(text_of(module) == "ELF");
  CHECK_THAT(text_of(folder.path.string() + "/etc/systemd/system/labctl-candidate.service"),
             ContainsSubstring("ExecStart=" + folder.path.string() + "/usr/lib/labctl-candidate/load\n"));
}

TEST_CASE("a module that goes away while it is read is absent, and not another build") {
  const Folder folder;
  const fs::path module = folder.path / "module/sensor", tool = folder.path / "bin/od";
  const auto state = [&](const std::string& od) {
    fs::create_directories(module);
    fs::create_directories(tool.parent_path());
    write(module / "initstate", "live\n");
    write(tool, "#!/bin/sh\n" + od + "\n");
    fs::permissions(tool, fs::perms::owner_all);
    const std::string command =
        replace(linux_.loaded(of(driver(DriverKind::kmod)), "sensor", {"driver.ko"}).command, "/sys/module",
                (folder.path / "module").string());
    return shell("PATH=" + tool.parent_path().string() + ":$PATH\n" + command, folder.path).output;
  };
  CHECK_THAT(state("true"), ContainsSubstring("state=live\n"));
  const std::string left = state("rm -r " + module.string());
  CHECK_THAT(left, ContainsSubstring("state=absent\n"));
  CHECK(left.find("state=live") == std::string::npos);
}

TEST_CASE("who fails to load a module is told what the kernel said of it, and whoever does not fail is not") {
  const Folder folder;
  const fs::path dmesg = folder.path / "bin/dmesg";
  fs::create_directories(dmesg.parent_path());
  const auto with_log = [&](const std::string& log, const std::string& command) {
    write(dmesg, "#!/bin/sh\ncat <<'END'\n" + log + "END\n");
    fs::permissions(dmesg, fs::perms::owner_all);
    return shell("PATH=" + dmesg.parent_path().string() + ":$PATH\n" + command, folder.path);
  };
  const std::string refusals =
      "[    1.000000] Loading of unsigned module is rejected\n"
      "[   14.518233] Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7\n"
      "[   15.000000] unrelated\n";
  Driver d = driver(DriverKind::script);
  d.install = "echo trying; false";
  const auto install = [&] { return linux_.install(of(d), {"driver.bin"}).command; };
  const auto refused = with_log(refusals, install());
  CHECK(refused.code == 1);
  CHECK(refused.output ==
        "trying\nthe kernel said: Lockdown: insmod: unsigned module loading is restricted\n");
  // An answer has standard error behind all of standard output, and a reason has the end of it.
  const fs::path errors = folder.path / "errors";
  const auto apart = with_log(refusals, "exec 2>" + errors.string() + "\n" + install());
  CHECK(apart.output == "trying\n");
  CHECK(text_of(errors) == "the kernel said: Lockdown: insmod: unsigned module loading is restricted\n");
  CHECK(with_log("[    1.0] unrelated\n", install()).output == "trying\n");
  d.install = "echo done; exit 0";
  CHECK(with_log(refusals, install()).output == "done\n");
  d.install = "echo mine; exit 7";
  CHECK(with_log(refusals, install()).code == 7);

  const auto loaded = [&](const std::string& log) {
    return with_log(log, replace(linux_.loaded(of(d), "sensor", {"driver.ko"}).command, "/sys/module",
                                 (folder.path / "no-module").string()))
        .output;
  };
  CHECK(loaded(refusals) ==
        "state=absent\nwhy=kernel Lockdown: insmod: unsigned module loading is restricted\n");
  CHECK(loaded("[    1.0] unrelated\n") == "state=absent\n");
}

TEST_CASE("questions have the names by which their answers are found") {
  const Driver d = driver(DriverKind::deb);
  const std::pair<Question, std::string> names[] = {{linux_.identify(), "identify"},
                                                    {linux_.booted(), "booted"},
                                                    {linux_.evidence(), "evidence"},
                                                    {linux_.kernel_log(), "kernel-log"},
                                                    {linux_.reboot(), "reboot"},
                                                    {linux_.set_clock(1), "set-clock"},
                                                    {linux_.deliver({}), "deliver"},
                                                    {linux_.install(of(d), {"x"}), "install"},
                                                    {linux_.remove(of(d), {"x"}), "remove"},
                                                    {linux_.loaded(of(d), "sensor", {"x"}), "loaded"},
                                                    {linux_.apply({}, "x"), "apply"},
                                                    {linux_.content_digest({}, "x"), "content-digest"},
                                                    {linux_.console_check("x", ""), "console-check"}};
  for (const auto& [question, name] : names) CHECK(question.name == name);
}

TEST_CASE("simple commands are as they were") {
  CHECK(linux_.identify().command == "echo boot_id=$(cat /proc/sys/kernel/random/boot_id)");
  CHECK(linux_.kernel_log().command == "dmesg -r 2>/dev/null || dmesg");
  CHECK(linux_.set_clock(1700000000).command == "date -u -s @1700000000");
  CHECK_THAT(linux_.install(of(driver(DriverKind::deb)), {"driver.deb"}).command,
             Catch::Matchers::EndsWith(
                 "set -- '/var/lib/labctl/payload/driver.deb'\n"
                 "DEBIAN_FRONTEND=noninteractive dpkg -i --force-confnew \"$@\" </dev/null\n"));
  CHECK_THAT(linux_.install(of(driver(DriverKind::script)), {"driver.bin"}).command,
             ContainsSubstring("export LABCTL_DRIVER='/var/lib/labctl/payload/driver.bin'; "));
}

TEST_CASE("artifacts have names of their own on the payload disc") {
  CHECK(driver_file(driver(DriverKind::deb)) == "driver.deb");
  CHECK(driver_file(driver(DriverKind::rpm)) == "driver.rpm");
  CHECK(driver_file(driver(DriverKind::kmod)) == "driver.ko");
  CHECK(driver_file(driver(DriverKind::script)) == "driver.bin");
  CHECK(driver_file(driver(DriverKind::deb), "previous") == "driver-previous.deb");
  CHECK(driver_file(driver(DriverKind::deb), "previous", 2) == "driver-previous+2.deb");
  CHECK(content_file() == "content.bin");
  CHECK(content_file("current") == "content-current.bin");
}

TEST_CASE("the questions about identity can be answered by this host") {
  const Folder folder;
  const auto said = shell(linux_.evidence().command, folder.path);
  CHECK(said.code == 0);
  const auto facts = read_facts(said.output);
  CHECK(facts.count("taint") == 1);
  CHECK(facts.at("boot_id").size() == 36);
  CHECK_FALSE(facts.at("kernel").empty());
  CHECK(read_facts(shell(linux_.identify().command, folder.path).output).at("boot_id") ==
        facts.at("boot_id"));
}

TEST_CASE("services that failed are named, and none where no systemd can be asked") {
  const Folder folder;
  const auto failed = [&](const std::string& systemctl) {
    const auto said =
        shell(with_programs(folder, {{"systemctl", systemctl}}) + linux_.evidence().command, folder.path);
    CHECK(said.code == 0);
    return read_facts(said.output).at("failed");
  };
  CHECK(trim(failed(
            "printf 'sensor.service loaded failed failed Sensor\\nx@1.service loaded failed failed X\\n'")) ==
        "sensor.service x@1.service");
  CHECK(trim(failed("exit 0")) == "");
  CHECK(trim(failed("echo no bus >&2; exit 1")) == "");
}

TEST_CASE("a kernel log is whole when it begins with the boot") {
  const Folder folder;
  const auto read = [&](const std::string& dmesg) {
    return shell(with_programs(folder, {{"dmesg", dmesg}}) + linux_.whole_log().command, folder.path);
  };
  const std::string first = "echo '<5>[    0.000000] Linux version 6.1.0-56-amd64'\n";
  const auto whole = read(first + "echo '<6>[    1.000000] words'\n");
  CHECK(whole.code == 0);
  CHECK(read_facts(whole.output).at("log") == "whole");
  CHECK(read_facts(whole.output).at("boot_id").size() == 36);
  CHECK_THAT(whole.output, ContainsSubstring("<6>[    1.000000] words\n"));
  CHECK(read_facts(read("echo '<6>[  900.000000] words'\n").output).at("log") == "cut");
  // What merely quotes the first line, far behind it.
  CHECK(read_facts(read("seq 10; " + first).output).at("log") == "cut");
  CHECK(read("exit 1").code != 0);
}

TEST_CASE("content goes where the author says, whatever the name") {
  for (const char* path : hostile_paths) {
    const Folder folder;
    INFO(path);
    const std::string bytes = std::string("content of ") + path;
    fs::create_directories(folder.path / "payload");
    write(folder.path / "payload" / "content.bin", bytes);
    const fs::path place = folder.path.string() + "/root" + path;
    const scenario::Content content{.path = place.string(),
                                    .apply = "echo applied > " + (folder.path / "flag").string()};
    auto question = linux_.apply(content, content_file());
    question.command =
        replace(question.command, "/var/lib/labctl/payload", (folder.path / "payload").string());
    const auto said = shell(question.command, folder.path);
    INFO(question.command << "\n" << said.output);
    CHECK(said.code == 0);
    CHECK(text_of(place) == bytes);
    CHECK(text_of(folder.path / "flag") == "applied\n");

    const auto digest = shell(linux_.content_digest(content, content_file()).command, folder.path);
    CHECK(read_facts(digest.output)["content_sha256"] == sha256(bytes));
  }
}

TEST_CASE("content that is not there or cannot be applied is told") {
  const Folder folder;
  const scenario::Content content{.path = (folder.path / "missing").string(), .apply = "exit 7"};
  CHECK(read_facts(shell(linux_.content_digest(content, content_file()).command, folder.path)
                       .output)["content_sha256"] == "");
  auto question = linux_.apply(content, content_file());
  CHECK(shell(question.command, folder.path).code != 0);  // no payload here
  fs::create_directories(folder.path / "payload");
  write(folder.path / "payload" / "content.bin", "x");
  question.command = replace(question.command, "/var/lib/labctl/payload", (folder.path / "payload").string());
  CHECK(shell(question.command, folder.path).code == 7);
}

TEST_CASE("a script is told where its artifact is and its status is the answer") {
  const Folder folder;
  Driver d{.kind = DriverKind::script,
           .install = "echo got \"$LABCTL_DRIVER\"; exit 9",
           .remove = "echo \"$LABCTL_DRIVER\""};
  auto said = shell(linux_.install(of(d), {"driver it's.bin"}).command, folder.path);
  CHECK(said.code == 9);
  CHECK(said.output == "got /var/lib/labctl/payload/driver it's.bin\n");
  CHECK(shell(linux_.remove(of(d), {"driver.bin"}).command, folder.path).output ==
        "/var/lib/labctl/payload/driver.bin\n");
}

namespace {

// A module as sysfs and modinfo show it: folders and a program instead of a kernel.
struct FakeModule {
  Folder folder;
  std::string build_id = "0123456789abcdef0123456789abcdef01234567";
  std::string file = "sensor.ko";

  FakeModule() {
    fs::create_directories(sys() / "notes");
    fs::create_directories(folder.path / "bin");
    write(sys() / "initstate", "live\n");
    write(sys() / "version", "7.16\n");
    write(sys() / "srcversion", "0A1B2C3D4E5F60718293A4B\n");
    write(sys() / "notes" / ".note.gnu.build-id", note());
    write_module(note());
  }
  fs::path sys() const { return folder.path / "sys" / "sensor"; }
  std::string note() const {
    std::string bytes = std::string("\4\0\0\0", 4) + static_cast<char>(build_id.size() / 2) +
                        std::string("\0\0\0\3\0\0\0GNU\0", 11);
    for (std::size_t i = 0; i < build_id.size(); i += 2)
      bytes += static_cast<char>(std::stoi(build_id.substr(i, 2), nullptr, 16));
    return bytes;
  }
  void write_module(const std::string& inside) const {
    write(folder.path / file,
          "\x7f"
          "ELF head " +
              inside + " tail\n");
  }

  // What `rpm` says of the package, of what is installed, and of its files.
  void write_rpm(const std::string& wanted, const std::string& installed, const std::string& changed) const {
    write(folder.path / "bin" / "rpm",
          "#!/bin/sh\ncase $1 in\n-qp) printf %s " + shell_quote(wanted) + ";;\n-q) printf %s " +
              shell_quote(installed) + ";;\n-V) printf %s " + shell_quote(changed) + "; exit 1;;\nesac\n");
    fs::permissions(folder.path / "bin" / "rpm", fs::perms::owner_all);
  }

  Facts loaded(DriverKind kind = DriverKind::script) const {
    const std::string modinfo = folder.path / "bin" / "modinfo";
    write(modinfo, "#!/bin/sh\necho " + (folder.path / file).string() + "\n");
    fs::permissions(modinfo, fs::perms::owner_all);
    auto question = linux_.loaded(of(driver(kind)), "sensor", {"driver.ko"});
    std::string command = replace(question.command, "/sys/module/", (folder.path / "sys").string() + "/");
    if (kind == DriverKind::kmod)
      command = replace(command, "/usr/lib/labctl-candidate", folder.path.string());
    const auto said = shell("PATH=" + (folder.path / "bin").string() + ":$PATH; " + command, folder.path);
    INFO(said.output);
    CHECK(said.code == 0);
    return read_facts(said.output);
  }
};

}  // namespace

TEST_CASE("a live module tells its version, build and file") {
  const FakeModule module;
  auto facts = module.loaded();
  CHECK(facts["state"] == "live");
  CHECK(facts["version"] == "7.16");
  CHECK(facts["build_id"] == module.build_id);
  CHECK(facts["srcversion"] == "0A1B2C3D4E5F60718293A4B");
  CHECK(facts["fresh"] == "yes");
  CHECK(facts["file_sha256"] == sha256_file(module.folder.path / module.file).value());
}

TEST_CASE("a bare module is compared with the file it was loaded from, whatever bytes its build id has") {
  FakeModule module;
  CHECK(module.loaded(DriverKind::kmod)["fresh"] == "yes");
  module.build_id.replace(4, 4, "0a5c");
  write(module.sys() / "notes" / ".note.gnu.build-id", module.note());
  CHECK(module.loaded(DriverKind::kmod)["fresh"] == "no");
  module.write_module(module.note());
  CHECK(module.loaded(DriverKind::kmod)["fresh"] == "yes");
}

TEST_CASE("a build id of any length is told whole") {
  FakeModule module;
  for (const std::size_t digits : {16, 32, 64}) {
    module.build_id = std::string(digits, 'e');
    write(module.sys() / "notes" / ".note.gnu.build-id", module.note());
    module.write_module(module.note());
    CHECK(module.loaded()["build_id"] == module.build_id);
    CHECK(module.loaded()["fresh"] == "yes");
  }
}

TEST_CASE("a module that is not there is absent") {
  const FakeModule module;
  fs::remove_all(module.sys());
  CHECK(module.loaded() == Facts{{"state", "absent"}});
}

TEST_CASE("old code behind a new file is not fresh") {
  FakeModule module;
  module.build_id.replace(0, 4, "ffff");
  module.write_module(module.note());
  CHECK(module.loaded()["fresh"] == "no");
}

TEST_CASE("a module that is coming says so") {
  const FakeModule module;
  write(module.sys() / "initstate", "coming\n");
  CHECK(module.loaded()["state"] == "coming");
}

TEST_CASE("a module without a build id or in a compressed file cannot be compared") {
  FakeModule module;
  module.file = "sensor.ko.xz";
  module.write_module("compressed");
  CHECK(module.loaded()["fresh"] == "unknown");
  module.file = "sensor.ko";
  module.write_module("x");
  fs::remove_all(module.sys() / "notes");
  CHECK(module.loaded()["fresh"] == "unknown");
  CHECK(module.loaded()["build_id"] == "");
}

TEST_CASE("a module's version cannot speak for its file") {
  const FakeModule module;
  const std::string lie(64, 'a');
  for (const std::string& version :
       {"1\nfile_sha256=" + lie + "\nfresh=yes", "1\\nfile_sha256=" + lie + "\\nfresh=yes",
        "1\\012file_sha256=" + lie + "\\012", "1\rfile_sha256=" + lie}) {
    write(module.sys() / "version", version + "\n");
    auto facts = module.loaded();
    INFO(version);
    CHECK(facts["file_sha256"] == sha256_file(module.folder.path / module.file).value());
    CHECK(facts["fresh"] == "yes");
    CHECK(facts["state"] == "live");
  }
}

TEST_CASE("a package that cannot be asked about is not the right one") {
  const FakeModule module;
  CHECK(module.loaded(DriverKind::deb)["package"] != "right");
  CHECK(module.loaded(DriverKind::deb).count("package") == 1);
}

TEST_CASE("a package of RPM is the delivered one with its own files, or what is wrong with it") {
  const FakeModule module;
  CHECK(module.loaded(DriverKind::rpm).at("package") != "right");  // no rpm in the guest
  const std::string wanted = "sensor 0:7.16-1.x86_64";
  const auto says = [&](const std::string& installed, const std::string& changed) {
    module.write_rpm(wanted, installed, changed);
    return module.loaded(DriverKind::rpm).at("package");
  };
  CHECK(says(wanted, "") == "right");
  CHECK(
      says(wanted, "S.5....T.  c /etc/sensor.conf\n.......T.    /usr/bin/sensorctl\nmissing   g /run/x\n") ==
      "right");
  CHECK_THAT(says(wanted, "S.5....T.    /lib/modules/6.1/extra/sensor.ko\n"), ContainsSubstring("sensor.ko"));
  CHECK_THAT(says(wanted, "missing     /lib/modules/6.1/extra/sensor.ko\n"), ContainsSubstring("missing"));
  CHECK_THAT(says("sensor 0:7.15-1.x86_64", ""), ContainsSubstring("sensor 0:7.15-1.x86_64, not " + wanted));
  CHECK_THAT(says("package sensor is not installed", ""), ContainsSubstring("not installed"));
  module.write_rpm("", "", "");
  CHECK(module.loaded(DriverKind::rpm).at("package") != "right");
}

TEST_CASE("before anything is delivered no package is asked about") {
  for (const auto kind : {DriverKind::deb, DriverKind::rpm})
    CHECK_THAT(linux_.loaded(of(driver(kind)), "sensor", {}).command, !ContainsSubstring("package="));
}
