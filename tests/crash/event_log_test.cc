#include "labctl/crash/windows/event_log.h"

#include "labctl/crash/windows/screen.h"
#include "tests/catch.h"

using namespace labctl::crash;

namespace {

const std::string reported =
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
    "Name='Microsoft-Windows-WER-SystemErrorReporting' Guid='{abce23e7-de45-4366-8631-84fa6c525952}' "
    "EventSourceName='BugCheck'/><EventID Qualifiers='16384'>1001</EventID></System><EventData><Data "
    "Name='param1'>0x0000007e (0xffffffffc0000005, 0xfffff80412345678, 0xffff9c0000001000, "
    "0xffff9c0000000800)</Data><Data Name='param2'>C:\\Windows\\MEMORY.DMP</Data></EventData></Event>\r\n";

std::string power(const std::string& code) {
  return "<Event xmlns='x'><System><Provider "
         "Name='Microsoft-Windows-Kernel-Power'/><EventID>41</EventID></System>"
         "<EventData><Data Name='BugcheckCode'>" +
         code + "</Data><Data Name='BugcheckParameter1'>0xffffffffc0000005</Data></EventData></Event>\n";
}

std::vector<std::string> titles(const std::string& text) {
  std::vector<std::string> all;
  for (const auto& finding : read_event_log(text)) all.push_back(finding.title);
  return all;
}

using Titles = std::vector<std::string>;

}  // namespace

TEST_CASE("what Windows wrote down of a stop is the stop") {
  const std::string stop = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)";
  CHECK(titles(reported) == Titles{stop});
  CHECK(titles(power("126")) == Titles{stop});
  CHECK(titles(reported + power("126")) == Titles{stop});
  CHECK(read_event_log(reported)[0].excerpt ==
        "stop 0x7e (0xffffffffc0000005, 0xfffff80412345678, 0xffff9c0000001000, 0xffff9c0000000800)");
  CHECK(read_event_log(reported)[0].kind == Kind::stop_code);
}

TEST_CASE("an unclean shutdown is told, and so is a dump") {
  const std::string eventlog =
      "<Event xmlns='x'><System><Provider Name='EventLog'/><EventID "
      "Qualifiers='32768'>6008</EventID></System></Event>";
  CHECK(titles(power("0")) == Titles{std::string(unclean_shutdown)});
  CHECK(titles(eventlog) == Titles{std::string(unclean_shutdown)});
  CHECK(
      titles(
          "log=System\r\ndump=C:\\Windows\\Minidump\\112226-5000-01.dmp|262144|2026-11-22T08:15:30.0Z\r\n") ==
      Titles{std::string(dump_there)});
}

TEST_CASE("other events, other sources and nonsense are nothing") {
  for (const std::string& text :
       {std::string(), std::string("log=System\r\n"), std::string("<Event >"),
        std::string("<Event <Event </Event>"),
        std::string(
            "<Event xmlns='x'><System><Provider Name='Dhcp'/><EventID>1001</EventID></System></Event>"),
        std::string(
            "<Event xmlns='x'><System><Provider Name='Dhcp'/><EventID>6008</EventID></System></Event>"),
        std::string(
            "<Event xmlns='x'><System><Provider Name='Power'/><EventID>41</EventID></System></Event>"),
        std::string("<Event xmlns='x'><System><Provider "
                    "Name='Kernel-General'/><EventID>12</EventID></System></Event>")})
    CHECK(read_event_log(text).empty());
  // A report that cannot be read is a report all the same.
  CHECK(titles("<Event xmlns='x'><System><Provider Name='Microsoft-Windows-WER-SystemErrorReporting'/>"
               "<EventID>1001</EventID></System></Event>") == Titles{"stop code unknown"});
}

TEST_CASE("what Windows recovered from is a warning, by the stop that it was spared") {
  const std::string head =
      "log=System\r\nlive=C:\\Windows\\LiveKernelReports\\WATCHDOG\\WATCHDOG-20261122-0815.dmp|655360|"
      "2026-11-22T08:15:31.0000000Z|";
  const auto found = read_event_log(head + "321\r\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "live kernel report: VIDEO_ENGINE_TIMEOUT_DETECTED (0x141)");
  CHECK(found[0].kind == Kind::error);
  CHECK(found[0].severity == Severity::warning);
  CHECK_THAT(found[0].excerpt, ContainsSubstring("WATCHDOG-20261122-0815.dmp"));
  CHECK(read_event_log(head + "353\r\n").empty());  // 0x161: somebody asked for a dump of a live system
  CHECK(read_event_log(head + "\r\n")[0].title == "live kernel report");
  CHECK(read_event_log(head + "x")[0].title == "live kernel report");
}

TEST_CASE("a driver that a policy in audit mode let in is a warning, and a program is none") {
  const auto audited = [](const std::string& file,
                          const std::string& provider = "Microsoft-Windows-CodeIntegrity") {
    return read_event_log(
        "<Event xmlns='x'><System><Provider Name='" + provider +
        "'/><EventID>3076</EventID></System><EventData><Data Name='FileNameLength'>63</Data>"
        "<Data Name='File Name'>" +
        file + "</Data></EventData></Event>");
  };
  const auto found = audited("\\Device\\HarddiskVolume3\\Windows\\System32\\drivers\\Sensor.SYS");
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "a policy in audit mode would refuse sensor.sys");
  CHECK(found[0].module == "sensor.sys");
  CHECK(found[0].kind == Kind::error);
  CHECK(found[0].severity == Severity::warning);
  CHECK(audited("\\Device\\HarddiskVolume3\\Program Files\\a.exe").empty());
  CHECK(audited("").empty());
  CHECK(audited(std::string(65, 'a') + ".sys").empty());
  CHECK(audited("C:\\x\x1b[31m.sys")[0].title == "a policy in audit mode would refuse x?[31m.sys");
  CHECK(audited("C:\\sensor.sys", "Somebody").empty());
}

namespace {

Picture picture(unsigned char red, unsigned char green, unsigned char blue, unsigned lit) {
  Picture made{.width = 100, .height = 100};
  for (unsigned i = 0; i < 10000; ++i)
    for (const unsigned char part : {red, green, blue}) made.rgb += static_cast<char>(i < lit ? 255 : part);
  return made;
}

}  // namespace

TEST_CASE("a screen of a stop's colour is one, and a dark one with some text may be") {
  CHECK(look_at(picture(0, 0, 128, 400)) == Look::stop_colour);
  CHECK(look_at(picture(16, 112, 168, 700)) == Look::stop_colour);
  CHECK(look_at(picture(0, 0, 0, 400)) == Look::text_on_dark);
  CHECK(look_at(picture(0, 0, 0, 0)) == Look::ordinary);
  CHECK(look_at(picture(0, 0, 0, 3000)) == Look::ordinary);
  CHECK(look_at(picture(0, 99, 177, 0)) == Look::ordinary);  // nothing is written on it
  // Two of eleven recorded stops have blues that nobody had listed.
  CHECK(look_at(picture(0x20, 0x67, 0xB2, 400)) == Look::one_colour);
  CHECK(look_at(picture(0, 0, 0x88 + 8, 400)) == Look::one_colour);
  CHECK(look_at(picture(0, 99, 177, 3000)) == Look::ordinary);
  CHECK(look_at({.width = 100, .height = 100, .rgb = "short"}) == Look::ordinary);
  CHECK(look_at({}) == Look::ordinary);
}

TEST_CASE("text is known although a recogniser misread it") {
  const auto title = [](const std::string& text) {
    const auto found = read_screen_text(text);
    return found ? found->title : std::string();
  };
  CHECK(title("Your PC ran into a problern and needs to restart.\n\nStop code: IROL_NOT_LESS_OR_EQUAL\n") ==
        "IRQL_NOT_LESS_OR_EQUAL (0xA)");
  CHECK(title("Your device ran into a problem and needs to restart\nStop code: SYSTEM THREAD EXCEPTION NOT "
              "HANDLED\n"
              "What failed: sensor.sys\n") == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
  CHECK(title("A problem has been detected and Windows has been shut down to prevent damage\n"
              "DRIVER_IRQL_NOT_LESS_OR_EOUAL\n*** STOP: Ox900000D1") ==
        "DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1)");
  CHECK(title("Your PC ran into a problem and needs to restart") == "a stop screen");
  CHECK(title("Choose an option\nContinue\nTroubleshoot") == "boot failure: Windows Recovery");
  CHECK(title("Preparing Automatic Repair") == "boot failure: Windows Automatic Repair");
  CHECK(title("login: root") == "");
  CHECK(title("") == "");
}
