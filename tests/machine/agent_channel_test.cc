// Guest agents that lie, each over a real socket: whatever comes back, the answer is an error within its
// deadline, and memory stays within what the header promises.
#include "labctl/machine/agent_channel.h"
#include "labctl/base/json.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <set>
#include <thread>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using machine::AgentChannel;

namespace {

std::string repeat(const std::string& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

std::string line(const Json& json) { return dump_line(json) + "\n"; }

// The guest's end: every request in, and bytes out as its script says.
class Guest {
 public:
  // What goes out for a request that is no synchronisation; `stop` tells when nobody listens any more.
  using Script = std::function<std::string(const Json& request)>;
  // What goes out for a synchronisation; the honest echo by default.
  using Sync = std::function<std::string(long long number)>;
  static std::string echo(long long number) { return "\xff" + line({{"return", number}}); }

  explicit Guest(Script script, Sync sync = echo, std::string flood = {})
      : path_(fs::temp_directory_path() /
              ("labctl-agent-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count_))),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        script_(std::move(script)),
        sync_(std::move(sync)),
        flood_(std::move(flood)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    thread_ = std::jthread([this](const std::stop_token& stop) { live(stop); });
  }
  ~Guest() {
    thread_.request_stop();
    thread_.join();
    fs::remove(path_);
  }

  const fs::path& path() const { return path_; }

 private:
  void live(const std::stop_token& stop) {
    Fd end;
    std::string heard;
    while (!stop.stop_requested()) {
      pollfd ready{end ? end.get() : listener_.get(), POLLIN, 0};
      const bool something = ::poll(&ready, 1, end && !flood_.empty() ? 0 : 10) == 1;
      if (end && !flood_.empty() && !something) say(end.get(), flood_, stop);
      if (!something) continue;
      if (!end) {
        end = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        continue;
      }
      char block[4096];
      const ssize_t got = ::recv(end.get(), block, sizeof block, 0);
      if (got <= 0) return;
      heard.append(block, static_cast<std::size_t>(got));
      for (auto newline = heard.find('\n'); newline != std::string::npos; newline = heard.find('\n')) {
        std::string request = heard.substr(0, newline);
        heard.erase(0, newline + 1);
        std::erase(request, '\xff');
        answer(end.get(), Json::parse(request), stop);
      }
    }
  }

  void answer(int end, const Json& request, const std::stop_token& stop) {
    const bool sync = request.at("execute") == "guest-sync-delimited";
    say(end, sync ? sync_(request.at("arguments").at("id").get<long long>()) : script_(request), stop);
  }

  // A reader may be slow; it is gone when it has closed its end, or when the test is over.
  static void say(int end, std::string_view text, const std::stop_token& stop) {
    while (!text.empty() && !stop.stop_requested()) {
      const ssize_t sent = ::send(end, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) {
        if (errno != EAGAIN && errno != EINTR) return;
        pollfd room{end, POLLOUT, 0};
        ::poll(&room, 1, 50);
        continue;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  static inline int count_ = 0;
  fs::path path_;
  Fd listener_;
  Script script_;
  Sync sync_;
  std::string flood_;
  std::jthread thread_;
};

const Json ping{{"execute", "guest-ping"}};

Result<Json> ask(AgentChannel& channel, Millis patience = 5s) {
  return channel.ask(ping, std::chrono::steady_clock::now() + patience);
}

Json honest(const Json& request, const Json& result = Json::object()) {
  return {{"return", result}, {"id", request.at("id")}};
}

}  // namespace

TEST_CASE("an honest agent is heard, with and without ids") {
  Guest guest([](const Json& request) { return line(honest(request, 7)); });
  AgentChannel channel(guest.path());
  for (int i = 0; i < 20; ++i) CHECK(ask(channel).value_or(Json()) == 7);
  Guest old([](const Json&) { return line({{"return", {{"pid", 3}}}}); });
  AgentChannel other(old.path());
  CHECK(number_at(ask(other).value_or(Json()), "pid") == 3);
}

TEST_CASE("an answer that makes no sense is refused, and the next honest one is heard") {
  const std::string bomb = repeat("[", 1'000'000) + repeat("]", 1'000'000);
  struct Lie {
    const char* name;
    std::string said;
    const char* complaint;
  };
  const Lie lies[] = {
      {"no JSON", "pwned\n", "is malformed"},
      {"nothing", "\n", "is malformed"},
      {"half of it", "{\"return\": {\n", "is malformed"},
      {"no object", "[1, 2]\n", "not an object"},
      {"no result", "{}\n", "neither a result nor an error"},
      {"a result and an error", "{\"return\": {}, \"error\": {}}\n", "neither a result nor an error"},
      {"the result twice", "{\"return\": {\"exited\": true}, \"return\": {\"exited\": false}}\n",
       "occurs twice"},
      {"a member twice, inside", "{\"return\": {\"exitcode\": 1, \"exitcode\": 0}}\n", "occurs twice"},
      {"another request's id", "{\"return\": {}, \"id\": 12}\n", "another request"},
      {"an id that is none", "{\"return\": {}, \"id\": \"x\"}\n", "another request"},
      {"a million levels", "{\"return\": " + bomb + "}\n", "nested too deeply"},
      {"a million levels, unclosed", "{\"return\": " + repeat("{\"a\":", 1'000'000) + "\n", "is malformed"},
      {"a NUL byte", std::string("{\"return\": {}}\0{}\n", 18), "NUL"},
      {"no UTF-8", "{\"return\": \"\xc3\x28\"}\n", "is malformed"},
      {"a line beyond every bound",
       "{\"return\": \"" + std::string(AgentChannel::longest_answer, 'A') + "\"}\n", "longer than"},
      {"terminal escapes", "{\"error\": {\"desc\": \"\\u001b[2J\\u0007<script>\"}}\n", "answered an error"},
  };
  for (const Lie& lie : lies) {
    DYNAMIC_SECTION(lie.name) {
      int asked = 0;
      Guest guest([&](const Json& request) { return ++asked == 1 ? lie.said : line(honest(request, 42)); });
      AgentChannel channel(guest.path());
      const auto answer = ask(channel, 3min);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().fault == Fault::input);
      CHECK_THAT(answer.error().text(), ContainsSubstring(lie.complaint));
      CHECK(answer.error().text().size() < 1000);
      for (const unsigned char c : answer.error().text()) CHECK((c >= 0x20 && c != 0x7f));
      CHECK(ask(channel, 3min).value_or(Json()) == 42);
    }
  }
}

TEST_CASE("an agent that does not answer has not answered") {
  struct Silence {
    const char* name;
    Guest::Script script;
    Guest::Sync sync;
    std::string flood;
  };
  const auto nothing = [](const Json&) { return std::string(); };
  const Silence silences[] = {
      {"never", nothing, Guest::echo, {}},
      {"not even an echo", nothing, [](long long) { return std::string(); }, {}},
      {"the echo of another question", nothing, [](long long n) { return Guest::echo(n + 1); }, {}},
      {"echoes without the delimiter",
       nothing,
       [](long long n) {
         return line({{"return", n}});
       },
       {}},
      {"an echo that is no number",
       nothing,
       [](long long n) {
         return "\xff" + line({{"return", std::to_string(n)}});
       },
       {}},
      {"an endless line", nothing, Guest::echo, repeat("A", 64u << 10)},
      {"endless delimiters", nothing, [](long long) { return std::string(); }, repeat("\xff", 64u << 10)},
      {"endless wrong echoes", nothing, [](long long) { return std::string(); },
       repeat("\xff{\"return\": 1}\n", 4096)},
  };
  for (const Silence& silence : silences) {
    DYNAMIC_SECTION(silence.name) {
      Guest guest(silence.script, silence.sync, silence.flood);
      AgentChannel channel(guest.path());
      const auto began = std::chrono::steady_clock::now();
      CHECK_FALSE(ask(channel, 700ms));
      CHECK(std::chrono::steady_clock::now() - began < 20s);
    }
  }
  AgentChannel nobody("/nonexistent/agent");
  const auto answer = ask(nobody);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().fault == Fault::lab);
}

TEST_CASE("answers that are left over are nobody's") {
  // Ten results for every question, the first of them late: each one is of a question that was given up.
  int asked = 0;
  Guest guest(
      [&](const Json& request) {
        ++asked;
        return repeat(line(honest(request, asked)), 10);
      },
      [&](long long number) {
        return line({{"return", "late"}}) + Guest::echo(number);
      });
  AgentChannel channel(guest.path());
  for (int i = 1; i <= 50; ++i) CHECK(ask(channel).value_or(Json()) == i);
}

TEST_CASE("a guest cannot know the echo of a question that is still to come") {
  // All that was asked before, echoed ahead of time.
  std::string ahead;
  std::set<long long> numbers;
  Guest guest([](const Json& request) { return line(honest(request)); },
              [&](long long number) {
                CHECK(numbers.insert(number).second);
                ahead += Guest::echo(number);
                return ahead;
              });
  AgentChannel channel(guest.path());
  for (int i = 0; i < 100; ++i) CHECK(ask(channel));
  CHECK(*numbers.rbegin() < (1ll << 53));
}

TEST_CASE("closing ends a question that is under way") {
  Guest guest([](const Json&) { return std::string(); });
  AgentChannel channel(guest.path());
  std::jthread closer([&] {
    std::this_thread::sleep_for(100ms);
    channel.close();
  });
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(ask(channel, 60s));
  CHECK(std::chrono::steady_clock::now() - began < 20s);
  CHECK_FALSE(ask(channel, 60s));
}

TEST_CASE("a hundred hostile answers leave no memory behind") {
  Guest guest([](const Json&) { return "{\"return\": [" + repeat("0,", 500'000) + "0]}\n"; });
  AgentChannel channel(guest.path());
  const auto resident = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
  };
  CHECK(ask(channel, 3min));
  const auto before = resident();
  for (int i = 0; i < 20; ++i) CHECK(ask(channel, 3min));
  CHECK(resident() - before < (100ull << 20));
}
