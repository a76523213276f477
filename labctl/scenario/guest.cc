// guest: how one operating system takes the candidate, and how it proves that it has it.

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

// What differs between the systems in how an author writes of them.
struct Dialect {
  Os os;
  const char* key;  // of `guest`
  std::vector<DriverKind> kinds;
  const char* module;  // what the key for it is called
  const char* what_it_is;
  const char* artifact;  // the variable with its path
  const char* a_path;
};
const Dialect dialects[] = {
    {Os::linux_,
     "linux",
     {DriverKind::deb, DriverKind::rpm, DriverKind::kmod, DriverKind::dkms, DriverKind::script},
     "module",
     "kernel module",
     "$LABCTL_DRIVER",
     "/..."},
    {Os::windows,
     "windows",
     {DriverKind::inf, DriverKind::service, DriverKind::msi, DriverKind::script},
     "service",
     "service",
     "$env:LABCTL_DRIVER",
     "C:\\..."},
};

const std::vector<std::string> starts = {"boot", "system", "auto"};
const std::vector<std::string> loads_words = {"at-install", "at-boot", "on-use"};
const std::vector<std::string> verifiers = {"off", "standard", "low-resources", "code-integrity", "full"};

class GuestReader {
 public:
  GuestReader(Reader& reader, const Scenario& scenario, const Dialect& dialect)
      : reader_(reader), scenario_(scenario), dialect_(dialect) {}

  Guest read(const Node& node) {
    Guest guest{.os = dialect_.os};
    const bool is_map =
        windows()
            ? reader_.map(node, what_,
                          {{"driver", Need::required}, {"content"}, {"exercise"}, {"proof"}, {"verifier"}})
            : reader_.map(node, what_,
                          {{"driver", Need::required}, {"content"}, {"exercise"}, {"proof"}, {"background"}});
    if (!is_map) return guest;
    if (const Node* verifier = node.find("verifier"))
      if (const auto index = reader_.choice(*verifier, what_ + ".verifier", verifiers))
        guest.verifier = static_cast<Verifier>(*index);
    if (const Node* proof = node.find("proof")) guest.proof = read_proofs(*proof);
    if (const Node* exercise = node.find("exercise"))
      guest.exercise = read_commands(*exercise, what_ + ".exercise");
    if (const Node* background = node.find("background"); background && !windows())
      guest.background = read_background(*background, what_ + ".background", reader_);
    if (const Node* driver = node.find("driver")) read_driver(*driver, guest, node.find("proof") != nullptr);
    const Node* content = node.find("content");
    if (content && scenario_.contents.empty()) {
      reader_.mistake(content->mark, fmt::format("{}.content: there is no candidate.content", what_));
    } else if (content) {
      guest.content = read_content(*content);
      check_damage(guest.content->is_folder());
      if (guest.content->unproved.empty() && !node.find("proof")) needs_proof(*content);
    } else if (!scenario_.contents.empty()) {
      reader_.mistake(
          node.mark, fmt::format("{} has no 'content', but candidate.content is given", what_),
          fmt::format("say where it goes: content: {{path: {}, apply: COMMAND}}", dialect_.a_path));
    }
    return guest;
  }

 private:
  bool windows() const { return dialect_.os == Os::windows; }

  void read_driver(const Node& node, Guest& guest, bool has_proof) {
    const std::string what = what_ + ".driver";
    if (!is_driver(node, what)) return;
    Driver& driver = guest.driver;
    const Node* kind = node.find("kind");
    const auto index = kind ? reader_.choice(*kind, what + ".kind", kinds()) : std::nullopt;
    const std::string module_key = dialect_.module, modules_key = module_key + "s";
    for (const Node* modules : one_or_several(node, what, dialect_.module))
      driver.modules =
          read_modules(*modules, what + "." + (modules->kind == Node::Kind::list ? modules_key : module_key));
    if (const Node* options = node.find("options"))
      driver.options = read_options(*options, what + ".options");
    if (const Node* install = node.find("install")) driver.install = command(*install, what + ".install");
    if (const Node* remove = node.find("remove")) driver.remove = command(*remove, what + ".remove");
    if (const Node* loads = node.find("loads"))
      if (const auto when = reader_.choice(*loads, what + ".loads", loads_words))
        driver.loads = static_cast<Loads>(*when);
    if (driver.loads == Loads::on_use && guest.exercise.empty())
      reader_.mistake(node.find("loads")->mark,
                      fmt::format("{}.loads: on-use, and there is no exercise that uses it", what),
                      fmt::format("add {}.exercise", what_));
    if (!windows())
      for (const Node* service : one_or_several(node, what, "service"))
        driver.services = read_units(*service, what + ".service");
    if (const Node* bpf = node.find("bpf")) driver.bpf = read_bpf(*bpf, what + ".bpf", reader_);
    if (const Node* limit = node.find("within")) driver.within = read_within(*limit, what, reader_);
    if (!index) return;  // which keys belong here is known only with the kind

    driver.kind = dialect_.kinds[*index];
    const bool script = driver.kind == DriverKind::script;
    for (const char* key : {"install", "remove"}) {
      if (!script) only_for(node, what, key, "script");
    }
    if (driver.kind == DriverKind::kmod || driver.kind == DriverKind::dkms)
      only_for(node, what, "bpf", "deb, rpm and script");
    if (windows())
      read_windows_driver(node, what, driver);
    else if (driver.kind != DriverKind::kmod)
      only_for(node, what, "options", "kmod");
    if (script && !Reader::has(node, "install")) {
      reader_.mistake(node.mark, fmt::format("{} has no 'install', which kind script needs", what),
                      fmt::format("the artifact's path in the guest is {}", dialect_.artifact));
    }
    if (driver.kind == DriverKind::kmod) {
      if (!Reader::has(node, module_key) && !Reader::has(node, modules_key))
        driver.modules = modules_of_files(scenario_, node.mark, what, reader_);
      check_options(node, what, driver, reader_);
    }
    check_files(scenario_, node, what, guest, reader_);
    check_shown(node, what, driver, has_proof);
  }

  // Something of it must be seen in each boot.
  void check_shown(const Node& node, const std::string& what, const Driver& driver, bool has_proof) {
    const std::string module_key = dialect_.module;
    const bool named = Reader::has(node, module_key) || Reader::has(node, module_key + "s");
    if (driver.kind == DriverKind::kmod || named || !driver.services.empty() || !driver.bpf.empty()) return;
    if (driver.kind != DriverKind::script) {
      reader_.mistake(
          node.mark, fmt::format("{} has no '{}'", what, module_key),
          fmt::format("name the {} that must be loaded after each boot{}", dialect_.what_it_is,
                      windows() ? "" : ", or the services or BPF programs of a candidate without one"));
    } else if (!has_proof) {
      reader_.mistake(
          node.mark,
          fmt::format("{} has no '{}' and there is no proof: nothing would show that it is loaded", what,
                      module_key),
          fmt::format("add a {} or {}.proof", module_key, what_));
    }
  }

  bool is_driver(const Node& node, const std::string& what) {
    if (windows())
      return reader_.map(node, what,
                         {{"kind", Need::required, "one of inf, service, msi, script"},
                          {"service"},
                          {"services"},
                          {"start"},
                          {"certificate"},
                          {"filter"},
                          {"install"},
                          {"remove"},
                          {"loads"},
                          {"within"}});
    return reader_.map(node, what,
                       {{"kind", Need::required, "one of deb, rpm, kmod, dkms, script"},
                        {"module"},
                        {"modules"},
                        {"service"},
                        {"services"},
                        {"bpf"},
                        {"options"},
                        {"install"},
                        {"remove"},
                        {"loads"},
                        {"within"}});
  }

  void read_windows_driver(const Node& node, const std::string& what, Driver& driver) {
    if (driver.kind != DriverKind::service) only_for(node, what, "start", "service");
    if (driver.kind != DriverKind::inf) only_for(node, what, "certificate", "inf");
    if (driver.kind == DriverKind::service) driver.start = "system";
    if (const Node* start = node.find("start"))
      if (const auto index = reader_.choice(*start, what + ".start", starts)) driver.start = starts[*index];
    if (const Node* filter = node.find("filter")) {
      driver.filter = read_filter(*filter, what + ".filter", reader_);
      if (driver.modules.empty())
        reader_.mistake(filter->mark, fmt::format("{}.filter, and there is no service", what),
                        "name the minifilter's service: the first one is the filter's name");
    }
    if (const Node* certificate = node.find("certificate")) {
      const auto name = reader_.one_line(*certificate, what + ".certificate");
      if (name && !is_package_file(*name))
        reader_.mistake(certificate->mark,
                        fmt::format("{}.certificate: {} is not a file's name", what, quoted(*name)),
                        "name a file in the top folder of the driver's package");
      else if (name)
        driver.certificate = *name;
    }
  }

  std::vector<std::string> kinds() const {
    std::vector<std::string> words;
    for (const DriverKind kind : dialect_.kinds) words.emplace_back(to_string(kind));
    return words;
  }

  std::string read_service(const Node& node, const std::string& what) {
    const auto text = reader_.one_line(node, what);
    if (!text) return "";
    if (is_service_name(*text)) return *text;
    reader_.mistake(node.mark, fmt::format("{}: {} is not a service's name", what, quoted(*text)),
                    "letters, digits, '_', '-' and '.', at most 80, without .sys");
    return "";
  }

  // "module: a" and "modules: [a, b]" say the same thing; both at once say two. What is there comes back.
  std::vector<const Node*> one_or_several(const Node& node, const std::string& what, const std::string& key) {
    const Node *one = node.find(key), *several = node.find(key + "s");
    if (one && several) {
      reader_.mistake(one->mark, fmt::format("{}: '{}' and '{}s' are both given", what, key, key),
                      fmt::format("write all of them as {}s: [A, B]", key));
      return {};
    }
    if (several && several->kind != Node::Kind::list) {
      reader_.mistake(several->mark,
                      fmt::format("{}.{}s: expected a list, found {}", what, key, describe(*several)),
                      fmt::format("write {}s: [A, B], or {}: A for one", key, key));
      return {};
    }
    const Node* given = one ? one : several;
    return given ? std::vector{given} : std::vector<const Node*>{};
  }

  std::vector<std::string> read_modules(const Node& node, const std::string& what) {
    const bool several = node.kind == Node::Kind::list;
    std::vector<std::string> names;
    if (several && !reader_.list(node, what)) return names;
    for (const Node& item : several ? node.items : std::vector{node}) {
      const std::string name = windows() ? read_service(item, what) : read_module(item, what);
      if (name.empty()) continue;  // a mistake that has been added
      if (std::find(names.begin(), names.end(), name) != names.end())
        reader_.mistake(item.mark, fmt::format("{}: {} is here twice", what, quoted(name)));
      else
        names.push_back(name);
    }
    return names;
  }

  // One unit or several. As for systemctl, a name without a type is a service's.
  std::vector<std::string> read_units(const Node& node, const std::string& what) {
    std::vector<std::string> units;
    if (node.kind == Node::Kind::list)
      units = reader_.texts(node, what);
    else if (const auto text = reader_.one_line(node, what))
      units = {*text};
    for (std::string& unit : units) {
      if (!is_unit_name(unit)) unit += ".service";
      if (!is_unit_name(unit))
        reader_.mistake(
            node.mark,
            fmt::format("{}: {} is not a unit's name", what, quoted(unit.substr(0, unit.rfind('.')))),
            "write it as systemctl prints it: sensord.service");
    }
    return units;
  }

  void only_for(const Node& node, const std::string& what, const char* key, const char* kind) {
    for (const Key& written : node.keys) {
      if (written.text != key) continue;
      reader_.mistake(written.mark, fmt::format("{}: '{}' is only for kind {}", what, key, kind));
      return;
    }
  }

  std::string read_module(const Node& node, const std::string& what) {
    const auto text = reader_.one_line(node, what);
    if (!text) return "";
    if (const auto name = module_name(*text)) return *name;
    reader_.mistake(node.mark, fmt::format("{}: {} is not a module name", what, quoted(*text)),
                    "letters, digits, '_' and '-', at most 55, without .ko");
    return "";
  }

  std::vector<std::string> read_options(const Node& node, const std::string& what) {
    auto options = reader_.texts(node, what);
    for (const std::string& option : options) {
      if (!is_module_option(option)) {
        reader_.mistake(node.mark, fmt::format("{}: {} is not a module parameter", what, quoted(option)),
                        "write name=value");
      }
    }
    return options;
  }

  void needs_proof(const Node& content) {
    if (Reader::has(content, "unproved")) return;  // reported already
    reader_.mistake(
        content.mark,
        fmt::format("{}.content, and there is no proof: nothing would show that the driver uses it", what_),
        fmt::format("add {}.proof: [{{run: COMMAND, prints: \"${{content.sha256}}\"}}] with a command that "
                    "asks the driver, or say why there is none: content: {{unproved: REASON}}",
                    what_));
  }

  // Which bytes are damaged can only be said as the content is.
  void check_damage(bool folder) {
    for (const Artifact& artifact : scenario_.contents) {
      if (artifact.damage == Damage::none || artifact.damaged_file.empty() != folder) continue;
      if (folder)
        reader_.mistake(artifact.mark,
                        fmt::format("candidate.content: which file of the folder is damaged? {}.content.path "
                                    "is a folder",
                                    what_),
                        "add file: NAME, its path in the folder, or a list of them");
      else
        reader_.mistake(artifact.mark,
                        fmt::format("candidate.content: file: is for content that is a folder, and "
                                    "{}.content.path is a file",
                                    what_),
                        "leave file: out");
    }
  }

  Content read_content(const Node& node) {
    const std::string what = what_ + ".content";
    Content content;
    if (!reader_.map(node, what, {{"path", Need::required}, {"apply"}, {"unproved"}})) return content;
    if (const Node* unproved = node.find("unproved"))
      content.unproved = trim(reader_.one_line(*unproved, what + ".unproved").value_or(""));
    if (const Node* path = node.find("path")) {
      const auto text = reader_.one_line(*path, what + ".path");
      if (text) content.path = guest_path(*text, path->mark, what + ".path");
    }
    if (const Node* apply = node.find("apply")) {
      Command told = timed_command(*apply, what + ".apply");
      content.apply = std::move(told.run);
      content.within = told.within;
    }
    return content;
  }

  // Windows takes '/' for '\\', but not in every place: only the one is asked for.
  std::string guest_path(const std::string& text, Mark mark, const std::string& what) {
    const std::string fault = fault_of_content_path(text, windows());
    if (!fault.empty())
      reader_.mistake(mark, what + ": " + quoted(text) + " " + fault,
                      windows() && fault.ends_with("in the guest") ? "write C:\\folder\\file" : "");
    return text;
  }

  std::string command(const Node& node, const std::string& what, unsigned later = nothing_later) {
    const auto text = reader_.text(node, what, later);
    if (!text) return "";
    if (trim(*text).empty()) reader_.mistake(node.mark, fmt::format("{} is empty", what));
    return *text;
  }

  // Its text alone, or with how long it may take.
  Command timed_command(const Node& node, const std::string& what) {
    if (node.kind != Node::Kind::map) return {.run = command(node, what)};
    if (!reader_.map(node, what, {{"run", Need::required}, {"within"}})) return {};
    Command read;
    if (const Node* run = node.find("run")) read.run = command(*run, what + ".run");
    if (const Node* limit = node.find("within")) read.within = read_within(*limit, what, reader_);
    return read;
  }

  std::vector<Command> read_commands(const Node& node, const std::string& what) {
    std::vector<Command> commands;
    if (!reader_.list(node, what)) return commands;
    for (const Node& item : node.items) commands.push_back(timed_command(item, what));
    return commands;
  }

  std::vector<Proof> read_proofs(const Node& node) {
    const std::string what = what_ + ".proof";
    // Without content, its digest and path mean nothing; the reader says so.
    const unsigned later = driver_later | (scenario_.contents.empty() ? 0u : content_later);
    std::vector<Proof> proofs;
    if (!reader_.list(node, what)) return proofs;
    for (const Node& item : node.items) {
      if (!reader_.map(item, what, {{"run", Need::required}, {"prints"}, {"exit"}, {"within"}})) continue;
      Proof proof;
      if (const Node* run = item.find("run")) proof.run = command(*run, what + ".run", later);
      if (const Node* prints = item.find("prints"))
        proof.prints = reader_.text(*prints, what + ".prints", later);
      if (const Node* code = item.find("exit")) {
        proof.exit_code = reader_.integer(*code, what + ".exit", 0, 255).value_or(0);
      }
      if (const Node* limit = item.find("within")) proof.within = read_within(*limit, what, reader_);
      proofs.push_back(std::move(proof));
    }
    return proofs;
  }

  Reader& reader_;
  const Scenario& scenario_;
  const Dialect& dialect_;
  const std::string what_ = std::string("guest.") + dialect_.key;
};

}  // namespace

// One family at a time: its artifacts are of one kind.
void read_guest(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("guest");
  if (!node || !reader.map(*node, "guest", {{"linux"}, {"windows"}})) return;
  for (const Dialect& dialect : dialects) {
    const Node* section = node->find(dialect.key);
    if (!section) continue;
    if (scenario.guest) {
      reader.mistake(section->mark, "guest has both linux and windows",
                     "write one scenario for each: their drivers are other files");
      continue;
    }
    scenario.guest = GuestReader(reader, scenario, dialect).read(*section);
  }
  check_memory_integrity(root, reader, scenario);
  check_machine_keys(reader, scenario);
  const bool meant = Reader::has(*node, "linux") || Reader::has(*node, "windows");
  if (!scenario.guest && !meant)
    reader.mistake(node->mark, "guest has neither 'linux' nor 'windows'",
                   "write guest: {linux: {driver: {kind: deb, module: NAME}}}");
}

bool names_file(const Proof& proof, const Content& content) {
  return proof.run.find("${content.path}") != std::string::npos ||
         (!content.path.empty() && proof.run.find(content.path) != std::string::npos);
}

bool Driver::has(std::string_view module) const {
  return std::find(modules.begin(), modules.end(), module) != modules.end();
}

const char* to_string(Loads loads) { return loads_words[static_cast<std::size_t>(loads)].c_str(); }

// What /standard is on Windows 10 and later is 0x209BB; 0x2000000 are code integrity's checks, 0x600 pending
// requests and the log of them.
std::uint32_t flags_of(Verifier verifier) {
  if (verifier == Verifier::code_integrity) return 0x20209BB;
  return verifier == Verifier::full ? 0x2020FBB : 0;
}

const char* to_string(Verifier verifier) { return verifiers[static_cast<std::size_t>(verifier)].c_str(); }

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
    case DriverKind::inf:
      return "inf";
    case DriverKind::service:
      return "service";
    case DriverKind::msi:
      return "msi";
    case DriverKind::dkms:
      return "dkms";
  }
  return "";
}

}  // namespace labctl::scenario
