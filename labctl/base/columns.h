// Text in the columns of a terminal or a page of fixed width. Widths are columns, not bytes: a character of
// East Asia takes two, a combining one none. Bytes that are no UTF-8 take one each; make guests' text
// printable() before.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace labctl {

std::size_t columns(std::string_view text);

// With spaces up to so many columns; what is wider stays.
std::string fill(std::string text, std::size_t width);

// At most so many columns, with an ellipsis for what is gone: at the end, or in the middle, where names of
// cells and files differ least.
std::string cut_end(std::string_view text, std::size_t width);
std::string cut_middle(std::string_view text, std::size_t width);

// One line as several of at most `width` columns, broken at spaces; a word that is wider is broken behind one
// of
// "./-,_" or, without one, anywhere. All but the first begin with `indent` spaces.
std::vector<std::string> wrap(std::string_view line, std::size_t width, std::size_t indent = 0);

// The same of every line of a text.
std::string wrap_lines(std::string_view text, std::size_t width, std::size_t indent = 0);

// The words one below the other, in as many columns as `width` has place for, each line with `indent` spaces
// before it. Words that are wider are wrapped.
std::string in_columns(const std::vector<std::string>& words, std::size_t width, std::size_t indent = 0);

}  // namespace labctl
