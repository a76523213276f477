// The door to SQLite: connections, prepared statements and transactions with owners, and its errors as ours.
// Nothing here knows what is stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "labctl/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace labctl::history {

// What a parameter of a statement is given. Text must live until the statement has run.
using Parameter = std::variant<std::nullptr_t, std::int64_t, double, std::string_view>;
using Parameters = std::initializer_list<Parameter>;

class Connection;

// One prepared statement. After step() has said true a row is there until the next step() or bind().
class Rows {
 public:
  Rows(Rows&&) noexcept = default;
  Rows& operator=(Rows&&) noexcept = default;

  // Begins again with these values for the statement's ?s, in their order.
  Status bind(Parameters parameters);
  Result<bool> step();
  Status run(Parameters parameters);  // bind() and step() to the end

  // Of the row, counted from 0. A value of another type is converted; NULL is 0 or empty.
  std::int64_t number(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Rows(sqlite3_stmt* statement, const Connection* connection)
      : statement_(statement), connection_(connection) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  const Connection* connection_;
};

class Connection {
 public:
  enum class Access { read, write };  // `write` makes the file when there is none
  // Errors: it cannot be opened; found out at the first statement that it is no database.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, Access access);

  Result<Rows> prepare(std::string_view sql) const;
  // A statement that runs to its end; several, with ';' between them, where there are no parameters.
  Status run(const std::string& script) const;
  Result<Rows> ask(std::string_view sql, Parameters parameters) const;
  Result<std::int64_t> number(std::string_view sql, Parameters parameters = {}) const;  // 0: there is no row
  std::int64_t last_key() const;

  // What SQLite said last, as an error of this file with its next step.
  Error error() const;
  const std::filesystem::path& file() const { return file_; }

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  explicit Connection(std::filesystem::path file) : file_(std::move(file)) {}
  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> database_;
};

// Takes the write lock at once; rolled back unless commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> begin(const Connection& connection);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(const Connection& connection) : connection_(&connection) {}
  const Connection* connection_;
};

}  // namespace labctl::history
