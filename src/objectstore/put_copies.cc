#include "objectstore/put_copies.h"

namespace omnigraph::objectstore {

Result<void> put_copies(ObjectStore& store, std::span<const std::string> keys, std::span<const std::byte> body) {
  auto* links = dynamic_cast<LinksObjects*>(&store);
  const std::string* made = nullptr;  // by this very call, so that it holds `body`
  for (const std::string& key : keys) {
    // A folder that wants no more links, or a name that went meanwhile: the next name gets a file of its own.
    if (made != nullptr && links != nullptr && links->link_if_absent(*made, key)) continue;
    OG_ASSIGN_OR_RETURN(const PutOutcome outcome, store.put_if_absent(key, body, Durability::kWriteBack));
    if (outcome == PutOutcome::kCreated) made = &key;
  }
  return {};
}

}  // namespace omnigraph::objectstore
