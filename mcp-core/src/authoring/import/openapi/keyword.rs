//! What happens to each keyword of a schema.

/// How a keyword's value is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It is a schema.
    Schema,
    /// A list of schemas.
    Schemas,
    /// Schemas by name.
    Named,
    /// It is kept as it is.
    Copy,
    /// Looked at by name.
    Special,
    /// Means nothing to a model or a validator.
    Drop,
}

pub(super) fn treatment(keyword: &str) -> Treatment {
    match keyword {
        "items"
        | "additionalProperties"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Treatment::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Treatment::Schemas,
        "properties" | "patternProperties" | "dependentSchemas" => Treatment::Named,
        "enum" | "const" | "multipleOf" | "maximum" | "minimum" | "maxLength" | "minLength" | "maxItems"
        | "minItems" | "uniqueItems" | "maxContains" | "minContains" | "maxProperties" | "minProperties"
        | "dependentRequired" | "contentEncoding" | "contentMediaType" | "deprecated" => Treatment::Copy,
        "type" | "format" | "pattern" | "required" | "default" | "title" | "description" | "example"
        | "examples" | "nullable" | "x-nullable" | "exclusiveMaximum" | "exclusiveMinimum"
        | "discriminator" => Treatment::Special,
        _ => Treatment::Drop,
    }
}
