#include "labctl/history/database.h"

#include <algorithm>
#include <map>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/history/schema.h"

namespace labctl::history {
namespace {

std::int64_t flag(bool value) { return value ? 1 : 0; }

// Inserts the rows of one run; each statement is prepared once. The first error is kept and ends it.
class Writer {
 public:
  explicit Writer(const Connection& connection) : connection_(connection) {}

  Status write(const Entry& entry) {
    const std::string reasons = join(entry.reasons, "\n");
    put("INSERT INTO run(id, run_sha256, name, scenario, scenario_sha256, plan_sha256, began, ended, "
        "recorded, verdict, "
        "reasons, waived, warned, interrupted, partial, rules, tool, tool_sha256, signed_by, hypervisor, "
        "accel, "
        "machine_type, cpu, fingerprint, bundle) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {entry.id,
         entry.run_sha256,
         entry.name,
         entry.scenario,
         entry.scenario_sha256,
         entry.plan_sha256,
         entry.began,
         entry.ended,
         entry.recorded,
         entry.verdict,
         reasons,
         flag(entry.waived),
         flag(entry.warned),
         flag(entry.interrupted),
         flag(entry.partial),
         std::int64_t{entry.rules},
         entry.tool,
         entry.tool_sha256,
         entry.signed_by,
         entry.hypervisor,
         entry.accel,
         entry.machine_type,
         entry.cpu,
         entry.fingerprint,
         entry.bundle});
    run_ = connection_.last_key();
    for (const auto& artifact : entry.artifacts) write(artifact);
    for (const auto& image : entry.images) write(image);
    std::int64_t n = 0;
    for (const auto& canary : entry.canaries) write(canary, n++);
    for (const auto& cell : entry.cells) write(cell);
    return status_;
  }

 private:
  void put(const char* sql, Parameters parameters) {
    if (!status_) return;
    auto found = prepared_.find(sql);
    if (found == prepared_.end()) {
      auto made = connection_.prepare(sql);
      if (!made) {
        status_ = fail(made.error());
        return;
      }
      found = prepared_.emplace(sql, std::move(*made)).first;
    }
    status_ = found->second.run(parameters);
  }

  void write(const ArtifactRow& artifact) {
    const auto slash = artifact.path.rfind('/');
    const std::string name = slash == std::string::npos ? artifact.path : artifact.path.substr(slash + 1);
    put("INSERT OR IGNORE INTO artifact(sha256, name, size) VALUES(?,?,?)",
        {artifact.sha256, name, artifact.size});
    put("INSERT OR IGNORE INTO run_artifact(run, path, sha256) VALUES(?,?,?)",
        {run_, artifact.path, artifact.sha256});
  }

  void write(const ImageRow& image) {
    put("INSERT OR IGNORE INTO image(run, name, machine, disk_sha256, kernel_release, kernel_version, suite, "
        "boot_ms) VALUES(?,?,?,?,?,?,?,?)",
        {run_, image.name, image.machine, image.sha256, image.kernel_release, image.kernel_version,
         image.suite, image.boot_ms});
  }

  void write(const CanaryRow& canary, std::int64_t n) {
    put("INSERT INTO canary(run, image, machine, n, crash, due, spoke, made, reason) "
        "VALUES(?,?,?,?,?,?,?,?,?)",
        {run_, canary.image, canary.machine, n, canary.crash, canary.due, canary.spoke, canary.made,
         canary.reason});
  }

  std::int64_t tested_key(const Tested& tested) {
    const std::string digest = tested.sha256();
    if (const auto known = tested_.find(digest); known != tested_.end()) return known->second;
    put("INSERT OR IGNORE INTO tested(sha256, image, machine, kernel_release, driver, content, image_sha256, "
        "driver_sha256, content_sha256, extras_sha256, story_sha256) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
        {digest, tested.image, tested.machine, tested.kernel_release, tested.driver, tested.content,
         tested.image_sha256, tested.driver_sha256, tested.content_sha256, tested.extras_sha256,
         tested.story_sha256});
    if (!status_) return 0;
    const auto key = connection_.number("SELECT key FROM tested WHERE sha256 = ?", {digest});
    if (!key) status_ = fail(key.error());
    return key ? tested_[digest] = *key : 0;
  }

  void write(const CellRow& cell) {
    const std::int64_t tested = tested_key(cell.tested);
    put("INSERT INTO cell(run, id, tested, control, expected, answer, outcome, step, reason, wanted, proved, "
        "took_ms, journal_sha256, events) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {run_, cell.id, tested, flag(cell.control), flag(cell.expected),
         std::string_view(to_string(cell.answer)), cell.outcome, cell.step, cell.reason,
         std::int64_t{cell.wanted}, std::int64_t{cell.proved}, cell.took_ms, cell.journal_sha256,
         cell.events});
    const std::int64_t key = connection_.last_key();
    std::int64_t n = 0;
    for (const auto& boot : cell.boots)
      put("INSERT OR IGNORE INTO boot(cell, n, kernel_ms, agent_ms, proved_ms, starved_ms) "
          "VALUES(?,?,?,?,?,?)",
          {key, std::int64_t{boot.n}, boot.kernel_ms, boot.agent_ms, boot.proved_ms, boot.starved_ms});
    for (const auto& attempt : cell.attempts)
      put("INSERT INTO attempt(cell, n, kind, outcome, reason, proved, took_ms, journal_sha256) "
          "VALUES(?,?,?,?,?,?,?,?)",
          {key, ++n, attempt.kind, attempt.outcome, attempt.reason, std::int64_t{attempt.proved},
           attempt.took_ms, attempt.journal_sha256});
    n = 0;
    for (const auto& finding : cell.findings)
      put("INSERT INTO finding(cell, n, title, kind, severity, channel, module, candidate, boot, accepted, "
          "suppressed, corrupted, excerpt) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
          {key, ++n, finding.title, finding.kind, finding.severity, finding.channel, finding.module,
           flag(finding.candidate), std::int64_t{finding.boot}, flag(finding.accepted), finding.suppressed,
           finding.corrupted, finding.excerpt});
  }

  const Connection& connection_;
  std::map<const char*, Rows> prepared_;
  std::map<std::string, std::int64_t> tested_;
  std::int64_t run_ = 0;
  Status status_;
};

// The same run as it stood when it was interrupted: what resumed it rewrote its run.json.
Result<std::int64_t> interrupted_before(const Connection& connection, const Entry& entry) {
  return connection.number(
      "SELECT key FROM run WHERE interrupted = 1 AND began = ? AND scenario_sha256 = ? AND plan_sha256 = ? "
      "AND "
      "fingerprint = ? AND name = ?",
      {entry.began, entry.scenario_sha256, entry.plan_sha256, entry.fingerprint, entry.name});
}

Status remove_run(const Connection& connection, std::int64_t key) {
  auto statement = connection.prepare("DELETE FROM run WHERE key = ?");
  if (!statement) return fail(statement.error());
  return statement->run({key});
}

}  // namespace

Result<Database> Database::open(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    return input_error("there is no history", file.string(), "make one with: labctl history add BUNDLES");
  auto connection = Connection::open(file, Connection::Access::read);
  if (!connection) return fail(connection.error());
  if (auto good = check_format(**connection); !good) return fail(good.error());
  return Database(std::move(*connection));
}

Result<Database> Database::open_to_write(const std::filesystem::path& file) {
  if (auto made = make_dirs(std::filesystem::absolute(file).parent_path()); !made) return fail(made.error());
  auto connection = Connection::open(file, Connection::Access::write);
  if (!connection) return fail(connection.error());
  // A rollback journal and no WAL: the history is one file that can be copied, and can be read where its
  // folder cannot be written to.
  if (auto set = (*connection)->run("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL"); !set)
    return fail(set.error());
  auto transaction = Transaction::begin(**connection);
  if (!transaction) return fail(transaction.error());
  if (auto made = migrate(**connection); !made) return fail(made.error());
  if (auto done = transaction->commit(); !done) return fail(done.error());
  return Database(std::move(*connection));
}

Result<std::int64_t> Database::key_of(const std::string& id) const {
  return connection_->number("SELECT key FROM run WHERE id = ?", {id});
}

Result<Added> Database::add(const Entry& entry) {
  auto transaction = Transaction::begin(*connection_);
  if (!transaction) return fail(transaction.error());
  const auto known = key_of(entry.id);
  if (!known) return fail(known.error());
  if (*known != 0) return Added::known;
  const auto before = interrupted_before(*connection_, entry);
  if (!before) return fail(before.error());
  if (*before != 0)
    if (auto removed = remove_run(*connection_, *before); !removed) return fail(removed.error());
  if (auto written = Writer(*connection_).write(entry); !written) return fail(written.error());
  if (auto done = transaction->commit(); !done) return fail(done.error());
  return *before == 0 ? Added::added : Added::replaced;
}

}  // namespace labctl::history
