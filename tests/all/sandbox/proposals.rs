//! Proposals of WebAssembly that are off: each is refused at install, by its name.

use crate::guests::{self, ByHand, PROCEED};

/// Tries to install a component with this definition in it. Returns what the host says.
async fn refusal(host: &guests::Host, definition: &str) -> String {
    let answer = host.install_bytes(ByHand { imports: definition, core: PROCEED, ..ByHand::default() }.packed("young")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "component.invalid"), "{definition}: {}", answer.text);
    assert_eq!(host.request(hyper::Method::GET, "/v1/extensions/young", "").await.status, 404);
    answer.message()
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
        ("function references", "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))"),
        ("exceptions", "(tag) (func (throw 0))"),
        ("tail calls", "(func (return_call 0))"),
        ("memory64", "(memory i64 1)"),
        ("multi-memory", "(memory 1) (memory 1)"),
        ("relaxed simd", "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))"),
        ("custom page sizes", "(memory 1 (pagesize 1))"),
        ("wide arithmetic", "(func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0)))"),
        ("stack switching", "(type $f (func)) (type (cont $f))"),
    ] {
        messages.push(format!("{proposal}: {}", refused(module).await));
    }
    insta::assert_snapshot!(messages.join("\n"));
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
    insta::assert_snapshot!(messages.join("\n"));
}

#[tokio::test]
async fn what_is_old_and_well_tried_is_not_refused() {
    let host = guests::host("").await;
    let module = "(core module (table 1 externref) (func (drop (i8x16.add (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))";
    let answer = host.install_bytes(ByHand { imports: module, core: PROCEED, ..ByHand::default() }.packed("old")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
}
