// Names of Rust's functions, as its compiler mangles them since the kernel has any (the "v0" scheme).
#pragma once

#include <string>
#include <string_view>

namespace labctl::crash {

// "<rust_foo::Foo>::read" of "_RNvMCs5RHPNmVMV1X_8rust_fooNtB2_3Foo4read": the path alone, without the
// crate's hash and the arguments of generics, which differ between builds. Empty when it is no such name, or
// one cut short.
std::string rust_path(std::string_view symbol);

}  // namespace labctl::crash
