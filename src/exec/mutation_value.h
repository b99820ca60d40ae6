// Values on their way into a row: conversion to the property's type with the checks of chapter 02 section 9.
// Thread safety: free functions.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "columnar/builder.h"
#include "columnar/scalar.h"
#include "exec/mutate.h"
#include "schema/catalog.h"

namespace omnigraph::exec {

// Payloads up to this many bytes stay inside the row (chapter 09 section 6).
inline constexpr std::size_t kInlineBlobBytesMax = 64 * 1024;

// A managed Blob as its struct column keeps it.
struct BlobValue {
  std::string sha256;
  std::uint64_t size = 0;
  std::optional<std::string> data;  // payload up to kInlineBlobBytesMax
  std::string object;               // else the key of the payload
};

// The value in the property's own type; null stays null. `type_name`.`property` is named in errors (kBadRequest).
// Not for Blobs.
[[nodiscard]] Result<columnar::Scalar> converted_value(const columnar::Scalar& value, const schema::Property& property,
                                                       std::string_view type_name);

// `base64:..` text, or a URI that context.read_external reads, to a managed Blob. Errors: those of read_external, bad
// base64, a payload that nobody stores.
[[nodiscard]] Result<std::shared_ptr<const BlobValue>> blob_value(const std::string& text,
                                                                  const schema::Property& property,
                                                                  const MutateContext& context);

// Appends to a builder of the Blob's column type; null for none.
void append_blob(columnar::ArrayBuilder& builder, const BlobValue* blob);

}  // namespace omnigraph::exec
