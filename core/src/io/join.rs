//! [`Join`]: two halves as one stream.

/// A reader and a writer as one stream, as a stack or a TLS library splits them.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_structs, reason = "two halves make a whole")]
pub struct Join<R, W> {
    /// The half that is read.
    pub reader: R,
    /// The half that is written.
    pub writer: W,
}

// Both crates have the same trait.
#[cfg(feature = "embedded-io")]
use embedded_io::ErrorType;
#[cfg(not(feature = "embedded-io"))]
use embedded_io_async::ErrorType;

impl<R: ErrorType, W> ErrorType for Join<R, W> {
    type Error = R::Error;
}

#[cfg(feature = "embedded-io")]
mod blocking {
    use embedded_io::{ErrorType, Read, Write};

    use super::Join;

    impl<R: Read, W> Read for Join<R, W> {
        fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
            self.reader.read(buf)
        }
    }

    impl<R: ErrorType, W: Write<Error = R::Error>> Write for Join<R, W> {
        fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
            self.writer.write(buf)
        }

        fn flush(&mut self) -> Result<(), Self::Error> {
            self.writer.flush()
        }
    }
}

#[cfg(feature = "embedded-io-async")]
mod asynch {
    use embedded_io_async::{ErrorType, Read, Write};

    use super::Join;

    impl<R: Read, W> Read for Join<R, W> {
        async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
            self.reader.read(buf).await
        }
    }

    impl<R: ErrorType, W: Write<Error = R::Error>> Write for Join<R, W> {
        async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
            self.writer.write(buf).await
        }

        async fn flush(&mut self) -> Result<(), Self::Error> {
            self.writer.flush().await
        }
    }
}
