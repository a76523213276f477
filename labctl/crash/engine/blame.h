// Which function a report of Linux blames: what groups crashes of one bug, on two kernels and on two days.
// Internal to the room; tables of names, no reading of text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"
#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {

// The kernel's own function that is never to blame itself. A module's is none, whatever it is called: a
// driver may have a list_show() and a lock_device() of its own.
bool is_helper(const Place& place);

// The way into and out of the kernel.
bool is_entry(std::string_view function);

// Calls on through a table of functions (a system call, a file operation, a work item, a timer): what it
// calls names the operation.
bool is_dispatcher(std::string_view function);

// One name for functions that are one operation, whichever of them the kernel's settings choose.
std::string operation(const std::string& function);

// The frame to blame of a trace, innermost first; nullptr when all are helpers. A processor that is stuck is
// stopped anywhere inside its loop, so a lockup and a stall are named by the operation that the innermost
// dispatcher called.
const Place* blamed(std::span<const Place> trace, Kind kind);

// The place in a line of lockdep's list, "(&lock){+.+.}, at: function+0x1/0x2"; empty when it has none.
Place lock_site(std::string_view line);
// The line is of the list of locks that a task holds ("#0: ..."), which need not be those of the report.
bool lists_held_lock(std::string_view line);

}  // namespace labctl::crash
