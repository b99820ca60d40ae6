// Durable local file operations. Errors: kIoError with the path and the reason (`No such file or directory`).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::base {

// "cannot <verb> '<path>': <reason of errno_value>". kIoError; kNotFound for ENOENT.
[[nodiscard]] Error io_error(std::string_view verb, const std::filesystem::path& path, int errno_value);
// Creates `path` (must not exist), writes, fsyncs, closes. On failure removes what it made.
[[nodiscard]] Result<void> write_new_file_durably(const std::filesystem::path& path, std::span<const std::byte> bytes);
// Writes a temporary sibling, fsyncs it, renames it over `path`, fsyncs the folder. `mode` e.g. 0644.
[[nodiscard]] Result<void> replace_file_durably(const std::filesystem::path& path, std::span<const std::byte> bytes,
                                                unsigned mode = 0644);
[[nodiscard]] Result<void> sync_folder(const std::filesystem::path& folder);
[[nodiscard]] Result<void> sync_file(const std::filesystem::path& path);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
// Maps the file read-only; an empty file gives an empty buffer. The mapping lives as long as the buffer.
[[nodiscard]] Result<Buffer> map_file(const std::filesystem::path& path);

}  // namespace omnigraph::base
