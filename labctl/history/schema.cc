#include "labctl/history/schema.h"

#include <fmt/core.h>

#include <iterator>
#include <string>

namespace labctl::history {
namespace {

// Format 1. Times are UTC as run.json has them; *_ms are milliseconds; an empty digest means that there was
// no such thing. `answer` is what a cell says about the candidate: passed, failed, lab, kept or none.
constexpr const char* format_1 = R"sql(
CREATE TABLE run(
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run_sha256 TEXT NOT NULL, name TEXT NOT NULL, scenario TEXT NOT NULL,
  scenario_sha256 TEXT NOT NULL, plan_sha256 TEXT NOT NULL, began TEXT NOT NULL, ended TEXT NOT NULL,
  recorded TEXT NOT NULL, verdict TEXT NOT NULL, reasons TEXT NOT NULL, waived INTEGER NOT NULL,
  warned INTEGER NOT NULL, interrupted INTEGER NOT NULL, partial INTEGER NOT NULL, rules INTEGER NOT NULL,
  tool TEXT NOT NULL, tool_sha256 TEXT NOT NULL, signed_by TEXT NOT NULL, hypervisor TEXT NOT NULL,
  accel TEXT NOT NULL, machine_type TEXT NOT NULL, cpu TEXT NOT NULL, fingerprint TEXT NOT NULL,
  bundle TEXT NOT NULL, pruned TEXT NOT NULL DEFAULT '');
CREATE INDEX run_began ON run(began);
CREATE TABLE artifact(sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE run_artifact(
  run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE, path TEXT NOT NULL,
  sha256 TEXT NOT NULL REFERENCES artifact(sha256), PRIMARY KEY(run, path)) WITHOUT ROWID;
CREATE TABLE image(
  run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE, name TEXT NOT NULL, machine TEXT NOT NULL,
  disk_sha256 TEXT NOT NULL, kernel_release TEXT NOT NULL, kernel_version TEXT NOT NULL, suite TEXT NOT NULL,
  boot_ms INTEGER NOT NULL, PRIMARY KEY(run, name, machine)) WITHOUT ROWID;
CREATE TABLE tested(
  key INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, image TEXT NOT NULL, machine TEXT NOT NULL,
  kernel_release TEXT NOT NULL, driver TEXT NOT NULL, content TEXT NOT NULL, image_sha256 TEXT NOT NULL,
  driver_sha256 TEXT NOT NULL, content_sha256 TEXT NOT NULL, extras_sha256 TEXT NOT NULL,
  story_sha256 TEXT NOT NULL);
CREATE TABLE cell(
  key INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE, id TEXT NOT NULL,
  tested INTEGER NOT NULL REFERENCES tested(key), control INTEGER NOT NULL, expected INTEGER NOT NULL,
  answer TEXT NOT NULL, outcome TEXT NOT NULL, step TEXT NOT NULL, reason TEXT NOT NULL,
  wanted INTEGER NOT NULL, proved INTEGER NOT NULL, took_ms INTEGER NOT NULL, journal_sha256 TEXT NOT NULL,
  events INTEGER NOT NULL, UNIQUE(run, id));
CREATE INDEX cell_id ON cell(id, run);
CREATE INDEX cell_tested ON cell(tested, answer, journal_sha256);
CREATE INDEX cell_answer ON cell(answer, run);
CREATE TABLE attempt(
  cell INTEGER NOT NULL REFERENCES cell(key) ON DELETE CASCADE, n INTEGER NOT NULL, kind TEXT NOT NULL,
  outcome TEXT NOT NULL, reason TEXT NOT NULL, proved INTEGER NOT NULL, took_ms INTEGER NOT NULL,
  journal_sha256 TEXT NOT NULL, PRIMARY KEY(cell, n)) WITHOUT ROWID;
CREATE TABLE boot(
  cell INTEGER NOT NULL REFERENCES cell(key) ON DELETE CASCADE, n INTEGER NOT NULL, kernel_ms INTEGER NOT NULL,
  agent_ms INTEGER NOT NULL, proved_ms INTEGER NOT NULL, starved_ms INTEGER NOT NULL,
  PRIMARY KEY(cell, n)) WITHOUT ROWID;
CREATE TABLE finding(
  cell INTEGER NOT NULL REFERENCES cell(key) ON DELETE CASCADE, n INTEGER NOT NULL, title TEXT NOT NULL,
  kind TEXT NOT NULL, severity TEXT NOT NULL, channel TEXT NOT NULL, module TEXT NOT NULL,
  candidate INTEGER NOT NULL, boot INTEGER NOT NULL, accepted INTEGER NOT NULL, suppressed TEXT NOT NULL,
  corrupted TEXT NOT NULL, excerpt TEXT NOT NULL, PRIMARY KEY(cell, n)) WITHOUT ROWID;
CREATE INDEX finding_title ON finding(title, cell);
CREATE TABLE canary(
  run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE, image TEXT NOT NULL, machine TEXT NOT NULL,
  n INTEGER NOT NULL, crash TEXT NOT NULL, due TEXT NOT NULL, spoke TEXT NOT NULL, made TEXT NOT NULL,
  reason TEXT NOT NULL, PRIMARY KEY(run, image, machine, n)) WITHOUT ROWID;

CREATE VIEW runs AS
  SELECT r.key, r.name, r.scenario, r.began, r.ended, r.recorded, r.verdict, r.waived, r.warned, r.partial,
    sum(c.control = 0) AS cells, sum(c.control = 0 AND c.answer = 'passed') AS passed,
    sum(c.control = 0 AND c.answer = 'failed') AS failed, sum(c.control = 0 AND c.answer = 'lab') AS lab,
    r.tool, r.signed_by, r.cpu, r.accel, r.hypervisor, r.bundle
  FROM run r LEFT JOIN cell c ON c.run = r.key GROUP BY r.key;
CREATE VIEW cells AS
  SELECT c.key, r.name AS run, r.scenario, r.began, c.id, t.image, t.machine, t.kernel_release, t.driver,
    t.content, c.control, c.answer, c.outcome, c.expected, c.step, c.reason, c.wanted, c.proved, c.took_ms,
    t.image_sha256, t.driver_sha256, t.content_sha256, t.extras_sha256, t.story_sha256, c.journal_sha256
  FROM cell c JOIN run r ON r.key = c.run JOIN tested t ON t.key = c.tested;
CREATE VIEW identical AS
  SELECT t.key, min(c.id) AS cell, t.image, t.kernel_release, t.driver, t.content, max(c.control) AS control,
    count(DISTINCT CASE WHEN c.answer IN ('passed', 'failed') THEN c.journal_sha256 END) AS n,
    count(DISTINCT CASE WHEN c.answer = 'passed' THEN c.journal_sha256 END) AS passed,
    count(DISTINCT CASE WHEN c.answer = 'failed' THEN c.journal_sha256 END) AS failed,
    count(DISTINCT CASE WHEN c.answer = 'lab' THEN c.key END) AS lab
  FROM tested t JOIN cell c ON c.tested = t.key GROUP BY t.key;
CREATE VIEW unstable AS SELECT * FROM identical WHERE passed > 0 AND failed > 0;
CREATE VIEW crashes AS
  SELECT f.title, f.kind, f.severity, min(r.began) AS first_seen, max(r.began) AS last_seen,
    count(DISTINCT r.key) AS runs, count(DISTINCT c.id) AS cells,
    max(f.module) AS module
  FROM finding f JOIN cell c ON c.key = f.cell JOIN run r ON r.key = c.run
  WHERE f.suppressed = '' GROUP BY f.title;
CREATE VIEW boots AS
  SELECT r.began, t.image, t.machine, r.cpu, r.accel, r.hypervisor, c.id AS cell, b.n, b.kernel_ms, b.agent_ms,
    b.proved_ms, b.starved_ms
  FROM boot b JOIN cell c ON c.key = b.cell JOIN run r ON r.key = c.run JOIN tested t ON t.key = c.tested;
CREATE VIEW lab_failures AS
  SELECT r.began, r.name AS run, r.fingerprint, r.cpu, r.hypervisor, t.image, c.id AS cell, c.reason
  FROM cell c JOIN run r ON r.key = c.run JOIN tested t ON t.key = c.tested WHERE c.answer = 'lab';
CREATE VIEW covered AS
  SELECT t.kernel_release, t.image, t.driver, t.driver_sha256, max(r.began) AS last_passed, sum(c.proved) AS boots
  FROM cell c JOIN run r ON r.key = c.run JOIN tested t ON t.key = c.tested
  WHERE c.control = 0 AND c.answer = 'passed' AND c.expected = 0
  GROUP BY t.kernel_release, t.image, t.driver, t.driver_sha256;
)sql";

// Format 2: what people know about a problem. A copy of their YAML; nothing in it weakens the gate.
constexpr const char* format_2 = R"sql(
CREATE TABLE problem(
  title TEXT PRIMARY KEY, ticket TEXT NOT NULL, note TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL)
  WITHOUT ROWID;
)sql";

constexpr const char* formats[] = {format_1, format_2};

Status object_to_owner(const Connection& connection, std::int64_t format) {
  const auto owner = connection.number("PRAGMA application_id");
  if (!owner) return fail(owner.error());
  if (*owner != application_id)
    return input_error("it is a database of another program, and not a history of labctl's",
                       connection.file().string(), "name another file with --db or LABCTL_HISTORY");
  if (format > format_now())
    return input_error(
        fmt::format("it is a history of format {}, and this labctl knows {}", format, format_now()),
        connection.file().string(), "use the newer labctl that made it");
  return {};
}

}  // namespace

int format_now() { return static_cast<int>(std::size(formats)); }

Status migrate(const Connection& connection) {
  const auto format = connection.number("PRAGMA user_version");
  if (!format) return fail(format.error());
  const auto tables = connection.number("SELECT count(*) FROM sqlite_master");
  if (!tables) return fail(tables.error());
  if (*format != 0 || *tables != 0)
    if (auto ours = object_to_owner(connection, *format); !ours) return ours;
  if (*format < 0 || *format >= format_now()) return {};
  for (int next = static_cast<int>(*format); next < format_now(); ++next)
    if (auto made = connection.run(formats[next]); !made) return made;
  return connection.run("PRAGMA application_id = " + std::to_string(application_id) +
                        "; PRAGMA user_version = " + std::to_string(format_now()));
}

Status check_format(const Connection& connection) {
  const auto format = connection.number("PRAGMA user_version");
  if (!format) return fail(format.error());
  if (auto ours = object_to_owner(connection, *format); !ours) return ours;
  if (*format < format_now())
    return input_error(fmt::format("it is a history of the earlier format {}", *format),
                       connection.file().string(), "bring it to today's with: labctl history add BUNDLE");
  return {};
}

}  // namespace labctl::history
