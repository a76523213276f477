// ${name} in text. This is the one place where it is looked for.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace labctl::yaml {

using Variables = std::map<std::string, std::string>;

// Each ${name} whose name `values` has becomes its value; everything else stays as it is. What a value brings
// in is not looked at again. There is no escaping here: Reader has taken it out.
std::string fill_variables(std::string_view text, const Variables& values);

// Whether a ${name} in the text has a name that begins so.
bool names_variable(std::string_view text, std::string_view prefix);

// One ${...} or $${ in a text.
struct Reference {
  std::size_t begin = std::string_view::npos;  // of $, or of the first of $$; npos: there is none
  std::size_t end = 0;                         // behind the last byte that belongs to it
  std::string_view name;                       // empty when it is never closed
  bool escaped = false;                        // $${: the name is what would be one
  bool closed = true;
};
Reference next_reference(std::string_view text, std::size_t from);

}  // namespace labctl::yaml
