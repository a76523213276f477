// What the recogniser promises about any bytes whatever, as one function: the fuzzer calls it with what it
// makes up, the unit tests with what the fuzzer once found interesting.
#pragma once

#include <string>
#include <string_view>

namespace labctl::crash {

// The first promise that these bytes break, in words; empty when all are kept.
std::string broken_promise(std::string_view log);

}  // namespace labctl::crash
