//! All kinds of clients at once, for as long as it is asked for.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use microws_tests::frames::{frame, header};
use microws_tests::process::Signal;
use microws_tests::raw::{KEY, close_payload};

use crate::attack::{ServerUnderTest, Verdict, ensure};
use crate::floods::flooders;
use crate::socketio::{BURST, Crowd};

/// Memory at the end may be this much above what it was when all clients had come, in KiB.
const GROWTH: u64 = 2048;

type Outcome = Result<(), String>;

/// Runs the mix and prints samples; answers a remark with the figures.
pub(crate) fn soak(server: &ServerUnderTest, seconds: u64) -> Verdict {
    let (stop, rounds) = (&AtomicBool::new(false), &AtomicU64::new(0));
    let going = || !stop.load(Ordering::Relaxed);
    let count = || rounds.fetch_add(1, Ordering::Relaxed);
    let door = &server.door;
    let open = move || door.open().map_err(|error| error.to_string());
    let mut flooding = flooders(server, 20)?;
    let mut idle = (0..1000).map(|_| server.open()).collect::<Result<Vec<_>, _>>()?;
    let mut crowd = Crowd::open(&server.door)?;
    let mut samples: Vec<u64> = Vec::new();
    let mut slowest = Duration::ZERO;
    let started = Instant::now();
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let clients = [
            // Floods of small frames and large ones.
            scope.spawn(move || -> Outcome {
                let mut space = vec![0; 1 << 18];
                while going() {
                    for flooder in &mut flooding {
                        flooder.go(&mut space).map_err(|error| error.to_string())?;
                    }
                }
                Ok(())
            }),
            // Messages of all sizes.
            scope.spawn(move || -> Outcome {
                let mut random = fastrand::Rng::with_seed(7);
                let mut client = open()?;
                while going() {
                    let len = 1usize << random.u32(0..16);
                    let mut message = vec![0; random.usize(0..len * 2)];
                    random.fill(&mut message);
                    client.try_echo(&message).map_err(|error| format!("an echo of {len}: {error}"))?;
                    count();
                }
                Ok(())
            }),
            // Clients that come and go, in every way.
            scope.spawn(move || -> Outcome {
                let mut random = fastrand::Rng::with_seed(8);
                while going() {
                    let mut client = open()?;
                    client.try_echo(b"briefly").map_err(|error| format!("a brief echo: {error}"))?;
                    match random.u8(0..5) {
                        0 => client.reset(),
                        1 => drop(client),
                        2 => {
                            client.try_send(b"\xff\xff\xff").map_err(|error| error.to_string())?;
                            client.try_closed().map_err(|error| format!("a fault: {error}"))?;
                        }
                        3 => {
                            client
                                .try_send(&header(0x82, KEY, 1 << 30))
                                .map_err(|error| error.to_string())?;
                            let _ = client.try_send(&[0; 30_000]);
                        }
                        _ => {
                            let close = frame(0x88, KEY, &close_payload(1000, "bye"));
                            client.try_send(&close).map_err(|error| error.to_string())?;
                            client.try_closed().map_err(|error| format!("a close: {error}"))?;
                        }
                    }
                    count();
                }
                Ok(())
            }),
            // Sessions of Socket.IO, over polling and over WebSocket.
            scope.spawn(move || -> Outcome {
                while going() {
                    crowd.round(BURST).map_err(|error| format!("Socket.IO: {error}"))?;
                    count();
                }
                Ok(())
            }),
            // Clients that do not read, until they are dropped.
            scope.spawn(move || -> Outcome {
                while going() {
                    let mut client = door.narrow().map_err(|error| error.to_string())?;
                    client.upgrade();
                    while going() && client.try_send(&frame(0x82, KEY, &[0; 20_000])).is_ok() {}
                    count();
                }
                Ok(())
            }),
        ];
        let mut watch = || -> Result<(), Box<dyn Error>> {
            let every = Duration::from_secs((seconds / 60).max(1));
            let mut next = every;
            println!(
                "{:>8} {:>12} {:>8} {:>14} {:>12}",
                "seconds", "memory, KiB", "files", "rounds", "echo, ms"
            );
            while started.elapsed() < Duration::from_secs(seconds) {
                slowest = slowest.max(server.well_behaved()?);
                for client in idle.iter_mut().take(10) {
                    client.try_echo(b"not idle")?;
                }
                idle.rotate_left(10);
                if let Some(client) = clients.iter().position(thread::ScopedJoinHandle::is_finished) {
                    return Err(format!("client {client} of the mix ended").into());
                }
                if started.elapsed() >= next {
                    next += every;
                    samples.push(server.memory());
                    println!(
                        "{:>8} {:>12} {:>8} {:>14} {:>12.1}",
                        started.elapsed().as_secs(),
                        samples.last().unwrap_or(&0),
                        server.echo.open_files(),
                        rounds.load(Ordering::Relaxed),
                        slowest.as_secs_f64() * 1e3
                    );
                }
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        };
        let watched = watch();
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| "a client panicked")??;
        }
        watched
    })?;
    server.echo.signal(Signal::USR1);
    println!("{}", server.echo.says("status: "));
    // The first samples are of the time when buffers and tables grow to what the mix needs.
    let settled = samples.len() / 5;
    let (first, last) = (samples.get(settled), samples.last());
    let (Some(first), Some(last)) = (first, last) else { return Err("too short to sample".into()) };
    let most = samples.iter().max().unwrap_or(last);
    ensure(*last <= first + GROWTH, format!("memory grew from {first} to {last} KiB"))?;
    Ok(format!(
        "memory {first} KiB when settled, {last} KiB at the end, {most} KiB at most; the slowest echo {:.1} ms",
        slowest.as_secs_f64() * 1e3
    ))
}
