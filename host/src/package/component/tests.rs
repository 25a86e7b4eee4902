use super::*;

/// A component that exports and imports empty instances under these names.
fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut types = wasm_encoder::ComponentTypeSection::new();
    types.instance(&wasm_encoder::InstanceType::new());
    let mut import_section = wasm_encoder::ComponentImportSection::new();
    for name in imports {
        import_section.import(*name, wasm_encoder::ComponentTypeRef::Instance(0));
    }
    let mut instances = wasm_encoder::ComponentInstanceSection::new();
    instances.export_items(Vec::<(&str, wasm_encoder::ComponentExportKind, u32)>::new());
    let mut export_section = wasm_encoder::ComponentExportSection::new();
    for name in exports {
        export_section.export(*name, wasm_encoder::ComponentExportKind::Instance, 0, None);
    }
    let mut component = wasm_encoder::Component::new();
    component.section(&types).section(&import_section).section(&instances).section(&export_section);
    component.finish()
}

fn error(imports: &[&str], exports: &[&str]) -> ComponentError {
    Component::read(&component(imports, exports)).unwrap().check_contract(&HANDLES).unwrap_err()
}

const HANDLES: Parts = Parts {
    handler: Part::Asked,
    provider: Part::Absent,
    pages: Part::Absent,
    overlay: Part::Absent,
};

const GOOD: &str = "palisade:events/handler@1.0.0";

#[test]
fn what_the_host_offers_may_be_imported() {
    let bytes = component(
        &[
            "palisade:core/log@1.0.0",
            "wasi:cli/environment@0.2.6",
            "palisade:kv/store@1.3.0",
            "palisade:core/reveal@1.0.0",
        ],
        &[GOOD],
    );
    Component::read(&bytes).unwrap().check_contract(&HANDLES).unwrap();
}

#[test]
fn a_manifest_survives_packing_and_replaces_the_one_before() {
    let packed = embed(&component(&[], &[GOOD]), "first").unwrap();
    let packed = embed(&packed, "second").unwrap();
    let read = Component::read(&packed).unwrap();
    assert_eq!(read.manifest_text.as_deref(), Some("second"));
    assert_eq!(read.exports, [GOOD]);
}

#[test]
fn two_manifests_are_refused() {
    let mut bytes = embed(&component(&[], &[GOOD]), "a").unwrap();
    let once = embed(&component(&[], &[]), "b").unwrap();
    let plain = component(&[], &[]).len();
    bytes.extend_from_slice(&once[plain..]);
    assert_eq!(
        Component::read(&bytes).unwrap_err().to_string(),
        "not a valid component: it has 2 custom sections `palisade:manifest`"
    );
}

#[test]
fn what_is_not_wasm_is_named_by_its_first_bytes() {
    assert_eq!(
        Component::read(b"#!/bin/sh").unwrap_err().to_string(),
        "not WebAssembly: the file begins with `#!/bin/s`, not with `\\0asm`"
    );
    assert_eq!(Component::read(b"").unwrap_err().code(), "component.not-wasm");
}

#[test]
fn a_core_module_is_refused() {
    assert_eq!(
        Component::read(&wasm_encoder::Module::new().finish()).unwrap_err().code(),
        "component.not-component"
    );
}

#[test]
fn a_component_without_a_handler_is_refused() {
    let error = error(&[], &["wasi:cli/run@0.2.0"]);
    assert_eq!(
        error.to_string(),
        "exports no `palisade:events/handler`; it exports `wasi:cli/run@0.2.0`"
    );
}

#[test]
fn an_unknown_import_is_named() {
    for name in [
        "acme:x/y@1.0.0",
        "wasi:http/types@0.2.0",
        "wasi:cli/environment@0.3.0",
        "palisade:core/panel@1.0.0",
    ] {
        assert_eq!(
            error(&[name], &[GOOD]).to_string(),
            format!("imports `{name}`, which this host does not offer")
        );
    }
}

#[test]
fn another_major_version_of_the_contract_is_named() {
    assert_eq!(
        error(&["palisade:core/log@2.0.0"], &[GOOD]).to_string(),
        "is built for `palisade:core/log@2.0.0`, and this host offers `palisade:core/log@1.0.0`"
    );
    assert_eq!(error(&[], &["palisade:events/handler@2.1.0"]).code(), "component.contract-version");
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let mut bytes = component(&[], &[GOOD]);
    for _ in 0..2_000 {
        let mut outer = wasm_encoder::Component::new();
        outer.section(&wasm_encoder::RawSection { id: 4, data: &bytes });
        bytes = outer.finish();
    }
    assert_eq!(
        Component::read(&bytes).unwrap_err().to_string(),
        "not a valid component: components nest more than 4 deep"
    );
}

#[test]
fn every_cut_and_flipped_byte_is_an_answer_and_never_a_panic() {
    let bytes = embed(&component(&["palisade:core/log@1.0.0"], &[GOOD]), "manifest").unwrap();
    for at in 0..bytes.len() {
        let _ = Component::read(&bytes[..at]);
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(component) = Component::read(&flipped) {
                let _ = component.check_contract(&HANDLES);
            }
            let _ = embed(&flipped, "m");
        }
    }
}

const PROVIDES: [&str; 2] =
    ["palisade:provider/provider@1.0.0", "palisade:provider/catalogue@1.0.0"];

#[test]
fn a_component_exports_what_its_manifest_speaks_of() {
    let check = |exports: &[&str], handler, provider| {
        let component = Component::read(&component(&[], exports)).unwrap();
        component
            .check_contract(&Parts { handler, provider, ..Parts::default() })
            .map_err(|error| (error.code(), error.to_string()))
    };
    let [provider, catalogue] = PROVIDES;
    let (asked, absent) = (Part::Asked, Part::Absent);
    assert_eq!(check(&PROVIDES, absent, asked), Ok(()));
    assert_eq!(check(&[GOOD, provider, catalogue], asked, asked), Ok(()));
    let wrong = |code, message: &str| Err((code, message.to_owned()));
    assert_eq!(
        check(&[provider], absent, asked),
        wrong(
            "component.no-provider",
            "exports no `palisade:provider/catalogue`, and its manifest has `[provider]`; it exports `palisade:provider/provider@1.0.0`"
        )
    );
    assert_eq!(
        check(&[GOOD, provider, catalogue], asked, absent),
        wrong(
            "component.not-in-manifest",
            "exports `palisade:provider/provider@1.0.0`, and its manifest has no `[provider]`"
        )
    );
    assert_eq!(
        check(&[GOOD, provider, catalogue], absent, asked),
        wrong(
            "component.not-in-manifest",
            "exports `palisade:events/handler@1.0.0`, and its manifest has no `[[on]]`"
        )
    );
    assert_eq!(check(&PROVIDES, asked, asked).unwrap_err().0, "component.no-handler");
    let old = [provider, "palisade:provider/catalogue@2.0.0"];
    assert_eq!(check(&old, absent, asked).unwrap_err().0, "component.contract-version");
}
