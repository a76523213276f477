// The history: one SQLite file, derived from bundles and never an input of a verdict. One process writes at a
// time, any number read. What is added is there whole or not at all, whenever the process is killed.
#pragma once

#include <filesystem>
#include <memory>

#include "labctl/base/result.h"
#include "labctl/history/entry.h"
#include "labctl/history/sqlite.h"

namespace labctl::history {

enum class Added {
  added,
  known,     // this very run was there already
  replaced,  // the run was there as it stood before it was resumed
};

class Database {
 public:
  // To be asked. Errors (input): there is none, no history, an earlier or a newer format.
  static Result<Database> open(const std::filesystem::path& file);
  // To be written to: made when there is none, brought to today's format when it is older.
  static Result<Database> open_to_write(const std::filesystem::path& file);

  // A run's key, or 0.
  Result<std::int64_t> key_of(const std::string& id) const;
  Result<Added> add(const Entry& entry);

  const Connection& connection() const { return *connection_; }

 private:
  explicit Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
  std::unique_ptr<Connection> connection_;
};

}  // namespace labctl::history
