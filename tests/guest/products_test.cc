// Products of several parts: what is asked of a guest about modules, packages, services, folders and builds.
#include <map>

#include "labctl/base/digest.h"
#include "labctl/guest/prepare.h"
#include "tests/guest/shell.h"

using namespace labctl;
using namespace labctl::test;

namespace {

Driver driver(DriverKind kind) { return {.kind = kind, .modules = {"sensor"}}; }

}  // namespace

TEST_CASE("several bare modules are loaded in their order, each with its own options") {
  const Folder folder;
  fs::create_directories(folder.path / "bin");
  for (const char* tool : {"modinfo", "modprobe", "insmod"}) {
    const fs::path program = folder.path / "bin" / tool;
    write(program, std::string("#!/bin/sh\nprintf '<%s>' \"$@\" >>") + (folder.path / tool).string() +
                       "\n[ $0 != " + (folder.path / "bin/modinfo").string() + " ] || echo core,hid\n");
    fs::permissions(program, fs::perms::owner_all);
  }
  const Driver d{.kind = DriverKind::kmod, .modules = {"core", "net"}, .options = {"net.level=3", "core.x"}};
  auto command = linux_.install(of(d), {"driver.ko", "driver+1.ko"}).command;
  for (const char* place :
       {"/usr/lib/labctl-candidate", "/etc/systemd/system", "/var/lib/labctl/payload", "/sys/module/"})
    command = replace(command, place, folder.path.string() + place);
  fs::create_directories(folder.path.string() + "/sys/module/core");  // loaded already, and in no index
  fs::create_directories(folder.path.string() + "/var/lib/labctl/payload");
  write(folder.path.string() + "/var/lib/labctl/payload/driver.ko", "first");
  write(folder.path.string() + "/var/lib/labctl/payload/driver+1.ko", "second");
  const auto said = shell("PATH=" + (folder.path / "bin").string() + ":$PATH\n" + command, folder.path);
  INFO(said.output);
  CHECK(said.code == 0);
  CHECK(text_of(folder.path / "modprobe") == "<hid><hid>");
  const std::string modules = folder.path.string() + "/usr/lib/labctl-candidate/";
  CHECK(text_of(folder.path / "insmod") == "<" + modules + "core.ko><x><" + modules + "net.ko><level=3>");
  CHECK(text_of(modules + "net.ko") == "second");

  write(folder.path / "bin" / "insmod",
        "#!/bin/sh\necho $1 >>" + (folder.path / "tried").string() + "\nexit 5\n");
  fs::permissions(folder.path / "bin" / "insmod", fs::perms::owner_all);
  CHECK(shell("PATH=" + (folder.path / "bin").string() + ":$PATH\n" + command, folder.path).code == 5);
  CHECK(text_of(folder.path / "tried") == modules + "core.ko\n");  // and nothing behind it
}

TEST_CASE("packages are installed, looked at and removed together") {
  const Folder folder;
  const auto d = of(driver(DriverKind::deb));
  const std::string program =
      "case $1 in\n"
      "-f) case $2$3 in *+1.debPackage) echo lib;; *Package) echo tool;; *) echo 1.2;; esac;;\n"
      "-W) [ \"$3\" = \"$(cat " +
      (folder.path / "broken").string() +
      ")\" ] && printf 'install ok unpacked 1.2' || printf 'install ok installed 1.2';;\n"
      "*) printf '<%s>' \"$@\";;\nesac\n";
  write(folder.path / "broken", "");
  const std::string path = with_programs(
      folder, {{"dpkg", program}, {"dpkg-deb", program}, {"dpkg-query", program}, {"modinfo", "exit 1"}});
  fs::create_directories(folder.path.string() + "/sys/module/sensor");
  const Files files = {"driver.deb", "driver+1.deb"};
  const std::string payload = "/var/lib/labctl/payload/";
  CHECK(shell(path + linux_.install(d, files).command, folder.path).output ==
        "<-i><--force-confnew><" + payload + "driver.deb><" + payload + "driver+1.deb>");
  CHECK(shell(path + linux_.remove(d, files).command, folder.path).output == "<--purge><tool><lib>");
  const auto package = [&] {
    const std::string command = moved(linux_.loaded(d, "sensor", files).command, folder, {"/sys/module"});
    return read_facts(shell(path + command, folder.path).output).at("package");
  };
  CHECK(package() == "right");
  write(folder.path / "broken", "lib");
  CHECK(package() == "lib: install ok unpacked 1.2, not 1.2");
}

TEST_CASE("a service is told with its program, and with the script where that is an interpreter") {
  const Folder folder;
  const auto ask = [&](const std::string& systemctl) {
    const auto said = shell(
        with_programs(folder, {{"systemctl", systemctl}}) + linux_.service("x.service").command, folder.path);
    INFO(said.output);
    CHECK(said.code == 0);
    return read_facts(said.output);
  };
  CHECK(ask("echo ActiveState=inactive; echo MainPID=0") ==
        Facts{{"ActiveState", "inactive"}, {"MainPID", "0"}});
  // A shell script, whose interpreter is the program.
  const std::string program = folder.path / "service", pipe = folder.path / "pipe";
  write(program, "#!/bin/sh\nread -r _\n");
  fs::permissions(program, fs::perms::owner_all);
  const std::string systemctl = "printf 'ActiveState=active\\nMainPID=%s\\n' $pid";
  const auto said = shell("mkfifo " + pipe + "; " + program + " <" + pipe + " & pid=$!; export pid; exec 3>" +
                              pipe + "; sleep 0.5\n" + with_programs(folder, {{"systemctl", systemctl}}) +
                              linux_.service("x.service").command,
                          folder.path);
  const auto facts = read_facts(said.output);
  INFO(said.output);
  CHECK(said.code == 0);
  CHECK(facts.at("program_sha256") == sha256_file(fs::canonical("/bin/sh")).value());
  CHECK(facts.at("script") == program);
  CHECK(facts.at("script_sha256") == sha256_file(program).value());
}

TEST_CASE("a folder's content is put in place whole, and what an earlier one had besides goes") {
  const Folder folder;
  const scenario::Content content{.path = "/var/lib/x/"};
  const std::vector<std::string> places = {"/var/lib/labctl", "/var/lib/x/", "/run/labctl"};
  // The CD is a folder that "mount" puts in its place.
  const std::string programs = with_programs(
      folder,
      {{"mount", "cp -r " + (folder.path / "cd").string() + "/. " + folder.path.string() + "/run/labctl-cd/"},
       {"umount", "rm -rf " + folder.path.string() + "/run/labctl-cd"},
       {"sync", ""}});
  const auto deliver = [&](const std::map<std::string, std::string>& files) {
    fs::remove_all(folder.path / "cd");
    fs::remove_all(folder.path / "tree");
    fs::create_directories(folder.path / "cd");
    fs::create_directories(folder.path.string() + "/var/lib/labctl/payload");
    fs::create_directories(folder.path.string() + "/run");
    std::string manifest;
    for (const auto& [name, text] : files) {
      fs::create_directories((folder.path / "tree" / name).parent_path());
      write(folder.path / "tree" / name, text);
      manifest.append(sha256(text)).append("  ").append(name).append("\n");
    }
    write(folder.path.string() + "/var/lib/labctl/payload/content.manifest", manifest);
    CHECK(shell("tar -cf " + (folder.path / "cd" / "content.manifest.tar").string() + " -C " +
                    (folder.path / "tree").string() + " .",
                folder.path)
              .code == 0);
    const auto said = shell(
        programs + moved(linux_.place(content, "content.manifest").command, folder, places), folder.path);
    INFO(said.output);
    CHECK(said.code == 0);
    return sha256(manifest);
  };
  const auto digest = [&] {
    const auto said =
        shell(moved(linux_.content_digest(content, "content.manifest").command, folder, places), folder.path);
    INFO(said.output);
    return read_facts(said.output);
  };
  const fs::path there = folder.path.string() + "/var/lib/x";
  CHECK(digest().at("content_sha256") == "absent");
  const std::string first = deliver({{"a b", "1"}, {"sub/c", "2"}, {"it's", "3"}});
  CHECK(digest().at("content_sha256") == first);
  CHECK(text_of(there / "sub" / "c") == "2");
  write(there / "the driver's own", "x");
  CHECK(digest().at("content_sha256") == first);  // and this time by sizes and times

  write(there / "it's", "4");
  CHECK(digest().at("content_sha256") != first);
  CHECK(digest().at("differs") == "it's|");
  const std::string second = deliver({{"a b", "1"}, {"it's", "5"}});
  CHECK(digest().at("content_sha256") == second);
  CHECK_FALSE(fs::exists(there / "sub" / "c"));
  CHECK(fs::exists(there / "the driver's own"));
  fs::remove(there / "a b");
  CHECK(digest().at("content_sha256") != second);
  CHECK(digest().at("differs") == "a b|");
}

TEST_CASE("a file whose bytes change under the same size and time is seen in the next boot") {
  const Folder folder;
  const scenario::Content content{.path = "/var/lib/x/"};
  const std::vector<std::string> places = {"/var/lib/labctl", "/var/lib/x/", "/run/labctl"};
  fs::create_directories(folder.path.string() + "/var/lib/x");
  fs::create_directories(folder.path.string() + "/var/lib/labctl/payload");
  fs::create_directories(folder.path.string() + "/run");
  write(folder.path.string() + "/var/lib/x/a", "1");
  write(folder.path.string() + "/var/lib/labctl/payload/content.manifest", sha256("1") + "  a\n");
  const auto command = moved(linux_.content_digest(content, "content.manifest").command, folder, places);
  const auto digest = [&] { return read_facts(shell(command, folder.path).output).at("content_sha256"); };
  const std::string right = sha256(sha256("1") + "  a\n");
  CHECK(digest() == right);
  CHECK(fs::exists(folder.path.string() + "/run/labctl-content"));
  write(folder.path.string() + "/var/lib/x/a", "2");  // another inode's time at least
  CHECK(digest() != right);
  fs::remove(folder.path.string() + "/run/labctl-content");  // as a boot does
  CHECK(digest() != right);
}

TEST_CASE("packages of sources: built and loaded, or the compiler's words") {
  const Folder folder;
  Driver d{.kind = DriverKind::dkms, .modules = {"core", "net"}};
  const std::string kernel = "$(uname -r)";
  const auto install = [&](const std::string& dkms, const std::string& dpkg) {
    const auto said = shell(
        with_programs(folder, {{"dkms", dkms}, {"dpkg", dpkg}, {"sync", ""}, {"modprobe", "echo load $1"}}) +
            moved(linux_.install(of(d), {"driver.deb"}).command, folder,
                  {"/var/lib/dkms", "/etc/modules-load.d", "/lib/modules"}),
        folder.path);
    return said;
  };
  fs::create_directories(folder.path.string() + "/etc/modules-load.d");
  const auto bare = install("", "");
  CHECK(bare.code == 1);
  CHECK_THAT(bare.output, ContainsSubstring("has no headers of its kernel"));
  CHECK(shell("mkdir -p " + folder.path.string() + "/lib/modules/" + kernel + "/build", folder.path).code ==
        0);
  const auto built = install("echo core/1, " + kernel + ", x86_64: installed", "echo dpkg");
  CHECK(built.code == 0);
  CHECK_THAT(built.output, ContainsSubstring("load core\nload net\n"));
  CHECK(text_of(folder.path.string() + "/etc/modules-load.d/labctl-candidate.conf") == "core\nnet\n");
  const auto skipped = install("echo core/1: added", "echo dpkg");
  CHECK(skipped.code == 1);
  CHECK_THAT(skipped.output, ContainsSubstring("not built for "));
  fs::create_directories(folder.path.string() + "/var/lib/dkms/core/1/build");
  write(folder.path.string() + "/var/lib/dkms/core/1/build/make.log",
        "CC core.o\ncore.c:12: error: too few arguments\ncore.c:13: note: here\n");
  const auto failed = install("echo core/1: added", "exit 10");
  CHECK(failed.code == 1);
  CHECK(failed.output.ends_with("core.c:12: error: too few arguments\n"));
}

TEST_CASE("words for the kernel go where a boot loader reads them") {
  const Folder folder;
  const auto commands = prepare_commands({"slub_debug=FZPU", "a.b=/c,d"}, false);
  REQUIRE(commands.size() == 1);
  const auto command =
      moved(commands[0], folder,
            {"/boot/grub/", "/boot/grub2/", "/boot/efi/", "/boot/loader/", "/etc/default/grub"});
  const auto nothing = shell(command, folder.path);
  CHECK(nothing.code == 1);
  CHECK_THAT(nothing.output, ContainsSubstring("no menu of GRUB"));
  fs::create_directories(folder.path.string() + "/boot/grub");
  fs::create_directories(folder.path.string() + "/etc/default");
  write(folder.path.string() + "/boot/grub/grub.cfg",
        "linux /boot/vmlinuz root=x\n\tlinux\t/v ro\ninitrd /i\n");
  write(folder.path.string() + "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet\"\n");
  CHECK(shell(command, folder.path).code == 0);
  CHECK(text_of(folder.path.string() + "/boot/grub/grub.cfg") ==
        "linux /boot/vmlinuz root=x slub_debug=FZPU a.b=/c,d\n\tlinux\t/v ro slub_debug=FZPU "
        "a.b=/c,d\ninitrd /i\n");
  CHECK(shell(". " + folder.path.string() + "/etc/default/grub; echo \"$GRUB_CMDLINE_LINUX\"", folder.path)
            .output == "quiet slub_debug=FZPU a.b=/c,d\n");
  CHECK(lacking_option("root=x slub_debug=FZPU a.b=/c,d\n", {"slub_debug=FZPU", "a.b=/c,d"}).empty());
  CHECK(lacking_option("root=x slub_debug=FZPU2\n", {"slub_debug=FZPU"}) == "slub_debug=FZPU");
}

TEST_CASE("a driver is unloaded backwards, behind its services, and loaded again forwards") {
  const Folder folder;
  Driver packaged = driver(DriverKind::deb);
  packaged.modules = {"core", "net"};
  packaged.services = {"sensord.service", "sensord.socket"};
  const std::string program = "printf '<%s' \"${0##*/}\"; printf ' %s' \"$@\"; echo '>'\n";
  const std::string path = with_programs(
      folder,
      {{"systemctl", program}, {"rmmod", program}, {"modprobe", program}, {"modinfo", "[ $1 != away ]\n"}});
  for (const char* module : {"core", "net"})
    fs::create_directories(folder.path.string() + "/sys/module/" + module);
  const auto unload = [&](const Driver& d) {
    return shell(path + moved(linux_.unload(of(d)).command, folder, {"/sys/module"}), folder.path);
  };
  CHECK(unload(packaged).output ==
        "<systemctl stop sensord.socket>\n<systemctl stop sensord.service>\n<rmmod net>\n<rmmod core>\n");
  CHECK(shell(path + linux_.load(of(packaged)).command, folder.path).output ==
        "<modprobe core>\n<modprobe net>\n<systemctl start sensord.service>\n<systemctl start "
        "sensord.socket>\n");
  // What modprobe does not know is loaded by a service, or by nobody.
  Driver own = packaged;
  own.modules = {"away"};
  CHECK(shell(path + linux_.load(of(own)).command, folder.path).output ==
        "<systemctl start sensord.service>\n<systemctl start sensord.socket>\n");
  own.services.clear();
  const auto unknown = shell(path + linux_.load(of(own)).command, folder.path);
  CHECK(unknown.code == 1);
  CHECK_THAT(unknown.output, ContainsSubstring("modprobe does not know away"));
  // A bare module's neighbour is not its service, and its loader knows its options.
  Driver bare = packaged;
  bare.kind = DriverKind::kmod;
  CHECK(unload(bare).output == "<rmmod net>\n<rmmod core>\n");
  CHECK_THAT(linux_.load(of(bare)).command, ContainsSubstring("loader='/usr/lib/labctl-candidate/load'"));
  // What is not loaded is not unloaded; what is in use ends it.
  fs::remove_all(folder.path / "sys/module/net");
  CHECK(unload(bare).output == "<rmmod core>\n");
  with_programs(folder, {{"rmmod", "echo 'rmmod: ERROR: Module core is in use'; exit 1\n"}});
  CHECK(unload(bare).code == 1);
}

TEST_CASE("a guest is suspended once for each number, with its console on, and says what its kernel said") {
  const Folder folder;
  const fs::path root = folder.path;
  const std::string path = with_programs(folder, {{"sleep", "exit 0\n"}});
  for (const char* made : {"sys/power", "sys/module/printk/parameters"}) fs::create_directories(root / made);
  const fs::path console = root / "sys/module/printk/parameters/console_suspend";
  write(console, "Y\n");
  const auto suspend = [&](int number) {
    return shell(
        path + moved(linux_.suspend(number).command, folder, {"/run/labctl", "/sys/power", "/sys/module"}),
        folder.path);
  };
  write(root / "sys/power/state", "freeze disk\n");
  write(root / "sys/power/mem_sleep", "s2idle\n");
  const Said refused = suspend(1);
  CHECK(refused.code == 3);
  CHECK_THAT(refused.output, ContainsSubstring("cannot suspend to RAM: freeze disk s2idle"));

  write(root / "sys/power/state", "freeze mem disk\n");
  write(root / "sys/power/mem_sleep", "[s2idle] deep\n");
  CHECK(suspend(2).code == 0);
  CHECK(text_of(root / "sys/power/state") == "mem\n");
  CHECK(text_of(root / "sys/power/mem_sleep") == "deep\n");
  CHECK(text_of(console) == "Y\n");  // as before

  // Asked again, it does nothing and has the same answer.
  write(root / "sys/power/state", "freeze mem disk\n");
  CHECK(suspend(2).code == 0);
  CHECK(text_of(root / "sys/power/state") == "freeze mem disk\n");
  CHECK(suspend(1).code == 3);
  CHECK(suspend(1).output == refused.output);
}

TEST_CASE("a guest is crashed once for each number, behind its text, and only a new dump counts") {
  const Folder folder;
  const fs::path root = folder.path;
  const std::string path =
      with_programs(folder, {{"sleep", "exit 0\n"},
                             // Puts a flattened dump in order when it is whole, and shows its log.
                             {"makedumpfile",
                              "case $1 in\n-R) cat >\"$2\"; grep -q end \"$2\" || { echo \"Can't read the "
                              "dump memory\"; exit 1; } ;;\n"
                              "--dump-dmesg) cp \"$2\" \"$3\" ;;\n-F) grep -q end \"$5\" ;;\nesac\n"}});
  const std::vector<std::string> places = {"/var/lib/labctl", "/var/crash",   "/proc/sysrq-trigger",
                                           "/dev/kmsg",       "/etc/default", "/etc/kdump.conf"};
  for (const char* made : {"var/lib/labctl", "var/crash/old", "proc", "dev", "etc/default"})
    fs::create_directories(root / made);
  const auto run = [&](const std::string& command) {
    return shell(path + moved(command, folder, places), folder.path);
  };
  const std::string flat = "makedumpfile";
  write(root / "var/crash/old/dump.old", flat + " labctl: c0ffee end\n");
  write(root / "proc/sysrq-trigger", "");
  const Said lived = run(linux_.crash(1, "c0ffee", "6").command);
  CHECK(lived.code == 1);
  CHECK_THAT(lived.output, ContainsSubstring("its kernel goes on"));
  CHECK(text_of(root / "dev/kmsg") == "<6>labctl: c0ffee\n");
  CHECK(text_of(root / "proc/sysrq-trigger") == "c\n");
  write(root / "proc/sysrq-trigger", "");
  CHECK(run(linux_.crash(1, "c0ffee", "6").command).code == 0);  // asked again, it does nothing
  CHECK(text_of(root / "proc/sysrq-trigger").empty());

  const auto dump = [&] { return guest::read_facts(run(linux_.crash_dump(1, "c0ffee").command).output); };
  CHECK(dump().at("dump").empty());  // the old one is another crash's
  struct {
    const char *name, *content, *size, *finished, *form, *read, *text;
  } static const cases[] = {
      {"dump.1", "", "0", "yes", "wrong", "no", "no"},
      {"dump.1", "a text c0ffee end", "17", "yes", "wrong", "no", "no"},
      {"dump.1", "makedumpfile c0ffee", "19", "yes", "right", "no", "no"},
      {"dump.1", "makedumpfile other end", "22", "yes", "right", "yes", "no"},
      {"dump-incomplete", "makedumpfile c0ffee end", "23", "no", "right", "yes", "yes"},
      {"vmcore", "KDUMP   c0ffee", "14", "yes", "right", "no", "no"},
      {"vmcore", "\177ELF other end", "14", "yes", "right", "yes", "no"},
  };
  for (const auto& each : cases) {
    INFO(each.content);
    fs::create_directories(root / "var/crash/1");
    write(root / "var/crash/1" / each.name, each.content);
    const auto facts = dump();
    CHECK(facts.at("dump") == (root / "var/crash/1" / each.name).string());
    CHECK(facts.at("size") == each.size);
    CHECK(facts.at("finished") == each.finished);
    CHECK(facts.at("form") == each.form);
    CHECK(facts.at("read") == each.read);
    CHECK(facts.at("text") == each.text);
    CHECK(
        fs::exists(root / "var/crash/1" / each.name));  // it proves nothing, and somebody may want to see why
    fs::remove_all(root / "var/crash/1");
  }
  fs::create_directories(root / "var/crash/1");
  write(root / "var/crash/1/dmesg.1", "c0ffee");
  write(root / "var/crash/1/dump.1", "makedumpfile c0ffee");
  write(root / "var/crash/1/dump.2", "makedumpfile c0ffee end");  // the whole one counts
  const auto whole = dump();
  CHECK(whole.at("dump") == (root / "var/crash/1/dump.2").string());
  CHECK(whole.at("text") == "yes");
  CHECK_FALSE(fs::exists(root / "var/crash/1"));  // the next ones need the room
  CHECK(fs::exists(root / "var/crash/old/dump.old"));

  write(root / "etc/kdump.conf", "#path /x\npath " + (root / "elsewhere").string() + "\n");
  fs::create_directories(root / "elsewhere/2");
  write(root / "elsewhere/2/vmcore", "KDUMP   c0ffee end");
  CHECK(dump().at("text") == "yes");
}

TEST_CASE("an update says which kernel came with it, and what its package manager said last") {
  const Folder folder;
  const std::string asked = (folder.path / "asked").string();
  const std::string files =
      "printf '/.\n/boot/vmlinuz-6.1.0-41\n/boot/config-6.1.0-41\n/lib/modules/6.1.0-41/"
      "vmlinuz\n/usr/lib/modules/6.1.0-42/build\n'";
  const std::string manager = "case $1 in\n-L | -qpl) " + files + ";;\n-qp) cat " +
                              (folder.path / "provides").string() + " ;;\n*) printf '<%s>' \"$@\" >" + asked +
                              "; echo kernels=0; echo unpacking;;\nesac\n";
  const auto all = [&](const std::string& program) {
    return with_programs(folder, {{"dpkg", program},
                                  {"rpm", program},
                                  {"dpkg-deb", "[ $1 = -f ] && echo linux-image\n"},
                                  {"sync", "exit 0\n"}});
  };
  std::string path = all(manager);
  const auto update = [&](const std::string& file) {
    return shell(path + linux_.update(file).command, folder.path);
  };
  const std::string payload = "/var/lib/labctl/payload/";
  CHECK(linux_.update("update+1.rpm").name == "update+1");
  Said said = update("update.deb");
  INFO(said.output);
  CHECK(said.code == 0);
  CHECK(read_facts(said.output).at("kernels") == "6.1.0-41");
  CHECK_THAT(said.output, ContainsSubstring("| unpacking"));
  CHECK(text_of(asked) == "<-i><--force-confold><" + payload + "update.deb>");
  write(folder.path / "provides", "kernel-core = 6.1\ninstallonlypkg(kernel)\n");
  said = update("update.rpm");
  CHECK(read_facts(said.output).at("kernels") == "6.1.0-41");
  CHECK(text_of(asked) == "<-i><--replacepkgs><" + payload + "update.rpm>");
  write(folder.path / "provides", "bash = 5\n");
  CHECK(update("update.rpm").code == 0);
  CHECK(text_of(asked) == "<-U><--oldpackage><--replacepkgs><" + payload + "update.rpm>");

  // GRUB's three lines are labctl's own: the newest kernel goes there, and only where it can be started.
  const auto booted_by = [&](const std::string& kernels, const std::string& lines) {
    shell("cd " + folder.path.string() + "; rm -rf boot; mkdir -p boot/grub; touch " + kernels, folder.path);
    write(folder.path / "boot/grub/grub.cfg", lines);
    std::string command = linux_.update("update.deb").command;
    const std::string where = "boot=" + shell_quote("/boot");
    REQUIRE(command.find(where) != command.npos);
    command.replace(command.find(where), where.size(), "boot=" + (folder.path / "boot").string());
    CHECK(shell(path + command, folder.path).code == 0);
    return text_of(folder.path / "boot/grub/grub.cfg");
  };
  const std::string kernels = "boot/vmlinuz-6.1.0-9 boot/vmlinuz-6.1.0-41 boot/initrd.img-6.1.0-9 ";
  const std::string old = "linux /boot/vmlinuz-6.1.0-9 root=x\ninitrd /boot/initrd.img-6.1.0-9\nboot\n";
  const std::string update_grubs = "menuentry 'Debian' {\n  linux /boot/vmlinuz-6.1.0-9 root=x\n}\n";
  CHECK(booted_by(kernels + "boot/initrd.img-6.1.0-41", old) ==
        "linux /boot/vmlinuz-6.1.0-41 root=x\ninitrd /boot/initrd.img-6.1.0-41\nboot\n");
  CHECK(booted_by(kernels, old) == old);
  CHECK(booted_by(kernels + "boot/initrd.img-6.1.0-41", update_grubs) == update_grubs);

  path = all("echo ' x depends on y (>= 2); however:'; echo 'dpkg: error processing x' >&2; exit 1\n");
  said = update("update.deb");
  CHECK(said.code == 1);
  CHECK(said.output.ends_with("dpkg: error processing x\n x depends on y (>= 2); however:\n"));
  CHECK(update("update.rpm").code == 1);
}

TEST_CASE("what runs beside the story keeps its status, and the command stays one word") {
  const Folder folder;
  const std::string command = "printf '%s' \"it's\" >" + (folder.path / "ran").string() + "; exit 7";
  // systemd-run's own options stand before the program.
  const std::string path = with_programs(
      folder, {{"systemd-run", "while [ \"${1#--}\" != \"$1\" ]; do shift; done\nexec \"$@\"\n"},
               {"systemctl", "cat " + (folder.path / "state").string() + "\n"}});
  const auto run = [&](const Question& question) {
    return shell(path + moved(question.command, folder, {"/run/labctl"}), folder.path);
  };
  const auto begun = run(linux_.begin_load(2, command));
  INFO(begun.output);
  CHECK(begun.code == 0);
  CHECK(text_of(folder.path / "ran") == "it's");
  write(folder.path / "state", "active\n");
  CHECK(run(linux_.load_state(2)).output == "running=yes\n");
  write(folder.path / "state", "inactive\n");
  CHECK(run(linux_.load_state(2)).output == "running=no\nstatus=7\n");
  CHECK(run(linux_.load_state(3)).output == "running=no\nstatus=\n");
}

TEST_CASE("BPF programs are told by name and tag, from the kernel's own symbols") {
  const Folder folder;
  fs::create_directories(folder.path.string() + "/proc/sys/net/core");
  write(folder.path.string() + "/proc/sys/net/core/bpf_jit_enable", "1\n");
  write(folder.path.string() + "/proc/kallsyms",
        "ffffffff81000000 T _text\n"
        "ffffffffc0a3d000 t bpf_prog_6deef7357e7b4530_on_exec\t[bpf]\n"
        "ffffffffc0a3e000 t bpf_prog_00112233445566bb_on_exec\t[bpf]\n"
        "ffffffffc0a3f000 t bpf_prog_00112233445566bb_on_exec\t[bpf]\n"
        "ffffffffc0a40000 t bpf_prog_00112233445566cc_on_exec_2\t[bpf]\n"
        "ffffffffc0a41000 t bpf_prog_00112233445566dd_a_very_long_nam\t[bpf]\n"
        "ffffffffc0a42000 t bpf_prog_00112233445566ee_liar\t[liar]\n"
        "ffffffffc0a43000 t bpf_prog_short_liar\t[bpf]\n"
        "ffffffffc0a44000 t bpf_prog_00112233445566ff\t[bpf]\n");
  Driver d{.kind = DriverKind::script, .bpf = {"on_exec", "a_very_long_name", "liar", "absent"}};
  const auto said = shell(moved(linux_.bpf(of(d), {}).command, folder, {"/proc"}), folder.path);
  INFO(said.output);
  CHECK(said.code == 0);
  const auto facts = read_facts(said.output);
  CHECK(facts == Facts{{"jit", "1"},
                       {"tags.on_exec", "00112233445566bb 6deef7357e7b4530"},
                       {"tags.a_very_long_name", "00112233445566dd"},
                       {"tags.liar", ""},
                       {"tags.absent", ""}});
  d.kind = DriverKind::deb;
  CHECK_THAT(linux_.bpf(of(d), {"driver.deb"}).command, ContainsSubstring("dpkg-query"));
  CHECK_THAT(linux_.bpf(of(d), {}).command, !ContainsSubstring("dpkg-query"));
}
