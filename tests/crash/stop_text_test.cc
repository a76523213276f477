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

}  // namespace labctl::crash
