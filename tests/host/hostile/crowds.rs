//! Attacks by many connections.

use std::time::Instant;

use microws_tests::frames::frame;
use microws_tests::process::wait_until;
use microws_tests::raw::{KEY, REQUEST};

use crate::attack::{Attack, ensure};

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::long("10,000 connects and disconnects without a word", |server| {
            let started = Instant::now();
            for n in 0..10_000 {
                let client = server.tcp()?;
                // Every other one ends with a reset.
                if n % 2 == 0 {
                    client.reset();
                }
            }
            Ok(format!("{:.0} a second", 10_000.0 / started.elapsed().as_secs_f64()))
        }),
        Attack::long("10,000 clients that open, echo and leave without a close", |server| {
            let started = Instant::now();
            for n in 0..10_000 {
                let mut client = server.open()?;
                client.try_echo(b"x")?;
                if n % 2 == 0 {
                    client.reset();
                }
            }
            Ok(format!("{:.0} a second", 10_000.0 / started.elapsed().as_secs_f64()))
        }),
        Attack::long("5,000 idle connections", |server| {
            let before = server.memory();
            let mut clients = Vec::new();
            for _ in 0..5_000 {
                clients.push(server.open()?);
            }
            let each = server.memory().saturating_sub(before) * 1024 / 5_000;
            let slowest =
                (0..100).map(|_| server.well_behaved()).collect::<Result<Vec<_>, _>>()?.into_iter().max();
            for client in &mut clients {
                client.try_echo(b"idle no more")?;
            }
            ensure(each <= server.most_each(), format!("{each} bytes each"))?;
            let slowest = slowest.unwrap_or_default().as_secs_f64() * 1e3;
            Ok(format!("{each} bytes each; an echo beside them took {slowest:.1} ms at most"))
        }),
        Attack::long("5,000 connections that stop in the middle of a frame's header", |server| {
            let before = server.memory();
            let mut clients = Vec::new();
            for _ in 0..5_000 {
                let mut client = server.open()?;
                // The longest control frame without its last byte.
                let ping = frame(0x89, KEY, &[1; 125]);
                client.try_send(&ping[..ping.len() - 1])?;
                clients.push(client);
            }
            server.well_behaved()?;
            let each = server.memory().saturating_sub(before) * 1024 / 5_000;
            ensure(each <= server.most_each() + 512, format!("{each} bytes each"))?;
            Ok(format!("{each} bytes each"))
        }),
        Attack::long("no files left", |server| {
            let files = server.echo.open_files() as u64;
            let limit = server.echo.limit_files(files + 20);
            let result = (|| {
                let mut clients = Vec::new();
                for _ in 0..200 {
                    let mut client = server.door.wait()?;
                    client.try_send(REQUEST)?;
                    clients.push(client);
                }
                server.echo.says("cannot accept");
                server.well_behaved()?;
                // A client that leaves makes room for the next; those that came first are served first.
                for mut client in clients {
                    let status = client.head()?.status;
                    ensure(status == 101, format!("status {status}"))?;
                    client.try_echo(b"at last")?;
                }
                server.newcomer()?;
                Ok("all 200 served in turn".to_owned())
            })();
            server.echo.limit_files(limit);
            result
        }),
        Attack::long("200 pages asked for and not read", |server| {
            let files = server.echo.open_files();
            let mut clients = Vec::new();
            for _ in 0..200 {
                let mut client = server.door.narrow()?;
                client.try_send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")?;
                clients.push(client);
            }
            server.well_behaved()?;
            // After the close or write timeout, while the clients stay.
            wait_until("they are dropped", || (server.echo.open_files() <= files).then_some(()));
            Ok("dropped in time".into())
        }),
    ]
}
