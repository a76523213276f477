// The head of `labctl fuzz`: variants of content, what differs between two, what is worth keeping.

#include <cstdio>
#include <set>

#include "labctl/hunt/corpus.h"
#include "labctl/hunt/edits.h"
#include "labctl/hunt/layout.h"
#include "labctl/hunt/variant.h"
#include "tests/catch.h"

using namespace labctl;
using hunt::Chance;

namespace {

std::string number(std::uint64_t value, int width) {
  std::string bytes(static_cast<std::size_t>(width), '\0');
  hunt::Number{0, width, false}.write(bytes, value);
  return bytes;
}

std::string item(const std::string& text) {
  return number(text.empty() ? 0 : 1, 2) + number(text.size(), 2) + text;
}

// As the sample's content is: a header with its size, then records of typed fields, most of them empty.
std::string content() {
  const auto record = [](std::vector<std::string> fields, std::size_t count) {
    std::string bytes = number(4711, 4) + number(4, 2) + number(count, 2) + std::string(16, '\0');
    fields.resize(count);
    for (const auto& field : fields) bytes += item(field);
    return bytes;
  };
  const auto text = [](const char* word) { return std::string(word) + '\0'; };
  std::string bytes = "MAGIC" + number(2, 4) + number(0, 4) + record({text("create"), text("/dev/null")}, 7) +
                      record({text("start"), "", text("/sbin/init")}, 21);
  hunt::Number{9, 4, false}.write(bytes, bytes.size());
  return bytes;
}

}  // namespace

TEST_CASE("a difference gives what it is of, and any part of it something between") {
  const std::string from = "one two three four five";
  for (const std::string to :
       {"one two three four five", "", "one 2 three four 5", "zero one two three four five",
        "one two four five", "five four three two one", "one two three four five six seven"}) {
    CAPTURE(to);
    const auto edits = hunt::difference(from, to);
    CHECK(hunt::edited(from, edits) == to);
    CHECK(hunt::edited(from, {}) == from);
  }
  const auto edits = hunt::difference("aXbYc", "a1bcd");
  CHECK(edits == std::vector<hunt::Edit>{{1, 1, "1"}, {3, 2, "cd"}});
  CHECK(hunt::edited("aXbYc", {edits[1]}) == "aXbcd");
}

TEST_CASE("a difference of many places is told in as many edits as are wanted") {
  Chance chance(1);
  for (int round = 0; round < 50; ++round) {
    std::string from(300, 'a'), to;
    for (auto& byte : from) byte = static_cast<char>('a' + chance.below(4));
    to = from;
    for (int i = 0; i < 40; ++i) to[chance.below(to.size())] = 'x';
    if (chance.one_in(2)) to.insert(chance.below(to.size()), "inserted");
    const auto edits = hunt::difference(from, to, 8);
    CHECK(edits.size() <= 8);
    CHECK(hunt::edited(from, edits) == to);
  }
}

TEST_CASE("a content's size, its lists and what counts them are found in its bytes") {
  const auto bytes = content();
  const auto layout = hunt::layout_of(bytes);
  REQUIRE(layout.sizes.size() == 1);
  CHECK(layout.sizes[0].number == hunt::Number{9, 4, false});
  REQUIRE(layout.lists.size() == 2);
  CHECK(layout.lists[0].items.size() == 7);
  CHECK(layout.lists[1].items.size() == 21);
  REQUIRE_FALSE(layout.lists[1].counts.empty());
  CHECK(layout.lists[1].counts[0].read(bytes) == 21);
  REQUIRE_FALSE(layout.counts.empty());
  CHECK(layout.counts[0].at == 5);
}

TEST_CASE("an index that stands in an item of its own is set to the number behind the last one") {
  const std::string head("ZPRS\x03\0", 6);
  const std::string good = head +
                           "\x01\x05"
                           "alpha" +
                           "\x01\x04"
                           "beta" +
                           std::string("\x02\x01\x01", 3);
  const auto layout = hunt::layout_of(good);
  REQUIRE(layout.lists.size() == 1);
  CHECK(layout.lists[0].items.size() == 3);
  CHECK(layout.lists[0].values == std::vector<hunt::Number>{{good.size() - 1, 1, false}});
  CHECK(layout.lists[0].counts.front().at == 4);
  auto behind = good;
  behind.back() = '\x02';
  bool tried = false;
  for (const auto& variant : hunt::first_variants(good, 1000)) tried |= variant.bytes == behind;
  CHECK(tried);
}

TEST_CASE("bytes without a structure have none, and any bytes can be looked at") {
  CHECK(hunt::layout_of("").lists.empty());
  CHECK(hunt::layout_of(std::string(100, '\xff')).lists.empty());
  Chance chance(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(chance.below(200), '\0');
    for (auto& byte : bytes) byte = static_cast<char>(chance.below(chance.one_in(2) ? 4 : 256));
    for (const auto& list : hunt::layout_of(bytes).lists)
      for (const auto& one : list.items) CHECK(one.at + one.size <= bytes.size());
  }
}

TEST_CASE(
    "the first variants put something into the last field of each record, with the size as it must be") {
  const auto good = content();
  const auto variants = hunt::first_variants(good, 1u << 20);
  std::set<std::string> all;
  bool last_field = false;
  for (const auto& variant : variants) {
    CHECK(variant.bytes != good);
    CHECK(all.insert(variant.bytes).second);
    CHECK_FALSE(variant.how.empty());
    const auto layout = hunt::layout_of(variant.bytes);
    if (!variant.how.starts_with("lists")) continue;
    CHECK((hunt::Number{9, 4, false}.read(variant.bytes)) == variant.bytes.size());
    for (const auto& list : layout.lists) last_field |= list.items.size() == 21 && list.items[20].payload > 0;
  }
  CHECK(last_field);
  CHECK(hunt::first_variants("", 100).empty());
}

TEST_CASE("each maker makes variants, the same ones of the same seed, and never the parent or too much") {
  const auto good = content();
  const hunt::Stock stock{
      .parent = good, .others = {"another content, longer than nothing"}, .most_bytes = 2000};
  for (const auto maker : hunt::every_maker) {
    CAPTURE(hunt::to_string(maker));
    int made = 0;
    for (std::uint64_t i = 0; i < 300; ++i) {
      Chance one(42, i), again(42, i);
      const auto variant = hunt::make_variant(maker, stock, one);
      CHECK(variant.bytes == hunt::make_variant(maker, stock, again).bytes);
      if (variant.how.empty()) continue;
      ++made;
      CHECK(variant.bytes != good);
      CHECK(variant.bytes.size() <= stock.most_bytes);
      CHECK(variant.how.starts_with(hunt::to_string(maker)));
    }
    CHECK(made > 100);
    for (const std::string tiny : {"", "x"})
      for (std::uint64_t i = 0; i < 50; ++i) {
        Chance chance(1, i);
        const auto variant =
            hunt::make_variant(maker, {.parent = tiny, .others = {}, .most_bytes = 10}, chance);
        CHECK((variant.how.empty() || variant.bytes != tiny));
      }
  }
}

TEST_CASE("a variant with another number says what stands there now, and what did") {
  std::string good(40, '\0');
  for (std::size_t i = 0; i < good.size(); ++i) good[i] = static_cast<char>(i * 7);
  int seen = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Chance chance(7, i);
    const auto variant =
        hunt::make_variant(hunt::Maker::numbers, {.parent = good, .others = {}, .most_bytes = 100}, chance);
    std::size_t at = 0;
    unsigned long long now = 0, before = 0;
    if (std::sscanf(variant.how.c_str(), "numbers: the number at %zu is %llu instead of %llu", &at, &now,
                    &before) != 3)
      continue;
    ++seen;
    bool one = false;  // the width and the order of its bytes are not said
    for (const int width : {1, 2, 4})
      for (const bool big : {false, true}) {
        const hunt::Number number{at, width, big};
        one |= number.fits(good) && number.read(variant.bytes) == now && number.read(good) == before;
      }
    CAPTURE(variant.how);
    CHECK(one);
  }
  CHECK(seen > 100);
}

TEST_CASE("answers that differ in numbers and in the content's own words are one") {
  const auto of = [](int code, const std::string& output, const std::string& bytes = "") {
    return hunt::fingerprint({{code, output}}, bytes);
  };
  CHECK(of(0, "replayed: 1300\nhits: 1101 x 7\n") == of(0, "replayed: 900\nhits: 4 x 9\n"));
  CHECK(of(0, "sha 0f3e99aa12\n") == of(0, "sha 77aa\n"));
  CHECK(of(0, "at 0xffff8881\n") == of(0, "at 0xffff0000\n"));
  CHECK(of(0, "name template-one\n", "..template-one..") == of(0, "name template-two\n", "template-two"));
  CHECK(of(0, "event 1: bad\nevent 2: bad\n") == of(0, "event 7: bad\n"));
  CHECK(of(0, "good") != of(1, "good"));
  CHECK(of(0, "good") != of(0, "bad"));
  CHECK(hunt::fingerprint({{0, "a"}, {1, "b"}}, "") != hunt::fingerprint({{1, "b"}, {0, "a"}}, ""));
}

TEST_CASE("a corpus keeps one content of each answer, and each title once") {
  hunt::Corpus corpus;
  corpus.add_given({.bytes = "good", .answer = "a", .how = {}});
  CHECK(corpus.add({.bytes = "other", .answer = "b", .how = "bits"}, 0));
  CHECK_FALSE(corpus.add({.bytes = "third", .answer = "b", .how = "bits"}, 0));
  CHECK_FALSE(corpus.add({.bytes = "fourth", .answer = "a", .how = "bits"}, 0));
  CHECK(corpus.entries().size() == 2);
  CHECK(corpus.entries()[0].news == 1);
  CHECK(corpus.add_title("BUG"));
  CHECK_FALSE(corpus.add_title("BUG"));
}

TEST_CASE("what led to something new has its turn more often, and everything has one") {
  hunt::Corpus corpus;
  for (const char* name : {"a", "b", "c"}) corpus.add_given({.bytes = name, .answer = name, .how = {}});
  for (int i = 0; i < 100; ++i) {
    corpus.credit({0, hunt::Maker::bits}, false);
    corpus.credit({1, hunt::Maker::lists}, i % 4 == 0);
    corpus.credit({2, hunt::Maker::splice}, false);
  }
  for (int i = 0; i < 25; ++i) corpus.add({.bytes = "x", .answer = "n" + std::to_string(i), .how = "x"}, 1);
  std::map<std::size_t, int> parents;
  std::map<hunt::Maker, int> makers;
  Chance chance(3);
  for (int i = 0; i < 20000; ++i) {
    const auto choice = corpus.choose(chance);
    ++parents[choice.parent];
    ++makers[choice.maker];
  }
  CHECK(parents[1] > 5 * parents[0]);
  CHECK(parents[0] > 0);
  CHECK(makers[hunt::Maker::lists] > makers[hunt::Maker::bits]);
  for (const auto maker : hunt::every_maker) CHECK(makers[maker] > 0);
}
