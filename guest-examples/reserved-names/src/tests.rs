//! Tests of the decision, without a host.

use super::*;

fn reserved(action: &str, value: &str) -> Option<String> {
    let names = ["admin".to_owned(), "Root".to_owned()];
    let domains = ["localhost".to_owned(), "Example.com".to_owned()];
    check(action, value, &names, &domains)
}

#[test]
fn reserved_mailbox_is_denied() {
    let message = reserved("mailbox.create", "Admin@customer.test").unwrap();

    assert_eq!(message, "the name `admin` is reserved by the provider");
}

#[test]
fn reserved_name_in_a_longer_one_is_free() {
    assert_eq!(reserved("mailbox.create", "administrator@customer.test"), None);
}

#[test]
fn mailbox_may_be_at_any_domain() {
    assert_eq!(reserved("mailbox.create", "ada@example.com"), None);
}

#[test]
fn reserved_login_is_denied() {
    assert!(reserved("customer.create", "root").is_some());
}

#[test]
fn site_below_a_reserved_domain_is_denied() {
    let message = reserved("site.create", "shop.EXAMPLE.com.").unwrap();

    assert_eq!(message, "the domain `shop.example.com` is reserved by the provider");
}

#[test]
fn domain_that_only_ends_like_a_reserved_one_is_free() {
    assert_eq!(reserved("site.create", "myexample.com"), None);
}

#[test]
fn site_may_begin_with_a_reserved_name() {
    assert_eq!(reserved("site.create", "root.test"), None);
}

#[test]
fn subdomain_with_a_reserved_label_is_denied() {
    assert!(reserved("subdomain.create", "admin.customer.test").is_some());
}

#[test]
fn administrator_is_exempt() {
    assert!(is_exempt(Some(Role::Administrator)));
}

#[test]
fn reseller_is_not_exempt() {
    assert!(!is_exempt(Some(Role::Reseller)));
}

#[test]
fn actor_without_a_role_is_not_exempt() {
    assert!(!is_exempt(None));
}
