// Numbers as the format stores them; the machine is little-endian too (base/ checks it).
#pragma once

#include <cstring>
#include <string>

namespace omnigraph::lance {

template <class T>
void append_number(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

}  // namespace omnigraph::lance
