// Stops of Windows as people copy them out of their tools.
#include <string>
#include <vector>

#include "labctl/crash/log.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

std::vector<std::string> summary(const std::string& log) {
  LogScanner scanner;
  scanner.feed(log);
  std::vector<std::string> all;
  for (const Finding& each : scanner.finish())
    all.push_back(each.title + " | " + to_string(each.kind) + " | " + each.module + " | " +
                  std::to_string(each.line));
  return all;
}

struct Case {
  const char* what;
  std::string log;
  std::vector<std::string> expected;
};

}  // namespace

TEST_CASE("a stop is read from whatever tool it was copied from, in any language") {
  const std::string foo = "DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1) in foo.sys | stop-code | foo.sys | ";
  const std::string parameters =
      "(0x0000000000000028, 0x0000000000000002, 0x0000000000000000, 0xfffff807393af5fa)";
  const std::vector<Case> cases{
      {"a debug line",
       "KDTARGET: Refreshing KD connection\n\n*** Fatal System Error: 0x000000d1\n"
       "                       "
       "(0x0000000000000028,0x0000000000000002,0x0000000000000000,0xFFFFF807393AF5FA)\n\n"
       "Driver at fault: \n***  foo.sys - Address FFFFF807393AF5FA base at FFFFF80739390000, DateStamp "
       "5f5f5f5f\n",
       {foo + "3"}},
      {"an analysis",
       "BugCheck D1, {28, 2, 0, fffff807393af5fa}\n\nProbably caused by : foo.sys ( foo+15fa )\n\n"
       "DRIVER_IRQL_NOT_LESS_OR_EQUAL (d1)\nAn attempt was made to access a pageable address\n"
       "BUGCHECK_CODE:  d1\nIMAGE_NAME:  foo.sys\nFAILURE_BUCKET_ID:  AV_foo!unknown_function\n",
       {foo + "1"}},
      {"a list of dumps",
       "Dump File         : 010226-1.dmp\nBug Check String  : DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"
       "Bug Check Code    : 0x000000d1\nCaused By Driver  : foo.sys\n",
       {foo + "3"}},
      {"a module named before its stop",
       "This was probably caused by the following module: Foo.sys (foo+0x15FA)\nBugcheck code: 0xD1 (0x28, "
       "0x2)\n",
       {foo + "2"}},
      {"event 1001 in German",
       "Ereignis-ID:   1001\nDer Computer wurde nach einem Fehler neu gestartet. Der Fehlercode war: "
       "0x000000d1 " +
           parameters + ".\n",
       {"DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1) | stop-code |  | 2"}},
      {"event 1001 in JSON",
       "{\"Id\":1001,\"Message\":\"... 0x000000d1 " + parameters + ".\"}\n",
       {"DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1) | stop-code |  | 1"}},
      {"event 41 in CSV",
       "Critical,1/2/2026 3:04:05 AM,Microsoft-Windows-Kernel-Power,41,(63),x\n",
       {"an unclean shutdown told by the event log | reset |  | 1"}},
      {"event 41 with a stop",
       "ProviderName : Microsoft-Windows-Kernel-Power\nId           : 41\nBugcheckCode : 209\n",
       {"DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1) | stop-code |  | 3"}},
      {"event 6008",
       "ProviderName : EventLog\nId           : 6008\n",
       {"an unclean shutdown told by the event log | reset |  | 2"}},
      {"other events",
       "Information,1/2/2026,Microsoft-Windows-Kernel-Power,105,(63),x\nProviderName : "
       "Microsoft-Windows-Kernel-Power\n"
       "Id           : 42\nBugcheckCode : 0\nport 6008 is open\nSOME_WORD (12)\n",
       {}}};
  for (const Case& each : cases) {
    INFO(each.what);
    CHECK(summary(each.log) == each.expected);
  }
}

namespace {

const std::string stop_7e = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in foo.sys | stop-code | foo.sys | ";
const std::string plain_7e = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) | stop-code |  | ";
const std::string unclean = "an unclean shutdown told by the event log | reset |  | ";

void check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    INFO(each.what);
    CHECK(summary(each.log) == each.expected);
    std::string windows;  // with the line ends of its tools
    for (const char c : each.log) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
    CHECK(summary(windows) == each.expected);
  }
}

}  // namespace

TEST_CASE("a debugger's analysis names the driver wherever it is cut") {
  const std::string head =
      "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (7e)\nThis is a very common BugCheck.\nArguments:\n"
      "Arg1: ffffffffc0000005, The exception code that was not handled\n"
      "Arg2: fffff807393a15fa, The address that the exception occurred at\n"
      "Arg3: ffff9c0000001000, Exception Record Address\nArg4: ffff9c0000000800, Context Record Address\n\n";
  check({
      {"by its image", head + "MODULE_NAME: wrong\nIMAGE_NAME:  foo.sys\n", {stop_7e + "1"}},
      {"by its module", head + "SYMBOL_NAME:  foo+15fa\n\nMODULE_NAME: foo\n", {stop_7e + "1"}},
      {"by its symbol", head + "SYMBOL_NAME:  foo!Read+1a\n", {stop_7e + "1"}},
      {"by the faulting module", head + "FAULTING_MODULE: fffff80739390000 foo\n", {stop_7e + "1"}},
      {"by its bucket", head + "FAILURE_BUCKET_ID:  AV_VRF_foo!unknown_function\n", {stop_7e + "1"}},
      {"by a bucket with a code",
       head + "FAILURE_BUCKET_ID:  0x7E_c0000005_foo!unknown_function\n",
       {stop_7e + "1"}},
      {"by a bucket with a file",
       head + "FAILURE_BUCKET_ID:  0x9F_3_POWER_DOWN_bar_IMAGE_foo.sys\n",
       {stop_7e + "1"}},
      {"by a module whose name has two words",
       head + "BUCKET_ID:  0x7E_my_drv!Read\n",
       {"SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in my_drv.sys | stop-code | my_drv.sys | 1"}},
      {"the kernel is no driver",
       head + "MODULE_NAME: nt\nFAILURE_BUCKET_ID:  AV_nt!KiPageFault\n",
       {plain_7e + "1"}},
      {"by where its modules lie",
       head + "lm\nstart             end                 module name\n"
              "fffff807`38000000 fffff807`39000000   nt         (pdb symbols)\n"
              "fffff807`39390000 fffff807`393c0000   foo        (deferred)\n"
              "fffff807`40000000 fffff807`40010000   bar        (deferred)\n",
       {stop_7e + "1"}},
      {"by a list of modules in front of it",
       "fffff807`39390000 fffff807`393c0000   foo        (deferred)\n" + head,
       {stop_7e + "2"}},
      {"an address in no module",
       head + "fffff807`40000000 fffff807`40010000   bar        (deferred)\n",
       {plain_7e + "1"}},
      {"by the address on a debug line",
       "*** Fatal System Error: 0x0000007e\n                       "
       "(0xFFFFFFFFC0000005,0xFFFFF807393A15FA,0xFFFF9C0000001000,0xFFFF9C0000000800)\n\n"
       "Break instruction exception - code 80000003 (first chance)\n\nA fatal system error has occurred.\n"
       "fffff807`39390000 fffff807`393c0000   foo        (deferred)\n",
       {stop_7e + "1"}},
      {"32 bits",
       "BugCheck 1000007E, {c0000005, f7a8115fa, 0, 0}\n\nProbably caused by : foo.sys ( foo+15fa )\n",
       {stop_7e + "1"}},
      {"the command .bugcheck",
       "Bugcheck code 0000007E\nArguments ffffffff`c0000005 fffff807`393a15fa 00000000`00000000 "
       "00000000`00000000\n",
       {plain_7e + "1"}},
  });
}

TEST_CASE("lists of dumps are read in each of their formats") {
  check({
      {"a row of a table",
       "Dump File,Crash Time,Bug Check String,Bug Check Code,Parameter 1,Caused By Driver,Caused By Address\n"
       "112226-5000-01.dmp,11/22/2026 8:15:30 AM,SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,0x0000007e,"
       "ffffffff`c0000005,foo.sys,foo.sys+15fa\n",
       {stop_7e + "2"}},
      {"a row of a table with tabs",
       "112226-5000-01.dmp\t22.11.2026 08:15:30\tSYSTEM_THREAD_EXCEPTION_NOT_HANDLED\t0x1000007e\t"
       "ffffffff`c0000005\tfoo.sys\tfoo.sys+15fa\n",
       {stop_7e + "1"}},
      {"XML",
       "<item>\n<dump_file>1.dmp</dump_file>\n<bug_check_code>0x0000007e</bug_check_code>\n"
       "<caused_by_driver>foo.sys</caused_by_driver>\n</item>\n",
       {stop_7e + "3"}},
      {"an address instead of a driver",
       "Bug Check Code    : 0x0000007e\nParameter 1       : ffffffff`c0000005\nCaused By Driver  : \n"
       "Caused By Address : foo.sys+15fa\n",
       {stop_7e + "1"}},
      {"one stop in two drivers",
       "Dump File         : 1.dmp\nBug Check Code    : 0x0000007e\nCaused By Driver  : foo.sys\n\n"
       "Dump File         : 2.dmp\nBug Check Code    : 0x0000007e\nCaused By Driver  : foo.sys\n\n"
       "Dump File         : 3.dmp\nBug Check Code    : 0x0000007e\nCaused By Driver  : bar.sys\n",
       {stop_7e + "2", "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in bar.sys | stop-code | bar.sys | 10"}},
      {"a report in words",
       "Bugcheck code: 0x7E(0xFFFFFFFFC0000005, 0xFFFFF807393A15FA, 0x0, 0x0)\n"
       "Bugcheck name: SYSTEM_THREAD_EXCEPTION_NOT_HANDLED\n"
       "Driver or module in which error occurred: foo.sys (foo+0x15FA)\n",
       {stop_7e + "1"}},
  });
}

TEST_CASE("events are read in any language and format") {
  const std::string parameters =
      "(0xffffffffc0000005, 0xfffff807393a15fa, 0xffff9c0000001000, 0xffff9c0000000800)";
  const auto viewer = [](const char* source, const char* number) {
    return std::string(source) + "Microsoft-Windows-Kernel-Power\n22.11.2026 08:15:30\n" + number +
           "41\n(63)\n";
  };
  check({
      {"event 41 in French",
       viewer("Source :       ", "ID de l\xe2\x80\x99\xc3\xa9v\xc3\xa9nement : "),
       {unclean + "3"}},
      {"event 41 in Spanish", viewer("Origen:        ", "Id. del evento:     "), {unclean + "3"}},
      {"event 41 in Russian",
       viewer("\xd0\x98\xd1\x81\xd1\x82\xd0\xbe\xd1\x87\xd0\xbd\xd0\xb8\xd0\xba: ",
              "\xd0\x9a\xd0\xbe\xd0\xb4 \xd1\x81\xd0\xbe\xd0\xb1\xd1\x8b\xd1\x82\xd0\xb8\xd1\x8f:   "),
       {unclean + "3"}},
      {"event 41 in Japanese",
       viewer("\xe3\x82\xbd\xe3\x83\xbc\xe3\x82\xb9:  ",
              "\xe3\x82\xa4\xe3\x83\x99\xe3\x83\xb3\xe3\x83\x88 ID: "),
       {unclean + "3"}},
      {"event 41 in a table",
       "   ProviderName: Microsoft-Windows-Kernel-Power\n\nTimeCreated                     Id "
       "LevelDisplayName\n"
       "-----------                     -- ----------------\n"
       "11/22/2026 8:15:30 AM           41 Critical         The system has rebooted\n",
       {unclean + "5"}},
      {"event 41 in wevtutil's text",
       "Event[0]:\n  Log Name: System\n  Source: Microsoft-Windows-Kernel-Power\n  Event ID: 41\n  Task: "
       "N/A\n",
       {unclean + "4"}},
      {"event 41 with all its columns",
       "\"The system has "
       "rebooted\",\"41\",\"0\",\"1\",\"63\",\"Microsoft-Windows-Kernel-Power\",\"331c3b3a\"\n",
       {unclean + "1"}},
      {"event 41 with its data in JSON",
       "{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Microsoft-Windows-Kernel-Power\"}},"
       "\"EventID\":41},\"EventData\":{\"BugcheckCode\":126,\"BugcheckParameter1\":\"0xffffffffc0000005\"}}}"
       "\n",
       {plain_7e + "1"}},
      {"event 41 as PowerShell's JSON",
       "{\"Id\":41,\"ProviderName\":\"Microsoft-Windows-Kernel-Power\",\"Properties\":[{\"Value\":126},{"
       "\"Value\":0}]}\n",
       {plain_7e + "1"}},
      {"event 41 by evtxexport",
       "Event number\t\t\t: 41\nSource name\t\t\t: Microsoft-Windows-Kernel-Power\n"
       "Event identifier\t\t: 0x00000029 (41)\nNumber of strings\t\t: 2\nString: 1\t\t\t: 126\n"
       "String: 2\t\t\t: 0xffffffffc0000005\n",
       {plain_7e + "5"}},
      {"event 41 by evtxexport without a stop",
       "Source name\t\t\t: Microsoft-Windows-Kernel-Power\nEvent identifier\t\t: 0x00000029 (41)\n"
       "String: 1\t\t\t: 0\n",
       {unclean + "2"}},
      {"event 1001 by evtxexport",
       "Source name\t\t\t: Microsoft-Windows-WER-SystemErrorReporting\nEvent identifier\t\t: 0x000003e9 "
       "(1001)\n"
       "String: 1\t\t\t: 0x0000007e " +
           parameters + "\n",
       {plain_7e + "3"}},
      {"event 6008 by evtxexport",
       "Source name\t\t\t: EventLog\nEvent identifier\t\t: 0x80001778 (2147489656)\n",
       {unclean + "2"}},
      {"event 6008 in Italian", "Origine: EventLog\nID evento: 6008\n", {unclean + "2"}},
      {"event 1001 in Chinese",
       "\xe4\xba\x8b\xe4\xbb\xb6 ID: 1001\n\xe6\xa3\x80\xe6\xb5\x8b\xe9\x94\x99\xe8\xaf\xaf: 0x0000007e " +
           parameters + "\xe3\x80\x82\n",
       {plain_7e + "2"}},
      {"an error report",
       "Fault bucket , type 0\nEvent Name: BlueScreen\nResponse: Not available\nProblem signature:\nP1: 7e\n"
       "P2: ffffffffc0000005\n",
       {plain_7e + "5"}},
      {"a window of Windows 7",
       "  Problem Event Name:\tBlueScreen\n  OS Version:\t6.1.7601\nAdditional information:\n  "
       "BCCode:\t1000007e\n"
       "  BCP1:\tFFFFFFFFC0000005\n",
       {plain_7e + "4"}},
  });
}

TEST_CASE("what only looks like a stop or an event is none") {
  check({
      {"a record's number",
       "Event number : 41\nSource name : Microsoft-Windows-Kernel-Power\nRecordId : 41\n",
       {}},
      {"another event of the source",
       "ProviderName: Microsoft-Windows-Kernel-Power\n22.11.2026 08:15:30   42 Information The system is "
       "entering "
       "sleep\n",
       {}},
      {"numbers of somebody else",
       "port: 6008\nanswer: 41\nP1: 7e\nString: 1 : 126\nWidth;41;6008;0x0000007e\n",
       {}},
      {"an error report of a program", "Event Name: APPCRASH\nP1: 7e\n", {}},
      {"a list of modules", "fffff807`39390000 fffff807`393c0000   foo        (deferred)\n", {}},
      {"a list of stops that nobody had",
       "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED = 0x0000007e\nBug check codes\n",
       {}},
      {"a table of all stops",
       "Name,Code\nDRIVER_IRQL_NOT_LESS_OR_EQUAL,0x000000D1\nIRQL_NOT_LESS_OR_EQUAL;0x0000000a\n",
       {}},
      {"a program that knows stops", " { \"DRIVER_IRQL_NOT_LESS_OR_EQUAL\", 0x000000d1 },\n", {}},
      {"a text about stops", "IRQL_NOT_LESS_OR_EQUAL (a)\nThe bug check has a value of 0x0000000A.\n", {}},
      {"a word that is not its number's name", "WHATEVER_HAPPENED,0x0000007e\nSOME_WORD (7e)\n", {}},
  });
}

}  // namespace labctl::crash
