#include "tests/fault/simulated_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

namespace omnigraph::fault {
namespace {

namespace fs = std::filesystem;

std::atomic<SimulatedDisk*> active_disk = nullptr;
constexpr std::size_t kDescriptorsMax = 1 << 16;
// Descriptors on the disk, so that all other calls take no lock.
std::array<std::atomic<bool>, kDescriptorsMax> on_disk{};

bool is_on_disk(int descriptor) {
  return descriptor >= 0 && static_cast<std::size_t>(descriptor) < kDescriptorsMax &&
         on_disk[static_cast<std::size_t>(descriptor)];
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// Decides, for one power loss, what becomes of everything unsynced. A third of the losses take all names or leave all,
// so that contents are put to the test alone as well.
class Fate {
 public:
  explicit Fate(std::uint64_t seed) : random_(seed), names_(random_() % 3), contents_(random_() % 4) {}

  std::size_t state_of(std::size_t states) {
    if (states == 1) return 0;
    if (names_ == 0) return 0;
    if (names_ == 1) return states - 1;
    return random_() % states;
  }

  Content content_of(const SimulatedDisk::Node& node, std::string& what) {
    static const Content kEmpty = std::make_shared<const std::string>();
    const Content& old = node.durable ? node.durable : kEmpty;
    if (node.durable == node.current) return node.current;
    switch (contents_ == 3 ? random_() % 4 : contents_) {
      case 0: what = "content gone"; return old;
      case 1: {
        const std::size_t size = node.current->empty() ? 0 : random_() % node.current->size();
        what = "cut at " + std::to_string(size);
        return std::make_shared<const std::string>(node.current->substr(0, size));
      }
      case 2: {
        const std::size_t from = node.current->empty() ? 0 : random_() % node.current->size();
        what = "zeroed from " + std::to_string(from);
        std::string zeroed = node.current->substr(0, from);
        zeroed.resize(node.current->size(), '\0');
        return std::make_shared<const std::string>(std::move(zeroed));
      }
      default: return node.current;
    }
  }

 private:
  std::mt19937_64 random_;
  const std::uint64_t names_;     // 0: only synced names; 1: the latest; 2: each on its own
  const std::uint64_t contents_;  // 0: gone; 1: cut; 2: zeroed; 3: each on its own
};

class Survey {
 public:
  explicit Survey(std::uint64_t seed) : fate_(seed) {}

  void visit(const SimulatedDisk::Node& folder, const std::string& prefix) {
    for (const auto& [name, states] : folder.names) {
      const std::string path = prefix + name;
      const std::size_t state = fate_.state_of(states.size());
      const SimulatedDisk::NodePtr& node = states[state];
      if (state + 1 != states.size()) note(path, node == nullptr ? "is missing" : "is back or is what it was");
      if (node == nullptr) continue;
      tree.entries.push_back({path, node->is_folder ? nullptr : content_of(node, path)});
      if (node->is_folder) visit(*node, path + "/");
    }
  }

  SurvivingTree tree;

 private:
  // A file of two names has one content.
  Content content_of(const SimulatedDisk::NodePtr& node, const std::string& path) {
    auto found = contents_.find(node.get());
    if (found == contents_.end()) {
      std::string what;
      found = contents_.emplace(node.get(), fate_.content_of(*node, what)).first;
      if (!what.empty()) note(path, what);
    }
    return found->second;
  }

  void note(const std::string& path, const std::string& what) { tree.losses += "  " + path + ": " + what + "\n"; }

  Fate fate_;
  std::map<const SimulatedDisk::Node*, Content> contents_;
};

}  // namespace

void write_tree(const SurvivingTree& tree, const fs::path& root) {
  for (const SurvivingTree::Entry& entry : tree.entries) {
    const fs::path path = root / entry.path;
    if (entry.content == nullptr) {
      fs::create_directories(path);
    } else {
      std::ofstream(path, std::ios::binary) << *entry.content;
    }
  }
}

SimulatedDisk* SimulatedDisk::active() { return active_disk; }

SimulatedDisk::SimulatedDisk(const fs::path& root) : root_(fs::canonical(root)), prefix_(root_.string() + "/") {
  top_->is_folder = true;
  adopt(root_, *top_);
  SimulatedDisk* none = nullptr;
  if (!active_disk.compare_exchange_strong(none, this)) {
    std::fputs("a second SimulatedDisk at the same time\n", stderr);
    std::abort();
  }
}

SimulatedDisk::~SimulatedDisk() {
  active_disk = nullptr;
  for (std::atomic<bool>& descriptor : on_disk) descriptor = false;
}

void SimulatedDisk::observe(Observer observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

SurvivingTree SimulatedDisk::survivors(std::uint64_t seed) const {
  Survey survey(seed);
  survey.visit(*top_, {});
  return std::move(survey.tree);
}

std::string SimulatedDisk::difference_from_reality() const {
  std::string out;
  std::map<std::string, Content> modelled;
  const auto collect = [&](const auto& self, const Node& folder, const std::string& prefix) -> void {
    for (const auto& [name, states] : folder.names) {
      if (states.back() == nullptr) continue;
      modelled[prefix + name] = states.back()->current;
      if (states.back()->is_folder) self(self, *states.back(), prefix + name + "/");
    }
  };
  collect(collect, *top_, {});
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
    const auto found = modelled.find(relative(entry.path()));
    if (found == modelled.end()) {
      out += "not in the model: " + entry.path().string() + "\n";
      continue;
    }
    if (entry.is_regular_file() && (found->second == nullptr || *found->second != slurp(entry.path()))) {
      out += "other content in the model: " + entry.path().string() + "\n";
    }
    modelled.erase(found);
  }
  for (const auto& [path, content] : modelled) out += "only in the model: " + path + "\n";
  return out;
}

bool SimulatedDisk::holds(const char* path) const {
  return std::strncmp(path, prefix_.c_str(), prefix_.size()) == 0 || root_ == path;
}

std::string SimulatedDisk::relative(const fs::path& path) const {
  const std::string text = path.lexically_normal().string();
  return text.size() <= prefix_.size() ? std::string() : text.substr(prefix_.size());
}

SimulatedDisk::NodePtr SimulatedDisk::find(const fs::path& path) const {
  NodePtr node = top_;
  for (const fs::path& part : fs::path(relative(path))) {
    if (part.empty()) continue;
    const auto found = node->names.find(part.string());
    if (found == node->names.end() || found->second.back() == nullptr) return nullptr;
    node = found->second.back();
  }
  return node;
}

void SimulatedDisk::set_name(const fs::path& path, NodePtr node) {
  const NodePtr folder = find(path.parent_path());
  if (folder == nullptr) return;  // told by difference_from_reality
  auto& states = folder->names[path.filename().string()];
  if (states.empty()) states.push_back(nullptr);
  states.push_back(std::move(node));
}

void SimulatedDisk::adopt(const fs::path& folder, Node& node) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    auto child = std::make_shared<Node>();
    child->is_folder = entry.is_directory();
    if (child->is_folder) {
      adopt(entry.path(), *child);
    } else {
      child->current = child->durable = std::make_shared<const std::string>(slurp(entry.path()));
    }
    node.names[entry.path().filename().string()] = {std::move(child)};
  }
}

void SimulatedDisk::step(std::string what) {
  ++steps_;
  if (observer_) observer_(what);
}

void SimulatedDisk::opened(const char* path, int descriptor, bool may_be_new) {
  NodePtr node = find(path);
  const bool is_new = node == nullptr && may_be_new;
  if (is_new) {
    node = std::make_shared<Node>();
    node->current = std::make_shared<const std::string>();
    set_name(path, node);
  }
  if (node == nullptr) return;
  descriptors_[descriptor] = {.node = node, .name = relative(path)};
  on_disk[static_cast<std::size_t>(descriptor)] = true;
  if (is_new) step("create " + relative(path));
}

void SimulatedDisk::opened_nameless(int descriptor) {
  auto node = std::make_shared<Node>();
  node->current = std::make_shared<const std::string>();
  descriptors_[descriptor] = {.node = std::move(node), .name = "a file without a name"};
  on_disk[static_cast<std::size_t>(descriptor)] = true;
}

void SimulatedDisk::closed(int descriptor) {
  descriptors_.erase(descriptor);
  on_disk[static_cast<std::size_t>(descriptor)] = false;
}

void SimulatedDisk::written(int descriptor, const void* bytes, std::size_t size) {
  Descriptor& file = descriptors_.at(descriptor);
  std::string content = *file.node->current;
  content.resize(std::max(content.size(), file.at + size));
  content.replace(file.at, size, static_cast<const char*>(bytes), size);
  file.at += size;
  file.node->current = std::make_shared<const std::string>(std::move(content));
  step("write " + file.name);
}

bool SimulatedDisk::synced(int descriptor) {
  const auto found = descriptors_.find(descriptor);
  if (found == descriptors_.end()) return false;
  const NodePtr node = found->second.node;
  const std::string& name = found->second.name;
  node->durable = node->current;
  for (auto at = node->names.begin(); at != node->names.end();) {
    at->second = {at->second.back()};
    at = at->second.back() == nullptr ? node->names.erase(at) : std::next(at);
  }
  step("sync " + (name.empty() ? std::string("the root") : name));
  return true;
}

void SimulatedDisk::linked(const char* from, const char* to) {
  set_name(to, find(from));
  step("link " + relative(to));
}

void SimulatedDisk::linked_descriptor(int descriptor, const char* to) {
  set_name(to, descriptors_.at(descriptor).node);
  step("link " + relative(to));
}

void SimulatedDisk::unlinked(const char* path) {
  set_name(path, nullptr);
  step("unlink " + relative(path));
}

void SimulatedDisk::renamed(const char* from, const char* to) {
  set_name(to, find(from));
  set_name(from, nullptr);
  step("rename to " + relative(to));
}

void SimulatedDisk::made_folder(const char* path) {
  auto node = std::make_shared<Node>();
  node->is_folder = true;
  set_name(path, std::move(node));
  step("mkdir " + relative(path));
}

namespace {

// Makes the call and notes it, nobody else changing the disk between the two.
template <class Call, class Note>
int noted(bool ours, Call&& call, Note&& note, bool is_change = true) {
  SimulatedDisk* disk = SimulatedDisk::active();
  if (disk == nullptr || !ours) return call();
  const std::lock_guard lock(disk->mutex());
  if (disk->is_dead() && is_change) {
    errno = EIO;
    return -1;
  }
  const int outcome = call();
  if (outcome >= 0) {
    const int kept = errno;
    note(*disk);
    errno = kept;
  }
  return outcome;
}

bool ours(const char* path) {
  const SimulatedDisk* disk = SimulatedDisk::active();
  return disk != nullptr && disk->holds(path);
}

int open_noted(const char* path, int flags, mode_t mode) {
  const auto call = [&] { return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)); };
  int descriptor = -1;
  return noted(
      ours(path), [&] { return descriptor = call(); },
      [&](SimulatedDisk& disk) {
        if ((flags & O_TMPFILE) == O_TMPFILE) {
          disk.opened_nameless(descriptor);
        } else {
          disk.opened(path, descriptor, (flags & O_CREAT) != 0);
        }
      },
      (flags & O_ACCMODE) != O_RDONLY);
}

int sync_noted(int descriptor, long number) {
  SimulatedDisk* disk = SimulatedDisk::active();
  if (disk != nullptr && is_on_disk(descriptor)) {
    const std::lock_guard lock(disk->mutex());
    if (disk->is_dead()) {
      errno = EIO;
      return -1;
    }
    if (disk->synced(descriptor)) return 0;
  }
  return static_cast<int>(::syscall(number, descriptor));
}

}  // namespace
}  // namespace omnigraph::fault

// ---- the calls, in place of the C library's

namespace fault = omnigraph::fault;

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return fault::open_noted(path, flags, mode);
}

int close(int descriptor) {
  return fault::noted(
      fault::is_on_disk(descriptor), [&] { return static_cast<int>(::syscall(SYS_close, descriptor)); },
      [&](fault::SimulatedDisk& disk) { disk.closed(descriptor); }, /*is_change=*/false);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  ssize_t done = -1;
  fault::noted(
      fault::is_on_disk(descriptor),
      [&] {
        done = ::syscall(SYS_write, descriptor, bytes, size);
        return done < 0 ? -1 : 0;
      },
      [&](fault::SimulatedDisk& disk) { disk.written(descriptor, bytes, static_cast<std::size_t>(done)); });
  return done;
}

int fsync(int descriptor) { return fault::sync_noted(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return fault::sync_noted(descriptor, SYS_fdatasync); }

int link(const char* from, const char* to) noexcept {
  return fault::noted(
      fault::ours(to), [&] { return static_cast<int>(::syscall(SYS_link, from, to)); },
      [&](fault::SimulatedDisk& disk) { disk.linked(from, to); });
}

// Of the forms of this call only the one that names an open file: "/proc/self/fd/<n>".
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  constexpr const char* kOpenFiles = "/proc/self/fd/";
  return fault::noted(
      fault::ours(to), [&] { return static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags)); },
      [&](fault::SimulatedDisk& disk) {
        if (std::strncmp(from, kOpenFiles, std::strlen(kOpenFiles)) == 0) {
          disk.linked_descriptor(std::atoi(from + std::strlen(kOpenFiles)), to);
        } else {
          disk.linked(from, to);
        }
      });
}

int unlink(const char* path) noexcept {
  return fault::noted(
      fault::ours(path), [&] { return static_cast<int>(::syscall(SYS_unlink, path)); },
      [&](fault::SimulatedDisk& disk) { disk.unlinked(path); });
}

int rmdir(const char* path) noexcept {
  return fault::noted(
      fault::ours(path), [&] { return static_cast<int>(::syscall(SYS_rmdir, path)); },
      [&](fault::SimulatedDisk& disk) { disk.unlinked(path); });
}

int rename(const char* from, const char* to) noexcept {
  return fault::noted(
      fault::ours(to), [&] { return static_cast<int>(::syscall(SYS_rename, from, to)); },
      [&](fault::SimulatedDisk& disk) { disk.renamed(from, to); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  return fault::noted(
      fault::ours(path), [&] { return static_cast<int>(::syscall(SYS_mkdir, path, mode)); },
      [&](fault::SimulatedDisk& disk) { disk.made_folder(path); });
}

}  // extern "C"
