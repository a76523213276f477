#include "labctl/gate/fuzz_makers.h"

#include <fmt/format.h>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/reproduction/bisect.h"

namespace labctl::gate {
namespace {

constexpr auto command_patience = std::chrono::seconds(60);
constexpr std::size_t command_turns = 2, records_turns = 16;  // one variant in so many is theirs

}  // namespace

Result<Made> FuzzMakers::make(long long number) const {
  const auto place = static_cast<std::size_t>(number);
  if (place < first_.size()) return Made{first_[place], 0, -1};
  hunt::Chance chance(seed_, static_cast<std::uint64_t>(number));
  if (!commands_.mutate.empty() && chance.one_in(command_turns)) return by_command(chance, number);
  if (commands_.split && chance.one_in(records_turns)) return by_records(chance);
  const auto choice = corpus_.choose(chance);
  return Made{hunt::make_variant(choice.maker, corpus_.stock(choice.parent, most_bytes_), chance),
              static_cast<int>(choice.parent), static_cast<int>(choice.maker)};
}

// Any parent, any other content, and a number for the command's own chance.
Result<Made> FuzzMakers::by_command(hunt::Chance& chance, long long number) const {
  const auto& entries = corpus_.entries();
  const auto parent = corpus_.choose(chance).parent, other = chance.below(entries.size());
  const fs::path from = commands_.work / "mutate-content", with = commands_.work / "mutate-other",
                 to = commands_.work / "mutate-variant";
  if (auto written = write_file(from, entries[parent].bytes); !written) return fail(written.error());
  if (auto written = write_file(with, entries[other].bytes); !written) return fail(written.error());
  std::error_code ignored;
  fs::remove(to, ignored);
  auto made = run_ok({.argv = {"/bin/sh", "-c", commands_.mutate},
                      .environment = {{"LABCTL_CONTENT", from.string()},
                                      {"LABCTL_OTHER", with.string()},
                                      {"LABCTL_SEED", std::to_string(chance.next() >> 1)},
                                      {"LABCTL_VARIANT", to.string()}},
                      .directory = commands_.folder,
                      .deadline = command_patience});
  if (!made)
    return fail({Fault::input, fmt::format("--mutate failed: {}", made.error().what), {}, made.error().hint});
  auto bytes = read_file(to, most_bytes_);
  if (!bytes)
    return input_error(
        fmt::format("--mutate made no $LABCTL_VARIANT of at most --max-size: {}", bytes.error().what),
        fmt::format("variant {}", number));
  return Made{{std::move(*bytes), "the author's mutate"}, static_cast<int>(parent), -1};
}

// Some of the records of a content that the author's commands can take apart.
Result<Made> FuzzMakers::by_records(hunt::Chance& chance) const {
  const auto parent = corpus_.choose(chance).parent;
  const fs::path content = commands_.work / "records-content";
  if (auto written = write_file(content, corpus_.entries()[parent].bytes); !written)
    return fail(written.error());
  auto records = reproduction::read_records(*commands_.split, content, commands_.folder);
  if (!records) return Made{};  // a variant need not be one that the author's tool reads
  std::vector<std::string> kept;
  for (const auto& record : *records)
    if (!chance.one_in(3)) kept.push_back(record);
  const fs::path work = commands_.work / "records";
  if (auto made = make_dirs(work); !made) return fail(made.error());
  auto subset = reproduction::make_subset(*commands_.split, content, kept, commands_.folder, work);
  Made made{{}, static_cast<int>(parent), -1};
  if (subset)
    if (auto bytes = read_file(*subset, most_bytes_))
      made.variant = {std::move(*bytes), fmt::format("{} of its records", kept.size())};
  if (auto gone = remove_below(commands_.work, work); !gone) return fail(gone.error());
  return made;
}

}  // namespace labctl::gate
