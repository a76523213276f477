// One table for an enumeration's names, read in both directions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace labctl {

template <class Enum, std::size_t size>
struct EnumNames {
  std::pair<Enum, const char*> table[size];

  // "?" for a value that the table lacks, which no enumerator may be.
  constexpr const char* name(Enum value) const {
    for (const auto& [known, text] : table)
      if (known == value) return text;
    return "?";
  }
  constexpr std::optional<Enum> value(std::string_view name) const {
    for (const auto& [known, text] : table)
      if (text == name) return known;
    return std::nullopt;
  }
};

template <class Enum, std::size_t size>
constexpr EnumNames<Enum, size> enum_names(const std::pair<Enum, const char*> (&table)[size]) {
  EnumNames<Enum, size> names{};
  for (std::size_t i = 0; i < size; ++i) names.table[i] = table[i];
  return names;
}

}  // namespace labctl
