#include "labctl/crash/engine/rust_symbol.h"

#include <string>
#include <utility>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/frames.h"
#include "tests/catch.h"

namespace labctl::crash {

TEST_CASE("a name of Rust's is the path of its function") {
  const std::vector<std::pair<const char*, const char*>> names{
      {"_RNvCs1234abcd_8rust_foo4init", "rust_foo::init"},
      {"_RNvMCs5RHPNmVMV1X_8rust_fooNtB2_3Foo4read", "<rust_foo::Foo>::read"},
      {"_RNvMs3_NtCshgDM7dBCdno_8rust_foo7processNtB5_7Process10update_ref",
       "<rust_foo::process::Process>::update_ref"},
      {"_RNvXCs5RHPNmVMV1X_8rust_fooNtB2_3FooNtCsfATHBUcknU9_6kernel6Module4init",
       "<rust_foo::Foo as kernel::Module>::init"},
      {"_RNCNvCs1234_8rust_foo4init0B3_", "rust_foo::init::{closure}"},
      {"_RINvCs1234_8rust_foo4findmKj7_EB2_", "rust_foo::find"},
      {"_RNvCscSpY9Juk0HT_7___rustc17rust_begin_unwind", "__rustc::rust_begin_unwind"}};
  for (const auto& [symbol, path] : names) {
    INFO(symbol);
    CHECK(rust_path(symbol) == path);
  }
}

TEST_CASE("what is no name of Rust's has no path") {
  const std::string whole = "_RNvMCs5RHPNmVMV1X_8rust_fooNtB2_3Foo4read";
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(rust_path(whole.substr(0, size)).empty());
  for (const char* symbol :
       {"foo_read", "_Rfoo", "_RNvB_4read", "_RNvB3_4read", "_RNvNvNvNvNvNvNvNvNvNvNvNvNvNvNvNvNv",
        "_RINvC1a1bB_E", "_RNvC99999999999999999999a", "_RNvYB0_B0_1x", ""}) {
    INFO(symbol);
    CHECK(rust_path(symbol).empty());
  }
}

TEST_CASE("a panic of Rust is named by the function that panicked") {
  const std::string log =
      "[   12.000001] rust_kernel: panicked at drivers/foo/foo.rs:42:9:\n[   12.000002] attempt to subtract "
      "with overflow\n"
      "[   12.000003] ------------[ cut here ]------------\n[   12.000004] kernel BUG at "
      "rust/helpers/bug.c:7!\n"
      "[   12.000005] Oops: invalid opcode: 0000 [#1] SMP NOPTI\n"
      "[   12.000006] CPU: 1 UID: 0 PID: 7 Comm: cat Tainted: G           O        6.18.0 #1\n"
      "[   12.000007] RIP: 0010:rust_helper_BUG+0x8/0x10\n[   12.000008] Call Trace:\n[   12.000009]  "
      "<TASK>\n"
      "[   12.000010]  _RNvCscSpY9Juk0HT_7___rustc17rust_begin_unwind+0x1/0x2\n"
      "[   12.000011]  _RNvNtCs9jEwPDbx20M_4core9panicking9panic_fmt+0x1/0x2\n"
      "[   12.000012]  _RNvNtCs9jEwPDbx20M_6kernel4sync4lock+0x1/0x2\n"
      "[   12.000013]  _RNvMCs5RHPNmVMV1X_8rust_fooNtB2_3Foo4read+0x1d/0x40\n[   12.000014]  </TASK>\n"
      "[   12.000015] ---[ end trace 0000000000000000 ]---\n";
  const auto found = scan(log, Os::linux_);
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "Rust panic in <rust_foo::Foo>::read");
  const auto frames = call_frames(found[0].excerpt);
  CHECK(frames.back().function == "<rust_foo::Foo>::read");
}

}  // namespace labctl::crash
