//! The board under the programs: a W5500-EVB-Pico, which has an RP2040 and Ethernet by a W5500, with its network up.
#![no_std]

use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_net_wiznet::chip::W5500;
use embassy_net_wiznet::{Device, Runner, State};
use embassy_rp::clocks::RoscRng;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, DMA_CH1, SPI0};
use embassy_rp::spi::{self, Async, Spi};
use embassy_rp::{bind_interrupts, dma};
use embassy_time::{Delay, Duration, Instant, Timer};
use embedded_hal_bus::spi::ExclusiveDevice;
use static_cell::StaticCell;

/// More than any of the programs needs, with one for DHCP.
const SOCKETS: usize = 9;

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>;
});

type SpiDevice = ExclusiveDevice<Spi<'static, SPI0, Async>, Output<'static>, Delay>;

/// Starts the network; its address comes by DHCP, later.
pub async fn start(spawner: Spawner) -> (Stack<'static>, RoscRng) {
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

    static RESOURCES: StaticCell<StackResources<SOCKETS>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let config = embassy_net::Config::dhcpv4(Default::default());
    let (stack, network) = embassy_net::new(device, config, resources, random.next_u64());
    spawner.spawn(drive_ethernet(ethernet).unwrap());
    spawner.spawn(drive_network(network).unwrap());
    (stack, random)
}

#[embassy_executor::task]
async fn drive_ethernet(runner: Runner<'static, W5500, SpiDevice, Input<'static>, Output<'static>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn drive_network(mut runner: embassy_net::Runner<'static, Device<'static>>) -> ! {
    runner.run().await
}

/// Milliseconds of the clock, as sessions want them.
pub fn now() -> u32 {
    Instant::now().as_millis() as u32
}

/// Ready when a session that says `wait` must be asked again.
pub fn timer(wait: Option<u32>) -> Timer {
    Timer::after(Duration::from_millis(wait.unwrap_or(u32::MAX).into()))
}
