//! A page and a WebSocket on a Pico W: a button that switches the board's LED. All who look at the page see it switched.
#![no_std]
#![no_main]

mod lamp;

use cyw43::{Control, JoinOptions, NetDriver, SpiBus, aligned_bytes};
use cyw43_pio::{DEFAULT_CLOCK_DIVIDER, PioSpi};
use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::{Stack, StackResources};
use embassy_rp::clocks::RoscRng;
use embassy_rp::gpio::{Level, Output};
use embassy_rp::peripherals::{DMA_CH0, PIO0};
use embassy_rp::pio::{self, Pio};
use embassy_rp::{bind_interrupts, dma};
use embassy_time::Timer;
use lamp::{CLIENTS, LAMP, serve};
use panic_probe as _;
use static_cell::StaticCell;

// Yours:
const NETWORK: &str = "the name of the Wi-Fi";
const PASSWORD: &str = "its password";

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>;
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
});

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_rp::init(Default::default());
    let (power, select) = (Output::new(p.PIN_23, Level::Low), Output::new(p.PIN_25, Level::High));
    let (mut pio, dma) = (Pio::new(p.PIO0, Irqs), dma::Channel::new(p.DMA_CH0, Irqs));
    let clock = DEFAULT_CLOCK_DIVIDER;
    let spi = PioSpi::new(&mut pio.common, pio.sm0, clock, pio.irq0, select, p.PIN_24, p.PIN_29, dma);

    let firmware = aligned_bytes!(concat!(env!("OUT_DIR"), "/43439A0.bin"));
    let nvram = aligned_bytes!(concat!(env!("OUT_DIR"), "/nvram_rp2040.bin"));
    static STATE: StaticCell<cyw43::State> = StaticCell::new();
    let state = STATE.init(cyw43::State::new());
    let (device, mut control, radio) = cyw43::new(state, power, spi, firmware, nvram).await;
    spawner.spawn(drive_radio(radio).unwrap());
    control.init(include_bytes!(concat!(env!("OUT_DIR"), "/43439A0_clm.bin"))).await;

    static RESOURCES: StaticCell<StackResources<{ CLIENTS + 1 }>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let config = embassy_net::Config::dhcpv4(Default::default());
    let (stack, network) = embassy_net::new(device, config, resources, RoscRng.next_u64());
    // Each task's memory, the buffers of its client included, is a static of its own; there is room for all.
    spawner.spawn(drive_network(network).unwrap());
    for _ in 0..CLIENTS {
        spawner.spawn(serve(stack).unwrap());
    }
    keep_joined(control, stack).await
}

/// Joins the Wi-Fi, again and again, and switches the LED, which hangs on the radio.
async fn keep_joined(mut control: Control<'_>, stack: Stack<'_>) -> ! {
    let mut lamp = LAMP.receiver().unwrap();
    loop {
        if control.join(NETWORK, JoinOptions::new(PASSWORD.as_bytes())).await.is_err() {
            defmt::warn!("can't join {}", NETWORK);
            Timer::after_secs(5).await;
            continue;
        }
        stack.wait_config_up().await;
        if let Some(config) = stack.config_v4() {
            defmt::info!("http://{}/", config.address.address());
        }
        while let Either::First(on) = select(lamp.changed(), stack.wait_link_down()).await {
            control.gpio_set(0, on).await;
        }
    }
}

#[embassy_executor::task]
async fn drive_radio(radio: cyw43::Runner<'static, SpiBus<Output<'static>, PioSpi<'static, PIO0, 0>>>) -> ! {
    radio.run().await
}

#[embassy_executor::task]
async fn drive_network(mut network: embassy_net::Runner<'static, NetDriver<'static>>) -> ! {
    network.run().await
}
