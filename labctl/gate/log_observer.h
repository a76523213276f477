// The gate's decisions in the diagnostic log.
#pragma once

#include <map>
#include <string>

#include "labctl/gate/observer.h"

namespace labctl::gate {

class LogObserver final : public Observer {
 public:
  void on(const Event& event) override;

 private:
  std::map<std::string, std::string> where_;  // cell -> where it was last
};

}  // namespace labctl::gate
