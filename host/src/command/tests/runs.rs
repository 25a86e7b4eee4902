//! What becomes of what is run, with real programs.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::*;

/// How long something may take that happens; a bound for a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until there is no such process, or nothing of it but its number.
async fn gone(pid: &str) {
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    let begun = Instant::now();
    let dead = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    while !dead() {
        assert!(begun.elapsed() < PATIENCE, "{pid} lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a line in a file.
async fn line(path: &Path) -> String {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text.trim().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "nothing in {}", path.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn values_arrive_as_they_are() {
    let commands = tool(
        "program = '/usr/bin/printf'\narguments = ['%s|%s', '{a}', 'x{a}']\n\
         [command.tool.parameters]\na = '(?s).*'",
    );
    let value = "$(id) `id` ; & | > * ? ~ \\ ' \" {a} %s \u{e9}\n\t";
    assert_eq!(output(&commands, plain(&[("a", value)])).await, format!("{value}|x{value}"));
}

#[tokio::test]
async fn the_standard_input_is_filled_in_and_closed() {
    let commands =
        tool("program = '/bin/cat'\nstdin = \"{a}\\n{a}\\n\"\n[command.tool.parameters]\na = '.*'");
    let secret = vec![("a".to_owned(), Argument::Secret(b"canary".to_vec()))];
    assert_eq!(output(&commands, secret).await, "canary\ncanary\n");
}

#[tokio::test]
async fn without_a_standard_input_there_is_an_empty_one() {
    assert_eq!(output(&tool("program = '/bin/cat'"), plain(&[])).await, "");
}

#[tokio::test]
async fn the_environment_is_the_operators_and_nothing_else() {
    let commands =
        tool("program = '/usr/bin/env'\nenvironment = { LANG = 'C', BY = '{causation}' }");
    assert_eq!(output(&commands, plain(&[])).await, "BY=one/1,two/2\nLANG=C\n");
    assert_eq!(output(&tool("program = '/usr/bin/env'"), plain(&[])).await, "");
}

#[tokio::test]
async fn it_runs_in_the_directory_given_or_in_the_root() {
    let pwd = "program = '/bin/pwd'\n";
    assert_eq!(output(&tool(pwd), plain(&[])).await, "/\n");
    assert_eq!(output(&tool(&format!("{pwd}directory = '/usr'")), plain(&[])).await, "/usr\n");
}

#[tokio::test]
async fn a_launcher_stands_before_the_program() {
    let commands = tool(
        "program = '/usr/bin/env'\nlauncher = ['/usr/bin/env', 'AS={run-as}']\nrun-as = 'nobody'",
    );
    assert_eq!(output(&commands, plain(&[])).await, "AS=nobody\n");
}

#[tokio::test]
async fn it_does_not_get_what_the_host_has_open() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let open = output(&script("ls -l /proc/$$/fd", ""), plain(&[])).await;
    assert!(open.contains(" 0 -> ") && open.contains(" 2 -> "), "{open}");
    assert!(!open.contains(file.path().to_str().unwrap()), "{open}");
}

#[tokio::test]
async fn an_exit_code_and_a_signal_are_told() {
    let ending = async |text: &str| run(&script(text, ""), plain(&[])).await.unwrap().ending;
    assert_eq!(ending("exit 3").await, Ending::Exited(3));
    assert_eq!(ending("kill -TERM $$").await, Ending::Killed(15));
}

#[tokio::test]
async fn both_outputs_are_kept_apart() {
    let output = run(&script("echo out; echo err >&2", ""), plain(&[])).await.unwrap();
    assert_eq!((&*output.stdout.bytes, &*output.stderr.bytes), (&b"out\n"[..], &b"err\n"[..]));
}

#[tokio::test]
async fn a_program_that_is_not_there_could_not_be_started() {
    let error = run(&tool("program = '/nowhere/tool'"), plain(&[])).await.unwrap_err();
    let text = "`/nowhere/tool` could not be started: No such file or directory (os error 2)";
    assert_eq!(error, CommandError::NotStarted(text.into()));
}

#[tokio::test]
async fn a_flood_is_cut_and_the_program_goes_on_to_its_end() {
    let flood = "head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2; exit 7";
    let output =
        run(&script(flood, "timeout-ms = 60000\noutput-bytes = 1000"), plain(&[])).await.unwrap();
    assert_eq!(output.ending, Ending::Exited(7));
    for kept in [output.stdout, output.stderr] {
        assert_eq!((kept.bytes.len(), kept.dropped), (1_000, 99_999_000));
    }
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_not_waited_for() {
    let big = "x".repeat(MAX_VALUE_BYTES);
    let rest = "stdin = '{a}{a}{a}{a}'\n[command.tool.parameters]\na = '.*'";
    let commands = script("echo done", rest);
    assert_eq!(output(&commands, plain(&[("a", &big)])).await, "done\n");
}

#[tokio::test]
async fn a_program_that_closes_everything_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("done");
    let text = format!("exec <&- >&- 2>&-; sleep 0.2; echo > {}", file.display());
    run(&script(&text, ""), plain(&[])).await.unwrap();
    assert!(file.exists());
}

#[tokio::test]
async fn one_that_takes_too_long_is_killed_with_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pids");
    let text = format!("sleep 1000 & echo $$ $! > {}; wait", file.display());
    let commands = script(&text, "timeout-ms = 3000");
    let error = run(&commands, plain(&[])).await.unwrap_err();
    assert_eq!(error, CommandError::Timeout(Duration::from_secs(3)));
    for pid in line(&file).await.split(' ') {
        gone(pid).await;
    }
}

#[tokio::test]
async fn one_that_ignores_every_signal_is_killed_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let text =
        format!("trap : HUP INT TERM; echo $$ > {}; while :; do sleep 1; done", file.display());
    let error = run(&script(&text, "timeout-ms = 500"), plain(&[])).await.unwrap_err();
    assert_eq!(error, CommandError::Timeout(Duration::from_millis(500)));
    gone(&line(&file).await).await;
}

#[tokio::test]
async fn what_a_program_leaves_running_is_killed_when_it_ends() {
    let pid = output(&script("sleep 1000 & echo $!", ""), plain(&[])).await;
    gone(&pid).await;
}

#[tokio::test]
async fn one_that_left_the_group_is_not_waited_for() {
    let text = "setsid sleep 1000 & echo $!";
    let pid = output(&script(text, "environment = { PATH = '/usr/bin:/bin' }"), plain(&[])).await;
    let left = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    // It is this test's to end, if it got away before its group was killed.
    let _ = kill_process(left, Signal::KILL);
    gone(&pid).await;
}

#[tokio::test]
async fn one_whose_caller_leaves_is_killed_with_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pids");
    let text = format!("sleep 1000 & echo $$ $! > {}; wait", file.display());
    let commands = script(&text, "timeout-ms = 60000");
    let running = tokio::spawn(async move { run(&commands, plain(&[])).await });
    let pids = line(&file).await;
    running.abort();
    for pid in pids.split(' ') {
        gone(pid).await;
    }
}

#[tokio::test]
async fn more_at_one_time_than_allowed_wait_and_are_refused_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let slow = format!("echo $$ > {}; sleep 1000", file.display());
    let commands = Arc::new(
        commands(&format!(
            "[commands]\nconcurrent = 1\n\
             [command.slow]\nprogram = '/bin/sh'\narguments = ['-c', '{slow}']\n\
             [command.tool]\nprogram = '/bin/true'\ntimeout-ms = 100"
        ))
        .unwrap(),
    );
    let busy = commands.clone();
    let slow = tokio::spawn(async move {
        let ready = busy.get("slow").unwrap().with(Vec::new(), String::new())?;
        busy.run(ready).await
    });
    line(&file).await;
    let refused = run(&commands, plain(&[])).await;
    slow.abort();
    assert_eq!(refused, Err(CommandError::Limited("`commands.concurrent` is 1".into())));
}
