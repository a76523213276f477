// labctl init: a first scenario for a driver's package.

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/lab/modules.h"
#include "labctl/report/words.h"
#include "labctl/scenario/starter.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct InitOptions {
  std::string driver, out, module;
};

Result<scenario::DriverKind> kind_of(const std::string& file) {
  const auto ends = [&](const char* end) { return std::string_view(file).ends_with(end); };
  if (ends(".deb")) return scenario::DriverKind::deb;
  if (ends(".rpm")) return scenario::DriverKind::rpm;
  for (const char* end : {".ko", ".ko.xz", ".ko.zst", ".ko.gz"})
    if (ends(end)) return scenario::DriverKind::kmod;
  for (const char* end : {".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2"})
    if (ends(end)) return scenario::DriverKind::script;
  return input_error(
      "is not a .deb, .rpm, .ko or .tar", file,
      "for an installer of another kind, or for Windows, begin with a scenario of the examples; content "
      "belongs to a driver: candidate.content of its scenario");
}

Error no_module(const std::string& file, scenario::DriverKind kind) {
  if (kind == scenario::DriverKind::kmod)
    return {Fault::input, "is not a kernel module: it does not begin as an ELF file does", file, {}};
  return {Fault::input,
          kind == scenario::DriverKind::script ? "no kernel module was found in it"
                                               : "no kernel module and no systemd unit was found in it",
          file,
          "name the module that its installation makes: --module NAME; what a driver only reads is content: "
          "candidate.content of the driver's scenario"};
}

// "lib/modules/6.1.0-53-amd64/updates/sensor.ko": the kernel that it is for; empty where the path does not
// say.
std::string release_in(const std::string& path) {
  constexpr std::string_view folder = "lib/modules/";
  const auto at = path.find(folder);
  if (at == path.npos) return {};
  const auto begin = at + folder.size();
  return path.substr(begin, path.find('/', begin) - begin);
}

struct Contents {
  std::vector<std::string> modules;  // names, each once
  std::set<std::string> releases;    // of the kernels that they are for, as far as paths say
  std::vector<std::string> units;
  bool built_in_guest = false;  // by DKMS; the modules are those that its sources say
};

Result<Contents> contents_of(const InitOptions& options, scenario::DriverKind kind) {
  auto inside = lab::inside(options.driver);
  if (!inside) return fail(inside.error());
  Contents contents{.units = std::move(inside->units)};
  std::set<std::string> names;
  for (const auto& module : inside->modules) {
    names.insert(module.name);
    const auto release = module.kernel.empty() ? release_in(module.path) : module.kernel;
    if (!release.empty()) contents.releases.insert(release);
  }
  names.erase("");
  if (names.empty() && !inside->built.empty() && options.driver.ends_with(".deb")) {
    names.insert(inside->built.begin(), inside->built.end());
    contents.built_in_guest = true;
  }
  contents.modules.assign(names.begin(), names.end());
  const bool package = kind == scenario::DriverKind::deb || kind == scenario::DriverKind::rpm;
  if (contents.modules.empty() && (kind == scenario::DriverKind::kmod || options.module.empty()) &&
      !(package && !contents.units.empty()))
    return fail(no_module(options.driver, kind));
  return contents;
}

// The one that was named, else the one that the file is called after, else the first; empty: there is none.
std::string main_module(const InitOptions& options, const Contents& contents) {
  if (!options.module.empty()) return options.module;
  const std::string file = fs::path(options.driver).filename().string();
  std::string best;
  for (const auto& name : contents.modules) {
    std::string dashed = name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    if ((file.starts_with(name) || file.starts_with(dashed)) && name.size() > best.size()) best = name;
  }
  return best.empty() && !contents.modules.empty() ? contents.modules.front() : best;
}

// Whether DKMS can build in it.
bool has_dkms(const image::Image& image) {
  const auto packages = read_file(image.folder / "packages");
  return packages && ("\n" + *packages).find("\ndkms ") != std::string::npos;
}

// Built images of Linux whose kernel the package has a module for; all of them where it does not say.
void choose_images(const Contents& contents, scenario::Starter& starter) {
  std::vector<std::string> built, fitting;
  if (const auto paths = host::paths()) {
    const auto store = open_store(*paths);
    if (const auto recipes = store.recipes())
      for (const auto& recipe : *recipes) {
        const auto image = store.find(recipe.name);
        if (!image || recipe.os != "linux") continue;
        built.push_back(recipe.name);
        if (contents.built_in_guest ? has_dkms(*image)
                                    : contents.releases.contains(image->facts.kernel_release))
          fitting.push_back(recipe.name);
      }
  }
  if (!contents.releases.empty())
    starter.notes.push_back(fmt::format("It has modules for the kernels {}.",
                                        join({contents.releases.begin(), contents.releases.end()}, ", ")));
  if (!fitting.empty()) {
    starter.images = fitting;
    return;
  }
  if (contents.built_in_guest) {
    starter.notes.emplace_back(
        "No image with DKMS and a compiler is built yet: labctl image build debian-12-linux-6.12-dkms");
    starter.images = {"debian-12-linux-6.12-dkms"};
    return;
  }
  if (!contents.releases.empty() && !built.empty())
    starter.notes.emplace_back("No image that is built has one of them: see 'labctl image list'.");
  if (built.empty())
    starter.notes.emplace_back("No image is built yet: labctl image build debian-12-linux-6.12");
  starter.images = built.empty() ? std::vector<std::string>{"debian-12-linux-6.12"} : built;
}

// "sensor-core" of sensor-core_7.16_amd64.deb.
std::string first_word(const fs::path& driver) {
  const std::string name = driver.filename().string();
  return name.substr(0, name.find_first_of("_."));
}

Result<scenario::Starter> starter_of(const InitOptions& options, const fs::path& out) {
  const auto kind = kind_of(options.driver);
  if (!kind) return fail(kind.error());
  const auto contents = contents_of(options, *kind);
  if (!contents) return fail(contents.error());
  const fs::path driver = fs::absolute(options.driver).lexically_normal();
  const std::string module = main_module(options, *contents);
  scenario::Starter starter{
      .name = slug(module.empty() ? first_word(driver) : module),
      .about = fmt::format("A first scenario for {}, written by 'labctl init'.",
                           printable(driver.filename().string(), 120)),
      .driver = driver.lexically_relative(fs::absolute(out).lexically_normal().parent_path()).string(),
      .kind = contents->built_in_guest ? scenario::DriverKind::dkms : *kind,
      .module = module,
      .services_alone = module.empty(),
      .services = contents->units};
  for (const auto& name : contents->modules)
    if (name != module) starter.other_modules.push_back(name);
  choose_images(*contents, starter);
  return starter;
}

int init(const InitOptions& options) {
  const auto kind = kind_of(options.driver);
  if (!kind) return report_error(kind.error());
  const fs::path out =
      options.out.empty() ? fs::path(slug(first_word(options.driver)) + ".yaml") : fs::path(options.out);
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(out, ignored)))
    return report_error(Error{Fault::input, "there is a file already; it stays as it is", out.string(),
                              "name another with --out"});
  const auto starter = starter_of(options, out);
  if (!starter) return report_error(starter.error());
  const std::string text = scenario::starter_text(*starter);
  // What is written must be what the gate takes.
  if (const auto loaded = scenario::load(text, out.string(), {}); !loaded.scenario)
    return report_error(loaded.mistakes);
  if (auto written = write_file(out, text); !written) return report_error(written.error());
  answer("scenario", out.string());
  answer("images", starter->images);
  answer("module", starter->module);
  answer("services", starter->services);
  print(fmt::format(
      "{}: {}, {}{}\nnext: labctl run {}\n", out.string(), report::plural(starter->images.size(), "image"),
      starter->services_alone ? "no module" : fmt::format("module {}", starter->module),
      starter->services.empty() ? "" : fmt::format(", service {}", join(starter->services, ", ")),
      out.string()));
  return exit_code::passed;
}

}  // namespace

void add_init(CommandLine& command_line) {
  const auto options = std::make_shared<InitOptions>();
  auto verb = command_line.verb(
      "init",
      {.summary = "Write a first scenario for a driver's package",
       .group = group::judging,
       .examples = "labctl init build/sensor_7.16.deb\n"
                   "labctl init sensor.ko --out gate/sensor.yaml",
       .exit_codes = "0    the scenario was written\n"
                     "2    no package, nothing in it to prove, or the scenario is there already\n"
                     "3    it cannot be written"},
      options, init);
  verb.option("DRIVER", options->driver, "The driver: a .deb, .rpm or .ko, or a .tar of modules",
              {.required = true});
  verb.option("--out", options->out, "The scenario (default: the driver's name with .yaml, here)",
              {.value = "FILE"});
  verb.option("--module", options->module,
              "The module that must be in memory (default: found in the package)", {.value = "MODULE"});
  verb.json();
}

}  // namespace labctl::cli
