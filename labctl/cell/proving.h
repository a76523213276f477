// What is asked of the driver itself: its modules, services and BPF programs, before anything is delivered,
// after each step, and when it has been removed. Only for this room.
#pragma once

#include <string>
#include <vector>

#include "labctl/cell/cell.h"

namespace labctl::cell {

// What is installed now, and how it is asked about.
struct Installed {
  std::string file;     // its first one, by its name on the CD
  bool is_new = false;  // nothing has been seen of it yet
  bool early = true;  // behind a step of the author's, and not behind a wait: what comes later is waited for
};

std::vector<Operation> look_before(const plan::Cell& cell, const event::Opened& opened);
std::vector<Operation> prove_driver(const plan::Cell& cell, const event::Opened& opened,
                                    const outcome::StepId& step, const Installed& installed);
// Of what was removed; `registered`: of a minifilter that was only unloaded, whose service stays.
std::vector<Operation> prove_absence(const plan::Cell& cell, const event::Opened& opened,
                                     const outcome::StepId& step, bool registered = false);

// What runs beside the story, in each boot anew, and whether it still does.
std::vector<Operation> load_begins(const plan::Cell& cell, const outcome::StepId& step);
std::vector<Operation> load_lasts(const plan::Cell& cell, const outcome::StepId& step);

// Whether the story crashes the guest on purpose; its crash number `number`, from 1, with which a boot
// begins; and whether that left a dump.
bool crashes_on_purpose(const plan::Cell& cell);
Operation crash_on_purpose(const guest::System& os, const event::Opened& opened, const outcome::StepId& step,
                           int number, int begins_boot);
Operation prove_dump(const guest::System& os, const event::Opened& opened, const outcome::StepId& step,
                     int number);

// A proof that only a driver with this very content can give.
bool names_content(const scenario::Proof& proof);

// The driver or content of this label by its name on the CD, whose own ones have none.
std::string driver_file_of(const plan::Cell& cell, const std::string& label);
std::string content_file_of(const plan::Cell& cell, const std::string& label);
bool may_be_refused(const plan::Cell& cell, const std::string& label);  // content

// What the installation of the driver of this label is: one that compiles takes longer.
Work installing(const plan::Cell& cell, const std::string& label);

}  // namespace labctl::cell
