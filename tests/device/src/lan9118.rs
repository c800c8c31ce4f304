//! Driver for the LAN9118 Ethernet controller, as a [`phy::Device`].
//!
//! The one module that touches hardware, hence the one with `unsafe`.
#![allow(unsafe_code)]

use core::ptr;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

/// Longest Ethernet frame without its CRC.
const MAX_FRAME_LEN: usize = 1514;
const CRC_LEN: usize = 4;

/// Offsets of the registers, all of 32 bits.
#[derive(Clone, Copy)]
enum Register {
    RxData = 0x00,
    TxData = 0x20,
    RxStatus = 0x40,
    TxStatus = 0x48,
    IdRev = 0x50,
    IrqConfig = 0x54,
    IntStatus = 0x58,
    IntEnable = 0x5c,
    ByteTest = 0x64,
    FifoInt = 0x68,
    RxConfig = 0x6c,
    TxConfig = 0x70,
    HwConfig = 0x74,
    RxFifoInfo = 0x7c,
    TxFifoInfo = 0x80,
    MacCommand = 0xa4,
    MacData = 0xa8,
    AutoFlowControl = 0xac,
}
use Register::*;

/// Registers of the MAC, reached through `MacCommand` and `MacData`.
#[derive(Clone, Copy)]
enum MacRegister {
    Control = 1,
    AddressHigh = 2,
    AddressLow = 3,
}

const MAC_BUSY: u32 = 1 << 31;
const MAC_READ: u32 = 1 << 30;
const MAC_RX_ENABLE: u32 = 1 << 2;
const MAC_TX_ENABLE: u32 = 1 << 3;
const MAC_FULL_DUPLEX: u32 = 1 << 20;
const RX_ERROR: u32 = 1 << 15;
const TX_FIRST_AND_LAST_SEGMENT: u32 = 1 << 13 | 1 << 12;
const INT_RX_STATUS_LEVEL: u32 = 1 << 3;

/// The controller's line to the interrupt controller.
#[derive(Clone, Copy)]
struct Irq;

// SAFETY: 13 is the line of the Ethernet controller on every MPS2 board.
unsafe impl InterruptNumber for Irq {
    fn number(self) -> u16 {
        13
    }
}

/// What is wrong with the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Error {
    /// No LAN9118 answers at the address.
    NotFound,
}

struct Registers(*mut u32);

impl Registers {
    fn read(&mut self, register: Register) -> u32 {
        // SAFETY: the maker of `Registers` vouched for the address; every offset is inside the block.
        unsafe { ptr::read_volatile(self.0.byte_add(register as usize)) }
    }

    fn write(&mut self, register: Register, value: u32) {
        // SAFETY: as in `read`; no register of the controller makes it write to memory.
        unsafe { ptr::write_volatile(self.0.byte_add(register as usize), value) }
    }

    fn mac_read(&mut self, register: MacRegister) -> u32 {
        self.write(MacCommand, MAC_BUSY | MAC_READ | register as u32);
        while self.read(MacCommand) & MAC_BUSY != 0 {}
        self.read(MacData)
    }

    fn mac_write(&mut self, register: MacRegister, value: u32) {
        self.write(MacData, value);
        self.write(MacCommand, MAC_BUSY | register as u32);
        while self.read(MacCommand) & MAC_BUSY != 0 {}
    }
}

/// The controller, with room for one frame in each direction.
pub struct Lan9118 {
    registers: Registers,
    received: [u8; MAX_FRAME_LEN],
    to_send: [u8; MAX_FRAME_LEN],
}

impl Lan9118 {
    /// Reset and start the controller of an MPS2 board.
    ///
    /// # Safety
    /// Only once, only on a board that has the controller at this address, and with interrupts disabled: the
    /// controller's is to end a `wfi`, never to be taken.
    pub unsafe fn start() -> Result<Self, Error> {
        let mut registers = Registers(ptr::without_provenance_mut(0x4020_0000));
        if registers.read(ByteTest) != 0x8765_4321 || registers.read(IdRev) >> 16 != 0x0118 {
            return Err(Error::NotFound);
        }
        registers.write(HwConfig, 1);
        while registers.read(HwConfig) & 1 != 0 {}
        registers.write(HwConfig, 0x0005_0000); // 5 KiB of the FIFO memory to send
        registers.write(AutoFlowControl, 0x006e_3740);
        registers.write(IntStatus, u32::MAX);
        registers.write(FifoInt, 0x4800_0000); // an interrupt for every frame received
        registers.write(RxConfig, 0);
        registers.write(TxConfig, 6); // on, and no stop when the status FIFO is full
        registers.mac_write(MacRegister::Control, MAC_FULL_DUPLEX | MAC_RX_ENABLE | MAC_TX_ENABLE);
        registers.write(IrqConfig, 0x111); // push-pull, active high, enabled
        registers.write(IntEnable, INT_RX_STATUS_LEVEL);
        // SAFETY: the caller has disabled interrupts as a whole.
        unsafe { NVIC::unmask(Irq) };
        Ok(Self { registers, received: [0; MAX_FRAME_LEN], to_send: [0; MAX_FRAME_LEN] })
    }

    /// The address that the board came with.
    pub fn address(&mut self) -> EthernetAddress {
        let [a, b, c, d] = self.registers.mac_read(MacRegister::AddressLow).to_le_bytes();
        let [e, f, ..] = self.registers.mac_read(MacRegister::AddressHigh).to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    /// Clear the interrupt; to be called before frames are taken, so that one that comes later raises it again.
    pub fn acknowledge(&mut self) {
        self.registers.write(IntStatus, u32::MAX);
        NVIC::unpend(Irq);
    }

    /// Take the next good frame out of the FIFO into `received`.
    fn take_frame(&mut self) -> Option<usize> {
        while self.registers.read(RxFifoInfo) >> 16 & 0xff != 0 {
            let status = self.registers.read(RxStatus);
            let len = (status >> 16 & 0x3fff) as usize;
            let words = len.div_ceil(4);
            let fits = (CRC_LEN..=MAX_FRAME_LEN + CRC_LEN).contains(&len) && status & RX_ERROR == 0;
            let len = len.saturating_sub(CRC_LEN);
            let mut frame = self.received.get_mut(..len).filter(|_| fits).unwrap_or_default().chunks_mut(4);
            for _ in 0..words {
                let word = self.registers.read(RxData).to_le_bytes();
                if let Some(chunk) = frame.next() {
                    chunk.copy_from_slice(&word[..chunk.len()]);
                }
            }
            if fits {
                return Some(len);
            }
        }
        None
    }
}

impl phy::Device for Lan9118 {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let len = self.take_frame()?;
        let Self { registers, received, to_send } = self;
        Some((RxToken(received.get(..len)?), TxToken { registers, frame: to_send }))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        let room = (self.registers.read(TxFifoInfo) & 0xffff) as usize;
        let Self { registers, to_send, .. } = self;
        (room >= MAX_FRAME_LEN + 16).then_some(TxToken { registers, frame: to_send })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME_LEN;
        // Frames beyond the controller's FIFO are lost; smoltcp announces no larger TCP window than this.
        capabilities.max_burst_size = Some(4);
        capabilities
    }
}

/// A frame that came.
pub struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for a frame to go.
pub struct TxToken<'a> {
    registers: &'a mut Registers,
    frame: &'a mut [u8; MAX_FRAME_LEN],
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let frame = &mut self.frame[..len];
        let result = fill(frame);
        self.registers.write(TxData, TX_FIRST_AND_LAST_SEGMENT | len as u32);
        self.registers.write(TxData, len as u32);
        for chunk in frame.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.registers.write(TxData, u32::from_le_bytes(word));
        }
        while self.registers.read(TxFifoInfo) >> 16 & 0xff != 0 {
            self.registers.read(TxStatus);
        }
        result
    }
}
