// What a bisect tells: nothing is called surer than it is.

#include "labctl/cli/bisect_story.h"

#include "labctl/base/json.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::cli;
using gate::BisectFindings;

namespace {

BisectFindings sample() {
  BisectFindings f{.bundle = "b", .cell = "debian.candidate", .title = "oops in sensor_equal"};
  f.candidate = {3, 3};
  f.old_driver = "old.deb";
  f.old_content = "290.bin";
  f.square = search::Square{.corners = {{{}, {3, 3}}, {{true, false}, {1, 1}}, {{false, true}, {0, 4}}},
                            .blame = search::Blame::content,
                            .sure = 0.9549};
  f.content = "291.bin";
  f.records = {"1101 a", "1204 \x1b[31mb"};
  f.inside = search::Answer{.causes = {{.records = {1}, .alone = {4, 4}, .sure = 0.961}},
                            .rest = {0, 4},
                            .probes = {{{1}, {4, 4}}, {{0}, {0, 4}}}};
  f.runs = 17;
  return f;
}

}  // namespace

TEST_CASE("the story begins with the cause, and gives the runs behind every sentence") {
  auto f = sample();
  f.frames = {"sensor_equal+0x39/0x60 [sensor]: sensor_equal at sensor.c:255"};
  const auto story = bisect_story(f);
  CHECK(story.starts_with("CAUSE: the record '1204 \\x1b[31mb' of 291.bin\n"));
  CHECK_THAT(story, ContainsSubstring("the driver replaced by old.deb: crashed in 1 of 1 run\n"));
  CHECK_THAT(story, ContainsSubstring("the content replaced by 290.bin: crashed in 0 of 4 runs\n"));
  CHECK_THAT(story, ContainsSubstring("sure to 95.4%"));
  CHECK_THAT(story, ContainsSubstring("alone crashed in 4 of 4 runs; without it crashed in 0 of 4 runs"));
  CHECK_THAT(story, ContainsSubstring("sensor.c:255"));
  CHECK(f.sure());
}

TEST_CASE("of content that is several files the file is named first, then the record in it") {
  auto f = sample();
  f.set = "channels";
  f.files = {"a.bin", "b\x1b.bin", "c.bin"};
  f.ways = {"changed", "changed", "added"};
  f.among = search::Answer{.causes = {{.records = {1}, .alone = {4, 4}, .sure = 0.97}},
                           .rest = {0, 4},
                           .probes = {{{1}, {4, 4}}, {{0, 2}, {0, 4}}}};
  f.content = "channels/b.bin";
  auto story = bisect_story(f);
  CHECK(story.starts_with(
      "CAUSE: the file 'b\\x1b.bin' of channels, and in it the record '1204 \\x1b[31mb'\n"));
  CHECK_THAT(story, ContainsSubstring("Among the files, of 3 that differ, with 2 probes:\n"));
  CHECK_THAT(story, ContainsSubstring("Inside the file, of 2 records"));
  CHECK(f.sure());
  auto json = bisect_json(f);
  CHECK(json["set"]["causes"][0]["files"][0] == "b\x1b.bin");
  CHECK(json["set"]["folder"] == "channels");
  CHECK(json["content"]["causes"][0]["records"][0] == "1204 \x1b[31mb");

  f.inside->causes[0].sure = 0.6;
  CHECK_FALSE(f.sure());
  f.inside.reset();
  CHECK(f.sure());
  f.among->causes[0].records = {2};
  CHECK(bisect_story(f).starts_with("CAUSE: the added file 'c.bin' of channels\n"));
  f.among->causes[0].records = {0, 2};
  CHECK(bisect_story(f).starts_with("CAUSE: the files 'a.bin', 'c.bin' of channels\n"));
  f.among->more = true;
  CHECK_FALSE(f.sure());
  CHECK_THAT(bisect_story(f), ContainsSubstring("There is more to it"));
}

TEST_CASE("what is not as sure as wished, is not the only one, or could be smaller, is no success") {
  auto f = sample();
  f.level = 0.99;
  CHECK_FALSE(f.sure());
  f = sample();
  f.inside->more = true;
  CHECK_FALSE(f.sure());
  f = sample();
  f.inside->causes[0].whole = false;
  CHECK_FALSE(f.sure());
  f = sample();
  f.inside.reset();
  CHECK(f.sure());  // the content, as surely as was wished
  f.square->sure = 0.6;
  CHECK_FALSE(f.sure());
  f = BisectFindings{.candidate = {0, 40}};
  CHECK_FALSE(f.sure());
  CHECK(bisect_story(f).starts_with("NOT SEEN AGAIN: crashed in 0 of 40 runs"));
}

TEST_CASE("a program reads the same") {
  const auto json = bisect_json(sample());
  CHECK(json["sure"] == true);
  CHECK(json["versions"]["blame"] == "content");
  CHECK(json["content"]["causes"][0]["records"][0] == "1204 \x1b[31mb");
  CHECK(json["content"]["without"]["runs"] == 4);
}
