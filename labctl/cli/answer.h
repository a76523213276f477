// --json of every verb: standard output is exactly one JSON document, also when the verb fails. Verbs whose
// answer has a format of its own print it with print_json(); of all others, and of those when they fail, it
// is this one: reports/answer.schema.json.
#pragma once

#include <optional>
#include <string>

#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"

namespace labctl::cli {

// --json was given to this verb: from now on what it prints for people goes to standard error.
void begin_answer(const std::string& verb);
bool is_answering();

// A member of what the verb says; nothing without --json.
void answer(const char* key, Json value);
// The same where it is a list that grows.
void answer_more(const char* list, Json value);

// What went wrong; report_error() and refuse() call these.
void answer_error(const Error& error);
void answer_refusal(const std::string& why);

// The verb has printed a document of its own.
void answered();

// The document, to be printed with print_json(); nothing where the verb has printed one, or without --json.
std::optional<std::string> finish_answer(int exit_code);

}  // namespace labctl::cli
