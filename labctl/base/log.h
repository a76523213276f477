// The diagnostic log: what the hands did, for whoever asks afterwards why the lab failed. The only door to
// spdlog. Not for results, nor for what people must know: those are printed. The head writes none.
//
// Decisions are `info`; requests with their durations, retries and error codes that are passed over are
// `debug`. Each line is one line whatever is put into it: control characters are escaped and it is cut at
// 2000 bytes, because guests chose parts of it. Never put in: passphrases, keys, the environment.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "labctl/base/result.h"

namespace labctl::log {

enum class Level { debug, info, warning, error, off };

void write(Level level, std::string_view text);

template <class... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::warning, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::error, fmt::format(text, std::forward<Args>(args)...));
}

// A request to something outside, which may take its time: one debug line when it has ended, with how long it
// took and what became of it. `call` gives a Result.
template <class Call>
auto request(const std::string& what, Call&& call) {
  const auto began = std::chrono::steady_clock::now();
  auto result = std::forward<Call>(call)();
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  if (result)
    debug("{}: done after {} ms", what, took);
  else
    debug("{}: failed after {} ms: {}", what, took, result.error().text());
  return result;
}

// An error that nothing depends on, so that it is not lost: one debug line when there is one.
void ignored(const Status& status, std::string_view doing);
void ignored(const std::error_code& code, std::string_view doing, const std::filesystem::path& path);

// Lines of at least this level go to standard error, too. The default is none.
void show_on_stderr(Level least);

// While it lives, every line goes to this file, after those that were written before there was one (the last
// 2000). It holds at most 8 MiB and is then renamed, as labctl.1.log to labctl.3.log; what is older is
// dropped. One at a time. A file that cannot be written is no reason to fail: what it lacks is lost.
class File {
 public:
  static Result<File> open(const std::filesystem::path& path);
  File(File&& other) noexcept : open_(std::exchange(other.open_, false)) {}
  File& operator=(File&&) = delete;
  ~File();

 private:
  File() = default;
  bool open_ = true;
};

}  // namespace labctl::log
