#include "labctl/history/sqlite.h"

#include <fmt/core.h>
#include <sqlite3.h>

namespace labctl::history {
namespace {

constexpr int patience_ms = 30'000;  // for another writer's transaction, which is one bundle

// Whoever wrote the file may mean harm: its schema runs no functions, and it cannot be changed from within.
void distrust(sqlite3* database) {
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH, 64 << 20);
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
}

struct Bind {
  sqlite3_stmt* statement;
  int index;
  int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
  int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
  int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }
  int operator()(std::string_view value) const {
    // A null pointer would be NULL instead of an empty text.
    return sqlite3_bind_text(statement, index, value.empty() ? "" : value.data(),
                             static_cast<int>(value.size()), SQLITE_STATIC);
  }
};

std::string next_step(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "if it is meant to be a history, move it away and make it again: labctl history add BUNDLES; "
             "else give "
             "another file with --db";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process writes to it; try again when it has ended";
    case SQLITE_FULL:
      return "free some space and add again; the history is as it was before";
    case SQLITE_IOERR:
      return "the history is as it was before; look at the disk and add again";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "name another file with --db or LABCTL_HISTORY";
    default:
      return {};
  }
}

// Whose the fault is: a file that is no database, or one that the user named wrongly, is the input's.
Fault fault_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_ERROR:  // a table or column is missing
      return Fault::input;
    default:
      return Fault::lab;
  }
}

}  // namespace

void Rows::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
void Connection::Close::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

Status Rows::bind(Parameters parameters) {
  sqlite3_reset(statement_.get());
  int index = 0;
  for (const auto& parameter : parameters)
    if (std::visit(Bind{statement_.get(), ++index}, parameter) != SQLITE_OK)
      return fail(connection_->error());
  return {};
}

Result<bool> Rows::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(connection_->error());
}

Status Rows::run(Parameters parameters) {
  if (auto bound = bind(parameters); !bound) return bound;
  for (;;) {
    auto row = step();
    if (!row) return fail(row.error());
    if (!*row) break;
  }
  sqlite3_reset(statement_.get());  // gives up its locks
  return {};
}

std::int64_t Rows::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Rows::real(int column) const { return sqlite3_column_double(statement_.get(), column); }
bool Rows::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::string Rows::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)))
               : std::string();
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, Access access) {
  const int flags =
      access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  std::unique_ptr<Connection> connection(new Connection(file));
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &database, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  connection->database_.reset(database);
  if (!database) return lab_error("SQLite has no memory", file.string());
  if (code != SQLITE_OK) return fail(connection->error());
  distrust(database);
  sqlite3_busy_timeout(database, patience_ms);
  return connection;
}

Result<Rows> Connection::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  Rows rows(statement, this);
  if (code != SQLITE_OK) return fail(error());
  return rows;
}

Status Connection::run(const std::string& script) const {
  if (sqlite3_exec(database_.get(), script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(error());
  return {};
}

Result<Rows> Connection::ask(std::string_view sql, Parameters parameters) const {
  auto rows = prepare(sql);
  if (!rows) return rows;
  if (auto bound = rows->bind(parameters); !bound) return fail(bound.error());
  return rows;
}

Result<std::int64_t> Connection::number(std::string_view sql, Parameters parameters) const {
  auto rows = ask(sql, parameters);
  if (!rows) return fail(rows.error());
  auto row = rows->step();
  if (!row) return fail(row.error());
  return *row ? rows->number(0) : 0;
}

std::int64_t Connection::last_key() const { return sqlite3_last_insert_rowid(database_.get()); }

Error Connection::error() const {
  const int code = sqlite3_extended_errcode(database_.get());
  return {fault_of(code), fmt::format("the history cannot be used: {}", sqlite3_errmsg(database_.get())),
          file_.string(), next_step(code)};
}

Result<Transaction> Transaction::begin(const Connection& connection) {
  if (auto begun = connection.run("BEGIN IMMEDIATE"); !begun) return fail(begun.error());
  return Transaction(connection);
}

Transaction::~Transaction() {
  if (connection_) static_cast<void>(connection_->run("ROLLBACK"));
}

Status Transaction::commit() {
  if (auto done = connection_->run("COMMIT"); !done) return done;  // the destructor rolls back
  connection_ = nullptr;
  return {};
}

}  // namespace labctl::history
