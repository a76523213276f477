#include "labctl/hunt/edits.h"

#include <algorithm>
#include <cstdint>

namespace labctl::hunt {
namespace {

constexpr std::size_t largest_table = 16u << 20;  // of the exact comparison, in cells

std::size_t common_beginning(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

std::size_t common_end(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first -
                                  a.rbegin());
}

// Adds what turns one byte run into another to the last edit where it goes on from it.
void add(std::vector<Edit>& edits, std::size_t at, std::size_t removed, std::string_view inserted) {
  if (!edits.empty() && edits.back().at + edits.back().removed == at) {
    edits.back().removed += removed;
    edits.back().inserted += inserted;
  } else {
    edits.push_back({at, removed, std::string(inserted)});
  }
}

// By the longest common subsequence: a byte stays or it is edited.
void compare(std::string_view from, std::string_view to, std::size_t at, std::vector<Edit>& edits) {
  const std::size_t width = to.size() + 1;
  std::vector<std::uint32_t> common((from.size() + 1) * width, 0);
  for (std::size_t i = from.size(); i-- > 0;)
    for (std::size_t j = to.size(); j-- > 0;)
      common[i * width + j] = from[i] == to[j]
                                  ? common[(i + 1) * width + j + 1] + 1
                                  : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  std::size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && j < to.size() && from[i] == to[j]) {
      ++i;
      ++j;
    } else if (j < to.size() &&
               (i == from.size() || common[i * width + j + 1] >= common[(i + 1) * width + j])) {
      add(edits, at + i, 0, to.substr(j++, 1));
    } else {
      add(edits, at + i++, 1, {});
    }
  }
}

// Two that are as long as each other, byte against byte.
void compare_places(std::string_view from, std::string_view to, std::size_t at, std::vector<Edit>& edits) {
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != to[i]) add(edits, at + i, 1, to.substr(i, 1));
}

// Joins the two that are nearest to each other.
void join_nearest(std::string_view from, std::vector<Edit>& edits) {
  const auto gap = [&](std::size_t i) { return edits[i + 1].at - edits[i].at - edits[i].removed; };
  std::size_t nearest = 0;
  for (std::size_t i = 1; i + 1 < edits.size(); ++i)
    if (gap(i) < gap(nearest)) nearest = i;
  auto& first = edits[nearest];
  const auto& second = edits[nearest + 1];
  const std::size_t end = first.at + first.removed;
  first.inserted += from.substr(end, second.at - end);
  first.inserted += second.inserted;
  first.removed = second.at + second.removed - first.at;
  edits.erase(edits.begin() + static_cast<std::ptrdiff_t>(nearest) + 1);
}

}  // namespace

std::vector<Edit> difference(std::string_view from, std::string_view to, std::size_t most) {
  const std::size_t begin = common_beginning(from, to);
  const std::size_t end = common_end(from.substr(begin), to.substr(begin));
  const auto middle = from.substr(begin, from.size() - begin - end);
  const auto other = to.substr(begin, to.size() - begin - end);
  std::vector<Edit> edits;
  if (middle.size() == other.size())
    compare_places(middle, other, begin, edits);
  else if ((middle.size() + 1) * (other.size() + 1) <= largest_table)
    compare(middle, other, begin, edits);
  else
    edits.push_back({begin, middle.size(), std::string(other)});
  // Many at once first: the joining looks at all of them each time.
  constexpr std::size_t many = 2000;
  if (edits.size() > many) edits = {{begin, middle.size(), std::string(other)}};
  while (edits.size() > std::max<std::size_t>(1, most)) join_nearest(from, edits);
  return edits;
}

std::string edited(std::string_view from, const std::vector<Edit>& edits) {
  std::string bytes;
  std::size_t at = 0;
  for (const auto& edit : edits) {
    bytes += from.substr(at, edit.at - at);
    bytes += edit.inserted;
    at = edit.at + edit.removed;
  }
  bytes += from.substr(at);
  return bytes;
}

}  // namespace labctl::hunt
