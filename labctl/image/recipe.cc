// image.yaml -> Recipe, and the key that says when two recipes make the same disk.
#include <sys/stat.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/image/image.h"
#include "labctl/yaml/yaml.h"

namespace labctl::image {
namespace {

using yaml::Node;

const std::vector<std::string> known_keys = {"extends",       "template", "summary", "os",    "suite",
                                             "kernel",        "disk",     "build",   "needs", "needs_files",
                                             "needs_as_user", "import",   "install"};

// One image.yaml as written, before what it extends.
struct Sheet {
  fs::path folder;
  fs::path file;
  Node root;
};

std::string place(const Sheet& sheet, const yaml::Mark& mark) {
  return sheet.file.string() + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

Result<Sheet> read_sheet(const fs::path& folder) {
  Sheet sheet{folder, folder / "image.yaml", {}};
  auto text = read_file(sheet.file, 1u << 20);
  if (!text) return fail(text.error());
  auto parsed = yaml::parse_yaml(*text, sheet.file.string(), {"a recipe", ""});
  if (!parsed.mistakes.empty()) return fail(parsed.mistakes.front().error);
  if (!parsed.root || parsed.root->kind != Node::Kind::map)
    return input_error("a recipe is a list of `key: value` lines", sheet.file.string());
  sheet.root = std::move(*parsed.root);
  for (const auto& key : sheet.root.keys) {
    if (std::find(known_keys.begin(), known_keys.end(), key.text) != known_keys.end()) continue;
    auto meant = did_you_mean(key.text, known_keys);
    return input_error("'" + printable(key.text, 80) + "' is no key of a recipe", place(sheet, key.mark),
                       meant ? "did you mean '" + *meant + "'?" : "the keys are: " + join(known_keys, ", "));
  }
  return sheet;
}

// The value of `key` in the recipe itself, else in the nearest one that it extends.
class Words {
 public:
  explicit Words(const std::vector<Sheet>& sheets) : sheets_(sheets) {}

  Result<std::string> text(const char* key) const {
    const auto [sheet, node] = find(key);
    if (!node)
      return input_error(std::string("the recipe says no '") + key + "'", sheets_.front().file.string());
    if (node->kind != Node::Kind::scalar || node->text.empty())
      return input_error(std::string("'") + key + "' takes one word", place(*sheet, node->mark));
    return node->text;
  }

  std::string where(const char* key) const {
    const auto [sheet, node] = find(key);
    return node ? place(*sheet, node->mark) : sheets_.front().file.string();
  }

  Status add_needs(const char* key, bool only_as_user, std::vector<Need>& needs) const {
    const auto [sheet, node] = find(key);
    if (!node) return {};
    if (node->kind != Node::Kind::map)
      return input_error(std::string("'") + key + "' takes lines of `name: package`",
                         place(*sheet, node->mark));
    for (std::size_t i = 0; i < node->keys.size(); ++i) {
      if (node->items[i].kind != Node::Kind::scalar)
        return input_error("a need names one package", place(*sheet, node->items[i].mark));
      needs.push_back({node->keys[i].text, node->items[i].text, only_as_user});
    }
    return {};
  }

  Result<std::optional<Source>> import() const {
    const auto [sheet, node] = find("import");
    if (!node) return std::optional<Source>();
    auto source = source_of(*sheet, *node);
    if (!source) return fail(source.error());
    return std::optional(std::move(*source));
  }

  Result<std::vector<Source>> install() const {
    std::vector<Source> sources;
    const auto [sheet, node] = find("install");
    if (node && node->kind != Node::Kind::list)
      return input_error("'install' takes a list", place(*sheet, node->mark));
    for (std::size_t i = 0; node && i < node->items.size(); ++i) {
      auto source = source_of(*sheet, node->items[i]);
      if (!source) return fail(source.error());
      sources.push_back(std::move(*source));
    }
    return sources;
  }

 private:
  // A file is named from the recipe that names it.
  static Result<Source> source_of(const Sheet& sheet, const Node& node) {
    const std::string here = place(sheet, node.mark);
    const std::string hint = "import: {source: disk.qcow2, sha256: 64 digits}";
    const Node* from = node.find("source");
    const Node* digest = node.find("sha256");
    if (node.kind != Node::Kind::map || node.keys.size() != 2 || !from || !digest)
      return input_error("a source is a file or URL with its sha256, and nothing else", here, hint);
    if (!is_sha256(digest->text))
      return input_error("'" + printable(digest->text, 80) + "' is no sha256: 64 digits of 0-9 and a-f",
                         place(sheet, digest->mark));
    const auto unprintable = [](unsigned char c) { return c < ' ' || c == 127; };
    if (from->text.empty() || std::any_of(from->text.begin(), from->text.end(), unprintable))
      return input_error("'source' is a file or a URL", place(sheet, from->mark), hint);
    if (from->text.rfind("https://", 0) == 0 || from->text.rfind("http://", 0) == 0)
      return Source{from->text, digest->text};
    return Source{fs::absolute(sheet.folder / from->text).lexically_normal().string(), digest->text};
  }

  std::pair<const Sheet*, const Node*> find(const char* key) const {
    for (const auto& sheet : sheets_)
      if (const Node* node = sheet.root.find(key)) return {&sheet, node};
    return {nullptr, nullptr};
  }

  const std::vector<Sheet>& sheets_;
};

constexpr std::size_t deepest_chain = 8;

// Beside the recipe that extends it, else where recipes are.
fs::path find_base(const fs::path& beside, const std::vector<fs::path>& elsewhere, const std::string& name) {
  std::error_code ignored;
  if (fs::exists(beside / name / "image.yaml", ignored)) return beside / name;
  for (const auto& place : elsewhere)
    if (fs::exists(place / name / "image.yaml", ignored)) return place / name;
  return beside / name;
}

// The recipe first, then what it extends, and what that extends ...
Result<std::vector<Sheet>> read_chain(const fs::path& folder, const std::vector<fs::path>& elsewhere) {
  std::vector<Sheet> sheets;
  auto own = read_sheet(folder);
  if (!own) return fail(own.error());
  sheets.push_back(std::move(*own));
  while (const Node* base = sheets.back().root.find("extends")) {
    const std::string name = base->text;
    const std::string here = place(sheets.back(), base->mark);
    const bool with_control =
        std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (base->kind != Node::Kind::scalar || name.empty() || name.find('/') != std::string::npos ||
        name.front() == '.' || with_control)
      return input_error("'extends' names another recipe: its folder beside this one, or where images are",
                         here);
    if (sheets.size() == deepest_chain)
      return input_error("too long a chain of 'extends', or one that leads back to itself", here,
                         "at most " + std::to_string(deepest_chain) + " recipes, each extending the next");
    auto sheet = read_sheet(find_base(sheets.back().folder.parent_path(), elsewhere, name));
    if (!sheet)
      return fail(
          {Fault::input, "cannot extend '" + printable(name, 80) + "': " + sheet.error().text(), here, {}});
    sheets.push_back(std::move(*sheet));
  }
  return sheets;
}

// A relative link to a file outside of its recipe is how a build reads what others have too.
bool leads_out(const fs::path& folder, const fs::path& link, const fs::path& target) {
  const fs::path there = (link.parent_path() / target).lexically_normal().lexically_relative(folder);
  std::error_code none;
  return target.is_relative() && there.begin() != there.end() && *there.begin() == ".." &&
         fs::is_regular_file(link, none);
}

// Every file a build can read. Git keeps of a mode only whether the owner may execute, so the key does the
// same: a clone under another umask gives the same image. image.yaml counts by what it says, and prose not at
// all.
Status add_files(const fs::path& folder, const std::vector<std::string>& sources, Json& files) {
  std::error_code problem;
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator at(folder, problem), end; !problem && at != end;
       at.increment(problem))
    if (at->is_symlink() || !at->is_directory()) paths.push_back(at->path());
  if (problem) return lab_error("cannot read the recipe: " + problem.message(), folder.string());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    const std::string name = path.lexically_relative(folder).generic_string();
    if (name == "image.yaml" || path.extension() == ".md") continue;
    // A vendor's disk counts by the digest that the recipe tells, without reading a gigabyte for every look.
    if (std::find(sources.begin(), sources.end(), fs::absolute(path).lexically_normal().string()) !=
        sources.end())
      continue;
    if (fs::is_symlink(path, problem)) {
      const fs::path target = fs::read_symlink(path, problem);
      Json entry = {name, "link", target.string()};
      if (leads_out(folder.lexically_normal(), path.lexically_normal(), target)) {
        auto digest = sha256_file(path);
        if (!digest) return fail(digest.error());
        entry.push_back(*digest);
      }
      files.push_back(std::move(entry));
      continue;
    }
    if (!fs::is_regular_file(path, problem))
      return input_error("a recipe holds files and links only", path.string());
    auto digest = sha256_file(path);
    if (!digest) return fail(digest.error());
    struct stat facts {};
    const bool executable = ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IXUSR) != 0;
    files.push_back({name, executable ? "program" : "file", *digest});
  }
  return {};
}

Status fill(Recipe& recipe, const std::vector<Sheet>& sheets) {
  const Words words(sheets);
  auto import = words.import();
  auto install = words.install();
  if (!import || !install) return fail(import ? install.error() : import.error());
  recipe.import = std::move(*import);
  recipe.install = std::move(*install);
  std::vector<std::pair<const char*, std::string*>> wanted = {{"os", &recipe.os},
                                                              {"summary", &recipe.summary}};
  const auto os = words.text("os");
  const bool windows = os && *os == "windows";
  if (!recipe.import && !windows) {
    wanted.emplace_back("suite", &recipe.suite);
    wanted.emplace_back("kernel", &recipe.kernel_package);
    if (!recipe.install.empty())
      return input_error("'install' is for a disk that is imported", words.where("install"),
                         "a recipe of packages names them in its customize, or not at all");
  }
  // A guest of another system may be made of Debian's packages all the same.
  if (windows)
    for (const auto& [key, value] :
         {std::pair{"suite", &recipe.suite}, std::pair{"kernel", &recipe.kernel_package}})
      if (auto text = words.text(key)) *value = *text;
  for (const auto& [key, value] : wanted) {
    auto text = words.text(key);
    if (!text) return fail(text.error());
    *value = *text;
  }
  // What a recipe inherits would be another image's description.
  if (!sheets.front().root.find("summary"))
    return input_error("the recipe says no 'summary' of its own", sheets.front().file.string());
  if (recipe.os != "linux" && recipe.os != "windows")
    return input_error("'os' is linux or windows, not '" + printable(recipe.os, 40) + "'", words.where("os"));
  // These two become words of a command line.
  for (auto [key, value] : {std::pair{"suite", &recipe.suite}, std::pair{"kernel", &recipe.kernel_package}})
    if (!value->empty() &&
        (value->find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-=~:") !=
             std::string::npos ||
         value->front() == '-'))
      return input_error("'" + printable(*value) + "' is no name of a " + key, words.where(key));

  auto disk = words.text("disk");
  if (!disk) return fail(disk.error());
  auto size = parse_size(*disk);
  if (!size) return input_error(size.error().what, words.where("disk"), size.error().hint);
  if (*size < (1ull << 30) || *size > (1ull << 40) || *size % (1u << 20) != 0)
    return input_error("a disk is between 1GiB and 1024GiB, in whole MiB", words.where("disk"));
  recipe.disk_size = *size;

  auto builder = words.text("build");
  if (!builder) return fail(builder.error());
  for (const auto& sheet : sheets)
    if (std::error_code none; recipe.builder.empty() && fs::is_regular_file(sheet.folder / *builder, none))
      recipe.builder = fs::absolute(sheet.folder / *builder);
  if (recipe.builder.empty())
    return input_error("there is no file '" + printable(*builder) + "' beside the recipe",
                       words.where("build"));

  if (auto added = words.add_needs("needs", false, recipe.needs); !added) return added;
  if (auto added = words.add_needs("needs_files", false, recipe.needs); !added) return added;
  return words.add_needs("needs_as_user", true, recipe.needs);
}

}  // namespace

Result<std::optional<Recipe>> read_recipe(const fs::path& folder, const std::vector<fs::path>& elsewhere) {
  auto sheets = read_chain(folder, elsewhere);
  if (!sheets) return fail(sheets.error());
  if (const Node* word = sheets->front().root.find("template"); word && word->text == "true")
    return std::optional<Recipe>();

  Recipe recipe;
  recipe.name = fs::absolute(folder).lexically_normal().filename().string();
  recipe.folder = folder;
  if (auto filled = fill(recipe, *sheets); !filled) return fail(filled.error());
  std::vector<std::string> sources, digests;
  for (const auto& source : recipe.install) {
    sources.push_back(source.from);
    digests.push_back(source.sha256);
  }
  if (recipe.import) sources.push_back(recipe.import->from);
  Json layers = Json::array();
  for (auto sheet = sheets->rbegin(); sheet != sheets->rend(); ++sheet) {
    recipe.layers.push_back(fs::absolute(sheet->folder));
    Json files = Json::array();
    if (auto added = add_files(sheet->folder, sources, files); !added) return fail(added.error());
    if (!files.empty()) layers.push_back(std::move(files));
  }
  Json said({{"format", 2},
             {"os", recipe.os},
             {"suite", recipe.suite},
             {"kernel", recipe.kernel_package},
             {"disk", recipe.disk_size},
             {"build", recipe.builder.filename().string()},
             {"layers", std::move(layers)}});
  if (recipe.import) said["import"] = recipe.import->sha256;
  if (!digests.empty()) said["install"] = digests;
  recipe.key = sha256(dump_line(said));
  return std::optional(std::move(recipe));
}

}  // namespace labctl::image
