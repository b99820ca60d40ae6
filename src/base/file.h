// Durable local file operations. Errors: kIoError with the path and the reason (`No such file or directory`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::base {

// "cannot <verb> '<path>': <reason of errno_value>". kIoError; kNotFound for ENOENT.
[[nodiscard]] Error io_error(std::string_view verb, const std::filesystem::path& path, int errno_value);
// A file being written for the first time. Dropping it before close() removes it. Not thread safe.
class NewFile {
 public:
  // `path` must not exist. `mode` is subject to the umask.
  [[nodiscard]] static Result<NewFile> create(const std::filesystem::path& path, unsigned mode = 0644);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> set_mode(unsigned mode);  // exactly, whatever the umask
  [[nodiscard]] Result<void> sync();
  // The file stays from here on.
  [[nodiscard]] Result<void> close();

 private:
  NewFile(std::filesystem::path path, int descriptor);

  std::filesystem::path path_;
  int descriptor_ = -1;
};

// `.<name>.tmp-<ulid>` in the folder of `path`.
[[nodiscard]] std::filesystem::path temporary_sibling(const std::filesystem::path& path);
// As write_new_file_durably, without the fsync.
[[nodiscard]] Result<void> write_new_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
// kUnavailable: this file system, or a system without /proc, cannot; nothing happened.
enum class AtOnce { kCreated, kExists, kUnavailable };
// Creates `path` holding exactly `bytes`, atomically and without a sync, from a file that had no name before: one
// change of the folder instead of the three that a temporary name costs.
[[nodiscard]] Result<AtOnce> create_file_at_once(const std::filesystem::path& path, std::span<const std::byte> bytes);
// Creates `path` (must not exist), writes, fsyncs, closes. On failure removes what it made.
[[nodiscard]] Result<void> write_new_file_durably(const std::filesystem::path& path, std::span<const std::byte> bytes);
// Writes a temporary sibling, fsyncs it, renames it over `path`, fsyncs the folder. `mode` e.g. 0644.
[[nodiscard]] Result<void> replace_file_durably(const std::filesystem::path& path, std::span<const std::byte> bytes,
                                                unsigned mode = 0644);
[[nodiscard]] Result<void> sync_folder(const std::filesystem::path& folder);
[[nodiscard]] Result<void> sync_file(const std::filesystem::path& path);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
// Maps files of at least kMapSizeMin bytes and reads smaller ones: a mapping costs two page faults and a TLB entry.
inline constexpr std::size_t kMapSizeMin = 16 * 1024;
[[nodiscard]] Result<Buffer> read_or_map_file(const std::filesystem::path& path);
// The same for `size` bytes from `offset` on, less what lies behind the file's end.
[[nodiscard]] Result<Buffer> read_or_map_range(const std::filesystem::path& path, std::uint64_t offset,
                                               std::uint64_t size);
// Maps the file read-only; an empty file gives an empty buffer. The mapping lives as long as the buffer.
[[nodiscard]] Result<Buffer> map_file(const std::filesystem::path& path);

}  // namespace omnigraph::base
