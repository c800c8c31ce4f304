//! A remote switch on a NUCLEO-H743ZI: it dials a server, tells it each press of the button, lights its LED as the server
//! says, and comes back after everything that can happen. With an echo server the button switches the LED.
#![no_std]
#![no_main]

mod switch;

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_net::StackResources;
use embassy_stm32::eth::{Ethernet, GenericPhy, PacketQueue, Sma};
use embassy_stm32::exti::ExtiInput;
use embassy_stm32::gpio::{Level, Output, Pull, Speed};
use embassy_stm32::peripherals::{ETH, ETH_SMA, RNG};
use embassy_stm32::rng::Rng;
use embassy_stm32::{bind_interrupts, eth, exti, interrupt, rcc, rng};
use panic_probe as _;
use static_cell::StaticCell;

/// Of the Ethernet controller: each device its own.
const ADDRESS: [u8; 6] = [0x02, 0x00, 0x00, 0x00, 0x00, 0x02];

type Device = Ethernet<'static, ETH, GenericPhy<Sma<'static, ETH_SMA>>>;

bind_interrupts!(struct Irqs {
    ETH => eth::InterruptHandler;
    EXTI15_10 => exti::InterruptHandler<interrupt::typelevel::EXTI15_10>;
    RNG => rng::InterruptHandler<RNG>;
});

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_stm32::init(clocks());
    let mut random = Rng::new(p.RNG, Irqs);
    let mut led = Output::new(p.PB0, Level::Low, Speed::Low);
    let mut button = ExtiInput::new(p.PC13, p.EXTI13, Pull::Down, Irqs);

    static PACKETS: StaticCell<PacketQueue<4, 4>> = StaticCell::new();
    let device = Ethernet::new(
        PACKETS.init_with(PacketQueue::new),
        p.ETH,
        Irqs,
        p.PA1,
        p.PA7,
        p.PC4,
        p.PC5,
        p.PG13,
        p.PB13,
        p.PG11,
        ADDRESS,
        p.ETH_SMA,
        p.PA2,
        p.PC1,
    );
    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let config = embassy_net::Config::dhcpv4(Default::default());
    let (stack, network) = embassy_net::new(device, config, resources, random.next_u64());
    spawner.spawn(drive_network(network).unwrap());

    switch::run(stack, &mut random, &mut button, &mut led).await
}

#[embassy_executor::task]
async fn drive_network(mut network: embassy_net::Runner<'static, Device>) -> ! {
    network.run().await
}

/// 400 MHz for the core, 200 MHz for the buses that the Ethernet controller is on, 48 MHz for the random numbers.
fn clocks() -> embassy_stm32::Config {
    use rcc::{AHBPrescaler, APBPrescaler, Hsi48Config, Pll, PllDiv, PllMul, PllPreDiv, PllSource};
    let mut config = embassy_stm32::Config::default();
    let rcc = &mut config.rcc;
    rcc.hsi48 = Some(Hsi48Config::default());
    rcc.pll1 = Some(Pll {
        source: PllSource::HSI,
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL50,
        fracn: None,
        divp: Some(PllDiv::DIV2),
        divq: None,
        divr: None,
    });
    rcc.sys = rcc::Sysclk::PLL1_P;
    rcc.ahb_pre = AHBPrescaler::DIV2;
    (rcc.apb1_pre, rcc.apb2_pre) = (APBPrescaler::DIV2, APBPrescaler::DIV2);
    (rcc.apb3_pre, rcc.apb4_pre) = (APBPrescaler::DIV2, APBPrescaler::DIV2);
    rcc.voltage_scale = rcc::VoltageScale::Scale1;
    config
}
