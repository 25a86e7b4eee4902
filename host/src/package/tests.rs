use super::*;

/// A packed extension with everything in it that a walk looks at: imports, exports, a module with code, a component
/// within it and a manifest.
fn packed() -> Vec<u8> {
    let mut types = wasm_encoder::ComponentTypeSection::new();
    types.instance(&wasm_encoder::InstanceType::new());
    let mut imports = wasm_encoder::ComponentImportSection::new();
    for name in ["palisade:core/log@1.0.0", "wasi:cli/environment@0.2.6"] {
        imports.import(name, wasm_encoder::ComponentTypeRef::Instance(0));
    }
    let mut instances = wasm_encoder::ComponentInstanceSection::new();
    instances.export_items(Vec::<(&str, wasm_encoder::ComponentExportKind, u32)>::new());
    let mut exports = wasm_encoder::ComponentExportSection::new();
    let kind = wasm_encoder::ComponentExportKind::Instance;
    exports.export("palisade:events/handler@1.0.0", kind, 0, None);
    let inner = wasm_encoder::Component::new();
    let mut component = wasm_encoder::Component::new();
    component
        .section(&types)
        .section(&imports)
        .section(&wasm_encoder::ModuleSection(&module()))
        .section(&wasm_encoder::NestedComponentSection(&inner))
        .section(&instances)
        .section(&exports);
    let manifest = include_str!("../../../guest-examples/reserved-names/extension.toml");
    Package::pack(&component.finish(), manifest).unwrap().1
}

fn module() -> wasm_encoder::Module {
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut code = wasm_encoder::CodeSection::new();
    let mut function = wasm_encoder::Function::new([]);
    function.instruction(&wasm_encoder::Instruction::Unreachable);
    function.instruction(&wasm_encoder::Instruction::End);
    code.function(&function);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&code);
    module
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// The bytes cut, or with a few of them changed, taken out or repeated.
fn damaged(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(32)).min(bytes.len());
        match random.below(5) {
            0 => bytes.truncate(at + 1),
            1 if bytes.len() > 64 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => bytes[at] = 0xff,
            _ => bytes[at] ^= 1 << random.below(8),
        }
    }
    bytes
}

#[test]
fn a_packed_extension_is_read() {
    assert_eq!(&*Package::read(&packed()).unwrap().manifest.id, "reserved-names");
}

#[test]
fn twenty_thousand_damaged_extensions_are_read_or_refused_with_a_code() {
    let good = packed();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        match Package::read(&damaged(good.clone(), &mut random)) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.code().is_empty() && !error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    // Some damage hits what nobody reads here, such as the code.
    assert!(read > 100 && refused > 10_000, "{read} read, {refused} refused");
}

#[test]
fn assets_stay_when_a_component_is_packed_anew_without_any() {
    let files =
        |text: &str| BTreeMap::from([("messages/de.ftl".to_owned(), text.as_bytes().to_vec())]);
    let manifest = include_str!("../../../guest-examples/reserved-names/extension.toml");
    let (_, packed) = Package::pack_with_assets(&packed(), manifest, files("a = A\n")).unwrap();
    let (package, packed) = Package::pack(&packed, manifest).unwrap();
    assert!(package.assets.messages[0].has("a"));
    let (package, packed) = Package::pack_with_assets(&packed, manifest, files("b = B\n")).unwrap();
    assert!(package.assets.messages[0].has("b") && !package.assets.messages[0].has("a"));
    assert!(Package::read_assets(&packed).unwrap().messages[0].has("b"));
}
