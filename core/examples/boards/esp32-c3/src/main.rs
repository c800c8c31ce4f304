//! A sensor on an ESP32-C3: it joins a Wi-Fi, dials a server, sends the chip's temperature every second, and comes back
//! after everything that can happen.
#![no_std]
#![no_main]

mod sensor;

use embassy_executor::Spawner;
use embassy_net::{Runner, StackResources};
use embassy_time::Timer;
use esp_backtrace as _;
use esp_hal::clock::CpuClock;
use esp_hal::rng::Rng;
use esp_hal::timer::timg::TimerGroup;
use esp_hal::tsens::{self, TemperatureSensor};
use esp_println::println;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{AuthenticationMethodConfig, ControllerConfig, Interface, WifiController};
use static_cell::StaticCell;

// Yours:
const NETWORK: &str = "the name of the Wi-Fi";
const PASSWORD: &str = "its password";

esp_bootloader_esp_idf::esp_app_desc!();

#[esp_rtos::main]
async fn main(spawner: Spawner) -> ! {
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    // For the radio's driver.
    esp_alloc::heap_allocator!(size: 100 * 1024);
    esp_rtos::start(TimerGroup::new(p.TIMG0).timer0, p.FROM_CPU_INTR0);

    let password = AuthenticationMethodConfig::Wpa2Personal(PASSWORD.try_into().unwrap());
    let station =
        StationConfig::default().with_ssid(NETWORK.try_into().unwrap()).with_authentication(password);
    let config = ControllerConfig::default().with_initial_config(esp_radio::wifi::Config::Station(station));
    let radio = WifiController::new(p.WIFI, config).unwrap();

    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let config = embassy_net::Config::dhcpv4(Default::default());
    let seed = u64::from(Rng::new().random());
    let (stack, network) = embassy_net::new(Interface::station(), config, resources, seed);
    spawner.spawn(keep_joined(radio).unwrap());
    spawner.spawn(drive_network(network).unwrap());

    let sensor = TemperatureSensor::new(p.TSENS, tsens::Config::default()).unwrap();
    sensor::run(stack, &sensor).await
}

#[embassy_executor::task]
async fn keep_joined(mut radio: WifiController<'static>) -> ! {
    loop {
        match radio.connect_async().await {
            Ok(_) => {
                println!("joined {NETWORK}");
                _ = radio.wait_for_disconnect_async().await;
            }
            Err(error) => println!("{NETWORK}: {error:?}"),
        }
        Timer::after_secs(5).await;
    }
}

#[embassy_executor::task]
async fn drive_network(mut network: Runner<'static, Interface>) -> ! {
    network.run().await
}
