// Variants of content: what is tried next, made of what is known. The same seed, number and stock give the
// same bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/hunt/chance.h"

namespace labctl::hunt {

// Ways to make one.
enum class Maker {
  damage,   // as the scenario's `damage` does it
  bits,     // a few, turned over
  bytes,    // a few, with another value
  numbers,  // integers of the usual widths: boundaries, neighbours, other values of the content
  blocks,   // left out, doubled, exchanged, filled
  splice,   // a part of another content, or of another place
  counts,   // fields that hold a size, a length or a count
  lists,    // items: another's bytes, left out, doubled, added, at the end above all
};
inline constexpr Maker every_maker[] = {Maker::damage, Maker::bits,   Maker::bytes,  Maker::numbers,
                                        Maker::blocks, Maker::splice, Maker::counts, Maker::lists};
const char* to_string(Maker maker);

struct Variant {
  std::string bytes;
  std::string how;  // for people: "lists: item 21 of list 4 has the bytes of item 1 of list 1"
};

// What variants are made of. `others` may be empty.
struct Stock {
  std::string_view parent;
  std::vector<std::string_view> others;
  std::size_t most_bytes = 1u << 20;  // of a variant
};

// Those that are tried before chance has a say: each damage, and each size, count and list of `good` at its
// boundaries. None is `good` itself, none comes twice.
std::vector<Variant> first_variants(std::string_view good, std::size_t most_bytes);

// Never the parent's own bytes; empty `how` when this maker has nothing to make of this parent.
Variant make_variant(Maker maker, const Stock& stock, Chance& chance);

}  // namespace labctl::hunt
