// A machine with nothing but its six verbs: what it cannot do is an error that says so, and never a crash.
#include "labctl/base/json.h"
#include "labctl/machine/machine.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

class Plain final : public machine::Machine {
  Status start(machine::From) override { return {}; }
  Result<Json> ask(const Json&, Millis) override { return Json::object(); }
  Status insert_cd(const std::filesystem::path&) override { return {}; }
  Status power_cut() override { return {}; }
  Status resume() override { return {}; }
  void end() override {}
};

}  // namespace

TEST_CASE("what a machine cannot do is an error of the lab's that names it") {
  Plain plain;
  const std::pair<Status, const char*> answers[] = {{machine::inject_nmi(plain), "NMI"},
                                                    {machine::screenshot(plain, "x.png"), "screen"},
                                                    {machine::save(plain, machine::From::before), "saved"},
                                                    {machine::dump(plain, "x"), "dumped"},
                                                    {machine::wake(plain), "woken"}};
  for (const auto& [answer, word] : answers) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().fault == Fault::lab);
    CHECK_THAT(answer.error().what, ContainsSubstring(word));
  }
}

TEST_CASE("a machine that shows nothing of itself has waited for nothing and has no definition") {
  Plain plain;
  CHECK(machine::cpu_wait(plain) == Millis(0));
  CHECK(machine::definition_of(plain).empty());
}
