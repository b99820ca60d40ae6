// Cells of a parsed load that name a Blob outside of the graph (chapter 03 sections 2.4 and 4.1). Thread safety: free
// function.
#pragma once

#include "base/result.h"
#include "engine/load_parser.h"

namespace omnigraph::engine {

enum class ExternalCells {
  kKept,    // as references: loads that overwrite
  kCopied,  // the bytes they name become the graph's
};

// The parser has admitted them all (LoadParseOptions::external_blobs); what is not copied stays as it is. Errors: those
// of ExternalBlobReader, and of options.put_blob.
[[nodiscard]] Result<void> take_in_external(ParsedLoad& parsed, const schema::Catalog& catalog,
                                            const LoadParseOptions& options, ExternalCells cells);

}  // namespace omnigraph::engine
