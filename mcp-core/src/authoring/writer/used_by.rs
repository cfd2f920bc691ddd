//! What goes on without a definition that is deleted: whoever deletes it is told.

use crate::tool::StoredTool;
use mcp_common::{
    catalog::Snapshot,
    definition::{
        ApiKeyDefinition, InstanceDefinition, RoleDefinition, UpstreamDefinition, secret::UsedSecret,
    },
    key::{Key, Kind},
};

/// A warning for each way in which others name it; that does not keep it from being deleted, and they have it again when it is stored again.
pub(super) fn warnings(snapshot: &Snapshot<StoredTool>, key: &Key) -> Vec<String> {
    let id = &*key.id;
    if key.kind == Kind::TOOL {
        return of_tool(snapshot, key);
    }
    if key.kind == Kind::UPSTREAM {
        let showing = instances(snapshot, |instance| instance.refers_to(id));
        let mut all = told(
            key,
            showing,
            "these instances show what it offers",
            "they go on without that",
        );
        let calling = snapshot.tools.iter();
        let calling =
            calling.filter(|(_, tool)| tool.compiled.upstream().is_some_and(|upstream| **upstream == *id));
        let calling = calling.map(|(id, _)| format!("`{id}`")).collect();
        let consequence = "they are not shown until there is one of this id again";
        all.extend(told(key, calling, "these tools are called at it", consequence));
        return all;
    }
    if key.kind == Kind::SECRET {
        let names = |used: &[UsedSecret]| used.iter().any(|used| *used.name == *id);
        let tools = snapshot.tools.iter().filter(|(_, tool)| names(&tool.secrets));
        let tools = tools.map(|(id, _)| format!("`{id}`")).collect();
        let upstreams = documents::<StoredTool, UpstreamDefinition>(snapshot, Kind::UPSTREAM, |upstream| {
            names(&upstream.used_secrets())
        });
        let consequence = "they are in quarantine until it is stored again";
        let mut all = told(key, tools, "these tools name it", consequence);
        all.extend(told(key, upstreams, "these upstreams name it", consequence));
        return all;
    }
    if key.kind == Kind::ROLE {
        let held = documents::<StoredTool, ApiKeyDefinition>(snapshot, Kind::API_KEY, |held| {
            held.roles.iter().any(|role| role == id)
        });
        let inheriting = documents::<StoredTool, RoleDefinition>(snapshot, Kind::ROLE, |role| {
            role.inherits.iter().any(|role| **role == *id)
        });
        let consequence =
            "what it allowed is not allowed to them any more, and what it refused is not refused";
        let mut all = told(key, held, "these keys have it", consequence);
        all.extend(told(
            key,
            inheriting,
            "these roles inherit it",
            "keys that have one of them are closed",
        ));
        return all;
    }
    Vec::new()
}

/// Instances have a tool because they name it, or because they include one of its tags.
fn of_tool(snapshot: &Snapshot<StoredTool>, key: &Key) -> Vec<String> {
    let is_named = |instance: &InstanceDefinition| instance.tool_ids.iter().any(|named| named.id == key.id);
    let is_excluded = |instance: &InstanceDefinition| {
        let mut excluded = instance.exclude.iter().flat_map(|exclude| &exclude.tool_ids);
        excluded.any(|id| *id == key.id)
    };
    let tool = snapshot.tools.get(&key.id);
    let tags: Vec<_> = tool.iter().flat_map(|tool| tool.tags.iter()).collect();
    let is_tagged = |instance: &InstanceDefinition| {
        let mut included = instance.include.iter().flat_map(|include| &include.tags);
        included.any(|tag| tags.contains(&tag))
    };
    let listing = instances(snapshot, is_named);
    let including = instances(snapshot, |instance| {
        is_tagged(instance) && !is_named(instance) && !is_excluded(instance)
    });
    let consequence = "they go on without it";
    let mut all = told(key, listing, "these instances still list it", consequence);
    let who = "these instances have it by one of its tags (`include.tags`)";
    all.extend(told(key, including, who, consequence));
    all
}

fn instances<T>(snapshot: &Snapshot<T>, names: impl Fn(&InstanceDefinition) -> bool) -> Vec<String> {
    let all = snapshot.instances.iter();
    all.filter(|(_, entry)| names(&entry.definition))
        .map(|(id, _)| format!("`{id}`"))
        .collect()
}

fn documents<T, D: 'static>(snapshot: &Snapshot<T>, kind: Kind, names: impl Fn(&D) -> bool) -> Vec<String> {
    let all = snapshot.documents(kind).into_iter().flat_map(|all| all.iter());
    all.filter(|(_, entry)| entry.definition::<D>().is_some_and(&names))
        .map(|(id, _)| format!("`{id}`"))
        .collect()
}

/// More names say nothing new.
const MOST_NAMED: usize = 20;

fn told(key: &Key, ids: Vec<String>, who: &str, consequence: &str) -> Vec<String> {
    if ids.is_empty() {
        return Vec::new();
    }
    let named = ids[..ids.len().min(MOST_NAMED)].join(", ");
    let more = match ids.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    vec![format!(
        "{key} is deleted, and {who}: {named}{more}; {consequence}"
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::ToolCompiler;
    use mcp_common::{
        catalog::Catalog,
        datasource::{Batch, Change, Record},
    };
    use serde_json::json;

    #[test]
    fn whoever_has_it_is_named_however_it_is_had() {
        let tool = |place: serde_json::Value, tags: &[&str]| json!({"name": "t", "description": "d", "tags": tags, "tds_ext_info": place});
        let own = json!({"domain": "a.example", "method": "GET", "path": "/"});
        let of_service = json!({"upstream": "billing", "method": "GET", "path": "/"});
        let definitions = [
            (Key::tool("t"), tool(own, &["x", "y"])),
            (Key::tool("u"), tool(of_service, &[])),
            (
                Key::instance("named"),
                json!({"name": "I", "tool_ids": ["t"], "include": {"tags": ["x"]}}),
            ),
            (
                Key::instance("tagged"),
                json!({"name": "I", "include": {"tags": ["z", "y"]}}),
            ),
            (
                Key::instance("without"),
                json!({"name": "I", "include": {"tags": ["x"]}, "exclude": {"tool_ids": ["t"]}}),
            ),
            (
                Key::instance("other"),
                json!({"name": "I", "include": {"tags": ["z"]}}),
            ),
        ];
        let catalog = Catalog::new(ToolCompiler::default());
        let changes = definitions.into_iter().map(|(key, document)| {
            Change::Put(Record {
                key,
                revision: 1,
                updated_at: None,
                body: document.to_string().into(),
            })
        });
        catalog.apply(Batch {
            revision: 1,
            changes: changes.collect(),
        });
        let snapshot = catalog.snapshot();
        let found = warnings(&snapshot, &Key::tool("t"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("these instances still list it: `named`; they"),
            "{found:?}"
        );
        assert!(
            found[1].contains("have it by one of its tags (`include.tags`): `tagged`; they"),
            "{found:?}"
        );
        assert!(warnings(&snapshot, &Key::tool("u")).is_empty());
        let service = Key {
            kind: Kind::UPSTREAM,
            id: "billing".into(),
        };
        let found = warnings(&snapshot, &service);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("these tools are called at it: `u`;"),
            "{found:?}"
        );
    }
}
