//! A write that was answered is seen by the next request, whichever worker it goes to.

use super::{instance, tool};
use crate::test_app::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_put_is_visible_to_the_next_mcp_request_200_times() {
    for app in [TestApp::start().await, TestApp::sqlite().await] {
        let admin = app.admin();
        admin.put("/admin/tds/t", &tool("t", "n")).await.ok();
        admin.put("/admin/ids/i", &instance("i", &["t"])).await.ok();
        for number in 0..200 {
            let name = format!("name_{number}");
            admin.put("/admin/tds/t", &tool("t", &name)).await.ok();
            // A client of its own has a connection of its own, so that all workers have their turn.
            assert_eq!(app.mcp("i").tool_names().await, [name]);
        }
        admin.put("/admin/ids/i", &instance("i", &[])).await.ok();
        assert_eq!(app.mcp("i").tool_names().await, [""; 0]);
        admin.delete("/admin/ids/i").await.ok();
        assert_eq!(app.mcp("i").modern("tools/list", json!({})).await.status, 404);
    }
}
