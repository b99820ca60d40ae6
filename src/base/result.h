// Result<T>: a value or an Error. GCC 12's std::expected has no monadic members; use the macros.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <expected>
#include <utility>

#include "base/error.h"

namespace omnigraph {

template <class T>
using Result = std::expected<T, Error>;

}  // namespace omnigraph

#define OG_CONCAT_INNER(a, b) a##b
#define OG_CONCAT(a, b) OG_CONCAT_INNER(a, b)

// Returns the error of `expression` (a Result<..>) to the caller; drops its value.
#define OG_RETURN_IF_ERROR(expression)                      \
  do {                                                      \
    if (auto og_status = (expression); !og_status) {        \
      return std::unexpected(std::move(og_status).error()); \
    }                                                       \
  } while (false)

// OG_ASSIGN_OR_RETURN(const auto x, f()) declares x or returns the error. Not usable twice on one line.
#define OG_ASSIGN_OR_RETURN(declaration, expression) \
  OG_ASSIGN_OR_RETURN_INNER(OG_CONCAT(og_result_, __LINE__), declaration, expression)
#define OG_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                      \
  if (!result) return std::unexpected(std::move(result).error());  \
  declaration = std::move(*result)

// A programmer's mistake: prints the place and aborts, in release builds too.
#define OG_CHECK(condition)                                                              \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
