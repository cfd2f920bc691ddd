//! What a call of the tool leads to: each kind of target has a member of its own in the document.

use super::{HttpBinding, StaticAnswer, ToolDefinition};
use crate::problem::Problem;
use schemars::Schema;
use serde_json::json;

/// The one target that a definition names.
#[derive(Clone, Copy, Debug)]
pub enum TargetDefinition<'a> {
    /// An HTTP request (`tds_ext_info`).
    Http(&'a HttpBinding),
    /// An answer that the definition holds (`static`).
    Static(&'a StaticAnswer),
}

impl TargetDefinition<'_> {
    /// Reports what is wrong independently of the schemas.
    pub(super) fn check(self, problems: &mut Vec<Problem>) {
        match self {
            Self::Http(binding) => binding.check(problems),
            Self::Static(answer) => answer.check("static", problems),
        }
    }
}

impl ToolDefinition {
    /// The target, or what is wrong with the members that name it.
    pub fn target(&self) -> Result<TargetDefinition<'_>, Problem> {
        match (&self.tds_ext_info, &self.static_answer) {
            (Some(binding), None) => Ok(TargetDefinition::Http(binding)),
            (None, Some(answer)) => Ok(TargetDefinition::Static(answer)),
            (Some(_), Some(_)) => {
                let reason = "is given together with `tds_ext_info`; a call is either sent or answered from here, keep one of them";
                Err(Problem::at("static", reason))
            }
            (None, None) => Err(Problem::whole(
                "missing field `tds_ext_info`, the HTTP request that a call makes; a tool that holds its answer has `static` instead",
            )),
        }
    }
}

/// One of the members says what a call leads to; both of them would be a question.
pub(super) fn one_target(schema: &mut Schema) {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"type": "object"}}});
    let beside = "Stands beside `static`; keep one of them";
    let neither =
        "`tds_ext_info` is missing: the HTTP request that a call makes, unless `static` holds the answer";
    let mut otherwise = given("tds_ext_info");
    otherwise["errorMessage"] = neither.into();
    schema.insert("if".to_owned(), given("static"));
    schema.insert(
        "then".to_owned(),
        json!({"properties": {"tds_ext_info": {"type": "null", "errorMessage": beside, "doNotSuggest": true}}}),
    );
    schema.insert("else".to_owned(), otherwise);
}
