//! Pieces of templates in any order: little of it parses, and what does is odd.

use rand::RngExt as _;
use rand::rngs::StdRng;

pub(crate) const PIECES: &[&str] = &[
    "$x",
    "${x}",
    "$!{x}",
    "$m.a",
    "$m[\"a\"]",
    "$x[0]",
    "$x.size()",
    "$x.length()",
    "\\",
    "\\\\",
    "#",
    "$",
    "##",
    "#*",
    "*#",
    "#[[",
    "]]#",
    "#if($x == 1)",
    "#if(!$m)",
    "#else",
    "#elseif(false)",
    "#end",
    "#{end}",
    "#set($x = $x + $x)",
    "#set($x = \"$x$x\")",
    "#set($x = [$x, $x])",
    "#set($x = {\"a\": $x})",
    "#set($m.a = $m)",
    "#set($x[0] = $x)",
    "$x.add($x)",
    "$x.addAll($x)",
    "$m.put(\"a\", $x)",
    "#foreach($i in [1..2000])",
    "#foreach($x in $m)",
    "#stop",
    "#break",
    "#break($foreach.parent)",
    "#define($d)",
    "$d",
    "$d.a",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\n",
    " ",
    ",",
    "a",
    "true",
    "null",
    "1",
    "-1",
    "1.5",
    "1e308",
    "99999999999999999999",
    "==",
    "&&",
    " * ",
    "..",
    ":",
    "!",
    "$foreach.count",
    "$foreach.parent.hasNext",
    "#foo(1)",
    "#macro(q)",
    "#@b()",
    "#literal()",
    "$input.path(\"$..*\")",
    "$input.json('$')",
    "$input.path('$[?(@.a)]')",
    "$util.escapeJavaScript($x)",
    "$util.parseJson($input.body)",
    "$context",
    "$x.replaceAll(\"(a+)+b\", \"$0$0\")",
    "$x.split(\"\")",
    "$x.substring(1, 3)",
    "#set($x = $x * 99999999999)",
    "$x.format(\"%9999d\", 5)",
    "$x.hashCode()",
    "$x.equals($x)",
    "#set($x = [0..999999])",
    "é",
    "😀",
    "\r\n",
    "\u{1a}",
];

/// Up to forty pieces, in a third of the templates strewn over `other`.
pub(crate) fn template(random: &mut StdRng, other: &str) -> String {
    let pieces = random.random_range(1..40);
    let mut template = match random.random_range(0..3) {
        0 => other.to_owned(),
        _ => String::new(),
    };
    for _ in 0..pieces {
        let piece = PIECES[random.random_range(0..PIECES.len())];
        let mut at = if random.random_bool(0.5) { template.len() } else { random.random_range(0..=template.len()) };
        while !template.is_char_boundary(at) {
            at -= 1;
        }
        template.insert_str(at, piece);
    }
    template
}
