// Guests at rest: recipes -> golden disks in a content-addressed store, and payload CDs. Live snapshots are
// made of golden disks by lab/, which keeps them in the directory that snapshot_dir() names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/image/facts.h"

namespace labctl::image {

namespace fs = std::filesystem;

// What a build needs of the host.
struct Need {
  std::string name;           // a program, or the absolute path of a file
  std::string package;        // what to install when it is missing
  bool only_as_user = false;  // root can do without
};

// Bytes from elsewhere, trusted for their digest alone.
struct Source {
  std::string from;  // an absolute path or a URL
  std::string sha256;
};

// The folder images/<name>/ with its image.yaml, `extends` resolved.
struct Recipe {
  std::string name;
  std::string os;       // "linux"
  std::string summary;  // one line for `image list`
  fs::path folder;
  std::string key;              // sha256 over what the recipe says and every file beside it: its address
  std::string suite;            // "bookworm"
  std::string kernel_package;   // linux-image-6.1.0-53-amd64, with =VERSION, or a metapackage
  std::uint64_t disk_size = 0;  // bytes the guest sees
  // A vendor's disk instead of a suite and a kernel package, and packages that its system installs before it
  // is used.
  std::optional<Source> import;
  std::vector<Source> install;
  std::vector<std::string> packages;  // of `install` the guest takes these and what they need; none: all
  fs::path builder;                   // the program that makes the disk
  std::vector<fs::path> layers;  // the folders whose files it may use: what is extended first, this one last
  std::vector<Need> needs;
};

// Reads images/<name>/image.yaml. What it extends stands beside it, or in one of the folders `elsewhere`.
// Errors carry file:line:col. nullopt: a template that others extend.
Result<std::optional<Recipe>> read_recipe(const fs::path& folder,
                                          const std::vector<fs::path>& elsewhere = {});

// A golden disk that is whole: its facts were written last.
struct Image {
  std::string name;
  std::string os;
  fs::path folder;     // in the store
  fs::path disk;       // qcow2, read-only from now on
  std::string sha256;  // of the disk
  Facts facts;
};

// What the build of a Windows is given beside its recipe: absolute paths, empty where there is none. What is
// empty here the build program looks for in its environment.
struct BuildInputs {
  std::string iso, virtio_iso;  // Microsoft's installation medium, the virtio drivers' one
  std::string key_file;         // holds a product key
  std::string disk;             // that somebody has prepared, instead of an installation
  std::string accel;            // "kvm" or "tcg", as guests were proved to run here
};

enum class State { absent, built, outdated, damaged };

// Progress for people: one short line each.
using Progress = std::function<void(std::string_view)>;

class Store {
 public:
  // `recipes`: folders searched for <name>/image.yaml, first hit wins. `root`: where images live, made when
  // missing.
  Store(std::vector<fs::path> recipes, fs::path root);

  Result<std::vector<Recipe>> recipes() const;
  Result<Recipe> recipe(const std::string& name) const;  // unknown name: input error with did-you-mean

  State state(const Recipe& recipe) const;
  fs::path folder(const Recipe& recipe) const;        // where its image is or would be
  Result<Image> find(const std::string& name) const;  // not built: error whose hint is the build command
  // Does nothing when it is built. Waits for another build of the same image. Nothing half-built is ever
  // found.
  Result<Image> build(const std::string& name, const Progress& progress, std::stop_token stop,
                      const BuildInputs& inputs = {}) const;
  // Takes an image that another host built: `fill` puts disk.qcow2 and image.json, its facts, into the folder
  // that it is given, where what an interrupted call left is still there. Errors: the disk does not have this
  // digest or does not stand by itself, or the facts are of another recipe than this host's; nothing of it
  // can be found then.
  Result<Image> adopt(const std::string& name, const std::string& sha256,
                      const std::function<Status(const fs::path& folder)>& fill) const;
  Status verify(const Image& image) const;  // hashes the disk again
  Status remove(const std::string& name) const;
  // This one disk and its snapshots, for the builder who saw that it does not boot.
  Status take_back(const Image& image) const;

  // Where live snapshots of this very disk are kept; goes with the image.
  fs::path snapshot_dir(const Image& image) const;

  // Removes what interrupted builds left. Returns the bytes freed.
  Result<std::uint64_t> collect() const;

 private:
  std::vector<fs::path> recipes_;
  fs::path root_;
};

struct PayloadFile {
  std::string name;  // in the CD's root
  fs::path source;
};

// A read-only ISO with volume id LABCTL. Equal files under equal names give equal bytes. A name is one path
// component.
// `joliet`: with the names stored a second time, in the only way that Windows reads them whole.
Status make_payload_cd(const fs::path& iso, const std::vector<PayloadFile>& files, bool joliet = false);

}  // namespace labctl::image
