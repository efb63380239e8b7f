//! Cells of CSV.

use super::*;

#[test]
fn cells_that_are_formulas_become_text_and_others_stay() {
    let check = |cell: &str, expected: &str| {
        let mut out = Vec::new();
        line(&mut out, &["a", cell]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("a,{expected}\r\n"));
    };
    check("=1+1", "'=1+1");
    check("  @SUM(A1)", "'  @SUM(A1)");
    check("'=1", "''=1");
    check("-2", "'-2");
    check("\tx", "'\tx");
    check("/tea-time", "/tea-time");
    check("a,\"b\"\n", "\"a,\"\"b\"\"\n\"");
    check("=HYPERLINK(\"http://a\",\"b\")", "\"'=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\"");
    check("", "");
}
