//! Makes components at random: from nothing, around random code, and from a good extension by changing it.

use std::fs;

use arbitrary::Unstructured;
use palisade_tests::guest;
use wasm_mutate::WasmMutate;
use wasm_smith::{Component, Config, Module};

use crate::crash::Random;
use crate::guests::{ByHand, PROCEED};

/// Makes a file to be installed.
pub type Maker = fn(&mut Random) -> Vec<u8>;

/// The good extension that is changed: the smallest.
const GOOD: &str = "observer";
/// The custom section with the manifest.
const MANIFEST_SECTION: &str = "palisade:manifest";
/// The numbers of sections in a component: custom ones and core modules.
const CUSTOM: u8 = 0;
const MODULE: u8 = 1;

/// A section of a component: its number and what is in it.
type Section = (u8, Vec<u8>);

/// A random component: whatever it is, it is hardly an extension.
pub fn component(random: &mut Random) -> Vec<u8> {
    loop {
        let bytes = random_bytes(random, 4_096);
        if let Ok(component) = Component::new(config(), &mut Unstructured::new(&bytes)) {
            return component.to_bytes();
        }
    }
}

/// A handler whose code is random, and whose answer so lies anywhere and is anything.
pub fn handler(random: &mut Random) -> Vec<u8> {
    let shape = wat::parse_str(
        r#"(module (func (export "handle") (param i32) (result i32) (i32.const 0)))"#,
    );
    let config = Config { exports: Some(shape.unwrap()), max_imports: 0, ..config() };
    let module = loop {
        let bytes = random_bytes(random, 4_096);
        if let Ok(module) = Module::new(config.clone(), &mut Unstructured::new(&bytes)) {
            break module.to_bytes();
        }
    };
    let component = ByHand { core: PROCEED, ..ByHand::default() }.component();
    let mut sections = sections(&component);
    // The last module is the one with the handler, the first one has its memory.
    let main = sections.iter_mut().rfind(|(number, _)| *number == MODULE);
    main.expect("the component has modules").1 = module;
    joined(&sections)
}

/// A good extension, of which the code of one module was changed and is still valid, as far as its module goes.
pub fn mutant(random: &mut Random) -> Vec<u8> {
    let mut sections = sections(&good());
    let modules: Vec<usize> = (0..sections.len()).filter(|n| sections[*n].0 == MODULE).collect();
    let chosen = modules[below(random, modules.len())];
    for _ in 0..=below(random, 8) {
        let module = sections[chosen].1.clone();
        let mut mutate = WasmMutate::default();
        mutate.seed(random.below(u64::MAX)).fuel(10_000).preserve_semantics(false);
        let Ok(mut mutants) = mutate.run(&module) else { continue };
        if let Some(Ok(mutant)) = mutants.next() {
            sections[chosen].1 = mutant;
        }
    }
    joined(&sections)
}

/// A good extension that was cut, or in which bytes were changed, taken out or repeated.
pub fn damaged(random: &mut Random, manifest: &str) -> Vec<u8> {
    let mut bytes = with_manifest(&good(), manifest);
    for _ in 0..=below(random, 4) {
        let at = below(random, bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        let end = (at + 1 + below(random, 64)).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => bytes[at] ^= 1 << random.below(8),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// The component with this manifest alone, valid or not.
pub fn with_manifest(component: &[u8], manifest: &str) -> Vec<u8> {
    let mut sections = sections(component);
    let name = |(number, data): &Section| {
        *number == CUSTOM
            && data.get(1..).is_some_and(|data| data.starts_with(MANIFEST_SECTION.as_bytes()))
    };
    sections.retain(|section| !name(section));
    let mut data = vec![u8::try_from(MANIFEST_SECTION.len()).unwrap()];
    data.extend_from_slice(MANIFEST_SECTION.as_bytes());
    data.extend_from_slice(manifest.as_bytes());
    sections.push((CUSTOM, data));
    joined(&sections)
}

/// What random code may use: what the engine takes, for anything else is refused by its name.
fn config() -> Config {
    Config {
        threads_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        max_memories: 1,
        max_memory32_bytes: 32 << 20,
        max_table_elements: 1_000,
        ..Config::default()
    }
}

fn good() -> Vec<u8> {
    fs::read(guest(GOOD)).unwrap()
}

fn below(random: &mut Random, limit: usize) -> usize {
    usize::try_from(random.below(u64::try_from(limit).unwrap())).unwrap()
}

fn random_bytes(random: &mut Random, number: usize) -> Vec<u8> {
    (0..number).map(|_| random.below(256).to_le_bytes()[0]).collect()
}

/// The sections of a component.
fn sections(component: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut rest = &component[HEADER.len()..];
    while let Some((number, after)) = rest.split_first() {
        let (length, after) = read_number(after);
        let (data, after) = after.split_at(length);
        sections.push((*number, data.to_vec()));
        rest = after;
    }
    sections
}

/// What every component begins with.
const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";

fn joined(sections: &[Section]) -> Vec<u8> {
    let mut component = HEADER.to_vec();
    for (number, data) in sections {
        component.push(*number);
        write_number(&mut component, data.len());
        component.extend_from_slice(data);
    }
    component
}

/// Reads a number in groups of seven bits, the lowest first.
fn read_number(bytes: &[u8]) -> (usize, &[u8]) {
    let length = 1 + bytes.iter().take_while(|byte| **byte >= 0x80).count();
    let (digits, rest) = bytes.split_at(length);
    let number =
        digits.iter().rev().fold(0, |number, digit| number << 7 | usize::from(digit & 0x7f));
    (number, rest)
}

fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(0x80 | number.to_le_bytes()[0]);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

#[test]
fn a_component_that_is_taken_apart_and_joined_again_is_the_same() {
    let component = ByHand { core: PROCEED, ..ByHand::default() }.component();
    assert_eq!(joined(&sections(&component)), component);
}

#[test]
fn the_same_seed_makes_the_same_component() {
    for make in [component, handler, mutant] as [Maker; 3] {
        assert!(make(&mut Random::new(7)) == make(&mut Random::new(7)));
        assert!(make(&mut Random::new(7)) != make(&mut Random::new(8)));
    }
}
