//! Which mistakes of a tool may only follow from others, so that nobody is sent after them.

use crate::problem::is_within;

/// What says together where arguments go.
const REQUEST: [&str; 6] = [
    "tds_ext_info.path",
    "tds_ext_info.params",
    "tds_ext_info.method",
    "tds_ext_info.body",
    "tds_ext_info.required_params",
    "tds_ext_info.retry",
];
/// What knows nothing of arguments.
const WITHOUT_ARGUMENTS: [&str; 12] = [
    "tds_ext_info.domain",
    "tds_ext_info.base_url",
    "tds_ext_info.upstream",
    "tds_ext_info.method",
    "tds_ext_info.auth",
    "tds_ext_info.tls",
    "tds_ext_info.proxy",
    "tds_ext_info.egress",
    "tds_ext_info.retry",
    "tds_ext_info.redirect",
    "tds_ext_info.limits",
    "tds_ext_info.response.jq",
];
/// Members whose values are templates, which are read by themselves.
const TEMPLATES: [&str; 3] = [".template", ".const", ".default"];

/// Whether the later place may be wrong only because the earlier one is.
pub fn follows(later: &str, earlier: &str) -> bool {
    let among = |place: &str, places: &[&str]| places.iter().any(|outer| is_within(place, outer));
    if is_within(earlier, "input_schema") {
        let is_of_request = is_within(later, "tds_ext_info") && !among(later, &WITHOUT_ARGUMENTS);
        return is_of_request || is_within(later, "examples");
    }
    let is_template = TEMPLATES.iter().any(|member| later.contains(member));
    among(earlier, &REQUEST) && among(later, &REQUEST) && !is_template
}
