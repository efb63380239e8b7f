//! One line a size: each journey that is listed is a named test of it. One that is not listed is dead code, which the
//! compiler reports.

macro_rules! on_both_sizes {
    ($($journey:ident,)*) => {
        $crate::sizes::on_size! { on_embedded, Embedded, $($journey,)* }
        $crate::sizes::on_size! { on_a_cluster, Cluster, $($journey,)* }
    };
}
pub(crate) use on_both_sizes;

macro_rules! on_size {
    ($name:ident, $size:ident, $($journey:ident,)*) => {
        mod $name {
            $(#[tokio::test]
            async fn $journey() {
                super::$journey(world::Size::$size).await;
            })*
        }
    };
}
pub(crate) use on_size;
