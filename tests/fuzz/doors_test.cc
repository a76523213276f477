// Every door with its seeds, whole and broken: libFuzzer without libFuzzer, in seconds and the same each
// time.
#include "tests/fuzz/doors.h"

#include <chrono>
#include <random>

#include "tests/catch.h"

using namespace labctl::fuzz;

namespace {

std::string repeat(const std::string& piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

void knock(const Door& door, const std::string& bytes) {
  const auto began = std::chrono::steady_clock::now();
  const std::string wrong = door.broken(bytes);
  if (!wrong.empty()) FAIL_CHECK(door.name << ": " << wrong << ", by: " << bytes.substr(0, 300));
  // Generous, because sanitizers are slow: what this catches is square and exponential time.
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(60));
}

std::string mutated(std::string text, const std::vector<std::string>& seeds, std::mt19937& random) {
  static const std::string signs = "{}[],:-?&*!|>'\"%@`#~ \n\t$\\abc019=\x1b\xff";
  for (auto left = random() % 4 + 1; left > 0 && !text.empty(); --left) {
    const std::size_t place = random() % text.size();
    const std::size_t length = std::min<std::size_t>(random() % 20, text.size() - place);
    const std::string& other = seeds[random() % seeds.size()];
    switch (random() % 5) {
      case 0:
        text[place] = static_cast<char>(random());
        break;
      case 1:
        text[place] = signs[random() % signs.size()];
        break;
      case 2:
        text.erase(place, length);
        break;
      case 3:
        text.insert(place, other.substr(random() % (other.size() + 1), length));
        break;
      default:
        text.insert(place, 1, signs[random() % signs.size()]);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("every door keeps its promises, whatever comes") {
  for (const Door& door : doors()) {
    DYNAMIC_SECTION(door.name) {
      const auto seeds = door.seeds();
      REQUIRE_FALSE(seeds.empty());
      std::mt19937 random(20251122);
      for (const auto& seed : seeds) {
        knock(door, seed);
        for (int i = 0; i < 100; ++i) knock(door, mutated(seed, seeds, random));
        for (int i = 0; i < 20; ++i) knock(door, seed.substr(0, random() % (seed.size() + 1)));
      }
      for (int i = 0; i < 200; ++i) {
        std::string noise(random() % 300, ' ');
        for (char& c : noise) c = static_cast<char>(random());
        knock(door, noise);
      }
      knock(door, "");
    }
  }
}

TEST_CASE("no door is opened by depth, by aliases that multiply or by length") {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  const std::vector<std::string> bombs{
      bomb,
      "a: &a [*a]\n",
      "<<: &a {<<: *a}\n",
      repeat("[", 10'000),
      repeat("[", 10'000) + repeat("]", 10'000),
      repeat("{a: ", 10'000) + "b" + repeat("}", 10'000),
      repeat("{\"a\":", 10'000) + "1" + repeat("}", 10'000),
      repeat("- ", 10'000),
      repeat("? ", 10'000),
      "{\"return\": " + repeat("[", 1'000'000) + repeat("]", 1'000'000) + "}",
      repeat("x", 3u << 20),
      repeat("a: b\n", 500'000),
      "[" + repeat("0,", 500'000) + "0]",
      std::string(1u << 20, '\0')};
  for (const Door& door : doors()) {
    DYNAMIC_SECTION(door.name) {
      for (const auto& bytes : bombs) knock(door, bytes);
    }
  }
}
