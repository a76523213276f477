// A Windows guest that is well, for stories of what it then says otherwise.
#pragma once

#include <string>
#include <utility>

#include "tests/cell/story.h"

namespace story {

inline plan::Cell windows() {
  plan::Cell cell = candidate();
  cell.guest.os = scenario::Os::windows;
  cell.guest.driver = {.kind = scenario::DriverKind::inf, .modules = {"sensor"}};
  cell.guest.content->path = "C:\\sensor\\content.bin";
  return cell;
}

inline std::string moment_of(int boot) {
  return "2026-11-22T08:" + std::to_string(10 + boot) + ":30.5000000Z";
}

struct WindowsScene : Scene {
  explicit WindowsScene(plan::Cell told = windows()) : Scene(std::move(told)) {
    change = [this](Answer& answer, int) {
      if (answer.question == "identify") answer.output = "boot_id=" + moment_of(boots) + "\r\n";
      if (answer.question == "evidence" || answer.question == "suspect")
        answer.output = "boot_id=" + moment_of(boots) + "\r\nkernel=10.0.20348.0\r\ncrash_records=0\r\n";
      if (answer.question == "kernel-log") answer.output = "log=System\r\n";
      return true;
    };
  }
};

}  // namespace story
