// What a scenario's machine asks of a guest's disk, done inside the guest before its snapshot is made: words
// on its kernel's command line, a file system as large as the disk. Linux only.
#pragma once

#include "labctl/base/result.h"
#include "labctl/machine/machine.h"
#include "labctl/snapshot/first_boot.h"

namespace labctl::snapshot {

// Boots it, changes its disk, and powers it off. Errors (lab): it does not boot; its boot loader is not
// known; its file system does not grow.
Status prepare_disk(FirstBoot& guest, machine::Host& host, const machine::Spec& spec);

// Whether the guest that was booted then has what was asked for. At once where nothing was.
Status prove_prepared(FirstBoot& guest, const machine::Shape& shape);

}  // namespace labctl::snapshot
