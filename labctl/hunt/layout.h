// What content's own bytes say of its structure, without knowing its format: fields that hold its size,
// lists of items with their lengths before them, and fields that count those. Guesses: whoever goes by them
// finds out what they are worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace labctl::hunt {

struct Number {
  std::size_t at = 0;
  int width = 4;  // bytes: 1, 2 or 4
  bool big = false;
  std::uint64_t read(std::string_view bytes) const;
  void write(std::string& bytes, std::uint64_t value) const;  // its lowest bytes
  bool fits(std::string_view bytes) const { return at + static_cast<std::size_t>(width) <= bytes.size(); }
  bool operator==(const Number&) const = default;
};

// A type of some bytes (perhaps none), a length, and as many bytes.
struct Item {
  std::size_t at = 0, size = 0;  // with its type and its length
  std::size_t payload = 0;       // bytes
  bool operator==(const Item&) const = default;
};

// Items one behind the other.
struct List {
  int type = 0;   // width of an item's type
  Number length;  // of an item, its place counted from the item's own beginning
  std::vector<Item> items;
  std::vector<Number> counts;  // before it, with the number of its items as their value
  std::vector<Number> values;  // items that are as long as a number
};

// A number that holds the size of the whole, or of what comes behind it.
struct Size {
  Number number;
  bool behind = false;
};

struct Layout {
  std::vector<Size> sizes;
  std::vector<List> lists;
  std::vector<Number> counts;  // of the lists, near the beginning
};

Layout layout_of(std::string_view bytes);

// The same bytes, grown or shrunk at `at`, with the sizes as they must be. Fields behind `at` have moved and
// are left alone.
void correct_sizes(std::string& bytes, const Layout& before, std::size_t at);

}  // namespace labctl::hunt
