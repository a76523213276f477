// Every libvirt handle has an owner; no virXFree appears anywhere else.
#pragma once

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <string>

#include "labctl/base/owned.h"
#include "labctl/base/result.h"

namespace labctl::machine {

using ConnectHandle = Owned<virConnect, virConnectClose>;
using DomainHandle = Owned<virDomain, virDomainFree>;
using StreamHandle = Owned<virStream, virStreamFree>;
using CString = Owned<char, std::free>;  // strings that libvirt allocates for its caller

// This thread's last libvirt error as ours. Call it right after the failed call.
inline tl::unexpected<Error> libvirt_error(const std::string& context, std::string hint = {}) {
  virErrorPtr last = virGetLastError();
  std::string what = last != nullptr && last->message != nullptr ? last->message : "libvirt gave no reason";
  return lab_error(context + ": " + what, {}, std::move(hint));
}

}  // namespace labctl::machine
