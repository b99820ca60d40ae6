#include "policy/cedar_schema_syntax.h"

#include <algorithm>

#include "policy/cedar_token_stream.h"

namespace omnigraph::policy::cedar {

namespace {

class SchemaParser {
 public:
  SchemaParser(std::string_view source, std::vector<Token> tokens) : tokens_(source, std::move(tokens)) {}

  Result<std::vector<WrittenNamespace>> run() {
    std::vector<WrittenNamespace> spaces(1);
    while (!tokens_.at_end()) {
      OG_RETURN_IF_ERROR(skip_annotations());
      if (!tokens_.at_word("namespace")) {
        OG_RETURN_IF_ERROR(read_declaration(spaces.front()));
        continue;
      }
      tokens_.take();
      WrittenNamespace space;
      OG_ASSIGN_OR_RETURN(const WrittenName name, read_path("the name of the namespace"));
      space.name = name.path;
      space.span = name.span;
      OG_RETURN_IF_ERROR(tokens_.expect("{"));
      while (!tokens_.accept("}")) {
        OG_RETURN_IF_ERROR(skip_annotations());
        OG_RETURN_IF_ERROR(read_declaration(space));
      }
      spaces.push_back(std::move(space));
    }
    return spaces;
  }

 private:
  // Annotations document a schema; nothing here depends on them.
  Result<void> skip_annotations() {
    while (tokens_.accept("@")) {
      OG_RETURN_IF_ERROR(tokens_.identifier("the name of an annotation"));
      if (!tokens_.accept("(")) continue;
      OG_RETURN_IF_ERROR(tokens_.string("the value of an annotation, a string"));
      OG_RETURN_IF_ERROR(tokens_.expect(")"));
    }
    return {};
  }

  Result<void> read_declaration(WrittenNamespace& space) {
    if (tokens_.accept_word("entity")) return read_entity(space);
    if (tokens_.accept_word("action")) return read_action(space);
    if (tokens_.accept_word("type")) return read_common_type(space);
    return std::unexpected(tokens_.expected("'entity', 'action', 'type' or 'namespace'"));
  }

  Result<void> read_entity(WrittenNamespace& space) {
    WrittenEntity entity;
    std::vector<WrittenName> names;
    do {
      OG_ASSIGN_OR_RETURN(WrittenName name, read_identifier("the name of an entity type"));
      names.push_back(std::move(name));
    } while (tokens_.accept(","));
    if (tokens_.accept_word("enum")) {
      OG_RETURN_IF_ERROR(read_ids(entity.ids.emplace()));
    } else {
      if (tokens_.accept_word("in")) OG_RETURN_IF_ERROR(read_types(entity.parents));
      const bool assigned = tokens_.accept("=");
      if (assigned || tokens_.at_symbol("{")) {
        if (!tokens_.at_symbol("{")) return std::unexpected(tokens_.expected("'{'"));
        OG_ASSIGN_OR_RETURN(entity.shape, read_type());
      }
      if (tokens_.accept_word("tags")) {
        OG_ASSIGN_OR_RETURN(entity.tags, read_type());
      }
    }
    for (WrittenName& name : names) {
      entity.name = std::move(name);
      space.entities.push_back(entity);
    }
    return tokens_.expect(";");
  }

  Result<void> read_ids(std::vector<std::string>& ids) {
    OG_RETURN_IF_ERROR(tokens_.expect("["));
    do {
      OG_ASSIGN_OR_RETURN(std::string id, tokens_.string("an id in quotes"));
      ids.push_back(std::move(id));
    } while (tokens_.accept(",") && !tokens_.at_symbol("]"));
    return tokens_.expect("]");
  }

  Result<void> read_action(WrittenNamespace& space) {
    WrittenAction action;
    std::vector<std::pair<std::string, base::SourceSpan>> names;
    do {
      const base::SourceSpan span = span_of(tokens_.peek());
      OG_ASSIGN_OR_RETURN(std::string name, read_name("the name of an action"));
      names.emplace_back(std::move(name), span);
    } while (tokens_.accept(","));
    if (tokens_.accept_word("in")) OG_RETURN_IF_ERROR(read_action_refs(action.parents));
    if (tokens_.accept_word("appliesTo")) OG_RETURN_IF_ERROR(read_applies_to(action));
    for (auto& [name, span] : names) {
      action.id = std::move(name);
      action.span = span;
      space.actions.push_back(action);
    }
    return tokens_.expect(";");
  }

  Result<void> read_action_refs(std::vector<WrittenActionRef>& refs) {
    if (!tokens_.accept("[")) return read_action_ref(refs);
    while (!tokens_.accept("]")) {
      OG_RETURN_IF_ERROR(read_action_ref(refs));
      if (!tokens_.at_symbol("]")) OG_RETURN_IF_ERROR(tokens_.expect(","));
    }
    return {};
  }

  // `view`, `"view"` or `Other::Action::"view"`
  Result<void> read_action_ref(std::vector<WrittenActionRef>& refs) {
    WrittenActionRef ref;
    ref.span = span_of(tokens_.peek());
    if (tokens_.peek().kind == TokenKind::kIdentifier && tokens_.at_symbol("::", 1)) {
      while (tokens_.peek().kind == TokenKind::kIdentifier) {
        if (!ref.type.empty()) ref.type.append("::");
        ref.type.append(tokens_.take().text);
        OG_RETURN_IF_ERROR(tokens_.expect("::"));
      }
      OG_ASSIGN_OR_RETURN(ref.id, tokens_.string("the id of an action in quotes"));
    } else {
      OG_ASSIGN_OR_RETURN(ref.id, read_name("an action"));
    }
    refs.push_back(std::move(ref));
    return {};
  }

  Result<void> read_applies_to(WrittenAction& action) {
    OG_RETURN_IF_ERROR(tokens_.expect("{"));
    while (!tokens_.accept("}")) {
      const bool principal = tokens_.at_word("principal");
      if (principal || tokens_.at_word("resource")) {
        tokens_.take();
        OG_RETURN_IF_ERROR(tokens_.expect(":"));
        OG_RETURN_IF_ERROR(read_types(principal ? action.principals : action.resources));
      } else if (tokens_.accept_word("context")) {
        OG_RETURN_IF_ERROR(tokens_.expect(":"));
        OG_ASSIGN_OR_RETURN(action.context, read_type());
      } else {
        return std::unexpected(tokens_.expected("'principal', 'resource', 'context' or '}'"));
      }
      if (!tokens_.at_symbol("}")) OG_RETURN_IF_ERROR(tokens_.expect(","));
    }
    return {};
  }

  Result<void> read_common_type(WrittenNamespace& space) {
    WrittenCommonType common;
    OG_ASSIGN_OR_RETURN(common.name, read_identifier("the name of a type"));
    OG_RETURN_IF_ERROR(tokens_.expect("="));
    OG_ASSIGN_OR_RETURN(common.type, read_type());
    space.types.push_back(std::move(common));
    return tokens_.expect(";");
  }

  // One entity type, or several in brackets.
  Result<void> read_types(std::vector<WrittenName>& names) {
    if (!tokens_.accept("[")) {
      OG_ASSIGN_OR_RETURN(WrittenName name, read_path("an entity type"));
      names.push_back(std::move(name));
      return {};
    }
    while (!tokens_.accept("]")) {
      OG_ASSIGN_OR_RETURN(WrittenName name, read_path("an entity type or ']'"));
      names.push_back(std::move(name));
      if (!tokens_.at_symbol("]")) OG_RETURN_IF_ERROR(tokens_.expect(","));
    }
    return {};
  }

  Result<WrittenType> read_type() {
    const TokenStream::Level level(tokens_);
    OG_RETURN_IF_ERROR(tokens_.check_depth());
    WrittenType type;
    if (tokens_.accept("{")) {
      OG_RETURN_IF_ERROR(read_attributes(type));
      return type;
    }
    if (tokens_.at_word("Set") && tokens_.at_symbol("<", 1)) {
      tokens_.take();
      tokens_.take();
      type.kind = WrittenType::Kind::kSet;
      OG_ASSIGN_OR_RETURN(WrittenType element, read_type());
      type.element.push_back(std::move(element));
      OG_RETURN_IF_ERROR(tokens_.expect(">"));
      return type;
    }
    type.kind = WrittenType::Kind::kName;
    OG_ASSIGN_OR_RETURN(type.name, read_path("a type"));
    return type;
  }

  Result<void> read_attributes(WrittenType& type) {
    while (!tokens_.accept("}")) {
      OG_RETURN_IF_ERROR(skip_annotations());
      WrittenAttribute attribute;
      const base::SourceSpan span = span_of(tokens_.peek());
      OG_ASSIGN_OR_RETURN(attribute.name, read_name("an attribute or '}'"));
      if (std::ranges::find(type.attributes, attribute.name, &WrittenAttribute::name) != type.attributes.end()) {
        return std::unexpected(mistake_at(tokens_.source(), span, "attribute '" + attribute.name + "' is repeated"));
      }
      attribute.required = !tokens_.accept("?");
      OG_RETURN_IF_ERROR(tokens_.expect(":"));
      OG_ASSIGN_OR_RETURN(attribute.type, read_type());
      type.attributes.push_back(std::move(attribute));
      if (!tokens_.at_symbol("}")) OG_RETURN_IF_ERROR(tokens_.expect(","));
    }
    return {};
  }

  Result<std::string> read_name(std::string_view what) {
    return tokens_.peek().kind == TokenKind::kString ? tokens_.string(what) : tokens_.identifier(what);
  }

  Result<WrittenName> read_identifier(std::string_view what) {
    WrittenName name;
    name.span = span_of(tokens_.peek());
    OG_ASSIGN_OR_RETURN(name.path, tokens_.identifier(what));
    return name;
  }

  Result<WrittenName> read_path(std::string_view what) {
    OG_ASSIGN_OR_RETURN(WrittenName name, read_identifier(what));
    while (tokens_.accept("::")) {
      OG_ASSIGN_OR_RETURN(const std::string part, tokens_.identifier(what));
      name.path.append("::").append(part);
    }
    name.span.end = tokens_.previous_end();
    return name;
  }

  TokenStream tokens_;
};

}  // namespace

Result<std::vector<WrittenNamespace>> parse_schema_syntax(std::string_view text) {
  return parsed_by<SchemaParser>(text);
}

}  // namespace omnigraph::policy::cedar
