//! Proposals of WebAssembly that are off: each is refused at install, by its name.

use crate::guests::{self, ByHand, PROCEED};

/// Tries to install a component with this definition in it. Returns what the host says.
async fn refusal(host: &guests::Host, definition: &str) -> String {
    let answer = host
        .install_bytes(
            ByHand { imports: definition, core: PROCEED, ..ByHand::default() }.packed("young"),
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (422, "component.invalid"),
        "{definition}: {}",
        answer.text
    );
    assert_eq!(host.request(hyper::Method::GET, "/v1/extensions/young", "").await.status, 404);
    // Where in the file it stands is nobody's business here.
    let message = answer.message();
    let message = message.split(" (at offset").next().unwrap().rsplit("at offset ").next().unwrap();
    message
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start_matches(": ")
        .trim_start_matches("the engine refuses it: ")
        .to_owned()
}

#[tokio::test]
async fn proposals_of_core_wasm_that_are_off_are_refused_by_name() {
    let host = guests::host("").await;
    let refused = async |module: &str| refusal(&host, &format!("(core module {module})")).await;
    let mut messages = Vec::new();
    for (proposal, module) in [
        ("threads", "(memory 1 1 shared)"),
        ("atomics", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"),
        ("gc", "(type (struct (field i32)))"),
        (
            "function references",
            "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
        ),
        ("exceptions", "(tag) (func (throw 0))"),
        ("tail calls", "(func (return_call 0))"),
        ("memory64", "(memory i64 1)"),
        ("multi-memory", "(memory 1) (memory 1)"),
        (
            "relaxed simd",
            "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
        ),
        ("custom page sizes", "(memory 1 (pagesize 1))"),
        (
            "wide arithmetic",
            "(func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0)))",
        ),
        ("stack switching", "(type $f (func)) (type (cont $f))"),
    ] {
        messages.push(format!("{proposal}: {}", refused(module).await));
    }
    insta::assert_snapshot!(messages.join("\n"), @r"
    threads: failed to parse WebAssembly module: threads must be enabled for shared memories
    atomics: threads support is not enabled
    gc: failed to parse WebAssembly module: struct indexed types not supported without the gc feature
    function references: failed to parse WebAssembly module: function references required for index reference types
    exceptions: failed to parse WebAssembly module: exceptions proposal not enabled
    tail calls: tail calls support is not enabled
    memory64: failed to parse WebAssembly module: memory64 must be enabled for 64-bit memories
    multi-memory: failed to parse WebAssembly module: multiple memories
    relaxed simd: relaxed SIMD support is not enabled
    custom page sizes: failed to parse WebAssembly module: the custom page sizes proposal must be enabled to customize a memory's page size
    wide arithmetic: wide arithmetic support is not enabled
    stack switching: failed to parse WebAssembly module: cannot define continuation types when stack switching is disabled
    ");
}

#[tokio::test]
async fn proposals_of_the_component_model_that_are_off_are_refused_by_name() {
    let host = guests::host("").await;
    let mut messages = Vec::new();
    for (proposal, definition) in [
        ("streams", "(type (stream u8))"),
        ("futures", "(type (future u8))"),
        ("async functions", "(type (func async))"),
        ("backpressure", "(core func (canon backpressure.inc))"),
        ("threads", "(core func (canon thread.yield))"),
        ("error contexts", "(type error-context)"),
    ] {
        messages.push(format!("{proposal}: {}", refusal(&host, definition).await));
    }
    insta::assert_snapshot!(messages.join("\n"), @r"
    streams: failed to parse WebAssembly module: `stream` requires the component model async feature
    futures: failed to parse WebAssembly module: `future` requires the component model async feature
    async functions: failed to parse WebAssembly module: async component functions require the component model async feature
    backpressure: failed to parse WebAssembly module: `backpressure.inc` requires the component model async feature
    threads: failed to parse WebAssembly module: `thread.yield` requires the component model async feature
    error contexts: failed to parse WebAssembly module: `error-context` requires the component model error-context feature
    ");
}

#[tokio::test]
async fn what_is_old_and_well_tried_is_not_refused() {
    let host = guests::host("").await;
    let module = "(core module (table 1 externref) (func (drop (i8x16.add (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))";
    let answer = host
        .install_bytes(ByHand { imports: module, core: PROCEED, ..ByHand::default() }.packed("old"))
        .await;
    assert!(answer.status.is_success(), "{}", answer.text);
}
