#include "labctl/machine/qemu/accel.h"

#include <unistd.h>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/machine/qemu/proof_guest.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;
using namespace labctl::machine;

namespace {

const std::string whole = std::string("RPLSXFTC") + proof_guest_result + ".";

fs::path scratch() { return fs::temp_directory_path() / ("accel-" + std::to_string(getpid())); }

}  // namespace

TEST_CASE("only a whole and right proof counts") {
  CHECK(judge_proof({whole, "", 33, false, Millis(300)}).works);
  CHECK_FALSE(judge_proof({whole, "", 35, false, Millis(300)}).works);
  CHECK_FALSE(judge_proof({whole, "", 0, false, Millis(300)}).works);
  CHECK_FALSE(judge_proof({whole, "", 33, true, Millis(300)}).works);
  CHECK_FALSE(judge_proof({"RPLSXFTC0000000000000000.", "", 33, false, Millis(300)}).works);
  CHECK_FALSE(judge_proof({"", "", 33, false, Millis(300)}).works);
}

TEST_CASE("a failed proof says where it stopped") {
  const Proof emulated = judge_proof({"RPL", "KVM internal error. Suberror: 1", -1, false, Millis(900)});
  CHECK_FALSE(emulated.works);
  CHECK(emulated.certain);
  CHECK(emulated.why == "it stopped at SSE (KVM internal error. Suberror: 1)");
  const Proof slow = judge_proof({"RPLSXFTC", "", 143, true, Millis(4000)});
  CHECK_FALSE(slow.works);
  CHECK_FALSE(slow.certain);  // the host may have been busy: not to be remembered
  CHECK_THAT(slow.why, ContainsSubstring("it did not finish computing within 4"));
  CHECK_THAT(judge_proof({"", "", 134, false, Millis(40)}).why, ContainsSubstring("it never began"));
  CHECK_THAT(judge_proof({"RPLX", "", 33, false, Millis(40)}).why,
             ContainsSubstring("computed something wrong"));
}

TEST_CASE("acceleration is chosen by proof, never by the device file") {
  int proofs = 0;
  const auto proving = [&](bool works) {
    return [&proofs, works]() -> Result<Proof> {
      ++proofs;
      return Proof{works, true, "because"};
    };
  };
  auto choice = choose_accel(AccelMode::automatic, KvmDevice::there, proving(true));
  REQUIRE(choice);
  CHECK(choice->accel == Accel::kvm);
  choice = choose_accel(AccelMode::automatic, KvmDevice::there, proving(false));
  REQUIRE(choice);
  CHECK(choice->accel == Accel::tcg);
  CHECK(choice->reason == "/dev/kvm exists, but guest code did not run at speed: because");
  CHECK(proofs == 2);
  choice = choose_accel(AccelMode::automatic, KvmDevice::missing, proving(true));
  REQUIRE(choice);
  CHECK(choice->accel == Accel::tcg);
  choice = choose_accel(AccelMode::tcg, KvmDevice::there, proving(true));
  REQUIRE(choice);
  CHECK(choice->accel == Accel::tcg);
  CHECK(proofs == 2);
  const auto forbidden = choose_accel(AccelMode::kvm, KvmDevice::forbidden, proving(true));
  REQUIRE_FALSE(forbidden);
  CHECK_THAT(forbidden.error().hint, ContainsSubstring("usermod"));
  CHECK_FALSE(choose_accel(AccelMode::kvm, KvmDevice::there, proving(false)));
}

TEST_CASE("the proof guest passes under TCG, so its bytes are right") {
  const fs::path emulator = find_program("qemu-system-x86_64");
  if (emulator.empty()) {
    WARN("no QEMU here");
    return;
  }
  const Result<ProofRun> run = run_proof(emulator, Accel::tcg, std::chrono::seconds(60), scratch());
  REQUIRE(run);
  INFO(run->said << " / " << run->problem);
  CHECK(judge_proof(*run).works);
  fs::remove_all(scratch());
}

TEST_CASE("the model of the host's CPU is what /proc/cpuinfo names") {
  CHECK(cpu_model_in("processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9354 32-Core Processor\n"
                     "stepping\t: 1\n\nprocessor\t: 1\nmodel name\t: another\n") ==
        "AMD EPYC 9354 32-Core Processor");
  CHECK(cpu_model_in("processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n").empty());
  CHECK(cpu_model_in("").empty());
  CHECK(cpu_model_in("model name\t: a\x1b[2Jb\n").find('\x1b') == std::string::npos);
  CHECK(cpu_model_in("model name: " + std::string(5000, 'x')).size() <= 130);
}

TEST_CASE("the committed bytes are the committed source") {
  if (find_program("gcc").empty() || find_program("ld").empty()) {
    WARN("no assembler here");
    return;
  }
  const std::string source = source_tree::root() / "labctl/machine/qemu/proof_guest.S";
  REQUIRE(make_dirs(scratch()));
  const std::string object = (scratch() / "p.o").string();
  const std::string binary = (scratch() / "p.bin").string();
  REQUIRE(run_ok({.argv = {"gcc", "-c", source, "-o", object}}));
  REQUIRE(run_ok({.argv = {"ld", "-Ttext=0x7c00", "--oformat=binary", "-o", binary, object}}));
  const Result<std::string> bytes = read_file(binary);
  REQUIRE(bytes);
  CHECK((*bytes == std::string_view(reinterpret_cast<const char*>(proof_guest), sizeof proof_guest)));
  fs::remove_all(scratch());
}

TEST_CASE("by what name a CPU can virtualize is read from its flags alone") {
  CHECK(virtualization_in("model name\t: svm vmx\nflags\t\t: fpu vme svm lm\n") == "svm");
  CHECK(virtualization_in("flags\t\t: fpu vmx\n") == "vmx");
  CHECK(virtualization_in("flags\t\t: fpu vmx_flags svm_lock\nbugs: svm\n").empty());
  CHECK(virtualization_in({}).empty());
}
