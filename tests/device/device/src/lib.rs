//! What the sensor and the dashboard say, whatever runs them: a polling loop over smoltcp, or tasks over embassy-net.
//! It knows neither streams nor clocks.
#![no_std]

pub mod dashboard;
pub mod sensor;
