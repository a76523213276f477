// The scripts are text for a PowerShell that is not here. So each is written down, with the answer that is
// expected, in a table that the stand-in guest is built by; this test is one half of the agreement and the
// stand-in the other. What of the answers is read back is read back here.

#include <map>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/guest/assumptions.h"
#include "labctl/guest/guest.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;
using namespace labctl::guest;
using scenario::Driver;
using scenario::DriverKind;

namespace {

const System& windows = system_of(scenario::Os::windows);

struct Agreed {
  std::string command, answer;
  int exit_code = -1;
};

// "=== NAME", the command, "--- exit N", the answer; what stands before the first is for people.
std::map<std::string, Agreed> read_table() {
  const auto text = read_file(source_tree::tests() / "guests/nt-standin/COMMANDS");
  REQUIRE(text);
  std::map<std::string, Agreed> table;
  Agreed* now = nullptr;
  bool answer = false;
  for (const auto& line : split(*text, '\n')) {
    if (line.starts_with("=== ")) {
      now = &table[line.substr(4)];
      answer = false;
    } else if (now && line.starts_with("--- exit ")) {
      now->exit_code = std::stoi(line.substr(9));
      answer = true;
    } else if (now) {
      (answer ? now->answer : now->command) += line + "\n";
    }
  }
  for (auto& [name, entry] : table) entry.answer = std::string(trim(entry.answer));
  return table;
}

scenario::Guest guest_of(DriverKind kind) {
  scenario::Guest guest;
  guest.os = scenario::Os::windows;
  guest.driver = {.kind = kind, .modules = {"sensor"}};
  if (kind == DriverKind::inf) guest.driver.certificate = "sensor.cer";
  if (kind == DriverKind::service) guest.driver.start = "system";
  if (kind == DriverKind::script) {
    guest.driver.install = "& $env:LABCTL_DRIVER /quiet";
    guest.driver.remove = "& $env:LABCTL_DRIVER /remove";
  }
  return guest;
}

const scenario::Content content{.path = "C:\\Windows\\System32\\drivers\\Sensor\\content.bin",
                                .apply = "sensorctl.exe reload"};

std::vector<std::pair<std::string, Question>> every_question() {
  std::vector<std::pair<std::string, Question>> all = {
      {"identify", windows.identify()},
      {"booted", windows.booted()},
      {"evidence", windows.evidence()},
      {"kernel-log", windows.kernel_log()},
      {"reboot", windows.reboot()},
      {"power-off", windows.power_off()},
      {"deliver", windows.deliver({"content.bin", "driver.zip"})},
      {"place", windows.place(content, "content.bin")},
      {"apply", windows.apply(content, "content.bin")},
      {"content-digest", windows.content_digest(content, "content.bin")},
      {"stage-panic", windows.stage(Crash::panic)},
      {"dumps", windows.last_questions().back()},
      {"own", windows.own("proof-1", "sensorctl.exe digest")}};
  for (const auto kind : {DriverKind::inf, DriverKind::service, DriverKind::msi, DriverKind::script}) {
    const auto g = guest_of(kind);
    const std::string file = driver_file(g.driver), name = std::string("-") + scenario::to_string(kind);
    all.emplace_back("install" + name, windows.install(g, {file}));
    all.emplace_back("remove" + name, windows.remove(g, {file}));
    all.emplace_back("loaded" + name, windows.loaded(g, "sensor", {file}));
  }
  auto filter = guest_of(DriverKind::inf);
  filter.driver.filter = {.altitude = "385100", .volume = "C:"};
  all.insert(all.end(), {{"filter", windows.filter(filter)},
                         {"unload-filter", windows.unload(filter)},
                         {"load-filter", windows.load(filter)},
                         {"guard", windows.guard()}});
  for (const auto& question : assumption_questions())
    if (question.name.starts_with("prove-")) all.emplace_back(question.name, question);
  return all;
}

}  // namespace

TEST_CASE("the commands are those that the stand-in guest answers") {
  const auto table = read_table();
  const auto all = every_question();
  CHECK(table.size() == all.size());
  for (const auto& [name, question] : all) {
    INFO(name);
    const auto entry = table.find(name);
    REQUIRE(entry != table.end());
    CHECK(entry->second.command == question.command);
    CHECK(entry->second.exit_code >= 0);
  }
}

TEST_CASE("a script names itself, then its values, and has no double quote but the author's") {
  for (const auto& [name, question] : every_question()) {
    INFO(name << ": " << question.command);
    CHECK(question.command.starts_with("# labctl "));
    CHECK(split(question.command, '\n')[1] == "$ErrorActionPreference = 'Stop'");
    // But for the two empty words that Driver Verifier takes.
    if (!name.starts_with("install-")) CHECK(question.command.find('"') == std::string::npos);
    // The longest command line that Windows takes.
    CHECK(question.command.size() < 30000);
  }
}

TEST_CASE("whatever stands in a value is no more than a value") {
  const scenario::Content evil{.path = "C:\\it's '; Restart-Computer; '.bin"};
  const auto command = windows.place(evil, "content.bin").command;
  CHECK_THAT(command, ContainsSubstring("$path = 'C:\\it''s ''; Restart-Computer; ''.bin'\n"));
}

TEST_CASE("the answers say what is asked for") {
  const auto table = read_table();
  const auto facts = [&](const std::string& name) { return read_facts(table.at(name).answer); };
  CHECK(windows.is_boot_id(facts("identify")["boot_id"]));
  CHECK(windows.is_boot_id(facts("evidence")["boot_id"]));
  CHECK(facts("evidence")["crash_records"] == "0");
  CHECK(facts("booted")["system"] == "running");
  CHECK(facts("deliver").size() == 2);
  CHECK(facts("content-digest")["content_sha256"].size() == 64);
  for (const char* kind : {"inf", "service", "msi", "script"}) {
    auto loaded = facts(std::string("loaded-") + kind);
    CHECK(loaded["state"] == "live");
    CHECK(loaded["fresh"] == "unknown");
    CHECK(loaded["build_id"].size() == 64);
  }
  CHECK(facts("loaded-inf")["package"] == "right");
}

// An error would be the status of a guest that cannot answer; it has, and the answer is that the file is
// gone.
TEST_CASE("a file that is not there is told and no error") {
  for (const auto& [name, question] : every_question()) {
    if (name != "content-digest" && !name.starts_with("loaded-")) continue;
    INFO(question.command);
    const auto hash = question.command.find("Get-FileHash"),
               look = question.command.rfind("if (Test-Path $", hash);
    REQUIRE(look != std::string::npos);
    CHECK(hash - look < 80);
    CHECK_THAT(question.command, ContainsSubstring("$hash = 'absent'"));
  }
}

TEST_CASE("a boot of Windows is called by its moment and by nothing else") {
  CHECK(windows.is_boot_id("2026-11-22T08:15:30.5000000Z"));
  for (const char* other : {"", "2026-11-22T08:15:30.5000000", "2026-11-22 08:15:30.5000000Z",
                            "2026-11-22T08:15:30.5000000+01:00", "0b5d2c1e-3c1f-4b1e-9c35-0242ac120002"})
    CHECK_FALSE(windows.is_boot_id(other));
}

TEST_CASE("what only the hypervisor can do has no command") {
  CHECK(windows.stage(Crash::nmi).command.empty());
  CHECK(windows.set_clock(1).command.empty());
}

TEST_CASE("what is assumed of a Windows is asked for, and said by the one that was agreed on") {
  const auto table = read_table();
  std::map<std::string, std::string> answers;
  for (const auto& question : assumption_questions()) {
    const auto entry = table.find(question.name == "identify-again" ? "identify" : question.name);
    REQUIRE(entry != table.end());
    answers[question.name] = entry->second.answer;
  }
  for (const auto& held : hold(answers)) {
    INFO(held.assumption->what << ": " << held.seen);
    CHECK(held.holds == Holds::proved);
  }
}

TEST_CASE("a assumption that is not so differs, and one without an answer is neither") {
  std::map<std::string, std::string> answers = {{"prove-system", "mini_nt=yes\nbuild=\nroot=X:\\windows\n"},
                                                {"identify", "boot_id=2026-11-22T08:15:30.5000000Z\n"},
                                                {"identify-again", "boot_id=2026-11-22T08:15:31.5000000Z\n"}};
  const auto holds = [&](const std::string& question, const std::string& key) {
    for (const auto& held : hold(answers))
      if (held.assumption->question == question && held.assumption->key == key) return held.holds;
    throw std::runtime_error("nobody assumes " + key);
  };
  CHECK(holds("prove-system", "mini_nt") == Holds::differs);
  CHECK(holds("prove-system", "build") == Holds::differs);
  CHECK(holds("prove-system", "root") == Holds::differs);
  CHECK(holds("prove-system", "safe_boot") == Holds::unanswered);
  CHECK(holds("booted", "system") == Holds::unanswered);
  CHECK(holds("identify", "boot_id") == Holds::proved);
  CHECK(holds("identify-again", "boot_id") == Holds::differs);
  answers["identify-again"] = answers["identify"];
  CHECK(holds("identify-again", "boot_id") == Holds::proved);
  answers.erase("identify");
  CHECK(holds("identify-again", "boot_id") == Holds::differs);
}

TEST_CASE("only a minifilter can be taken out of a Windows that runs") {
  const auto plain = guest_of(DriverKind::service);
  CHECK(windows.unload(plain).command.empty());
  CHECK(windows.load(plain).command.empty());
  CHECK(windows.filter(plain).command.empty());
}

TEST_CASE("Driver Verifier is started with the flags that its mode stands for") {
  using scenario::Verifier;
  for (const auto& [mode, word] :
       std::vector<std::pair<Verifier, std::string>>{{Verifier::standard, "'standard'"},
                                                     {Verifier::low_resources, "'low-resources'"},
                                                     {Verifier::code_integrity, "'0x20209BB'"},
                                                     {Verifier::full, "'0x2020FBB'"}}) {
    auto watched = guest_of(DriverKind::service);
    watched.verifier = mode;
    CHECK_THAT(windows.install(watched, {"driver.sys"}).command,
               ContainsSubstring("$verifier = " + word + "\n"));
  }
}
