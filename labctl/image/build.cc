// One golden disk: checks, the recipe's build program, then the facts.
#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <set>
#include <thread>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/image/store.h"

namespace labctl::image {
namespace {

using Clock = std::chrono::steady_clock;

std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry ? entry->pw_name : std::to_string(::geteuid());
}

bool has_subordinate_ids(const char* file, const std::string& user) {
  auto text = read_file(file);
  if (!text) return false;
  const std::string number = std::to_string(::geteuid());
  for (const auto& line : split(*text, '\n')) {
    const auto owner = line.substr(0, line.find(':'));
    if (owner == user || owner == number) return true;
  }
  return false;
}

// An ordinary user installs packages as the root of a user namespace of his own.
Status check_namespaces() {
  const std::string user = user_name();
  if (!has_subordinate_ids("/etc/subuid", user) || !has_subordinate_ids("/etc/subgid", user))
    return lab_error(
        fmt::format("the user {} has no subordinate user ids, which installing packages without root needs",
                    user),
        {}, fmt::format("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {}", user));
  auto tried =
      run({.argv = {"unshare", "--user", "--map-root-user", "true"}, .deadline = std::chrono::seconds(20)});
  if (tried && tried->ok()) return {};
  return lab_error(
      "user namespaces are not allowed for ordinary users here", {},
      "sudo sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, or build as root");
}

Status check_space(const fs::path& folder, std::uint64_t wanted, const std::string& purpose) {
  auto free = free_space(folder);
  if (!free) return fail(free.error());
  if (*free >= wanted) return {};
  return lab_error(
      fmt::format("{} are free, and {} takes up to {}", show_size(*free), purpose, show_size(wanted)),
      folder.string(), "labctl gc, or set LABCTL_CACHE to a larger disk");
}

// What a build's last words mean, and what fixes it.
std::string hint_for(const std::string& output) {
  struct Known {
    const char* text;
    const char* hint;
  };
  constexpr Known table[] = {
      {"no installation medium",
       "get the evaluation of the image's Windows as an ISO from Microsoft, and virtio-win.iso from the "
       "virtio-win "
       "project; then labctl image build NAME --iso FILE --virtio-iso FILE; or labctl image import NAME "
       "DISK"},
      {"No space left on device", "labctl gc, or set LABCTL_CACHE (and LABCTL_TMPDIR) to a larger disk"},
      {"Could not resolve", "check the network and the proxy: the packages come from where apt gets them"},
      {"Unable to connect", "check the network and the proxy: the packages come from where apt gets them"},
      {"Failed to fetch",
       "check that `apt-get update` works here: the packages come from where apt gets them"},
      {"Unable to locate package",
       "the recipe names a package that apt's sources do not have; apt-cache search it"},
      {"Version '", "the archive has other versions of it; apt-cache policy names them"},
      {"NO_PUBKEY", "apt-get install debian-archive-keyring"},
      {"newuidmap", "apt-get install uidmap"},
      {"Operation not permitted", "this needs root or user namespaces; labctl doctor looks at both"},
  };
  for (const auto& known : table)
    if (output.find(known.text) != std::string::npos) return known.hint;
  return {};
}

// apt's own reason, which stands in the middle of what other programs said about it.
std::string reason_in(const std::string& output) {
  for (const auto& line : split(output, '\n'))
    if (line.rfind("E: ", 0) == 0) return printable(line.substr(3), 200);
  return {};
}

constexpr std::string_view progress_mark = "labctl: ";

// What a build said on its way has been shown already.
std::string without_progress(const std::string& output) {
  auto lines = split(output, '\n');
  std::erase_if(lines, [](const auto& line) { return line.starts_with(progress_mark); });
  return join({lines.begin(), lines.end()}, "\n");
}

// "mmdebstrap 1.3.5-7" and so on; a host without dpkg knows only the names.
Json tool_versions(const Recipe& recipe) {
  Json tools = Json::object();
  std::set<std::string> packages;
  for (const auto& need : recipe.needs) packages.insert(need.package);
  Command command{.argv = {"dpkg-query", "-W", "-f", "${Package} ${Version}\n"},
                  .deadline = std::chrono::seconds(30)};
  command.argv.insert(command.argv.end(), packages.begin(), packages.end());
  if (auto told = run(command))
    for (const auto& line : split(told->output, '\n')) {
      const auto words = split(line, ' ');
      if (words.size() == 2 && packages.count(words[0]) != 0 && !words[1].empty()) tools[words[0]] = words[1];
    }
  return tools;
}

Status make_durable(const fs::path& path, mode_t mode) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)
    return lab_error("cannot be written to stable storage", path.string());
  return {};
}

// The last thing written: with it, the image is whole.
Status write_facts(const Recipe& recipe, const fs::path& half, Clock::time_point start) {
  const fs::path disk = half / "disk.qcow2";
  auto guest_text = read_file(half / "guest.json");
  auto packages = read_file(half / "packages");
  if (!guest_text || !packages)
    return because(guest_text ? packages.error() : guest_text.error(), "the build program left no facts");
  auto guest = parse_json(*guest_text, (half / "guest.json").string());
  if (!guest) return fail(guest.error());
  if (text_at(*guest, "kernel_release").empty())
    return lab_error("the build program reported no kernel_release", (half / "guest.json").string());
  auto digest = sha256_file(disk);
  if (!digest) return because(digest.error(), "the build program left no disk");
  std::error_code problem;
  const auto bytes = fs::file_size(disk, problem);
  if (problem) return lab_error(fmt::format("cannot be read: {}", problem.message()), disk.string());

  Json facts{{"labctl", 1},
             {"name", recipe.name},
             {"os", recipe.os},
             {"key", recipe.key},
             {"sha256", *digest},
             {"disk_bytes", bytes},
             {"disk_size", recipe.disk_size},
             {"suite", recipe.suite}};
  if (recipe.import) facts["import"] = {{"source", recipe.import->from}, {"sha256", recipe.import->sha256}};
  for (const auto& [key, value] : guest->items())
    if (!facts.contains(key)) facts[key] = value;
  facts["packages"] = {{"count", std::count(packages->begin(), packages->end(), '\n')},
                       {"sha256", sha256(*packages)}};
  facts["tools"] = tool_versions(recipe);
  facts["built"] = show_moment(std::time(nullptr));
  facts["build_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count();

  fs::remove(half / "guest.json", problem);
  if (auto synced = make_durable(half / "packages", 0444); !synced) return synced;
  if (auto synced = make_durable(disk, 0444); !synced) return synced;
  return write_file(half / "facts.json", dump_pretty(facts));
}

}  // namespace

Status check_build(const Recipe& recipe, const fs::path& store) {
  const bool root = ::geteuid() == 0;
  std::vector<std::string> missing;
  std::set<std::string> packages;
  for (const auto& need : recipe.needs) {
    if (need.only_as_user && root) continue;
    std::error_code ignored;
    const bool there =
        need.name.front() == '/' ? fs::exists(need.name, ignored) : !find_program(need.name).empty();
    if (there) continue;
    missing.push_back(need.name);
    packages.insert(need.package);
  }
  if (!missing.empty())
    return lab_error(fmt::format("this host lacks {}", join(missing, ", ")), {},
                     fmt::format("{}apt-get install --no-install-recommends {}", root ? "" : "sudo ",
                                 join({packages.begin(), packages.end()}, " ")));
  if (!root && !recipe.import && recipe.os == "linux")
    if (auto allowed = check_namespaces(); !allowed) return allowed;
  // Package tree, its archive and the disk, of which two are there at once; and 300 MiB of packages.
  constexpr std::uint64_t in_temporary = 1ull << 30;
  const std::uint64_t in_store = recipe.os == "windows"
                                     ? std::min<std::uint64_t>(recipe.disk_size + (2ull << 30), 24ull << 30)
                                     : 3ull << 30;
  if (auto enough = check_space(store, in_store, "a build"); !enough) return enough;
  const char* temporary = std::getenv("LABCTL_TMPDIR");
  return root ? Status()
              : check_space(temporary ? temporary : "/var/tmp", in_temporary, "installing packages");
}

// What the builder ended with, for people.
static Error in_words(Error error) {
  if (error.fault == Fault::interrupted) return error;
  error.what = without_progress(error.what);
  if (error.hint.empty()) error.hint = hint_for(error.what);
  if (auto reason = reason_in(error.what); !reason.empty()) error.what = reason + ": " + error.what;
  return error;
}

// The program that makes the disk, with all that it is to know of the recipe.
static Command builder(const Recipe& recipe, const fs::path& half, const BuildInputs& inputs,
                       std::stop_token stop) {
  const auto told = [](const Source& source) { return source.sha256 + " " + source.from; };
  std::vector<std::string> layers, install;
  for (const auto& source : recipe.install) install.push_back(told(source));
  for (const auto& layer : recipe.layers) layers.push_back(layer.string());
  Command command{.argv = {recipe.builder.string()},
                  .environment = {{"LABCTL_LAYERS", join(layers, "\n")},
                                  {"LABCTL_IMPORT", recipe.import ? told(*recipe.import) : ""},
                                  {"LABCTL_INSTALL", join(install, "\n")},
                                  {"LABCTL_PACKAGES", join(recipe.packages, "\n")},
                                  {"LABCTL_SUITE", recipe.suite},
                                  {"LABCTL_KERNEL", recipe.kernel_package},
                                  {"LABCTL_DISK_MIB", std::to_string(recipe.disk_size >> 20)},
                                  {"LC_ALL", "C.UTF-8"}},
                  .directory = fs::absolute(half),
                  .stop = std::move(stop)};
  for (const auto& [variable, value] :
       {std::pair{"LABCTL_WINDOWS_ISO", &inputs.iso}, std::pair{"LABCTL_VIRTIO_ISO", &inputs.virtio_iso},
        std::pair{"LABCTL_WINDOWS_KEY_FILE", &inputs.key_file},
        std::pair{"LABCTL_WINDOWS_DISK", &inputs.disk}, std::pair{"LABCTL_ACCEL", &inputs.accel}})
    if (!value->empty()) command.environment[variable] = *value;
  return command;
}

Status build_disk(const Recipe& recipe, const fs::path& half, const BuildInputs& inputs,
                  const Progress& progress, std::stop_token stop) {
  const auto start = Clock::now();
  if (auto made = make_dirs(half); !made) return made;
  auto log = Appender::open(half / "build.log");
  if (!log) return fail(log.error());

  const std::string prefix = fmt::format("image {}: ", recipe.name);
  progress(prefix + (recipe.os == "windows" ? "building; Windows takes its time"
                                            : "building; this takes a minute or two"));
  Command command = builder(recipe, half, inputs, std::move(stop));
  command.on_line = [&](std::string_view line) {
    if (line.starts_with(progress_mark)) progress(prefix + printable(line.substr(progress_mark.size())));
    // A log that cannot be written means a full disk, and the build itself will tell that.
    static_cast<void>(log->write(std::string(line) + "\n"));
  };
  auto ended = run_ok(command);
  if (!ended) return fail(in_words(ended.error()));
  progress(fmt::format("{}taking its digest", prefix));
  if (auto written = write_facts(recipe, half, start); !written) return written;
  const auto seconds = std::chrono::duration_cast<Millis>(Clock::now() - start);
  progress(fmt::format("{}built in {}", prefix, show_duration(seconds)));
  return {};
}

void sleep_for_a_moment() { std::this_thread::sleep_for(std::chrono::milliseconds(200)); }

}  // namespace labctl::image
