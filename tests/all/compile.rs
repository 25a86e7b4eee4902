//! Compiling a hostile component costs what is allowed, in a process of its own, and harms nobody.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use palisade_tests::{Running, wait_until};

use crate::guests::{self, ByHand, PROCEED, tell, trace};

/// A component with one function that takes long to compile: `blocks` blocks, each of which uses all of 2,000 locals
/// in a way that keeps them alive.
fn hostile(blocks: u32) -> Vec<u8> {
    const LOCALS: u32 = 2_000;
    let mut body = wasm_encoder::Function::new([(LOCALS, wasm_encoder::ValType::I32)]);
    let mut code = body.instructions();
    code.loop_(wasm_encoder::BlockType::Empty);
    for n in 0..blocks {
        let (a, b, c) = (n * 7 % LOCALS, n * 13 % LOCALS, n * 29 % LOCALS);
        code.block(wasm_encoder::BlockType::Empty)
            .local_get(a)
            .br_if(0)
            .local_get(b)
            .local_get(c)
            .i32_add()
            .local_set(a)
            .end();
    }
    code.br(0).end().unreachable().end();
    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut codes = wasm_encoder::CodeSection::new();
    codes.function(&body);
    module.section(&types).section(&functions).section(&codes);
    with_module(&module.finish())
}

/// A component by hand with this core module in it, which it does not use.
fn with_module(module: &[u8]) -> Vec<u8> {
    let mut packed = ByHand { core: PROCEED, ..ByHand::default() }.packed("hostile");
    // A section more at the end: a core module.
    let section = wasm_encoder::RawSection { id: 1, data: module };
    wasm_encoder::ComponentSection::append_to_component(&section, &mut packed);
    packed
}

/// Children of a process, with those that ended and were not waited for.
fn children(process: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Installs what takes too much, and checks that the host answers meanwhile and is as it was afterwards.
async fn over_the_limit(host: &Running, component: Vec<u8>) -> String {
    let directories = [host.data().join("components"), host.data().join("compiled")];
    let before = directories.each_ref().map(|directory| files(directory));
    let mut install = Box::pin(host.install_bytes(component));
    let mut answered = 0;
    let answer = loop {
        tokio::select! {
            answer = &mut install => break answer,
            verdict = tell(host, "nothing") => {
                assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed", "{verdict}");
                answered += 1;
            }
        }
    };
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (422, "component.compile-limit"),
        "{}: {}",
        answer.text,
        host.log()
    );
    assert!(answered > 10, "{answered} calls were answered meanwhile");
    assert_eq!(directories.each_ref().map(|directory| files(directory)), before);
    assert_eq!(host.get("/v1/extensions").await.as_array().unwrap().len(), 2);
    wait_until("the compiler to be gone", async || children(host.process()).is_empty()).await;
    answer.message()
}

#[tokio::test]
async fn compiling_ends_at_its_wall_time() {
    let host = guests::host("[compile]\nwall-ms = 500").await;
    let begun = Instant::now();
    assert_eq!(over_the_limit(&host, hostile(20_000)).await, "compiling took longer than 500 ms");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn compiling_ends_at_its_cpu_time() {
    let host = guests::host("[compile]\ncpu-seconds = 1").await;
    let message = over_the_limit(&host, hostile(20_000)).await;
    assert_eq!(message, "compiling used more than 1 s of CPU or 2147483648 bytes of memory");
}

#[tokio::test]
async fn compiling_ends_at_its_memory() {
    let host = guests::host("[compile]\nmemory-bytes = 268435456").await;
    let message = over_the_limit(&host, hostile(60_000)).await;
    assert_eq!(message, "compiling used more than 20 s of CPU or 268435456 bytes of memory");
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_keep_the_compiler_from_ending() {
    let host = guests::host("[compile]\nwall-ms = 1000").await;
    let install = host.install_bytes(hostile(20_000));
    assert!(tokio::time::timeout(Duration::from_millis(300), install).await.is_err());
    wait_until("the compiler to be gone", async || children(host.process()).is_empty()).await;
    assert_eq!(trace(&tell(&host, "nothing").await, "misbehaving")["outcome"], "proceed");
}

#[tokio::test]
async fn a_killed_host_takes_its_compiler_with_it() {
    let host = guests::host("").await;
    let install = host.install_bytes(hostile(20_000));
    assert!(tokio::time::timeout(Duration::from_millis(500), install).await.is_err());
    let compiler = children(host.process());
    assert_eq!(compiler.len(), 1, "{compiler:?}");
    let process = rustix::process::Pid::from_raw(i32::try_from(host.process()).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    wait_until("the compiler to be gone", async || {
        !Path::new("/proc").join(&compiler[0]).join("exe").exists()
    })
    .await;
}

#[tokio::test]
async fn nesting_is_refused_before_anything_is_compiled() {
    let host = guests::host("").await;
    let mut component = wasm_encoder::Component::new();
    for _ in 0..5 {
        let mut outer = wasm_encoder::Component::new();
        outer.section(&wasm_encoder::NestedComponentSection(&component));
        component = outer;
    }
    let mut packed = ByHand { core: PROCEED, ..ByHand::default() }.packed("nested");
    wasm_encoder::ComponentSection::append_to_component(
        &wasm_encoder::NestedComponentSection(&component),
        &mut packed,
    );
    let answer = host.install_bytes(packed).await;
    assert_eq!(
        (answer.code().as_str(), answer.message().as_str()),
        ("component.invalid", "not a valid component: components nest more than 4 deep")
    );
}

#[tokio::test]
async fn a_hundred_thousand_blocks_in_one_another_are_refused() {
    let host = guests::host("").await;
    let depth = 100_000;
    let mut body = wasm_encoder::Function::new([]);
    for _ in 0..depth {
        body.instructions().block(wasm_encoder::BlockType::Empty);
    }
    for _ in 0..=depth {
        body.instructions().end();
    }
    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut codes = wasm_encoder::CodeSection::new();
    codes.function(&body);
    module.section(&types).section(&functions).section(&codes);
    let answer = host.install_bytes(with_module(&module.finish())).await;
    // The engine may take it or leave it; what matters is that the host stands.
    assert!(answer.status == 200 || answer.status == 422, "{}", answer.text);
    assert_eq!(trace(&tell(&host, "nothing").await, "misbehaving")["outcome"], "proceed");
}
