// A hunt's folder: everything that it knows, written as it becomes known, so that a hunt that was killed goes
// on where it was and has lost nothing that it found.
//
//   hunt.json              what is hunted; another driver, cell or known content wants another folder
//   tried.jsonl            one line for each variant, in order
//   corpus/SHA256          contents that guests answered in ways of their own
//   crashes/NAME/          content.bin as it crashed, found.json, console.txt; once confirmed minimal.bin
//                          and scenario.yaml
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/result.h"

namespace labctl::gate {

struct HuntFacts {
  std::string cell, image, driver, content;  // the cell's id, the image's digest, the artifacts'
  std::uint64_t seed = 0;
};

// A line of tried.jsonl.
struct Tried {
  long long number = 0;
  std::string sha256;  // of the variant
  std::string how;
  std::string answer;      // a fingerprint; empty when it crashed
  bool is_new = false;     // no other was answered so, and the bytes are kept
  bool rebooted = false;   // the same content once more, with a restart
  int parent = -1;         // in the corpus; -1: none
  int maker = -1;          // hunt::Maker; -1: an author's command, or one of the first variants
  std::string title = {};  // of the crash
};

struct FuzzCrash {
  std::string title, how, excerpt;
  std::string content_sha256;
  bool at_boot = false;
  bool by_apply = true;        // the guest took it when it was applied; else it met it at its boot
  int confirmed = -1;          // of three more times; -1: not tried yet
  std::string minimised = {};  // in words; empty: not yet
  std::filesystem::path folder = {};
};

class FuzzFolder {
 public:
  // Makes it or goes on with it. Errors (input): it is of another hunt, somebody else is at work in it, a
  // file of it cannot be read.
  static Result<FuzzFolder> open(const std::filesystem::path& root, const HuntFacts& facts);

  // As it was found when it was opened.
  const std::vector<Tried>& tried() const { return tried_; }
  const std::vector<FuzzCrash>& crashes() const { return crashes_; }
  Result<std::string> kept(const std::string& sha256) const;

  Status keep(const std::string& sha256, const std::string& bytes) const;
  Status add(const Tried& tried);
  // On the disk before it returns. Gives it its folder.
  Status add(FuzzCrash& crash, const std::string& content, const std::string& console) const;
  Status update(const FuzzCrash& crash) const;

 private:
  FuzzFolder(std::filesystem::path root, Lock lock, Appender lines)
      : root_(std::move(root)), lock_(std::move(lock)), lines_(std::move(lines)) {}
  Status read();

  std::filesystem::path root_;
  Lock lock_;
  Appender lines_;
  std::vector<Tried> tried_;
  std::vector<FuzzCrash> crashes_;
};

}  // namespace labctl::gate
