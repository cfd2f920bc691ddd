//! What an editor shows inside `input_schema` and `output_schema`: the keywords of JSON Schema that tools use. Nothing else
//! is refused; the gateway checks schemas by their own dialect.

use serde_json::{Value, json};

/// Lets both members refer to the keywords.
pub(in crate::definition) fn describe(schema: &mut Value) {
    for member in ["input_schema", "output_schema"] {
        if let Some(Value::Object(node)) = schema.pointer_mut(&format!("/properties/{member}")) {
            node.insert("$ref".to_owned(), "#/$defs/ArgumentSchema".into());
        }
    }
    if let Some(Value::Object(parts)) = schema.get_mut("$defs") {
        parts.insert("ArgumentSchema".to_owned(), keywords());
    }
}

fn keywords() -> Value {
    let inner = json!({"$ref": "#/$defs/ArgumentSchema"});
    let named = |description: &str| json!({"description": description, "additionalProperties": inner});
    let several = |description: &str| json!({"description": description, "items": inner});
    let said = |description: &str| json!({"description": description});
    let types = json!({"enum": ["object", "array", "string", "number", "integer", "boolean", "null"]});
    json!({
        "description": "A JSON Schema (2020-12 or draft-07).",
        "properties": {
            "type": {
                "description": "What kind of value it is.",
                "anyOf": [types, {"type": "array", "items": types}],
            },
            "description": said("What it is, for the model."),
            "title": said("A short name for people."),
            "properties": named("The members of an object, each with a schema of its own."),
            "required": said("The names of members that have to be there."),
            "additionalProperties": {
                "description": "`false`: members that are not in `properties` are refused. Or the schema of such members.",
                "examples": [false],
            },
            "items": {"description": "The schema of the items of a list.", "$ref": "#/$defs/ArgumentSchema"},
            "enum": said("The values that are allowed."),
            "const": said("The one value that is allowed."),
            "default": said("The value where none is given. The gateway does not put it in: `params[].default` does."),
            "examples": said("Values, for the model."),
            "format": {
                "description": "What a text is.",
                "examples": ["date", "date-time", "email", "uri", "uuid"],
            },
            "pattern": said("A regular expression that a text has to match."),
            "minLength": said("Of a text, in characters."),
            "maxLength": said("Of a text, in characters."),
            "minimum": said("Of a number."),
            "maximum": said("Of a number."),
            "exclusiveMinimum": said("Of a number."),
            "exclusiveMaximum": said("Of a number."),
            "multipleOf": said("Of a number."),
            "minItems": said("Of a list."),
            "maxItems": said("Of a list."),
            "uniqueItems": said("Whether the items of a list are all different."),
            "minProperties": said("Of an object."),
            "maxProperties": said("Of an object."),
            "contentEncoding": {
                "description": "`base64`: the text stands for bytes, which is how clients send files.",
                "examples": ["base64"],
            },
            "contentMediaType": {"description": "What the bytes are.", "examples": ["application/pdf"]},
            "x-mcp-header": said("Clients of 2026-07-28 send the argument in the header `Mcp-Param-…` of this name as well."),
            "anyOf": several("At least one of these schemas fits."),
            "oneOf": several("Exactly one of these schemas fits."),
            "allOf": several("All of these schemas fit."),
            "not": {"description": "This schema does not fit.", "$ref": "#/$defs/ArgumentSchema"},
            "$ref": {"description": "Another schema, in `$defs`.", "examples": ["#/$defs/"]},
            "$defs": named("Schemas that `$ref` names."),
        },
    })
}
