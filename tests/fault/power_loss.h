// Graphs on a disk that loses its power: a folder of one's own, and every power loss of what happens in it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/fault/simulated_disk.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {

// On a file system in memory when there is one: what is tested is the model, not this machine's disk.
class Folder {
 public:
  Folder() : path_(parent() / ("power_loss-" + base::new_ulid())) { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] StorePtr open() const { return objectstore::open_local_store(path_).value(); }

 private:
  static std::filesystem::path parent() {
    return std::filesystem::is_directory("/dev/shm") ? std::filesystem::path("/dev/shm")
                                                     : std::filesystem::path(::testing::TempDir());
  }
  const std::filesystem::path path_;
};

inline constexpr StoreOptions kQuiet{.clock = nullptr, .background_settle = false, .exclusive_writer = false};

// One power loss: what was left, and what had been acknowledged.
struct Cut {
  std::uint64_t step = 0;
  std::string text;
  std::size_t acknowledged = 0;  // operations; with kNothing, not even init
  fault::SurvivingTree tree;
};
inline constexpr std::size_t kNothing = ~std::size_t{0};

// The disk while operations run, with a power loss taken after each step for which `wanted` says so.
class Recording {
 public:
  Recording(const std::filesystem::path& folder, std::uint64_t seed, std::size_t acknowledged,
            std::function<bool(std::uint64_t)> wanted = {})
      : seed_(seed), acknowledged_(acknowledged), disk_(folder) {
    if (wanted) record(std::move(wanted));
  }
  ~Recording() { EXPECT_EQ(disk_.difference_from_reality(), ""); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void record(std::function<bool(std::uint64_t)> wanted) {
    disk_.observe([this, wanted = std::move(wanted)](std::string_view step) {
      if (!wanted(disk_.steps())) return;
      cuts_.push_back(
          {disk_.steps(), std::string(step), acknowledged_, disk_.survivors(seed_ * 1'000'003 + disk_.steps())});
    });
  }
  void acknowledge(std::size_t operations) { acknowledged_ = operations; }
  fault::SimulatedDisk& disk() { return disk_; }
  // After the last use of the disk.
  std::vector<Cut> cuts() {
    disk_.observe({});
    return std::move(cuts_);
  }

 private:
  const std::uint64_t seed_;
  std::atomic<std::size_t> acknowledged_;
  std::vector<Cut> cuts_;  // added to by one step at a time
  fault::SimulatedDisk disk_;
};

inline bool every_step(std::uint64_t) { return true; }

}  // namespace omnigraph::graph::testing
