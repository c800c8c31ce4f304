//! An echo server for three clients on a W5500-EVB-Pico.
#![no_std]
#![no_main]

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_net::{Stack, StackResources, tcp};
use embassy_net_wiznet::chip::W5500;
use embassy_net_wiznet::{Device, Runner, State};
use embassy_rp::clocks::RoscRng;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, DMA_CH1, SPI0};
use embassy_rp::spi::{self, Async, Spi};
use embassy_rp::{bind_interrupts, dma};
use embassy_time::{Delay, Instant, Timer};
use embedded_hal_bus::spi::ExclusiveDevice;
use microws::io::{Error, asynch::WebSocket};
use microws::{Buffer, Config, Event, Session};
use panic_probe as _;
use static_cell::StaticCell;

const CLIENTS: usize = 3;
const PORT: u16 = 1740;

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>;
});

type SpiDevice = ExclusiveDevice<Spi<'static, SPI0, Async>, Output<'static>, Delay>;

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_rp::init(Default::default());
    let mut random = RoscRng;

    let mut config = spi::Config::default();
    config.frequency = 50_000_000;
    let spi = Spi::new(p.SPI0, p.PIN_18, p.PIN_19, p.PIN_16, p.DMA_CH0, p.DMA_CH1, Irqs, config);
    let Ok(spi) = ExclusiveDevice::new(spi, Output::new(p.PIN_17, Level::High), Delay);
    let (interrupt, reset) = (Input::new(p.PIN_21, Pull::Up), Output::new(p.PIN_20, Level::High));

    static STATE: StaticCell<State<4, 4>> = StaticCell::new();
    let address = [0x02, 0x00, 0x00, 0x00, 0x00, 0x01];
    let state = STATE.init(State::new());
    let Ok((device, ethernet)) = embassy_net_wiznet::new(address, state, spi, interrupt, reset).await else {
        panic!("no W5500");
    };

    static RESOURCES: StaticCell<StackResources<{ CLIENTS + 1 }>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let config = embassy_net::Config::dhcpv4(Default::default());
    let (stack, network) = embassy_net::new(device, config, resources, random.next_u64());

    // Each task's memory, the buffers of its client included, is a static of its own; there is room for all.
    spawner.spawn(drive_ethernet(ethernet).unwrap());
    spawner.spawn(drive_network(network).unwrap());
    for _ in 0..CLIENTS {
        spawner.spawn(serve(stack).unwrap());
    }
    stack.wait_config_up().await;
    if let Some(config) = stack.config_v4() {
        defmt::info!("ws://{}:{}/", config.address.address(), PORT);
    }
}

#[embassy_executor::task]
async fn drive_ethernet(runner: Runner<'static, W5500, SpiDevice, Input<'static>, Output<'static>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn drive_network(mut runner: embassy_net::Runner<'static, Device<'static>>) -> ! {
    runner.run().await
}

/// One client after the other.
#[embassy_executor::task(pool_size = CLIENTS)]
async fn serve(stack: Stack<'static>) -> ! {
    let (mut tcp_rx, mut tcp_tx) = ([0; 1024], [0; 1024]);
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    loop {
        let mut socket = TcpSocket::new(stack, &mut tcp_rx, &mut tcp_tx);
        socket.set_nagle_enabled(false);
        if socket.accept(PORT).await.is_ok() {
            // An error ends the connection, whatever it is: the client was told.
            if let Err(error) = echo(&mut socket, &mut rx, &mut tx).await {
                defmt::info!("{}", error);
            }
            socket.close();
            // The last segments get a moment to arrive; a client that is gone gets no more.
            _ = select(socket.flush(), Timer::after_secs(5)).await;
            socket.abort();
        }
    }
}

static CONFIG: Config<'static> = Config::new();

async fn echo(
    socket: &mut TcpSocket<'_>,
    rx: &mut [u8; 512],
    tx: &mut [u8; 512],
) -> Result<(), Error<tcp::Error>> {
    let (rx, tx) = (Buffer::new(rx), Buffer::new(tx));
    let mut socket =
        WebSocket::new(socket, rx, tx, Session::server(&CONFIG)).half_close(|socket| socket.close());
    loop {
        // A client that says nothing is pinged, and given up if it stays silent.
        let wait = socket.tick(Instant::now().as_millis() as u32);
        let deadline = Timer::after_millis(wait.unwrap_or(u32::MAX).into());
        match select(socket.recv(), deadline).await {
            // `recv` goes on where it was dropped.
            Either::First(received) => match received? {
                Some((Event::Chunk(c), reply)) => reply.send_fragment(c.kind, c.payload, c.fin).await?,
                Some(_) => {} // pings are answered, bad requests rejected, close frames exchanged
                None => return Ok(()),
            },
            Either::Second(()) => {} // `tick` does what is due
        }
    }
}
