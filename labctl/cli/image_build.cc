// labctl image build: disks side by side, each booted once before it counts.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "labctl/base/json.h"
#include "labctl/cli/cli.h"
#include "labctl/lab/cache.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/ground.h"
#include "labctl/lab/interrupt.h"

namespace labctl::cli {
namespace {

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
  auto loaded = load_plan(options.needed_by, options.variables, {});
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
      host_ = machine::open_host({.uri = options_.connect,
                                  .accel = options_.accel,
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

}  // namespace

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

int image_import(const BuildOptions& options) {
  const std::string& name = options.names.front();
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
  return image_build(options);
}

}  // namespace labctl::cli
