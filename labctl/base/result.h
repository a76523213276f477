// How expected failure travels. A function that can fail for a reason the user should read returns Result<T>;
// exceptions only come out of third-party libraries and are caught at the door of the room that calls them.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace labctl {

// Who has to act. It decides the exit code: `input` is the author's (2), `lab` the host's or ours (3).
enum class Fault { input, lab, interrupted };

// An error is information; printing it is cli's business. `what` is lower-case and has no full stop.
struct Error {
  Fault fault = Fault::lab;
  std::string what;
  std::string where;  // "file:line:col", a path or empty
  std::string hint;   // the command or the edit that fixes it, or empty

  // "where: what\n  hint: ..." for people.
  std::string text() const;
};

// [[nodiscard]], which tl::expected 1.0 is not: a dropped error would be silent.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> lab_error(std::string what, std::string where = {}, std::string hint = {}) {
  return fail({Fault::lab, std::move(what), std::move(where), std::move(hint)});
}
inline tl::unexpected<Error> input_error(std::string what, std::string where = {}, std::string hint = {}) {
  return fail({Fault::input, std::move(what), std::move(where), std::move(hint)});
}

// The user ended it, or a signal did: nothing to explain.
inline tl::unexpected<Error> interrupted() { return fail({Fault::interrupted, "interrupted", {}, {}}); }

// Adds one layer's context in front of an error: "cannot start guest: <cause>".
inline tl::unexpected<Error> because(Error cause, const std::string& context) {
  cause.what = context + ": " + cause.what;
  return fail(std::move(cause));
}

}  // namespace labctl
