#include "tests/fuzz/doors.h"

#include <unistd.h>

#include <filesystem>
#include <set>

#include "labctl/attest/envelope.h"
#include "labctl/attest/sigstore.h"
#include "labctl/attest/statement.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/crash/windows/dump.h"
#include "labctl/event/event.h"
#include "labctl/image/image.h"
#include "labctl/observe/disk.h"
#include "labctl/observe/observe.h"
#include "labctl/plan/plan.h"
#include "labctl/rings/keys.h"
#include "labctl/rings/plan.h"
#include "labctl/rings/promotion.h"
#include "labctl/rings/reports.h"
#include "labctl/rings/tally.h"
#include "labctl/scenario/scenario.h"
#include "labctl/scenario/signatures.h"
#include "tests/outcome/split.h"
#include "tests/source_tree.h"

namespace labctl::fuzz {
namespace {

// Every file of these folders with this suffix, in the same order on every file system.
std::vector<std::string> files(const std::vector<std::string>& folders, const std::string& suffix) {
  std::set<fs::path> paths;
  for (const auto& folder : folders)
    for (const auto& entry : fs::recursive_directory_iterator(source_tree::root() / folder))
      if (entry.path().string().ends_with(suffix)) paths.insert(entry.path());
  std::vector<std::string> texts;
  for (const auto& path : paths) texts.push_back(read_file(path).value_or(""));
  return texts;
}

// An error is for people and for terminals: short, with a reason, and nothing in it that a terminal obeys.
std::string broken(const Error& error) {
  if (error.what.empty()) return "an error without a reason";
  if (error.text().size() > 3000) return "an error of " + std::to_string(error.text().size()) + " bytes";
  for (const unsigned char c : error.text())
    if ((c < 0x20 && c != '\n') || c == 0x7f) return "a control byte in: " + error.what;
  return {};
}
std::string broken(const std::vector<Error>& errors) {
  if (errors.size() > 200) return "too many errors";
  for (const Error& error : errors)
    if (auto wrong = broken(error); !wrong.empty()) return wrong;
  return {};
}

std::string scenario(std::string_view bytes) {
  const auto loaded = scenario::load(bytes, "f.yaml", {{"driver", "a.deb"}, {"content", "b"}});
  if (loaded.scenario.has_value() != loaded.mistakes.empty()) return "a scenario and mistakes, or neither";
  return broken(loaded.mistakes);
}

std::string waivers(std::string_view bytes) {
  const auto loaded = scenario::load_waivers(bytes, "w.yaml");
  if (loaded.waivers.has_value() != loaded.mistakes.empty()) return "waivers and mistakes, or neither";
  return broken(loaded.mistakes);
}

std::string signatures(std::string_view bytes) {
  const auto loaded = scenario::load_signatures(bytes, "s.yaml");
  if (loaded.mistakes.empty())
    for (const auto& signature : loaded.all)
      if (!crash::pattern_problem(signature.pattern).empty()) return "a pattern that cannot be used";
  return broken(loaded.mistakes);
}

std::string recipe(std::string_view bytes) {
  static const fs::path folder = [] {
    const fs::path made = fs::temp_directory_path() / ("labctl-fuzz-" + std::to_string(::getpid())) / "box";
    fs::create_directories(made);
    return made;
  }();
  if (!write_file(folder / "image.yaml", bytes)) return {};
  const auto read = image::read_recipe(folder);
  return read ? std::string() : broken(read.error());
}

std::string journal(std::string_view bytes) {
  const auto read = event::read_journal(bytes, "box", "events.jsonl");
  if (!read) return broken(read.error());
  if (read->events.empty()) return "a journal without an event";
  // Written again it is the same journal, as far as it was understood.
  std::string text;
  auto chain = event::begin_chain("box");
  for (const auto& event : read->events) text += event::to_line(event, chain) + "\n";
  return event::read_journal(text, "box", "again") ? "" : "what was read cannot be written and read";
}

std::string split_file(std::string_view bytes) {
  const auto read = outcome::read_split(bytes, "split.json");
  return read ? std::string() : broken(read.error());
}

std::string plan(std::string_view bytes) {
  const auto json = parse_json(bytes, "run.json");
  if (!json) return broken(json.error());
  const auto read = plan::from_json(*json, "run.json");
  return read ? std::string() : broken(read.error());
}

std::string attestation(std::string_view bytes) {
  const auto envelope = attest::read_envelope(bytes, "attestation.json");
  if (!envelope) return broken(envelope.error());
  if (!attest::read_envelope(attest::to_text(*envelope), "again"))
    return "an envelope that cannot be read again";
  if (attest::open(*envelope, attest::in_toto_type, {})) return "an envelope that nobody's key opens is open";
  const auto statement = attest::read_payload(envelope->payload, "payload");
  return statement ? std::string() : broken(statement.error());
}

std::string statement(std::string_view bytes) {
  const auto read = attest::read_payload(bytes, "payload");
  if (!read) return broken(read.error());
  return attest::read_payload(attest::to_payload(*read), "again") ? ""
                                                                  : "a statement that cannot be read again";
}

std::string agent(std::string_view bytes) {
  const auto json = parse_json(bytes, {});
  if (!json) return broken(json.error());
  std::string full;
  const auto answer = observe::read_status("question", *json, full);
  if (answer.answered && (answer.exit_code < 0 || answer.exit_code > 255)) return "a status that is none";
  if (!answer.answered && answer.exit_code == 0) return "no answer, and well";
  if (answer.output.size() > (64u << 10)) return "too much output";
  return full.size() <= 2 * (observe::longest_output + 1) ? "" : "too much full output";
}

std::string dump(std::string_view bytes) {
  const auto read = crash::read_dump(bytes.substr(0, crash::dump_head), bytes.size());
  if (read.has_value() != crash::is_dump(bytes)) return "a dump that is none";
  return {};
}

std::string disk(std::string_view bytes) {
  constexpr std::uint64_t size = 1ull << 30;
  const auto partitions = observe::windows_partitions(bytes.substr(0, observe::partition_table), size);
  for (const auto& part : partitions)
    if (part.offset >= size || part.size == 0 || part.size > size - part.offset)
      return "a partition outside the disk";
  return partitions.size() <= 4 ? "" : "too many partitions";
}

std::string rings_plan(std::string_view bytes) {
  const auto loaded = rings::load_plan(bytes, "rings.yaml");
  if (loaded.mistakes.empty()) {
    const auto& all = loaded.plan.rings;
    if (all.empty() || !loaded.plan.gate.max_age) return "a plan without rings, or whose verdict has no age";
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (loaded.plan.find(all[i].name) != i) return "a ring that is not found by its name";
      if (i + 1 < all.size() && (!all[i].machines || (!all[i].halt_crashes && !all[i].crash_rate)))
        return "a ring that another follows, and that no crash halts";
      if (const auto& rate = all[i].crash_rate; rate && !(0 < rate->fine && rate->fine < rate->bad))
        return "a fine rate that is no better than the bad one";
    }
  }
  return broken(loaded.mistakes);
}

std::string keys(std::string_view bytes) { return broken(rings::load_keys(bytes, "keys.yaml").mistakes); }

// What is read is counted as well: a report that passes the reader must not upset the arithmetic.
std::string reports(std::string_view bytes) {
  const auto read = rings::read_reports(bytes, "reports.jsonl");
  if (read.mistakes.size() > 20) return "more than 20 mistakes";
  rings::Ring ring;
  ring.name = "internal";
  const rings::Candidate candidate{{std::string(64, 'a')}, true, false};
  constexpr std::int64_t opened = 1'795'000'000;
  const auto tally = rings::tally(ring, candidate, read.all, opened, opened + 86'400);
  if (!(tally.machine_days >= 0) || tally.machine_days > static_cast<double>(read.all.size()) + 0.01)
    return "more machine-days than machines had days";
  if (tally.soaked > tally.updated || tally.silent > tally.known) return "more machines than there are";
  return broken(read.mistakes);
}

template <typename Value>
std::string again(const Result<Value>& read, Result<Value> (*reader)(std::string_view, const std::string&)) {
  if (!read) return broken(read.error());
  return reader(rings::to_payload(*read), "again") ? std::string() : "a statement that cannot be read again";
}

// A promotion, a halt or a list of withdrawals.
std::string promotion(std::string_view bytes) {
  const auto one = rings::read_promotion(bytes, "payload");
  const auto two = rings::read_halt(bytes, "payload");
  const auto three = rings::read_withdrawal(bytes, "payload");
  if (auto wrong = again(one, rings::read_promotion); !wrong.empty()) return wrong;
  if (auto wrong = again(two, rings::read_halt); !wrong.empty()) return wrong;
  return again(three, rings::read_withdrawal);
}

std::string sigstore(std::string_view bytes) {
  const auto envelope = attest::read_envelope(bytes, "attestation.json");
  if (!envelope) return broken(envelope.error());
  const auto bundle = attest::to_sigstore(*envelope);
  if (!bundle) return broken(bundle.error());
  return parse_json(*bundle, {}) ? std::string() : "a bundle that is no JSON";
}

std::vector<std::string> promotion_seeds() {
  const std::vector<attest::Resource> files{{"driver.deb", std::string(64, 'a')}};
  return {
      rings::to_payload(rings::Promotion{.artifacts = files,
                                         .ring = "early",
                                         .created = 1'795'000'000,
                                         .expires = 1'795'021'600,
                                         .opened = {{"internal", 1'794'900'000}, {"early", 1'795'000'000}},
                                         .plan = std::string(64, 'b'),
                                         .verdict = std::string(64, 'c'),
                                         .reports = std::string(64, 'd'),
                                         .previous = std::string(64, 'e')}),
      rings::to_payload(rings::Halt{files, 1'795'000'000, "crashes in ring early"}),
      rings::to_payload(rings::Withdrawal{files, 1'795'000'000, 1'795'600'000, "the lab's clock"})};
}

// The plan and the report of the reference, and what each key may be.
std::string example(const std::string& page, const std::string& fence) {
  const std::string text = read_file(source_tree::root() / page).value_or("");
  const auto begin = text.find("```" + fence + "\n");
  if (begin == text.npos) return {};
  const auto from = text.find('\n', begin) + 1;
  return text.substr(from, text.find("```", from) - from);
}

std::vector<std::string> report_seeds() {
  std::string line = example("docs/reference/rings.md", "json");
  std::string filled = line;
  for (auto at = filled.find("<sha256>"); at != filled.npos; at = filled.find("<sha256>"))
    filled.replace(at, 8, std::string(64, 'a'));
  return {line, filled, filled + filled};
}

// Partition tables of both kinds, each with one entry that says nothing yet.
std::vector<std::string> disk_seeds() {
  std::string mbr(2048, '\0');
  mbr[450] = 7;
  mbr[455] = mbr[459] = 8;
  mbr.replace(510, 2, "\x55\xAA");
  std::string gpt = mbr;
  gpt.replace(512, 8, "EFI PART");
  gpt[512 + 72] = 2;
  gpt[512 + 80] = gpt[512 + 84] = '\x80';
  gpt.replace(1024, 16, "\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7");
  gpt[1024 + 33] = gpt[1024 + 41] = 8;
  return {mbr, gpt};
}

std::string journal_seed() {
  crash::Finding finding;
  finding.title = "oops in f \x1b[1m";
  std::string text;
  auto chain = event::begin_chain("box");
  for (const event::What& what :
       {event::What(
            event::Opened{.cell = "box", .boot_time = Millis(3000), .payload = {{"driver.ko", "00"}}}),
        event::What(event::Started{}), event::What(event::Beat{}), event::What(event::KernelStarted{}),
        event::What(event::Answer{"loaded", true, 0, "state=live\n"}),
        event::What(event::Found{event::Channel::console, finding}), event::What(event::Reset{}),
        event::What(event::Stopped{true, "x"}), event::What(event::Panicked{}),
        event::What(event::Tick{Millis(1)}), event::What(event::LabFault{"x"}),
        event::What(event::Suspended{}), event::What(event::Woken{}), event::What(event::Interrupted{})})
    text += event::to_line({Millis(5), what}, chain) + "\n";
  return text;
}

attest::Statement a_statement() {
  attest::Statement statement;
  statement.subjects = {{.name = "driver.ko", .sha256 = std::string(64, 'a')}};
  statement.result = attest::TestResult::passed;
  statement.passed = {"box.candidate"};
  statement.verdict = "passed", statement.scenario = "s", statement.tool = "labctl";
  statement.began = 1, statement.ended = 2;
  return statement;
}

}  // namespace

const std::vector<Door>& doors() {
  static const std::vector<Door> all{
      {"scenario", scenario,
       [] {
         return files({"scenarios", "tests/scenario/good"}, ".yaml");
       }},
      {"waivers", waivers, [] { return files({"tests/scenario/waivers"}, ".yaml"); }},
      {"signatures", signatures, [] { return files({"tests/guests"}, ".yaml"); }},
      {"recipe", recipe, [] { return files({"images"}, "image.yaml"); }},
      {"journal", journal, [] { return std::vector{journal_seed()}; }},
      {"plan", plan,
       [] {
         plan::Plan one;
         one.scenario = "s";
         one.cells.resize(1);
         one.cells[0].id = one.cells[0].image = "box";
         return std::vector{dump_line(plan::to_json(one))};
       }},
      {"split", split_file, [] { return std::vector{outcome::write_split(test::make_split())}; }},
      {"attestation", attestation,
       [] {
         return std::vector{attest::to_text({.payload_type = std::string(attest::in_toto_type),
                                             .payload = attest::to_payload(a_statement()),
                                             .signatures = {{"k", "s"}}})};
       }},
      {"statement", statement, [] { return std::vector{attest::to_payload(a_statement())}; }},
      {"agent", agent,
       [] {
         return std::vector<std::string>{
             R"({"exited": true, "exitcode": 0, "out-data": "c3RhdGU9bGl2ZQo=", "err-data": ""})",
             R"({"exited": true, "signal": 11, "out-truncated": true})"};
       }},
      {"dump", dump,
       [] {
         return std::vector{"PAGEDU64" + std::string(8192, '\0'), "PAGEDUMP" + std::string(4096, '\1')};
       }},
      {"disk", disk, disk_seeds},
      {"rings", rings_plan, [] { return std::vector{example("docs/reference/rings.md", "yaml")}; }},
      {"keys", keys,
       [] {
         return std::vector<std::string>{
             "labctl: 1\nkeys:\n  - {file: a.pub, for: gate, from: 2026-01-01, to: 2026-12-31, replaced-by: "
             "b.pub}\n  - {file: b.pub, for: gate}\n  - {file: c.pub, for: withdrawal}\n"};
       }},
      {"reports", reports, report_seeds},
      {"promotion", promotion, promotion_seeds},
      {"sigstore", sigstore,
       [] {
         return std::vector{attest::to_text({.payload_type = std::string(attest::in_toto_type),
                                             .payload = attest::to_payload(a_statement()),
                                             .signatures = {{std::string(64, 'a'), "s"}}})};
       }},
  };
  return all;
}

}  // namespace labctl::fuzz
