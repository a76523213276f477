#include "labctl/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <memory>
#include <mutex>

#include "labctl/base/terminal_text.h"

namespace labctl::log {
namespace {

constexpr std::size_t longest_line = 2000, most_before = 2000;
constexpr std::size_t largest_file = 8u << 20, most_files = 3;

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::unique_ptr<spdlog::formatter> formatter() {
  return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                                                     spdlog::pattern_time_type::utc);
}

// One for the process. Made at the first line; never destroyed, because threads may write to their end.
struct Log {
  Log() {
    all->set_sinks({stderr_sink, before});
    logger.set_level(spdlog::level::debug);
    logger.flush_on(spdlog::level::debug);  // a killed run has said everything
    stderr_sink->set_level(spdlog::level::off);
    logger.set_formatter(formatter());
    // A log on a full disk must not fill standard error.
    logger.set_error_handler([](const std::string&) {});
  }

  std::shared_ptr<spdlog::sinks::stderr_sink_mt> stderr_sink =
      std::make_shared<spdlog::sinks::stderr_sink_mt>();
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> before =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(most_before);
  std::shared_ptr<spdlog::sinks::dist_sink_mt> all = std::make_shared<spdlog::sinks::dist_sink_mt>();
  spdlog::logger logger{"labctl", all};
  std::mutex mutex;  // of the file's coming and going
  std::shared_ptr<spdlog::sinks::rotating_file_sink_mt> file;
};

Log& the_log() {
  static Log* log = new Log;
  return *log;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, longest_line)) line += c == '\n' ? ' ' : c;
  line = for_terminal(line);
  if (text.size() > longest_line) line += " ...";
  return line;
}

// Guests' text and paths of this host stand in it.
spdlog::file_event_handlers for_its_owner_alone() {
  spdlog::file_event_handlers handlers;
  handlers.after_open = [](const std::string&, std::FILE* file) { ::fchmod(::fileno(file), 0600); };
  return handlers;
}

}  // namespace

void write(Level level, std::string_view text) {
  const std::string line = one_line(text);
  the_log().logger.log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

void ignored(const Status& status, std::string_view doing) {
  if (!status) debug("{}: {} (nothing depends on it)", doing, status.error().text());
}

void ignored(const std::error_code& code, std::string_view doing, const std::filesystem::path& path) {
  if (code) debug("{} {}: {} (nothing depends on it)", doing, path.string(), code.message());
}

void show_on_stderr(Level least) { the_log().stderr_sink->set_level(level_of(least)); }

Result<File> File::open(const std::filesystem::path& path) {
  auto& log = the_log();
  std::lock_guard lock(log.mutex);
  if (log.file) return lab_error("the diagnostic log is written to another file", path.string());
  try {
    log.file = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path.string(), largest_file, most_files,
                                                                      false, for_its_owner_alone());
    log.file->set_formatter(formatter());
    for (const auto& line : log.before->last_raw()) log.file->log(line);
    log.file->flush();
    log.all->set_sinks({log.stderr_sink, log.file});
  } catch (const spdlog::spdlog_ex& problem) {
    log.file.reset();
    return lab_error(std::string("the diagnostic log cannot be written: ") + problem.what(), path.string());
  }
  return File();
}

File::~File() {
  if (!open_) return;
  auto& log = the_log();
  std::lock_guard lock(log.mutex);
  log.before = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(most_before);
  log.all->set_sinks({log.stderr_sink, log.before});
  log.file.reset();
}

}  // namespace labctl::log
