// What a version's transaction calls itself: append, delete, overwrite, create_index, rewrite .. (chapter 10 section
// 4.7). For people; nothing is decided by it. Thread safety: free function.
#pragma once

#include <string>

#include "base/buffer.h"

namespace omnigraph::lance {

struct TransactionName {
  std::string operation;  // empty: not recorded inside the manifest
  std::string file;       // below _transactions/; empty: none
};
// Of a manifest's bytes; of damaged ones nothing is told.
[[nodiscard]] TransactionName transaction_name(const Buffer& manifest);
// Of the bytes of a transaction file.
[[nodiscard]] std::string transaction_name_of_file(const Buffer& file);

}  // namespace omnigraph::lance
