#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

const std::vector<std::string> damages = {"truncated", "empty", "zero", "flipped", "oversized"};

class ArtifactReader {
 public:
  ArtifactReader(Reader& reader, std::string what) : reader_(reader), what_(std::move(what)) {}

  std::vector<Artifact> read(const Node& node) {
    if (!reader_.names(node, what_)) return {};
    std::vector<Artifact> artifacts;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      check_label(node.keys[i], what_, reader_);
      artifacts.push_back(files(node.keys[i].text, node.items[i]));
    }
    return artifacts;
  }

  // Contents may also be {path: FILE, refusal: allowed} and {of: LABEL, how: DAMAGE or a list of them},
  // where the content is a folder with file: NAME or a list of them.
  void read_contents(const Node& node, Scenario& scenario) {
    if (!reader_.names(node, what_)) return;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      check_label(node.keys[i], what_, reader_);
      const Node& item = node.items[i];
      if (item.kind != Node::Kind::map)
        scenario.contents.push_back(file(node.keys[i].text, item));
      else if (!item.find("of"))
        scenario.contents.push_back(refusable(node.keys[i].text, item));
    }
    for (std::size_t i = 0; i < node.items.size(); ++i)
      if (node.items[i].kind == Node::Kind::map && node.items[i].find("of"))
        damaged(node.keys[i].text, node.items[i], scenario);
  }

 private:
  std::string place(const std::string& label) const { return what_ + "." + printable(label, 60); }

  // An artifact whose path is wrong is still known by its label: one mistake must not cause others.
  Artifact file(const std::string& label, const Node& node, unsigned later = image_later) {
    const auto path = reader_.one_line(node, place(label), later);
    return {.label = label, .path = path.value_or(""), .mark = node.mark};
  }

  // A driver's value may be a list: files that are installed together.
  Artifact files(const std::string& label, const Node& node) {
    constexpr unsigned later = image_later | kernel_later;
    if (node.kind != Node::Kind::list) return file(label, node, later);
    Artifact artifact{.label = label, .path = {}, .mark = node.mark};
    if (!reader_.list(node, place(label))) return artifact;
    for (const Node& item : node.items) {
      const auto path = reader_.one_line(item, place(label), later);
      if (!path) continue;
      if (*path == artifact.path ||
          std::find(artifact.with.begin(), artifact.with.end(), *path) != artifact.with.end())
        reader_.mistake(item.mark, fmt::format("{}: {} is here twice", place(label), quoted(*path)));
      else if (artifact.path.empty())
        artifact.path = *path;
      else
        artifact.with.push_back(*path);
    }
    return artifact;
  }

  Artifact refusable(const std::string& label, const Node& node) {
    Artifact artifact{.label = label, .path = {}, .mark = node.mark};
    if (!reader_.map(node, place(label),
                     {{"path", Need::required, "or damage another content: {of: LABEL, how: truncated}"},
                      {"refusal"}}))
      return artifact;
    if (const Node* path = node.find("path"))
      artifact.path = reader_.one_line(*path, place(label) + ".path", image_later).value_or("");
    if (const Node* refusal = node.find("refusal"))
      artifact.may_be_refused =
          reader_.choice(*refusal, place(label) + ".refusal", {"fails", "allowed"}).value_or(0) == 1;
    if (artifact.may_be_refused) must_not_be_published(label, node.mark);
    return artifact;
  }

  // A gate that opens for what the driver refuses would prove nothing of it.
  void must_not_be_published(const std::string& label, Mark mark) {
    if (label == "candidate")
      reader_.mistake(
          mark, fmt::format("{}: what is to be published may be neither refused nor damaged", place(label)),
          "give this content another label");
  }

  void damaged(const std::string& label, const Node& node, Scenario& scenario) {
    const std::string what = place(label);
    must_not_be_published(label, node.mark);
    if (!reader_.map(node, what,
                     {{"of", Need::required},
                      {"how", Need::required, "how: truncated, empty, zero, flipped or oversized"},
                      {"file"}}))
      return;
    const auto of = reader_.one_line(*node.find("of"), what + ".of");
    std::vector<Artifact> files = scenario.contents;
    std::erase_if(files, [](const Artifact& artifact) { return artifact.damage != Damage::none; });
    const auto origin = std::find_if(files.begin(), files.end(),
                                     [&](const Artifact& artifact) { return of && artifact.label == *of; });
    if (of && origin == files.end())
      reader_.mistake(node.find("of")->mark,
                      fmt::format("{}.of: {} has no file {}", what, what_, quoted(*of)),
                      suggest(*of, labels(files), "name a content that is a file"));
    const Artifact from = origin == files.end() ? Artifact{} : *origin;
    const Node* how = node.find("how");
    if (!how) return;
    const bool several = how->kind == Node::Kind::list;
    if (several && !reader_.list(*how, what + ".how")) return;
    const auto files_damaged = damaged_files(node, what);
    auto& group = scenario.content_groups[label];
    for (const Node& item : several ? how->items : std::vector{*how}) {
      const auto word = reader_.choice(item, what + ".how", damages);
      for (const std::string& damaged_file : files_damaged) {
        const std::string own =
            label + (several && word ? "-" + damages[*word] : "") + in_label(damaged_file);
        const auto known = labels(scenario.contents);
        if (std::find(known.begin(), known.end(), own) != known.end()) {
          reader_.mistake(item.mark, fmt::format("{}: {} is here twice", what, quoted(own)));
          continue;
        }
        group.push_back(own);
        scenario.contents.push_back({.label = own,
                                     .path = from.path,
                                     .mark = item.mark,
                                     .damage = word ? static_cast<Damage>(*word + 1) : Damage::none,
                                     .may_be_refused = true,
                                     .damaged_file = damaged_file});
      }
    }
  }

  // Of a folder; one empty name where none is given.
  std::vector<std::string> damaged_files(const Node& node, const std::string& what) {
    const Node* file = node.find("file");
    if (!file) return {""};
    std::vector<std::string> names =
        file->kind == Node::Kind::list ? reader_.texts(*file, what + ".file") : std::vector<std::string>{};
    if (file->kind != Node::Kind::list)
      if (auto name = reader_.one_line(*file, what + ".file")) names.push_back(std::move(*name));
    for (const std::string& name : names)
      if (!is_file_of_folder(name))
        reader_.mistake(file->mark,
                        fmt::format("{}.file: {} names no file below a folder", what, quoted(name)),
                        "its path in the folder, with '/' between: x/y.bin");
    return names;
  }

  // "-x-y.bin": its end, as a label can have it.
  static std::string in_label(const std::string& file) {
    constexpr std::size_t longest = longest_made_label - longest_label - 11;  // beside "-oversized-"
    std::string text = file;
    for (char& c : text)
      if (!is_label(std::string(1, c)) && c != '.' && c != '-') c = '-';
    if (text.size() > longest) text = text.substr(text.size() - longest);
    text.erase(0, std::min(text.find_first_not_of("-."), text.size()));
    while (text.ends_with('-') || text.ends_with('.')) text.pop_back();
    return file.empty() ? "" : "-" + (text.empty() ? "file" : text);
  }

  Reader& reader_;
  std::string what_;
};

}  // namespace

bool check_label(const Key& key, const std::string& what, Reader& reader) {
  if (is_label(key.text)) return true;
  reader.mistake(key.mark, fmt::format("{}: {} is not a label", what, quoted(key.text)),
                 "letters, digits, '_' and inside also '.' and '-', at most 40 characters");
  return false;
}

std::vector<std::string> labels(const std::vector<Artifact>& artifacts) {
  std::vector<std::string> names;
  for (const Artifact& artifact : artifacts) names.push_back(artifact.label);
  return names;
}

void read_candidate(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("candidate");
  if (!node || !reader.map(*node, "candidate", {{"driver", Need::required}, {"content"}})) return;
  if (const Node* driver = node->find("driver")) {
    scenario.drivers = ArtifactReader(reader, "candidate.driver").read(*driver);
    const auto known = labels(scenario.drivers);
    if (!known.empty() && std::find(known.begin(), known.end(), "candidate") == known.end()) {
      reader.mistake(driver->mark, "candidate.driver has no 'candidate'",
                     did_you_mean("candidate", known)
                         ? fmt::format("rename {}", quoted(*did_you_mean("candidate", known)))
                         : "name the driver under test: {candidate: PATH}");
    }
  }
  if (const Node* content = node->find("content"))
    ArtifactReader(reader, "candidate.content").read_contents(*content, scenario);
}

const char* to_string(Damage damage) {
  return damage == Damage::none ? "none" : damages[static_cast<std::size_t>(damage) - 1].c_str();
}

std::string damaged_name(const std::string& path, Damage damage, const std::string& file) {
  return damage == Damage::none ? path
                                : path + " (" + (file.empty() ? "" : file + " ") + to_string(damage) + ")";
}

}  // namespace labctl::scenario
