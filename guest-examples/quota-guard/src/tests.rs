use super::*;

#[test]
fn the_last_mailbox_that_is_allowed_is_fine() {
    assert_eq!(objection(2, 2), None);
}

#[test]
fn one_more_is_refused() {
    assert_eq!(objection(3, 2).unwrap(), "all 2 mailboxes of this reseller are in use");
}

#[test]
fn a_setting_that_is_no_number_is_a_misconfiguration() {
    assert!(matches!(allowed(Some(Value::Text("2".into()))), Err(Failure::Misconfigured(_))));
    assert!(matches!(allowed(None), Err(Failure::Misconfigured(_))));
}

#[test]
fn a_key_is_one_that_the_store_takes() {
    assert_eq!(key("a\nb"), "a?b");
    assert_eq!(key(&"\u{e4}".repeat(512)).len(), 512);
}
