// guest: how one operating system takes the candidate, and how it proves that it has it.

#include <algorithm>
#include <cctype>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

const std::vector<std::string> kinds = {"deb", "rpm", "kmod", "script"};

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '_');
  });
}

// The kernel knows a module by '_' whatever the author writes, and keeps 55 bytes of its name.
std::optional<std::string> module_name(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  if (text.size() > 55 || !is_word(text)) return std::nullopt;
  return text;
}

// "build/my-sensor.ko.xz" -> "my-sensor"
std::string file_stem(const std::string& path) {
  std::string stem = path.substr(path.find_last_of('/') + 1);
  for (const std::string suffix : {".xz", ".zst", ".gz", ".ko"}) {
    if (stem.size() > suffix.size() && stem.ends_with(suffix)) stem.resize(stem.size() - suffix.size());
  }
  return stem;
}

class GuestReader {
 public:
  GuestReader(Reader& reader, const Scenario& scenario) : reader_(reader), scenario_(scenario) {}

  Guest read(const Node& node) {
    Guest guest;
    const bool is_map =
        reader_.map(node, what_, {{"driver", Need::required}, {"content"}, {"exercise"}, {"proof"}});
    if (!is_map) return guest;
    if (const Node* proof = node.find("proof")) guest.proof = read_proofs(*proof);
    if (const Node* exercise = node.find("exercise"))
      guest.exercise = reader_.texts(*exercise, what_ + ".exercise");
    if (const Node* driver = node.find("driver")) read_driver(*driver, guest, node.find("proof") != nullptr);
    const Node* content = node.find("content");
    if (content && scenario_.contents.empty()) {
      reader_.mistake(content->mark, what_ + ".content: there is no candidate.content");
    } else if (content) {
      guest.content = read_content(*content);
    } else if (!scenario_.contents.empty()) {
      reader_.mistake(node.mark, what_ + " has no 'content', but candidate.content is given",
                      "say where it goes: content: {path: /..., apply: COMMAND}");
    }
    return guest;
  }

 private:
  void read_driver(const Node& node, Guest& guest, bool has_proof) {
    const std::string what = what_ + ".driver";
    if (!reader_.map(node, what,
                     {{"kind", Need::required, "one of deb, rpm, kmod, script"},
                      {"module"},
                      {"options"},
                      {"install"},
                      {"remove"}}))
      return;
    Driver& driver = guest.driver;
    const Node* kind = node.find("kind");
    const auto index = kind ? reader_.choice(*kind, what + ".kind", kinds) : std::nullopt;
    if (const Node* module = node.find("module")) driver.module = read_module(*module, what + ".module");
    if (const Node* options = node.find("options"))
      driver.options = read_options(*options, what + ".options");
    if (const Node* install = node.find("install")) driver.install = command(*install, what + ".install");
    if (const Node* remove = node.find("remove")) driver.remove = command(*remove, what + ".remove");
    if (!index) return;  // which keys belong here is known only with the kind

    driver.kind = static_cast<DriverKind>(*index);
    const bool script = driver.kind == DriverKind::script;
    for (const char* key : {"install", "remove"}) {
      if (!script) only_for(node, what, key, "script");
    }
    if (driver.kind != DriverKind::kmod) only_for(node, what, "options", "kmod");
    if (script && !Reader::has(node, "install")) {
      reader_.mistake(node.mark, what + " has no 'install', which kind script needs",
                      "the artefact's path in the guest is $LABCTL_DRIVER");
    }
    if (Reader::has(node, "module")) return;
    if (driver.kind == DriverKind::kmod) {
      driver.module = default_module(node.mark, what);
    } else if (!script) {
      reader_.mistake(node.mark, what + " has no 'module'",
                      "name the kernel module that must be loaded after each boot");
    } else if (!has_proof) {
      reader_.mistake(node.mark,
                      what + " has no 'module' and there is no proof: nothing would show that it is loaded",
                      "add a module or " + what_ + ".proof");
    }
  }

  void only_for(const Node& node, const std::string& what, const char* key, const char* kind) {
    for (const Key& written : node.keys) {
      if (written.text != key) continue;
      reader_.mistake(written.mark, what + ": '" + key + "' is only for kind " + kind);
      return;
    }
  }

  std::string read_module(const Node& node, const std::string& what) {
    const auto text = reader_.one_line(node, what);
    if (!text) return "";
    if (const auto name = module_name(*text)) return *name;
    reader_.mistake(node.mark, what + ": " + quoted(*text) + " is not a module name",
                    "letters, digits, '_' and '-', at most 55, without .ko");
    return "";
  }

  std::string default_module(Mark mark, const std::string& what) {
    std::string first;
    bool differ = false;
    for (const Artefact& artefact : scenario_.drivers) {
      if (artefact.path.empty()) return "";  // told already
      const std::string stem = file_stem(artefact.path);
      const auto name = module_name(stem);
      if (!name) {
        reader_.mistake(mark, what + " has no 'module', and the file name " + quoted(stem) + " is not one");
        return "";
      }
      differ |= !first.empty() && first != *name;
      first = *name;
    }
    return differ ? "" : first;  // a cell's own file names its module then
  }

  std::vector<std::string> read_options(const Node& node, const std::string& what) {
    auto options = reader_.texts(node, what);
    for (const std::string& option : options) {
      std::string name = option.substr(0, option.find('='));
      std::replace(name.begin(), name.end(), '-', '_');
      std::replace(name.begin(), name.end(), '.', '_');
      if (!is_word(name) || option.find_first_of("\n\t") != std::string::npos) {
        reader_.mistake(node.mark, what + ": " + quoted(option) + " is not a module parameter",
                        "write name=value");
      }
    }
    return options;
  }

  Content read_content(const Node& node) {
    const std::string what = what_ + ".content";
    Content content;
    if (!reader_.map(node, what, {{"path", Need::required}, {"apply"}})) return content;
    if (const Node* path = node.find("path")) {
      const auto text = reader_.one_line(*path, what + ".path");
      if (text) content.path = guest_path(*text, path->mark, what + ".path");
    }
    if (const Node* apply = node.find("apply")) content.apply = command(*apply, what + ".apply");
    return content;
  }

  std::string guest_path(const std::string& text, Mark mark, const std::string& what) {
    if (text.front() != '/') {
      reader_.mistake(mark, what + ": " + quoted(text) + " is not an absolute path in the guest");
    } else if (text.back() == '/' || text.ends_with("/.")) {
      reader_.mistake(mark, what + ": " + quoted(text) + " is a directory, a file is wanted");
    } else if ((text + "/").find("/../") != std::string::npos) {
      reader_.mistake(mark, what + ": " + quoted(text) + " must not contain '..'");
    } else if (text.size() > 1024) {
      reader_.mistake(mark, what + " is longer than 1024 bytes");
    }
    return text;
  }

  std::string command(const Node& node, const std::string& what, unsigned later = nothing_later) {
    const auto text = reader_.text(node, what, later);
    if (!text) return "";
    if (trim(*text).empty()) reader_.mistake(node.mark, what + " is empty");
    return *text;
  }

  std::vector<Proof> read_proofs(const Node& node) {
    const std::string what = what_ + ".proof";
    // Without content, its digest and path mean nothing; the reader says so.
    const unsigned later = driver_later | (scenario_.contents.empty() ? 0u : content_later);
    std::vector<Proof> proofs;
    if (!reader_.list(node, what)) return proofs;
    for (const Node& item : node.items) {
      if (!reader_.map(item, what, {{"run", Need::required}, {"prints"}, {"exit"}})) continue;
      Proof proof;
      if (const Node* run = item.find("run")) proof.run = command(*run, what + ".run", later);
      if (const Node* prints = item.find("prints"))
        proof.prints = reader_.text(*prints, what + ".prints", later);
      if (const Node* code = item.find("exit")) {
        proof.exit_code = reader_.integer(*code, what + ".exit", 0, 255).value_or(0);
      }
      proofs.push_back(std::move(proof));
    }
    return proofs;
  }

  Reader& reader_;
  const Scenario& scenario_;
  const std::string what_ = "guest.linux";
};

}  // namespace

std::string module_of_file(const std::string& path) { return module_name(file_stem(path)).value_or(""); }

void read_guest(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("guest");
  if (!node || !reader.map(*node, "guest", {{"linux", Need::required}})) return;
  if (const Node* linux_node = node->find("linux"))
    scenario.linux_guest = GuestReader(reader, scenario).read(*linux_node);
}

const char* to_string(DriverKind kind) {
  switch (kind) {
    case DriverKind::deb:
      return "deb";
    case DriverKind::rpm:
      return "rpm";
    case DriverKind::kmod:
      return "kmod";
    case DriverKind::script:
      return "script";
  }
  return "";
}

}  // namespace labctl::scenario
