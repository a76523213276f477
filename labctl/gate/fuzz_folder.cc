#include "labctl/gate/fuzz_folder.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"

namespace labctl::gate {
namespace {

constexpr std::uint64_t largest_list = 1u << 30;

Json facts_json(const HuntFacts& facts) {
  return {{"labctl", 1},
          {"cell", facts.cell},
          {"image_sha256", facts.image},
          {"driver_sha256", facts.driver},
          {"content_sha256", facts.content},
          {"seed", facts.seed}};
}

Status same_hunt(const fs::path& file, const HuntFacts& facts) {
  auto text = read_file(file, 1u << 20);
  if (!text) return fail(text.error());
  auto json = parse_json(*text, file.string());
  if (!json) return fail({Fault::input, json.error().what, json.error().where, {}});
  const Json wanted = facts_json(facts);
  for (const auto& [key, value] : wanted.items())
    if (!json->is_object() || !json->contains(key) || (*json)[key] != value)
      return input_error(fmt::format("is of another hunt: its {} differs", key), file.parent_path().string(),
                         "give --corpus another folder");
  return {};
}

Json tried_json(const Tried& tried) {
  Json json{{"n", tried.number}, {"sha256", tried.sha256}, {"how", tried.how}, {"answer", tried.answer}};
  if (tried.is_new) json["new"] = true;
  if (tried.rebooted) json["rebooted"] = true;
  if (tried.parent >= 0) json["parent"] = tried.parent;
  if (tried.maker >= 0) json["maker"] = tried.maker;
  if (!tried.title.empty()) json["title"] = tried.title;
  return json;
}

Tried tried_of(const Json& json) {
  return {.number = number_at(json, "n"),
          .sha256 = text_at(json, "sha256"),
          .how = text_at(json, "how"),
          .answer = text_at(json, "answer"),
          .is_new = flag_at(json, "new"),
          .rebooted = flag_at(json, "rebooted"),
          .parent = static_cast<int>(number_at(json, "parent", -1)),
          .maker = static_cast<int>(number_at(json, "maker", -1)),
          .title = text_at(json, "title")};
}

Json crash_json(const FuzzCrash& crash) {
  return {{"labctl", 1},
          {"title", crash.title},
          {"how", crash.how},
          {"content_sha256", crash.content_sha256},
          {"at_boot", crash.at_boot},
          {"by_apply", crash.by_apply},
          {"confirmed", crash.confirmed},
          {"minimised", crash.minimised},
          {"excerpt", crash.excerpt}};
}

FuzzCrash crash_of(const Json& json, fs::path folder) {
  return {.title = text_at(json, "title"),
          .how = text_at(json, "how"),
          .excerpt = text_at(json, "excerpt"),
          .content_sha256 = text_at(json, "content_sha256"),
          .at_boot = flag_at(json, "at_boot"),
          .by_apply = flag_at(json, "by_apply", true),
          .confirmed = static_cast<int>(number_at(json, "confirmed", -1)),
          .minimised = text_at(json, "minimised"),
          .folder = std::move(folder)};
}

// A line that was cut off by a kill is no line.
Status cut_torn_line(const fs::path& file) {
  std::error_code none;
  if (!fs::exists(file, none)) return {};
  auto text = read_file(file, largest_list);
  if (!text) return fail(text.error());
  if (text->empty() || text->back() == '\n') return {};
  return write_file(file, text->substr(0, text->rfind('\n') + 1));
}

}  // namespace

Result<FuzzFolder> FuzzFolder::open(const fs::path& root, const HuntFacts& facts) {
  std::error_code none;
  const fs::path file = root / "hunt.json";
  if (fs::exists(root, none) && !fs::exists(file, none) && !fs::is_empty(root, none))
    return input_error("is not empty and holds no hunt", root.string(), "give --corpus a new folder");
  for (const char* part : {"corpus", "crashes"})
    if (auto made = make_dirs(root / part); !made) return fail(made.error());
  auto lock = Lock::try_take(root / ".lock");
  if (!lock) return because(lock.error(), "another hunt is at work in this folder");
  if (!fs::exists(file, none)) {
    if (auto written = write_file(file, dump_pretty(facts_json(facts)) + "\n"); !written)
      return fail(written.error());
  } else if (auto same = same_hunt(file, facts); !same) {
    return fail(same.error());
  }
  if (auto cut = cut_torn_line(root / "tried.jsonl"); !cut) return fail(cut.error());
  auto lines = Appender::open(root / "tried.jsonl");
  if (!lines) return fail(lines.error());
  FuzzFolder folder(root, std::move(*lock), std::move(*lines));
  if (auto read = folder.read(); !read) return fail(read.error());
  return folder;
}

Status FuzzFolder::read() {
  const fs::path lines = root_ / "tried.jsonl";
  auto text = read_file(lines, largest_list);
  if (!text) return fail(text.error());
  for (const auto& line : split(*text, '\n')) {
    if (line.empty()) continue;
    auto json = parse_json(line, lines.string());
    if (!json || !json->is_object() || !is_sha256(text_at(*json, "sha256")))
      return input_error("has a line that is none of a hunt's", lines.string(), "give --corpus a new folder");
    tried_.push_back(tried_of(*json));
  }
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(root_ / "crashes", problem)) {
    auto found = read_file(entry.path() / "found.json", 1u << 20);
    if (!found) continue;  // killed before it was whole: its content is tried again
    auto json = parse_json(*found, entry.path().string());
    if (json && json->is_object()) crashes_.push_back(crash_of(*json, entry.path()));
  }
  std::sort(crashes_.begin(), crashes_.end(),
            [](const auto& a, const auto& b) { return a.folder < b.folder; });
  return {};
}

Result<std::string> FuzzFolder::kept(const std::string& sha256) const {
  return read_file(root_ / "corpus" / sha256);
}

Status FuzzFolder::keep(const std::string& sha256, const std::string& bytes) const {
  return write_file(root_ / "corpus" / sha256, bytes);
}

Status FuzzFolder::add(const Tried& tried) { return lines_.write(dump_line(tried_json(tried)) + "\n"); }

Status FuzzFolder::add(FuzzCrash& crash, const std::string& content, const std::string& console) const {
  std::string name = slug(crash.title);
  name.erase(std::unique(name.begin(), name.end(), [](char a, char b) { return a == '-' && b == '-'; }),
             name.end());
  name = name.substr(0, 60) + "-" + crash.content_sha256.substr(0, 8);
  crash.folder = root_ / "crashes" / name;
  if (auto made = make_dirs(crash.folder); !made) return made;
  if (auto written = write_file(crash.folder / "content.bin", content); !written) return written;
  if (auto written = write_file(crash.folder / "console.txt", console); !written) return written;
  return update(crash);  // last: with it the crash is whole
}

Status FuzzFolder::update(const FuzzCrash& crash) const {
  return write_file(crash.folder / "found.json", dump_pretty(crash_json(crash)) + "\n");
}

}  // namespace labctl::gate
