//! Tests of the decisions, without a host.

use super::*;

#[test]
fn normal_domain_stays() {
    assert_eq!(normalise("shop.example").as_deref(), Some("shop.example"));
}

#[test]
fn domain_gets_lower_case() {
    assert_eq!(normalise("Shop.EXAMPLE").as_deref(), Some("shop.example"));
}

#[test]
fn one_dot_at_the_end_is_removed() {
    assert_eq!(normalise(" shop.example. ").as_deref(), Some("shop.example"));
}

#[test]
fn domain_in_unicode_becomes_ascii() {
    assert_eq!(normalise("BÜCHER.example").as_deref(), Some("xn--bcher-kva.example"));
}

#[test]
fn domain_with_a_space_is_none() {
    assert_eq!(normalise("my shop.example"), None);
}

#[test]
fn domain_with_an_empty_label_is_none() {
    assert_eq!(normalise("shop..example"), None);
}

#[test]
fn empty_domain_is_none() {
    assert_eq!(normalise("."), None);
}

#[test]
fn quota_at_the_limit_stays() {
    assert!(!exceeds(500, 500));
}

#[test]
fn quota_over_the_limit_exceeds_it() {
    assert!(exceeds(501, 500));
}

#[test]
fn negative_quota_exceeds_every_limit() {
    assert!(exceeds(-1, i64::MAX));
}
