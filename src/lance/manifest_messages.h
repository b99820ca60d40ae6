// The messages that a manifest is made of, to and from the wire (chapter 10 sections 4.1 to 4.7).
// Inside the room; others use manifest.h.
#pragma once

#include <string_view>

#include "base/result.h"
#include "lance/manifest.h"
#include "lance/wire.h"

namespace omnigraph::lance {

[[nodiscard]] Error unsupported_dataset(std::string_view key, std::string_view what);

[[nodiscard]] WireWriter field_message(const SchemaField& field);
[[nodiscard]] WireWriter fragment_message(const Fragment& fragment);
// REQUIRES: an operation.
[[nodiscard]] WireWriter transaction_message(const Transaction& transaction,
                                             const std::map<std::string, std::string>& schema_metadata);

[[nodiscard]] Result<SchemaField> parse_field(std::string_view message, std::string_view key);
// `recorded`: inside a transaction, where foreign writers leave things out that a manifest must have.
[[nodiscard]] Result<Fragment> parse_fragment(std::string_view message, std::string_view key, bool recorded = false);
[[nodiscard]] Result<Transaction> parse_transaction(std::string_view message, std::string_view key);

}  // namespace omnigraph::lance
