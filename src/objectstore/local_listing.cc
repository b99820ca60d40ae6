#include "objectstore/local_listing.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "objectstore/keys.h"

namespace omnigraph::objectstore {
namespace {

namespace fs = std::filesystem;

// In the names of unfinished files and of those that lie ready (base::temporary_sibling): `.<name>.tmp-<ulid>`.
constexpr std::string_view kTemporaryMark = ".tmp-";

struct Entry {
  std::string name;  // of a folder with its '/', so that the order of names is the order of keys
  [[nodiscard]] bool is_folder() const { return name.ends_with('/'); }
};

std::int64_t modified_us(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000 + status.st_mtim.tv_nsec / 1000;
}

bool has_vanished(int failed) { return failed == ENOENT || failed == ENOTDIR; }

class Folder {
 public:
  static Result<Folder> open(const fs::path& path) {
    Folder folder(path, ::opendir(path.c_str()));
    if (folder.stream_ == nullptr && !has_vanished(errno)) {
      return std::unexpected(base::io_error("list", path, errno));
    }
    return folder;
  }

  // Calls visit(name, is_folder) for every entry but `.` and `..`, in no order. A vanished folder has none.
  template <class Visit>
  Result<void> for_each(Visit&& visit) {
    while (stream_ != nullptr) {
      errno = 0;
      // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
      const dirent* entry = ::readdir(stream_.get());
      if (entry == nullptr) {
        if (errno != 0) return std::unexpected(base::io_error("list", path_, errno));
        break;
      }
      const std::string_view name(entry->d_name);
      if (name == "." || name == "..") continue;
      visit(name, is_folder(*entry));
    }
    return {};
  }
  // Status of an entry; false when it vanished.
  Result<bool> status_of(const std::string& name, struct stat& status) const {
    if (::fstatat(::dirfd(stream_.get()), name.c_str(), &status, 0) == 0) return true;
    if (has_vanished(errno)) return false;
    return std::unexpected(base::io_error("list", path_ / name, errno));
  }

 private:
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  Folder(fs::path path, DIR* stream) : path_(std::move(path)), stream_(stream) {}

  [[nodiscard]] bool is_folder(const dirent& entry) const {
    if (entry.d_type != DT_UNKNOWN && entry.d_type != DT_LNK) return entry.d_type == DT_DIR;
    struct stat status{};
    return ::fstatat(::dirfd(stream_.get()), entry.d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
  }

  fs::path path_;
  std::unique_ptr<DIR, Close> stream_;
};

// True if some key lies below: an emptied folder is no prefix.
Result<bool> holds_a_key(const fs::path& path) {
  OG_ASSIGN_OR_RETURN(Folder folder, Folder::open(path));
  bool found = false;
  std::vector<std::string> folders;
  OG_RETURN_IF_ERROR(folder.for_each([&](std::string_view name, bool is_folder) {
    if (name.starts_with('.')) return;
    if (is_folder) {
      folders.emplace_back(name);
    } else {
      found = true;
    }
  }));
  for (const std::string& name : folders) {
    if (found) break;
    OG_ASSIGN_OR_RETURN(found, holds_a_key(path / name));
  }
  return found;
}

class Walk {
 public:
  Walk(const ListOptions& options, Listing& listing) : options_(options), listing_(listing) {}

  // Lists `path`, whose keys start with `key_prefix` (empty or ending in '/'); of its names only those that start
  // with `name_prefix`.
  Result<void> run(const fs::path& path, const std::string& key_prefix, std::string_view name_prefix) {
    OG_ASSIGN_OR_RETURN(Folder folder, Folder::open(path));
    std::vector<Entry> entries;
    OG_RETURN_IF_ERROR(folder.for_each([&](std::string_view name, bool is_folder) {
      if (name.starts_with('.') || !name.starts_with(name_prefix)) return;
      Entry entry{std::string(name)};
      if (is_folder) entry.name += '/';
      if (can_answer(key_prefix + entry.name, is_folder)) entries.push_back(std::move(entry));
    }));
    // In order, but most callers want the first few of many: those are taken off a heap.
    const auto later = [](const Entry& a, const Entry& b) { return a.name > b.name; };
    std::ranges::make_heap(entries, later);
    while (!entries.empty() && !listing_.truncated) {
      std::ranges::pop_heap(entries, later);
      const Entry entry = std::move(entries.back());
      entries.pop_back();
      OG_RETURN_IF_ERROR(entry.is_folder() ? visit_folder(path / entry.name, key_prefix + entry.name)
                                           : visit_file(folder, entry.name, key_prefix + entry.name));
    }
    return {};
  }

 private:
  // False if `start_after` excludes the key, or all keys of the folder.
  [[nodiscard]] bool can_answer(std::string_view key, bool is_folder) const {
    if (key > options_.start_after) return true;
    return is_folder && !options_.delimited && options_.start_after.starts_with(key);
  }

  // False, and the listing marked, when there is no room for one more.
  bool take_room() {
    listing_.truncated = listing_.objects.size() + listing_.prefixes.size() >= options_.limit;
    return !listing_.truncated;
  }

  Result<void> visit_folder(const fs::path& path, const std::string& key_prefix) {
    if (!options_.delimited) return run(path, key_prefix, {});
    OG_ASSIGN_OR_RETURN(const bool occupied, holds_a_key(path));
    if (occupied && take_room()) listing_.prefixes.push_back(key_prefix);
    return {};
  }

  Result<void> visit_file(const Folder& folder, const std::string& name, std::string key) {
    struct stat status{};
    OG_ASSIGN_OR_RETURN(const bool there, folder.status_of(name, status));
    if (!there || !take_room()) return {};
    listing_.objects.push_back(ObjectInfo{.key = std::move(key),
                                          .size = static_cast<std::uint64_t>(status.st_size),
                                          .modified_us = modified_us(status),
                                          .etag = {}});
    return {};
  }

  const ListOptions& options_;
  Listing& listing_;
};

}  // namespace

Result<Listing> list_local(const fs::path& root, std::string_view prefix, const ListOptions& options) {
  Listing listing;
  const std::size_t folder_end = prefix.rfind('/') + 1;  // npos + 1 is 0
  const std::string_view folder = prefix.substr(0, folder_end);
  // No key starts like this; above all it must not lead out of the root.
  if (!folder.empty() && !is_valid_key(folder.substr(0, folder.size() - 1))) return listing;
  if (prefix.find('\0') != std::string_view::npos) return listing;
  OG_RETURN_IF_ERROR(Walk(options, listing).run(root / folder, std::string(folder), prefix.substr(folder_end)));
  return listing;
}

Result<std::vector<fs::path>> find_local_temporaries(const fs::path& path, std::int64_t before_us) {
  OG_ASSIGN_OR_RETURN(Folder folder, Folder::open(path));
  std::vector<std::string> names;
  std::vector<std::string> folders;
  OG_RETURN_IF_ERROR(folder.for_each([&](std::string_view name, bool is_folder) {
    if (is_folder && !name.starts_with('.')) folders.emplace_back(name);
    if (!is_folder && name.starts_with('.') && name.find(kTemporaryMark) != std::string_view::npos) {
      names.emplace_back(name);
    }
  }));
  std::ranges::sort(names);
  std::ranges::sort(folders);
  std::vector<fs::path> found;
  for (const std::string& name : names) {
    struct stat status{};
    OG_ASSIGN_OR_RETURN(const bool there, folder.status_of(name, status));
    if (there && modified_us(status) < before_us) found.push_back(path / name);
  }
  for (const std::string& name : folders) {
    OG_ASSIGN_OR_RETURN(std::vector<fs::path> below, find_local_temporaries(path / name, before_us));
    std::ranges::move(below, std::back_inserter(found));
  }
  return found;
}

Result<std::uint64_t> remove_local_temporaries(const fs::path& path, std::int64_t before_us) {
  OG_ASSIGN_OR_RETURN(const std::vector<fs::path> found, find_local_temporaries(path, before_us));
  std::uint64_t removed = 0;
  for (const fs::path& file : found) {
    if (::unlink(file.c_str()) == 0) {
      ++removed;
    } else if (errno != ENOENT) {
      return std::unexpected(base::io_error("remove", file, errno));
    }
  }
  return removed;
}

}  // namespace omnigraph::objectstore
