#include "labctl/cli/answer.h"

#include <mutex>
#include <utility>

#include "labctl/base/json.h"

namespace labctl::cli {
namespace {

struct Answer {
  std::string verb;
  Json errors = Json::array(), result = Json::object();
  bool has_own = false;
};

// Errors come from the threads of cells, too.
std::mutex mutex;
std::optional<Answer> now;

const char* to_string(Fault fault) {
  switch (fault) {
    case Fault::input:
      return "input";
    case Fault::lab:
      return "lab";
    case Fault::interrupted:
      return "interrupted";
  }
  return "lab";
}

}  // namespace

void begin_answer(const std::string& verb) {
  const std::lock_guard lock(mutex);
  now.emplace(Answer{.verb = verb});
}

bool is_answering() {
  const std::lock_guard lock(mutex);
  return now.has_value();
}

void answer(const char* key, Json value) {
  const std::lock_guard lock(mutex);
  if (now) now->result[key] = std::move(value);
}

void answer_more(const char* list, Json value) {
  const std::lock_guard lock(mutex);
  if (!now) return;
  auto& all = now->result[list];
  if (!all.is_array()) all = Json::array();
  all.push_back(std::move(value));
}

void answer_error(const Error& error) {
  const std::lock_guard lock(mutex);
  if (!now) return;
  Json json{{"fault", to_string(error.fault)}, {"what", error.what}};
  if (!error.where.empty()) json["where"] = error.where;
  if (!error.hint.empty()) json["hint"] = error.hint;
  now->errors.push_back(std::move(json));
}

void answer_refusal(const std::string& why) {
  const std::lock_guard lock(mutex);
  if (now) now->errors.push_back({{"fault", "refused"}, {"what", why}});
}

void answered() {
  const std::lock_guard lock(mutex);
  if (now) now->has_own = true;
}

std::optional<std::string> finish_answer(int exit_code) {
  std::optional<Answer> done;
  {
    const std::lock_guard lock(mutex);
    done.swap(now);
  }
  if (!done || done->has_own) return std::nullopt;
  return dump_pretty({{"labctl", 1},
                      {"verb", done->verb},
                      {"exit_code", exit_code},
                      {"errors", done->errors},
                      {"result", done->result}});
}

}  // namespace labctl::cli
