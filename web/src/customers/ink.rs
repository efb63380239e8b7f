//! What can be read on the site's colour: white wherever it has the contrast that WCAG 2 asks for, else black. As `web/widget/src/colour.ts` has it,
//! which the page is spared.

/// White has a contrast of 4.5 to whatever is not lighter than this.
const DARK_MAX: f64 = 1.05 / 4.5 - 0.05;
/// Of red, green and blue in the light that is seen.
const SHARES: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// Of `#rrggbb`.
pub fn on(colour: &str) -> &'static str {
    if luminance(colour) > DARK_MAX { "#000000" } else { "#ffffff" }
}

fn luminance(colour: &str) -> f64 {
    let light = |place: usize| {
        let digits = colour.get(place * 2 + 1..place * 2 + 3).unwrap_or_default();
        let value = f64::from(u8::from_str_radix(digits, 16).unwrap_or_default()) / 255.0;
        if value > 0.03928 { ((value + 0.055) / 1.055).powf(2.4) } else { value / 12.92 }
    };
    SHARES.iter().enumerate().map(|(place, share)| share * light(place)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_stands_wherever_it_can_be_read() {
        for (colour, expected) in [
            ("#b8400e", "#ffffff"),
            ("#767676", "#ffffff"),
            ("#777777", "#000000"),
            ("#f2d13c", "#000000"),
            ("#000000", "#ffffff"),
            ("#ffffff", "#000000"),
        ] {
            assert_eq!(on(colour), expected, "{colour}");
        }
    }
}
