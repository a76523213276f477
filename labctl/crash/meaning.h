// What a finding means beyond its kind, as values. A journal keeps a finding's title, which this room writes;
// it is read back here and nowhere else, so that no other room depends on how a sentence is worded.
#pragma once

#include <string>

#include "labctl/crash/crash.h"

namespace labctl::crash {

// What of Windows' own evidence a finding is.
enum class Evidence {
  none,              // not of Windows
  bug_check,         // a bug check, by its code or its name
  stop_screen,       // a stop screen that could not be read: a bug check, and not which
  dump,              // a file of a dump: the same
  unclean_shutdown,  // the power went, or it was reset
};
Evidence evidence_of(const Finding& finding);

// Which bug check, whatever driver is named beside it: equal for the same one. Empty where it is not known.
std::string bug_check_of(const Finding& finding);

// The taints that a Linux kernel sets for such a report, one letter each. What WARN() prints sets W, whatever
// it is about. Source: Documentation/admin-guide/tainted-kernels.rst.
std::string taints_left_by(const Finding& finding);

// Whether a kernel that has printed such a report shows it afterwards, by a taint or by being dead. Watchdogs
// for tasks, RCU and workqueues, lock checkers and some sanitizers only print.
bool leaves_trace(const Finding& finding);

// Whether it says where the kernel was: a function or a file.
bool names_place(const Finding& finding);

// A kernel that got no timer interrupt while it started.
bool is_dead_timer(const Finding& finding);

}  // namespace labctl::crash
