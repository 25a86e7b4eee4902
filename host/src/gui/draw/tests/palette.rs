//! The colours of the style sheet: what stands upon another can be read, on light pages and on dark ones, as WCAG 2.2
//! asks of level AA.

use std::collections::BTreeMap;

use regex::Regex;

const STYLE: &str = include_str!("../../../../assets/palisade.css");

/// Texts upon what they stand on.
const TEXTS: [(&str, &str); 23] = [
    ("text", "background"),
    ("text", "surface"),
    ("text", "sunken"),
    ("text", "hover"),
    ("text", "neutral-soft"),
    ("muted", "background"),
    ("muted", "surface"),
    ("muted", "sunken"),
    ("muted", "hover"),
    ("accent", "background"),
    ("accent", "surface"),
    ("accent", "hover"),
    ("accent-text", "accent"),
    ("info", "info-soft"),
    ("success", "success-soft"),
    ("warning", "warning-soft"),
    ("danger", "danger-soft"),
    ("neutral", "neutral-soft"),
    ("info", "surface"),
    ("success", "surface"),
    ("warning", "surface"),
    ("danger", "surface"),
    ("danger", "background"),
];

/// Edges and lines upon what they stand on.
const LINES: [(&str, &str); 10] = [
    ("edge", "surface"),
    ("edge", "background"),
    ("series-1", "surface"),
    ("series-2", "surface"),
    ("series-3", "surface"),
    ("series-4", "surface"),
    ("series-5", "surface"),
    ("series-6", "surface"),
    ("series-7", "surface"),
    ("series-8", "surface"),
];

/// The colours by name: for light pages, and for dark ones.
fn colours() -> BTreeMap<String, [f64; 2]> {
    let pattern = r"--([a-z0-9-]+): (?:var\(--palisade-[a-z-]+, )?light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)";
    let pattern = Regex::new(pattern).unwrap();
    let found = pattern
        .captures_iter(STYLE)
        .map(|found| (found[1].to_owned(), [luminance(&found[2]), luminance(&found[3])]));
    found.collect()
}

/// How bright a colour is, as WCAG counts it.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

fn contrast(a: f64, b: f64) -> f64 {
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn too_weak(pairs: &[(&str, &str)], least: f64) -> Vec<String> {
    let colours = colours();
    let mut weak = Vec::new();
    for (upper, lower) in pairs {
        for (mode, name) in ["light", "dark"].into_iter().enumerate() {
            let contrast = contrast(colours[*upper][mode], colours[*lower][mode]);
            if contrast < least {
                weak.push(format!("{upper} upon {lower}, {name}: {contrast:.2}"));
            }
        }
    }
    weak
}

#[test]
fn every_text_can_be_read_upon_what_it_stands_on() {
    assert_eq!(too_weak(&TEXTS, 4.5), [""; 0]);
}

#[test]
fn every_edge_and_line_can_be_seen_upon_what_it_stands_on() {
    assert_eq!(too_weak(&LINES, 3.0), [""; 0]);
}

#[test]
fn the_contrast_of_black_and_white_is_21() {
    assert!((contrast(luminance("000000"), luminance("ffffff")) - 21.0).abs() < 1e-9);
}
