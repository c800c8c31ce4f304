//! Has the face of sha1_smol, and mixes bytes just enough that the optimizer can't do without.
#![no_std]

#[derive(Clone, Default)]
pub struct Sha1([u8; 20]);

impl Sha1 {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn update(&mut self, data: &[u8]) {
        for byte in data {
            for state in &mut self.0 {
                *state = state.wrapping_mul(31).wrapping_add(*byte);
            }
        }
    }

    pub fn digest(&self) -> Digest {
        Digest(self.0)
    }
}

pub struct Digest([u8; 20]);

impl Digest {
    pub fn bytes(&self) -> [u8; 20] {
        self.0
    }
}
