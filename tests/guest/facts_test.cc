// What a Linux guest's answers mean.

#include "labctl/guest/guest.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::guest;

TEST_CASE("the taints of a sick kernel") {
  const struct {
    std::uint64_t before, now;
    const char* letters;
  } rows[] = {
      {0, 0, ""},
      {0, 1u << 0, ""},              // P proprietary
      {0, 1u << 12, ""},             // O out of tree
      {0, 1u << 13, ""},             // E unsigned
      {0, 1u << 10 | 1u << 11, ""},  // C staging, I firmware workaround
      {0, 1u << 6 | 1u << 8, ""},    // U by user, A ACPI override
      {0, 1u << 15 | 1u << 16, ""},  // K live patched, X for the distribution
      {0, 1u << 1, "F"},
      {0, 1u << 3, "R"},
      {0, 1u << 4, "M"},
      {0, 1u << 5, "B"},
      {0, 1u << 7, "D"},
      {0, 1u << 9, "W"},
      {0, 1u << 14, "L"},
      {0, 0x3000 | 1u << 7 | 1u << 9, "DW"},
      {1u << 9, 1u << 9, ""},  // it had been so before
      {1u << 9, 1u << 9 | 1u << 7, "D"},
      {1u << 7, 0, ""},
      {0, ~0ull, "FRMBDWL"},
      {~0ull, ~0ull, ""},
  };
  for (const auto& [before, now, letters] : rows) {
    INFO(before << " " << now);
    CHECK(fault_taints(before, now) == letters);
  }
}

TEST_CASE("facts are read from whatever a guest says") {
  CHECK(read_facts("").empty());
  CHECK(read_facts("\n\n=\n=x\nno fact\n").empty());
  CHECK(read_facts("a=1\na=1\n") == Facts{{"a", "1"}});
  CHECK(read_facts("a=1\na=2\na=1\n") == Facts{{"a", "contradictory"}});
  CHECK(read_facts("a= 1 \r\nb=\n") == Facts{{"a", "1"}, {"b", ""}});
  CHECK(read_facts("a=b=c") == Facts{{"a", "b=c"}});
  CHECK(read_facts(std::string("a\0b=1\0\n", 7)) == Facts{{std::string("a\0b", 3), std::string("1\0", 2)}});
  CHECK(read_facts(std::string(65, 'k') + "=1").empty());
  CHECK(read_facts(std::string(64, 'k') + "=1").size() == 1);

  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "k" + std::to_string(i) + "=v\n";
  CHECK(read_facts(many).size() == 64);
  CHECK(read_facts("taint=" + std::string(1 << 20, '9')).at("taint").size() == 1 << 20);
}
