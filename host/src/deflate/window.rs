//! What a client sent last: its later messages may refer to it (RFC 7692 section 7.1.1).

/// Bytes that a distance can reach back.
pub(super) const SIZE: usize = 1 << 15;

/// The last 32 KiB.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Box<[u8; SIZE]>,
    /// Where the next byte goes.
    at: usize,
    /// There are bytes all around.
    full: bool,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { bytes: Box::new([0; SIZE]), at: 0, full: false }
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(SIZE)..];
        let (first, second) = bytes.split_at(bytes.len().min(SIZE - self.at));
        self.bytes[self.at..][..first.len()].copy_from_slice(first);
        self.bytes[..second.len()].copy_from_slice(second);
        self.full |= self.at + bytes.len() >= SIZE;
        self.at = (self.at + bytes.len()) % SIZE;
    }

    /// The bytes in their order.
    pub(super) fn slices(&self) -> [&[u8]; 2] {
        let (newer, older) = self.bytes.split_at(self.at);
        if self.full { [older, newer] } else { [&[], newer] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_last_bytes_in_their_order_whatever_came_at_a_time() {
        let (mut window, mut all) = (Window::new(), Vec::new());
        for (i, len) in [0, 1, 1000, 500, SIZE - 1501, 1, SIZE, SIZE + 7, 3 * SIZE, 5].into_iter().enumerate()
        {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 3 + i) as u8).collect();
            window.extend(&bytes);
            all.extend(bytes);
            let last = &all[all.len().saturating_sub(SIZE)..];
            assert!(window.slices().concat() == last, "after {len} more");
        }
    }
}
