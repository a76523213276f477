#include "labctl/base/json.h"
#include "labctl/cli/cli.h"
#include "labctl/lab/cache.h"
#include "labctl/lab/ground.h"

namespace labctl::cli {
namespace {

const char* word(image::State state) {
  switch (state) {
    case image::State::absent:
      return "not built";
    case image::State::built:
      return "built";
    case image::State::outdated:
      return "outdated";
    case image::State::damaged:
      return "damaged";
  }
  return "?";
}

}  // namespace

int image_list(bool json) {
  const auto places = lab::places();
  if (!places) return complain(places.error());
  const auto store = open_store(*places);
  auto recipes = store.recipes();
  if (!recipes) return complain(recipes.error());
  if (recipes->empty())
    say("labctl: there are no recipes here\n"
        "  hint: they are looked for in the folders that LABCTL_IMAGES names, and beside labctl");
  Json list = Json::array();
  std::string text;
  for (const auto& recipe : *recipes) {
    const auto state = store.state(recipe);
    const std::string origin = lab::is_built_in(recipe.folder) ? "built in" : "LABCTL_IMAGES";
    Json item{{"name", recipe.name},  {"os", recipe.os},  {"summary", recipe.summary},
              {"state", word(state)}, {"origin", origin}, {"folder", recipe.folder.string()}};
    text += recipe.name + "\t" + word(state) + "\t" + recipe.summary;
    if (auto image = store.find(recipe.name)) {
      const Millis boot = lab::known_boot_time(store, *image, {});
      item["sha256"] = image->sha256;
      item["facts"] = image->facts;
      item["boot_time_ms"] = boot.count();
      text += "\tkernel " + text_at(image->facts, "kernel_release");
      if (boot.count() != 0) text += ", boots in " + show_duration(boot);
    }
    text +=
        "\t" + (origin == "built in" ? origin : "of " + recipe.folder.string() + " (" + origin + ")") + "\n";
    list.push_back(std::move(item));
  }
  if (json)
    print_json(dump_pretty({{"images", list}}));
  else
    print(text);
  return exit_code::passed;
}

int image_verify(const std::vector<std::string>& names) {
  const auto places = lab::places();
  if (!places) return complain(places.error());
  const auto store = open_store(*places);
  int code = exit_code::passed;
  for (const auto& name : names) {
    auto image = store.find(name);
    if (!image) {
      code = complain(image.error());
      continue;
    }
    if (auto whole = store.verify(*image); !whole)
      code = complain(whole.error());
    else
      print(name + ": ok, sha256 " + image->sha256 + "\n");
  }
  return code;
}

int image_remove(const std::vector<std::string>& names) {
  const auto places = lab::places();
  if (!places) return complain(places.error());
  if (auto own = lab::check_cache(places->root); !own) return complain(own.error());
  const auto store = open_store(*places);
  int code = exit_code::passed;
  for (const auto& name : names)
    if (auto removed = store.remove(name); !removed) code = complain(removed.error());
  return code;
}

}  // namespace labctl::cli
