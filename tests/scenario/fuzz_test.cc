// Hostile and broken texts: whatever the bytes, load() ends soon, with a scenario or with mistakes that have
// a place, and the sanitizers see nothing. LABCTL_FUZZ_ROUNDS in the environment makes it longer.

#include <ctime>
#include <random>

#include "tests/scenario/table.h"
#include "tests/source_tree.h"

using namespace labctl;
using scenario::load;
using scenario::Loaded;

namespace {

int rounds() {
  const char* wanted = std::getenv("LABCTL_FUZZ_ROUNDS");
  return wanted ? std::atoi(wanted) : 1500;
}

const std::string quickstart = table::slurp(source_tree::root() / "scenarios" / "quickstart.yaml");
const std::string everything = table::slurp(source_tree::tests() / "scenario" / "good" / "everything.yaml");

void check(const std::string& text) {
  const std::clock_t begin = std::clock();
  const Loaded loaded = load(text, "f.yaml", {{"driver", "a.deb"}, {"content", "b"}, {"vcpus", "2"}});
  // Of the processor's time and generous, because sanitizers are slow: what this catches is square and
  // exponential time.
  CHECK((std::clock() - begin) / CLOCKS_PER_SEC < 120);
  CHECK(loaded.scenario.has_value() == loaded.mistakes.empty());
  CHECK(loaded.mistakes.size() <= 101);
  for (const Error& mistake : loaded.mistakes) {
    if (mistake.what.empty() || mistake.where.rfind("f.yaml", 0) != 0 || mistake.text().size() > 2000) {
      FAIL_CHECK(mistake.text());
    }
    for (const unsigned char c : mistake.text()) {
      if (c < 0x20 && c != '\n') FAIL_CHECK("control byte in " << mistake.text());
    }
  }
}

std::string repeat(const std::string& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

}  // namespace

TEST_CASE("deep nesting is refused before anything recurses") {
  for (const std::string opening :
       {"[", "{", "{a: ", "[{", "{[", "- ", "? ", "a: [", "!!x [", "&a [", "'", "\"", "- - ", "[?"}) {
    check(repeat(opening, 10'000));
    check("labctl: 1\nname: " + repeat(opening, 10'000));
  }
  check(repeat("[", 10'000) + repeat("]", 10'000));
  check(repeat("{a: ", 10'000) + "b" + repeat("}", 10'000));
  std::string block;
  for (std::size_t i = 0; i < 1000; ++i) block += std::string(i, ' ') + "a:\n";
  check(block);
}

TEST_CASE("aliases cannot multiply") {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  check(bomb);
  check("a: &a [*a]\n");
  check("a: &a {<<: *a}\n");
  check(repeat("&a ", 10'000));
}

TEST_CASE("long lines and large files end soon") {
  const std::size_t mebibyte = 1u << 20;
  for (const std::string piece :
       {"a",   " ",    "\t",  "#",        "\n",  "\r",    "a: ",   "- a\n",   "a: b\n",
        "[],", "'",    "''",  "\"\\n",    "%",   "---\n", "...\n", "? ",      ": ",
        "${",  "${a}", "$${", "\xc3\xa4", "|\n", ">\n",   "-",     "*a ",     "!",
        "!a ", "@",    "`",   ",",        "]",   "}",     "a: [",  "a: {b: ", "\xEF\xBB\xBF"}) {
    check(repeat(piece, mebibyte / piece.size()));
    check("labctl: 1\nname: " + repeat(piece, (mebibyte - 20) / piece.size()));
    check("labctl: 1\nstory: [" + repeat(piece, (mebibyte - 30) / piece.size()) + "]\n");
  }
  check(repeat("x", mebibyte + 1));
  check("labctl: 1\n" + repeat("unknown: 1\n", 90'000));
  std::string keys = "labctl: 1\n", steps = "story:\n", images = "labctl: 1\nname: x\nmatrix:\n  image: [";
  for (int i = 0; i < 60'000; ++i) {
    keys += "k" + std::to_string(i) + ": 1\n";
    steps += "- reboot x1000\n";
    images += "i" + std::to_string(i) + ", ";
  }
  check(keys);
  check(steps);
  check(images + "z]\n");
}

TEST_CASE("random bytes are no scenario") {
  std::mt19937 random(20240719);
  const std::string yaml = "{}[],:-?&*!|>'\"%@`#~ \n\t$abc01";
  for (int i = 0; i < rounds(); ++i) {
    std::string bytes(random() % 200, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    check(bytes);
    for (char& c : bytes) c = yaml[random() % yaml.size()];
    check(bytes);
    check("labctl: 1\n" + bytes);
  }
}

TEST_CASE("mutations of sound scenarios") {
  std::mt19937 random(291);
  const std::string yaml = "{}[],:-?&*!|>'\"%@`#~ \n\t$abc01";
  for (int i = 0; i < rounds(); ++i) {
    std::string text = i % 2 ? quickstart : everything;
    for (auto left = random() % 4 + 1; left > 0; --left) {
      const std::size_t place = random() % text.size();
      const std::size_t length = std::min<std::size_t>(random() % 12, text.size() - place);
      switch (random() % 5) {
        case 0:
          text[place] = static_cast<char>(random());
          break;
        case 1:
          text[place] = yaml[random() % yaml.size()];
          break;
        case 2:
          text.erase(place, length);
          break;
        case 3:
          text.insert(place, text.substr(random() % text.size(), length));
          break;
        default:
          text.insert(place, 1, yaml[random() % yaml.size()]);
      }
      if (text.empty()) text = " ";
    }
    check(text);
  }
}

TEST_CASE("every beginning of a sound scenario") {
  for (std::size_t length = 0; length < everything.size(); length += 3) check(everything.substr(0, length));
}
