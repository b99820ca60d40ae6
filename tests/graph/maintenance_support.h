// Shared by the tests of optimize and repair: a store that lets others work while maintenance uploads, rows with their
// row ids, and versions as another tool would leave them.
#pragma once

#include <functional>
#include <utility>

#include "graph/carry_over.h"
#include "graph/foreign.h"
#include "graph/layout.h"
#include "graph/optimize.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {

// Counts data files that are uploaded on their own; `meanwhile` runs once, after the first of them.
class UploadWatcher final : public ForwardingStore {
 public:
  explicit UploadWatcher(StorePtr inner) : ForwardingStore(std::move(inner)) {}

  Result<std::unique_ptr<objectstore::Upload>> open_upload(std::string_view key) override {
    OG_ASSIGN_OR_RETURN(auto inner, inner_->open_upload(key));
    return std::make_unique<Watched>(*this, std::move(inner));
  }

  std::function<void()> meanwhile;
  int uploads = 0;

 private:
  class Watched final : public objectstore::Upload {
   public:
    Watched(UploadWatcher& watcher, std::unique_ptr<objectstore::Upload> inner)
        : watcher_(watcher), inner_(std::move(inner)) {}
    Result<void> append(std::span<const std::byte> bytes) override { return inner_->append(bytes); }
    Result<void> finish() override {
      OG_RETURN_IF_ERROR(inner_->finish());
      ++watcher_.uploads;
      if (const auto run = std::exchange(watcher_.meanwhile, {})) run();
      return {};
    }

   private:
    UploadWatcher& watcher_;
    std::unique_ptr<objectstore::Upload> inner_;
  };
};

// id -> row id of the live rows.
inline std::map<std::string, std::uint64_t> row_ids_of(const Snapshot& snapshot, schema::TypeRef type) {
  std::map<std::string, std::uint64_t> out;
  const TableViewPtr table = snapshot.table(type).value();
  const auto ids = table->ids().value();
  for (Ordinal o = 0; o < table->physical_rows(); ++o) {
    if (table->is_deleted(o)) continue;
    const auto place = ids->locate(o);
    out[std::string(ids->chunk(place.chunk)->string_value(place.index))] = table->row_id(o);
  }
  return out;
}

inline const lance::Manifest& manifest_of(const Snapshot& snapshot, schema::TypeRef type) {
  return snapshot.table(type).value()->manifest();
}

inline std::string root_of(const Snapshot& snapshot, std::string_view table_key) {
  return table_root_of(snapshot.record().tables.at(std::string(table_key)).manifest);
}

// One more regular version as another tool would commit it: table metadata and all that it does not change copied.
inline std::uint64_t put_foreign_version(const StorePtr& store, const std::string& root,
                                         const std::function<void(lance::Manifest&)>& change = {}) {
  const RegularVersion newest = newest_regular(*store, root).value();
  lance::Manifest manifest = *newest.manifest;
  manifest.version = newest.version + 1;
  manifest.writer_library = "other";
  manifest.transaction.reset();
  if (change) change(manifest);
  const std::string bytes = lance::serialize_manifest(manifest);
  const auto put = store->put_if_absent(root + "/_versions/" + lance::manifest_name(manifest.version),
                                        std::as_bytes(std::span(bytes)));
  EXPECT_TRUE(put && *put == objectstore::PutOutcome::kCreated);
  return manifest.version;
}

}  // namespace omnigraph::graph::testing
