// Windows: what its consoles say, however it arrives. The logs are written from documentation; see
// tests/crash/windows/README.md.
#include <algorithm>
#include <string>

#include "labctl/crash/engine/boot_loop.h"
#include "recorded.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

const std::vector<Recording>& logs() {
  static const std::vector<Recording> all = read_recordings("windows");
  return all;
}

const std::string& log_of(const std::string& name) {
  const auto found =
      std::find_if(logs().begin(), logs().end(), [&](const Recording& each) { return each.name == name; });
  if (found == logs().end()) throw std::runtime_error("no log " + name);
  return found->log;
}

const std::string thread_stop = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)";

std::string block(const std::string& value) {
  return "<?xml><BP><INSTANCE CLASSNAME=\"BLUESCREEN\"><PROPERTY NAME=\"STOPCODE\" TYPE=\"string\"><VALUE>" +
         value + "</VALUE></PROPERTY></INSTANCE></BP>\r\n";
}

}  // namespace

TEST_CASE("every log of Windows is told as its head says") {
  REQUIRE(logs().size() > 30);
  for (const Recording& each : logs()) {
    INFO(each.name);
    CHECK(told(scan(each.log, Os::windows)) == told(each.expected));
    CHECK(told(scan(each.log)) == told(each.expected));
    const auto as_linux = scan(each.log, Os::linux_);
    CHECK(std::none_of(as_linux.begin(), as_linux.end(),
                       [](const Finding& found) { return found.kind == Kind::stop_code; }));
  }
}

TEST_CASE("Windows's logs may be split anywhere") {
  for (const Recording& each : logs()) {
    INFO(each.name);
    for (const auto os : {std::optional(Os::windows), std::optional<Os>()}) {
      const auto whole = scan(each.log, os);
      CHECK(scan_in_pieces(each.log, {1}, os) == whole);
      for (std::size_t at = 1; at < each.log.size(); ++at)
        if (scan_in_pieces(each.log, {at, each.log.size()}, os) != whole) FAIL("split at " << at);
    }
  }
}

TEST_CASE("bells, line ends and terminal control do not matter to Windows") {
  const std::string& log = log_of("003-ems-then-screen-10.log");
  const auto expected = told(scan(log));
  std::string noisy;
  for (const char c : log) {
    noisy += c;
    if (c == '>' || c == ' ') noisy += "\a\x1b[0m";
  }
  CHECK(told(scan(noisy)) == expected);
  std::string bare = log;
  std::erase(bare, '\r');
  CHECK(told(scan(bare)) == expected);
}

TEST_CASE("a finding of Windows keeps where it began and its parameters") {
  const std::string& log = log_of("006-screen-7.log");
  const auto findings = scan(log, Os::windows);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].offset == 0);
  CHECK(findings[0].line == 1);
  CHECK(findings[0].excerpt.find("0xFFFFF80002C9A1B2") != std::string::npos);
  CHECK(findings[0].severity == Severity::fatal);
  CHECK(findings[0].excerpt.size() <= 16384);
  for (const Recording& each : logs()) {
    for (const Finding& found : scan(each.log)) {
      INFO(each.name << ": " << found.title);
      const std::size_t end = each.log.find_first_of("\r\n", found.offset);
      CHECK(found.excerpt.starts_with(each.log.substr(found.offset, end - found.offset)));
      CHECK(found.line == 1 + static_cast<std::uint64_t>(
                                  std::count(each.log.begin(), each.log.begin() + found.offset, '\n')));
    }
  }
}

TEST_CASE("a stop is told at a silence, and again when its driver is named") {
  Scanner scanner(Os::windows);
  CHECK(scanner.feed(block("\"0x7E\"")).empty());
  CHECK(scanner.pending());
  const auto first = scanner.flush();
  REQUIRE(first.size() == 1);
  CHECK(first[0].title == thread_stop);
  CHECK(first[0].confirmed);
  CHECK_FALSE(scanner.pending());
  CHECK(scanner.flush().empty());
  scanner.feed("Your device ran into a problem and needs to restart.\r\n10% complete\r");
  CHECK(scanner.flush().empty());
  scanner.feed("Stop code: SYSTEM_THREAD_EXCEPTION_NOT_HANDLED\r\nWhat failed: sensor.sys");
  CHECK(scanner.pending());
  const auto richer = scanner.flush();
  REQUIRE(richer.size() == 1);
  CHECK(richer[0].title == thread_stop + " in sensor.sys");
  CHECK(richer[0].module == "sensor.sys");
  CHECK(richer[0].offset == first[0].offset);
  CHECK_FALSE(scanner.pending());
  scanner.feed("\r\n");
  CHECK(scanner.flush().empty());
}

TEST_CASE("codes are 64 bits, and what is no code is said to be none") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"\"0xE2\"", "MANUALLY_INITIATED_CRASH (0xE2)"},
      {"0xE2", "MANUALLY_INITIATED_CRASH (0xE2)"},
      {" \"0x000000e2\" ", "MANUALLY_INITIATED_CRASH (0xE2)"},
      {"\"0xDEADDEAD\"", "MANUALLY_INITIATED_CRASH1 (0xDEADDEAD)"},
      {"\"0xFFFFFFFFFFFFFFFF\"", "stop code 0xFFFFFFFFFFFFFFFF"},
      {"\"0x0\"", "stop code 0x0"},
      {"\"0x10000000000000000\"", "stop code unknown"},
      {"\"0x\"", "stop code unknown"},
      {"\"E2\"", "stop code unknown"},
      {"", "stop code unknown"},
  };
  for (const auto& [value, title] : table) {
    INFO(value);
    const auto findings = scan(block(value), Os::windows);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].title == title);
    CHECK(findings[0].confirmed);
    CHECK(findings[0].corrupted.empty() == (title != "stop code unknown"));
  }
}

TEST_CASE("the prompt corroborates and never decides") {
  CHECK(scan("!SAC>\r\n!SAC>help\r\n", Os::windows).empty());
  const auto alone = scan("Stop code: CRITICAL_PROCESS_DIED\r\n", Os::windows);
  REQUIRE(alone.size() == 1);
  CHECK_FALSE(alone[0].confirmed);
  const auto with_prompt = scan("!SAC>\r\nStop code: CRITICAL_PROCESS_DIED\r\n", Os::windows);
  REQUIRE(with_prompt.size() == 1);
  CHECK(with_prompt[0].confirmed);
}

TEST_CASE("hostile consoles of Windows are read in bounded pieces") {
  const std::string open = "<INSTANCE CLASSNAME=\"BLUESCREEN\"><PROPERTY NAME=\"STOPCODE\"";
  const std::string huge = open + std::string(10 << 20, 'x') + "\n";
  const auto findings = scan(huge, Os::windows);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].title == "stop code unknown");
  CHECK(findings[0].excerpt.size() <= 16384);
  CHECK(scan_in_pieces(huge, {4096}, Os::windows) == findings);
  CHECK(scan(std::string(10 << 20, '<') + "\n", Os::windows).empty());
  CHECK(scan(std::string(1 << 20, '\0') + "\n", Os::windows).empty());
  std::string opened;
  for (int i = 0; i < 5000; ++i) opened += "<?xml>\n<BP>\n";
  CHECK(scan(opened, Os::windows).empty());
  CHECK(scan(opened + block("\"0x7E\""), Os::windows).size() == 1);
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += "*** STOP: 0x" + std::to_string(i + 1) + " (0x0)\n";
  CHECK(scan(flood, Os::windows).size() > 1000);
  std::string nul = block("\"0x7E\"");
  nul.insert(nul.find("STOPCODE"), std::string(3, '\0'));
  CHECK(scan(nul, Os::windows)[0].title == thread_stop);
}

TEST_CASE("what a Linux kernel logs about Windows is not Windows") {
  const std::string dmesg =
      "[   12.345678] sensor: *** STOP: 0x0000007E (0x0, 0x0)\n"
      "[   12.345679] sensor: " +
      block("\"0x7E\"") +
      "Your PC ran into a problem and needs to restart.\nStop code: CRITICAL_PROCESS_DIED\n";
  CHECK(scan(dmesg).empty());
  // The next machine's console in the same file.
  const std::string then_windows =
      dmesg + "BdsDxe: starting Boot0004 \"Windows Boot Manager\"\n" + block("\"0x7E\"");
  CHECK(scan(then_windows).size() == 1);
  CHECK(scan(dmesg, Os::linux_).empty());
}

TEST_CASE("firmware that starts over and over is a boot failure, unless somebody speaks in between") {
  const std::string ovmf =
      "\x1b[2J\x1b[01;01HBdsDxe: loading Boot0001 \"disk\" from PciRoot(0x0)\r\n"
      "BdsDxe: starting Boot0001 \"disk\" from PciRoot(0x0)\r\n";
  const std::string seabios = "SeaBIOS (version 1.16.2)\r\nBooting from Hard Disk...\r\n";
  const std::string kernel = "[    0.000000] Linux version 6.1.0\n";
  for (const std::string& start : {ovmf, seabios}) {
    for (const auto os : {std::optional(Os::linux_), std::optional(Os::windows), std::optional<Os>()}) {
      CHECK(scan(start + start, os).empty());
      const auto looping = scan(start + start + start + start, os);
      REQUIRE(looping.size() == 1);
      CHECK(looping[0].title == "boot failure: firmware starts over and over");
      CHECK(looping[0].kind == Kind::boot_failure);
      CHECK_FALSE(looping[0].confirmed);  // a guest with a silent console looks the same
    }
    CHECK(scan(start + kernel + start + kernel + start + kernel + start).empty());
    CHECK(scan(start + "debian login: " + "\n" + start + start).empty());
    CHECK(scan_in_pieces(start + start + start, {1}) == scan(start + start + start));
  }
  const std::string options =
      "BdsDxe: starting Boot0001 \"a\"\nBdsDxe: failed to start Boot0001 \"a\": Not Found\n";
  CHECK(scan(options + "BdsDxe: starting Boot0002 \"b\"\nBdsDxe: starting Boot0003 \"c\"\n").empty());
}

}  // namespace labctl::crash
