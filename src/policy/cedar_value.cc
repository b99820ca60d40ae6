#include "policy/cedar_value.h"

#include <algorithm>
#include <array>

namespace omnigraph::policy::cedar {

namespace {

std::strong_ordering compare(const Attributes& a, const Attributes& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                [](const auto& x, const auto& y) -> std::strong_ordering {
                                                  if (const auto names = x.first <=> y.first; names != 0) return names;
                                                  return x.second <=> y.second;
                                                });
}

std::strong_ordering compare(const std::vector<Value>& a, const std::vector<Value>& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

template <class T>
std::strong_ordering compare(const T& a, const T& b) {
  return a <=> b;
}
template <class T>
std::strong_ordering compare(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b ? std::strong_ordering::equal : compare(*a, *b);
}

}  // namespace

std::string string_literal(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out("\"");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append("\\x");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

std::string text_of(const EntityUid& uid) { return std::string(uid.type).append("::").append(string_literal(uid.id)); }

Value Value::text(std::string value) { return Data(std::make_shared<const std::string>(std::move(value))); }

Value Value::entity(EntityUid uid) { return Data(std::make_shared<const EntityUid>(std::move(uid))); }

Value Value::set(std::vector<Value> members) {
  std::ranges::sort(members);
  members.erase(std::ranges::unique(members).begin(), members.end());
  return Data(std::make_shared<const std::vector<Value>>(std::move(members)));
}

Value Value::record(Attributes attributes) {
  std::ranges::sort(attributes, {}, &std::pair<std::string, Value>::first);
  return Data(std::make_shared<const Attributes>(std::move(attributes)));
}

std::string_view Value::kind_name() const {
  constexpr std::array<std::string_view, std::variant_size_v<Data>> kNames = {
      "Bool", "Long", "String", "entity", "Set", "Record", "ipaddr", "decimal", "datetime", "duration"};
  return kNames[data_.index()];
}

std::strong_ordering Value::operator<=>(const Value& other) const {
  if (const auto kinds = data_.index() <=> other.data_.index(); kinds != 0) return kinds;
  return std::visit(
      [&other](const auto& mine) { return compare(mine, std::get<std::decay_t<decltype(mine)>>(other.data_)); }, data_);
}

const Value* find_attribute(const Attributes& attributes, std::string_view name) {
  const auto at = std::ranges::lower_bound(attributes, name, std::less<>(),
                                           [](const auto& entry) -> std::string_view { return entry.first; });
  return at == attributes.end() || at->first != name ? nullptr : &at->second;
}

}  // namespace omnigraph::policy::cedar
