#include "labctl/gate/images.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "labctl/gate/snapshots.h"
#include "labctl/host/cache.h"
#include "labctl/host/capacity.h"

namespace labctl::gate {
namespace {

class Builder {
 public:
  Builder(const BuildOrder& order, const Environment& environment, Observer& observer)
      : order_(order), environment_(environment), observer_(observer), inputs_(order.inputs) {}

  Answer<void> run() {
    std::size_t missing = 0;
    for (const auto& order : order_.images) {
      auto recipe = store().recipe(order.image);
      if (!recipe) return wrong(recipe.error());  // before an hour's work, not after it
      if (store().state(*recipe) != image::State::built) ++missing;
    }
    // The installation of a Windows runs by what was proved to run guests here. Without a hypervisor for
    // cells its program looks for itself.
    if (!inputs_.iso.empty())
      if (auto opened = host()) inputs_.accel = machine::to_string((*opened)->facts().accel);
    const unsigned at_once = static_cast<unsigned>(std::min<std::size_t>(jobs(), order_.images.size()));
    observer_.on(ImagesBegan{missing, order_.images.size(), at_once});
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < at_once; ++i) workers.emplace_back([this] { work(); });
    workers.clear();
    if (stopped()) return wrong(interrupted().value());
    if (errors_.empty()) return {};
    return wrong(std::move(errors_));
  }

 private:
  const image::Store& store() const { return environment_.store; }
  bool stopped() const { return environment_.stop.stop_requested(); }

  // A build keeps one core busy and its packages in memory.
  unsigned jobs() const {
    if (order_.jobs != 0) return order_.jobs;
    const auto host = host::capacity(1ull << 30);
    return std::min(host.cores, host.jobs);
  }

  void work() {
    for (std::size_t mine = next_++; mine < order_.images.size() && !stopped(); mine = next_++) {
      const auto& order = order_.images[mine];
      observer_.on(ImageBegan{order.image});
      auto image = make(order);
      observer_.on(ImageEnded{order.image, image});
      if (image) continue;
      std::lock_guard lock(mutex_);
      errors_.push_back(image.error());
    }
  }

  // The hypervisor is opened when the first guest is to be booted: there may be none.
  Result<machine::Host*> host() {
    std::lock_guard lock(mutex_);
    if (!host_) host_ = open_host(environment_, order_.host, observer_);
    if (!*host_) return fail(host_->error());
    return (*host_)->get();
  }

  Result<image::Image> make(const ImageOrder& order) {
    auto recipe = store().recipe(order.image);
    if (!recipe) return fail(recipe.error());
    const bool there = store().state(*recipe) == image::State::built;
    auto image = store().build(order.image, progress_to(observer_), environment_.stop, inputs_);
    if (!image || order_.disks_only || (there && order.shapes.empty())) return image;
    auto opened = host();
    if (!opened) {
      Error error = opened.error();
      if (error.hint.empty()) error.hint = "--disks-only builds without booting; the first run boots";
      return because(error, fmt::format("the image '{}' is built, but it cannot be booted", order.image));
    }
    auto shapes = order.shapes;
    if (shapes.empty()) shapes.push_back(snapshot::usual_shape(*image));
    for (const auto& shape : shapes) {
      auto base = prepare_base(order.image, snapshot::shape_on((*opened)->facts(), shape), **opened,
                               environment_, observer_);
      if (base) continue;
      // What was there before may be fit for others.
      if (!there)
        if (auto gone = store().take_back(*image); !gone) observer_.on(Problem{gone.error()});
      return fail(base.error());
    }
    return image;
  }

  const BuildOrder& order_;
  const Environment& environment_;
  Observer& observer_;
  image::BuildInputs inputs_;
  std::mutex mutex_;  // of the next two
  std::optional<Result<std::unique_ptr<machine::Host>>> host_;
  std::vector<Error> errors_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

std::vector<ImageOrder> images_of(const plan::Plan& plan) {
  std::vector<ImageOrder> orders;
  for (const auto& cell : plan.cells) {
    auto known = std::find_if(orders.begin(), orders.end(),
                              [&](const auto& order) { return order.image == cell.image; });
    if (known == orders.end()) known = orders.insert(orders.end(), ImageOrder{cell.image});
    const machine::Shape shape = snapshot::shape_of(cell.machine);
    if (std::find(known->shapes.begin(), known->shapes.end(), shape) == known->shapes.end())
      known->shapes.push_back(shape);
  }
  return orders;
}

Answer<void> build_images(const BuildOrder& order, const Environment& environment, Observer& observer) {
  if (auto own = host::claim_cache(environment.paths.root); !own) return wrong(own.error());
  return Builder(order, environment, observer).run();
}

}  // namespace labctl::gate
