// What a name in a scenario may look like. A plan that is read back from a bundle is held to the same rules:
// such names become paths, words of command lines and XML attributes. Pure; each says yes or no, and nothing
// about why, but for the one that says which mistake it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace labctl::scenario {

inline constexpr int most_vcpus = 64;
inline constexpr std::uint64_t least_memory = 256ull << 20, most_memory = 1ull << 40;  // bytes

inline constexpr std::uint64_t least_disk = 1ull << 30, most_disk = 1ull << 42;  // bytes

// What an author may write as a label; those of damaged variants, which labctl makes of one, are longer.
inline constexpr std::size_t longest_label = 40, longest_made_label = 80;

// Not blank, without line breaks, tabs and other control characters: a path, for one.
bool is_one_line(std::string_view text);
// Letters, digits and '_', inside also '.' and '-'.
bool is_label(std::string_view text, std::size_t longest = longest_label);
// What may match the ids of cells, with * and ?.
bool is_cell_glob(std::string_view text);
// [a-z0-9] with single '.' or '-' between: safe as a file name and in a cell's id.
bool is_slug(std::string_view text);
// A model as 'qemu-system-x86_64 -cpu help' lists them.
bool is_cpu_model(std::string_view text);
// A kernel module as the kernel writes it: letters, digits and '_', at most 55.
bool is_module_name(std::string_view text);
// A Windows service, without .sys.
bool is_service_name(std::string_view text);
// A unit of systemd by its whole name, "sensord.service" or "sensor@1.socket".
bool is_unit_name(std::string_view text);
// A BPF program, as the kernel or its BTF calls it.
bool is_bpf_name(std::string_view text);
// name=value, or a name alone, on one line.
bool is_module_option(std::string_view text);
// A kernel as uname -r prints it: one component of a path.
bool is_kernel_release(std::string_view text);
// A word of a kernel's command line.
bool is_kernel_option(std::string_view text);
// The name of one that the lab's own channels and boots depend on: console, root, init ...
bool is_labs_kernel_option(std::string_view name);
// A file of a Windows driver's package, by its name alone.
bool is_package_file(std::string_view text);
// A package by which Linux is updated: a path that ends in .deb or .rpm.
bool is_update_package(std::string_view path);
// Two paths of one scenario are the same file, however they are written; links are not followed.
bool same_file(std::string_view a, std::string_view b);
// Where a minifilter belongs: digits, perhaps with a fraction, "385100.5".
bool is_altitude(std::string_view text);
// A file of content that is a folder, by its path in it: "x/y.bin".
bool is_file_of_folder(std::string_view path);
// A volume as fltmc lists it: "C:", or a device's name.
bool is_volume(std::string_view text);
// When Windows starts a service: boot, system or auto.
bool is_service_start(std::string_view text);
// What is wrong with a file's path in the guest, to be read behind it: "must not contain '..'". Empty:
// nothing.
std::string fault_of_guest_path(std::string_view path, bool windows);
// The same of where content goes, which on Linux may be a folder: with a '/' at its end.
std::string fault_of_content_path(std::string_view path, bool windows);

}  // namespace labctl::scenario
