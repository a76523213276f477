// Proofs that would hold without the content: each is put once before it is delivered.

#include "tests/cell/told.h"

using namespace story;
using scenario::Proof;
namespace {

using enum scenario::StepKind;

constexpr const char* without = "holds before the content is there";

Scene with_proofs(std::vector<Proof> proofs) {
  Scene scene;
  scene.cell.guest.proof = std::move(proofs);
  return scene;
}

const Proof digest{.run = "sensorctl digest", .prints = "${content.sha256}"};

}  // namespace

TEST_CASE("a proof that holds without the content proves nothing of it") {
  // All of them are answered with status 0 and 'ok', whatever is there.
  for (const auto& proofs :
       {std::vector<Proof>{{.run = "true"}}, std::vector<Proof>{{.run = "sensorctl selftest || true"}},
        std::vector<Proof>{{.run = "test -f /etc/passwd"}},
        std::vector<Proof>{{.run = "echo ok", .prints = "ok"}, {.run = "true"}},
        // One that can tell does not speak for another that claims to.
        std::vector<Proof>{digest, {.run = "grep -q x ${content.path} || true"}}}) {
    Scene scene = with_proofs(proofs);
    scene.answers("proof-1", prints(proofs[0].prints == "ok" ? "ok" : content_digest));
    INFO(proofs.back().run);
    CHECK(scene.play().ending == Ending::not_loaded);
    CHECK_THAT(scene.state.outcome.reason, ContainsSubstring(without));
    CHECK_THAT(scene.state.outcome.reason,
               ContainsSubstring(proofs[0].prints == digest.prints ? proofs[1].run : proofs[0].run));
    CHECK(scene.state.outcome.step == "apply content");
    CHECK(scene.asked["apply"] == 0);
  }
}

TEST_CASE("proofs that can tell the content pass") {
  SECTION("one of the content, and one of the driver alone") {
    CHECK(Scene().play().ending == Ending::passed);
  }
  SECTION("one without a name, that fails before") {
    Scene scene = with_proofs({{.run = "sensorctl has-content"}, {.run = "sensorctl selftest"}});
    scene.answers("without-1", exits(1, "no content"));
    CHECK(scene.play().ending == Ending::passed);
  }
  SECTION("one whose status is what a missing tool would not give") {
    Scene scene = with_proofs({{.run = "sensorctl check", .exit_code = 3}});
    scene.answers("without-1", exits(127, "not found"));
    scene.answers("proof-1", exits(3));
    CHECK(scene.play().ending == Ending::passed);
  }
  SECTION("one that waits for the content") {
    Scene scene = with_proofs({{.run = "until sensorctl has-content; do sleep 1; done"}});
    scene.never_answers("without-1");
    CHECK(scene.play().ending == Ending::passed);
  }
  SECTION("a driver that brings the same file with it") {
    Scene scene;
    scene.answers("content-before", prints("content_sha256=" + content_digest));
    scene.answers("without-1", prints(content_digest));
    CHECK(scene.play().ending == Ending::passed);
  }
}

TEST_CASE("a driver that brings another file with it is not excused") {
  Scene scene = with_proofs({digest});
  scene.answers("content-before", prints("content_sha256=" + driver_digest));
  scene.answers("without-1", prints(content_digest));
  CHECK(scene.play().ending == Ending::not_loaded);
}

TEST_CASE("every content is asked about once, before it is delivered for the first time") {
  Scene scene;
  scene.cell.extra_contents = {{.label = "current", .path = "old.bin", .mark = {}}};
  scene.cell.story = {{.kind = install},
                      {.kind = apply, .label = "current"},
                      {.kind = reboot},
                      {.kind = place},
                      {.kind = apply},
                      {.kind = reboot},
                      {.kind = apply, .label = "current"},
                      {.kind = reboot}};
  scene.opening.payload["content-current.bin"] = sha256("old");
  std::string there;  // what the driver uses
  scene.change = [&](Answer& answer, int) {
    const auto& op = scene.state.operations[scene.state.position];
    if (answer.question == "apply" || answer.question == "place") there = op.expected_sha256;
    if (answer.question == "proof-1" || answer.question == "without-1") answer.output = there;
    if (answer.question == "content-digest") answer.output = "content_sha256=" + there;
    return true;
  };
  INFO(show(scene.play()));
  CHECK(scene.state.outcome.ending == Ending::passed);
  CHECK(scene.asked["without-1"] == 2);
}

TEST_CASE("content that comes before its driver, and content that is cut short, are asked about as well") {
  Scene first, cut;
  first.cell.story = {{.kind = place}, {.kind = install}, {.kind = reboot}};
  cut.cell.story = {{.kind = install},
                    {.kind = power_cut, .moment = scenario::Moment::apply},
                    {.kind = apply},
                    {.kind = reboot}};
  for (Scene* scene : {&first, &cut}) {
    scene->answers("without-1", prints(content_digest));
    CHECK(scene->play().ending == Ending::not_loaded);
    CHECK_THAT(scene->state.outcome.reason, ContainsSubstring(without));
  }
}

TEST_CASE("a proof that looks at the content's file alone is found out before the content is applied") {
  for (const std::string run : {"grep -q x ${content.path}", "sha256sum /var/lib/sensor/content.bin"}) {
    INFO(run);
    Scene scene = with_proofs({digest, {.run = run}});
    scene.cell.guest.content->path = "/var/lib/sensor/content.bin";
    scene.answers("without-2", exits(1, "no such file"));
    CHECK(scene.play().ending == Ending::not_loaded);
    CHECK_THAT(scene.state.outcome.reason,
               ContainsSubstring(run) && ContainsSubstring("copied and not yet applied"));
    CHECK(scene.asked["place"] == 1);
    CHECK(scene.asked["apply"] == 0);
  }
}

TEST_CASE("a proof that compares the driver's content with the file passes, and is asked once more") {
  Scene scene = with_proofs({digest, {.run = "sensorctl dump | cmp - ${content.path}"}});
  scene.answers("without-2", exits(2, "no such file"));
  scene.answers("file-alone-2", exits(1, "differ"));
  CHECK(scene.play().ending == Ending::passed);
  CHECK(scene.asked["file-alone-1"] == 0);
  CHECK(scene.asked["file-alone-2"] == 1);
}

TEST_CASE("no file is put there by itself where no proof names it, or where nothing applies it") {
  Scene plain, alone = with_proofs({{.run = "cmp /dev/sensor ${content.path}"}});
  alone.cell.guest.content->apply.clear();
  alone.answers("without-1", exits(1, "no such file"));
  for (Scene* scene : {&plain, &alone}) {
    CHECK(scene->play().ending == Ending::passed);
    CHECK(scene->asked["place"] == 0);
    CHECK(scene->asked["file-alone-1"] == 0);
  }
}

TEST_CASE("where the author says why there is no proof, nothing is asked before") {
  Scene scene = with_proofs({{.run = "true"}});
  scene.cell.guest.content->unproved = "the driver tells nobody";
  CHECK(scene.play().ending == Ending::passed);
  CHECK(scene.asked["without-1"] == 0);
}

TEST_CASE("content that may be refused is not asked about before") {
  Scene scene = with_proofs({{.run = "true"}});
  scene.cell.content_may_be_refused = true;
  scene.play();
  CHECK(scene.asked["without-1"] == 0);
}

TEST_CASE("a plan with content, without a proof and without a reason proves nothing") {
  Scene scene = with_proofs({});
  CHECK(scene.play().ending == Ending::lab_failed);
  CHECK_THAT(scene.state.outcome.reason, ContainsSubstring("no proof of its content"));
}

TEST_CASE("a journal of rules that did not ask is judged without") {
  Scene scene = with_proofs({{.run = "true"}}), none = with_proofs({});
  scene.opening.rules = none.opening.rules = 1;
  CHECK(scene.play().ending == Ending::passed);
  CHECK(scene.asked["without-1"] == 0);
  CHECK(none.play().ending == Ending::passed);
}
