#include "labctl/gate/split.h"

#include <fmt/core.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/bundle/artifact_store.h"
#include "labctl/bundle/shards.h"
#include "labctl/gate/run.h"

namespace labctl::gate {

namespace fs = std::filesystem;

namespace {

Result<std::string> random_nonce() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return lab_error("the kernel gives no random bytes");
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string node_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

Status must_be_new(const fs::path& out) {
  std::error_code ignored;
  if (!fs::exists(out / bundle::split_name, ignored)) return {};
  return input_error("holds a split already", (out / bundle::split_name).string(),
                     "give --out another folder: shards of the old split may be at work");
}

}  // namespace

Answer<outcome::Split> split_run(const SplitOrder& order, const Environment& environment) {
  if (auto is_new = must_be_new(order.out); !is_new) return wrong(is_new.error());
  auto shards = plan::shards(order.plan, order.shards);
  if (!shards) return wrong(shards.error());
  auto nonce = random_nonce();
  if (!nonce) return wrong(nonce.error());
  auto tool = own_digest();
  if (!tool) return wrong(tool.error());
  auto work = WorkFolder::create(environment.paths);
  if (!work) return wrong(work.error());
  auto staged =
      lab::StagedArtifacts::gather(order.plan, order.scenario.file, environment.store, work->path());
  if (!staged) return wrong(staged.error());
  if (auto unproved = staged->unproved(); !unproved.empty()) return wrong(std::move(unproved));
  auto artifacts =
      staged->keep_sources(bundle::ArtifactStore(order.out / bundle::split_artifacts), work->path());
  if (!artifacts) return wrong(artifacts.error());
  outcome::Split split{.nonce = *nonce,
                       .made = environment.now(),
                       .tool = environment.tool,
                       .tool_sha256 = *tool,
                       .scenario = order.scenario,
                       .waivers = order.waivers,
                       .artifacts = std::move(*artifacts),
                       .images = {},
                       .plan = order.plan,
                       .shards = std::move(*shards)};
  for (const auto& name : order.plan.images()) {
    auto image = environment.store.find(name);
    if (!image) return wrong(image.error());
    split.images.push_back({name, image->sha256});
  }
  split.digest = outcome::split_digest(split);
  if (auto made = write_file(order.out / bundle::split_name, outcome::write_split(split)); !made)
    return wrong(made.error());
  return split;
}

Result<RunOrder> shard_order(const outcome::Split& split, int index, const fs::path& folder) {
  if (index < 0 || static_cast<std::size_t>(index) >= split.shards.size())
    return input_error(fmt::format("the split has no shard {}", index), folder.string(),
                       fmt::format("give --index a number from 0 to {}", split.shards.size() - 1));
  RunOrder order{.plan = plan::part_of(split.plan, split.shards[static_cast<std::size_t>(index)]),
                 .scenario = split.scenario,
                 .waivers = split.waivers,
                 .out = folder / "logs"};
  order.shard = ShardOrder{split, index, folder, node_name()};
  return order;
}

}  // namespace labctl::gate
