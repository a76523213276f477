// Typed reads from the tree. Every read that fails records a mistake with its place and gives nothing, so
// that the loader goes on and reports all mistakes at once.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/units.h"
#include "labctl/yaml/variables.h"
#include "labctl/yaml/yaml.h"

namespace labctl::yaml {

// A name that ${} keeps for a later stage: it stays in the text, and cannot be given a value.
struct Reserved {
  const char* name;
  unsigned where;     // one bit for the places in which it means something
  const char* means;  // what they are, for people: "in the paths of artifacts"
};
inline constexpr unsigned nothing_later = 0;

enum class Need { optional, required };
struct Field {
  const char* name;
  Need need = Need::optional;
  const char* hint = "";  // what to write when it is missing
};

class Reader {
 public:
  // `whole` is how mistakes call the file itself: "the scenario". `mistakes` are those of parse_yaml().
  Reader(std::string name, const char* whole, const Variables& variables, std::span<const Reserved> reserved,
         std::vector<Mistake> mistakes)
      : name_(std::move(name)),
        whole_(whole),
        variables_(variables),
        reserved_(reserved),
        mistakes_(std::move(mistakes)) {}

  void mistake(Mark mark, const std::string& what, const std::string& hint = {});
  void add(Error error);  // one that has its place already
  // In the order of the file; at most 100, because nobody reads more.
  std::vector<Error> take_mistakes();
  std::size_t count() const { return mistakes_.size(); }

  // Variables given with --set that no ${} in the tree uses, and those that have no valid name.
  void check_variables(const Node& root);

  // True when `node` is a map; unknown keys and missing required ones are recorded. `what` is the node's path
  // as an author would say it, empty for the whole file.
  bool map(const Node& node, const std::string& what, std::initializer_list<Field> fields);
  // Whether the map has the key, or one that must have been meant as it: a misspelt key is one mistake, not
  // two.
  static bool has(const Node& node, const std::string& key);
  // Not empty, and a list.
  bool list(const Node& node, const std::string& what);
  // A map whose keys the author chooses: not empty, and no key another YAML reader would take for a number.
  bool names(const Node& node, const std::string& what);

  std::optional<std::string> text(const Node& node, const std::string& what, unsigned later = nothing_later);
  std::optional<std::string> one_line(const Node& node, const std::string& what,
                                      unsigned later = nothing_later);
  std::optional<int> integer(const Node& node, const std::string& what, int least, int most);
  std::optional<Millis> duration(const Node& node, const std::string& what, Millis least, Millis most);
  std::optional<std::uint64_t> size(const Node& node, const std::string& what, std::uint64_t least,
                                    std::uint64_t most);
  std::optional<Date> date(const Node& node, const std::string& what);
  // One of the words; gives its index.
  std::optional<std::size_t> choice(const Node& node, const std::string& what,
                                    const std::vector<std::string>& words);
  // A list of texts without duplicates.
  std::vector<std::string> texts(const Node& node, const std::string& what, unsigned later = nothing_later);

  const std::string& name() const { return name_; }

 private:
  // The scalar's text with its variables replaced. `replaced` tells whether there was one.
  std::optional<std::string> scalar(const Node& node, const std::string& what, const char* expected,
                                    unsigned later, bool* replaced = nullptr);
  std::string called(const std::string& what) const { return what.empty() ? whole_ : what; }
  const Reserved* reserved(std::string_view name) const;
  bool too_many(const Node& node, const std::string& what);
  std::optional<std::string> substitute(const Node& node, const std::string& what, unsigned later,
                                        bool* replaced);

  std::string name_, whole_;
  const Variables& variables_;
  std::span<const Reserved> reserved_;
  std::vector<Mistake> mistakes_;
  std::size_t dropped_ = 0;  // not kept, because nobody reads thousands
};

// "did you mean 'x'?", or else what there is to choose from.
std::string suggest(const std::string& word, const std::vector<std::string>& known,
                    const std::string& otherwise);
std::string quoted(std::string_view text);  // 'text', printable and not too long
std::string describe(const Node& node);     // "a list", "nothing", "'text'"

// The duration with its bounds checked, for steps too. The error has no place yet.
Result<Millis> bounded_duration(const std::string& text, Millis least, Millis most);

}  // namespace labctl::yaml
