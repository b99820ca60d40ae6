#include "cli/read_view.h"

#include "api/answers.h"
#include "client/raw_json.h"
#include "columnar/scalar.h"

namespace omnigraph::cli {

namespace {

class EmbeddedView final : public ReadView {
 public:
  explicit EmbeddedView(const engine::ReadAnswer& answer) : answer_(answer) {}
  const std::string& query_name() const override { return answer_.query_name; }
  const engine::ReadTarget& target() const override { return answer_.target; }
  const std::vector<std::string>& columns() const override { return answer_.result.columns; }
  std::size_t row_count() const override { return static_cast<std::size_t>(answer_.result.rows.length); }

  std::string cell(std::size_t row, std::size_t column) const override {
    const columnar::Array& array = *answer_.result.rows.columns[column];
    const auto slot = static_cast<std::int64_t>(row);
    if (array.is_null(slot)) return "null";
    if (array.type().id == columnar::TypeId::kUtf8) return std::string(array.string_value(slot));
    std::string text;
    columnar::append_json(text, array, slot);
    // Dates and instants are shown without quotes; there is nothing in them to unescape.
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
  }

  void append_row(std::string& out, std::size_t row) const override {
    api::append_row(out, answer_.result, static_cast<std::int64_t>(row));
  }

  std::string json() const override {
    std::string compact;
    api::append_read_answer(compact, answer_);
    return compact;
  }

 private:
  const engine::ReadAnswer& answer_;
};

class ServedView final : public ReadView {
 public:
  explicit ServedView(const client::RemoteRead& answer) : answer_(answer) {}
  const std::string& query_name() const override { return answer_.query_name; }
  const engine::ReadTarget& target() const override { return answer_.target; }
  const std::vector<std::string>& columns() const override { return answer_.columns; }
  std::size_t row_count() const override { return answer_.rows.size(); }
  std::string cell(std::size_t row, std::size_t column) const override {
    const std::string& json = answer_.cells[row][column];
    return client::json_string(json).value_or(json);
  }
  void append_row(std::string& out, std::size_t row) const override { out.append(answer_.rows[row]); }
  std::string json() const override { return answer_.body; }

 private:
  const client::RemoteRead& answer_;
};

}  // namespace

std::unique_ptr<ReadView> view_of(const engine::ReadAnswer& answer) { return std::make_unique<EmbeddedView>(answer); }
std::unique_ptr<ReadView> view_of(const client::RemoteRead& answer) { return std::make_unique<ServedView>(answer); }

}  // namespace omnigraph::cli
