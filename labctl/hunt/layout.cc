#include "labctl/hunt/layout.h"

#include <algorithm>
#include <set>

namespace labctl::hunt {
namespace {

constexpr std::size_t most_looked_at = 256u << 10;  // bytes; what is behind has no structure for us
constexpr std::size_t most_lists = 64, most_items = 1024, shortest_text = 3;
constexpr std::size_t size_distance = 64;   // from the beginning, in which a size or a count of lists stands
constexpr std::size_t count_distance = 64;  // before its list

// The ways in which items are commonly written.
struct Form {
  int type, length;
  bool big;
};
constexpr Form forms[] = {{2, 2, false}, {2, 2, true},  {1, 1, false}, {1, 2, false},
                          {1, 2, true},  {4, 4, false}, {4, 4, true},  {0, 2, false},
                          {0, 2, true},  {0, 1, false}, {0, 4, false}, {0, 4, true}};

bool is_text(std::string_view bytes) {
  if (!bytes.empty() && bytes.back() == '\0') bytes.remove_suffix(1);
  return bytes.size() >= shortest_text &&
         std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

class Items {
 public:
  Items(std::string_view bytes, const Form& form) : bytes_(bytes), form_(form) {
    for (std::size_t at = 0; at + head() <= bytes.size(); ++at)
      if (const auto item = at_place(at); item.size != 0 && is_text(payload(item))) {
        anchors_.push_back(at);
        types_.insert(type(at));
      }
    types_.insert(0);
  }

  std::vector<List> lists() const {
    std::vector<List> lists;
    std::size_t end = 0;
    for (const auto anchor : anchors_) {
      if (anchor < end || lists.size() >= most_lists) continue;
      List list{form_.type, {static_cast<std::size_t>(form_.type), form_.length, form_.big}, {}, {}};
      end = anchor;
      while (list.items.size() < most_items) {
        const auto item = at_place(end);
        if (item.size == 0 || (types_.count(type(end)) == 0 && !leads_to_the_end(end))) break;
        list.items.push_back(item);
        end += item.size;
      }
      lists.push_back(std::move(list));
    }
    return lists;
  }

 private:
  std::size_t head() const { return static_cast<std::size_t>(form_.type + form_.length); }
  Number length(std::size_t at) const {
    return {at + static_cast<std::size_t>(form_.type), form_.length, form_.big};
  }
  std::uint64_t type(std::size_t at) const {
    return form_.type == 0 ? 0 : Number{at, form_.type, form_.big}.read(bytes_);
  }
  std::string_view payload(const Item& item) const { return bytes_.substr(item.at + head(), item.payload); }
  // Whether there is nothing but items from here on, of whatever type.
  bool leads_to_the_end(std::size_t at) const {
    for (std::size_t count = 0; at < bytes_.size() && count < most_items; ++count) {
      const auto item = at_place(at);
      if (item.size == 0) return false;
      at += item.size;
    }
    return at == bytes_.size();
  }
  // Of no size where none can be.
  Item at_place(std::size_t at) const {
    if (at + head() > bytes_.size()) return {};
    const auto payload = length(at).read(bytes_);
    if (payload > bytes_.size() - at - head()) return {};
    return {at, head() + static_cast<std::size_t>(payload), static_cast<std::size_t>(payload)};
  }

  std::string_view bytes_;
  Form form_;
  std::vector<std::size_t> anchors_;
  std::set<std::uint64_t> types_;
};

// How much of the content a form explains: bytes of text that stand in its lists.
std::size_t worth(const std::vector<List>& lists) {
  std::size_t bytes = 0;
  for (const auto& list : lists)
    for (const auto& item : list.items) bytes += item.payload + (list.items.size() > 1 ? 1 : 0);
  return bytes;
}

bool overlap(const Number& a, const Number& b) {
  return a.at < b.at + static_cast<std::size_t>(b.width) && b.at < a.at + static_cast<std::size_t>(a.width);
}

// Where a small number can be read in both orders, in the one that is more usual: bytes belong to one field.
std::vector<Number> numbers_with(std::string_view bytes, std::size_t begin, std::size_t end,
                                 std::uint64_t value) {
  std::vector<Number> found;
  for (const bool big : {false, true})
    for (std::size_t at = begin; at < end; ++at)
      for (const int width : {4, 2, 1}) {
        const Number number{at, width, big};
        if ((width == 1 && big) || at + static_cast<std::size_t>(width) > end || number.read(bytes) != value)
          continue;
        if (std::none_of(found.begin(), found.end(),
                         [&](const Number& other) { return overlap(number, other); }))
          found.push_back(number);
      }
  return found;
}

void find_sizes(std::string_view bytes, Layout& layout) {
  const std::size_t end = std::min(bytes.size(), size_distance);
  for (const auto& number : numbers_with(bytes, 0, end, bytes.size()))
    if (number.width > 1 || bytes.size() > 16) layout.sizes.push_back({number, false});
  for (std::size_t at = 0; at < end; ++at)
    for (const int width : {4, 2})
      for (const bool big : {false, true}) {
        const Number number{at, width, big};
        const auto behind = at + static_cast<std::size_t>(width);
        const bool taken = std::any_of(layout.sizes.begin(), layout.sizes.end(),
                                       [&](const Size& other) { return overlap(number, other.number); });
        if (behind < bytes.size() && number.read(bytes) == bytes.size() - behind && !taken)
          layout.sizes.push_back({number, true});
      }
}

}  // namespace

std::uint64_t Number::read(std::string_view bytes) const {
  std::uint64_t value = 0;
  if (!fits(bytes)) return value;
  for (int i = 0; i < width; ++i) {
    const int place = big ? i : width - 1 - i;
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(place)]);
  }
  return value;
}

void Number::write(std::string& bytes, std::uint64_t value) const {
  if (!fits(bytes)) return;
  for (int i = 0; i < width; ++i) {
    const int place = big ? width - 1 - i : i;
    bytes[at + static_cast<std::size_t>(place)] = static_cast<char>(value >> (8 * i) & 0xff);
  }
}

Layout layout_of(std::string_view bytes) {
  Layout layout;
  find_sizes(bytes, layout);
  const auto seen = bytes.substr(0, most_looked_at);
  for (const auto& form : forms)
    if (auto lists = Items(seen, form).lists(); worth(lists) > worth(layout.lists))
      layout.lists = std::move(lists);
  for (auto& list : layout.lists) {
    const auto begin = list.items.front().at;
    for (const auto& item : list.items)
      if ((item.payload == 1 || item.payload == 2 || item.payload == 4) &&
          !is_text(seen.substr(item.at + item.size - item.payload, item.payload)))
        list.values.push_back(
            {item.at + item.size - item.payload, static_cast<int>(item.payload), list.length.big});
    if (list.items.size() > 1)
      list.counts = numbers_with(seen, begin - std::min(begin, count_distance), begin, list.items.size());
  }
  if (layout.lists.size() > 1) {
    const auto begin = std::min(layout.lists.front().items.front().at, size_distance);
    layout.counts = numbers_with(seen, 0, begin, layout.lists.size());
  }
  return layout;
}

void correct_sizes(std::string& bytes, const Layout& before, std::size_t at) {
  for (const auto& size : before.sizes) {
    const auto behind = size.number.at + static_cast<std::size_t>(size.number.width);
    if (behind <= at && behind <= bytes.size())
      size.number.write(bytes, bytes.size() - (size.behind ? behind : 0));
  }
}

}  // namespace labctl::hunt
