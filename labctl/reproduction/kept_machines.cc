#include "labctl/reproduction/kept_machines.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/log.h"
#include "labctl/base/units.h"
#include "labctl/bundle/bundle.h"

namespace labctl::reproduction {
namespace {

constexpr std::uint64_t usual_quota = 10ull << 30;

// What it takes on the disk, which is less than what a reader would see: there are holes in it.
std::uint64_t allocated(const fs::path& file) {
  struct stat facts {};
  return ::stat(file.c_str(), &facts) == 0 ? static_cast<std::uint64_t>(facts.st_blocks) * 512 : 0;
}

std::optional<KeptMachine> read_kept(const fs::path& folder) {
  auto text = read_file(folder / "kept.json");
  auto facts = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
  auto journal = read_file(folder / "events.jsonl", event::largest_journal);
  KeptMachine kept{.folder = folder, .disk = folder / "disk.qcow2", .key = folder.filename()};
  if (!facts || !journal || number_at(*facts, "labctl") != 1 || !fs::exists(kept.disk)) return std::nullopt;
  kept.cell = text_at(*facts, "cell");
  kept.image = text_at(*facts, "image");
  kept.made = text_at(*facts, "made");
  kept.checkpoint = {text_at(*facts, "step"), static_cast<int>(number_at(*facts, "left")),
                     std::move(*journal)};
  kept.bytes = allocated(kept.disk) + kept.checkpoint.journal.size();
  return kept;
}

// Leaves at once: only the checkpoint is wanted.
class Passer final : public lab::DebugSession {
 public:
  void heard(std::string_view) override {}
  Choice take_over(const lab::Guest& guest) override {
    if (!guest.over) saved = guest.save();
    return Choice::leave;
  }
  Status saved = lab_error("it was never held");
};

}  // namespace

std::string key_of(const lab::CellJob& job, int left, const machine::HostFacts& host) {
  plan::Plan plan;
  plan.cells = {job.cell};
  const Json made_of{plan::to_json(plan),
                     job.files,
                     job.base.image.sha256,
                     machine::slug_of(job.base.shape),
                     job.base.shape.cpu,
                     host.fingerprint,
                     left};
  return sha256(dump_line(made_of));
}

std::optional<KeptMachine> KeptMachines::find(const std::string& key) const { return read_kept(root_ / key); }

Status KeptMachines::put(const std::string& key, const lab::CellJob& job, lab::Checkpoint checkpoint) const {
  if (auto made = make_dirs(root_); !made) return made;
  auto lock = Lock::wait(root_ / ".lock");
  if (!lock) return fail(lock.error());
  auto journal = holding(checkpoint.journal, job.cell.id, checkpoint.left);
  if (!journal) return fail(journal.error());
  const fs::path partial = root_ / (key + ".partial");
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(root_, problem))  // nobody but us writes now
    if (entry.path().extension() == ".partial" && is_sha256(entry.path().stem().string()))
      log::ignored(remove_below(root_, entry.path()), "removing what is not a kept machine");
  if (auto made = make_dirs(partial); !made) return made;
  fs::rename(job.disk, partial / "disk.qcow2", problem);
  if (problem)
    return lab_error(fmt::format("the machine cannot be kept: {}", problem.message()), partial.string());
  const Json facts{{"labctl", 1},
                   {"cell", job.cell.id},
                   {"image", job.base.image.name},
                   {"step", checkpoint.step},
                   {"left", checkpoint.left},
                   {"made", bundle::utc_now()}};
  if (auto written = write_file(partial / "events.jsonl", *journal); !written) return written;
  if (auto written = write_file(partial / "kept.json", dump_pretty(facts)); !written) return written;
  if (auto gone = remove_below(root_, root_ / key); !gone) return gone;
  return rename_synced(partial, root_ / key);
}

Status KeptMachines::discard(const std::string& key) const { return remove_below(root_, root_ / key); }

std::vector<KeptMachine> KeptMachines::all() const {
  std::vector<KeptMachine> machines;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(root_, problem))
    if (entry.path().extension() == ".partial")
      continue;
    else if (auto kept = read_kept(entry.path()))
      machines.push_back(std::move(*kept));
  std::sort(machines.begin(), machines.end(),
            [](const auto& a, const auto& b) { return a.made != b.made ? a.made > b.made : a.key < b.key; });
  return machines;
}

std::vector<KeptMachine> KeptMachines::over(std::uint64_t quota) const {
  std::vector<KeptMachine> too_many;
  std::uint64_t bytes = 0;
  for (auto& kept : all()) {
    bytes += kept.bytes;
    if (bytes > quota) too_many.push_back(std::move(kept));
  }
  std::reverse(too_many.begin(), too_many.end());
  return too_many;
}

Status save_where_it_holds(lab::CellJob job, machine::Host& host, const std::stop_token& stop) {
  Passer passer;
  job.session = &passer;
  const auto outcome = lab::run_cell(
      job, host, [](const auto&) {}, stop);
  if (stop.stop_requested()) return interrupted();
  if (passer.saved) return {};
  return lab_error(passer.saved.error().what + ": " + outcome::to_string(outcome.ending) + ": " +
                   outcome.reason);
}

std::vector<std::string> keep_within_quota(const KeptMachines& kept, std::uint64_t quota) {
  std::vector<std::string> lines;
  for (const auto& machine : kept.over(quota))
    if (kept.discard(machine.key))
      lines.push_back(fmt::format(
          "removed the kept machine of {} from {}, {}: all of them may take {} (LABCTL_KEEP_QUOTA)",
          machine.cell, machine.made, show_size(machine.bytes), show_size(quota)));
  return lines;
}

Result<std::uint64_t> kept_quota() {
  const char* quota = std::getenv("LABCTL_KEEP_QUOTA");
  if (!quota || !*quota) return usual_quota;
  auto size = parse_size(quota);
  if (!size)
    return input_error(fmt::format("LABCTL_KEEP_QUOTA is not a size: {}", size.error().what), {},
                       size.error().hint);
  return *size;
}

Result<std::string> holding(const std::string& journal, const std::string& cell, int left) {
  auto read = event::read_journal(journal, cell, fmt::format("the journal of {}", cell));
  if (!read) return fail(read.error());
  std::get<event::Opened>(read->events.front().what).hold = left;
  std::string text;
  auto chain = event::begin_chain(cell);
  for (const auto& event : read->events) text += event::to_line(event, chain) + "\n";
  return text;
}

}  // namespace labctl::reproduction
