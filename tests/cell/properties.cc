// What must hold for every journal, not only for told ones.

#include <algorithm>
#include <random>

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;
using outcome::Ending;
using Journal = std::vector<event::Event>;

namespace {

// Every event in it is needed: one reset for each reboot.
Scene passing(plan::Cell cell = candidate()) {
  Scene scene(std::move(cell));
  scene.resets_per_reboot = 1;
  scene.play();
  REQUIRE(scene.state.outcome.ending == Ending::passed);
  return scene;
}

template <class T>
int count(const Journal& journal) {
  return static_cast<int>(std::count_if(journal.begin(), journal.end(),
                                        [](const auto& e) { return std::holds_alternative<T>(e.what); }));
}

// A second opinion on what a pass needs, that shares no code with the cell: enough good answers of each name,
// a reset for each boot, and nothing that ends every story.
std::string why_not(const Journal& journal) {
  std::map<std::string, int> good;
  std::set<std::string> identities;
  for (const auto& e : journal) {
    if (std::holds_alternative<event::Panicked>(e.what)) return "a panic";
    if (std::holds_alternative<event::Stopped>(e.what)) return "a power-off";
    if (std::holds_alternative<event::LabFault>(e.what)) return "a lab fault";
    if (std::holds_alternative<event::Interrupted>(e.what)) return "an interruption";
    if (const auto* found = std::get_if<event::Found>(&e.what); found && found->finding.confirmed)
      return "an oops";
    const auto* answer = std::get_if<Answer>(&e.what);
    if (!answer || !answer->answered || answer->exit_code != 0) continue;
    const auto has = [&](const std::string& text) { return answer->output.find(text) != std::string::npos; };
    const std::map<std::string, bool> proofs = {
        {"identify", has("boot_id=")},
        {"evidence", has("taint=12288\n") && has("boot_id=")},
        {"deliver", has("driver.deb=" + driver_digest) && has("content.bin=" + content_digest)},
        {"loaded",
         has("state=live\n") && has("package=right\n") && has("fresh=yes\n") && has("build_id=b1\n")},
        {"content-digest", has("content_sha256=" + content_digest)},
        {"proof-1", has(content_digest)},
        {"booted", has("system=running\n")},
        {"console-check", has("console_level=7\n") && has("logged=yes\n")},
        {"kernel-log", !answer->output.empty()}};
    const auto proof = proofs.find(answer->question);
    if (proof == proofs.end() || proof->second) ++good[answer->question];
    if (answer->question == "identify") identities.insert(answer->output);
  }
  const std::map<std::string, int> needed = {
      {"deliver", 1},        {"install", 1}, {"apply", 1},     {"exercise-1", 1}, {"identify", 3},
      {"booted", 3},         {"loaded", 9},  {"evidence", 10}, {"kernel-log", 9}, {"console-check", 5},
      {"content-digest", 8}, {"proof-1", 8}, {"proof-2", 8}};
  for (const auto& [name, times] : needed)
    if (good[name] < times) return name + " was answered well only " + std::to_string(good[name]) + " times";
  if (identities.size() < 3) return "there were not three identities";
  std::set<std::string> heard;
  for (const auto& e : journal)
    if (const auto* said = std::get_if<event::Said>(&e.what)) heard.insert(said->text);
  if (heard.size() < 6) return "the console was not heard in each boot and on the way down";
  if (count<event::Reset>(journal) < 3) return "there were not three resets";
  if (count<event::Opened>(journal) < 1) return "it never began";
  return {};
}

const char* const words[] = {"identify",   "evidence",  "deliver",       "install",        "loaded",
                             "apply",      "proof-1",   "proof-2",       "content-digest", "exercise-1",
                             "kernel-log", "suspect-1", "console-check", "sleepers"};

std::string hostile_text(std::mt19937& random) {
  const auto pick = [&](std::size_t n) { return random() % n; };
  switch (pick(8)) {
    case 0:
      return "";
    case 1:
      return std::string(pick(70'000), 'a') + "=" + std::string(pick(70'000), 'b');
    case 2:
      return "taint=18446744073709551616\nboot_id=" + Scene::boot_id(static_cast<int>(pick(4)));
    case 3:
      return "state=live\nfresh=yes\npackage=right\nbuild_id=b1\nversion=7.16\n";
    case 4:
      return "boot_id=" + Scene::boot_id(static_cast<int>(pick(5))) + "\ntaint=12288\n";
    case 5:
      return std::string("taint=0\0\xff\xfe=\n\n\n=x", 16);
    case 6:
      return content_digest;
    default: {
      std::string lines;
      for (int i = 0; i < 500; ++i) lines += "key" + std::to_string(i) + "=\x1b[2J\n";
      return lines;
    }
  }
}

What anything(std::mt19937& random) {
  const auto pick = [&](std::size_t n) { return random() % n; };
  switch (pick(16)) {
    case 0:
      return event::Opened{.cell = "debian.candidate", .boot_time = Millis(static_cast<int>(random()))};
    case 1:
      return event::Started{};
    case 2:
      return on_console(finding("oops " + std::to_string(pick(3)), crash::Kind(pick(13)), pick(2) == 0));
    case 3:
      return event::KernelStarted{};
    case 4:
      return event::Reset{pick(4) != 0};
    case 5:
      return event::Stopped{pick(2) == 0, hostile_text(random)};
    case 6:
      return event::Panicked{pick(2) == 0, hostile_text(random)};
    case 7:
      return event::AgentLink{pick(2) == 0};
    case 8:
      return event::Tick{Millis(static_cast<int>(random()))};
    case 9:
      return event::LabFault{hostile_text(random)};
    case 10:
      return event::Interrupted{};
    case 11:
      return event::Beat{};
    case 12:
      return event::Suspended{};
    case 13:
      return event::Woken{};
    default:
      return Answer{words[pick(std::size(words))], pick(8) != 0,
                    pick(4) == 0 ? static_cast<int>(random()) : 0, hostile_text(random)};
  }
}

void mutate(Journal& journal, std::mt19937& random) {
  const std::size_t at = random() % journal.size();
  auto& e = journal[at];
  switch (random() % 7) {
    case 0:
      journal.erase(journal.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 1:
      journal.insert(journal.begin() + static_cast<std::ptrdiff_t>(at), e);
      return;
    case 2:
      std::swap(e.what, journal[random() % journal.size()].what);
      return;
    case 3:
      journal.insert(journal.begin() + static_cast<std::ptrdiff_t>(at), {e.at, anything(random)});
      return;
    case 4:
      e.at += Millis(random() % 600'000);
      return;
    default: {
      // Most events are beats and ticks; look for one that matters.
      std::vector<Answer*> answers;
      for (auto& each : journal)
        if (auto* answer = std::get_if<Answer>(&each.what)) answers.push_back(answer);
      if (answers.empty()) return;
      Answer& answer = *answers[random() % answers.size()];
      switch (random() % 5) {
        case 0:
          answer.exit_code = 1;
          return;
        case 1:
          answer.answered = false;
          return;
        case 2:
          answer.output = hostile_text(random);
          return;
        case 3:
          answer.output.resize(answer.output.size() / 2);
          return;
        default:
          answer.question = words[random() % std::size(words)];
          return;
      }
    }
  }
}

}  // namespace

TEST_CASE("no beginning of a passing journal passes") {
  for (const auto& cell : {candidate(), bare_module(), control()}) {
    const Scene scene = passing(cell);
    cell::State state = cell::begin(scene.cell);
    Journal begun;
    for (std::size_t i = 0; i + 1 < scene.journal.size(); ++i) {
      begun.push_back(scene.journal[i]);
      cell::on(state, scene.journal[i]);
      CHECK(state.outcome.ending != Ending::passed);
      if (i % 50 == 0) CHECK(cell::replay(scene.cell, begun).ending == Ending::lab_failed);
    }
    CHECK(cell::replay(scene.cell, {}).ending == Ending::lab_failed);
    CHECK(cell::replay(scene.cell, scene.journal).ending == Ending::passed);
  }
}

TEST_CASE("a journal that stops behind a failure says which one it was") {
  for (const auto& [what, ending, reason] : std::vector<std::tuple<What, Ending, const char*>>{
           {event::LabFault{"cannot start the guest"}, Ending::lab_failed, "cannot start the guest"},
           {on_console(finding("oops in sensor_match")), Ending::crashed, "oops in sensor_match"}}) {
    Scene scene;
    scene.play();
    auto begun = scene.journal;
    begun.resize(begun.size() / 2);
    begun.push_back({begun.back().at, what});
    const auto outcome = cell::replay(scene.cell, begun);
    CHECK(outcome.ending == ending);
    CHECK_THAT(outcome.reason, ContainsSubstring(reason));
  }
}

TEST_CASE("a passing journal without any one of its proofs does not pass") {
  for (const auto& cell : {candidate(), bare_module(), control()}) {
    const Scene scene = passing(cell);
    int needed = 0;
    for (std::size_t i = 0; i < scene.journal.size(); ++i) {
      const What& what = scene.journal[i].what;
      const auto* answer = std::get_if<Answer>(&what);
      const bool proof = answer || std::holds_alternative<event::Reset>(what) ||
                         std::holds_alternative<event::Opened>(what) ||
                         std::holds_alternative<event::Said>(what);
      if (!proof) continue;
      ++needed;
      Journal journal = scene.journal;
      journal.erase(journal.begin() + static_cast<std::ptrdiff_t>(i));
      INFO(line_of(scene.journal[i]));
      CHECK(cell::replay(scene.cell, journal).ending != Ending::passed);
    }
    CHECK(needed > 15);
  }
}

TEST_CASE("a passing journal with any one answer refused, failed or emptied does not pass") {
  const Scene scene = passing();
  for (std::size_t i = 0; i < scene.journal.size(); ++i) {
    if (!std::holds_alternative<Answer>(scene.journal[i].what)) continue;
    for (int how = 0; how < 3; ++how) {
      Journal journal = scene.journal;
      Answer& answer = std::get<Answer>(journal[i].what);
      const bool only_its_status_counts = answer.question == "install" || answer.question == "apply" ||
                                          answer.question == "exercise-1" || answer.question == "proof-2";
      // What does not hold without the content is as it should be.
      const bool should_fail = answer.question == "content-before" || answer.question.starts_with("without-");
      if (how == 0) answer.answered = false;
      if (how == 1) answer.exit_code = 1;
      if (how == 2) answer.output.clear();
      INFO(line_of(scene.journal[i]) << " " << how);
      const auto ending = cell::replay(scene.cell, journal).ending;
      if ((how == 2 && only_its_status_counts) || (how != 0 && should_fail))
        CHECK(ending == Ending::passed);
      else
        CHECK(ending != Ending::passed);
    }
  }
}

TEST_CASE("a passing journal without a heartbeat does not pass") {
  for (const auto& cell : {candidate(), control()}) {
    Scene scene = passing(cell);
    std::erase_if(scene.journal, [](const auto& e) { return std::holds_alternative<event::Beat>(e.what); });
    CHECK(cell::replay(scene.cell, scene.journal).ending != Ending::passed);
  }
}

TEST_CASE("a passing journal with a fatal sign at any one place does not pass") {
  const Scene scene = passing();
  const What signs[] = {on_console(finding("oops")),
                        event::Panicked{},
                        event::Panicked{.crash_loaded = true},
                        event::Stopped{},
                        event::LabFault{"lost"},
                        event::Interrupted{}};
  for (const What& sign : signs)
    for (std::size_t i = 0; i < scene.journal.size(); i += 3) {
      Journal journal = scene.journal;
      journal.insert(journal.begin() + static_cast<std::ptrdiff_t>(i), {journal[i].at, sign});
      INFO(line_of(journal[i]) << " before " << i);
      CHECK(cell::replay(scene.cell, journal).ending != Ending::passed);
    }
}

TEST_CASE("a passing journal with a reset at any place where nobody asked for one does not pass") {
  const Scene scene = passing();
  cell::State state = cell::begin(scene.cell);
  int places = 0;
  for (std::size_t i = 0; i + 1 < scene.journal.size(); ++i) {
    cell::on(state, scene.journal[i]);
    const auto& op = state.operations.at(state.position);
    if (op.wait == cell::Wait::reboot) continue;
    ++places;
    cell::State reset = state;
    cell::on(reset, {scene.journal[i].at, event::Reset{}});
    CHECK(reset.outcome.ending == (state.candidate_in ? Ending::crashed : Ending::lab_failed));
  }
  CHECK(places > 100);
}

TEST_CASE("a journal that was tampered with passes only with every proof in it") {
  const Scene scene = passing();
  REQUIRE(why_not(scene.journal).empty());
  std::mt19937 random(20240719);
  int passed = 0;
  for (int round = 0; round < 3000; ++round) {
    Journal journal = scene.journal;
    for (auto times = 1 + random() % 4; times > 0 && !journal.empty(); --times) mutate(journal, random);
    // Only what was heard before the end can count.
    cell::State state = cell::begin(scene.cell);
    Journal heard;
    for (const auto& e : journal) {
      if (state.phase == cell::Phase::ended) break;
      heard.push_back(e);
      cell::on(state, e);
    }
    if (state.outcome.ending != Ending::passed) continue;
    ++passed;
    INFO("round " << round);
    CHECK(why_not(heard) == "");
    CHECK(state.outcome.boots_proved == 3);
    CHECK(state.phase == cell::Phase::ended);
  }
  CHECK(passed > 100);  // the question was not empty
  CHECK(passed < 2900);
}

TEST_CASE("any events in any order never pass, never grow and come to the same end when replayed") {
  std::mt19937 random(42);
  for (int round = 0; round < 300; ++round) {
    const auto cell = round % 3 == 0 ? control() : candidate();
    cell::State state = cell::begin(cell);
    Journal journal;
    Millis now{0};
    if (round % 2 == 0) journal.push_back({now, opened(cell)});
    for (int i = 0; i < 150; ++i) journal.push_back({now += Millis(random() % 2000), anything(random)});
    for (const auto& e : journal) cell::on(state, e);
    CHECK(state.outcome.ending != Ending::passed);
    CHECK(state.findings.size() <= 400);
    CHECK(state.outcome.reason.size() < 200'000);
    if (state.phase == cell::Phase::ended) CHECK(show(cell::replay(cell, journal)) == show(state.outcome));
  }
}

TEST_CASE("a flood of findings stays small and quick") {
  for (const bool confirmed : {false, true}) {
    Scene scene;
    scene.cell.policy.warnings_fail = false;
    scene.when("boot 2/3: settle", 2s, [&](Scene& s) {
      for (int i = 0; i < 100'000; ++i)
        s.tell(on_console(finding("WARNING in place " + std::to_string(i), crash::Kind::warning, confirmed)));
      s.tell(on_console(finding("the one that counts")));
    });
    const auto outcome = scene.play();
    CHECK(outcome.ending == Ending::crashed);
    CHECK(outcome.findings.size() <= 400);
    // The flood does not wash away the finding that ended the cell.
    CHECK(std::any_of(outcome.findings.begin(), outcome.findings.end(),
                      [](const auto& seen) { return seen.finding.title == "the one that counts"; }));
    CHECK(scene.most_actions <= 4);
  }
}

TEST_CASE("times at the edge of what can be counted do no harm") {
  for (const Millis at : {Millis::max(), Millis::max() - 1ms, Millis(0)}) {
    cell::State state = cell::begin(candidate());
    for (const What& what :
         {What(opened(candidate())), What(event::Tick{Millis::max()}), What(event::Tick{Millis::min()}),
          What(event::Reset{}), What(event::Beat{}), What(on_console(finding("oops"))), What(event::Tick{})})
      cell::on(state, {at, what});
    CHECK(state.outcome.ending != Ending::passed);
  }
  for (const Millis boot : {Millis::max(), Millis::min(), Millis(-1)}) CHECK(cell::timeouts(boot).up <= 1h);
}

TEST_CASE("deadlines grow with the image's boot time and with nothing else") {
  const auto quick = cell::timeouts(20s), slow = cell::timeouts(60s);
  CHECK(quick.agent < slow.agent);
  CHECK(quick.answer < slow.answer);
  CHECK(quick.long_answer < slow.long_answer);
  CHECK(quick.down < slow.down);
  CHECK(quick.up < slow.up);
  CHECK(quick.beat < slow.beat);
  CHECK(quick.merge < slow.merge);
  CHECK(quick.back < quick.merge);
  CHECK(quick.up > 4 * Millis(20s));
}
