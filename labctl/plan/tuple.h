// What is published is a tuple: the driver and the content labelled `candidate`, together. It is proved per
// image and machine: wherever a candidate appears, one cell must boot with all candidates in the guest at the
// same time. Cells without a candidate are comparisons. The scenario is asked, the verdict, and whoever
// verifies an attestation; all three ask this.
#pragma once

#include <string>
#include <vector>

#include "labctl/plan/plan.h"

namespace labctl::plan {

// The kinds of artifact that have a candidate.
struct Tuple {
  bool driver = false, content = false;
  bool empty() const { return !driver && !content; }
  std::string in_words() const;  // "the candidate driver and the candidate content together"
};

// What one cell has to do with the tuple, without its outcome.
struct Holding {
  std::string image, machine;                  // the machine's name; empty when there is no such axis
  std::vector<std::string> drivers, contents;  // labels of its own artifacts and of those its story names
  int boots_together = 0;                      // of its story, with all candidates of the plan in the guest

  bool has_candidate() const;
};

// The boots of the cell's story, power cuts too, before which all of the tuple was put into the guest and
// stayed there. After a power cut during an installation it is not known what is there.
int boots_with(const Cell& cell, const Tuple& tuple);

// Of each cell, in the plan's order; a control holds nothing. A negative test (damaged content, content that
// may be refused, an expected finding) counts no boot: it shows what happens to something else.
std::vector<Holding> holdings(const Plan& plan);

// The kinds that are the candidate's anywhere.
Tuple tuple_of(const std::vector<Holding>& holdings);

// An image and a machine on which a candidate appears.
struct Place {
  std::string image, machine;
  std::string in_words() const;  // "image debian-12", "image debian-12, machine smp"
};

// The places where no cell proves the tuple, each once. counts[i]: whether the boots of holdings[i] count.
std::vector<Place> never_together(const std::vector<Holding>& holdings, const std::vector<bool>& counts);

}  // namespace labctl::plan
