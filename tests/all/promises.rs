//! The page that says which test holds which promise of the security model names tests that there are.

use std::fs;

use palisade_tests::root;

/// The tests that the page names, each as a file and a function.
fn named() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("docs/src/promises.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("` / `"));
    let tests = rows.flat_map(|row| row.split('|').nth(2).unwrap_or_default().split(", "));
    let parts = tests.map(|test| test.trim().trim_matches('`').split_once("` / `"));
    parts.map(|parts| parts.expect("a row names tests as file and function")).map(owned).collect()
}

fn owned((file, function): (&str, &str)) -> (String, String) {
    (file.to_owned(), function.to_owned())
}

/// Whether a file has a test of this name.
fn is_test(file: &str, function: &str) -> bool {
    let Ok(text) = fs::read_to_string(root().join(file)) else { return false };
    let Some((before, _)) = text.split_once(&format!("fn {function}(")) else { return false };
    let attribute = before.trim_end_matches("async ").trim_end().lines().last();
    attribute.is_some_and(|line| line.trim().starts_with("#[") && line.contains("test"))
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let missing: Vec<_> =
        named().into_iter().filter(|(file, function)| !is_test(file, function)).collect();
    assert!(missing.is_empty() && named().len() > 50, "{missing:?}");
}
