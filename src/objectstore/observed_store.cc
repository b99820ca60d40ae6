#include "objectstore/observed_store.h"

#include "objectstore/observed.h"

namespace omnigraph::objectstore {

std::string_view store_operation_name(StoreOperation operation) {
  switch (operation) {
    case StoreOperation::kGet: return "get";
    case StoreOperation::kHead: return "head";
    case StoreOperation::kPut: return "put";
    case StoreOperation::kPutIfAbsent: return "put_if_absent";
    case StoreOperation::kPutIfMatch: return "put_if_match";
    case StoreOperation::kList: return "list";
    case StoreOperation::kRemove: return "remove";
    case StoreOperation::kUpload: return "upload";
    case StoreOperation::kPublish: return "publish";
  }
  return "";
}

std::string_view store_outcome_name(StoreOutcome outcome) {
  switch (outcome) {
    case StoreOutcome::kOk: return "ok";
    case StoreOutcome::kAbsent: return "absent";
    case StoreOutcome::kExists: return "exists";
    case StoreOutcome::kFailed: return "failed";
  }
  return "";
}

std::shared_ptr<ObjectStore> make_observed_store(std::shared_ptr<ObjectStore> inner,
                                                 std::shared_ptr<StoreObserver> observer) {
  return std::make_shared<Observed<ObjectStore>>(std::move(inner), std::move(observer));
}

}  // namespace omnigraph::objectstore
