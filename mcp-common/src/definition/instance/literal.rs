//! Values of an instance stand for themselves: they are checked when it is written, so that they cannot be made in a call.

use crate::problem::Problem;

/// `json` is the value that stands in the document's member `field`.
pub(super) fn check(field: &str, json: &str) -> Result<(), Problem> {
    if let Some(mark) = ["${env:", "${file:", "${secret:"]
        .iter()
        .find(|mark| json.contains(**mark))
    {
        let reason = format!(
            "`{mark}…}}` is read in a tool's `auth` only; here it would be sent as it stands, not as the secret"
        );
        return Err(Problem::at(field, reason));
    }
    if let Some(mark) = ["{{", "{%", "{#"].iter().find(|mark| json.contains(**mark)) {
        let reason = format!(
            "`{mark}` would be sent as it stands: values of an instance are no templates; a tool's `params[].default` can be one"
        );
        return Err(Problem::at(field, reason));
    }
    Ok(())
}
