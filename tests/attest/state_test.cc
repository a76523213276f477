// What a bundle's record becomes in a statement.

#include "labctl/attest/statement.h"
#include "labctl/base/digest.h"
#include "tests/attest/good_statement.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("the plan of a scenario has neither the day nor the waivers of a run, and all else") {
  plan::Plan plan{.scenario = "x", .cells = {plan::Cell{.id = "a"}}};
  const std::string digest = attest::scenario_plan_sha256(plan);
  auto later = plan;
  later.date = *parse_date("2026-12-31");
  later.notes = {"the waiver expired"};
  later.waivers = {{.as = scenario::As::waived, .title = "x"}};
  later.cells[0].accepted = later.waivers;
  CHECK(attest::scenario_plan_sha256(later) == digest);
  auto weaker = plan;
  weaker.cells[0].policy.warnings_fail = false;
  CHECK(attest::scenario_plan_sha256(weaker) != digest);
  auto part = plan;
  part.left_out = {"b"};
  CHECK(attest::scenario_plan_sha256(part) != digest);
}

TEST_CASE("an image that ran on two machines is named once, with the snapshots of both") {
  outcome::RunRecord run{.rules = 2,
                         .began = "2026-11-22T10:00:00Z",
                         .artifacts = {{"a.deb", sha256("a"), 1}},
                         .ended = "2026-11-22T10:20:00Z"};
  run.plan.cells = {plan::Cell{.id = "a", .image = "debian", .driver = "candidate", .driver_path = "a.deb"}};
  run.images = {
      {.name = "debian", .sha256 = sha256("disk"), .snapshot_sha256 = sha256("first")},
      {.name = "debian", .machine = "smp", .sha256 = sha256("disk"), .snapshot_sha256 = sha256("second")}};
  const verdict::Verdict verdict;
  auto statement = attest::state({run, verdict, sha256("run"), sha256("verdict")});
  REQUIRE(statement);
  CHECK(statement->rules == 2);
  REQUIRE(statement->find("image/debian"));
  CHECK(statement->find("image/debian")->sha256 == sha256("disk"));
  CHECK(statement->find("snapshot/debian")->sha256 == sha256("first"));
  CHECK(statement->find("snapshot/debian/smp")->sha256 == sha256("second"));
  run.images[1].sha256 = sha256("another disk");
  CHECK_FALSE(attest::state({run, verdict, sha256("run"), sha256("verdict")}));
}

TEST_CASE("an image that is required must have been used, with this golden disk") {
  const auto why = [](const std::map<std::string, std::string>& images, attest::Statement statement) {
    attest::Policy policy = test::soon;
    policy.images = images;
    return attest::objection(statement, policy).value_or("");
  };
  const auto statement = test::good_statement();
  const std::string disk = sha256("image/debian");
  CHECK(why({{"debian", disk}}, statement) == "");
  CHECK_THAT(why({{"debian", sha256("other")}}, statement),
             ContainsSubstring("the image 'debian' was another one: its sha256 was " + disk));
  CHECK_THAT(why({{"debian", disk}, {"ubuntu", disk}}, statement),
             ContainsSubstring("the run used no image 'ubuntu'"));
  auto twice = statement;
  twice.configuration.push_back(twice.configuration[2]);
  CHECK_THAT(why({{"debian", disk}}, twice), ContainsSubstring("the run used no image 'debian'"));
}

TEST_CASE("a statement of an older rule set is refused with what was not asked then") {
  auto statement = test::good_statement();
  statement.rules = 1;
  const auto why = attest::objection(statement, test::soon);
  REQUIRE(why);
  CHECK_THAT(*why, ContainsSubstring("made under rule set 1, and this is 2; not asked then: " +
                                     outcome::not_asked(1).front()));
  statement.rules = 3;
  CHECK_FALSE(attest::objection(statement, test::soon));
}

TEST_CASE("every file of a driver and of a content's folder is a subject, and another content's is not") {
  outcome::RunRecord run{.rules = 2,
                         .began = "2026-11-22T10:00:00Z",
                         .artifacts = {{"a.deb", sha256("a"), 1},
                                       {"channels", sha256("manifest"), 9},
                                       {"channels/x", sha256("x"), 1},
                                       {"channels/sub/y", sha256("y"), 1},
                                       {"channels.old/x", sha256("old"), 1},
                                       {"lib.deb", sha256("lib"), 1},
                                       {"linux.deb", sha256("linux"), 1}},
                         .ended = "2026-11-22T10:20:00Z"};
  plan::Cell cell{.id = "a", .image = "debian", .driver = "candidate", .content = "candidate"};
  cell.driver_path = "a.deb";
  cell.driver_with = {"lib.deb"};
  cell.content_path = "channels";
  cell.story = {{.kind = scenario::StepKind::update, .text = "linux.deb"}};
  run.plan.cells = {cell};
  run.images = {{.name = "debian", .sha256 = sha256("disk"), .snapshot_sha256 = sha256("first")}};
  const verdict::Verdict verdict;
  const auto statement = attest::state({run, verdict, sha256("run"), sha256("verdict")});
  REQUIRE(statement);
  std::vector<std::string> names;
  for (const auto& subject : statement->subjects) names.push_back(subject.name);
  CHECK(names == std::vector<std::string>{"a.deb", "lib.deb", "channels", "y", "x"});
  REQUIRE(statement->find("artefact/channels.old/x"));
  REQUIRE(statement->find("artefact/linux.deb"));  // the guest's system, not what is let out
  const auto given = [](std::vector<std::string> digests) {
    std::vector<attest::Resource> files;
    for (auto& digest : digests) files.push_back({"f", std::move(digest)});
    return files;
  };
  const std::vector<std::string> whole = {sha256("a"), sha256("lib"), sha256("manifest"), sha256("x"),
                                          sha256("y")};
  CHECK_FALSE(attest::objection(*statement, given(whole)));
  auto extra = whole;
  extra.push_back(sha256("z"));
  CHECK(attest::objection(*statement, given(extra)));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto part = whole;
    part.erase(part.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(attest::objection(*statement, given(part)));
  }
}

TEST_CASE("an archive is a subject besides its manifest and its files, under which nobody else's stand") {
  outcome::RunRecord run{.rules = 2,
                         .began = "2026-11-22T10:00:00Z",
                         .artifacts = {{"a.deb", sha256("a"), 1},
                                       {"out/x.tar.gz", sha256("manifest"), 9, sha256("archive")},
                                       {"out/x.tar.gz/y", sha256("y"), 1},
                                       {"out/x.tar.gz (y zero)", sha256("damaged"), 1, sha256("archive")},
                                       {"out/x.tar.gz (y zero)/y", sha256("zero"), 1}},
                         .ended = "2026-11-22T10:20:00Z"};
  plan::Cell cell{.id = "a", .image = "debian", .driver = "candidate", .content = "candidate"};
  cell.driver_path = "a.deb";
  cell.content_path = "out/x.tar.gz";
  run.plan.cells = {cell};
  const verdict::Verdict verdict;
  const auto statement = attest::state({run, verdict, sha256("run"), sha256("verdict")});
  REQUIRE(statement);
  std::vector<std::pair<std::string, std::string>> subjects;
  for (const auto& subject : statement->subjects) subjects.emplace_back(subject.name, subject.sha256);
  CHECK(subjects == std::vector<std::pair<std::string, std::string>>{{"a.deb", sha256("a")},
                                                                     {"x.tar.gz", sha256("archive")},
                                                                     {"x.tar.gz/", sha256("manifest")},
                                                                     {"y", sha256("y")}});
  CHECK_FALSE(attest::objection(*statement,
                                std::vector<attest::Resource>{{"a", sha256("a")}, {"x", sha256("archive")}}));
  run.artifacts[1].archive = "none";
  CHECK_FALSE(attest::state({run, verdict, sha256("run"), sha256("verdict")}));
}

TEST_CASE("an archive stands for its files and all of them for the archive, and for nothing else") {
  using attest::Resource;
  attest::Statement statement;
  const std::string manifest = sha256("manifest");
  statement.subjects = {{"driver.deb", sha256("driver")},
                        {"x.tar", sha256("archive"), {{Resource::manifest, manifest}}},
                        {"x.tar/", manifest, {{Resource::inside, manifest}}},
                        {"a", sha256("a"), {{Resource::inside, manifest}}},
                        {"b", sha256("b"), {{Resource::inside, manifest}}}};
  const auto why = [&](const std::vector<std::string>& files) {
    std::vector<Resource> given;
    for (const auto& file : files) given.push_back({file, sha256(file)});
    return attest::objection(statement, given).value_or("");
  };
  CHECK(why({"driver", "archive"}) == "");
  CHECK(why({"driver", "manifest", "a", "b"}) == "");
  CHECK(why({"driver", "archive", "a"}) == "");
  CHECK_THAT(why({"driver", "other archive"}), ContainsSubstring("'other archive' was not tested"));
  CHECK_THAT(why({"driver", "archive", "c"}), ContainsSubstring("'c' was not tested"));
  CHECK_THAT(why({"archive"}), ContainsSubstring("'driver.deb' was tested"));
  CHECK_THAT(why({"driver"}), ContainsSubstring("'x.tar' was tested"));
  CHECK_THAT(why({"driver", "a", "b"}), ContainsSubstring("'x.tar' was tested"));
  CHECK_THAT(why({"driver", "manifest", "a"}), ContainsSubstring("'b' was tested"));
  // Of another archive: nothing is let out for this one's sake.
  statement.subjects.push_back({"other", sha256("other"), {{Resource::inside, sha256("another manifest")}}});
  CHECK_THAT(
      attest::objection(statement, std::vector<Resource>{{"d", sha256("driver")}, {"x", sha256("archive")}})
          .value_or(""),
      ContainsSubstring("'other' was tested"));
}
