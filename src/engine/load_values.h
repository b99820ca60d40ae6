// JSON values to column slots (chapter 01 section 3, chapter 03 section 2.3).
// Errors: kBadRequest with the texts of chapter 01 section 3; the column is then of no use.
// Not thread safe: one ValueReader a thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/builder.h"
#include "engine/load_block.h"
#include "schema/catalog.h"

namespace simdjson::dom {
class element;
}

namespace omnigraph::engine {

// The child of a Blob column that names one outside of the graph (chapter 09 section 6).
inline constexpr std::size_t kBlobUriChild = 4;
// A Blob of the graph's own; a payload above kInlineBlobBytesMax is added to `large`.
void append_managed_blob(std::string payload, columnar::ArrayBuilder& column, std::vector<PendingBlob>& large);

class ValueReader {
 public:
  // Payloads above kInlineBlobBytesMax are added to `blobs`.
  ValueReader(bool strict, std::vector<PendingBlob>& blobs, const ExternalBlobs& external)
      : strict_(strict), blobs_(blobs), external_(external) {}

  // Whether the record went through mark_wide_numbers().
  void set_marked(bool marked) { marked_ = marked; }

  [[nodiscard]] Result<void> append(const schema::Property& property, const simdjson::dom::element& value,
                                    columnar::ArrayBuilder& column);
  // The value as compact JSON, shortened if it is long: V of `got V`.
  [[nodiscard]] std::string text_of(const simdjson::dom::element& value) const;

 private:
  [[nodiscard]] Result<void> append_scalar(const schema::Property& property, const simdjson::dom::element& value,
                                           columnar::ArrayBuilder& column);
  [[nodiscard]] Result<void> append_list(const schema::Property& property, const simdjson::dom::element& value,
                                         columnar::ArrayBuilder& column);
  [[nodiscard]] Result<void> append_vector(const schema::Property& property, const simdjson::dom::element& value,
                                           columnar::ArrayBuilder& column);
  [[nodiscard]] Result<void> append_blob(const schema::Property& property, const simdjson::dom::element& value,
                                         columnar::ArrayBuilder& column);
  template <class Integer>
  [[nodiscard]] Result<void> append_integer(const schema::Property& property, const simdjson::dom::element& value,
                                            std::string_view type_name, columnar::ArrayBuilder& column);
  [[nodiscard]] Result<float> as_float(const schema::Property& property, const simdjson::dom::element& value) const;
  // Number beyond 64 bits or F64; empty: it is none.
  [[nodiscard]] std::string_view wide_number(const simdjson::dom::element& value) const;
  [[nodiscard]] Error wrong_type(const schema::Property& property, const simdjson::dom::element& value) const;
  [[nodiscard]] Error out_of_range(const schema::Property& property, std::string_view value,
                                   std::string_view type_name) const;

  const bool strict_;
  std::vector<PendingBlob>& blobs_;
  const ExternalBlobs& external_;
  bool marked_ = false;
  std::vector<float> vector_;
};

}  // namespace omnigraph::engine
