//! The example extensions do what they say.

use palisade_tests::TestHost;
use serde_json::json;

#[tokio::test]
async fn a_reserved_name_is_denied() {
    let host = TestHost::new().start().await;
    host.install("reserved-names").await;
    let request = json!({ "params": { "address": "root@customer.example" }, "actor": { "id": "u1", "role": "customer" } });
    let verdict = host.before("mailbox.create", request).await;
    assert_eq!(verdict["verdict"], "deny");
    assert_eq!(verdict["problems"][0]["code"], "name.reserved");
}
