// What a guest says of its console and of its threads, by a real shell in a tree that looks like /proc.

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/guest/script.h"
#include "labctl/guest/sleepers.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::guest;

namespace {

void write(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  REQUIRE(write_file(path, text));
}

// A folder in the place of /proc, /dev and /sys.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "labctl-tree-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Tree() { fs::remove_all(path); }

  void add_thread(const std::string& number, const std::string& name, char state, const std::string& stack) {
    const fs::path folder = path / "proc/312/task" / number;
    write(folder / "status", "Name:\t" + name + "\nState:\t" + state +
                                 " (any)\nvoluntary_ctxt_switches:\t4\nnonvoluntary_ctxt_switches:\t1\n");
    std::string fields;  // the twentieth behind the name is when it began
    for (int field = 4; field < 22; ++field) fields += " " + std::to_string(field);
    write(folder / "stat", number + " (" + name + ") " + state + fields + " 9001 0 0\n");
    write(folder / "stack", stack);
  }

  std::string run(std::string command) const {
    for (const char* root : {"/proc/", "/dev/kmsg", "/sys/fs/cgroup"})
      for (auto at = command.find(root); at != std::string::npos; at = command.find(root, at))
        if (at > 0 && command[at - 1] != '/' &&
            std::isalnum(static_cast<unsigned char>(command[at - 1])) == 0) {
          command.insert(at, path.string());
          at += path.string().size() + 1;
        } else {
          ++at;
        }
    // One that does not know -S, as busybox has it, after one that does.
    write(path / "bin/dmesg",
          "#!/bin/sh\n[ $# -eq 0 ] || " + dmesg_option + "\ncat " + (path / "dev/kmsg").string() + "\n");
    fs::permissions(path / "bin/dmesg", fs::perms::owner_all);
    write(path / "script", "PATH=" + (path / "bin").string() + ":$PATH\n" + command);
    const std::string output = (path / "output").string();
    const int status = std::system(("sh " + (path / "script").string() + " >" + output + " 2>&1").c_str());
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    return read_file(output).value_or("");
  }

  fs::path path;
  std::string dmesg_option = "[ $1 = -S ] || exit 1";  // what it does when it gets one
};

}  // namespace

TEST_CASE("threads that sleep uninterruptibly are listed with their stacks") {
  Tree tree;
  tree.add_thread("312", "zoo-wait", 'D', "[<0>] wait+0x1a/0x40 [sensor]\n[<0>] kthread+0xd7/0x100\n");
  tree.add_thread("313", "well", 'S', "[<0>] do_poll+0x1/0x2\n");
  tree.add_thread("314", "a) D |=b", 'D', "");
  write(tree.path / "proc/sys/kernel/hung_task_timeout_secs", "45\n");
  write(tree.path / "proc/sys/kernel/hung_task_check_interval_secs", "15\n");
  const std::string said = tree.run(std::string(scripts::sleepers_sh));
  INFO(said);
  const auto facts = read_facts(said);
  REQUIRE(facts.size() == 4);
  CHECK(facts.at("sleeper.312.9001") == "4+1 zoo-wait|wait+0x1a/0x40 [sensor]|kthread+0xd7/0x100|");
  CHECK(facts.at("sleeper.314.9001") == "4+1 a) D ?=b|");
  CHECK(hung_task_patience(facts) == std::chrono::seconds(60));
  CHECK_THAT(hung_task_report(sleepers(facts).front(), std::chrono::seconds(62)),
             ContainsSubstring("INFO: task zoo-wait:312 blocked for more than 62 seconds.\n"));
}

TEST_CASE("a guest without such a thread lists nothing") {
  Tree tree;
  tree.add_thread("312", "well", 'S', "");
  CHECK(tree.run(std::string(scripts::sleepers_sh)).empty());
}

TEST_CASE("the kernel is given a text to say, at the least severe level that the console shows") {
  const std::vector<std::tuple<std::string, std::string, std::string>> table = {
      {"7", "", "6"}, {"4", "", "3"}, {"15", "", "7"}, {"0", "", "0"}, {"3", "6", "6"}};
  for (const auto& [level, wanted, severity] : table) {
    INFO(level << " " << wanted);
    Tree tree;
    if (level == "4") tree.dmesg_option = "exit 1";
    write(tree.path / "proc/self/cgroup", "0::/system.slice/agent.service\n");
    fs::create_directories(tree.path / "sys/fs/cgroup/system.slice/agent.service");
    write(tree.path / "proc/sys/kernel/printk", level + "\t4\t1\t7\n");
    write(tree.path / "proc/sys/kernel/printk_devkmsg", "on\n");
    write(tree.path / "dev/kmsg", "");
    const std::string said =
        tree.run(system_of(scenario::Os::linux_).console_check("0123abc", wanted).command);
    INFO(said);
    const auto facts = read_facts(said);
    REQUIRE(facts.size() == 4);
    CHECK(facts.at("console_level") == level);
    CHECK(facts.at("severity") == severity);
    CHECK(facts.at("devkmsg") == "on");
    CHECK(facts.at("logged") == "yes");
    CHECK(read_file(tree.path / "dev/kmsg").value_or("") == "<" + severity + ">labctl: 0123abc\n");
    // What waits for a grace period runs beside the answer.
    const fs::path moved = tree.path / "sys/fs/cgroup/system.slice/agent.service/cgroup.procs";
    for (int i = 0; i < 500 && !fs::exists(moved); ++i) ::usleep(10'000);
    CHECK(fs::exists(moved));
  }
}

TEST_CASE("a kernel whose log does not show what was written to it, and one without these files, are told") {
  Tree tree;
  tree.dmesg_option = "exit 0";  // says nothing
  write(tree.path / "dev/kmsg", "");
  const auto facts =
      read_facts(tree.run(system_of(scenario::Os::linux_).console_check("0123abc", "").command));
  CHECK(facts.at("console_level").empty());
  CHECK(facts.at("devkmsg").empty());
  CHECK(facts.at("logged") == "no");
}
