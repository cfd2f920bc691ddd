//! The definitions of `examples/demo`, embedded.

use std::net::SocketAddr;

macro_rules! tool {
    ($id:literal) => {
        (
            $id,
            include_str!(concat!("../../../examples/demo/tool-", $id, ".json")),
        )
    };
}

/// Id and document.
pub(super) const TOOLS: [(&str, &str); 9] = [
    tool!("list_orders"),
    tool!("search_orders"),
    tool!("get_order"),
    tool!("create_order"),
    tool!("get_receipt"),
    tool!("product_photo"),
    tool!("play_doorbell"),
    tool!("make_trouble"),
    tool!("wait"),
];

/// The instance `demo`.
pub(super) const INSTANCE: &str = include_str!("../../../examples/demo/instance-demo.json");

/// Where the documents say that the sample API is.
const WRITTEN: &str = "127.0.0.1:8081";

/// The document with the address that the sample API really has.
pub(super) fn pointed_at(document: &str, sample_api: SocketAddr) -> String {
    document.replace(WRITTEN, &sample_api.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_instance_has_all_tools_and_each_points_at_the_sample_api() {
        let instance: serde_json::Value = serde_json::from_str(INSTANCE).unwrap();
        let named: BTreeSet<&str> = instance["tool_ids"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|id| id.as_str())
            .collect();
        assert_eq!(named, TOOLS.iter().map(|(id, _)| *id).collect());
        for (id, document) in TOOLS {
            let moved: serde_json::Value =
                serde_json::from_str(&pointed_at(document, "127.0.0.1:5".parse().unwrap())).unwrap();
            assert_eq!(
                (moved["id"].as_str(), moved["tds_ext_info"]["domain"].as_str()),
                (Some(id), Some("127.0.0.1:5"))
            );
        }
    }
}
