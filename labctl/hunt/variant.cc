#include "labctl/hunt/variant.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "labctl/hunt/layout.h"
#include "labctl/plan/damage.h"
#include "labctl/scenario/scenario.h"

namespace labctl::hunt {
namespace {

using scenario::Damage;

constexpr Damage damages[] = {Damage::truncated, Damage::empty, Damage::zero, Damage::flipped,
                              Damage::oversized};

constexpr std::size_t most_first_numbers = 256;

std::string_view bytes_of(std::string_view content, const Item& item) {
  return content.substr(item.at, item.size);
}

// One part for another, with the sizes of the whole as they must be.
std::string exchanged(std::string_view content, const Layout& layout, std::size_t at, std::size_t size,
                      std::string_view by) {
  std::string bytes(content.substr(0, at));
  bytes += by;
  bytes += content.substr(at + size);
  if (by.size() != size) correct_sizes(bytes, layout, at);
  return bytes;
}

// ---- bits, bytes and numbers ----

Variant turn_bits(const Stock& stock, Chance& chance) {
  std::string bytes(stock.parent);
  const auto count = std::size_t{1} << chance.below(4);
  for (std::size_t i = 0; i < count; ++i)
    bytes[chance.below(bytes.size())] ^= static_cast<char>(1 << chance.below(8));
  return {std::move(bytes), fmt::format("{} bits turned over", count)};
}

char interesting_byte(char now, Chance& chance) {
  constexpr unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff, '\n', '/', '%'};
  switch (chance.below(4)) {
    case 0:
      return static_cast<char>(values[chance.below(std::size(values))]);
    case 1:
      return static_cast<char>(now + 1);
    case 2:
      return static_cast<char>(now - 1);
    default:
      return static_cast<char>(chance.next() & 0xff);
  }
}

Variant change_bytes(const Stock& stock, Chance& chance) {
  std::string bytes(stock.parent);
  const auto count = std::size_t{1} << chance.below(4);
  for (std::size_t i = 0; i < count; ++i) {
    auto& byte = bytes[chance.below(bytes.size())];
    byte = interesting_byte(byte, chance);
  }
  return {std::move(bytes), fmt::format("{} bytes with another value", count)};
}

std::uint64_t interesting_number(const Number& number, std::string_view content, Chance& chance) {
  const std::uint64_t now = number.read(content), top = ~std::uint64_t{0} >> (64 - 8 * number.width);
  switch (chance.below(8)) {
    case 0:
      return now + 1;
    case 1:
      return now - 1;
    case 2:
      return chance.one_in(2) ? 0 : top;
    case 3:
      return chance.one_in(2) ? top / 2 : top / 2 + 1;
    case 4:
      return now * 2;
    case 5:
      return std::uint64_t{1} << chance.below(8 * static_cast<std::size_t>(number.width));
    case 6:  // what stands elsewhere
      return Number{chance.below(content.size()), number.width, number.big}.read(content);
    default:
      return chance.below(64);
  }
}

Variant change_number(const Stock& stock, Chance& chance) {
  const Number number{chance.below(stock.parent.size()), 1 << chance.below(3), chance.one_in(4)};
  if (!number.fits(stock.parent)) return {};
  std::string bytes(stock.parent);
  const auto value = interesting_number(number, stock.parent, chance);
  number.write(bytes, value);
  std::string made = fmt::format("the number at {} is {} instead of {}", number.at, number.read(bytes),
                                 number.read(stock.parent));
  return {std::move(bytes), std::move(made)};
}

// ---- blocks and splices ----

struct Block {
  std::size_t at, size;
};

// Small ones more often than large ones.
Block any_block(std::string_view content, Chance& chance) {
  const std::size_t at = chance.below(content.size());
  const std::size_t most = std::min<std::size_t>(content.size() - at, std::size_t{1} << chance.below(13));
  return {at, 1 + chance.below(most)};
}

Variant change_block(const Stock& stock, Chance& chance) {
  const auto layout = layout_of(stock.parent);
  const auto block = any_block(stock.parent, chance);
  const auto part = stock.parent.substr(block.at, block.size);
  const auto put = [&](std::string_view by, const char* what) {
    return Variant{exchanged(stock.parent, layout, block.at, block.size, by),
                   fmt::format("{} bytes at {} {}", block.size, block.at, what)};
  };
  switch (chance.below(4)) {
    case 0:
      return put({}, "left out");
    case 1:
      return put(std::string(part) + std::string(part), "doubled");
    case 2:
      return put(std::string(block.size, static_cast<char>(chance.one_in(2) ? 0 : 0xff)), "filled");
    default:
      break;
  }
  const std::size_t other = chance.below(stock.parent.size() - block.size + 1);
  std::string bytes(stock.parent);
  const std::string moved = bytes.substr(other, block.size);
  if (other + block.size > block.at && block.at + block.size > other) return {};  // they overlap
  bytes.replace(other, block.size, part);
  bytes.replace(block.at, block.size, moved);
  return {std::move(bytes), fmt::format("{} bytes at {} and {} exchanged", block.size, block.at, other)};
}

Variant splice(const Stock& stock, Chance& chance) {
  const auto layout = layout_of(stock.parent);
  const auto from = stock.others.empty() ? stock.parent : stock.others[chance.below(stock.others.size())];
  if (from.empty()) return {};
  const auto source = any_block(from, chance);
  // At its own place as often as anywhere: formats have fields at the same places.
  const std::size_t at =
      chance.one_in(2) ? std::min(source.at, stock.parent.size()) : chance.below(stock.parent.size() + 1);
  const std::size_t size = chance.one_in(2) ? std::min(source.size, stock.parent.size() - at) : 0;
  return {exchanged(stock.parent, layout, at, size, from.substr(source.at, source.size)),
          fmt::format("{} bytes of another place or content at {}", source.size, at)};
}

// ---- sizes, counts and lists ----

std::vector<Number> numbers_of(const Layout& layout) {
  std::vector<Number> numbers = layout.counts;
  for (const auto& size : layout.sizes) numbers.push_back(size.number);
  for (const auto& list : layout.lists) {
    numbers.insert(numbers.end(), list.counts.begin(), list.counts.end());
    numbers.insert(numbers.end(), list.values.begin(), list.values.end());
    for (const auto& item : list.items) {
      Number length = list.length;
      length.at += item.at;
      numbers.push_back(length);
    }
  }
  return numbers;
}

Variant set_number(std::string_view content, const Number& number, std::uint64_t value) {
  std::string bytes(content);
  number.write(bytes, value);
  const auto now = number.read(bytes);  // what of it the field can hold
  return {std::move(bytes), fmt::format("the size, count or index at {} is {} instead of {}", number.at, now,
                                        number.read(content))};
}

Variant change_count(const Stock& stock, Chance& chance) {
  const auto numbers = numbers_of(layout_of(stock.parent));
  if (numbers.empty()) return {};
  const auto& number = numbers[chance.below(numbers.size())];
  return set_number(stock.parent, number, interesting_number(number, stock.parent, chance));
}

struct Place {
  std::size_t list, item;
};

// The last one and those beside it as often as all others together: what goes wrong at an end goes wrong
// there.
Place any_item(const std::vector<List>& lists, Chance& chance) {
  const std::size_t list = chance.below(lists.size()), count = lists[list].items.size();
  if (chance.one_in(2)) return {list, count - 1 - std::min(count - 1, chance.below(3))};
  return {list, chance.below(count)};
}

Variant replace_item(std::string_view content, const Layout& layout, Place place, std::string_view by,
                     const std::string& what) {
  const auto& item = layout.lists[place.list].items[place.item];
  return {exchanged(content, layout, item.at, item.size, by),
          fmt::format("item {} of list {} {}", place.item + 1, place.list + 1, what)};
}

// The fields that count a list's items, in a content that has grown or shrunk behind them.
void recount(std::string& bytes, const List& list, std::size_t items) {
  for (const auto& count : list.counts) count.write(bytes, items);
}

// One more item behind the last one, counted.
Variant add_item(std::string_view content, const Layout& layout, std::size_t list, std::string_view item) {
  const auto& items = layout.lists[list].items;
  auto bytes = exchanged(content, layout, items.back().at + items.back().size, 0, item);
  recount(bytes, layout.lists[list], items.size() + 1);
  return {std::move(bytes), fmt::format("list {} has {} items, one more", list + 1, items.size() + 1)};
}

Variant remove_item(std::string_view content, const Layout& layout, Place place) {
  const auto& list = layout.lists[place.list];
  auto variant = replace_item(content, layout, place, {}, "is left out");
  recount(variant.bytes, list, list.items.size() - 1);
  return variant;
}

Variant change_list(const Stock& stock, Chance& chance) {
  const auto layout = layout_of(stock.parent);
  if (layout.lists.empty()) return {};
  const auto place = any_item(layout.lists, chance);
  auto source = any_item(layout.lists, chance);
  // What stands in the same list is of its kind, as a rule.
  if (chance.one_in(2)) source = {place.list, chance.below(layout.lists[place.list].items.size())};
  const auto& item = layout.lists[place.list].items[place.item];
  const auto other = bytes_of(stock.parent, layout.lists[source.list].items[source.item]);
  switch (chance.below(5)) {
    case 0:
      return add_item(stock.parent, layout, place.list, other);
    case 1:
      return remove_item(stock.parent, layout, place);
    case 2: {  // as long as its length can say, or a little longer
      const std::string text(std::size_t{1} << chance.below(10), 'A');
      std::string bytes(bytes_of(stock.parent, item));
      bytes.insert(bytes.size() - item.payload, text);
      layout.lists[place.list].length.write(bytes, item.payload + text.size());
      return replace_item(stock.parent, layout, place, bytes, "is longer");
    }
    default:
      return replace_item(
          stock.parent, layout, place, other,
          fmt::format("has the bytes of item {} of list {}", source.item + 1, source.list + 1));
  }
}

// ---- what is tried first ----

class First {
 public:
  First(std::string_view good, std::size_t most_bytes) : good_(good), most_(most_bytes) {
    known_.insert(std::string(good));
  }

  void add(Maker maker, Variant variant) {
    if (variant.how.empty() || variant.bytes.size() > most_ || !known_.insert(variant.bytes).second) return;
    variant.how = std::string(to_string(maker)) + ": " + variant.how;
    all_.push_back(std::move(variant));
  }

  void add_lists(const Layout& layout) {
    for (std::size_t list = 0; list < layout.lists.size(); ++list) {
      const auto& items = layout.lists[list].items;
      const Place last{list, items.size() - 1};
      // One of its own with something in it, to be put where there may be nothing.
      const auto filled =
          std::find_if(items.begin(), items.end(), [](const Item& item) { return item.payload > 0; });
      const auto full = filled == items.end() ? std::string_view() : bytes_of(good_, *filled);
      add(Maker::lists, replace_item(good_, layout, last, full, "has the bytes of another of them"));
      add(Maker::lists, add_item(good_, layout, list, full));
      add(Maker::lists, remove_item(good_, layout, last));
    }
  }

  void add_counts(const std::vector<Number>& numbers) {
    for (const auto& number : numbers) {
      const auto now = number.read(good_);
      for (const auto value : {now + 1, now - 1, std::uint64_t{0}})
        add(Maker::counts, set_number(good_, number, value));
    }
  }

  std::vector<Variant> take() { return std::move(all_); }

 private:
  std::string_view good_;
  std::size_t most_;
  std::set<std::string> known_;
  std::vector<Variant> all_;
};

}  // namespace

const char* to_string(Maker maker) {
  switch (maker) {
    case Maker::damage:
      return "damage";
    case Maker::bits:
      return "bits";
    case Maker::bytes:
      return "bytes";
    case Maker::numbers:
      return "numbers";
    case Maker::blocks:
      return "blocks";
    case Maker::splice:
      return "splice";
    case Maker::counts:
      return "counts";
    case Maker::lists:
      return "lists";
  }
  return "?";
}

std::vector<Variant> first_variants(std::string_view good, std::size_t most_bytes) {
  First first(good, most_bytes);
  for (const auto damage : damages)
    if (damage != Damage::oversized || 2 * good.size() <= most_bytes)
      first.add(Maker::damage, {plan::damaged(std::string(good), damage), scenario::to_string(damage)});
  const auto layout = layout_of(good);
  first.add_lists(layout);
  std::vector<Number> counts = layout.counts;
  for (const auto& list : layout.lists) counts.insert(counts.end(), list.counts.begin(), list.counts.end());
  for (const auto& list : layout.lists)
    for (const auto& value : list.values)
      if (counts.size() < most_first_numbers) counts.push_back(value);
  for (const auto& size : layout.sizes) counts.push_back(size.number);
  first.add_counts(counts);
  return first.take();
}

Variant make_variant(Maker maker, const Stock& stock, Chance& chance) {
  if (stock.parent.empty()) return {};
  Variant variant;
  switch (maker) {
    case Maker::damage: {
      const auto damage = damages[chance.below(std::size(damages) - 1)];  // `oversized` is tried once
      variant = {plan::damaged(std::string(stock.parent), damage), scenario::to_string(damage)};
      break;
    }
    case Maker::bits:
      variant = turn_bits(stock, chance);
      break;
    case Maker::bytes:
      variant = change_bytes(stock, chance);
      break;
    case Maker::numbers:
      variant = change_number(stock, chance);
      break;
    case Maker::blocks:
      variant = change_block(stock, chance);
      break;
    case Maker::splice:
      variant = splice(stock, chance);
      break;
    case Maker::counts:
      variant = change_count(stock, chance);
      break;
    case Maker::lists:
      variant = change_list(stock, chance);
      break;
  }
  if (variant.how.empty() || variant.bytes.size() > stock.most_bytes || variant.bytes == stock.parent)
    return {};
  variant.how = std::string(to_string(maker)) + ": " + variant.how;
  return variant;
}

}  // namespace labctl::hunt
