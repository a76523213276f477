#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/terminal_text.h"
#include "labctl/base/text.h"
#include "labctl/cli/cli.h"
#include "labctl/lab/doctor.h"
#include "labctl/lab/places.h"
#include "labctl/scenario/signatures.h"

namespace labctl::cli {

int complain(const Error& error) {
  // A place comes first in its line, where editors look for it.
  say(error.where.empty() ? "labctl: " + error.text() : error.text());
  switch (error.fault) {
    case Fault::input:
      return exit_code::bad_input;
    case Fault::lab:
      return exit_code::no_verdict;
    case Fault::interrupted:
      return exit_code::interrupted;
  }
  return exit_code::no_verdict;
}

int complain(const std::vector<Error>& errors) {
  int worst = exit_code::bad_input;
  for (const auto& error : errors)
    if (int code = complain(error); error.fault != Fault::input) worst = code;
  return worst;
}

void say(std::string_view line) {
  const std::string safe = for_terminal(line) + "\n";
  std::fwrite(safe.data(), 1, safe.size(), stderr);
}

void print_as_is(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void print(std::string_view text) { print_as_is(for_terminal(text)); }
void print_json(std::string_view json) { print_as_is(json_for_terminal(json)); }

bool stderr_is_terminal() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(2) != 0 && terminal && std::string_view(terminal) != "dumb";
}

bool use_colour(int fd) {
  const char* forbidden = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(fd) != 0 && !(forbidden && *forbidden) && terminal && std::string_view(terminal) != "dumb";
}

image::Store open_store(const lab::Places& places) { return {places.recipes, places.store}; }

std::optional<std::string> load_signatures(const std::string& file, const std::string& mark) {
  auto text = read_file(file, 1u << 20);
  if (!text) {
    complain(
        Error{Fault::input, "the signature file '" + printable(file) + "': " + text.error().what, mark, {}});
    return std::nullopt;
  }
  if (auto loaded = scenario::load_signatures(*text, file); !loaded.mistakes.empty()) {
    complain(loaded.mistakes);
    return std::nullopt;
  }
  return std::move(*text);
}

void keep_machine(const lab::Kept& kept, const std::string& key, const lab::CellJob& job,
                  const lab::Checkpoint& checkpoint) {
  auto quota = lab::kept_quota();
  auto put = quota ? kept.put(key, job, checkpoint) : Status(fail(quota.error()));
  if (!put) complain(put.error());
  if (put)
    for (const auto& line : lab::keep_within_quota(kept, *quota)) say("labctl: " + line);
}

std::vector<crash::Signature> signatures_of(const plan::Plan& plan) {
  if (!plan.signatures) return {};
  return scenario::load_signatures(plan.signatures->text, plan.signatures->file).all;
}

int refuse_bad_host(const lab::Places& places) {
  int code = exit_code::passed;
  for (const auto& check : lab::check_host(places))
    if (check.health == lab::Health::error && !check.only_for_building)
      code = complain(Error{Fault::lab, check.name + " " + check.detail, {}, check.fix});
  return code;
}

Result<std::string> own_digest() {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem);
  return sha256_file(problem ? fs::path("/proc/self/exe") : self);
}

Date today() { return Date(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())); }

std::optional<std::pair<scenario::Scenario, plan::Plan>> load_plan(
    const std::string& file, const scenario::Variables& variables, const std::string& only,
    const std::vector<scenario::Acceptance>& waivers, Date day) {
  auto text = read_file(file, 4u << 20);
  if (!text) {
    complain(Error{Fault::input, text.error().what, file, {}});
    return std::nullopt;
  }
  auto loaded = scenario::load(*text, file, variables);
  if (!loaded.scenario) {
    complain(loaded.mistakes);
    return std::nullopt;
  }
  auto plan = plan::expand(*loaded.scenario, day, waivers);
  if (plan && !only.empty()) plan = plan::only(std::move(*plan), only);
  if (!plan) {
    complain(plan.error());
    return std::nullopt;
  }
  if (const auto& named = loaded.scenario->signatures) {
    const auto path = std::filesystem::path(file).parent_path() / named->path;
    auto signatures = load_signatures(path.string(), scenario::at(file, named->mark));
    if (!signatures) return std::nullopt;
    plan->signatures = plan::SignatureFile{named->path, std::move(*signatures)};
  }
  return std::pair{std::move(*loaded.scenario), std::move(*plan)};
}

}  // namespace labctl::cli
