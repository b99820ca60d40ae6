// A disk that can lose its power, under the real local store.
//
// While a SimulatedDisk lives, every change this process makes below its folder happens as usual and is noted in a
// model: which file contents were synced, which names of a folder were synced with it. At any step the model can be
// asked what a power loss would leave: unsynced contents are gone, torn or zeroed at the end, unsynced links, unlinks,
// renames and folders are undone or not, each on its own. A seed decides. File systems promise no more than this.
//
// The changes are seen by defining open, write, fsync, link, .. in this program (simulated_disk.cc), so the store runs
// unmodified. The real syncs are skipped. Reads are not touched.
// Thread safety: the noted calls may come from any thread; the methods say when they may be called. One at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omnigraph::fault {

using Content = std::shared_ptr<const std::string>;

// What was left. Parents come before what they hold.
struct SurvivingTree {
  struct Entry {
    std::string path;  // below the root
    Content content;   // null: a folder
  };
  std::vector<Entry> entries;
  std::string losses;  // one line for each thing that did not survive as it was
};

void write_tree(const SurvivingTree& tree, const std::filesystem::path& root);

class SimulatedDisk {
 public:
  // `root` exists; what it holds counts as durable.
  explicit SimulatedDisk(const std::filesystem::path& root);
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  // Called after every step, nothing else happening meanwhile. It must not touch files below the root.
  using Observer = std::function<void(std::string_view step)>;
  void observe(Observer observer);

  // Only from the observer, or while nobody uses the disk.
  [[nodiscard]] SurvivingTree survivors(std::uint64_t seed) const;
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  // The process dies after that many steps: no later call has an effect, all fail. 0: alive again.
  void die_after(std::uint64_t step) { dies_after_ = step; }
  // How the model differs from the real folder: empty unless some change went past it.
  [[nodiscard]] std::string difference_from_reality() const;

  // ---- for the calls that are noted ----
  struct Node {
    bool is_folder = false;
    Content current;                                                  // of a file
    Content durable;                                                  // null: never synced
    std::map<std::string, std::vector<std::shared_ptr<Node>>> names;  // of a folder: states since its last sync,
                                                                      // oldest first; null: no such name
  };
  using NodePtr = std::shared_ptr<Node>;

  static SimulatedDisk* active();
  [[nodiscard]] bool holds(const char* path) const;
  std::recursive_mutex& mutex() { return mutex_; }
  [[nodiscard]] bool is_dead() const { return dies_after_ != 0 && steps_ >= dies_after_; }
  void opened(const char* path, int descriptor, bool may_be_new);
  void closed(int descriptor);
  void written(int descriptor, const void* bytes, std::size_t size);
  bool synced(int descriptor);  // false: not ours
  void linked(const char* from, const char* to);
  void linked_descriptor(int descriptor, const char* to);
  void unlinked(const char* path);
  void renamed(const char* from, const char* to);
  void made_folder(const char* path);
  void opened_nameless(int descriptor);

 private:
  [[nodiscard]] std::string relative(const std::filesystem::path& path) const;
  [[nodiscard]] NodePtr find(const std::filesystem::path& path) const;
  void set_name(const std::filesystem::path& path, NodePtr node);
  void adopt(const std::filesystem::path& folder, Node& node);
  void step(std::string what);

  const std::filesystem::path root_;
  const std::string prefix_;
  std::recursive_mutex mutex_;  // guards all below
  NodePtr top_ = std::make_shared<Node>();
  struct Descriptor {
    NodePtr node;
    std::string name;
    std::size_t at = 0;  // where the next bytes go
  };
  std::map<int, Descriptor> descriptors_;
  std::uint64_t steps_ = 0;
  std::uint64_t dies_after_ = 0;
  Observer observer_;
};

}  // namespace omnigraph::fault
