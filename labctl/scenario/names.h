// What a name in a scenario may look like. A plan that is read back from a bundle is held to the same rules:
// such names become paths, words of command lines and XML attributes. Pure; each says yes or no, and nothing
// about why.
#pragma once

#include <string_view>

namespace labctl::scenario {

// [a-z0-9] with single '.' or '-' between: safe as a file name and in a cell's id.
bool is_slug(std::string_view text);
// A model as 'qemu-system-x86_64 -cpu help' lists them.
bool is_cpu_model(std::string_view text);
// A kernel module as the kernel writes it: letters, digits and '_', at most 55.
bool is_module_name(std::string_view text);
// A Windows service, without .sys.
bool is_service_name(std::string_view text);
// name=value, or a name alone, on one line.
bool is_module_option(std::string_view text);

}  // namespace labctl::scenario
