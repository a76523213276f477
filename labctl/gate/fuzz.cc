#include "labctl/gate/fuzz.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/gate/fuzz_crash.h"
#include "labctl/gate/fuzz_makers.h"
#include "labctl/gate/fuzz_start.h"
#include "labctl/hunt/corpus.h"
#include "labctl/lab/trial_guest.h"

namespace labctl::gate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto between_words = std::chrono::seconds(30);
constexpr int vain = 1000;  // makers in a row that made nothing new: there is nothing left to try

Millis since(Clock::time_point began) { return std::chrono::duration_cast<Millis>(Clock::now() - began); }

// ---- the hunt ----

class Hunt {
 public:
  Hunt(const FuzzOrder& order, const FuzzStart& start, FuzzFolder& folder, lab::TrialGuest& guest,
       const fs::path& work, const Environment& environment, Observer& observer)
      : order_(order),
        start_(start),
        folder_(folder),
        guest_(guest),
        stop_(environment.stop),
        observer_(observer),
        commands_{order.split, order.mutate, fs::absolute(order.scenario).parent_path(), work},
        makers_(corpus_, start.good, commands_, order.seed, order.most_bytes),
        crash_(start.cell, start.driver, start.good, commands_, guest, observer),
        crashes_(folder.crashes()) {
    result_.cell = start.cell.id;
    result_.corpus = order.corpus;
  }

  // What earlier sessions knew, and what is known besides.
  Status recall(const std::string& answer) {
    corpus_.add_given({.bytes = start_.good, .answer = answer, .how = {}});
    for (const auto& file : order_.contents) {
      auto bytes = read_file(file, order_.most_bytes);
      if (!bytes) return fail({Fault::input, bytes.error().what, file.string(), {}});
      corpus_.add_given({.bytes = std::move(*bytes), .answer = "given", .how = {}});
    }
    known_.insert(start_.facts.content);
    for (const auto& tried : folder_.tried())
      if (auto recalled = recall(tried); !recalled) return recalled;
    for (const auto& crash : crashes_) corpus_.add_title(crash.title);
    result_.before = next_;
    return {};
  }

  Status hunt() {
    const auto began = Clock::now();
    const auto ends = [&] {
      return stop_.stop_requested() || (order_.count > 0 && result_.tried >= order_.count) ||
             (order_.budget > Millis(0) && since(began) >= order_.budget);
    };
    Status status = finish_crashes();
    for (int nothing = 0; status && !ends() && nothing < vain;) {
      auto made = makers_.make(next_);
      if (!made) {
        status = fail(made.error());
        break;
      }
      const bool is_new = !made->variant.how.empty() && known_.insert(sha256(made->variant.bytes)).second;
      nothing = is_new ? 0 : nothing + 1;
      if (is_new) status = try_one(*made);
      ++next_;
      result_.hunted = since(began);
      if (since(spoken_) > between_words) speak();
    }
    result_.interrupted = stop_.stop_requested();
    if (!status && status.error().fault == Fault::interrupted) status = {};
    return status;
  }

  FuzzFindings findings() {
    FuzzFindings all = result_;
    all.answers = corpus_.entries().size();
    all.crashes = crashes_;
    all.starts = guest_.starts();
    return all;
  }

 private:
  Status recall(const Tried& tried) {
    next_ = std::max(next_, tried.number + 1);
    known_.insert(tried.sha256);
    if (tried.rebooted) rebooted_.insert(tried.sha256);
    if (tried.parent >= 0 && tried.maker >= 0 && tried.maker < static_cast<int>(std::size(hunt::every_maker)))
      corpus_.credit({static_cast<std::size_t>(tried.parent), hunt::every_maker[tried.maker]}, tried.is_new);
    if (!tried.is_new) return {};
    auto bytes = folder_.kept(tried.sha256);
    if (!bytes) return fail({Fault::input, bytes.error().what, bytes.error().where, {}});
    corpus_.add({.bytes = std::move(*bytes), .answer = tried.answer, .how = tried.how},
                static_cast<std::size_t>(std::max(0, tried.parent)));
    return {};
  }

  Status try_one(const Made& made) {
    auto seen = guest_.live(made.variant.bytes);
    if (!seen) return fail(seen.error());
    ++result_.tried;
    Tried tried{.number = next_,
                .sha256 = sha256(made.variant.bytes),
                .how = made.variant.how,
                .answer = {},
                .parent = made.parent,
                .maker = made.maker,
                .title = seen->title()};
    if (!tried.title.empty()) {
      credit(made, corpus_.titles().count(tried.title) == 0);
      return crashed(tried, made.variant.bytes, *seen, false);
    }
    std::vector<hunt::Said> said;
    for (const auto& answer : seen->answers) said.push_back({answer.exit_code, answer.output});
    tried.answer = hunt::fingerprint(said, made.variant.bytes);
    tried.is_new = corpus_.add({made.variant.bytes, tried.answer, made.variant.how},
                               static_cast<std::size_t>(std::max(0, made.parent)));
    credit(made, tried.is_new);
    if (tried.is_new)
      if (auto kept = folder_.keep(tried.sha256, made.variant.bytes); !kept) return kept;
    if (auto added = folder_.add(tried); !added) return added;
    return ++survivors_ % std::max(1, order_.reboot_every) == 0 && order_.reboot_every > 0
               ? reboot_one(tried, made.variant.bytes)
               : Status();
  }

  void credit(const Made& made, bool is_new) {
    if (made.maker >= 0)
      corpus_.credit({static_cast<std::size_t>(made.parent), hunt::every_maker[made.maker]}, is_new);
  }

  // The newest of the corpus that was not restarted yet, else the survivor itself.
  Status reboot_one(Tried tried, std::string bytes) {
    const auto& entries = corpus_.entries();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
      if (const auto digest = sha256(entry->bytes); rebooted_.count(digest) == 0 && !entry->how.empty()) {
        tried.sha256 = digest;
        tried.how = entry->how;
        bytes = entry->bytes;
        break;
      }
    auto seen = guest_.live(bytes, true);
    if (!seen) return fail(seen.error());
    ++result_.rebooted;
    rebooted_.insert(tried.sha256);
    tried.is_new = false;
    tried.rebooted = true;
    tried.maker = -1;
    tried.title = seen->title();
    return tried.title.empty() ? folder_.add(tried) : crashed(tried, bytes, *seen, true);
  }

  // Written down before anything else is done with it.
  Status crashed(const Tried& tried, const std::string& bytes, const lab::TrialSeen& seen, bool at_boot) {
    if (!corpus_.add_title(tried.title)) return folder_.add(tried);
    FuzzCrash crash{.title = tried.title,
                    .how = tried.how,
                    .excerpt = seen.findings.empty() ? "" : visible(seen.findings.front().excerpt, 4000),
                    .content_sha256 = tried.sha256,
                    .at_boot = at_boot,
                    .by_apply = !at_boot || (!seen.answers.empty() && seen.answers.front().exit_code == 0)};
    if (auto added = folder_.add(crash, bytes, seen.console); !added) return added;
    if (auto added = folder_.add(tried); !added) return added;
    observer_.on(Note{fmt::format("variant {} ({}): {}; kept in {}", tried.number, tried.how,
                                  printable(crash.title), crash.folder.string())});
    crashes_.push_back(std::move(crash));
    return finish_crashes();
  }

  // Confirmed, made small, and given a scenario; those of a session that was cut off as well.
  Status finish_crashes() {
    for (auto& crash : crashes_) {
      if (crash.confirmed >= 0 && !crash.minimised.empty()) continue;
      if (auto finished = crash_.finish(crash); !finished) return finished;
      if (auto updated = folder_.update(crash); !updated) return updated;
    }
    return {};
  }

  void speak() {
    spoken_ = Clock::now();
    auto all = findings();
    observer_.on(Said{fmt::format("{} variants, {:.1f} a minute; {} different answers, crashes: {}",
                                  all.tried, all.per_minute(), all.answers, all.crashes.size())});
  }

  const FuzzOrder& order_;
  const FuzzStart& start_;
  FuzzFolder& folder_;
  lab::TrialGuest& guest_;
  std::stop_token stop_;
  Observer& observer_;
  AuthorsCommands commands_;
  hunt::Corpus corpus_;
  FuzzMakers makers_;
  CrashFinisher crash_;
  std::vector<FuzzCrash> crashes_;
  std::set<std::string> known_, rebooted_;  // digests
  long long next_ = 0;
  long long survivors_ = 0;
  Clock::time_point spoken_ = Clock::now();
  FuzzFindings result_;
};

}  // namespace

std::size_t FuzzFindings::found() const {
  return static_cast<std::size_t>(
      std::count_if(crashes.begin(), crashes.end(), [](const auto& crash) { return crash.confirmed > 0; }));
}

double FuzzFindings::per_minute() const {
  return hunted > Millis(0) ? 60'000.0 * static_cast<double>(tried) / static_cast<double>(hunted.count()) : 0;
}

Answer<FuzzFindings> fuzz(const FuzzOrder& order, const Environment& environment, Observer& observer) {
  const auto began = Clock::now();
  if (auto cell = find_hunted(order.plan, order.cell, order.scenario); !cell) return wrong(cell.error());
  auto work = begin_work(environment, observer);
  if (!work) return wrong(work.error());
  auto host = open_host(environment, order.host, observer);
  if (!host) return wrong(host.error());
  auto start = prepare_start({.plan = order.plan,
                              .scenario = order.scenario,
                              .cell = order.cell,
                              .seed = order.seed,
                              .most_bytes = order.most_bytes},
                             **host, work->path(), environment, observer);
  if (!start) return wrong(start.error());
  auto folder = FuzzFolder::open(order.corpus, start->facts);
  if (!folder) return wrong(folder.error());
  lab::TrialGuest guest(**host, start->trials, environment.stop);
  auto good = guest.begin(start->good);
  if (!good) return wrong(good.error());
  std::vector<hunt::Said> said;
  for (const auto& answer : good->answers) said.push_back({answer.exit_code, answer.output});
  Hunt hunt(order, *start, *folder, guest, work->path(), environment, observer);
  if (auto recalled = hunt.recall(hunt::fingerprint(said, start->good)); !recalled)
    return wrong(recalled.error());
  observer.on(Said{fmt::format("hunting in {}; a variant takes about {}; what is found goes to {}",
                               start->cell.id, show_duration(good->took), order.corpus.string())});
  const Millis prepared = since(began);
  if (auto hunted = hunt.hunt(); !hunted) return wrong(hunted.error());
  auto findings = hunt.findings();
  findings.prepared = prepared;
  return findings;
}

}  // namespace labctl::gate
