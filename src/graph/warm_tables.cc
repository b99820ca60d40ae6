#include "graph/warm_tables.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "graph/layout.h"
#include "graph/parallel_io.h"
#include "graph/remote_file.h"

namespace omnigraph::graph {
namespace {

// What is brought without being asked for stays small beside what one request may bring anyway.
constexpr std::uint64_t kWarmBytesMax = std::uint64_t{32} << 20;
constexpr std::size_t kWarmRequestsMax = 64;

// Requests to be made together, each object once.
class Errand {
 public:
  explicit Errand(TableCache& cache) : cache_(cache) {}

  void add_manifest(const RecordPtr& record, const std::string& key) {
    if (cache_.knows_manifest(key) || !is_wanted(*record, key)) return;
    jobs_.push_back([this, &record, key] { (void)cache_.manifest(*record, key); });
  }

  void add_deletions(const RecordPtr& record, const std::string& root, const lance::Fragment& fragment) {
    if (!fragment.deletion_file) return;
    const std::string key = deletion_copy_key(root, fragment, *fragment.deletion_file);
    if (cache_.knows_deletions(key) || !is_wanted(*record, key)) return;
    jobs_.push_back([this, &record, root, &fragment] { (void)cache_.deletions(*record, root, fragment); });
  }

  void add_data(const RecordPtr& record, const std::string& key, std::uint64_t size_bytes) {
    const std::shared_ptr<DataFile> file = cache_.data_file(record, key, size_bytes);
    if (file->is_open() || !is_wanted(*record, key)) return;
    const std::uint64_t bytes = size_bytes > kWholeFileBytes ? 0 : size_bytes;
    if (bytes > bytes_left_) return;
    bytes_left_ -= bytes;
    jobs_.push_back([file] { (void)file->reader(); });
  }

  void run() {
    (void)parallel_io(std::min(jobs_.size(), kWarmRequestsMax), [&](std::size_t i) -> Result<void> {
      jobs_[i]();
      return {};
    });
  }

 private:
  // False: it is in memory, or comes with another record, which is asked for instead.
  bool is_wanted(const LoadedRecord& record, const std::string& key) {
    const ObjectReader::Where where = cache_.objects()->where(record, key);
    if (where.place == ObjectReader::Place::kRecord && seen_.emplace(where.at->branch, where.at->seq).second &&
        !cache_.objects()->has_record(*where.at)) {
      jobs_.push_back([this, at = *where.at] { cache_.objects()->bring_record(at); });
    }
    return where.place == ObjectReader::Place::kStore && keys_.insert(key).second;
  }

  TableCache& cache_;
  std::vector<std::function<void()>> jobs_;
  std::set<std::pair<std::string, std::uint64_t>> seen_;
  std::set<std::string> keys_;
  std::uint64_t bytes_left_ = kWarmBytesMax;
};

}  // namespace

void warm_tables(TableCache& cache, std::span<const TableWanted> wanted) {
  if (!cache.remote()) return;
  Errand manifests(cache);
  for (const TableWanted& table : wanted) manifests.add_manifest(table.record, table.entry.manifest);
  manifests.run();
  Errand content(cache);
  std::vector<ManifestPtr> kept;
  for (const TableWanted& table : wanted) {
    Result<ManifestPtr> manifest = cache.manifest(*table.record, table.entry.manifest);
    if (!manifest) continue;
    kept.push_back(*std::move(manifest));
    const std::string root = table_root_of(table.entry.manifest);
    const std::vector<lance::Fragment>& fragments = kept.back()->fragments;
    for (const lance::Fragment& fragment : fragments) content.add_deletions(table.record, root, fragment);
    // Newest first: recent rows are asked for most.
    for (std::size_t i = fragments.size(); i-- > 0;) {
      for (const lance::DataFileEntry& file : fragments[i].files) {
        if (!file.base_id) content.add_data(table.record, data_file_key(root, file.path), file.file_size_bytes);
      }
    }
  }
  content.run();
}

void warm_tables(const Snapshot& snapshot, std::span<const schema::TypeRef> types) {
  if (const auto* far = dynamic_cast<const FarSnapshot*>(&snapshot)) far->warm(types);
}

void warm_deletions(TableCache& cache, const RecordPtr& record, const std::string& table_root,
                    const lance::Manifest& manifest) {
  if (!cache.remote()) return;
  Errand deletions(cache);
  for (const lance::Fragment& fragment : manifest.fragments) deletions.add_deletions(record, table_root, fragment);
  deletions.run();
}

}  // namespace omnigraph::graph
