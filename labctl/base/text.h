// Small work on text that could exist without us.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace labctl {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// With spaces behind it, up to `width` bytes; longer text stays as it is.
std::string padded(std::string text, std::size_t width);

// "a, b and 3 more": at most twenty of them, for a hint.
std::string join_some(const std::vector<std::string>& parts);

// Shell-style: * and ?, nothing else.
bool glob_match(std::string_view pattern, std::string_view text);

// The nearest candidate by edit distance when it is near enough to be meant.
std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// The length of the UTF-8 sequence that begins the text; 0 when none does.
std::size_t utf8_length(std::string_view text);

// Text from a guest made safe for a terminal or a log: control and escape bytes, bidi overrides and invalid
// UTF-8 become visible "\xNN"; at most `limit` bytes come out, cut with an ellipsis.
std::string printable(std::string_view untrusted, std::size_t limit = 200);

// The same for text of many lines on a page: lines and tabs stay, colours go, control characters become their
// symbols, misleading characters "<U+202E>" with guillemets, and what is no UTF-8 U+FFFD. What comes out is
// legal in XML 1.0, but not escaped for it. At most about `limit` bytes, cut at the end with an ellipsis.
std::string visible(std::string_view untrusted, std::size_t limit);

// A word safe in a file name and a URL: [a-z0-9.-], everything else becomes '-'.
std::string slug(std::string_view text);

// 'it'\''s': one word for /bin/sh.
std::string shell_quote(std::string_view word);

// Standard base64. Decoding refuses anything malformed with nullopt and never reads past `limit` decoded
// bytes.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text, std::size_t limit);

}  // namespace labctl
