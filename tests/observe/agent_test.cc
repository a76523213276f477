// Answers of a guest agent that lies: none of them is taken for a command that ended well.
#include <condition_variable>
#include <mutex>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/observe/observe.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

// A machine of which only the agent is alive, and which says what its script says.
class Liar final : public machine::Machine {
 public:
  Json begun{{"pid", 7}};
  Json status{{"exited", true}, {"exitcode", 0}, {"out-data", base64_encode("state=live\n")}};
  Json pong = Json::object();

  Result<Json> ask(const Json& command, Millis) override {
    const std::string verb = text_at(command, "execute");
    if (verb == "guest-ping") return pong;
    return verb == "guest-exec" ? begun : status;
  }
  Status start(machine::From) override { return {}; }
  Status insert_cd(const std::filesystem::path&) override { return {}; }
  Status power_cut() override { return {}; }
  Status resume() override { return {}; }
  void end() override {}
};

struct Heard {
  event::Answer answer;
  std::string full;
  int beats = 0;
};

// Puts one question and waits for its answer; without one, for `patience` alone.
std::optional<Heard> hear(Liar& liar, std::chrono::milliseconds patience = 20s) {
  std::mutex mutex;
  std::condition_variable came;
  Heard heard;
  bool done = false;
  observe::Agent agent(liar, {"/bin/sh", "-c"}, [&](event::What what, std::string full) {
    std::lock_guard lock(mutex);
    heard.beats += std::holds_alternative<event::Beat>(what);
    if (auto* answer = std::get_if<event::Answer>(&what)) {
      heard.answer = std::move(*answer);
      heard.full = std::move(full);
      done = true;
      came.notify_all();
    }
  });
  agent.ask("loaded", "true");
  std::unique_lock lock(mutex);
  if (!came.wait_for(lock, patience, [&] { return done; })) return std::nullopt;
  return heard;
}

}  // namespace

TEST_CASE("a command that ended is told with its status and its words") {
  Liar honest;
  auto heard = hear(honest);
  REQUIRE(heard);
  CHECK(heard->answer.answered);
  CHECK(heard->answer.exit_code == 0);
  CHECK(heard->answer.output == "state=live\n");
  honest.status = {{"exited", true}, {"signal", 11}, {"err-data", base64_encode("segfault")}};
  heard = hear(honest);
  REQUIRE(heard);
  CHECK(heard->answer.exit_code == 139);
  CHECK(heard->answer.output == "segfault");
  honest.status = {{"exited", true}, {"exitcode", 0xC0000005}};  // Windows
  CHECK(hear(honest)->answer.exit_code == 255);
}

TEST_CASE("no answer that makes no sense is a command that ended well") {
  const std::string word = base64_encode("x");
  const std::vector<std::pair<const char*, Json>> lies{
      {"nothing", nullptr},
      {"a text", "exited"},
      {"a list", Json::array({{{"exited", true}, {"exitcode", 0}}})},
      {"an empty object", Json::object()},
      {"no end", {{"exitcode", 0}}},
      {"an end that is a number", {{"exited", 1}, {"exitcode", 0}}},
      {"an end that is a text", {{"exited", "true"}, {"exitcode", 0}}},
      {"an end without a status", {{"exited", true}}},
      {"a status and a signal", {{"exited", true}, {"exitcode", 0}, {"signal", 9}}},
      {"signal 0", {{"exited", true}, {"signal", 0}}},
      {"a signal below 0", {{"exited", true}, {"signal", -128}}},
      {"a status below 0", {{"exited", true}, {"exitcode", -1}}},
      {"a status that is a text", {{"exited", true}, {"exitcode", "0"}}},
      {"a status that is a fraction", {{"exited", true}, {"exitcode", 0.0}}},
      {"a status that is nothing", {{"exited", true}, {"exitcode", nullptr}}},
      {"a status beyond all numbers", {{"exited", true}, {"exitcode", 1e300}}},
      {"words that are no base64", {{"exited", true}, {"exitcode", 0}, {"out-data", "state=live"}}},
      {"words that are a number", {{"exited", true}, {"exitcode", 0}, {"out-data", 1}}},
      {"words with bits that no byte uses", {{"exited", true}, {"exitcode", 0}, {"out-data", "eB=="}}},
      {"good words and bad ones", {{"exited", true}, {"exitcode", 0}, {"out-data", word}, {"err-data", "!"}}},
  };
  for (const auto& [name, status] : lies) {
    DYNAMIC_SECTION(name) {
      Liar liar;
      liar.status = status;
      const auto heard = hear(liar);
      REQUIRE(heard);
      CHECK_FALSE(heard->answer.answered);
      CHECK(heard->answer.exit_code != 0);
      CHECK_THAT(heard->answer.output, ContainsSubstring("is malformed"));
    }
  }
}

TEST_CASE("a command that was not begun was not answered") {
  for (const Json& begun : {Json(), Json(7), Json::object(), Json{{"pid", "7"}}, Json{{"pid", -7}},
                            Json{{"pid", 0}}, Json{{"pid", 1.5}}, Json{{"pid", Json::array()}}}) {
    Liar liar;
    liar.begun = begun;
    const auto heard = hear(liar);
    REQUIRE(heard);
    CHECK_FALSE(heard->answer.answered);
  }
}

TEST_CASE("a command that is said to run for ever has no answer") {
  Liar liar;
  liar.status = {{"exited", false}, {"exitcode", 0}, {"out-data", base64_encode("state=live\n")}};
  CHECK_FALSE(hear(liar, 800ms));
}

TEST_CASE("only the answer to a ping is a heartbeat") {
  for (const Json& pong : {Json(), Json("pong"), Json{{"error", "x"}}, Json::array()}) {
    Liar liar;
    liar.pong = pong;
    liar.begun = Json();  // nor is an answer without sense
    int beats = 0;
    {
      observe::Agent agent(liar, {"/bin/sh", "-c"}, [&](const event::What& what, const std::string&) {
        beats += std::holds_alternative<event::Beat>(what);
      });
      std::this_thread::sleep_for(600ms);
    }
    CHECK(beats == 0);
  }
}

TEST_CASE("an output beyond every bound is read to its bound, and that it was cut is seen") {
  Liar liar;
  liar.status["out-data"] = base64_encode(std::string(6u << 20, 'A'));
  auto heard = hear(liar);
  REQUIRE(heard);
  CHECK(heard->full.size() == observe::longest_output + 1);
  CHECK(heard->answer.output.size() == 64u << 10);
  // Two at once count together.
  liar.status["out-data"] = liar.status["err-data"] = base64_encode(std::string(3u << 20, 'A'));
  heard = hear(liar);
  REQUIRE(heard);
  CHECK(heard->full.size() > observe::longest_output);
  CHECK(heard->full.size() <= 2 * (observe::longest_output + 1));
}
