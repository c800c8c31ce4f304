//! Instructions, counted by callgrind: this program runs itself under it.

use std::{env, error::Error, fs, process::Command};

/// Runs of a case that are counted: enough for whatever happens only now and then.
pub(crate) const RUNS: usize = 8;

/// Callgrind counts while this is on the stack, so it must stay a function.
#[inline(never)]
pub(crate) fn counted_by_callgrind(run: &mut dyn FnMut()) {
    for _ in 0..RUNS {
        run();
    }
}

/// Instructions that one contender takes for all runs of one case.
pub(crate) fn instructions(contender: &str, case: &str) -> Result<u64, Box<dyn Error>> {
    let report = env::temp_dir().join(format!("microws-callgrind-{}", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_by_callgrind*"])
        .arg(format!("--callgrind-out-file={}", report.display()))
        .arg(env::current_exe()?)
        .args(["--contender", contender, "--case", case, "--once"])
        .output()
        .map_err(|error| format!("valgrind does not start ({error}); it is a package of that name"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = fs::read_to_string(&report)?;
    fs::remove_file(&report)?;
    let total =
        text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind gave no total")?;
    Ok(total.trim().parse()?)
}
