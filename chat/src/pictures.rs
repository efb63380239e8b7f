//! Pictures that people send, made anew pixel by pixel: what else stood in their files (where they were taken, by what, other files) is gone.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use model::chat::{FileType, Picture};
use model::limits::{PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, THUMBNAIL_HEIGHT_MAX, THUMBNAIL_WIDTH_MAX};

use crate::{Refused, Result};

/// First bytes of a file that tell whether it is a picture.
pub const HEAD_BYTES: usize = 12;
/// What is decoded of a picture takes no more, whatever its header says: four bytes a pixel, and as much beside.
const DECODED_BYTES_MAX: u64 = PICTURE_PIXELS_MAX * 8;
const JPEG_QUALITY: u8 = 85;
const THUMBNAIL_QUALITY: u8 = 80;

const TOO_MANY_PIXELS: Refused =
    Refused::Limit { what: "pixels in a picture", max: PICTURE_PIXELS_MAX as usize };

/// A picture as it is kept.
pub struct Remade {
    /// The thumbnail behind the picture.
    pub bytes: Vec<u8>,
    pub file_type: FileType,
    pub picture: Picture,
}

impl Remade {
    /// Bytes of the picture alone.
    pub fn own_bytes(&self) -> u64 {
        self.bytes.len() as u64 - self.picture.thumbnail
    }
}

/// What the bytes begin as, by their content. None: no picture that is looked into.
pub fn format(head: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(head).ok()?;
    let is_known =
        matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP);
    is_known.then_some(format)
}

/// None: it only begins like one. Limit past `PICTURE_SIDE_MAX` or `PICTURE_PIXELS_MAX`, by its header, before anything is decoded. Takes up to
/// seconds of computing.
pub fn remake(bytes: &[u8], format: ImageFormat) -> Result<Option<Remade>> {
    let (width, height) = match reader(bytes, format).into_dimensions() {
        Ok(size) => size,
        Err(ImageError::Limits(_)) => return Err(TOO_MANY_PIXELS),
        Err(_) => return Ok(None),
    };
    if width.max(height) > PICTURE_SIDE_MAX {
        return Err(Refused::Limit {
            what: "pixels in the width or height of a picture",
            max: PICTURE_SIDE_MAX as usize,
        });
    }
    if u64::from(width) * u64::from(height) > PICTURE_PIXELS_MAX {
        return Err(TOO_MANY_PIXELS);
    }
    let remade = decode(bytes, format).and_then(|image| encode(&image, format));
    Ok(remade.inspect_err(|error| tracing::debug!(%error, "a picture cannot be read")).ok())
}

fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    reader.limits(limits);
    reader
}

/// Of several frames the first. Turned as the camera says that it was held.
fn decode(bytes: &[u8], format: ImageFormat) -> std::result::Result<DynamicImage, ImageError> {
    let mut decoder = reader(bytes, format).into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    // Eight bits a channel, with or without transparency: nothing else is written.
    let is_opaque = !image.color().has_alpha();
    Ok(if is_opaque { image.into_rgb8().into() } else { image.into_rgba8().into() })
}

fn encode(image: &DynamicImage, from: ImageFormat) -> std::result::Result<Remade, ImageError> {
    let (width, height) = (image.width(), image.height());
    let mut file_type = if from == ImageFormat::Jpeg { FileType::Jpeg } else { FileType::Png };
    let mut bytes = Vec::new();
    write(image, file_type, JPEG_QUALITY, &mut bytes)?;
    if file_type == FileType::Png && !image.color().has_alpha() {
        let mut photograph = Vec::new();
        write(image, FileType::Jpeg, JPEG_QUALITY, &mut photograph)?;
        // Drawings are smaller without loss, photographs with some.
        if photograph.len() < bytes.len() / 2 {
            (bytes, file_type) = (photograph, FileType::Jpeg);
        }
    }
    let own = bytes.len();
    if width > THUMBNAIL_WIDTH_MAX || height > THUMBNAIL_HEIGHT_MAX {
        let (width, height) = fitted(width, height);
        let small = image.thumbnail_exact(width, height);
        write(&small, file_type, THUMBNAIL_QUALITY, &mut bytes)?;
    }
    let thumbnail = (bytes.len() - own) as u64;
    Ok(Remade { bytes, file_type, picture: Picture { width, height, thumbnail } })
}

/// The size of a picture's thumbnail: as it is, or in the box for thumbnails.
pub fn fitted(width: u32, height: u32) -> (u32, u32) {
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (most_wide, most_high) = (u64::from(THUMBNAIL_WIDTH_MAX), u64::from(THUMBNAIL_HEIGHT_MAX));
    let (wide, high) = match () {
        () if width <= most_wide && height <= most_high => (width, height),
        () if width * most_high >= height * most_wide => (most_wide, height * most_wide / width),
        () => (width * most_high / height, most_high),
    };
    (wide.max(1) as u32, high.max(1) as u32)
}

fn write(
    image: &DynamicImage,
    file_type: FileType,
    quality: u8,
    to: &mut Vec<u8>,
) -> std::result::Result<(), ImageError> {
    match file_type {
        FileType::Jpeg => image.write_with_encoder(JpegEncoder::new_with_quality(to, quality)),
        _ => {
            let mut png = Vec::new();
            image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
            to.append(&mut png);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    fn noise(width: u32, height: u32) -> DynamicImage {
        let mut rng = fastrand::Rng::with_seed(7);
        RgbImage::from_fn(width, height, |_, _| Rgb([rng.u8(..), rng.u8(..), rng.u8(..)])).into()
    }

    fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn contains(bytes: &[u8], text: &[u8]) -> bool {
        bytes.windows(text.len()).any(|window| window == text)
    }

    #[test]
    fn every_kind_of_picture_is_made_anew_with_its_size_and_a_thumbnail_that_fits() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let bytes = written(&noise(1_000, 50), format);
            assert_eq!(super::format(&bytes[..HEAD_BYTES]), Some(format));
            let remade = remake(&bytes, format).unwrap().unwrap();
            let Picture { width, height, thumbnail } = remade.picture;
            assert_eq!((width, height), (1_000, 50), "{format:?}");
            let (own, small) = remade.bytes.split_at(remade.own_bytes() as usize);
            assert_eq!(small.len() as u64, thumbnail);
            let small = image::load_from_memory(small).unwrap();
            assert_eq!((small.width(), small.height()), (800, 40));
            assert_eq!(image::load_from_memory(own).unwrap().width(), 1_000);
        }
    }

    #[test]
    fn a_small_picture_is_its_own_thumbnail_and_transparency_stays() {
        let clear: DynamicImage = RgbaImage::from_pixel(800, 600, Rgba([1, 2, 3, 0])).into();
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let remade = remake(&written(&clear, format), format).unwrap().unwrap();
            assert_eq!((remade.picture.thumbnail, remade.file_type), (0, FileType::Png));
            assert_eq!(
                image::load_from_memory(&remade.bytes).unwrap().to_rgba8()[(0, 0)],
                Rgba([1, 2, 3, 0])
            );
        }
    }

    #[test]
    fn what_stands_beside_the_pixels_is_gone_and_the_picture_is_turned_as_it_was_held() {
        let jpeg = written(&noise(40, 20), ImageFormat::Jpeg);
        // EXIF: orientation 6, and a text; then everything else of the picture; then another file behind it.
        let mut exif =
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0GPS 48.85 2.35".to_vec();
        let length = (exif.len() + 2) as u16;
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1];
        bytes.extend(length.to_be_bytes());
        bytes.append(&mut exif);
        bytes.extend(&jpeg[2..]);
        bytes.extend(b"<script>alert(1)</script>");
        let remade = remake(&bytes, ImageFormat::Jpeg).unwrap().unwrap();
        assert_eq!((remade.picture.width, remade.picture.height), (20, 40));
        for text in [&b"GPS"[..], b"Exif", b"<script"] {
            assert!(contains(&bytes, text) && !contains(&remade.bytes, text), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_only_begins_like_a_picture_is_none() {
        let whole = written(&noise(40, 20), ImageFormat::Png);
        for bytes in [
            &whole[..20],
            &b"\x89PNG\r\n\x1a\n<html>"[..],
            b"GIF89a\x01\0\x01\0<script>alert(1)</script>",
            b"\xFF\xD8\xFFphp",
        ] {
            let format = super::format(bytes).unwrap();
            assert!(remake(bytes, format).unwrap().is_none(), "{}", bytes.escape_ascii());
        }
        for bytes in [&b""[..], b"G", b"<svg xmlns=", b"%PDF-1.7", b"PK\x03\x04", b"BM______", b"II*\0____"] {
            assert_eq!(super::format(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    /// A PNG that says it is so large, and has no more than its header.
    fn said(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..]);
        bytes.extend(crc.sum().to_be_bytes());
        bytes.extend(b"\0\0\0\x01IDAT\0\0\0\0\0");
        bytes
    }

    #[test]
    fn a_picture_that_unpacks_to_too_much_is_refused_by_its_header() {
        let refused = |width, height| match remake(&said(width, height), ImageFormat::Png) {
            Err(Refused::Limit { max, .. }) => Some(max as u64),
            Ok(None) => None,
            other => panic!("{:?}", other.map(|_| ())),
        };
        let side = PICTURE_SIDE_MAX;
        assert_eq!(refused(side, 1), None, "as large as may be, and then torn");
        for (width, height) in [(side + 1, 1), (1, side + 1)] {
            assert_eq!(refused(width, height), Some(u64::from(side)));
        }
        assert_eq!(refused(5_000, 5_000), None);
        assert_eq!(refused(5_001, 5_000), Some(PICTURE_PIXELS_MAX));
        assert!(refused(u32::MAX / 2, u32::MAX / 2).is_some());
    }
}
