// Files that lie ready for the next publishes on a local disk. A new file costs a durable publish two commits of the
// file system's journal: one for the file, one for its name. A file that was made, filled and synced ahead is
// overwritten in place instead, which reaches the disk as data alone (fdatasync), so that the name is all that is left
// for the journal.
//
// They are temporary files like those of other puts (`.ready.tmp-<ulid>`): never listed, removed when the store is
// closed, and by cleanup if the process died. An overwritten one has a new time of modification, so that a publish that
// stalls still loses it to cleanup (chapter 09 section 3, rule c).
//
// Their sizes are few, and the file is published as it is: a body is to have exactly such a size. Correctness does not
// rest on any of this: what is not ready, or not durable yet, costs a publish time only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

inline constexpr std::uint64_t kReadyStepBytes = std::uint64_t{16} << 10;
// Above this the bytes themselves cost more than the journal.
inline constexpr std::uint64_t kReadyBytesMax = std::uint64_t{64} << 10;

// The size that a body of at least `size` bytes should have to meet a ready file; `size` if there are none as large.
[[nodiscard]] constexpr std::uint64_t ready_size(std::uint64_t size) {
  const std::uint64_t rounded = (size + kReadyStepBytes - 1) / kReadyStepBytes * kReadyStepBytes;
  return rounded <= kReadyBytesMax ? rounded : size;
}

// A store that can have files ready.
class PublishesAhead {
 public:
  virtual ~PublishesAhead() = default;
  virtual void make_ready() = 0;
};

// Makes as many files ready as the publishes since the last call let expect; nothing for stores that have none. What
// lies ready where nobody publishes stays for a while. Takes as long as a sync or two: for a thread that nobody waits
// for. What fails is left out.
void make_ready(ObjectStore& store);

// Thread safety: all methods may be called concurrently.
class ReadyFiles {
 public:
  using Now = std::chrono::steady_clock::time_point (*)();
  explicit ReadyFiles(Now now = std::chrono::steady_clock::now) : now_(now) {}
  ReadyFiles(const ReadyFiles&) = delete;
  ReadyFiles& operator=(const ReadyFiles&) = delete;
  ~ReadyFiles();  // removes what is left

  // A file in `folder` that holds exactly `body`, synced, to be linked or removed by the caller; nullopt: none is
  // ready. Errors: kIoError, and nothing is left.
  [[nodiscard]] Result<std::optional<std::filesystem::path>> write(const std::filesystem::path& folder,
                                                                   std::span<const std::byte> body);
  void top_up();

 private:
  struct File {
    std::filesystem::path path;
    std::uint64_t size = 0;
    std::chrono::steady_clock::time_point made;
  };
  struct Folder {
    std::vector<File> files;
    std::uint64_t size = 0;  // wanted last
    std::size_t wanted = 0;  // publishes since the last top_up()
    std::chrono::steady_clock::time_point used;
  };

  [[nodiscard]] std::optional<std::filesystem::path> take(const std::filesystem::path& folder, std::uint64_t size);

  const Now now_;
  std::mutex mutex_;  // guards all below
  std::map<std::filesystem::path, Folder> folders_;
};

}  // namespace omnigraph::objectstore
