//! The pages of the demo shop, and how people move between them.

use fastrand::Rng;

/// A page: path, title, and how often it is entered by, in parts.
pub struct Page {
    pub path: &'static str,
    pub title: &'static str,
    entered: u32,
}

const fn page(path: &'static str, title: &'static str, entered: u32) -> Page {
    Page { path, title, entered }
}

/// Ordered so that neighbours are linked: people mostly move to a page near the one they are on.
pub const PAGES: [Page; 34] = [
    page("/", "Hearth & Leaf: tea worth the wait", 300),
    page("/teas", "All teas", 90),
    page("/teas/black", "Black teas", 40),
    page("/teas/black/assam", "Assam, second flush", 70),
    page("/teas/black/darjeeling", "Darjeeling, first flush", 60),
    page("/teas/black/keemun", "Keemun", 18),
    page("/teas/black/lapsang", "Lapsang souchong", 26),
    page("/teas/green", "Green teas", 30),
    page("/teas/green/sencha", "Sencha", 44),
    page("/teas/green/matcha", "Ceremonial matcha", 95),
    page("/teas/green/longjing", "Longjing", 15),
    page("/teas/oolong", "Oolong", 16),
    page("/teas/oolong/tieguanyin", "Tieguanyin", 12),
    page("/teas/herbal", "Herbal infusions", 22),
    page("/teas/herbal/mint", "Nana mint", 14),
    page("/teas/herbal/rooibos", "Rooibos", 17),
    page("/pots", "Pots & cups", 25),
    page("/pots/kyusu", "Tokoname kyusu", 20),
    page("/pots/gaiwan", "Porcelain gaiwan", 16),
    page("/pots/glass", "Glass teapot", 13),
    page("/gifts", "Gifts", 28),
    page("/gifts/tasting-box", "The tasting box", 48),
    page("/gifts/subscription", "A tea each month", 33),
    page("/journal", "Journal", 14),
    page("/journal/how-to-brew-sencha", "How to brew sencha without bitterness", 85),
    page("/journal/water", "Why your water matters", 36),
    page("/journal/a-morning-in-uji", "A morning in Uji", 19),
    page("/journal/cold-brew", "Cold brew in four hours", 52),
    page("/about", "About us", 12),
    page("/help/shipping", "Shipping", 15),
    page("/help/returns", "Returns", 6),
    page("/cart", "Your cart", 5),
    page("/checkout", "Checkout", 1),
    page("/thank-you", "Thank you!", 0),
];

const CART: usize = 31;

/// Where a visit enters.
pub fn entry(rng: &mut Rng) -> usize {
    weighted(rng, &PAGES, |page| page.entered)
}

/// The page after `current`: a neighbour mostly, sometimes anywhere, through the cart in order.
pub fn next(rng: &mut Rng, current: usize) -> usize {
    if current >= CART && current + 1 < PAGES.len() && rng.f64() < 0.6 {
        return current + 1;
    }
    match rng.u32(0..100) {
        0..55 => (current + rng.usize(1..4)) % CART,
        55..70 => current.saturating_sub(rng.usize(1..3)),
        70..78 if PAGES[current].path.starts_with("/teas/") => CART,
        70..90 => entry(rng),
        _ => 0,
    }
}

/// One of `items`, as often as its weight says.
pub fn weighted<T>(rng: &mut Rng, items: &[T], weight: impl Fn(&T) -> u32) -> usize {
    let total: u32 = items.iter().map(&weight).sum();
    let mut point = rng.u32(0..total);
    for (index, item) in items.iter().enumerate() {
        let part = weight(item);
        if point < part {
            return index;
        }
        point -= part;
    }
    0
}
