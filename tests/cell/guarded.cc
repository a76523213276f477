// Windows: minifilters, memory integrity and Driver Verifier, each proved by what the guest lists and not by
// what was asked of it.

#include "tests/catch.h"
#include "tests/cell/windows_story.h"

using namespace story;
using outcome::Ending;

namespace {

plan::Cell minifilter() {
  plan::Cell cell = windows();
  cell.guest.driver.filter = {.altitude = "385100", .volume = "C:"};
  return cell;
}

plan::Cell memory_integrity() {
  plan::Cell cell = windows();
  cell.machine.memory_integrity = true;
  return cell;
}

const std::string attached =
    "filter=loaded\r\ninstances=\\Device\\Mup@385100|C:@385100\r\nbeside=WdFilter@328010\r\n";
const std::string unloaded = "filter=absent\r\ninstances=\r\nbeside=WdFilter@328010\r\n";
const std::string guarded = "vbs=2\r\nservices_configured=1 2\r\nservices_running=1 2\r\n";

// A Windows that is well, with all of them.
struct Guest : WindowsScene {
  explicit Guest(plan::Cell told) : WindowsScene(std::move(told)) {
    const auto well = change;
    change = [this, well](Answer& answer, int nth) {
      well(answer, nth);
      if (answer.question == "unload" || answer.question == "remove") filter_in = false;
      if (answer.question == "load" || answer.question == "install") filter_in = true;
      if (answer.question == "filter") answer.output = filter_in ? attached : unloaded;
      if (answer.question == "loaded" && !filter_in && asked["install"] > 0)
        answer.output = asked["remove"] > 0 ? "state=absent\r\n" : "state=stopped\r\n";
      if (answer.question == "guard") answer.output = guarded;
      return true;
    };
  }
  // Instead of what it would say.
  void says_of(const std::string& question, const std::string& output, int from) {
    const auto before = change;
    change = [=](Answer& answer, int nth) {
      const bool told = before(answer, nth);
      if (answer.question == question && nth >= from) answer.output = output;
      return told;
    };
  }
  bool filter_in = false;
};

}  // namespace

TEST_CASE("a minifilter that is attached at its altitude in every boot passes") {
  Guest guest(minifilter());
  CHECK(guest.play().ending == Ending::passed);
  CHECK(guest.asked["filter"] >= 7);  // behind the installation and twice in each boot
}

TEST_CASE("a service that runs while its minifilter sees nothing is not loaded") {
  for (const auto& [says, reason] : std::vector<std::pair<std::string, std::string>>{
           {unloaded, "the minifilter sensor is not loaded: the Filter Manager does not list it"},
           {"", "the minifilter sensor is not loaded: the Filter Manager does not list it"},
           {"filter=loaded\ninstances=\nbeside=\n",
            "the minifilter sensor has no instance at altitude 385100 on C:; it is attached as nothing, "
            "beside "
            "no other filter"},
           {"filter=loaded\ninstances=C:@370000|\\Device\\Mup@385100\nbeside=WdFilter@328010\n",
            "the minifilter sensor has no instance at altitude 385100 on C:; it is attached as C:@370000, "
            "\\Device\\Mup@385100, beside WdFilter@328010"}})
    for (const int from : {1, 3}) {
      Guest guest(minifilter());
      guest.says_of("filter", says, from);
      CHECK(guest.play().ending == Ending::not_loaded);
      CHECK(guest.state.outcome.reason == reason);
    }
}

TEST_CASE("a minifilter that attaches a moment later is waited for, and behind a wait it must be there") {
  Guest guest(minifilter());
  guest.answers("filter", [](Answer&) {});
  const auto before = guest.change;
  guest.change = [before](Answer& answer, int nth) {
    const bool told = before(answer, nth);
    if (answer.question == "filter" && nth == 1) answer.output = unloaded;
    return told;
  };
  CHECK(guest.play().ending == Ending::passed);
}

TEST_CASE("another filter that the scenario wants beside it must stay") {
  for (const bool stays : {true, false}) {
    Guest guest(minifilter());
    guest.cell.guest.driver.filter->beside = {"WdFilter"};
    if (!stays) guest.says_of("filter", "filter=loaded\ninstances=C:@385100\nbeside=WdFilterX@1\n", 4);
    CHECK(guest.play().ending == (stays ? Ending::passed : Ending::not_loaded));
    if (!stays)
      CHECK_THAT(guest.state.outcome.reason,
                 ContainsSubstring("the filter WdFilter is not attached beside the minifilter sensor"));
  }
}

TEST_CASE("a minifilter is unloaded and loaded again, and is gone in between") {
  using enum scenario::StepKind;
  Guest guest(minifilter());
  guest.cell.story = {{.kind = install}, {.kind = apply}, {.kind = reload}, {.kind = reboot}};
  CHECK(guest.play().ending == Ending::passed);
  CHECK(guest.asked["unload"] == 1);
  CHECK(guest.asked["load"] == 1);
  for (const char* question : {"loaded", "filter"}) {
    Guest stays(minifilter());
    stays.cell.story = guest.cell.story;
    const auto before = stays.change;
    stays.change = [before, question, &stays](Answer& answer, int nth) {
      const bool told = before(answer, nth);
      if (stays.asked["unload"] == 1 && stays.asked["load"] == 0 && answer.question == question)
        answer.output = question == std::string("filter") ? attached : "state=live\r\n";
      return told;
    };
    CHECK(stays.play().ending == Ending::not_loaded);
    CHECK_THAT(stays.state.outcome.reason,
               ContainsSubstring(question == std::string("filter") ? "the minifilter sensor is still loaded"
                                                                   : "still runs after it was unloaded"));
  }
}

TEST_CASE("a minifilter that is removed is out of the Filter Manager too") {
  using enum scenario::StepKind;
  for (const bool goes : {true, false}) {
    Guest guest(minifilter());
    guest.cell.story = {{.kind = install}, {.kind = apply}, {.kind = reboot}, {.kind = remove}};
    const auto before = guest.change;
    guest.change = [before, goes, &guest](Answer& answer, int nth) {
      const bool told = before(answer, nth);
      if (!goes && guest.asked["remove"] == 1 && answer.question == "filter") answer.output = attached;
      return told;
    };
    CHECK(guest.play().ending == (goes ? Ending::passed : Ending::not_loaded));
  }
}

TEST_CASE("a minifilter that waits for the next boot is looked for there") {
  for (const bool comes : {true, false}) {
    Guest guest(minifilter());
    const auto before = guest.change;
    guest.change = [before, comes, &guest](Answer& answer, int nth) {
      const bool told = before(answer, nth);
      if (answer.question == "loaded" && guest.boots == 0) answer.output = "state=pending\n";
      if (answer.question == "filter" && (guest.boots == 0 || !comes)) answer.output = unloaded;
      return told;
    };
    CHECK(guest.play().ending == (comes ? Ending::passed : Ending::not_loaded));
  }
}

TEST_CASE("memory integrity that runs in every boot lets a cell pass") {
  Guest guest(memory_integrity());
  CHECK(guest.play().ending == Ending::passed);
  CHECK(guest.asked["guard"] >= 8);
}

TEST_CASE("memory integrity that is off before the candidate comes proves nothing of it") {
  for (const char* says :
       {"vbs=2\nservices_running=1\n", "vbs=1\nservices_running=2\n", "vbs=0\nservices_running=0\n",
        "vbs=2\nservices_configured=2\nservices_running=\n", "vbs=22\nservices_running=22\n", ""}) {
    Guest guest(memory_integrity());
    guest.says_of("guard", says, 1);
    CHECK(guest.play().ending == Ending::lab_failed);
    CHECK_THAT(guest.state.outcome.reason, ContainsSubstring("memory integrity does not run in this guest"));
  }
}

TEST_CASE("memory integrity that goes with the candidate is the candidate's, and without one the image's") {
  Guest guest(memory_integrity());
  guest.says_of("guard", "vbs=1\nservices_running=0\n", 4);
  CHECK(guest.play().ending == Ending::altered);
  CHECK_THAT(guest.state.outcome.reason,
             ContainsSubstring("says VBS 1, services that run 0), and did before the candidate was there"));
  Guest alone(control());
  alone.cell.guest.os = scenario::Os::windows;
  alone.cell.machine.memory_integrity = true;
  alone.says_of("guard", "vbs=1\nservices_running=0\n", 3);
  CHECK(alone.play().ending == Ending::lab_failed);
}

TEST_CASE("Driver Verifier must watch the driver from the next boot on, with the flags that were asked for") {
  using scenario::Verifier;
  struct Told {
    Verifier mode;
    std::string now, later;  // of it in the boot of the installation, and behind it
    Ending ending;
  };
  const std::string full = "verifier=on\nverifier_level=33689531\n", waits = "verifier_active=waits\n",
                    yes = "verifier_active=yes\n";  // 0x2020FBB
  for (const auto& told : std::vector<Told>{
           {Verifier::full, full + waits, full + yes, Ending::passed},
           {Verifier::full, full + waits, full + waits, Ending::not_loaded},
           {Verifier::full, full + waits, full + "verifier_active=no\n", Ending::not_loaded},
           {Verifier::full, full + waits, full, Ending::not_loaded},
           {Verifier::full, full + waits, "verifier=off\n", Ending::not_loaded},
           {Verifier::full, "verifier=on\nverifier_level=133563\n" + waits, full + yes, Ending::not_loaded},
           {Verifier::code_integrity, full + waits, full + yes, Ending::passed},
           {Verifier::standard, "verifier=on\nverifier_level=1\n" + waits,
            "verifier=on\nverifier_level=1\n" + yes, Ending::passed},
           {Verifier::standard, "verifier=on\n" + waits, "verifier=on\nverifier_active=no\n",
            Ending::not_loaded},
           {Verifier::standard, "verifier=on\n", "verifier=on\n", Ending::passed}}) {  // a journal of before
    Guest guest(windows());
    guest.cell.guest.verifier = told.mode;
    const auto before = guest.change;
    guest.change = [before, told, &guest](Answer& answer, int nth) {
      const bool answered = before(answer, nth);
      if (answer.question == "loaded") answer.output += guest.boots == 0 ? told.now : told.later;
      return answered;
    };
    INFO(told.now << " | " << told.later);
    CHECK(guest.play().ending == told.ending);
  }
}

TEST_CASE("a story of minifilters and memory integrity replays to the same outcome") {
  plan::Cell cell = minifilter();
  cell.machine.memory_integrity = true;
  Guest guest(cell);
  guest.says_of("filter", unloaded, 4);
  const auto outcome = guest.play();
  CHECK(outcome.ending == Ending::not_loaded);
  CHECK(cell::replay(guest.cell, guest.journal).reason == outcome.reason);
}
