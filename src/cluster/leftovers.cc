#include "cluster/leftovers.h"

#include "base/clock.h"
#include "objectstore/local_listing.h"

namespace omnigraph::cluster {

namespace {

constexpr std::string_view kClusterFolder = "__cluster";
constexpr const char* kLeftoverCode = "temporary_leftover";

std::int64_t written_before_us() { return system_clock().now_us() - kLeftoverAgeUs; }

}  // namespace

void name_leftovers(const StorageRoot& root, Diagnostics& diagnostics) {
  const auto local = root.store().local_root();
  if (!local) return;
  const auto found = objectstore::find_local_temporaries(*local / kClusterFolder, written_before_us());
  if (!found) {
    add_warning(diagnostics, kLeftoverCode, root.location(kClusterFolder), found.error().message);
    return;
  }
  for (const auto& file : *found) {
    add_warning(diagnostics, kLeftoverCode, file.string(),
                "left by an interrupted command; the next `omnigraph cluster apply` or `refresh` removes it");
  }
}

void remove_leftovers(const StorageRoot& root, Diagnostics& diagnostics) {
  const auto removed = root.store().remove_temporaries(kClusterFolder, written_before_us());
  if (!removed) add_warning(diagnostics, kLeftoverCode, root.location(kClusterFolder), removed.error().message);
}

}  // namespace omnigraph::cluster
