// image.yaml -> Recipe, and the key that says when two recipes make the same disk.
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/image/image.h"
#include "labctl/image/package_set.h"
#include "labctl/yaml/reader.h"

namespace labctl::image {
namespace {

using yaml::Field;
using yaml::Node;

// One image.yaml as written, before what it extends, and the mistakes that were found in it.
struct Sheet {
  fs::path folder;
  fs::path file;
  Node root;
  yaml::Reader reader;
};

Result<Sheet> read_sheet(const fs::path& folder) {
  static const yaml::Variables none;
  const fs::path file = folder / "image.yaml";
  auto text = read_file(file, 1u << 20);
  if (!text) return fail(text.error());
  auto parsed = yaml::parse_yaml(*text, file.string(), {"a recipe", "a recipe begins with 'summary:'"});
  Sheet sheet{folder, file, {}, {file.string(), "the recipe", none, {}, std::move(parsed.mistakes)}};
  if (!parsed.root) return sheet;
  sheet.root = std::move(*parsed.root);
  sheet.reader.map(sheet.root, "",
                   {{"extends"},
                    {"template"},
                    {"summary"},
                    {"os"},
                    {"suite"},
                    {"kernel"},
                    {"disk"},
                    {"build"},
                    {"needs"},
                    {"needs_files"},
                    {"needs_as_user"},
                    {"import"},
                    {"install"},
                    {"packages"}});
  return sheet;
}

// All mistakes as one error: as it is when there is one, else a line for each. A recipe that extends itself
// is reported once.
Status without_mistakes(std::vector<Sheet>& sheets) {
  std::vector<Error> mistakes;
  std::set<fs::path> told;
  for (auto& sheet : sheets)
    if (auto found = sheet.reader.take_mistakes(); !found.empty() && told.insert(sheet.file).second)
      mistakes.insert(mistakes.end(), found.begin(), found.end());
  if (mistakes.empty()) return {};
  if (mistakes.size() == 1) return fail(mistakes.front());
  std::string lines = fmt::format("{} mistakes:", mistakes.size());
  for (const auto& mistake : mistakes) lines += "\n  " + join(split(mistake.text(), '\n'), "\n  ");
  return input_error(lines, sheets.front().file.string());
}

// The value of `key` in the recipe itself, else in the nearest one that it extends. What is wrong is recorded
// with the file that says it, and what was read is then empty.
class Words {
 public:
  explicit Words(std::vector<Sheet>& sheets) : sheets_(sheets) {}

  struct Said {
    Sheet* sheet = nullptr;
    const Node* node = nullptr;
    explicit operator bool() const { return node != nullptr; }
    void wrong(const std::string& what, const std::string& hint = {}) const {
      sheet->reader.mistake(node->mark, what, hint);
    }
  };

  Said find(const char* key) const {
    for (auto& sheet : sheets_)
      if (const Node* node = sheet.root.find(key)) return {&sheet, node};
    return {};
  }

  Said required(const char* key) const {
    const Said said = find(key);
    const auto meant = [&](const Sheet& sheet) { return yaml::Reader::has(sheet.root, key); };
    if (!said && std::none_of(sheets_.begin(), sheets_.end(), meant))
      missing(fmt::format("the recipe has no '{}'", key));
    return said;
  }

  // Not of one whose text could not be read to its end, or whose base is not known: it may have been there.
  void missing(const std::string& what) const {
    auto& own = sheets_.front();
    if (!own.root.keys.empty() && !sheets_.back().root.find("extends"))
      own.reader.mistake(own.root.mark, what);
  }

  std::string text(const Said& said, const char* key) const {
    return said ? said.sheet->reader.one_line(*said.node, key).value_or("") : std::string();
  }

  // It becomes a word of a command line.
  std::string word(const Said& said, const char* key) const {
    const std::string value = text(said, key);
    if (value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-=~:") ==
            std::string::npos &&
        !value.starts_with("-"))
      return value;
    said.wrong(fmt::format("'{}' is not a name of a {}", printable(value), key));
    return {};
  }

  void add_needs(const char* key, bool only_as_user, std::vector<Need>& needs) const {
    const Said said = find(key);
    // An empty map takes back what the recipe extends.
    if (!said || (said.node->kind == Node::Kind::map && said.node->items.empty()) ||
        !said.sheet->reader.names(*said.node, key))
      return;
    for (std::size_t i = 0; i < said.node->keys.size(); ++i) {
      const std::string name = said.node->keys[i].text;
      if (auto package = said.sheet->reader.one_line(said.node->items[i], std::string(key) + "." + name))
        needs.push_back({name, *package, only_as_user});
    }
  }

  std::optional<Source> import() const {
    const Said said = find("import");
    return said ? source_of(*said.sheet, *said.node, "import") : std::nullopt;
  }

  std::vector<Source> install() const {
    std::vector<Source> sources;
    const Said said = find("install");
    if (!said || !said.sheet->reader.list(*said.node, "install")) return sources;
    for (const auto& item : said.node->items)
      if (auto source = source_of(*said.sheet, item, "install")) sources.push_back(std::move(*source));
    return sources;
  }

  std::vector<std::string> packages() const {
    std::vector<std::string> names;
    const Said said = find("packages");
    if (!said || !said.sheet->reader.list(*said.node, "packages")) return names;
    for (const auto& item : said.node->items) {
      auto name = said.sheet->reader.one_line(item, "packages");
      if (!name) continue;
      if (!is_package_name(*name))
        said.sheet->reader.mistake(
            item.mark, fmt::format("packages: '{}' is not the name of a package", printable(*name, 80)));
      names.push_back(std::move(*name));
    }
    return names;
  }

 private:
  // A file is named from the recipe that names it.
  static std::optional<Source> source_of(Sheet& sheet, const Node& node, const std::string& what) {
    constexpr const char* hint = "import: {source: disk.qcow2, sha256: 64 digits}";
    if (!sheet.reader.map(node, what,
                          {{"source", yaml::Need::required, hint}, {"sha256", yaml::Need::required, hint}}))
      return std::nullopt;
    const Node* from = node.find("source");
    const Node* digest = node.find("sha256");
    if (!from || !digest) return std::nullopt;
    const auto name = sheet.reader.one_line(*from, what + ".source");
    if (!is_sha256(digest->text)) {
      sheet.reader.mistake(digest->mark,
                           fmt::format("{}.sha256: '{}' is not a sha256: 64 digits of 0-9 and a-f", what,
                                       printable(digest->text, 80)));
      return std::nullopt;
    }
    if (!name) return std::nullopt;
    if (name->starts_with("https://") || name->starts_with("http://")) return Source{*name, digest->text};
    return Source{fs::absolute(sheet.folder / *name).lexically_normal().string(), digest->text};
  }

  std::vector<Sheet>& sheets_;
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

// A name that is not a recipe's is recorded; empty then.
std::string extended(Sheet& sheet, const Node& node, std::size_t depth) {
  const std::string name = node.text;
  const bool with_control =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (node.kind != Node::Kind::scalar || name.empty() || name.find('/') != std::string::npos ||
      name.front() == '.' || with_control)
    sheet.reader.mistake(node.mark,
                         "'extends' names another recipe: its folder beside this one, or where images are");
  else if (depth == deepest_chain)
    sheet.reader.mistake(node.mark, "too long a chain of 'extends', or one that leads back to itself",
                         fmt::format("at most {} recipes, each extending the next", deepest_chain));
  else
    return name;
  return {};
}

// The recipe first, then what it extends, and what that extends ... An error only where the recipe itself
// cannot be read; what is wrong with the others is recorded.
Result<std::vector<Sheet>> read_chain(const fs::path& folder, const std::vector<fs::path>& elsewhere) {
  std::vector<Sheet> sheets;
  auto own = read_sheet(folder);
  if (!own) return fail(own.error());
  sheets.push_back(std::move(*own));
  while (const Node* base = sheets.back().root.find("extends")) {
    const std::string name = extended(sheets.back(), *base, sheets.size());
    if (name.empty()) break;
    auto sheet = read_sheet(find_base(sheets.back().folder.parent_path(), elsewhere, name));
    if (!sheet) {
      sheets.back().reader.mistake(
          base->mark, fmt::format("cannot extend '{}': {}", printable(name, 80), sheet.error().text()));
      break;
    }
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
  if (problem)
    return lab_error(fmt::format("cannot read the recipe: {}", problem.message()), folder.string());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    const std::string name = path.lexically_relative(folder).generic_string();
    if (name == "image.yaml" || path.extension() == ".md") continue;
    // A vendor's disk counts by the digest that the recipe gives, without reading a gigabyte for every look.
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

void fill_disk(Recipe& recipe, const Words& words) {
  constexpr std::uint64_t least = 1ull << 30, most = 1ull << 40, step = 1u << 20;
  const auto said = words.required("disk");
  if (!said) return;
  recipe.disk_size = said.sheet->reader.size(*said.node, "disk", least, most).value_or(0);
  if (recipe.disk_size % step != 0) said.wrong("disk: a whole number of MiB");
}

void fill_builder(Recipe& recipe, const Words& words, const std::vector<Sheet>& sheets) {
  const auto said = words.required("build");
  const std::string name = words.text(said, "build");
  if (name.empty()) return;
  for (const auto& sheet : sheets)
    if (std::error_code none; recipe.builder.empty() && fs::is_regular_file(sheet.folder / name, none))
      recipe.builder = fs::absolute(sheet.folder / name);
  if (recipe.builder.empty())
    said.wrong(fmt::format("there is no file '{}' beside the recipe", printable(name)));
}

// What a guest is made of: a vendor's disk, or Debian's packages. A guest of another system may be made of
// Debian's packages all the same.
void fill_origin(Recipe& recipe, const Words& words) {
  recipe.import = words.import();
  recipe.install = words.install();
  recipe.packages = words.packages();
  const bool packages = recipe.os != "windows" && !words.find("import");
  const auto one = [&](const char* key) { return packages ? words.required(key) : words.find(key); };
  if (packages || recipe.os == "windows") {
    recipe.suite = words.word(one("suite"), "suite");
    recipe.kernel_package = words.word(one("kernel"), "kernel");
  }
  if (packages && !recipe.install.empty())
    words.find("install").wrong("'install' is for a disk that is imported",
                                "a recipe of packages names them in its customize, or not at all");
  if (!recipe.packages.empty() && recipe.install.empty())
    words.find("packages")
        .wrong("'packages' are taken from the files of 'install', and there are none",
               "labctl image import NAME FILE ... --install PACKAGE --packages-from SOURCES");
}

void fill(Recipe& recipe, std::vector<Sheet>& sheets) {
  const Words words(sheets);
  if (const auto said = words.required("os"))
    recipe.os = said.sheet->reader.choice(*said.node, "os", {"linux", "windows"}) == 1 ? "windows" : "linux";
  // What a recipe inherits would be another image's description.
  if (words.find("summary").sheet == &sheets.front())
    recipe.summary = words.text(words.find("summary"), "summary");
  else if (!yaml::Reader::has(sheets.front().root, "summary"))
    words.missing("the recipe has no 'summary' of its own");
  fill_origin(recipe, words);
  fill_disk(recipe, words);
  fill_builder(recipe, words, sheets);
  words.add_needs("needs", false, recipe.needs);
  words.add_needs("needs_files", false, recipe.needs);
  words.add_needs("needs_as_user", true, recipe.needs);
}

}  // namespace

Result<std::optional<Recipe>> read_recipe(const fs::path& folder, const std::vector<fs::path>& elsewhere) {
  auto sheets = read_chain(folder, elsewhere);
  if (!sheets) return fail(sheets.error());
  const Node* word = sheets->front().root.find("template");
  const bool is_template = word && word->text == "true";
  Recipe recipe;
  recipe.name = fs::absolute(folder).lexically_normal().filename().string();
  recipe.folder = folder;
  if (!is_template) fill(recipe, *sheets);
  if (auto good = without_mistakes(*sheets); !good) return fail(good.error());
  if (is_template) return std::optional<Recipe>();
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
  if (!recipe.packages.empty()) said["packages"] = recipe.packages;
  recipe.key = sha256(dump_line(said));
  return std::optional(std::move(recipe));
}

}  // namespace labctl::image
