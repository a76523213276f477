#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/scenario.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

constexpr std::size_t longest_slug = 64;

void read_policy(const Node& root, Reader& reader, Policy& policy) {
  const Node* node = root.find("policy");
  if (!node || !reader.map(*node, "policy", {{"warnings"}, {"new_errors"}, {"lab_retries"}})) return;
  if (const Node* warnings = node->find("warnings")) {
    policy.warnings_fail = reader.choice(*warnings, "policy.warnings", {"fail", "allow"}).value_or(0) == 0;
  }
  if (const Node* errors = node->find("new_errors")) {
    policy.new_errors_fail = reader.choice(*errors, "policy.new_errors", {"fail", "list"}).value_or(1) == 0;
  }
  if (const Node* retries = node->find("lab_retries")) {
    policy.lab_retries = reader.integer(*retries, "policy.lab_retries", 0, 5).value_or(policy.lab_retries);
  }
}

void read_bisect(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("bisect");
  if (!node ||
      !reader.map(*node, "bisect",
                  {{"records", Need::required, "a command that prints one record of $LABCTL_CONTENT a line"},
                   {"subset", Need::required, "a command that makes $LABCTL_SUBSET of $LABCTL_KEEP"}}))
    return;
  if (scenario.contents.empty())
    reader.mistake(node->mark, "bisect: there is no candidate.content to take apart");
  const auto command = [&](const Node& written, const char* what) {
    auto text = reader.text(written, what);
    if (text && trim(*text).empty()) reader.mistake(written.mark, fmt::format("{} is empty", what));
    return text.value_or("");
  };
  Split split{.mark = node->mark};
  const Node* records = node->find("records");
  if (records && records->kind == Node::Kind::list)
    split.files = reader.texts(*records, "bisect.records");
  else if (records)
    split.records = command(*records, "bisect.records");
  if (const Node* subset = node->find("subset")) split.subset = command(*subset, "bisect.subset");
  // Of a set it finds the file itself; what is a list of records is of one content alone.
  if (!split.files.empty() && scenario.guest && scenario.guest->content &&
      scenario.guest->content->is_folder())
    reader.mistake(node->mark, "bisect.records: a list is of no use where the content is several files",
                   "the files are told apart without it; write a command that prints the records of the one "
                   "file in $LABCTL_CONTENT, or leave bisect out");
  scenario.split = std::move(split);
}

Scenario read_scenario(const Node& root, Reader& reader) {
  Scenario scenario;
  const bool is_map = reader.map(
      root, "",
      {{"labctl", Need::required, "begin with labctl: 1"},
       {"name", Need::required, "write name: my-release"},
       {"candidate", Need::required, "write candidate: {driver: {candidate: PATH}}"},
       {"matrix", Need::required, "write matrix: {image: [IMAGE]}; labctl image list shows the images"},
       {"machine"},
       {"machines"},
       {"guest", Need::required, "write guest: {linux: {driver: {kind: deb, module: NAME}}}"},
       {"story"},
       {"stories"},
       {"signatures"},
       {"settle"},
       {"policy"},
       {"expect"},
       {"bisect"}});
  if (!is_map) return scenario;
  if (const Node* name = root.find("name")) scenario.name = slug_name(*name, "name", reader).value_or("");
  read_candidate(root, reader, scenario);
  read_machines(root, reader, scenario);
  read_story_names(root, reader, scenario);
  read_matrix(root, reader, scenario);
  read_guest(root, reader, scenario);
  read_story(root, reader, scenario);
  if (const Node* settle = root.find("settle")) {
    const auto length = reader.duration(*settle, "settle", std::chrono::seconds(1), std::chrono::hours(1));
    scenario.settle = length.value_or(scenario.settle);
  }
  read_policy(root, reader, scenario.policy);
  read_expect(root, reader, scenario);
  read_bisect(root, reader, scenario);
  if (const Node* file = root.find("signatures")) {
    if (auto path = reader.one_line(*file, "signatures"))
      scenario.signatures = {std::move(*path), file->mark};
  }
  reader.check_variables(root);
  return scenario;
}

}  // namespace

bool readable_version(const Node& root, Reader& reader) {
  const Node* version = root.find("labctl");
  if (!version) return true;  // reported with the other missing keys
  if (version->kind == Node::Kind::scalar && version->text == "1" && version->plain) return true;
  reader.mistake(
      version->mark,
      fmt::format("labctl: this program reads version 1 of the format, found {}", describe(*version)),
      "write labctl: 1");
  return false;
}

Parsed parse(std::string_view text, const std::string& name) {
  return yaml::parse_yaml(text, name, {"a scenario", "a scenario begins with 'labctl: 1'"});
}

Reader reader_of(const std::string& name, const Variables& variables, Parsed& parsed) {
  static constexpr yaml::Reserved reserved[] = {
      {"image", image_later, "in the paths of artifacts"},
      {"kernel", kernel_later, "in the paths of drivers"},
      {"content.sha256", content_later, "in proofs and run steps of a scenario with content"},
      {"content.path", content_later, "in proofs and run steps of a scenario with content"},
      {"driver.sha256", driver_later, "in proofs and run steps"},
  };
  return {name, "the scenario", variables, reserved, std::move(parsed.mistakes)};
}

std::optional<std::string> slug_name(const Node& node, const std::string& what, Reader& reader) {
  auto value = reader.one_line(node, what);
  if (!value || is_slug(*value)) return value;
  const std::string better = value->size() <= longest_slug ? slug(trim(*value)) : "";
  reader.mistake(node.mark,
                 fmt::format("{}: {} must be a-z, 0-9 with single '.' or '-' between, at most 64 characters",
                             what, quoted(*value)),
                 is_slug(better) ? fmt::format("write {}", better) : "");
  return std::nullopt;
}

Loaded load(std::string_view yaml, const std::string& name, const Variables& variables) {
  Parsed parsed = parse(yaml, name);
  Reader reader = reader_of(name, variables, parsed);
  Loaded loaded;
  if (parsed.root && readable_version(*parsed.root, reader)) {
    Scenario scenario = read_scenario(*parsed.root, reader);
    scenario.source = name;
    scenario.text = yaml;
    if (reader.count() == 0) loaded.scenario = std::move(scenario);
  }
  loaded.mistakes = reader.take_mistakes();
  return loaded;
}

}  // namespace labctl::scenario
