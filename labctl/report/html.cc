// The only door to mustache. Every string goes through it twice: visible() here, and the escaping that
// mustache does by default; a template with an unescaped tag is refused.

#include <kainjow/mustache.hpp>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/page.h"
#include "labctl/report/render.h"

namespace labctl::report {
namespace {

using kainjow::mustache::data;

constexpr std::size_t longest_string = 8 << 20;  // a picture

data data_of(const Json& json) {
  if (json.is_object()) {
    data object{data::type::object};
    for (const auto& [name, value] : json.items()) object[name] = data_of(value);  // set() copies
    return object;
  }
  if (json.is_array()) {
    data list{data::type::list};
    for (const auto& item : json) list.push_back(data_of(item));
    return list;
  }
  if (json.is_boolean()) return data(json.get<bool>());
  // An empty string is no section.
  if (json.is_string() && !json.get_ref<const std::string&>().empty())
    return data(visible(json.get_ref<const std::string&>(), longest_string));
  return json.is_string() || json.is_null() ? data(false) : data(json.dump());
}

}  // namespace

std::string render(std::string_view page, const Json& values) {
  std::string text(page);
  constexpr std::string_view place = "/*style*/", begins = "<style>";
  if (const auto at = text.find(place); at != text.npos) {
    const auto from = page_template.find(begins) + begins.size();
    text.replace(at, place.size(), page_template.substr(from, page_template.find("</style>") - from));
  }
  return kainjow::mustache::mustache(text).render(data_of(values));
}

std::string html(const Record& record) { return render(page_template, page(record)); }

std::string render_page(std::string_view body, const Json& values) {
  const auto title = page_template.find("<title>"), style = page_template.find("<style>");
  std::string page(page_template.substr(0, title));
  page += "<title>{{title}} · labctl</title>\n";
  page += page_template.substr(style, page_template.find("<body>") - style);
  page += body;
  return render(page, values);
}

}  // namespace labctl::report
