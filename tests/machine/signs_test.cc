#include "labctl/machine/libvirt/signs.h"

#include <libvirt/libvirt.h>

#include "tests/catch.h"

using namespace labctl;
using namespace labctl::machine;

namespace {

struct Told : Interpreter {
  std::optional<Notification> monitor(std::string_view event, std::string_view details, int second = 100) {
    return Interpreter::monitor(event, details, std::chrono::seconds(second));
  }
};

template <class T>
const T& as(const std::optional<Notification>& sign) {
  REQUIRE(sign);
  REQUIRE(std::holds_alternative<T>(*sign));
  return std::get<T>(*sign);
}

std::string no_words() { return {}; }

}  // namespace

TEST_CASE("resets tell whose they are") {
  Told it;
  CHECK(as<GuestReset>(it.monitor("RESET", R"({"guest":true,"reason":"guest-reset"})")).by_guest);
  CHECK_FALSE(
      as<GuestReset>(it.monitor("RESET", R"({"guest":false,"reason":"host-qmp-system-reset"})")).by_guest);
  CHECK_FALSE(it.over());
}

TEST_CASE("the firmware's own reset after a power cut is not the guest's doing") {
  const char* outside = R"({"guest":false,"reason":"host-qmp-system-reset"})";
  const char* inside = R"({"guest":true,"reason":"guest-reset"})";
  Told it;
  CHECK_FALSE(as<GuestReset>(it.monitor("RESET", outside, 100)).by_guest);
  CHECK_FALSE(as<GuestReset>(it.monitor("RESET", inside, 101)).by_guest);
  CHECK(as<GuestReset>(it.monitor("RESET", inside, 106)).by_guest);
  it.monitor("RESET", outside, 200);
  it.printed();
  CHECK(as<GuestReset>(it.monitor("RESET", inside, 201)).by_guest);
}

TEST_CASE("a guest that sleeps and wakes is heard, and lives") {
  Told it;
  as<GuestSuspended>(it.monitor("SUSPEND", ""));
  as<GuestWoken>(it.monitor("WAKEUP", ""));
  CHECK_FALSE(it.over());
}

TEST_CASE("only changes of the agent's link are signs") {
  Told it;
  CHECK_FALSE(it.agent(false));
  CHECK(as<AgentLink>(it.agent(true)).up);
  CHECK_FALSE(it.agent(true));
  CHECK_FALSE(as<AgentLink>(it.agent(false)).up);
}

TEST_CASE("a guest that powers off is over, and its hypervisor's end is no loss") {
  Told it;
  const auto sign = it.monitor("SHUTDOWN", R"({"guest":true,"reason":"guest-shutdown"})");
  CHECK(as<GuestStopped>(sign).by_guest);
  CHECK(as<GuestStopped>(sign).reason == "guest-shutdown");
  CHECK_FALSE(it.monitor("STOP", ""));
  CHECK_FALSE(it.lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, no_words));
  CHECK_FALSE(it.console_ended("closed"));
}

TEST_CASE("a hypervisor that ends on its own is a loss, and so is one that is ended; they are told apart") {
  Told killed;
  const auto sign = killed.lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED,
                                     [] { return std::string("out of memory\x1b[31m"); });
  CHECK_THAT(as<Lost>(sign).why, ContainsSubstring("killed or crashed"));
  CHECK_THAT(as<Lost>(sign).why, ContainsSubstring("out of memory"));
  CHECK(as<Lost>(sign).why.find('\x1b') == std::string::npos);
  CHECK(as<Lost>(sign).cause == Cause::died);
  Told signalled;
  const auto ended = signalled.monitor("SHUTDOWN", R"({"guest":false,"reason":"host-signal"})");
  CHECK_THAT(as<Lost>(ended).why, ContainsSubstring("host-signal"));
  CHECK(as<Lost>(ended).cause == Cause::host);
  Told failing;
  CHECK(as<Lost>(failing.monitor("SHUTDOWN", R"({"guest":false,"reason":"host-error"})")).cause ==
        Cause::died);
  Told destroyed;
  CHECK(as<Lost>(destroyed.lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, no_words))
            .cause == Cause::host);
}

TEST_CASE("our own end is no sign") {
  Told it;
  it.end_wanted();
  CHECK_FALSE(it.monitor("SHUTDOWN", R"({"guest":false,"reason":"host-signal"})"));
  CHECK_FALSE(it.lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, no_words));
  CHECK_FALSE(it.connection_lost("gone"));
}

TEST_CASE("a panic stops the guest and is not a stop of the hypervisor's own") {
  Told it;
  const auto sign = it.monitor("GUEST_PANICKED", R"({"action":"pause"})");
  CHECK_FALSE(as<GuestPanicked>(sign).crash_loaded);
  CHECK(as<GuestPanicked>(sign).details == R"({"action":"pause"})");
  CHECK_FALSE(it.monitor("STOP", ""));
  CHECK_FALSE(it.over());
  CHECK(as<GuestPanicked>(it.monitor("GUEST_CRASHLOADED", "{}")).crash_loaded);
}

TEST_CASE("what Windows told its hypervisor comes through whole") {
  Told it;
  // Written from QEMU's schema: every argument is an unsigned number of 64 bits, and a double would lose
  // some.
  const std::string details =
      R"({"action":"pause","info":{"arg1":126,"arg2":18446744072635809797,"arg3":18446735291234567890,"arg4":2,)"
      R"("arg5":0,"type":"hyper-v"}})";
  const auto sign = it.monitor("GUEST_PANICKED", details);
  const auto told = as<GuestPanicked>(sign).details;
  for (const char* part : {"18446744072635809797", "18446735291234567890", "hyper-v"})
    CHECK(told.find(part) != std::string::npos);
}

TEST_CASE("a full or broken host disk is the lab's") {
  Told it;
  const auto sign = it.monitor(
      "BLOCK_IO_ERROR",
      R"({"operation":"write","action":"stop","nospace":true,"reason":"No space left on device"})");
  CHECK_THAT(as<Lost>(sign).why, ContainsSubstring("No space left on device"));
  CHECK(as<Lost>(sign).cause == Cause::host);
  CHECK_FALSE(it.monitor("STOP", ""));
}

TEST_CASE("a stop that nobody asked for is the hypervisor's own, one that we asked for is nothing") {
  Told it;
  it.pause_wanted(true);
  CHECK_FALSE(it.monitor("STOP", ""));
  it.pause_wanted(false);
  CHECK(as<Lost>(it.monitor("STOP", "")).cause == Cause::stopped);
}

TEST_CASE("nonsense from the monitor is harmless") {
  Told it;
  CHECK_FALSE(as<GuestReset>(it.monitor("RESET", "{")).by_guest);
  CHECK_FALSE(it.monitor("UNHEARD_OF", "[]"));
  CHECK_FALSE(as<GuestReset>(it.monitor("RESET", "[1,2]")).by_guest);
}

TEST_CASE("the time in which a guest was stopped from outside is counted, and a debugger may stop it") {
  Told it;
  it.debugged();
  CHECK(!it.monitor("STOP", "{}", 90));
  CHECK(!it.monitor("RESUME", "{}", 95));
  CHECK(it.paused(std::chrono::seconds(96)) == Millis(0));  // that was before it was to be counted
  it.count_pauses();
  CHECK(!it.monitor("STOP", "{}", 100));
  CHECK(it.paused(std::chrono::seconds(103)) == std::chrono::seconds(3));
  CHECK(!it.monitor("RESUME", "{}", 104));
  CHECK(!it.monitor("RESUME", "{}", 105));
  CHECK(it.paused(std::chrono::seconds(110)) == std::chrono::seconds(4));
  CHECK_FALSE(it.over());
}

TEST_CASE("a guest that its panic stopped does not wait for anything") {
  Told it;
  it.count_pauses();
  it.monitor("GUEST_PANICKED", "{}", 100);
  it.monitor("STOP", "{}", 100);
  CHECK(it.paused(std::chrono::seconds(200)) == Millis(0));
}
