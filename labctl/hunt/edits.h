// What differs between two contents, as edits that can be applied one without the other. A variant that
// crashes is made smaller by leaving out those that it does not need.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace labctl::hunt {

struct Edit {
  std::size_t at = 0;       // in the content that is edited
  std::size_t removed = 0;  // bytes of it
  std::string inserted;     // in their place
  bool operator==(const Edit&) const = default;
};

// At most `most`, ascending and apart from each other: applied to `from` all together they give `to`. Edits
// that are near to each other are joined where there would be more.
std::vector<Edit> difference(std::string_view from, std::string_view to, std::size_t most = 64);

// Any of a difference's edits, in its order.
std::string edited(std::string_view from, const std::vector<Edit>& edits);

}  // namespace labctl::hunt
