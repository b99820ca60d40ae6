// A response whose JSON body is written piece by piece.
#pragma once

#include <string>
#include <utility>

#include "base/json_writer.h"
#include "server/http.h"

namespace omnigraph::server {

// `write` is called once with a JsonWriter of the body.
template <class Write>
HttpResponse written_response(const Write& write) {
  std::string body;
  base::JsonWriter json(body);
  write(json);
  return json_response(std::move(body));
}

}  // namespace omnigraph::server
