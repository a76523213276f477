// labctl image build: disks side by side, each booted once before it counts.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "labctl/base/json.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/verbs.h"
#include "labctl/lab/cache.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/ground.h"
#include "labctl/lab/interrupt.h"

namespace labctl::cli {
namespace {

struct BuildOptions {
  std::vector<std::string> names;
  std::string needed_by;  // a scenario, instead of names
  Settings settings;
  unsigned jobs = 0;   // 0: as many as pay
  bool disks = false;  // without booting what was built
  HostChoice host;
  // Of Windows: Microsoft's installation medium, the virtio drivers' one, a file with a product key.
  std::string iso, virtio_iso, key_file;
  std::string disk;  // of a Windows that somebody has prepared: what is imported
};

struct ImportOptions {
  std::string name, disk;
  bool disks = false;
  HostChoice host;
};

constexpr const char* exit_codes =
    "0    done\n"
    "2    no such image, not built, or bad usage\n"
    "3    the host or the build failed, or the disk is damaged\n"
    "130  interrupted";

// What one build is to make. A build that was asked for by name boots in the shape that scenarios have when
// they say nothing; one that a scenario needs, in the shapes of its cells.
struct Order {
  std::string image;
  std::vector<machine::Shape> shapes;
};

std::optional<std::vector<Order>> orders_of(const BuildOptions& options) {
  std::vector<Order> orders;
  const auto order = [&](const std::string& image) -> Order& {
    auto known =
        std::find_if(orders.begin(), orders.end(), [&](const auto& one) { return one.image == image; });
    return known != orders.end() ? *known : orders.emplace_back(Order{image, {}});
  };
  for (const auto& name : options.names) order(name);
  if (options.needed_by.empty()) return orders;
  const auto variables = options.settings.variables();
  if (!variables) return complain(variables.error()), std::nullopt;
  auto loaded = load_plan(options.needed_by, *variables, {});
  if (!loaded) return std::nullopt;
  for (const auto& cell : loaded->second.cells) {
    auto& shapes = order(cell.image).shapes;
    const machine::Shape shape = lab::shape_of(cell.machine);
    if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
  }
  return orders;
}

class Builder {
 public:
  Builder(const BuildOptions& options, lab::Places places, std::vector<Order> orders, std::stop_token stop)
      : options_(options), places_(std::move(places)), orders_(std::move(orders)), stop_(std::move(stop)) {}

  int run() {
    std::size_t missing = 0;
    for (const auto& order : orders_) {
      auto recipe = store_.recipe(order.image);
      if (!recipe) return complain(recipe.error());  // before an hour's work, not after it
      if (store_.state(*recipe) != image::State::built) ++missing;
    }
    if (!options_.iso.empty()) tell_accel();
    const unsigned at_once = static_cast<unsigned>(std::min<std::size_t>(jobs(), orders_.size()));
    if (orders_.size() > 1)
      say("labctl: " + std::to_string(missing) + " of " + std::to_string(orders_.size()) +
          " images to build, " + std::to_string(at_once) + " at once");
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < at_once; ++i)
      workers.emplace_back([this] {
        for (std::size_t mine = next_++; mine < orders_.size() && !stop_.stop_requested(); mine = next_++)
          end(orders_[mine], make(orders_[mine]));
      });
    workers.clear();
    return stop_.stop_requested() ? exit_code::interrupted : code_;
  }

 private:
  // A build keeps one core busy and its packages in memory.
  unsigned jobs() const {
    if (options_.jobs != 0) return options_.jobs;
    const auto host = lab::capacity(1ull << 30);
    return std::min(host.cores, host.jobs);
  }

  // The hypervisor is opened when the first guest is to be booted: there may be none.
  Result<machine::Host*> host() {
    std::lock_guard lock(mutex_);
    if (!host_) {
      host_ = machine::open_host({.uri = options_.host.connect,
                                  .accel = options_.host.wish(),
                                  .runtime = places_.runtime,
                                  .cache = places_.cache});
    }
    if (!*host_) return fail(host_->error());
    return (*host_)->get();
  }

  // The installation of a Windows runs by what was proved to run guests here. Without a hypervisor for cells
  // its program looks for itself.
  void tell_accel() {
    if (auto opened = host()) ::setenv("LABCTL_ACCEL", machine::to_string((*opened)->facts().accel), 1);
  }

  Result<image::Image> make(const Order& order) {
    auto recipe = store_.recipe(order.image);
    if (!recipe) return fail(recipe.error());
    const bool there = store_.state(*recipe) == image::State::built;
    auto image = store_.build(order.image, say, stop_);
    if (!image || options_.disks || (there && options_.needed_by.empty())) return image;
    auto opened = host();
    if (!opened) {
      Error error = opened.error();
      if (error.hint.empty()) error.hint = "--disks-only builds without booting; the first run boots";
      return because(error, "the image '" + order.image + "' is built, but it cannot be booted");
    }
    auto shapes = order.shapes;
    if (shapes.empty()) shapes.push_back(lab::usual_shape(*image));
    for (const auto& shape : shapes) {
      auto ground = lab::prepare_ground(**opened, store_, order.image,
                                        lab::shape_on((*opened)->facts(), shape), say, stop_);
      if (ground) continue;
      // What was there before may be fit for others.
      if (!there)
        if (auto gone = store_.take_back(*image); !gone) say("labctl: " + gone.error().text());
      return fail(ground.error());
    }
    return image;
  }

  void end(const Order& order, const Result<image::Image>& image) {
    std::lock_guard lock(mutex_);
    if (image)
      print(order.image + "\t" + image->sha256 + "\tkernel " + text_at(image->facts, "kernel_release") +
            "\n");
    else if (image.error().fault != Fault::interrupted)
      code_ = std::max(code_, complain(image.error()));
  }

  const BuildOptions& options_;
  const lab::Places places_;
  const std::vector<Order> orders_;
  const std::stop_token stop_;
  const image::Store store_ = open_store(places_);
  std::mutex mutex_;
  std::optional<Result<std::unique_ptr<machine::Host>>> host_;
  std::atomic<std::size_t> next_ = 0;
  int code_ = exit_code::passed;
};

}  // namespace

namespace {

constexpr const char* key_variable = "LABCTL_WINDOWS_KEY_FILE";

// The build program reads them; it says itself what it lacks.
Status hand_on(const char* variable, const std::string& file) {
  if (file.empty()) return {};
  std::error_code none;
  if (!std::filesystem::is_regular_file(file, none))
    return input_error(
        "there is no such file", file,
        std::string_view(variable) == key_variable
            ? "a product key is read from a file, because a command line is everybody's to read"
            : "labctl image --help says what is wanted");
  ::setenv(variable, std::filesystem::absolute(file).c_str(), 1);
  return {};
}

int image_build(const BuildOptions& options) {
  for (const auto& [variable, file] :
       {std::pair{"LABCTL_WINDOWS_ISO", options.iso}, std::pair{"LABCTL_VIRTIO_ISO", options.virtio_iso},
        std::pair{"LABCTL_WINDOWS_DISK", options.disk}, std::pair{key_variable, options.key_file}})
    if (auto there = hand_on(variable, file); !there) return complain(there.error());
  if (options.names.empty() == options.needed_by.empty())
    return complain(
        Error{Fault::input,
              options.names.empty() ? "no image is named" : "images are named, and a scenario too",
              {},
              "labctl image build IMAGE..., or --needed-by SCENARIO; labctl image list names them"});
  auto orders = orders_of(options);
  if (!orders) return exit_code::bad_input;
  auto places = lab::places();
  if (!places) return complain(places.error());
  if (auto own = lab::claim_cache(places->root); !own) return complain(own.error());
  lab::Interrupt interrupt([] { say("labctl: interrupted: removing what is half-built"); });
  return Builder(options, std::move(*places), std::move(*orders), interrupt.token()).run();
}

int image_import(const ImportOptions& options) {
  const std::string& name = options.name;
  const auto places = lab::places();
  if (!places) return complain(places.error());
  const auto store = open_store(*places);
  auto recipe = store.recipe(name);
  if (!recipe) return complain(recipe.error());
  if (recipe->os != "windows")
    return complain(
        Error{Fault::input,
              "'" + name + "' is no Windows",
              {},
              "a Linux disk is imported by a recipe of its own: docs/how-to/import-a-cloud-image.md"});
  // Nobody's disk is taken silently for another's.
  if (store.state(*recipe) == image::State::built)
    return complain(
        Error{Fault::input, "the image '" + name + "' is there already", {}, "labctl image rm " + name});
  return image_build({.names = {name}, .disks = options.disks, .host = options.host, .disk = options.disk});
}

}  // namespace

void add_image_build(CommandLine& command_line) {
  const auto options = std::make_shared<BuildOptions>();
  auto verb = command_line.verb("image build",
                                {.summary = "Build images that are missing, and see them boot",
                                 .group = group::images,
                                 .examples = "labctl image build debian-12-linux-6.12\n"
                                             "labctl image build --needed-by scenarios/quickstart.yaml",
                                 .exit_codes = exit_codes},
                                options, image_build);
  verb.option("NAME", options->names, "Images, as 'labctl image list' names them");
  verb.option("--needed-by", options->needed_by, "All that this scenario needs, with its live snapshots",
              {.value = "SCENARIO"});
  options->settings.add_to(verb);
  verb.option("--jobs", options->jobs, "Builds at once (default: what the host's cores and memory carry)",
              {.value = "N", .between = {1, 100}});
  verb.option("--iso", options->iso, "Windows: Microsoft's installation medium", {.value = "FILE"});
  verb.option("--virtio-iso", options->virtio_iso, "Windows: the virtio drivers' medium", {.value = "FILE"});
  verb.option("--key-file,--key", options->key_file,
              "Windows: holds a product key (default: as an evaluation)", {.value = "FILE"});
  verb.flag("--disks-only", options->disks, "Do not boot what was built; the first run does");
  options->host.add_to(verb);
}

void add_image_import(CommandLine& command_line) {
  const auto options = std::make_shared<ImportOptions>();
  auto verb = command_line.verb("image import",
                                {.summary = "Take a Windows disk of yours as an image, and see it boot",
                                 .group = group::images,
                                 .examples = "labctl image import windows-server-2022 server-2022.qcow2",
                                 .exit_codes = exit_codes},
                                options, image_import);
  verb.option("NAME", options->name, "The image that it becomes, as 'labctl image list' names it",
              {.required = true});
  verb.option("DISK", options->disk,
              "Windows disk prepared with images/windows/make-fit.ps1 (copied, not modified)",
              {.required = true});
  verb.flag("--disks-only", options->disks, "Do not boot it; the first run does");
  options->host.add_to(verb);
}

}  // namespace labctl::cli
