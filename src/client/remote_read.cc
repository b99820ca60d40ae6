#include "client/remote_read.h"

#include <set>
#include <unordered_map>

#include "client/raw_json.h"

namespace omnigraph::client {

Result<RemoteRead> remote_read_of(std::string compact_body) {
  RemoteRead read;
  read.body = std::move(compact_body);
  std::string_view target, columns, rows;
  for (const auto& [key, value] : json_members(read.body)) {
    if (key == "query_name") read.query_name = json_string(value).value_or("");
    if (key == "target") target = value;
    if (key == "columns") columns = value;
    if (key == "rows") rows = value;
  }
  if (!rows.starts_with('[')) {
    return std::unexpected(
        internal_error("the server's answer is no read answer: it has no `rows`; is the query a mutation?"));
  }
  read.target.branch = json_string(json_member(target, "branch"));
  read.target.snapshot = json_string(json_member(target, "snapshot"));
  for (const std::string_view row : json_items(rows)) read.rows.emplace_back(row);
  for (const std::string_view column : json_items(columns)) read.columns.push_back(json_string(column).value_or(""));
  if (read.columns.empty()) {
    std::set<std::string> keys;
    for (const std::string& row : read.rows) {
      for (auto& [key, value] : json_members(row)) keys.insert(std::move(key));
    }
    read.columns.assign(keys.begin(), keys.end());
  }
  for (const std::string& row : read.rows) {
    std::unordered_map<std::string, std::string_view> by_key;
    for (auto& [key, value] : json_members(row)) by_key[std::move(key)] = value;
    std::vector<std::string>& cells = read.cells.emplace_back();
    for (const std::string& column : read.columns) {
      const auto at = by_key.find(column);
      cells.emplace_back(at == by_key.end() ? std::string_view("null") : at->second);
    }
  }
  return read;
}

}  // namespace omnigraph::client
