//! How long texts for models may be before clients refuse or cut them. `docs/DEFINITIONS.md` has the table of all rules.

/// Of a tool's description, in characters.
const TOOL_DESCRIPTION: usize = 1_024;
/// Of a server's instructions, in bytes.
const INSTRUCTIONS: usize = 2_048;

/// A warning for a tool's description that an API refuses.
pub fn of_tool_description(field: impl FnOnce() -> String, description: &str) -> Option<String> {
    let length = description.chars().count();
    (length > TOOL_DESCRIPTION).then(|| {
        let field = field();
        format!(
            "{field}: has {length} characters; OpenAI's API refuses a tool with more than {TOOL_DESCRIPTION}"
        )
    })
}

/// A warning for an instance's description of which a client shows the model only the beginning.
pub fn of_instructions(description: &str) -> Option<String> {
    let length = description.len();
    (length > INSTRUCTIONS).then(|| {
        format!(
            "description: becomes the server's instructions and has {length} bytes; Claude Code cuts them after {INSTRUCTIONS}"
        )
    })
}
