// Exact places in modules, out of the text of a report.

#include "labctl/crash/frames.h"

#include "tests/catch.h"

using namespace labctl::crash;

TEST_CASE("the places of a report in modules are read in their order, each once") {
  const auto frames = module_frames(
      "[   51.1] BUG: unable to handle page fault for address: 0000000400000028\n"
      "[   51.1] RIP: 0010:sensor_equal+0x39/0x60 [sensor]\n"
      "[   51.1] Call Trace:\n"
      "[   51.1]  <TASK>\n"
      "[   51.1]  ? sensor_doubtful+0x1/0x2 [sensor]\n"
      "[   51.1]  sensor_load.part.0+0x313/0x4a0 [sensor 0a1b2c]\n"
      "[   51.1]  __x64_sys_ioctl+0x91/0xd0\n"
      "[   51.1] RIP: 0033:0x44510b\n"
      "[   51.1] Modules linked in: sensor(OE) sr_mod\n"
      "[   51.1] RIP: 0010:sensor_equal+0x39/0x60 [sensor]\n");
  REQUIRE(frames.size() == 2);
  CHECK(frames[0] == ModuleFrame{"sensor_equal", 0x39, 0x60, "sensor", true});
  CHECK(frames[1] == ModuleFrame{"sensor_load.part.0", 0x313, 0x4a0, "sensor", false});
  CHECK(frames[0].text() == "sensor_equal+0x39/0x60 [sensor]");
}

TEST_CASE("the places of a Windows dump in drivers are read, the one where it stopped first") {
  const auto frames = module_frames(
      "minidump of Windows build 20348: 0x7e (0x1, 0x2, 0x0, 0x0); stopped at sensor.sys+0xe14e; possibly "
      "involved, by what lies "
      "on its stack: sensor.sys+0x1014, my-filter.sys+0x20, sensor.sys+0x1014");
  REQUIRE(frames.size() == 3);
  CHECK(frames[0] == ModuleFrame{"", 0xe14e, 0, "sensor.sys", true});
  CHECK(frames[1] == ModuleFrame{"", 0x1014, 0, "sensor.sys", false});
  CHECK(frames[2].text() == "my-filter.sys+0x20");
  CHECK(module_frames("sensor.sys+0x123456789").empty());
  CHECK(module_frames("sensor.sys+0x").empty());
}

TEST_CASE("what is no place, or cannot be one, gives nothing") {
  CHECK(module_frames("").empty());
  CHECK(module_frames("f+0x60/0x60 [m]").empty());
  CHECK(module_frames("f+0xfffffffff/0x60 [m]").empty());
  CHECK(module_frames("f+0x1/0x60 [../../etc/passwd]").empty());
  CHECK(module_frames("-e;rm+0x1/0x60").empty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "f" + std::to_string(i) + "+0x1/0x60 [m]\n";
  CHECK(module_frames(many).size() == 32);
}

TEST_CASE("a report's frames are values, those of the kernel and inlined ones too") {
  const auto frames = call_frames(
      "RIP: 0010:ball_go+0x10/0x20 [ball]\nCall Trace:\n <TASK>\n ? doubtful+0x1/0x2\n"
      " ball_step drivers/ball/ball.c:12 [inline]\n ball_ioctl+0x1a/0x40 [ball 0a1b2c]\n "
      "vfs_ioctl+0x21/0x30\n"
      "RIP: 0033:0x44510b\n");
  REQUIRE(frames.size() == 4);
  CHECK(frames[0] == CallFrame{"ball_go", "ball", 0x10, false});
  CHECK(frames[1] == CallFrame{"ball_step", "", 0, true});
  CHECK(frames[2] == CallFrame{"ball_ioctl", "ball", 0x1a, false});
  CHECK(frames[3] == CallFrame{"vfs_ioctl", "", 0x21, false});
}
