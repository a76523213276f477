// C handles with an owner: `using Domain = Owned<virDomain, virDomainFree>` is one pointer wide and frees
// itself.
#pragma once

#include <memory>

namespace labctl {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* handle) const noexcept {
    static_cast<void>(release(handle));
  }
};

template <class T, auto release>
using Owned = std::unique_ptr<T, Releaser<release>>;

// The idiom for std::visit over a closed list of alternatives. clang 14 needs the deduction guide.
template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

}  // namespace labctl
