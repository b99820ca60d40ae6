// Properties in a migration: added, renamed, retyped, annotated.
#include <algorithm>
#include <tuple>

#include "schema/migration_compare.h"
#include "schema/migration_types.h"

namespace omnigraph::schema {
namespace {

bool is_documentation(const Annotation& annotation) {
  return annotation.name == "description" || annotation.name == "instruction";
}

using AnnotationText = std::tuple<std::string, std::vector<std::string>, std::map<std::string, std::string>>;

// Without their order, which has no meaning.
std::vector<AnnotationText> sorted_annotations(const std::vector<Annotation>& annotations, bool documentation) {
  std::vector<AnnotationText> texts;
  for (const Annotation& annotation : annotations) {
    if (is_documentation(annotation) != documentation) continue;
    texts.emplace_back(annotation.name, annotation.values, annotation.keyword_values);
  }
  std::ranges::sort(texts);
  return texts;
}

bool is_key_member(const DeclaredType& type, const std::string& property) {
  return std::ranges::find(type.constraints.key, property) != type.constraints.key.end();
}

// A rule that holds for one property and asks for nothing but what the caller then sets.
Property bare_rule(const Property& property) {
  Property rule;
  rule.name = property.name;
  rule.type = property.type;
  rule.type.nullable = true;
  rule.type.enum_values.clear();
  return rule;
}

class PropertyComparison {
 public:
  PropertyComparison(const TypePair& pair, std::size_t index, const MigrationOptions& options, StepList& steps)
      : pair_(pair),
        before_(pair.before_of(index)),
        after_((*pair.after.properties)[index]),
        options_(options),
        steps_(steps) {}

  Result<void> run() {
    if (before_ == nullptr) return added();
    if (before_->name != after_.name) {
      MigrationStep& step = steps_.add(StepKind::kRenameProperty);
      step.from = before_->name;
      step.to = after_.name;
    }
    OG_RETURN_IF_ERROR(compare_type());
    compare_embed();
    const std::string& name = after_.name;
    if (before_->injected != after_.injected) {
      steps_.unsupported(name, "changing declaration provenance for " + steps_.subject(name));
    }
    if (before_->interfaces != after_.interfaces) {
      steps_.unsupported(name, "changing interface-property satisfaction links for " + steps_.subject(name));
    }
    if (!same_custom_annotations(before_->annotations, after_.annotations)) {
      steps_.unsupported(name, "changing annotations beyond @description/@instruction");
    }
    if (!same_documentation(before_->annotations, after_.annotations)) {
      steps_.add(StepKind::kUpdatePropertyMetadata, name).annotations = documentation(after_.annotations);
    }
    return {};
  }

 private:
  Result<void> added() {
    bool possible = after_.type.nullable;
    if (!possible && options_.data != nullptr) {
      possible = pair_.after.kind == TypeKind::kInterface;  // which has no entities; its types are judged themselves
      if (!possible) {
        OG_ASSIGN_OR_RETURN(const std::uint64_t entities, options_.data->entities(pair_.before.ref()));
        possible = entities == 0;
      }
    }
    if (possible) {
      steps_.add(StepKind::kAddProperty, after_.name).property_type = after_.type;
    } else {
      steps_.unsupported(after_.name,
                         "adding required property " + steps_.subject(after_.name) + " requires a backfill and",
                         "OG-MF-103");
    }
    return {};
  }

  Result<void> compare_type() {
    const TypeChange change = classify_change(before_->type, after_.type);
    if (change.none()) return {};
    const bool plain_extension = change.base == TypeChange::Base::kEnumExtended && !change.relaxed && !change.tightened;
    if (plain_extension) {
      steps_.add(StepKind::kExtendEnum, after_.name).added_values = change.added_values;
      return {};
    }
    if (options_.data == nullptr || !may_be_validated(change)) {
      steps_.unsupported(after_.name, "changing property type for " + steps_.subject(after_.name), "OG-MF-106");
      return {};
    }
    OG_ASSIGN_OR_RETURN(const bool holds, conditions_hold(change));
    if (!holds) return {};
    MigrationStep& step = steps_.add(StepKind::kChangeType, after_.name);
    step.from_type = before_->type;
    step.property_type = after_.type;
    return {};
  }

  [[nodiscard]] bool may_be_validated(const TypeChange& change) const {
    const bool key = is_key_member(pair_.before, before_->name) || is_key_member(pair_.after, after_.name);
    switch (change.base) {
      case TypeChange::Base::kOther: return false;
      case TypeChange::Base::kWidened:
        // 0.1 as F32 is not 0.1 as F64, so the ids would change.
        if (key && before_->type.scalar == ScalarType::kF32) return false;
        break;
      default: break;
    }
    return !(change.relaxed && key);
  }

  // Reports what does not hold.
  Result<bool> conditions_hold(const TypeChange& change) {
    if (pair_.after.kind == TypeKind::kInterface) return true;
    const std::string what = "changing property type for " + steps_.subject(after_.name);
    if (change.tightened) {
      Property rule = bare_rule(after_);
      rule.type.nullable = false;
      OG_ASSIGN_OR_RETURN(const bool holds, holds_for(rule, what, "OG-MF-104"));
      if (!holds) return false;
    }
    if (change.base == TypeChange::Base::kRestricted) {
      Property rule = bare_rule(after_);
      rule.type.enum_values = after_.type.enum_values;
      return holds_for(rule, what, "OG-MF-107");
    }
    return true;
  }

  Result<bool> holds_for(const Property& rule, const std::string& what, const std::string& code) {
    const std::size_t at = static_cast<std::size_t>(before_ - pair_.before.properties->data());
    OG_ASSIGN_OR_RETURN(const Violations found, options_.data->check_values(pair_.before.ref(), at, rule, {}));
    if (found.count == 0) return true;
    steps_.violated(after_.name, what, found, code);
    return false;
  }

  void compare_embed() {
    const auto binding = [&](const Property& property, bool renamed) {
      if (!property.embed) return std::pair<std::string, std::string>();
      std::string source = property.embed->source;
      if (renamed) {
        const auto found = pair_.new_names.find(source);
        source = found == pair_.new_names.end() ? "@dropped" : found->second;
      }
      return std::pair(std::move(source), property.embed->model);
    };
    if (binding(*before_, true) == binding(after_, false)) return;
    steps_.unsupported(after_.name, "changing @embed source or model for " + steps_.subject(after_.name), {},
                       "; rebuild the graph so stored vectors and their declared embedding space cannot diverge");
  }

  const TypePair& pair_;
  const Property* before_;
  const Property& after_;
  const MigrationOptions& options_;
  StepList& steps_;
};

}  // namespace

std::vector<Annotation> documentation(const std::vector<Annotation>& annotations) {
  std::vector<Annotation> kept;
  std::ranges::copy_if(annotations, std::back_inserter(kept), is_documentation);
  return kept;
}

bool same_custom_annotations(const std::vector<Annotation>& a, const std::vector<Annotation>& b) {
  return sorted_annotations(a, false) == sorted_annotations(b, false);
}

bool same_documentation(const std::vector<Annotation>& a, const std::vector<Annotation>& b) {
  return sorted_annotations(a, true) == sorted_annotations(b, true);
}

Result<void> compare_property(const TypePair& pair, std::size_t property, const MigrationOptions& options,
                              StepList& steps) {
  return PropertyComparison(pair, property, options, steps).run();
}

}  // namespace omnigraph::schema
