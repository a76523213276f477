// Reading /proc, whose files have no size and whose processes end while one looks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::machine {

// A small file made by the kernel as it is read; at most `limit` bytes of it. Empty when there is none.
std::string kernel_file(const std::filesystem::path& path, std::size_t limit = 4096);

// argv of the process whose /proc directory is given; empty when it is gone or not ours to read.
std::vector<std::string> arguments_of(const std::filesystem::path& process);

// Stopped by a signal or a tracer: it lives and does nothing.
bool is_stopped(const std::filesystem::path& process);

// False where /proc belongs to another pid namespace, as in some containers: its numbers are not ours to
// signal.
bool proc_is_ours();

// The processes in /proc whose program is a QEMU system emulator and one of whose arguments contains `part`.
std::vector<int> qemus_with(const std::string& part, const std::filesystem::path& proc = "/proc");
bool is_qemu_with(const std::string& part, const std::filesystem::path& process);

}  // namespace labctl::machine
